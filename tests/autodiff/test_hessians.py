"""Second derivatives, against formulas."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf
from minigraph.autodiff.hessians import hessians


def test_the_hessian_of_a_quadratic_form_is_its_matrix() -> None:
    matrix = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 4.0]], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.Variable(np.ones((3, 1), np.float32))
        y = tf.matmul(tf.matmul(x, matrix, transpose_a=True), x) / 2.0
        session.run(tf.global_variables_initializer())
        (found,) = session.run(hessians(y, x))
        np.testing.assert_allclose(found.reshape(3, 3), matrix, rtol=1e-6)


def test_what_no_gradient_reaches_has_no_hessian() -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match="no gradient reaches"):
        hessians(tf.constant(1.0), tf.constant(2.0))
