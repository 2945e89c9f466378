"""Determinants, inverses and Cholesky factors: see ``cases.py`` for the rules of these files."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases_ops import add, f32, normal

_A = f32([[[4, 1, 0], [2, 5, -1], [0, 3, 6]], [[1, 2, 3], [0, 1, 4], [5, 6, 0]]])
_SYMMETRIC = np.matmul(_A, _A.transpose(0, 2, 1)) + 10 * np.eye(3, dtype=np.float32)  # well conditioned

add("matrix_determinant", lambda tf, x: tf.matrix_determinant(x), _A)
add("matrix_determinant_one", lambda tf, x: tf.linalg.det(x), _A[0])
add("matrix_inverse", lambda tf, x: tf.matrix_inverse(x), _A)
add("matrix_inverse_adjoint", lambda tf, x: tf.linalg.inv(x, adjoint=True), _A[0])
add("matrix_inverse_double", lambda tf, x: tf.matrix_inverse(x), _A[0].astype(np.float64))
add("cholesky", lambda tf, x: tf.cholesky(x), _SYMMETRIC)
add("cholesky_product", lambda tf, x: tf.linalg.cholesky(tf.matmul(x, x, transpose_b=True) + tf.eye(3)), normal(3, 3))
add("cholesky_lower_triangle", lambda tf, x: tf.stop_gradient(tf.cholesky(x)), f32([[4, 9], [2, 2]]))
_SIDE = normal(2, 3, 2)
add("matrix_solve", lambda tf, a, b: tf.matrix_solve(a, b), _A, _SIDE, second=True)
add("matrix_solve_adjoint", lambda tf, a, b: tf.linalg.solve(a, b, adjoint=True), _A, _SIDE)
for _lower in (True, False):
    for _adjoint in (True, False):
        add(
            "matrix_triangular_solve_%d%d" % (_lower, _adjoint),
            lambda tf, a, b, l=_lower, t=_adjoint: tf.matrix_triangular_solve(a, b, lower=l, adjoint=t),
            _SYMMETRIC, _SIDE,
        )  # fmt: skip
add("cholesky_solve", lambda tf, a, b: tf.cholesky_solve(tf.cholesky(a), b), _SYMMETRIC, _SIDE)
add("self_adjoint_eigvals", lambda tf, a: tf.self_adjoint_eigvals(a), _SYMMETRIC)


def _rebuilt(tf: Any, a: Any) -> Any:
    """The exponentials of matrices by their eigenvectors, whose signs are free."""
    values, vectors = tf.self_adjoint_eig(a / 10.0)
    return tf.matmul(vectors * tf.expand_dims(tf.exp(values), 1), vectors, transpose_b=True)


add("self_adjoint_eig", _rebuilt, _SYMMETRIC)
