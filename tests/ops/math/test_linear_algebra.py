"""Determinants, inverses and Cholesky factors against their definitions, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from support.evaluate import check_gradients

import minigraph as tf

A = np.random.RandomState(0).randn(2, 4, 4)
S = A @ A.transpose(0, 2, 1) + np.eye(4)


@pytest.fixture(params=["numpy", "llvm"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "llvm":
        pytest.importorskip("llvmlite")
    return str(request.param)


def leibniz(a: np.ndarray) -> float:
    """The sum over all permutations."""
    total = 0.0
    for order in itertools.permutations(range(len(a))):
        sign = (-1) ** sum(order[i] > order[j] for j in range(len(a)) for i in range(j))
        total += sign * math.prod(a[i, j] for i, j in enumerate(order))
    return total


def test_values_follow_the_definitions(backend: str) -> None:
    with tf.Session(backend=backend) as session:
        np.testing.assert_allclose(session.run(tf.matrix_determinant(A)), [leibniz(a) for a in A], rtol=1e-12)
        inverse, transposed = session.run([tf.matrix_inverse(A), tf.linalg.inv(A, adjoint=True)])
        np.testing.assert_allclose(A @ inverse, np.stack([np.eye(4)] * 2), atol=1e-12)
        np.testing.assert_allclose(transposed, inverse.transpose(0, 2, 1), atol=1e-12)
        lower = session.run(tf.cholesky(S))
        np.testing.assert_allclose(lower @ lower.transpose(0, 2, 1), S, rtol=1e-12)
        np.testing.assert_array_equal(lower, np.tril(lower))
        assert session.run(tf.matrix_determinant(np.zeros((3, 0, 0)))).tolist() == [1, 1, 1]


def test_gradients_of_a_product_of_factors() -> None:
    """Cholesky's gradient is symmetric, so finite differences are taken of matrices that stay symmetric."""
    check_gradients(lambda x: [tf.cholesky(tf.matmul(x, x, transpose_b=True) + 0.5 * (x + tf.matrix_transpose(x)))],
                    (np.eye(3) * 2 + A[0, :3, :3] / 8,), order=2, tolerance=1e-6)  # fmt: skip


def test_refused(backend: str) -> None:
    x = tf.placeholder(tf.float32, [2, 2])
    with tf.Session(backend=backend) as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
            session.run(tf.matrix_inverse(x), {x: [[1, 2], [2, 4]]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Cholesky decomposition was not successful"):
            session.run(tf.cholesky(x), {x: [[1, 2], [2, 1]]})
    with pytest.raises(ValueError, match=r"takes square matrices, not shape \(2, 3\)"):
        tf.cholesky(np.ones((2, 3), np.float32))
    with pytest.raises(TypeError, match="float32 or float64, not int32"):
        tf.matrix_determinant(np.ones((2, 2), np.int32))
