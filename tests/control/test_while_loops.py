"""Loops: gradients of second order, random numbers, effects, and backends, against graphs that are unrolled by hand.

Tests `control/`, `ir/scan.py` and `ir/scan_gradient.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph as tf

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]], np.float32)


def step(state: Any, row: Any) -> Any:
    return tf.tanh(state * row) + row


def looped(x: tf.Tensor) -> tf.Tensor:
    return tf.scan(step, x)


def repeated(x: tf.Tensor) -> tf.Tensor:
    """The same by a loop on the host that writes into an array."""

    def body(i: Any, state: Any, out: Any) -> Any:
        new = step(state, x[0] * 0.0 + tf.gather(x, i))
        return i + 1, new, out.write(i, new)

    out = tf.TensorArray(tf.float32, 3).write(0, x[0])
    return tf.while_loop(lambda i, *_: i < 3, body, (1, x[0], out))[2].stack()


def unrolled(x: tf.Tensor) -> tf.Tensor:
    states = [x[0]]
    for k in (1, 2):
        states.append(step(states[-1], x[k]))
    return tf.stack(states)


def derivatives(function: Callable[[tf.Tensor], tf.Tensor], backend: str) -> list[np.ndarray]:
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        x = tf.placeholder(tf.float32, [None, 2])
        y = function(x)
        (slope,) = tf.gradients(y * y, x)
        (curvature,) = tf.gradients(slope * slope, x)
        return session.run([y, slope, curvature], {x: X})


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("function", [looped, repeated])
def test_derivatives_are_those_of_the_unrolled_graph(function: Any, backend: str) -> None:
    def unrolled_of_known(x: tf.Tensor) -> tf.Tensor:
        x.set_shape([3, 2])
        return unrolled(x)

    want = derivatives(unrolled_of_known, "numpy")
    for got, expected in zip(derivatives(function, backend), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_a_random_op_draws_for_each_step_and_once_for_its_gradient() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 1000])
        y = tf.map_fn(lambda row: tf.nn.dropout(row, keep_prob=0.5), x)
        value, slope = session.run([y, tf.gradients(y, x)[0]], {x: np.ones((3, 1000))})
        assert np.array_equal(value, slope)
        assert not np.array_equal(value[0], value[1])
        assert 0.4 < np.mean(value == 0) < 0.6


def test_a_loop_over_nothing() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2])
        y = tf.map_fn(lambda row: row * 2.0, x)
        total = tf.foldl(lambda a, row: a + row, x, tf.zeros([2]))
        values = session.run([y, total, tf.gradients(y, x)[0]], {x: np.ones((0, 2))})
        assert [v.shape for v in values] == [(0, 2), (2,), (0, 2)]


def test_a_body_cannot_change_a_variable() -> None:
    with tf.Graph().as_default():
        v = tf.Variable(1.0)
        with pytest.raises(tf.errors.UnimplementedError, match="AssignAdd"):
            tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + tf.assign_add(v, 1.0)), (0, 0.0))
        with pytest.raises(tf.errors.UnimplementedError, match="random"):
            tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + tf.random_uniform([])), (0, 0.0))


def test_an_assertion_in_a_body_is_checked() -> None:
    def body(i: Any, y: Any) -> Any:
        with tf.control_dependencies([tf.Assert(y < 3.0, ["too large:", y])]):
            return i + 1, y * 2.0

    with tf.Graph().as_default(), tf.Session() as session:
        n = tf.placeholder(tf.int32, [])
        y = tf.while_loop(lambda i, _: i < n, body, (0, 1.0))[1]
        assert session.run(y, {n: 2}) == 4.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
            session.run(y, {n: 3})


def test_elements_of_other_shapes_and_places_are_refused() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        free = tf.placeholder(tf.float32, None)
        array = tf.TensorArray(tf.float32, 2).write(0, tf.zeros([2]))
        with pytest.raises(ValueError, match="Shapes"):
            array.write(1, tf.zeros([3]))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\(3,\) instead of \(2,\)"):
            session.run(array.write(1, free).stack(), {free: np.zeros(3)})
