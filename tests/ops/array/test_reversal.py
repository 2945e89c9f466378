"""Axes reversed and exchanged where the rank is known in the run only. Tests `ops/array/reversal.py`."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf


@pytest.mark.parametrize("x", [np.arange(6.0).reshape(2, 3), np.arange(24.0).reshape(2, 3, 4)])
def test_tensors_of_unknown_rank(x: np.ndarray) -> None:
    p = tf.placeholder(tf.float64)
    turned, swapped = tf.reverse(p, [0, -1]), tf.matrix_transpose(p)
    weight = np.random.default_rng(0).normal(size=x.shape)
    slopes = tf.gradients([turned * weight, swapped * np.swapaxes(weight, -1, -2)], p)
    got = tf.Session().run([turned, swapped, slopes[0]], {p: x})
    np.testing.assert_array_equal(got[0], np.flip(x, (0, -1)))
    np.testing.assert_array_equal(got[1], np.swapaxes(x, -1, -2))
    np.testing.assert_allclose(got[2], np.flip(weight, (0, -1)) + weight)


def test_ranks_that_do_not_fit_are_found_in_the_run() -> None:
    p = tf.placeholder(tf.float32)
    for made in (tf.reverse(p, [1]), tf.matrix_transpose(p)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.Session().run(made, {p: [1.0]})
