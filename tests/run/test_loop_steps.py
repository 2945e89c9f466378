"""Loops that run between two plans: their compiled steps, against the same loop in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.run.loop_steps import ATTEMPTS, PATIENCE, LoopSteps

MANY = 4 * PATIENCE


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_all_steps_give_the_same_before_and_after_the_body_is_compiled(backend: str) -> None:
    w, count = np.random.RandomState(0).randn(3, 3) / 2, tf.placeholder(tf.int32, [])
    seen = tf.placeholder(tf.float64, [None, 3])

    def body(i: Any, x: Any) -> Any:
        return i + 1, tf.tanh(tf.matmul(x, tf.constant(w)) + tf.cast(i, tf.float64))

    _, last = tf.while_loop(lambda i, x: i < count, body, [0, seen])
    with tf.Session(backend=backend) as session:
        for rows, steps in [(2, MANY), (2, 1), (5, MANY), (2, MANY), (5, 0)]:
            x = np.ones([rows, 3])
            wanted = x
            for i in range(steps):
                wanted = np.tanh(wanted @ w + i)
            np.testing.assert_allclose(session.run(last, {count: steps, seen: x}), wanted, rtol=1e-9)


def test_a_body_is_compiled_for_few_shapes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    compile_ = LoopSteps._compile
    monkeypatch.setattr(LoopSteps, "_compile", lambda self, *of: [compile_(self, *of), made.append(of)][0])
    size = tf.placeholder(tf.int32, [])
    start = tf.zeros(tf.stack([size]))
    found = tf.while_loop(lambda i, x: i < MANY, lambda i, x: (i + 1, x + 1.0), [0, start])[1]
    growing = tf.while_loop(
        lambda i, x: i < MANY, lambda i, x: (i + 1, tf.concat([x, x[:1] + 1.0], 0)), [0, tf.zeros([1])],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )[1]  # fmt: skip
    with tf.Session(backend="numpy") as session:
        for n in range(1, ATTEMPTS + 4):
            assert np.array_equal(session.run(found, {size: n}), np.full(n, MANY, np.float32))
        assert len(made) == ATTEMPTS
        assert session.run(growing).tolist() == [0.0] + [1.0] * MANY
        assert len(made) == ATTEMPTS


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_an_array_that_is_fed_again_with_other_numbers_is_read_again(backend: str) -> None:
    x, count = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.int32, [])
    found = tf.while_loop(lambda i, s: i < count, lambda i, s: (i + 1, s + x), [0, tf.zeros([3])])[1]
    fed = np.zeros(3, np.float32)
    with tf.Session(backend=backend) as session:
        for k in range(4):
            fed[:] = k
            assert session.run(found, {x: fed, count: MANY}).tolist() == [k * MANY] * 3
