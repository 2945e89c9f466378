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
    """Distribute the slices of a tensor among several tensors, in their order.

    Args:
        data: The slices, [*P, …] with the shape P of `partitions`.
        partitions: The number of the tensor for each slice, integers [*P] from 0 to num_partitions - 1.
        num_partitions: Number of tensors, at least 1.
        name: Name of the scope.

    Returns:
        `num_partitions` tensors [n, …] of the dtype of `data`.

    Raises:
        ShapeError: `num_partitions` is less than 1.
        InvalidArgumentError: In the run, a number is outside the range.

    Example:
        >>> import minigraph.tf1 as tf
        >>> even, odd = tf.dynamic_partition([1, 2, 3, 4], [1, 0, 1, 0], 2)
        >>> tf.Session().run([even, odd])
        [array([2, 4], dtype=int32), array([1, 3], dtype=int32)]
    """
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
    """Put slices together: slice indices[m][i] of the result is data[m][i].

    Later slices win, and places that nothing names are 0.

    Args:
        indices: The places, tensors of integers of at least 0, of any shapes P.
        data: For each of them a tensor [*P, …] of the slices. All have one dtype, and slices of one shape.
        name: Name of the node.

    Returns:
        A tensor [1 + the largest place, …] of the dtype of `data`.

    Raises:
        ShapeError: There are no tensors, not as many of places as of data, or their shapes do not fit.
        InvalidArgumentError: In the run, a place is negative.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.dynamic_stitch([[0, 2], [1]], [[10, 30], [20]])).tolist()
        [10, 20, 30]
    """
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
    """Sum chosen slices of a tensor by segment.

    Args:
        data: The slices, [N, …], of a floating dtype.
        indices: Which slices, integers [K] from 0 to N - 1.
        segment_ids: The segment of each, integers [K]; ascending unless `num_segments` is given.
        name: Name of the scope.
        num_segments: Number of segments; by default the largest of `segment_ids` and 1.

    Returns:
        A tensor [segments, …] of the dtype of `data`; 0 for a segment without slices.

    Example:
        >>> import minigraph.tf1 as tf
        >>> rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
        >>> tf.Session().run(tf.sparse_segment_sum(rows, [0, 2, 1], [0, 0, 1])).tolist()
        [[6.0, 8.0], [3.0, 4.0]]
    """
    functions = tf.segment_sum, tf.unsorted_segment_sum
    return _of_chosen("SparseSegmentSum", name, data, indices, segment_ids, num_segments, *functions)


def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: int | None = None
) -> Tensor:
    """Take the means of chosen slices of a tensor by segment.

    Args:
        data: The slices, [N, …], of a floating dtype.
        indices: Which slices, integers [K] from 0 to N - 1.
        segment_ids: The segment of each, integers [K]; ascending unless `num_segments` is given.
        name: Name of the scope.
        num_segments: Number of segments; by default the largest of `segment_ids` and 1.

    Returns:
        A tensor [segments, …] of the dtype of `data`; 0 for a segment without slices.

    Example:
        >>> import minigraph.tf1 as tf
        >>> rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
        >>> tf.Session().run(tf.sparse_segment_mean(rows, [0, 2, 1], [0, 0, 1])).tolist()
        [[3.0, 4.0], [3.0, 4.0]]
    """
    functions = segment_mean, unsorted_segment_mean
    return _of_chosen("SparseSegmentMean", name, data, indices, segment_ids, num_segments, *functions)


def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: int | None = None
) -> Tensor:
    """Sum chosen slices of a tensor by segment, and divide each sum by the root of its number of slices.

    Args:
        data: The slices, [N, …], of a floating dtype.
        indices: Which slices, integers [K] from 0 to N - 1.
        segment_ids: The segment of each, integers [K]; ascending unless `num_segments` is given.
        name: Name of the scope.
        num_segments: Number of segments; by default the largest of `segment_ids` and 1.

    Returns:
        A tensor [segments, …] of the dtype of `data`; 0 for a segment without slices.

    Example:
        >>> import minigraph.tf1 as tf
        >>> rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
        >>> tf.Session().run(tf.sparse_segment_sqrt_n(rows, [0, 2, 1], [0, 0, 1])).tolist()
        [[4.242..., 5.656...], [3.0, 4.0]]
    """
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
    """Count how often each whole number occurs, or sum the weights of its occurrences.

    Args:
        arr: The numbers, int32 of at least 0, of any shape.
        weights: A number for each of them, of the same shape; by default 1.
        minlength: The least length of the result.
        maxlength: Its greatest length; larger numbers are left out.
        dtype: Of the result without weights.

    Returns:
        A vector of 1 + the largest number, of `dtype` or that of the weights.

    Raises:
        DTypeError: `arr` has no integers.
        InvalidArgumentError: In the run, a number is negative.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.bincount([1, 1, 3])).tolist()
        [0, 2, 0, 1]
    """
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
    """Find the bin of each value, of bins of equal width between two bounds. Values beyond belong to the outer bins.

    Args:
        values: Numbers of any shape.
        value_range: The lower and the upper bound, [2], of the dtype of `values`.
        nbins: Number of bins, a whole number of at least 1.
        dtype: Of the result, int32 or int64.
        name: Name of the scope.

    Returns:
        The number of each value's bin, from 0 to nbins - 1, in the shape of `values`.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.histogram_fixed_width_bins([0.0, 1.0, 2.5, 9.0], [0.0, 5.0], 5)).tolist()
        [0, 1, 2, 4]
    """
    with tf.name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
        x, bounds, count = _histogram(values, value_range, nbins)
        with x.graph.counted_as(28):
            place = tf.truediv(x - bounds[0], bounds[1] - bounds[0])
            bins = tf.floor(tf.cast(count, place.dtype) * place)
            return tf.cast(tf.clip_by_value(bins, 0, tf.cast(count - 1, bins.dtype)), dtype)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: DType = tf.int32, name: str | None = None
) -> Tensor:
    """Count the values in bins of equal width between two bounds. Values beyond belong to the outer bins.

    Args:
        values: Numbers of any shape.
        value_range: The lower and the upper bound, [2], of the dtype of `values`.
        nbins: Number of bins, a whole number of at least 1.
        dtype: Of the result, int32 or int64.
        name: Name of the scope.

    Returns:
        A vector [nbins] of counts.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.histogram_fixed_width([0.0, 1.0, 2.5, 9.0], [0.0, 5.0], 5)).tolist()
        [1, 1, 1, 0, 1]
    """
    with tf.name_scope(name, "histogram_fixed_width", [values, value_range, nbins]):
        x, bounds, count = _histogram(values, value_range, nbins)
        with x.graph.counted_as(1):
            bins = histogram_fixed_width_bins(x, bounds, count)
            found = bincount(bins, minlength=count, maxlength=count, dtype=dtype)
            known = static_value(count)
            if known is not None:
                found.set_shape([int(known)])
            return found
