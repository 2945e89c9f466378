"""Reductions: sums as elementwise loops; extrema, their positions, and products in registers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from minigraph.backend.base import Types
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.builder import (
    Value,
)
from minigraph.backends.llvm.loop import Elementwise, Output, elementwise, elementwise_of
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.core.scalar import operand
from minigraph.core.types import TensorType
from minigraph.ir.regions import single_op_loop
from minigraph.ops.broadcast import BroadcastTo, ReduceLike, broadcast_axes, normalise_axes, restore_axes
from minigraph.ops.math import reduce as R
from minigraph.ops.nn.loss import L2Loss

GRAIN = 1 << 14  # elements of a task
VECTORS = 4  # independent vectors, so that no operation waits for the one before

Combine = Callable[[Value, Value, int], Value]
Column = tuple[Value, int]  # elements of the last axis: the first, and their number
Term = Callable[[Value, int, Sequence[Value]], Value]  # (elements, the vector's width, its reduced indices) → the term


def sum_over(x: TensorType, axes: Sequence[int], how: LoweringContext, divisor: int = 1) -> Native | None:
    """Σ x over `axes`, divided by a number."""
    if not x.size:
        return None
    what = elementwise_of(single_op_loop(R.Sum(tuple(axes), True), (x,), x.static), how.adds)
    if what is None or divisor == 1:
        return what and elementwise(what, how)
    if not x.dtype.is_floating or how.adds:
        return None
    size = x.size // math.prod(x.static[a] for a in axes)
    quotient = Output(operand(0, x.dtype) / divisor)
    dividing = elementwise(Elementwise((size,), (TensorType(x.dtype, (size,)),), (quotient,)), how)
    adding = elementwise(what, how)

    def make() -> list[Call]:
        in_place = dict(zip(ins(0), outs(0), strict=True))
        return [*adding.calls((True,)), *(c.on(in_place) for c in dividing.calls((True,)))]

    return Native(always(make), adding.workspace)


def mean(op: R.Mean, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Σ x / n."""
    x = in_types[0]
    axes = normalise_axes(op.axis, len(x.static))
    if not x.dtype.is_floating:
        return None
    return sum_over(x, axes, how, math.prod(x.static[a] for a in axes))


def reduce_like(op: ReduceLike, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The adjoint of a broadcast."""
    x, like = in_types
    axes = broadcast_axes(x.static, restore_axes(like.static, op.axis, x.static))
    if op.mean and not x.dtype.is_floating:
        return None
    return sum_over(x, axes, how, x.size // max(like.size, 1) if op.mean else 1)


def l2_loss(op: L2Loss, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Σ x² / 2."""
    x = in_types[0]
    if not x.size:
        return None
    value = operand(0, x.dtype)
    half = Output(value * value * 0.5, (0,))
    what = Elementwise((x.size,), (TensorType(x.dtype, (x.size,)),), (half,))
    return elementwise(what, how) if what.is_printable else None


def broadcast_to(op: BroadcastTo, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The gradient of a mean: copies of the operand divided by their number."""
    x, out = in_types[0], out_types[0]
    kept = restore_axes(x.static, op.axis, op.shape)
    kept = (1,) * (len(out.static) - len(kept)) + kept
    if not out.size or not x.dtype.is_floating:
        return None
    share = operand(0, x.dtype) / (out.size // x.size)
    what = Elementwise(out.static or (1,), (TensorType(x.dtype, kept or (1,)),), (Output(share),))
    return elementwise(what, how) if what.is_printable else None
