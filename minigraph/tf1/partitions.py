"""Slices distributed among tensors and put together again, sums of chosen slices, and counts of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.dtypes import DType
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.ops.array.known import static_value
from minigraph.ops.control.checks import checked_range
from minigraph.ops.host.base import HostOp
from minigraph.tf1.combined import segment_mean, unsorted_segment_mean, unsorted_segment_sqrt_n


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """`num_partitions` tensors; the slices of `data` whose number in `partitions` is i are tensor i, in their order."""
    with tf.name_scope(name, "DynamicPartition", [data, partitions]):
        x, numbers = tf.convert_to_tensor(data), tf.convert_to_tensor(partitions)
        if num_partitions < 1:
            raise ShapeError(f"num_partitions must be at least 1, not {num_partitions}")
        with x.graph.counted_as(1):
            checked = checked_range("partitions", numbers, num_partitions)
            return [tf.boolean_mask(x, tf.equal(checked, i)) for i in range(num_partitions)]


class Stitch(HostOp):
    """The slices of the second half of the inputs at the places that the first half names. Later ones win."""

    differentiable = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        half = len(types) // 2
        if not half:
            raise ShapeError("dynamic_stitch takes at least one tensor")
        tails = [_tail(places, values) for places, values in zip(types[:half], types[half:], strict=True)]
        tail = next((t for t in tails if t is not None), None)
        for other in tails:
            if other is not None and not compatible(other, tail):
                raise ShapeError(f"slices of shapes {format_shape(tail)} and {format_shape(other)} cannot be stitched")
        return (TensorType(types[half].dtype, None if tail is None else (None, *tail)),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        half = len(arrays) // 2
        places, values = arrays[:half], arrays[half:]
        if any((p < 0).any() for p in places):
            raise InvalidArgumentError("dynamic_stitch: a place is negative")
        tail = values[0].shape[places[0].ndim :]
        out = np.zeros((1 + max((int(p.max()) for p in places if p.size), default=-1), *tail), values[0].dtype)
        for place, value in zip(places, values, strict=True):
            out[place.ravel()] = value.reshape(-1, *tail)
        return (out,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        places = node.inputs[: len(node.inputs) // 2]
        return [*[None] * len(places), *(tf.gather(grad, place) for place in places)]


def _tail(places: TensorType, values: TensorType) -> tuple[int | None, ...] | None:
    """The shape of a slice. ShapeError unless the shape of the values begins with that of their places."""
    if places.shape is None or values.shape is None:
        return None
    if not compatible(values.shape[: len(places.shape)], places.shape):
        shapes = f"{format_shape(values.shape)} does not begin with {format_shape(places.shape)}"
        raise ShapeError(f"dynamic_stitch: the shape of the data, {shapes}, that of their places")
    return values.shape[len(places.shape) :]


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """A tensor whose slice indices[m][i] is data[m][i]; later ones win, and places that nothing names are 0."""
    with tf.name_scope(name, "DynamicStitch", [*indices, *data]) as scope:
        places = [tf.convert_to_tensor(i) for i in indices]
        values = [tf.convert_to_tensor(x) for x in data]
        if len(places) != len(values) or not places:
            raise ShapeError(f"dynamic_stitch: {len(places)} tensors of places for {len(values)} of data")
        whole = places[0].graph.add(Stitch(), (*places, *values), scope).outputs[0]
        known = [static_value(p) for p in places]
        if whole.type.shape is not None and all(k is not None for k in known):
            size = 1 + max((int(k.max()) for k in known if k is not None and k.size), default=-1)
            whole.set_shape([size, *whole.type.shape[1:]])
        return whole


def _of_chosen(
    default: str, name: str | None, data: Any, indices: Any, segment_ids: Any, num_segments: Any,
    function: Callable[..., Tensor], of_number: Callable[..., Tensor],
) -> Tensor:  # fmt: skip
    """A reduction by segment of the slices of `data` at `indices`: `of_number` if the number of segments is given."""
    with tf.name_scope(name, default, [data, indices, segment_ids]):
        x, places, ids = (tf.convert_to_tensor(v) for v in (data, indices, segment_ids))
        with x.graph.counted_as(1 if num_segments is None or isinstance(num_segments, Tensor) else 2):
            rows = tf.gather(x, places)
            return function(rows, ids) if num_segments is None else of_number(rows, ids, num_segments)


def sparse_segment_sum(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: int | None = None
) -> Tensor:
    """Sums by segment of the slices of `data` at `indices`; `num_segments` sets the number of segments."""
    functions = tf.segment_sum, tf.unsorted_segment_sum
    return _of_chosen("SparseSegmentSum", name, data, indices, segment_ids, num_segments, *functions)


def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: int | None = None
) -> Tensor:
    """The means by segment of the slices of `data` at `indices`."""
    functions = segment_mean, unsorted_segment_mean
    return _of_chosen("SparseSegmentMean", name, data, indices, segment_ids, num_segments, *functions)


def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: int | None = None
) -> Tensor:
    """The sums by segment of the slices of `data` at `indices`, each divided by the root of the number of slices."""
    functions = _segment_sqrt_n, unsorted_segment_sqrt_n
    return _of_chosen("SparseSegmentSqrtN", name, data, indices, segment_ids, num_segments, *functions)


def _segment_sqrt_n(rows: Tensor, ids: Tensor) -> Tensor:
    counts = tf.maximum(tf.segment_sum(tf.ones_like(ids, dtype=rows.dtype), ids), 1)
    further = tf.ones([tf.rank(rows) - 1], tf.int32)
    return tf.segment_sum(rows, ids) / tf.sqrt(tf.reshape(counts, tf.concat([[-1], further], 0)))


class Bincount(HostOp):
    """How often each whole number below the second input is in the first, or the sums of their weights, the third."""

    dtype: DType

    def infer(self, values: TensorType, size: TensorType, weights: TensorType | None = None) -> tuple[TensorType, ...]:
        if not values.dtype.is_integer:
            raise DTypeError(f"bincount takes integers, not {values.dtype.name}")
        return (TensorType(self.dtype, (None,)),)

    def forward(self, xp: Any, values: Any, size: Any, weights: Any = None) -> tuple[Any, ...]:
        if (values < 0).any():
            raise InvalidArgumentError("Input arr must be non-negative!")
        out = np.zeros(int(size), self.dtype.np_dtype)
        flat, valid = values.ravel(), values.ravel() < size
        np.add.at(out, flat[valid], 1 if weights is None else weights.ravel()[valid])
        return (out,)


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: DType = tf.int32
) -> Tensor:
    """How often each whole number is in `arr`, or the sums of their weights: a vector as long as the largest needs."""
    with tf.name_scope(None, "bincount", [arr]):
        values = tf.convert_to_tensor(arr, tf.int32)
        weight = [] if weights is None else [tf.convert_to_tensor(weights)]
        limits = [limit for limit in (minlength, maxlength) if limit is not None]
        count = 13 - len(weight) + sum(1 if isinstance(limit, Tensor) else 2 for limit in limits)
        with values.graph.counted_as(count):
            size = tf.reduce_max(tf.concat([tf.reshape(values, [-1]), [-1]], 0)) + 1
            for limit, bound in ((minlength, tf.maximum), (maxlength, tf.minimum)):
                if limit is not None:
                    size = bound(tf.convert_to_tensor(limit, tf.int32), size)
            kind = weight[0].dtype if weight else tf.as_dtype(dtype)
            return values.graph.add(Bincount(kind), (values, size, *weight)).outputs[0]


def _histogram(values: Any, value_range: Any, nbins: Any) -> tuple[Tensor, Tensor, Tensor]:
    x = tf.convert_to_tensor(values)
    return x, tf.convert_to_tensor(value_range, x.dtype), tf.convert_to_tensor(nbins, tf.int32)


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: DType = tf.int32, name: str | None = None
) -> Tensor:
    """The bin of each value, of `nbins` of equal width between two numbers. Values beyond belong to the outer bins."""
    with tf.name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
        x, bounds, count = _histogram(values, value_range, nbins)
        with x.graph.counted_as(28):
            place = tf.truediv(x - bounds[0], bounds[1] - bounds[0])
            bins = tf.floor(tf.cast(count, place.dtype) * place)
            return tf.cast(tf.clip_by_value(bins, 0, tf.cast(count - 1, bins.dtype)), dtype)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: DType = tf.int32, name: str | None = None
) -> Tensor:
    """How many values are in each of `nbins` bins of equal width between two numbers."""
    with tf.name_scope(name, "histogram_fixed_width", [values, value_range, nbins]):
        x, bounds, count = _histogram(values, value_range, nbins)
        with x.graph.counted_as(1):
            bins = histogram_fixed_width_bins(x, bounds, count)
            found = bincount(bins, minlength=count, maxlength=count, dtype=dtype)
            known = static_value(count)
            if known is not None:
                found.set_shape([int(known)])
            return found
