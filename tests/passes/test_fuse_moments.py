"""Mean and variance of the same elements become one instruction; what stops that.

Tests `ir/moments.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed, check_unchanged

import minigraph as tf
from minigraph.ir.moments import Moments
from minigraph.passes.fuse_moments import FuseMoments, fuse_moments

HERE = FuseMoments(dtypes=("float32",))
TEXT = """
    feed %x float32[5,3,4]
    %m = Mean(%x) {axis=(0, 1), keep_dims=True}
    %d = SquaredDifference(%x, %m)
    %v = Mean(%d) {axis=(0, 1), keep_dims=False}
    return %m, %v
"""


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("SquaredDifference(%x, %m)", "Sub(%x, %m)\n%e = Square(%d)")])
def test_mean_and_variance_are_one_instruction(text: str) -> None:
    text = text.replace("Mean(%d)", "Mean(%e)") if "%e" in text else text
    after = "feed %x float32[5,3,4]\n%m = Moments(%x)\n%v = Reshape(%m.1) {shape=(4,)}\nreturn %m, %v"
    check(HERE, text, after, exact=False)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("axis=(0, 1)", "axis=(1,)", "the means are not over all axes but the last"),
        ("float32", "float64", "there is no kernel for float64"),
        ("%m = Mean(%x)", "feed %y float32[5,3,4]\n%x2 = Exp(%y)\n%m = Mean(%x2)",
         "what is averaged need not be stored"),
        ("%v = Mean(%d) {axis=(0, 1), keep_dims=False}", "%v = Mean(%d) {axis=(0, 1), keep_dims=False} ^%d",
         "it has control inputs"),
        ("[5,3,4]", "[0,3,4]", "what is averaged is empty"),
        ("[5,3,4]", "[5,3,1]", "what is averaged has no last axis longer than 1"),
    ],
    ids=["other axes", "another dtype", "of a pointwise result", "control inputs", "empty", "one column"],
)  # fmt: skip
def test_other_pairs_stay(old: str, new: str, reason: str) -> None:
    text = TEXT.replace(old, new)
    check_missed(HERE, text.replace("(%x, %m)", "(%x2, %m)") if "%x2" in text else text, reason)


@pytest.mark.parametrize("old", ["(%x, %m)", "keep_dims=True"])
def test_other_differences_are_no_variance(old: str) -> None:
    new = {"(%x, %m)": "(%y, %m)", "keep_dims=True": "keep_dims=False"}[old]
    check_unchanged(HERE, TEXT.replace(old, new).replace("[5,3,4]\n", "[5,3,4]\nfeed %y float32[5,3,4]\n"))


def test_backends_without_a_kernel_keep_both() -> None:
    check_missed(fuse_moments, TEXT, "there is no kernel for float32")


def test_another_batch_size_replays_the_fusion() -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    filters: Any = tf.constant(np.eye(4, dtype=np.float32))
    found = tf.nn.moments(tf.matmul(x, filters), [0])
    with tf.Session(backend="numpy", passes=[HERE]) as session:
        for n in (5, 8, 3):
            value = np.random.RandomState(n).randn(n, 4)
            mean, variance = session.run(found, {x: value})
            np.testing.assert_allclose(mean, value.mean(0), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(variance, value.var(0), rtol=1e-5)
        plans = session._runner.cache.plans
        assert all(any(isinstance(s.instr.op, Moments) for s in p.steps) for p in plans)
        assert np.isnan(session.run(found, {x: np.zeros([0, 4])})).all()
        assert not any(isinstance(s.instr.op, Moments) for s in session.plan_for(found, {x: np.zeros([0, 4])})[0].steps)
