"""Sums by segment, sorting, and functions applied to each slice: composed of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.indexing import scatter_nd
from minigraph.ops.array.known import number_or_tensor, static_value, whole_number
from minigraph.ops.array.reshape import expand_dims, transpose
from minigraph.ops.array.shape import known_dims, packed
from minigraph.ops.builder import as_tensor_like, composed, require_shape
from minigraph.ops.control.checks import checked_range
from minigraph.ops.filling import zeros_like
from minigraph.ops.host.host_ops import SegmentSum, segment_count
from minigraph.ops.identity import identity
from minigraph.ops.math.comparison import less
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.ranking import smallest_k, top_k
from minigraph.ops.math.selection import where

__all__ = ["argsort", "identity_n", "segment_sum", "sort", "unsorted_segment_sum"]


def unsorted_segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: TensorLike, name: str | None = None
) -> Tensor:
    """Sum the slices along the first axis that have the same segment number: out[s] = Σ data[i], segment_ids[i] = s.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector, in any order. A slice with a negative number belongs
            to no segment.
        num_segments: The number of segments, an integer.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with `num_segments` as first dimension. Empty segments are 0.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: A segment number is `num_segments` or more; found in the run.

    Example:
        >>> tf.Session().run(tf.unsorted_segment_sum([1.0, 2.0, 4.0], [2, 0, 2], num_segments=3))
        array([2., 0., 5.], dtype=float32)
    """
    with composed(name, "UnsortedSegmentSum", data, segment_ids) as scope:
        x, ids = without_negative(convert_to_tensor(data), convert_to_tensor(segment_ids), zeros_like)
        count, ids = counted(num_segments, ids)
        target = packed([count, *known_dims(x, range(1, x.type.rank or 1))])
        return scatter_nd(expand_dims(ids, 1), x, target, name=scope)


def counted(num_segments: Any, ids: Tensor) -> tuple[Any, Tensor]:
    """The number of segments, and the ids, checked against it. In the run, the op checks them against a tensor.

    Raises DTypeError or ShapeError for a tensor that is no whole number.
    """
    count = number_or_tensor(num_segments)
    if isinstance(count, Tensor):
        if not count.dtype.is_integer:
            raise DTypeError(f"num_segments must be an integer, not {count.dtype.name}")
        require_shape("num_segments", count.type.shape, ())
        return count, ids
    count = whole_number("segments", "num_segments", count)
    return count, checked_range("segment_ids", ids, count)


def without_negative(x: Tensor, ids: Tensor, neutral: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The slices and their segment numbers, with `neutral(x)` in segment 0 for slices whose number is negative.

    Raises ShapeError if the numbers are no vector.
    """
    if ids.type.rank != 1:
        raise ShapeError(f"segment_ids must be a vector, not shape {format_shape(ids.type.shape)}")
    known = static_value(ids)
    if known is None or (known < 0).any():
        x = where(less(ids, 0), neutral(x), x)
        ids = maximum(ids, 0)
    return x, ids


def segment_sum(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """Sum the slices along the first axis that have the same segment number: out[s] = Σ data[i], segment_ids[i] = s.

    The last segment number gives the number of segments. If it is not known when the graph is built, the sums are
    computed on the host, between two plans.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector in ascending order.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with the number of segments as first dimension.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: `segment_ids` is not in ascending order, or negative.

    Example:
        >>> tf.Session().run(tf.segment_sum([1.0, 2.0, 4.0], [0, 0, 1]))
        array([3., 4.], dtype=float32)
    """
    with composed(name, "SegmentSum", data, segment_ids) as scope:
        x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        known = static_value(ids)
        if known is None:
            return x.graph.add(SegmentSum(), (x, ids), scope).outputs[0]
        count = segment_count(known)
        return unsorted_segment_sum(x, ids, count, name=scope)


def _ordered(values: Any, axis: int, direction: str) -> tuple[Tensor, Tensor]:
    """Sorted values and their places, along `axis`."""
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction must be ASCENDING or DESCENDING, not {direction!r}")
    x = convert_to_tensor(values)
    dims = x.type.shape
    size = dims[axis] if dims else None
    if dims is None or size is None:
        raise ShapeError(f"sort needs to know the size of axis {axis} of {format_shape(dims)}")
    order = list(range(len(dims)))
    order[axis], order[-1] = order[-1], order[axis]
    last = x if axis in (-1, len(dims) - 1) else transpose(x, order)
    if direction == "DESCENDING":
        ranked, places = top_k(last, size)
    else:
        last.graph.reserve_ids(3)  # TensorFlow negates, takes the largest by a constant k, and negates again
        ranked, places = smallest_k(last, size)
    return (ranked, places) if last is x else (transpose(ranked, order), transpose(places, order))


def sort(
    values: TensorLike, axis: int = -1, direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Sort the elements along an axis. NaN counts as larger than all numbers.

    Args:
        values: A tensor of numeric dtype, whose size along `axis` is known.
        axis: The axis.
        direction: The order.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `values`.

    Raises:
        ValueError: `direction` is unknown.
        ShapeError: The size along `axis` is unknown.

    Example:
        >>> tf.Session().run(tf.sort([3.0, 1.0, 2.0]))
        array([1., 2., 3.], dtype=float32)
    """
    with composed(name, "sort", values):
        return _ordered(values, axis, direction)[0]


def argsort(
    values: TensorLike, axis: int = -1, direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING",
    stable: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Find the places of the elements in sorted order along an axis. NaN counts as larger than all numbers.

    Args:
        values: A tensor of numeric dtype, whose size along `axis` is known.
        axis: The axis.
        direction: The order.
        stable: No effect: equal elements always keep their order.
        name: Name scope of the nodes.

    Returns:
        An int32 tensor of the shape of `values`: where each element of `tf.sort(values)` stands in `values`.

    Raises:
        ValueError: `direction` is unknown.
        ShapeError: The size along `axis` is unknown.

    Example:
        >>> tf.Session().run(tf.argsort([3.0, 1.0, 2.0]))
        array([1, 2, 0], dtype=int32)
    """
    with composed(name, "argsort", values):
        return _ordered(values, axis, direction)[1]


def identity_n(input: Sequence[TensorLike], name: str | None = None) -> list[Tensor]:
    """Copy a list of tensors.

    Args:
        input: The tensors.
        name: Name scope of the nodes.

    Returns:
        One tensor for each input, of the same value, dtype and shape.

    Example:
        >>> tf.Session().run(tf.identity_n([[1.0], [2.0, 3.0]]))
        [array([1.], dtype=float32), array([2., 3.], dtype=float32)]
    """
    with composed(name, "IdentityN", *input):
        return [identity(as_tensor_like(t)) for t in input]
