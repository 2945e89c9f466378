"""Tensors of complex numbers can be made, moved and cast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.errors import GradientError

X = np.array([[1 + 2j, 3 - 1j], [0.5j, -4]], np.complex64)


def test_complex_numbers_are_made_and_moved() -> None:
    p = tf.placeholder(tf.complex64, [None, 2])
    moved = tf.concat([tf.transpose(p), tf.pad(p, [[0, 1], [0, 0]])[1:]], 0)
    got, cast, double = tf.Session().run([moved, tf.cast(p, tf.complex128), tf.constant(1 - 1j)], {p: X})
    np.testing.assert_array_equal(got, np.concatenate([X.T, X[1:], np.zeros((1, 2))]))
    np.testing.assert_array_equal(cast, X)
    assert (got.dtype, cast.dtype, double.dtype, double) == (np.complex64, np.complex128, np.complex128, 1 - 1j)
    assert (tf.complex64.is_complex, tf.complex64.real_dtype, tf.complex128.real_dtype) == (
        True,
        tf.float32,
        tf.float64,
    )
    assert tf.as_dtype(complex) is tf.complex128


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TypeError, match="Expected float32"):
        tf.constant(1 + 2j, tf.float32)
    with pytest.raises(TypeError, match="does not take complex64"):
        tf.exp(tf.constant(X))
    for function in (tf.transpose, tf.matrix_transpose):
        with pytest.raises(ValueError, match="conjugate"):
            function(tf.constant(X), conjugate=True)
    with pytest.raises(ValueError, match="None values not supported"):
        tf.constant(None)
    assert tf.constant([1.0, 2.0], tf.complex64).dtype is tf.complex64


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_arithmetic_without_gradients(backend: str) -> None:
    p = tf.placeholder(tf.complex64, [2, 2])
    values = [p + p * p - 1 / p, tf.reduce_sum(-p, 0), tf.reduce_mean(tf.square(p)), tf.equal(p, X[0])]
    got = tf.Session(backend=backend).run(values, {p: X})
    for found, want in zip(got, [X + X * X - 1 / X, -X.sum(0), (X * X).mean(), X[0] == X], strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-6)
    x = tf.constant([1.0, 2.0])
    with pytest.raises(GradientError, match="complex"):
        tf.gradients(tf.cast(tf.cast(x, tf.complex64) * (1 + 2j), tf.float32), x)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("ResizeBilinear", lambda z: tf.image.resize_bilinear(z[None, :, :, None], [3, 3])),
        ("MaxPool", lambda z: tf.nn.max_pool(z[None, :, :, None], 2, 2, "SAME")),
        ("TopKV2", tf.nn.top_k),
        ("TopKV2", tf.sort),
        ("ArgMax", tf.argmax),
        ("ArgMin", tf.argmin),
        ("real number", lambda z: tf.pad(tf.constant([1.0]), [[1, 1]], constant_values=1j)),
        ("float32", lambda z: tf.Session().run(p := tf.placeholder(tf.float32), {p: X})),
        ("float32", lambda z: tf.Variable(np.zeros((2, 2), np.float32)).load(X, tf.Session())),
    ],
)
def test_what_has_no_order_or_keeps_real_numbers_refuses_complex_ones(name: str, call: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=name):
        call(tf.constant(X))
