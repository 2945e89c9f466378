"""Loops that compute operands themselves: when, when not, and equal bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_unchanged, run

import minigraph as tf
from minigraph.ir.regions import Loop
from minigraph.passes.inline_operands import inline_operands


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
    made = run(inline_operands, text).program
    found = [i for i in made.instrs if isinstance(i.op, Loop)]
    assert len(found[1].inputs) == 3
    check_unchanged(inline_operands, text.replace("return %z", "return %y, %z"))  # the array is stored anyway


@pytest.mark.parametrize(
    ("make", "read"),
    [
        ("%m = Exp(%x)\n%r = Maximum(%m, %s)", "y x g"),
        ("%m = Mul(%x, %s)\n%r = Maximum(%m, %s)", "y g"),
    ],
    ids=["a costly function", "a further array"],
)
def test_what_costs_more_is_read(make: str, read: str) -> None:
    reader = loop("z", read, "%p = Mul(%y, %g)\n%q = Add(%p, %g)", "%q")
    check_unchanged(inline_operands, FEEDS + loop("y", "x s", make, "%r") + reader + "return %y, %z")


def trained(disabled: list[str], backend: str) -> list[np.ndarray]:
    """The variables after three steps of a network with batch normalisation and a residual connection."""
    rng = np.random.RandomState(0)
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.constant(rng.randn(4, 6, 6, 8).astype(np.float32))
        y = x
        for _ in range(2):
            y = tf.layers.conv2d(y, 8, 3, padding="same", use_bias=False)
            y = tf.nn.relu(tf.layers.batch_normalization(y, training=True)) + x
        loss = tf.reduce_mean(tf.square(y))
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            step: Any = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        with tf.Session(backend=backend, disable_passes=disabled) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(step)
            return session.run(tf.global_variables())


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_training_has_the_same_bits(backend: str) -> None:
    for one, other in zip(trained([], backend), trained(["inline_operands", "fuse_update"], backend), strict=True):
        np.testing.assert_array_equal(one, other)
