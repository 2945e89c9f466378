"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.errors import DTypeError, GradientError, ShapeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import AxisLike, TensorLike
from minigraph.loops.axes import around, averaged, reduction, summed
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import AND, MAXIMUM, MINIMUM, MULTIPLY, OR, Kernel
from minigraph.ops.broadcast import Axes, BroadcastLike, normalise_axes
from minigraph.ops.builder import apply, first, graph_of, make
from minigraph.ops.constant import Const
from minigraph.ops.counting import per_input
from minigraph.ops.filling import ZerosLike
from minigraph.ops.identity import StopGradient
from minigraph.ops.math.arithmetic import Add, Mul, RealDiv, Sub
from minigraph.ops.math.casting import Cast, cast, widened
from minigraph.ops.math.comparison import Equal, LogicalOr
from minigraph.ops.math.cumulative import Cumprod, Recurrence
from minigraph.ops.math.exponential import Exp, Log
from minigraph.ops.math.finite import IsFinite, IsNan
from minigraph.ops.math.selection import Select

__all__ = [
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
]

_X = np.array([[-1.7, -0.4, 0.3], [0.8, 1.9, 2.6]])


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
        yield Sample(cls(), (_X,))
        yield Sample(cls(axis=(1,)), (_X,))
        yield Sample(cls(axis=(0,), keep_dims=True), (_X,))


def check_axes(axis: Axes, x: TensorType) -> tuple[int, ...]:
    """Axes as numbers from 0. ShapeError where one is out of range."""
    rank = len(x.shape or ())
    for a in axis or ():
        if not -rank <= a < rank:
            raise ShapeError(f"Invalid reduction dimension {a} for a tensor of shape {format_shape(x.shape)}")
    return normalise_axes(axis, rank)


def _spread(reduction: ReduceOp, grad: Tensor, like: Tensor, mean: bool = False) -> Tensor:
    return apply(BroadcastLike(axis=reduction.axis, mean=mean), grad, like)


class Sum(ReduceOp):
    """Σ x."""

    function = "sum"
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
        return (_spread(self, grad, node.inputs[0]),)


class Mean(ReduceOp):
    """Σ x / n. The mean of nothing is NaN."""

    function = "mean"
    accumulates = True

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        axes = normalise_axes(self.axis, x.ndim)
        count = int(np.prod([x.shape[a] for a in axes]))
        total = xp.asarray(xp.sum(x, axis=axes, keepdims=self.keep_dims))
        if x.dtype.kind != "f":
            quotient = xp.sign(total) * (xp.abs(total) // max(count, 1))  # C's division truncates
            return (quotient.astype(x.dtype),)
        return (total / x.dtype.type(count) if count else xp.full_like(total, np.nan),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return averaged(in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0])

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (_spread(self, grad, node.inputs[0], mean=True),)


class Extremum(ReduceOp, abstract=True):
    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        low, high = (-np.inf, np.inf) if x.dtype.kind == "f" else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
        initial = low if self.function == "max" else high
        axes = normalise_axes(self.axis, x.ndim)
        return (xp.asarray(getattr(xp, self.function)(x, axis=axes, keepdims=self.keep_dims, initial=initial)),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        x = in_types[0]
        monoid, initial = (MAXIMUM, x.dtype.lowest) if self.function == "max" else (MINIMUM, x.dtype.highest)
        return reduction(monoid, x, normalise_axes(self.axis, len(x.static)), out_types[0], initial)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x = node.inputs[0]
        extreme = apply(Equal(), _spread(self, node.outputs[0], x), x)
        if x.dtype.is_floating:  # where there are NaNs, they are the extremes
            extreme = apply(LogicalOr(), extreme, apply(IsNan(), x))
        hits = apply(Cast(x.dtype), extreme)
        ties = apply(Sum(axis=self.axis, keep_dims=self.keep_dims), widened(hits))
        share = cast(apply(RealDiv(), widened(grad), ties), x.dtype)
        return (apply(Mul(), hits, _spread(self, share, x)),)


class Max(Extremum):
    """The largest element, NaN before all others. The gradient is split evenly among ties, or NaNs."""

    function = "max"


class Min(Extremum):
    """The smallest element, NaN before all others. The gradient is split evenly among ties, or NaNs."""

    function = "min"


class Prod(ReduceOp):
    """Π x. The gradient is the product of the other elements, correct at zeros too."""

    function = "prod"
    accumulates = True

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return reduction(MULTIPLY, in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0], 1)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x = node.inputs[0]
        rank = x.type.rank
        if rank is None:
            raise GradientError(f"the gradient of reduce_prod needs a known rank ({node.name})")
        slope, product = _spread(self, grad, x), x
        for axis in normalise_axes(self.axis, rank):
            slope = apply(Mul(), slope, apply(ProdOfOthers(axis=axis), product))
            product = apply(Prod(axis=(axis,), keep_dims=True), product)
        return (slope,)


class ProdOfOthers(Op):
    """For each element the product of all others along an axis."""

    axis: int
    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is not None:
            check_axes((self.axis,), x)
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        before, after = (Cumprod(self.axis, True, reverse).forward(xp, x)[0] for reverse in (False, True))
        return (before * after,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """The product of the elements before in a first pass, times that of the elements behind in a second."""
        k, shape, kind = Statement("prod_of_others"), around(in_types[0].static, self.axis), in_types[0].dtype
        x, y, product = k.operand(in_types[0], shape), k.result(out_types[0], shape), accumulator(kind)
        passed = y if kind is product else k.workspace(product, shape)
        with k.over(shape[0], shape[2], names="oi") as (o, i):
            for back in (False, True):
                place = lambda j, back=back: (o, shape[1] - 1 - j if back else j, i)  # noqa: E731

                def keep(values: Sequence[Scalar], j: Index, place: Any = place, back: bool = back) -> None:
                    if back:
                        k.store(y, place(j), values[0] * passed[place(j)])
                    else:
                        k.store(passed, place(j), values[0])

                term = lambda j, place=place: [cast_scalar(x[place(j)], product)]  # noqa: E731
                k.reduce([shape[1]], MULTIPLY, [1], [product], term, before=keep)
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * in_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        """Σ_{i≠k} g_i·Π_{j≠i,k} x_j: the terms with i < k and those with i > k, each by a recurrence."""
        x = node.inputs[0]
        before, after = (apply(Cumprod(self.axis, True, reverse), x) for reverse in (False, True))
        left = apply(Recurrence(self.axis, False, (1, 1)), apply(Mul(), grad, before), x)
        right = apply(Recurrence(self.axis, True, (1, 1)), apply(Mul(), grad, after), x)
        return (apply(Add(), apply(Mul(), left, after), apply(Mul(), before, right)),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(1), (_X,))
        yield Sample(cls(0), (_X,))


class All(ReduceOp):
    """Whether all elements are True."""

    function = "all"
    kinds = "b"
    differentiable = False

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return reduction(AND, in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0], True)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(axis=(0,)), (_X > 0,))


class Any_(ReduceOp):
    """Whether any element is True. TensorFlow calls this op Any."""

    function = "any"
    kinds = "b"
    differentiable = False

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return reduction(OR, in_types[0], normalise_axes(self.axis, len(in_types[0].static)), out_types[0], False)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(axis=(1,)), (_X > 0,))


def as_axes(axis: Any) -> Axes:
    """An axis argument as a tuple of ints, or None."""
    if axis is None:
        return None
    if isinstance(axis, Tensor) and isinstance(axis.node.op, Const):
        axis = axis.node.op.value
    if isinstance(axis, Tensor):
        raise ShapeError("the axes of a reduction must be Python integers, known when the graph is built")
    array = np.asarray(axis)
    if array.dtype.kind not in "iu" and array.size:
        raise DTypeError(f"axis must be an integer or a list of integers, not {axis!r}")
    return tuple(int(a) for a in array.ravel())


def _reduce(
    op: type[ReduceOp], x: Any, axis: Any, keepdims: Any, name: str | None, default: str, old: tuple[Any, Any]
) -> Tensor:
    reduction_indices, keep_dims = old
    axes = as_axes(renamed("axis", axis, "reduction_indices", reduction_indices))
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
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
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_sum([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([3., 7.], dtype=float32)
    """
    return _reduce(Sum, input_tensor, axis, keepdims, name, "Sum", (reduction_indices, keep_dims))


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
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_mean([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([1.5, 3.5], dtype=float32)
    """
    return _reduce(Mean, input_tensor, axis, keepdims, name, "Mean", (reduction_indices, keep_dims))


def reduce_max(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Find the largest element over axes.

    NaN counts as the largest. The gradient is split evenly among equal largest elements, or NaNs.

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
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_max([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([2., 4.], dtype=float32)
    """
    return _reduce(Max, input_tensor, axis, keepdims, name, "Max", (reduction_indices, keep_dims))


def reduce_min(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Find the smallest element over axes.

    NaN counts as the smallest. The gradient is split evenly among equal smallest elements, or NaNs.

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
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_min([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([1., 3.], dtype=float32)
    """
    return _reduce(Min, input_tensor, axis, keepdims, name, "Min", (reduction_indices, keep_dims))


def reduce_prod(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Multiply the elements over axes.

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
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not numeric, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_prod([[1.0, 2.0], [3.0, 4.0]], axis=1))
        array([ 2., 12.], dtype=float32)
    """
    return _reduce(Prod, input_tensor, axis, keepdims, name, "Prod", (reduction_indices, keep_dims))


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
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not bool, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_all([[True, False], [True, True]], axis=1))
        array([False,  True])
    """
    return _reduce(All, input_tensor, axis, keepdims, name, "All", (reduction_indices, keep_dims))


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
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not bool, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_any([[True, False], [False, False]], axis=1))
        array([ True, False])
    """
    return _reduce(Any_, input_tensor, axis, keepdims, name, "Any", (reduction_indices, keep_dims))


def reduce_logsumexp(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Compute log Σ e^x over axes. The largest element m is taken out, so nothing overflows: m + log Σ e^(x − m).

    Args:
        input_tensor: A tensor of floating-point dtype.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name scope of the nodes.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.

    Returns:
        A tensor of the dtype of `input_tensor`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range, or is a tensor that is not a constant.
        DTypeError: `input_tensor` is not floating-point, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_logsumexp([[0.0, 0.0], [100.0, 100.0]], axis=1)).round(4)
        array([  0.6931, 100.6931], dtype=float32)
    """
    given = convert_to_tensor(input_tensor)
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with given.graph.name_scope(name or "ReduceLogSumExp"):
        x, axes = widened(given), as_axes(renamed("axis", axis, "reduction_indices", reduction_indices))
        x.graph.reserve_ids(2 if keep else 3)  # the axes, as constants, and the shape of the result
        top = apply(Max(axes, True), x)
        finite = apply(Select(), apply(IsFinite(), top), top, apply(ZerosLike(), top))
        stopped = apply(StopGradient(), finite)
        total = apply(Sum(axes, keep), apply(Exp(), apply(Sub(), x, stopped)))
        shift = stopped if keep else apply(Sum(axes, False), stopped)  # one element each, in the other shape
        return cast(apply(Add(), apply(Log(), total), shift), given.dtype)
