"""Functions of TensorFlow 1 that are combinations of others, and that only old programs need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.core.dtypes import DType
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.util.nest import listed


def shape_n(input: Sequence[Any], out_type: DType = tf.int32, name: str | None = None) -> list[Tensor]:
    """The shape of each tensor."""
    with tf.name_scope(name, "ShapeN", list(input)):
        return [tf.shape(x, out_type=out_type) for x in input]


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross products of vectors of three numbers along the last axis."""
    with tf.name_scope(name, "Cross", [a, b]):
        (a1, a2, a3), (b1, b2, b3) = (tf.unstack(tf.convert_to_tensor(v), 3, axis=-1) for v in (a, b))
        return tf.stack([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1], axis=-1)


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements moved by `shift` along an axis, or along several; those that leave at the end return at the start."""
    with tf.name_scope(name, "roll", [input, shift]):
        x, axes = tf.convert_to_tensor(input), listed(axis)
        shifts = tf.unstack(tf.reshape(tf.convert_to_tensor(shift, tf.int32), [-1]), len(axes))
        for step, along in zip(shifts, axes, strict=True):
            size = tf.shape(x)[along]
            x = tf.gather(x, tf.floormod(tf.range(size) - step, tf.maximum(size, 1)), axis=along)
        return x


class ListDiff(NamedTuple):
    """The elements that remain, and their places."""

    out: Tensor
    idx: Tensor


def setdiff1d(x: Any, y: Any, index_dtype: DType = tf.int32, name: str | None = None) -> ListDiff:
    """The elements of a vector that are not in another one, in their order, and their places."""
    with tf.name_scope(name, "ListDiff", [x, y]):
        values = tf.convert_to_tensor(x)
        others = tf.convert_to_tensor(y, values.dtype)
        with values.graph.counted_as(1):
            found = tf.reduce_any(tf.equal(values[:, None], others[None]), axis=1)
            places = tf.where(tf.logical_not(found))[:, 0]
            return ListDiff(tf.gather(values, places), tf.cast(places, index_dtype))


class UniqueWithCounts(NamedTuple):
    """The different elements, the number of each element among them, and how often each occurs."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]  # TensorFlow's name, which hides that of tuples


def unique_with_counts(x: Any, out_idx: DType = tf.int32, name: str | None = None) -> UniqueWithCounts:
    """The different elements of a vector in the order in which they first occur, as `tf.unique`, and their numbers."""
    with tf.name_scope(name, "UniqueWithCounts", [x]):
        vector = tf.convert_to_tensor(x)
        with vector.graph.counted_as(1):
            values, places = tf.unique(vector, out_idx)
            number = tf.reduce_max(tf.concat([places, tf.constant([-1], out_idx)], 0)) + 1
            return UniqueWithCounts(values, places, tf.unsorted_segment_sum(tf.ones_like(places), places, number))


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """y with y[x[i]] = i. A run fails with InvalidArgumentError if the vector x is no permutation of 0, 1, …"""
    with tf.name_scope(name, "InvertPermutation", [x]):
        places = tf.convert_to_tensor(x)
        if places.shape.ndims not in (None, 1):
            raise ShapeError(f"invert_permutation: expected a vector, got a tensor of shape {places.shape}")
        count = tf.size(places, out_type=places.dtype)
        numbers = tf.range(count, dtype=places.dtype)
        inverse = tf.scatter_nd(places[:, None], numbers, [count])
        check = tf.Assert(
            tf.reduce_all(tf.equal(tf.gather(inverse, places), numbers)),
            ["invert_permutation: expected each of 0, 1, … once, got", places],
        )
        with tf.control_dependencies([check]):
            return tf.identity(inverse)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The means of the slices of each segment; 0 for a segment without slices."""
    with tf.name_scope(name, "UnsortedSegmentMean", [data, segment_ids]):
        total, count = _sums(data, segment_ids, num_segments)
        return _of_shape(total / count, total)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sums of the slices of each segment, divided by the square roots of their numbers."""
    with tf.name_scope(name, "UnsortedSegmentSqrtN", [data, segment_ids]):
        total, count = _sums(data, segment_ids, num_segments)
        return _of_shape(total / tf.sqrt(count), total)


def _of_shape(x: Tensor, like: Tensor) -> Tensor:
    """x, with the static shape of `like`, which the division by counts of unknown rank has lost."""
    x.set_shape(like.shape)
    return x


def _sums(data: Any, segment_ids: Any, num_segments: Any) -> tuple[Tensor, Tensor]:
    """The sums of segments, and the numbers of their slices, at least 1, that broadcast against them."""
    x, ids = tf.convert_to_tensor(data), tf.convert_to_tensor(segment_ids)
    counts = tf.unsorted_segment_sum(tf.ones_like(ids, dtype=x.dtype), ids, num_segments)
    further = tf.ones([tf.rank(x) - tf.rank(ids)], tf.int32)
    counts = tf.reshape(counts, tf.concat([tf.shape(counts), further], 0))
    return tf.unsorted_segment_sum(x, ids, num_segments), tf.maximum(counts, 1)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The means of the slices of each segment; the numbers of segments ascend. Means of integers are rounded to 0."""
    with tf.name_scope(name, "SegmentMean", [data, segment_ids]):
        x, ids = tf.convert_to_tensor(data), tf.convert_to_tensor(segment_ids)
        counts = tf.segment_sum(tf.ones_like(ids, dtype=x.dtype), ids)
        further = tf.ones([tf.rank(x) - 1], tf.int32)
        counts = tf.maximum(tf.reshape(counts, tf.concat([[-1], further], 0)), 1)
        sums = tf.segment_sum(x, ids)
        means = _of_shape(tf.div(sums, counts), sums)
        if not x.dtype.is_integer:
            return means
        inexact = tf.logical_and(tf.less(means, 0), tf.not_equal(means * counts, sums))  # rounded down, not to 0
        return means + tf.cast(inexact, x.dtype)
