"""Diagonals against NumPy. Tests `ops/array/diagonals.py` and `sequence_mask`."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf

X = np.arange(1.0, 7.0).reshape(2, 3)


@pytest.mark.parametrize("x", [X[0], X, X.reshape(1, 2, 3).astype(np.int32)])
def test_diag_doubles_the_rank_and_diag_part_takes_it_back(x: np.ndarray) -> None:
    whole = tf.diag(x)
    got, back = tf.Session().run([whole, tf.diag_part(whole)])
    np.testing.assert_array_equal(got, np.diag(x.ravel()).reshape(x.shape * 2))
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("shape", [(3,), (0,), (2, 3), (2, 0, 1)])
def test_diagonals_of_sizes_that_only_the_run_knows(shape: tuple[int, ...]) -> None:
    """Infinity stays on the diagonal: nothing is multiplied by zeros."""
    x = np.where(np.arange(np.prod(shape)) == 1, np.inf, np.arange(np.prod(shape))).reshape(shape).astype(np.float32)
    fed = tf.placeholder(tf.float32, [None] * len(shape))
    whole, matrices = tf.diag(fed), tf.matrix_diag(fed)
    (slope,) = tf.gradients(matrices * 3.0, fed)
    with tf.Session() as session:
        got, each, constant = session.run([whole, matrices, slope], {fed: x})
    np.testing.assert_array_equal(got, np.diag(x.ravel()).reshape(x.shape * 2))
    np.testing.assert_array_equal(np.diagonal(each, axis1=-2, axis2=-1), x)
    assert (each != 0).sum() == (x != 0).sum()
    np.testing.assert_array_equal(constant, np.full_like(x, 3))


def test_diagonals_need_fitting_shapes() -> None:
    for call in (
        lambda: tf.diag(tf.constant(1.0)),
        lambda: tf.diag(tf.placeholder(tf.float32)),
        lambda: tf.matrix_diag(tf.placeholder(tf.float32)),
        lambda: tf.diag_part(X),
        lambda: tf.diag_part(np.zeros((2, 2, 2))),
        lambda: tf.matrix_set_diag(X, [1.0, 2.0, 3.0]),
    ):
        with pytest.raises(ValueError):
            call()


@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (3, 2), (2, 2, 4)])
def test_matrix_set_diag_and_its_gradients(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, new = rng.normal(size=shape), rng.normal(size=(*shape[:-2], min(shape[-2:])))
    p, d = tf.placeholder(tf.float64, shape), tf.placeholder(tf.float64, new.shape)
    y = tf.matrix_set_diag(p, d)
    weight = rng.normal(size=shape)
    got, gx, gd = tf.Session().run([y, *tf.gradients(y * weight, [p, d])], {p: x, d: new})
    i = np.arange(new.shape[-1])
    want, rest = x.copy(), weight.copy()
    want[..., i, i], rest[..., i, i] = new, 0
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(gx, rest)
    np.testing.assert_array_equal(gd, weight[..., i, i])


def test_masks_are_as_long_as_the_longest_sequence_unless_told() -> None:
    lengths = tf.placeholder(tf.int32, [None])
    limit = tf.placeholder(tf.int64, [])
    masks = [tf.sequence_mask(lengths), tf.sequence_mask(lengths, limit), tf.sequence_mask(lengths, 2, tf.float32)]
    got = tf.Session().run(masks, {lengths: [1, 3, 0], limit: 4})
    for mask, width in zip(got, (3, 4, 2), strict=True):
        np.testing.assert_array_equal(mask, np.arange(width) < np.array([[1], [3], [0]]))


@pytest.mark.parametrize("lengths", [[-1, -2], [], [0], [1, 3]])
def test_sequence_masks_without_maxlen_are_as_long_as_the_largest_positive_length(lengths: list[int]) -> None:
    ends = np.array(lengths, np.int32)
    want = np.arange(max([0, *lengths])) < ends[:, None]
    np.testing.assert_array_equal(tf.Session().run(tf.sequence_mask(ends)), want)
