"""Blocks of space and batch, with margins that only the run knows, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf


@pytest.mark.parametrize("crops", [[[0, 0], [0, 0]], [[1, 0], [0, 2]], [[1, 2], [3, 1]]])
def test_crops_and_paddings_that_are_fed(crops: list[list[int]]) -> None:
    x = np.arange(8 * 2 * 3).reshape(8, 2, 3, 1)
    whole = np.zeros((2, 4, 6, 1), np.int64)
    for i in range(2):
        for j in range(2):
            whole[:, i::2, j::2] = x[4 * i + 2 * j :][:2]
    (top, bottom), (left, right) = crops
    images, margins = tf.placeholder(tf.int64, [None, None, None, 1]), tf.placeholder(tf.int32, [2, 2])
    joined = tf.batch_to_space_nd(images, [2, 2], margins)
    apart = tf.space_to_batch_nd(joined, [2, 2], margins)
    with tf.Session() as session:
        found, again = session.run([joined, apart], {images: x, margins: crops})
    np.testing.assert_array_equal(found, whole[:, top : 4 - bottom, left : 6 - right])
    padded = np.pad(found, [(0, 0), *crops, (0, 0)])
    for i in range(2):
        for j in range(2):
            np.testing.assert_array_equal(again[4 * i + 2 * j :][:2], padded[:, i::2, j::2])
