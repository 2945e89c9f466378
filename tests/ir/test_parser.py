"""The text of programs: what is printed is read back, and a wrong text is refused with line and column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs import program_of
from support.random_graphs import Case, random_graphs

import minigraph as tf
from minigraph.core.dtypes import float32, float64, int32
from minigraph.core.op import REGISTRY
from minigraph.core.types import TensorType
from minigraph.ir.packed import Packed, pack
from minigraph.ir.parser import ProgramSyntaxError, parse_program
from minigraph.ir.printer import LARGE, format_attribute, format_program
from minigraph.ir.program import Builder, Program
from minigraph.ir.verifier import verify_program
from minigraph.ops.constant import Const
from minigraph.ops.filling import Full
from minigraph.ops.math.exponential import Exp
from minigraph.passes import PIPELINES
from minigraph.passes.fuse_blocks import FuseBlocks
from minigraph.passes.winograd import WinogradPass
from minigraph.rewrite.pipeline import run_pipeline

QUICK = settings(max_examples=60)


def read_back(program: Program) -> Program:
    """The program parsed from its own text, of the same text and ops."""
    text = format_program(program)
    parsed = parse_program(text)
    assert format_program(parsed) == text
    assert [i.op for i in parsed.instrs] == [i.op for i in program.instrs]
    assert parsed.feeds == program.feeds
    verify_program(parsed)
    return parsed


@QUICK
@given(random_graphs())
def test_random_programs_are_read_back_before_and_after_the_passes(case: Case) -> None:
    tensors = [f for f in case.fetches if isinstance(f, tf.Tensor)]
    program = program_of(tensors, case.feeds)
    read_back(program)
    read_back(run_pipeline(program, PIPELINES["O3"])[0])


def training_step() -> Program:
    x = tf.placeholder(tf.float32, [5, 8, 8, 2])
    y = tf.nn.conv2d(x, tf.Variable(tf.random_normal([3, 3, 2, 4])), [1, 1, 1, 1], "SAME")
    y = tf.nn.relu(tf.nn.bias_add(y, tf.Variable(tf.zeros([4]))))
    y = tf.nn.dropout(tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), 0.5)
    loss = tf.reduce_mean(tf.square(y))
    return program_of([loss], [x], [tf.train.AdamOptimizer(0.1).minimize(loss)])


def test_every_region_and_joint_update_of_a_training_step_is_read_back() -> None:
    passes = [*PIPELINES["O3"], FuseBlocks(min_edge=0, min_saved=0)]
    program = run_pipeline(training_step(), passes)[0]
    text = format_program(read_back(program))
    for name in ("Loop(", "Epilogue(", "Blocked(", "MultiTensorApply("):
        assert name in text


def test_winograd_hoisted_and_packed_operands_are_read_back() -> None:
    x = tf.placeholder(tf.float32, [5, 8, 8, 2])
    y = tf.nn.conv2d(x, tf.Variable(tf.zeros([3, 3, 2, 4])), [1, 1, 1, 1], "SAME")
    program = program_of([tf.nn.relu(y)], [x])
    kept = run_pipeline(program, [WinogradPass(margin=float("inf")), *PIPELINES["O3"]])[0]
    assert "Hoist(" in format_program(read_back(kept))
    packed = pack(program, lambda op, types: {1: types[1]} if type(op).__name__ == "Conv2D" else {})
    assert any(isinstance(i.op, Packed) for i in read_back(packed).instrs)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_attributes_of_every_op_are_read_back(name: str) -> None:
    """As those of an op within another, which needs no operands."""
    for sample in REGISTRY[name].samples():
        attribute = format_attribute(sample.op)
        if "<" in attribute:
            continue  # a function, or another object, which no text tells
        text = f"%1 = Packed(%0) {{op={attribute}, types=(), position=0, to=float32[]}}\nreturn"
        op = parse_program(f"%0 = Feed() {{slot=0, type=float32[]}}\n{text}").instrs[1].op
        assert isinstance(op, Packed)
        assert op.op == sample.op


@pytest.mark.parametrize(
    "value",
    [
        *(np.array(v, np.float32) for v in (0.1, -0.0, np.nan, np.inf, -np.inf, 1e-20, [], [[1, 2]])),
        np.array([True, False]),
        np.array(2**63, np.uint64),
        np.array(0.1, np.float16),
        np.full((9, 9), -0.0, np.float32),
        np.full((9, 9), np.nan),
    ],
    ids=str,
)
def test_constants_are_read_back_to_the_bit(value: np.ndarray) -> None:
    instr = Builder().add(Const(value))
    program = Program((instr,), (), ())
    found = parse_program(format_program(program)).instrs[0].op
    assert found == instr.op


@pytest.mark.parametrize("value", [0, 1.0, -0.0, True, np.float32(0.1), np.bool_(True), np.int64(-3)], ids=repr)
def test_numbers_keep_their_types(value: Any) -> None:
    instr = Builder().add(Full(TensorType(float64, (2,)), value))
    assert parse_program(format_program(Program((instr,), (), ()))).instrs[0].op == instr.op


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_string_is_read_back(name: str) -> None:
    text = f"%0 = Cell() {{name={format_attribute(name)}, type=int32[3]}}\nreturn %0"
    assert parse_program(text).instrs[0].op.name == name  # type: ignore[attr-defined]


def test_a_feed_that_nothing_reads_is_listed() -> None:
    x = tf.placeholder(tf.float32, [2])
    y = tf.placeholder(tf.int32, [])
    program = program_of([tf.exp(x)], [x, y])
    assert format_program(program).startswith("feeds float32[2], int32[]\n")
    assert read_back(program).feeds == (TensorType(float32, (2,)), TensorType(int32, ()))


def test_a_program_by_hand_may_leave_out_types_defaults_and_numbers() -> None:
    program = parse_program("""
        # y = exp(2x)
        %x = Feed() {slot=0, type=float32[2]}

        %two = Const() {value=float32[](2.0)}
        %twice = Mul(%x, %two)  # doubled at model.py:7
        %y = Exp(%twice) ^%two : float32[2]
        return %y, %y
    """)
    assert format_program(program).splitlines() == [
        "%0 = Feed() {slot=0, type=float32[2]} : float32[2]  # Feed#0",
        "%1 = Const() {value=float32[](2.0)} : float32[]  # Const#1",
        "%2 = Mul(%0, %1) : float32[2]  # doubled at model.py:7",
        "%3 = Exp(%2) ^%1 : float32[2]  # Exp#3",
        "return %3, %3",
    ]
    assert isinstance(program.instrs[3].op, Exp)
    assert format_program(program, names=False).splitlines()[3] == "%3 = Exp(%2) ^%1 : float32[2]"


def test_large_constants_are_shown_by_a_digest_and_refused() -> None:
    texts = []
    for first in (1.0, 2.0):
        value = np.zeros(LARGE + 1, np.float32)
        value[0] = first
        texts.append(format_program(Program((Builder().add(Const(value)),), (), ())))
    assert texts[0] != texts[1]
    with pytest.raises(ProgramSyntaxError, match=r"line 1, column 32: .* shown by a digest cannot be read back"):
        parse_program(texts[0])


X = "%x = Feed() {slot=0, type=float32[2]}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: expected an instruction, or 'return', found the end of the text"),
        (X, "line 2, column 1: expected an instruction, or 'return', found the end of the text"),
        (X + "%y = Exp(%z)\nreturn %y", "line 2, column 10: %z is not defined"),
        (X + "%y = Expo(%x)\nreturn %y", "line 2, column 6: there is no op Expo"),
        (X + "%x = Exp(%x)\nreturn %x", "line 2, column 1: %x is defined twice"),
        (X + "%y = Exp(%x.1)\nreturn %y", "line 2, column 10: %x has 1 outputs"),
        (
            X + "%y = Exp(%x) : float32[3]\nreturn %y",
            "line 2, column 6: the rule of Exp gives float32[2], not float32[3]",
        ),
        (X + "%y = Exp(%x) {k=1}\nreturn %y", "line 2, column 15: Exp has no attribute 'k'; it has none"),
        (X + "%y = MatMul(%x, %x)\nreturn %y", "line 2, column 6: MatMul does not take these operands"),
        (X + "%y = Transpose(%x) {perm=(0 1)}\nreturn %y", "line 2, column 29: expected ')', found '1)}'"),
        (X + "%y = Exp(%x) Tanh(%x)\nreturn %y", "line 2, column 14: expected the end of the line, found 'Tanh(%x)'"),
        (X + "%y = Exp(%x\nreturn %y", "line 2, column 12: expected ')', found the end of the line"),
        (X + "%y = Cast(%x) {dtype=float33}\nreturn %y", "line 2, column 22: float33 is neither a dtype nor an op"),
        (X + "return %x\nreturn %x", "line 3, column 1: expected the end of the text, found 'return %x'"),
        (X + "%y = Exp(%x) : foo[2]\nreturn %y", "line 2, column 16: foo is not a dtype"),
        ("%c = Const() {value=float32[2](1.0)}\nreturn", "line 1, column 21: 1 numbers do not fill float32[2]"),
        ("%f = Feed() {slot=1, type=float32[2]}\nreturn", "the feed of slot 1 does not fit the program's feeds"),
        ("%f = Feed() {slot=1}\nreturn", "line 1, column 6: Feed needs the attribute 'type'"),
        (X + "%y = Loop(%x) {space=(2,)}\nreturn %y", "line 2, column 27: expected '{', found the end of the line"),
        (X + "%y = PyFunc(%x) {function=<function>}\nreturn", "line 2, column 27: this attribute cannot be read back"),
    ],
)
def test_wrong_texts_are_refused_where_they_are_wrong(text: str, message: str) -> None:
    with pytest.raises(ProgramSyntaxError) as error:
        parse_program(text)
    assert str(error.value).startswith(message) or message in str(error.value)
