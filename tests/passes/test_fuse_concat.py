"""The pass fuse_concat and `backends/llvm/join.py`: which operands are stored in place or copied, and the bits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed

import minigraph as tf
from minigraph.compile import blocks
from minigraph.ir.printer import format_program
from minigraph.ops.array.joining import ConcatV2
from minigraph.ops.builder import apply
from minigraph.ops.nn.conv2d import Conv2D
from minigraph.ops.nn.max_pool import MaxPool
from minigraph.ops.nn.winograd_costs import Costs
from minigraph.passes.fuse_blocks import FuseBlocks
from minigraph.passes.fuse_concat import FuseConcat
from minigraph.passes.winograd import winograd

PASSES = [
    replace(winograd, costs=Costs(tiles=0, filters=0, columns=9, multiple=16)),
    *("hoist", "fuse_pointwise", "fuse_epilogue", "fuse_concat"), FuseBlocks(min_edge=1, min_saved=1),
]  # fmt: skip
FUSE = FuseConcat(makers=(Conv2D, MaxPool))


# on LLVM


def filters(*shape: int) -> Any:
    return tf.Variable(np.random.RandomState(len(shape)).randn(*shape).astype(np.float32))


def conv(x: Any, w: Any, strides: int = 1, bias: bool = True) -> Any:
    y = tf.nn.conv2d(x, w, strides, "SAME")
    return tf.nn.relu(tf.nn.bias_add(y, tf.Variable(tf.range(0.0, w.shape[3].value)))) if bias else y


def branches(x: Any, few: Any) -> list[Any]:
    """One operand for each kind of kernel: what is stored in place, and what is copied."""
    twice = conv(x, filters(1, 1, 16, 8))
    return [
        conv(x, filters(1, 1, 16, 9)),
        x,
        conv(x, filters(3, 3, 16, 16)),  # by Winograd
        conv(few, filters(3, 3, 3, 9), 2),
        tf.nn.relu(tf.nn.depthwise_conv2d(x, filters(3, 3, 16, 1), [1, 1, 1, 1], "SAME")),
        apply(Conv2D(groups=2), x, filters(1, 1, 8, 6).value()),
        tf.nn.max_pool(x, 3, 1, "SAME"),
        tf.nn.avg_pool(x, 3, 1, "SAME"),
        conv(x, filters(1, 1, 16, 16)) + x,
        twice,
        twice,
    ]


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_a_concatenation_has_the_bits_of_its_operands(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(blocks, "TARGET", 20_000)
    x, few = tf.placeholder(tf.float32, [None, 8, 7, 16]), tf.placeholder(tf.float32, [None, 16, 14, 3])
    parts = branches(x, few)
    whole = tf.concat(parts, -1)
    random = np.random.RandomState(0)
    feed = {t: random.randn(batch, *t.shape.as_list()[1:]).astype(np.float32) for t in (x, few)}
    with tf.Session(backend="llvm", passes=PASSES) as session:
        session.run(tf.global_variables_initializer())
        apart = session.run(parts, feed)
        np.testing.assert_array_equal(session.run(whole, feed), np.concatenate(apart, -1))
        program = session.plan_for(whole, feed)[0].program
    assert "Winograd" in format_program(program)
    assert not any(isinstance(i.op, ConcatV2) for i in program.instrs)


# as text


START = "feed %x float32[2,4,4,3]\nfeed %w float32[1,1,3,5]\n"
CONV = START + "%y = Conv2D(%x, %w) {padding=((0, 0), (0, 0))}\n"
JOIN = """%z = {name}(%x, %w) {{
      feed %x float32[2,4,4,3]
      feed %w float32[1,1,3,5]
      %y = Conv2D(%x, %w) {{padding=((0, 0), (0, 0))}}
      %z = ConcatV2({operands}) {{axis=3}}
      return %z
    }}
    return %z
"""


@pytest.mark.parametrize("operands", ["%y, %x", "%x, %y", "%x, %y, %x"])
def test_one_operand_is_enough(operands: str) -> None:
    check(
        FUSE,
        f"{CONV}%z = ConcatV2({operands}) {{axis=3}}\nreturn %z",
        START + JOIN.format(name="Join", operands=operands),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CONV + "%z = ConcatV2(%y, %y) {axis=2}\nreturn %z", "the axis is not the last one"),
        (CONV + "%z = ConcatV2(%y, %y) {axis=3}\nreturn %z", "it has other readers"),
        (CONV + "%z = ConcatV2(%y, %x) {axis=3}\nreturn %z, %y", "it has other readers"),
        (CONV + "%r = Relu(%y)\n%z = ConcatV2(%r, %x) {axis=3}\nreturn %z", "Relu cannot store rows that are apart"),
        (START + "%z = ConcatV2(%x, %x) {axis=3}\nreturn %z", "Feed cannot store rows that are apart"),
    ],
)
def test_conditions(text: str, reason: str) -> None:
    check_missed(FUSE, text, reason)


def test_a_backend_that_says_nothing_joins_nothing() -> None:
    check_missed(
        FuseConcat(), CONV + "%z = ConcatV2(%y, %x) {axis=3}\nreturn %z", "Conv2D cannot store rows that are apart"
    )
