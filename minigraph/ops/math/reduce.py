"""Reductions over axes: sums, means, and whether all or any elements are True."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import AxisLike, TensorLike
from minigraph.loops.axes import averaged, reduction, summed
from minigraph.loops.kernel import AND, OR, Kernel
from minigraph.ops.array.known import make_late, number_or_tensor
from minigraph.ops.broadcast import Axes, BroadcastLike, normalise_axes
from minigraph.ops.builder import apply, first, graph_of, make
from minigraph.ops.counting import per_input
from minigraph.ops.pointwise import NUMBERS

__all__ = ["reduce_all", "reduce_any", "reduce_mean", "reduce_sum"]


MATRIX = np.array([[-1.7, -0.4, 0.3], [0.8, 1.9, 2.6]])


class ReduceOp(Op, abstract=True):
    """A reduction over `axis` (None: all). With `keep_dims` the reduced axes stay, with size 1."""

    axis: Axes = None
    keep_dims: bool = False
    kinds: ClassVar[str] = "fiu"
    function: ClassVar[str] = ""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.dtype.np_dtype.kind not in self.kinds:
            raise DTypeError(f"'{type(self).__name__}' does not take {x.dtype.name}")
        if x.shape is None:
            return (TensorType(x.dtype, None if self.axis is not None or self.keep_dims else ()),)
        axes = check_axes(self.axis, x)
        kept = tuple(1 if i in axes else d for i, d in enumerate(x.shape) if self.keep_dims or i not in axes)
        return (TensorType(x.dtype, kept),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        axes = normalise_axes(self.axis, x.ndim)
        return (xp.asarray(getattr(xp, self.function)(x, axis=axes, keepdims=self.keep_dims)).astype(x.dtype),)

    flops = per_input

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        rank = len(in_types[0].static)
        return Batching((True,), (False,)) if rank and 0 not in normalise_axes(self.axis, rank) else None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (MATRIX,))
        yield Sample(cls(axis=(1,)), (MATRIX,))
        yield Sample(cls(axis=(0,), keep_dims=True), (MATRIX,))


def check_axes(axis: Axes, x: TensorType) -> tuple[int, ...]:
    """Axes as numbers from 0. ShapeError where one is out of range."""
    rank = len(x.shape or ())
    for a in axis or ():
        if not -rank <= a < rank:
            raise ShapeError(f"Invalid reduction dimension {a} for a tensor of shape {format_shape(x.shape)}")
    return normalise_axes(axis, rank)


def spread(reduction: ReduceOp, grad: Tensor, like: Tensor, mean: bool = False) -> Tensor:
    return apply(BroadcastLike(axis=reduction.axis, mean=mean), grad, like)


class Sum(ReduceOp):
    """Σ x."""

    function = "sum"
    kinds = NUMBERS
    accumulates = True

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        if 0 in self.summed_axes(in_types):
            return Batching((True,), (True,))
        return super().batching(in_types, out_types)

    def summed_axes(self, in_types: Sequence[TensorType]) -> tuple[int, ...]:
        return normalise_axes(self.axis, len(in_types[0].static))

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return summed(in_types[0], self.summed_axes(in_types), out_types[0])

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (spread(self, grad, node.inputs[0]),)


class Mean(ReduceOp):
    """Σ x / n. The mean of nothing is NaN."""

    function = "mean"
    kinds = NUMBERS
    accumulates = True

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        axes = normalise_axes(self.axis, x.ndim)
        count = int(np.prod([x.shape[a] for a in axes]))
        total = xp.asarray(xp.sum(x, axis=axes, keepdims=self.keep_dims))
        if x.dtype.kind not in "fc":
            quotient = xp.sign(total) * (xp.abs(total) // max(count, 1))  # C's division truncates
            return (quotient.astype(x.dtype),)
        return (total / x.dtype.type(count) if count else xp.full_like(total, np.nan),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return averaged(in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0])

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (spread(self, grad, node.inputs[0], mean=True),)


class All(ReduceOp):
    """Whether all elements are True."""

    function = "all"
    kinds = "b"
    differentiable = False

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return reduction(AND, in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0], True)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(axis=(0,)), (MATRIX > 0,))


class Any_(ReduceOp):
    """Whether any element is True. TensorFlow calls this op Any."""

    function = "any"
    kinds = "b"
    differentiable = False

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return reduction(OR, in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0], False)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(axis=(1,)), (MATRIX > 0,))


def as_axes(axis: Any) -> Axes:
    """An axis argument as a tuple of ints, or None."""
    if axis is None:
        return None
    found = number_or_tensor(axis)
    if isinstance(found, Tensor):
        raise ShapeError("the axes of a reduction must be Python integers, known when the graph is built")
    array = np.asarray(found)
    if array.dtype.kind not in "iu" and array.size:
        raise DTypeError(f"axis must be an integer or a list of integers, not {axis!r}")
    return tuple(int(a) for a in array.ravel())


def reduced(
    op: type[ReduceOp], x: Any, axis: Any, keepdims: Any, name: str | None, default: str, old: tuple[Any, Any]
) -> Tensor:
    reduction_indices, keep_dims = old
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    chosen = number_or_tensor(renamed("axis", axis, "reduction_indices", reduction_indices))
    if isinstance(chosen, Tensor):
        return first(make_late(op, "axis", "numbers", chosen, {"input_tensor": x}, name, default, keep_dims=keep))
    axes = as_axes(chosen)
    const = "Const" if axes is None else "reduction_indices"
    if axes is None and hasattr(x, "ref"):
        graph_of([x]).reserve_ids(3)  # for a variable TensorFlow 1 makes its rank and a range, for a tensor a constant
    return first(make(op(axes, keep), name, default, {"input_tensor": x}, consts=(const,)))


def reduce_sum(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Sum the elements over axes.

    Args:
        input_tensor: A tensor of numeric dtype.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name of the node.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.

    Returns:
        A tensor of the dtype of `input_tensor`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_sum([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([3., 7.], dtype=float32)
    """
    return reduced(Sum, input_tensor, axis, keepdims, name, "Sum", (reduction_indices, keep_dims))


def reduce_mean(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Average the elements over axes.

    The mean of integers is rounded toward zero. The mean of no elements is NaN.

    Args:
        input_tensor: A tensor of numeric dtype.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name of the node.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.

    Returns:
        A tensor of the dtype of `input_tensor`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_mean([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([1.5, 3.5], dtype=float32)
    """
    return reduced(Mean, input_tensor, axis, keepdims, name, "Mean", (reduction_indices, keep_dims))


def reduce_all(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Test whether all elements over axes are True.

    Args:
        input_tensor: A tensor of dtype bool.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name of the node.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.

    Returns:
        A bool tensor, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.
        DTypeError: `input_tensor` is not bool, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_all([[True, False], [True, True]], axis=1))
        array([False,  True])
    """
    return reduced(All, input_tensor, axis, keepdims, name, "All", (reduction_indices, keep_dims))


def reduce_any(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Test whether any element over axes is True.

    Args:
        input_tensor: A tensor of dtype bool.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name of the node.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.

    Returns:
        A bool tensor, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.
        DTypeError: `input_tensor` is not bool, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_any([[True, False], [False, False]], axis=1))
        array([ True, False])
    """
    return reduced(Any_, input_tensor, axis, keepdims, name, "Any", (reduction_indices, keep_dims))
