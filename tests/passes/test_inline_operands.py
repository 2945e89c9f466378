"""Loops that compute operands themselves: when, when not, and equal bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_unchanged, run

import minigraph as tf
from minigraph.ir.regions import Loop
from minigraph.passes import ALL
from minigraph.passes.inline_operands import FEW, MOST, InlineOperands, inline_operands


def loop(name: str, operands: str, ops: str, result: str, space: str = "(32, 16)") -> str:
    kinds = {"x": "[32,16]", "y": "[32,16]", "g": "[32,16]", "h": "[32,16]", "s": "[16]"}
    feeds = "".join(f"feed %{c} float32{kinds[c]}\n" for c in operands.split())
    inputs = ", ".join(f"%{c}" for c in operands.split())
    return f"%{name} = Loop({inputs}) {{space={space}}} {{\n{feeds}{ops}\nreturn {result}\n}}\n"


FEEDS = "feed %x float32[32,16]\nfeed %g float32[32,16]\nfeed %s float32[16]\n"
SCALED = loop("y", "x s", "%m = Mul(%x, %s)\n%r = Maximum(%m, %s)", "%r")


def test_a_stored_operand_of_operands_that_are_read_anyway_is_computed() -> None:
    after = loop("z", "x g s", "%m = Mul(%x, %s)\n%r = Maximum(%m, %s)\n%p = Mul(%r, %g)\n%q = Add(%p, %x)", "%q")
    check(
        inline_operands,
        FEEDS + SCALED + loop("z", "y x g", "%p = Mul(%y, %g)\n%q = Add(%p, %x)", "%q") + "return %y, %z",
        FEEDS + SCALED + after + "return %y, %z",
    )


def test_an_operand_that_nothing_else_reads_may_need_one_other_array() -> None:
    two = loop("y", "x s", "%m = Mul(%x, %s)\n%t = SumTo(%m) {shape=(16,)}", "%m, %t")
    text = FEEDS + two + loop("z", "y g", "%p = Mul(%y, %g)\n%q = Add(%p, %g)", "%q") + "return %z, %y.1"
    keeping = InlineOperands(keeps_sums=True)
    found = [i for i in run(keeping, text).program.instrs if isinstance(i.op, Loop)]
    assert [len(i.inputs) for i in found] == [2, 3]
    check_unchanged(keeping, text.replace("return %z", "return %y, %z"))  # the array is stored anyway
    check_unchanged(inline_operands, text)  # without the array, the loop might add in another order


def test_a_loop_that_stores_less_has_no_operands_that_it_does_not_read() -> None:
    ops = "%m = Mul(%x, %s)\n%n = Neg(%g)"
    text = FEEDS + loop("y", "x s g", ops, "%m, %n") + loop("z", "y g", "%p = Mul(%y, %g)\n%q = Add(%p, %g)", "%q")
    found = [i for i in run(inline_operands, text + "return %z, %y.1").program.instrs if isinstance(i.op, Loop)]
    assert [len(i.inputs) for i in found] == [1, 3]


@pytest.mark.parametrize(
    ("make", "read"),
    [
        ("%m = Exp(%x)\n%r = Maximum(%m, %s)", "y x g"),
        ("%m = Mul(%x, %s)\n%r = Maximum(%m, %s)", "y g"),
        ("%c = Cast(%x) {dtype=float16}\n%d = Cast(%c) {dtype=float32}\n%r = Exp(%d)", "y x g"),
    ],
    ids=["a costly function", "a further array", "a costly function of casts"],
)
def test_what_costs_more_is_read(make: str, read: str) -> None:
    reader = loop("z", read, "%p = Mul(%y, %g)\n%q = Add(%p, %g)", "%q")
    check_unchanged(inline_operands, FEEDS + loop("y", "x s", make, "%r") + reader + "return %y, %z")


def test_a_loop_that_would_grow_too_large_and_one_that_waits_stay() -> None:
    reader = loop("z", "y x g", "%p = Mul(%y, %g)\n%q = Add(%p, %x)", "%q")
    text = FEEDS + SCALED + reader + "return %y, %z"
    check_unchanged(InlineOperands(max_members=3), text)
    assert run(InlineOperands(max_members=4), text).applied
    waits = reader.replace("space=(32, 16)}", "space=(32, 16)} ^%w")
    check_unchanged(inline_operands, "cell %v float32[3]\nfeed %f float32[3]\n%w = Assign(%v, %f)\n"
                    + FEEDS + SCALED + waits + "return %y, %z")  # fmt: skip


SCALE = loop("k", "s", "%r = Sqrt(%s)\n%q = RealDiv(%s, %r)", "%r, %q", "(16,)")
SMALL = InlineOperands(small_operands=True)
READS_SCALE = (
    "Loop(%x, %k, %k.1) {space=(32, 16)} {\nfeed %a float32[32,16]\nfeed %b float32[16]\nfeed %c float32[16]\n"
)
READS_SCALE += "%p = Mul(%a, %b)\n%q = Add(%p, %c)\nreturn %q\n}\n"


def test_a_small_operand_that_only_loops_read_is_computed_in_each() -> None:
    text = FEEDS + SCALE + f"%z = {READS_SCALE}%w = {READS_SCALE.replace('%x', '%g')}return %z, %w"
    found = [i for i in run(SMALL, text).program.instrs if isinstance(i.op, Loop)]
    assert [i.op.space for i in found] == [(32, 16), (32, 16)]
    assert [len(i.inputs) for i in found] == [2, 2]
    check_unchanged(inline_operands, text)


ROOTS = "%a0 = Sqrt(%s)\n" + "".join(f"%a{n + 1} = Sqrt(%a{n})\n" for n in range(MOST)) + "%q = Neg(%a8)"


@pytest.mark.parametrize(
    ("make", "result"),
    [
        (SCALE + f"%t = {READS_SCALE.replace('16)}', '16)} ^%w')}", "%z, %t"),
        (loop("k", "s", ROOTS, "%a8, %q", "(16,)"), "%z"),
        (SCALE, "%z, %k, %k.1"),
        (loop("k", "s", "%r = Exp(%s)\n%q = Tanh(%s)", "%r, %q", "(16,)"), "%z"),
        (SCALE.replace("space=(16,)}", "space=(16,)} ^%w"), "%z"),
    ],
    ids=["a reader waits", "many roots", "others read it", "costly functions", "it waits"],
)
def test_a_small_operand_is_read(make: str, result: str) -> None:
    waits = "cell %v float32[3]\nfeed %f float32[3]\n%w = Assign(%v, %f)\n"
    check_unchanged(SMALL, waits + FEEDS + make + f"%z = {READS_SCALE}return {result}")


@pytest.mark.parametrize(("rows", "read"), [(FEW // 16, 1), (FEW // 16 + 1, 2)])
def test_a_small_operand_has_few_elements_or_is_many_times_smaller(rows: int, read: int) -> None:
    """read: the loops that are left."""
    kind, space = f"float32[{rows},16]", f"(2, {rows}, 16)"
    text = (
        f"feed %x float32[2,{rows},16]\nfeed %s {kind}\n"
        f"%y = Loop(%s) {{space=({rows}, 16)}} {{\nfeed %a {kind}\n%m = Neg(%a)\n%r = Square(%m)\nreturn %r\n}}\n"
        f"%z = Loop(%x, %y) {{space={space}}} {{\nfeed %a float32[2,{rows},16]\nfeed %b {kind}\n"
        "%p = Mul(%a, %b)\n%q = Neg(%p)\nreturn %q\n}\nreturn %z"
    )
    assert len([i for i in run(SMALL, text).program.instrs if isinstance(i.op, Loop)]) == read


def test_a_float16_operand_is_read() -> None:
    """It is rounded where it is stored."""
    reader = loop("z", "y x g", "%h = Cast(%y) {dtype=float32}\n%p = Mul(%h, %g)\n%q = Add(%p, %x)", "%q")
    make = loop("y", "x s", "%m = Mul(%x, %s)\n%r = Cast(%m) {dtype=float16}", "%r")
    text = FEEDS + make + reader.replace("feed %y float32", "feed %y float16") + "return %y, %z"
    check_unchanged(inline_operands, text)


def test_a_small_operand_inside_does_not_keep_a_large_one_from_being_computed() -> None:
    text = FEEDS + SCALE + f"%y = {READS_SCALE}" + loop("z", "y x g", "%p = Mul(%y, %g)\n%q = Add(%p, %x)", "%q")
    found = [i for i in run(SMALL, text + "return %y, %z").program.instrs if isinstance(i.op, Loop)]
    assert [[v.type.static for v in i.inputs] for i in found] == [[(32, 16), (16,)], [(32, 16), (32, 16), (16,)]]


def trained(disabled: list[str], backend: str, passes: Any = None) -> tuple[list[np.ndarray], int]:
    """The variables after two steps of a network with batch normalisation and a residual connection; how many loops
    compute operands themselves."""
    rng = np.random.RandomState(0)
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.constant(rng.randn(4, 5, 5, 8).astype(np.float32))
        y = x
        for _ in range(2):
            y = tf.layers.conv2d(y, 8, 3, padding="same", use_bias=False)
            y = tf.nn.relu(tf.layers.batch_normalization(y, training=True)) + x
        loss = tf.reduce_mean(tf.square(y))
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            step: Any = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        with tf.Session(backend=backend, passes=passes, disable_passes=disabled) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                session.run(step)
            stages = [s for p in session._runner.cache.plans for s in p.stages if s.name == "inline_operands"]
            return session.run(tf.global_variables()), sum(len(s.applied) for s in stages)


@pytest.mark.parametrize("backend", ["numpy", pytest.param("llvm", marks=pytest.mark.slow)])
def test_training_has_the_same_bits(backend: str) -> None:
    plain, none = trained(["inline_operands", "fuse_update"], backend)
    mine, count = trained([], backend)
    most, more = trained([], backend, [SMALL if p is inline_operands else p for p in ALL])
    assert more > count > none == 0
    for one, other, third in zip(mine, most, plain, strict=True):
        np.testing.assert_array_equal(one, third)
        np.testing.assert_array_equal(other, third)


def test_sums_beside_an_operand_have_the_same_bits() -> None:
    pytest.importorskip("llvmlite")
    random = np.random.RandomState(0)
    x, (a, b) = tf.placeholder(tf.float32, [None, 300, 64]), random.randn(2, 64).astype(np.float32)
    y = x * a
    s = tf.reduce_sum(y, [0, 1])
    found = [s, tf.tanh((y + b) - s)]
    feed = {x: random.randn(3, 300, 64)}
    results = []
    for disabled in ([], ["inline_operands"]):
        with tf.Session(backend="llvm", disable_passes=disabled) as session:
            results.append(session.run(found, feed))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
