"""The largest and the smallest element over axes, and log Σ e^x, from which the largest is taken out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType
from minigraph.core.typing import AxisLike, TensorLike
from minigraph.loops.axes import reduction
from minigraph.loops.kernel import MAXIMUM, MINIMUM, Kernel
from minigraph.ops.array.known import make_late, number_or_tensor
from minigraph.ops.broadcast import normalise_axes
from minigraph.ops.builder import apply, first
from minigraph.ops.filling import ZerosLike
from minigraph.ops.identity import StopGradient
from minigraph.ops.math.arithmetic import Add, Mul, RealDiv, Sub
from minigraph.ops.math.casting import Cast, cast, widened
from minigraph.ops.math.comparison import Equal, LogicalOr
from minigraph.ops.math.exponential import Exp, Log
from minigraph.ops.math.finite import IsFinite, IsNan
from minigraph.ops.math.reduce import ReduceOp, Sum, as_axes, reduced, spread
from minigraph.ops.math.selection import Select

__all__ = ["reduce_logsumexp", "reduce_max", "reduce_min"]


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
        extreme = apply(Equal(), spread(self, node.outputs[0], x), x)
        if x.dtype.is_floating:  # where there are NaNs, they are the extremes
            extreme = apply(LogicalOr(), extreme, apply(IsNan(), x))
        hits = apply(Cast(x.dtype), extreme)
        ties = apply(Sum(axis=self.axis, keep_dims=self.keep_dims), widened(hits))
        share = cast(apply(RealDiv(), widened(grad), ties), x.dtype)
        return (apply(Mul(), hits, spread(self, share, x)),)


class Max(Extremum):
    """The largest element, NaN before all others. The gradient is split evenly among ties, or NaNs."""

    function = "max"


class Min(Extremum):
    """The smallest element, NaN before all others. The gradient is split evenly among ties, or NaNs."""

    function = "min"


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
    return reduced(Max, input_tensor, axis, keepdims, name, "Max", (reduction_indices, keep_dims))


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
    return reduced(Min, input_tensor, axis, keepdims, name, "Min", (reduction_indices, keep_dims))


def _over(op: type[ReduceOp], axes: Any, keep: bool, x: Tensor) -> Tensor:
    """A reduction over axes that may be in the graph."""
    if isinstance(axes, Tensor):
        return first(make_late(op, "axis", "numbers", axes, {"input_tensor": x}, None, op.__name__, keep_dims=keep))
    return apply(op(as_axes(axes), keep), x)


def reduce_logsumexp(
    input_tensor: TensorLike, axis: AxisLike | Tensor = None, keepdims: bool | None = None, name: str | None = None,
    reduction_indices: AxisLike = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Compute log Σ e^x over axes. The largest element m is taken out, so nothing overflows: m + log Σ e^(x − m).

    Args:
        input_tensor: A tensor of floating-point dtype.
        axis: The axis or axes to reduce; None for all. They may be a tensor.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name scope of the nodes.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.

    Returns:
        A tensor of the dtype of `input_tensor`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.
        DTypeError: `input_tensor` is not floating-point, or an axis is not an integer.

    Example:
        >>> tf.Session().run(tf.reduce_logsumexp([[0.0, 0.0], [100.0, 100.0]], axis=1)).round(4)
        array([  0.6931, 100.6931], dtype=float32)
    """
    given = convert_to_tensor(input_tensor)
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with given.graph.name_scope(name or "ReduceLogSumExp"):
        x, axes = widened(given), number_or_tensor(renamed("axis", axis, "reduction_indices", reduction_indices))
        x.graph.reserve_ids(2 if keep else 3)  # the axes, as constants, and the shape of the result
        top = _over(Max, axes, True, x)
        finite = apply(Select(), apply(IsFinite(), top), top, apply(ZerosLike(), top))
        stopped = apply(StopGradient(), finite)
        total = _over(Sum, axes, keep, apply(Exp(), apply(Sub(), x, stopped)))
        shift = stopped if keep else _over(Sum, axes, False, stopped)  # one element each, in the other shape
        return cast(apply(Add(), apply(Log(), total), shift), given.dtype)
