"""The largest and the smallest elements, and the products, of the slices that have the same segment number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType, as_dtype
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.indices import require_below
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import call, cast, constant, where
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement, accumulator, looked_up
from minigraph.loops.kernel import Kernel
from minigraph.loops.refusal import outside
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.indexing import ScatterNdLike, copied
from minigraph.ops.array.known import static_value
from minigraph.ops.array.reshape import expand_dims
from minigraph.ops.array.shape import fill, known_dims, packed
from minigraph.ops.builder import apply, composed, require_shape
from minigraph.ops.control.checks import checked_range
from minigraph.ops.filling import ZerosLike, ones_like, zeros_like
from minigraph.ops.host.host_ops import segment_count
from minigraph.ops.math.arithmetic import Mul, RealDiv
from minigraph.ops.math.casting import Cast
from minigraph.ops.math.comparison import Equal, Greater, LogicalOr, less
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.finite import IsNan
from minigraph.ops.math.reduce_extremes import reduce_max
from minigraph.ops.math.segments import counted, without_negative
from minigraph.ops.math.selection import Select
from minigraph.ops.math.selection import where as select

__all__ = [
    "segment_max", "segment_min", "segment_prod", "unsorted_segment_max", "unsorted_segment_min",
    "unsorted_segment_prod",
]  # fmt: skip


class SegmentReduction(Op, abstract=True):
    """out[s] = function over the x[i] with ids[i] = s; the third input gives the shape of the result."""

    function: ClassVar[str]

    @classmethod
    def neutral(cls, dtype: DType) -> Any:
        """The value of an empty segment."""
        raise NotImplementedError

    def infer(self, x: TensorType, ids: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        name = type(self).__name__
        if not ids.dtype.is_integer:
            raise DTypeError(f"'{name}' takes integer segment numbers, not {ids.dtype.name}")
        if ids.rank not in (None, 1):
            raise ShapeError(f"'{name}': segment_ids must be a vector, not shape {format_shape(ids.shape)}")
        if None not in (x.shape, ids.shape, like.shape):
            require_shape(f"'{name}': the data", x.shape, (*ids.shape, *like.shape[1:]))  # type: ignore[misc,index]
        return (TensorType(x.dtype, like.shape),)

    def forward(self, xp: Any, x: Any, ids: Any, like: Any) -> tuple[Any, ...]:
        require_below("segment_ids", ids, like.shape[0])
        out = xp.full(like.shape, self.neutral(as_dtype(x.dtype)), x.dtype)
        getattr(xp, self.function).at(out, ids, x)
        return (out,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """The slices one after the other, each at all of its elements at once."""
        (count,), (rows, *tail), kind = in_types[1].static, out_types[0].static, accumulator(out_types[0].dtype)
        size = math.prod(tail)
        if not rows or not size:
            return None
        k = Statement("segments")
        x, at = k.operand(in_types[0], (count, size)), k.operand(in_types[1], (count,))
        k.operand(in_types[2])
        y = k.result(out_types[0], (rows, size))
        total = y if kind is y.dtype else k.workspace(kind, y.shape)
        with k.over(*y.shape) as every:
            k.store(total, every, constant(self.neutral(y.dtype), kind))
        with k.over(size, names="i") as (i,), k.steps(count) as j:
            valid, row = looked_up(k, at[j], rows)
            old = total[row, i]
            k.store(total, (row, i), where(valid, call(self.function, old, cast(x[j, i], kind)), old))
        copied(k, total, y)
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        return outside(in_types, in_types[2].static[0])

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = np.array([[1.5, -2.0], [0.5, 3.0], [-2.5, 1.0], [2.5, 0.75], [-1.25, 4.0]])
        yield Sample(cls(), (x, np.array([2, 0, 2, 0, 1], np.int32), np.zeros((3, 2))))
        yield Sample(cls(), (x[:, 0], np.array([1, 1, 0, 1, 1]), np.zeros(2)))


class SegmentExtremum(SegmentReduction, abstract=True):
    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, ids, like = node.inputs
        hits = apply(LogicalOr(), apply(Equal(), x, gather(node.outputs[0], ids)), apply(IsNan(), x))
        ties = apply(ScatterNdLike(), apply(Cast(x.dtype), hits), expand_dims(ids, 1), like)
        share = gather(apply(RealDiv(), grad, ties), ids)
        return apply(Select(), hits, share, apply(ZerosLike(), x)), None, None


class UnsortedSegmentMax(SegmentExtremum):
    """The largest elements, NaN before all others. The gradient is split evenly among ties, or NaNs."""

    function = "maximum"

    @classmethod
    def neutral(cls, dtype: DType) -> Any:
        return dtype.min


class UnsortedSegmentMin(SegmentExtremum):
    """The smallest elements, NaN before all others. The gradient is split evenly among ties, or NaNs."""

    function = "minimum"

    @classmethod
    def neutral(cls, dtype: DType) -> Any:
        return dtype.max


class UnsortedSegmentProd(SegmentReduction):
    """The products. The gradient at an element is the product of the others, at zeros too."""

    accumulates = True
    function = "multiply"

    @classmethod
    def neutral(cls, dtype: DType) -> Any:
        return 1

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, ids, like = node.inputs
        zero = apply(Equal(), x, apply(ZerosLike(), x))
        others = apply(Select(), zero, ones_like(x), x)
        zeros = apply(ScatterNdLike(), apply(Cast(x.dtype), zero), expand_dims(ids, 1), like)
        several = apply(Greater(), zeros, ones_like(zeros))  # then each product of the others is 0
        kept = apply(Select(), several, apply(ZerosLike(), grad), grad)
        without = gather(apply(self, others, ids, like), ids)
        rest = apply(Select(), zero, without, apply(RealDiv(), gather(node.outputs[0], ids), others))
        return apply(Mul(), gather(kept, ids), rest), None, None


def _reduced(op: type[SegmentReduction], data: Any, segment_ids: Any, count: Any, name: str | None) -> Tensor:
    with composed(name, op.__name__, data, segment_ids) as scope:
        x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        return _with_count(op, x, ids, count, scope)


def _with_count(op: type[SegmentReduction], x: Tensor, ids: Tensor, count: Any, name: str) -> Tensor:
    neutral = x.dtype.np_dtype.type(op.neutral(x.dtype))
    x, ids = without_negative(x, ids, lambda x: zeros_like(x) + neutral)
    count, ids = counted(count, ids)
    target = packed([count, *known_dims(x, range(1, x.type.rank or 1))])
    return x.graph.add(op(), (x, ids, fill(target, neutral)), name).outputs[0]


def _sorted(
    op: type[SegmentReduction], name: str | None, default: str, empty: int, data: TensorLike, segment_ids: TensorLike
) -> Tensor:
    """The reduction for ids in ascending order; the last one gives the count. empty: the value of a gap."""
    with composed(name, default, data, segment_ids) as scope:
        x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        known = static_value(ids)
        count: Any = maximum(reduce_max(ids), -1) + 1 if known is None else segment_count(known)  # 0 for no ids
        if known is None:
            ids = checked_range("segment_ids", ids, fill(packed([count]), np.int8(0)))
        if op is UnsortedSegmentProd or (known is not None and set(range(count)) <= set(known.tolist())):
            return _with_count(op, x, ids, count, scope)
        found = _with_count(op, x, ids, count, f"{scope}extreme")
        like = fill(packed([count]), x.dtype.np_dtype.type(0))
        sizes = apply(ScatterNdLike(), ones_like(ids, dtype=x.dtype), expand_dims(ids, 1), like)
        return select(less(sizes, ones_like(sizes)), zeros_like(found) + empty, found, name=scope)


def unsorted_segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: TensorLike, name: str | None = None
) -> Tensor:
    """Find the largest of the slices along the first axis that have the same segment number, element by element.

    NaN counts as the largest. The gradient is split evenly among equal largest elements, or NaNs.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector, in any order. A slice with a negative number belongs
            to no segment.
        num_segments: The number of segments, an integer.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with `num_segments` as first dimension. Empty segments hold the lowest finite
        number of the dtype.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: A segment number is `num_segments` or more; found in the run.

    Example:
        >>> tf.Session().run(tf.unsorted_segment_max([1, 2, 4], [1, 0, 1], num_segments=2))
        array([2, 4], dtype=int32)
    """
    return _reduced(UnsortedSegmentMax, data, segment_ids, num_segments, name)


def unsorted_segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: TensorLike, name: str | None = None
) -> Tensor:
    """Find the smallest of the slices along the first axis that have the same segment number, element by element.

    NaN counts as the smallest. The gradient is split evenly among equal smallest elements, or NaNs.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector, in any order. A slice with a negative number belongs
            to no segment.
        num_segments: The number of segments, an integer.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with `num_segments` as first dimension. Empty segments hold the highest finite
        number of the dtype.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: A segment number is `num_segments` or more; found in the run.

    Example:
        >>> tf.Session().run(tf.unsorted_segment_min([1, 2, 4], [1, 0, 1], num_segments=2))
        array([2, 1], dtype=int32)
    """
    return _reduced(UnsortedSegmentMin, data, segment_ids, num_segments, name)


def unsorted_segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: TensorLike, name: str | None = None
) -> Tensor:
    """Multiply the slices along the first axis that have the same segment number.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector, in any order. A slice with a negative number belongs
            to no segment.
        num_segments: The number of segments, an integer.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with `num_segments` as first dimension. Empty segments are 1.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: A segment number is `num_segments` or more; found in the run.

    Example:
        >>> tf.Session().run(tf.unsorted_segment_prod([3, 2, 4], [1, 0, 1], num_segments=3))
        array([ 2, 12,  1], dtype=int32)
    """
    return _reduced(UnsortedSegmentProd, data, segment_ids, num_segments, name)


def segment_max(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """Find the largest of the slices along the first axis that have the same segment number, element by element.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector in ascending order. The last gives the number of
            segments.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with the number of segments as first dimension. Empty segments are 0.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: `segment_ids` is a constant that is not in ascending order, or negative.

    Example:
        >>> tf.Session().run(tf.segment_max([1, 2, 4], [0, 0, 2]))
        array([2, 0, 4], dtype=int32)
    """
    return _sorted(UnsortedSegmentMax, name, "SegmentMax", 0, data, segment_ids)


def segment_min(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """Find the smallest of the slices along the first axis that have the same segment number, element by element.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector in ascending order. The last gives the number of
            segments.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with the number of segments as first dimension. Empty segments are 0.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: `segment_ids` is a constant that is not in ascending order, or negative.

    Example:
        >>> tf.Session().run(tf.segment_min([1, 2, 4], [0, 0, 2]))
        array([1, 0, 4], dtype=int32)
    """
    return _sorted(UnsortedSegmentMin, name, "SegmentMin", 0, data, segment_ids)


def segment_prod(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """Multiply the slices along the first axis that have the same segment number.

    Args:
        data: A tensor of numeric dtype.
        segment_ids: The segment of each slice, an integer vector in ascending order. The last gives the number of
            segments.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `data`, with the number of segments as first dimension. Empty segments are 1.

    Raises:
        ShapeError: `segment_ids` is not a vector.
        InvalidArgumentError: `segment_ids` is a constant that is not in ascending order, or negative.

    Example:
        >>> tf.Session().run(tf.segment_prod([3, 2, 4], [0, 0, 2]))
        array([6, 1, 4], dtype=int32)
    """
    return _sorted(UnsortedSegmentProd, name, "SegmentProd", 1, data, segment_ids)
