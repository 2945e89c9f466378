"""Feeds: the tensors that take them, their casts, and the values that are refused.

Tests `run/request.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf


def test_any_tensor_can_be_fed() -> None:
    x = tf.placeholder(tf.float32, [2])
    y = tf.square(x)
    z = tf.reduce_sum(y)
    v = tf.Variable([1.0, 2.0])
    w = v * 10.0
    parts = tf.split(x, 2)
    with tf.Session() as session:
        assert session.run(z, {x: [1, 2]}) == 5
        assert session.run(z, {y: [1, 2]}) == 3  # x is not needed then
        assert session.run([z, y], {z: 9.0, x: [1, 2]})[0] == 9
        assert session.run([y, z], {y: [1, 2]})[0].tolist() == [1, 2]
        assert session.run([v, w], {v: [5, 6]})[1].tolist() == [50, 60]  # and v needs no value
        assert session.run(v, {v: [5, 6]}).tolist() == [5, 6]
        assert session.run(tf.constant(4.0) + 1.0, {}) == 5
        assert session.run(tf.stack(parts), {parts[1]: [8], x: [1, 2]}).tolist() == [[1], [8]]
        constant = tf.constant(4.0)
        assert session.run(constant + 1.0, {constant: 1.0}) == 2
        assert session.run(z, {x.name: [3, 4]}) == 25


def test_the_default_of_a_placeholder() -> None:
    x = tf.placeholder_with_default(tf.ones([2]), [None])
    with tf.Session() as session:
        assert session.run(x * 2.0).tolist() == [2, 2]
        assert session.run(x * 2.0, {x: [3, 4, 5]}).tolist() == [6, 8, 10]


@pytest.mark.parametrize(
    ("shape", "value", "shown"),
    [
        ([None, 3], np.zeros((2, 4)), r"\(2, 4\) for Tensor 'digits:0', which has shape '\(\?, 3\)'"),
        ([2, 3], [1, 2], r"\(2,\) for Tensor 'digits:0', which has shape '\(2, 3\)'"),
        ([], [1], r"\(1,\) for Tensor 'digits:0', which has shape '\(\)'"),
        ([None], 1.0, r"\(\) for Tensor 'digits:0', which has shape '\(\?,\)'"),
    ],
)
def test_a_feed_of_a_wrong_shape(shape: list[int | None], value: Any, shown: str) -> None:
    x = tf.placeholder(tf.float32, shape, name="digits")
    y = x + 1.0
    with tf.Session() as session:
        with pytest.raises(ValueError, match=f"Cannot feed value of shape {shown}"):
            session.run(y, {x: value})
        right = np.zeros([2 if d is None else d for d in shape])
        assert session.run(y, {x: right}).shape == right.shape
        with pytest.raises(ValueError, match="Cannot feed"):  # of a plan that exists
            session.run(y, {x: value})


def test_feeds_that_are_no_numbers() -> None:
    x = tf.placeholder(tf.float32, [None], name="digits")
    n = tf.placeholder(tf.int32, [None], name="count")
    y = tf.reduce_sum(x) + tf.cast(tf.reduce_sum(n), tf.float32)
    with tf.Session() as session:
        for value in (["a"], [[1], [2, 3]], np.array(["a"]), [None, object()], np.array([object()])):
            with pytest.raises((TypeError, ValueError), match="digits"):
                session.run(y, {n: [1], x: value})
        for value in (x, tf.Variable([1.0]), None):
            with pytest.raises(TypeError, match=r"digits.*cannot be"):
                session.run(y, {n: [1], x: value})
        with pytest.raises(TypeError, match="operation"):
            session.run(y, {x.op: [1.0]})
        for key in (3, None, (x,)):
            with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
                session.run(y, {key: 1.0})
        with pytest.raises(TypeError):
            session.run(y, [x, n])
        assert session.run(y, {n: [1], x: [2]}) == 3


def test_feeds_are_cast_as_numpy_casts() -> None:
    x = tf.placeholder(tf.float32, [2])
    n = tf.placeholder(tf.int64, [])
    with tf.Session() as session:
        for value in ([1, 2], (1.0, 2.0), np.array([1, 2], np.uint8), np.array([1, 2], np.float64), [True, 2]):
            found = session.run(x, {x: value})
            assert found.dtype == np.float32
            assert found.tolist() == [1, 2]
        strided = np.arange(8.0)[1::4]
        assert session.run(x, {x: strided}).tolist() == [1, 5]
        assert session.run(x, {x: np.asfortranarray([[1.0, 2], [3, 4]])[:, 1]}).tolist() == [2, 4]
        assert session.run(n, {n: np.int8(-3)}) == -3


def test_results_and_feeds_are_independent_of_the_session() -> None:
    x = tf.placeholder(tf.float32, [3])
    v = tf.Variable([1.0, 2.0, 3.0])
    constant = tf.constant([4.0, 5.0, 6.0])
    fetches = [x, x + 1.0, v, constant, tf.reshape(v, [3, 1]), tf.identity(x)]
    with tf.Session() as session:
        session.run(v.initializer)
        fed = np.array([1, 2, 3], np.float32)
        first = session.run(fetches, {x: fed})
        kept = [a.copy() for a in first]
        fed[:] = 50
        for a, b in zip(first, kept, strict=True):
            assert a.tolist() == b.tolist()
            a[...] = 99
        assert fed.tolist() == [50, 50, 50]
        again = session.run(fetches, {x: np.array([1, 2, 3], np.float32)})
        for a, b in zip(again, kept, strict=True):
            assert a.tolist() == b.tolist()
        for a in again:
            assert a.flags.owndata or a.base is None or a.base.nbytes == a.nbytes


def test_empty_batches() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.ones([3, 2]))
    y = tf.nn.softmax(tf.matmul(x, w))
    loss = tf.reduce_mean(y)
    with tf.Session() as session:
        session.run(w.initializer)
        assert session.run(y, {x: np.zeros((0, 3))}).shape == (0, 2)
        assert np.isnan(session.run(loss, {x: np.zeros((0, 3))}))
        assert session.run(tf.reduce_sum(y), {x: np.zeros((0, 3))}) == 0
        assert session.run(y, {x: np.zeros((2, 3))}).shape == (2, 2)


def test_placeholders_of_unknown_rank() -> None:
    x = tf.placeholder(tf.float32)
    y = tf.reduce_sum(tf.square(x)) + tf.cast(tf.rank(x), tf.float32)
    with tf.Session() as session:
        assert session.run(y, {x: 3.0}) == 9
        assert session.run(y, {x: [3.0, 1.0]}) == 11
        assert session.run(y, {x: np.ones((2, 3, 4))}) == 27
        assert session.run(tf.shape(x), {x: np.ones((2, 3))}).tolist() == [2, 3]


def test_tuples_of_tensors_are_fed_by_tuples_of_values() -> None:
    a, b, c = (tf.placeholder(tf.float32, []) for _ in range(3))
    with tf.Session() as session:
        assert session.run(a + 10.0 * b + 100.0 * c, {(a, (b, c)): [1.0, (2.0, 3.0)]}) == 321.0
        assert session.run([a, b], {(a, b): np.float32([4.0, 5.0]).tolist()}) == [4.0, 5.0]
        with pytest.raises(TypeError, match="a tuple of 2 tensors"):
            session.run(a, {(a, b): [1.0]})
