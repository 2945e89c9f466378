"""Functions that the host computes, against NumPy. Tests `tf1/host_math.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf
from minigraph.core.errors import GradientError

X = np.array([[0.3, -0.5, 0.9]])
Y = np.array([[1.5], [-2.0]])


@pytest.mark.parametrize(
    ("name", "oracle", "operands"),
    [
        ("tan", np.tan, [X]),
        ("asin", np.arcsin, [X]),
        ("acos", np.arccos, [X]),
        ("atan", np.arctan, [X]),
        ("sinh", np.sinh, [X]),
        ("cosh", np.cosh, [X]),
        ("atan2", np.arctan2, [Y, X]),
    ],
)
def test_values_and_gradients(name: str, oracle: Any, operands: list[np.ndarray]) -> None:
    given = [tf.placeholder(tf.float64, x.shape) for x in operands]
    made = getattr(tf, name)(*given)
    feeds = dict(zip(given, operands, strict=True))
    want = oracle(*operands)
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(made, feeds), want, rtol=1e-14)
        shapes = [x.shape for x in operands]
        assert tf.test.compute_gradient_error(given, shapes, made, want.shape, operands, 1e-5, None, feeds) < 1e-7


def test_division_that_rounds_to_zero() -> None:
    x, y = np.array([7, -7, 7, -7]), np.array([3, 3, -3, -3])
    quotient, rest = tf.Session().run([tf.truncatediv(x, y), tf.truncatemod(x, y)])
    np.testing.assert_array_equal(quotient, np.trunc(x / y))
    np.testing.assert_array_equal(rest, np.fmod(x, y))


def test_parts_of_complex_numbers() -> None:
    z = tf.complex(tf.constant([1.0, -2.0]), [3.0, 4.0])
    parts = [z, tf.real(z), tf.imag(z), tf.conj(z), tf.real([5.0]), tf.imag([5.0]), tf.conj([5.0])]
    got = tf.Session().run(parts)
    want = np.array([1 + 3j, -2 + 4j], np.complex64)
    expected = (want, want.real, want.imag, want.conj(), [5.0], [0.0], [5.0])
    for found, value in zip(got, expected, strict=True):
        np.testing.assert_array_equal(found, value)
    assert [p.dtype.name for p in parts[:4]] == ["complex64", "float32", "float32", "complex64"]
    with pytest.raises(TypeError, match="float16"):
        tf.complex(tf.constant(1.0, tf.float16), 2.0)


def test_the_parts_of_complex_numbers_are_kept_as_they_are() -> None:
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5], np.float32)
    real, imag = special[:, None], special
    z = tf.complex(real, imag)
    found = tf.Session().run([tf.real(z), tf.imag(z)])
    for part, want in zip(found, np.broadcast_arrays(real, imag), strict=True):
        np.testing.assert_array_equal(part, want)
        np.testing.assert_array_equal(np.signbit(part), np.signbit(want))


COMPLEX_PATHS = [
    lambda x: tf.cast(tf.square(tf.cast(x, tf.complex64)), tf.float32),
    lambda x: tf.real(tf.complex(x, x)),
    lambda x: tf.imag(tf.conj(tf.cast(x, tf.complex64))),
]


@pytest.mark.parametrize("path", COMPLEX_PATHS)
def test_gradients_through_complex_numbers_are_refused_and_others_are_kept(path: Any) -> None:
    x = tf.constant([1.0, 2.0])
    beside = tf.reduce_sum(x) + tf.reduce_sum(tf.stop_gradient(path(x)))
    with pytest.raises(GradientError, match="complex"):
        tf.gradients(tf.reduce_sum(x) + tf.reduce_sum(path(x)), x)
    (slope,) = tf.gradients(beside, x)
    np.testing.assert_array_equal(tf.Session().run(slope), [1.0, 1.0])


def test_adjoint_complex_matrices_are_refused() -> None:
    real, z = np.array([[1.0, 2.0]]), np.array([[1 + 2j, 3]])
    for side in ("adjoint_a", "adjoint_b"):
        with pytest.raises(ValueError, match=side):
            tf.matmul(z, z, **{side: True})
        want = real.T @ real if side == "adjoint_a" else real @ real.T
        np.testing.assert_array_equal(tf.Session().run(tf.matmul(real, real, **{side: True})), want)
