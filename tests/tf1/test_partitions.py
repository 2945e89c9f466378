"""`tf1/partitions.py` against NumPy, on random values: what goes apart comes together, and counts are NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph.tf1 as tf


@pytest.mark.parametrize("seed", range(3))
def test_partitions_and_counts_are_those_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(12, 2)).astype(np.float32)
    parts = rng.integers(0, 4, 12).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        x, p = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int32, [None])
        apart = tf.dynamic_partition(x, p, 4)
        together = tf.dynamic_stitch(tf.dynamic_partition(tf.range(12), p, 4), apart)
        feed = {x: data, p: parts}
        for i, part in enumerate(session.run(apart, feed)):
            np.testing.assert_array_equal(part, data[parts == i])
        np.testing.assert_array_equal(session.run(together, feed), data)
        np.testing.assert_array_equal(session.run(tf.bincount(p), feed), np.bincount(parts))
        counts = session.run(tf.histogram_fixed_width(x, [-1.0, 1.0], 7), feed)
        np.testing.assert_array_equal(counts, np.histogram(np.clip(data, -1, 1), 7, (-1, 1))[0])


@pytest.mark.parametrize("values", [[3, 1, 3, 3], []])
def test_different_elements_are_counted(values: list[int]) -> None:
    given = tf.placeholder(tf.int64, [None])
    found = tf.Session().run(tf.unique_with_counts(given), {given: values})
    want, counts = np.unique(values, return_counts=True)
    assert dict(zip(found.y.tolist(), found.count.tolist(), strict=True)) == dict(zip(want, counts, strict=True))
    np.testing.assert_array_equal(found.y[found.idx], values)
    words = tf.unique_with_counts(["b", "a", "b"], tf.int64)
    assert tf.Session().run(words.count).tolist() == [2, 1]
