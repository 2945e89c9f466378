"""Programs of many pointwise operations: time and depth grow with their number, not with the paths through them."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf
from minigraph.ir.regions import Loop

on_hosts = pytest.mark.parametrize("backend", ["numpy", "llvm"])


@on_hosts
@pytest.mark.parametrize("with_gradient", [False, True])
def test_values_that_are_used_twice_again_and_again(backend: str, with_gradient: bool) -> None:
    """As a tree, the last expression would have 2⁶⁰ leaves."""
    x = y = tf.placeholder(tf.float64, [37])
    for _ in range(60):
        y = y * y * 0.5 + y * 0.5
    (slope,) = tf.gradients(y, x)
    start = np.linspace(0.1, 0.99, 37)
    value, factor = start, np.ones(37)
    for _ in range(60):
        factor = factor * (value + 0.5)
        value = value * value * 0.5 + value * 0.5
    with tf.Session(backend=backend) as session:
        if with_gradient:
            np.testing.assert_allclose(session.run(slope, {x: start}), factor, rtol=1e-9)
        else:
            np.testing.assert_allclose(session.run(y, {x: start}), value, rtol=1e-9)


@on_hosts
@pytest.mark.parametrize(
    ("length", "with_gradient"),
    [(3_000, False), (3_000, True), pytest.param(20_000, False, marks=pytest.mark.slow)],
)
def test_long_chains(backend: str, length: int, with_gradient: bool) -> None:
    x = y = tf.placeholder(tf.float64, [37])
    for _ in range(length):
        y = y * 0.999 + 0.001
    fetched = tf.gradients(y, x)[0] if with_gradient else y
    start = np.linspace(-1, 1, 37)
    expected = np.full(37, 0.999**length) if with_gradient else 1 + (start - 1) * 0.999**length
    with tf.Session(backend=backend) as session:
        np.testing.assert_allclose(session.run(fetched, {x: start}), expected, rtol=1e-6, atol=1e-15)
        plan, _ = session.plan_for(fetched, {x: start})
        sizes = [len(i.op.members) for i in plan.program.instrs if isinstance(i.op, Loop)]
    assert max(sizes, default=0) <= 256
