"""Reductions: sums over leading axes by BLAS in two levels, all others by the ufunc's `reduce` with `out=`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, copy, fallback, steps_only, with_threads
from minigraph.backends.numpy.products import product
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.array.reshape import TileGrad
from minigraph.ops.broadcast import Axes, BroadcastTo, ReduceLike, SumTo, broadcast_axes, normalise_axes, restore_axes
from minigraph.ops.math.argmax import ArgMax
from minigraph.ops.math.reduce import All, Any_, Mean, Sum
from minigraph.ops.math.reduce_extremes import Extremum
from minigraph.ops.math.reduce_product import Prod
from minigraph.ops.nn.bias import BiasAddGrad


def sum_over(x: TensorType, axes: Sequence[int], mean: bool = False, threads: bool = False) -> Lowered:
    """Σ x over `axes` (numbers from 0), in the order of the remaining axes; divided by the count for a mean.

    threads: whether all threads work on it, if BLAS computes it.
    """
    dims = x.static
    count = math.prod(dims[a] for a in axes)
    kind = x.dtype.np_dtype
    leading = 0 < len(axes) < len(dims) and tuple(axes) == tuple(range(len(axes)))
    if leading and x.size and kind.kind == "f" and kind.itemsize >= 4:
        return _sum_rows(count, x.size // count, kind, mean, threads)

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        out = outputs[0]
        total = out.reshape([d for i, d in enumerate(dims) if i not in axes])
        made: list[Launch] = [partial(np.add.reduce, inputs[0], axis=tuple(axes), dtype=kind, out=total)]
        if not axes:
            made = [copy(total, inputs[0])]
        if mean and count:
            made.append(partial(np.divide, out, np.array(count, kind), out))
        return [partial(out.fill, np.nan)] if mean and not count else made

    return steps_only(steps)


def _sum_rows(rows: int, width: int, kind: np.dtype[Any], mean: bool, threads: bool) -> Lowered:
    """The column sums of a matrix as ones·X, which is faster than `np.sum`.

    The first sum is over groups of rows, the second over the groups, so that rounding errors grow with the square root
    of the row count.
    """
    groups = next(d for d in range(max(math.isqrt(rows), 1), 0, -1) if rows % d == 0)
    if groups < 8:
        groups = 1
    layout = ArrayLayout()
    if groups > 1:
        layout.reserve((rows // groups, width), kind)
    divisor = np.array(rows, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        ones = np.ones(max(groups, rows // groups), kind)
        x, out = inputs[0], outputs[0].reshape(width)
        made: list[Launch] = []
        if groups > 1:
            (partials,) = layout.arrays(workspace)
            made.append(product(ones[:groups], x.reshape(groups, -1), partials.reshape(-1), threads))
            x = partials
        made.append(product(ones[: rows // groups], x.reshape(rows // groups, width), out, threads))
        if mean:
            made.append(partial(np.divide, out, divisor, out))
        return in_sequence(made)

    return Lowered(bind, layout.nbytes)


def sum_(op: Sum, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    return sum_over(in_types[0], normalise_axes(op.axis, len(in_types[0].static)), threads=threads)


def mean(op: Mean, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    if not in_types[0].dtype.is_floating:
        return fallback(op, in_types, out_types)
    return sum_over(in_types[0], normalise_axes(op.axis, len(in_types[0].static)), mean=True, threads=threads)


def bias_add_grad(op: BiasAddGrad, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """∂L/∂b[c] = Σ δ[..., c]."""
    return sum_over(in_types[0], range(len(in_types[0].static) - 1), threads=threads)


def sum_to(op: SumTo, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    return sum_over(in_types[0], op.summed_axes(in_types), threads=threads)


def reduce_like(op: ReduceLike, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    x, like = in_types
    if op.mean and not x.dtype.is_floating:
        return fallback(op, in_types, out_types)
    axes = broadcast_axes(x.static, restore_axes(like.static, op.axis, x.static))
    return sum_over(x, axes, op.mean and x.size > 0, threads)


def broadcast_to(op: BroadcastTo, in_types: Types, out_types: Types) -> Lowered:
    """The gradient of a mean: the small operand is divided, then copied."""
    x = in_types[0]
    if not x.dtype.is_floating:
        return fallback(op, in_types, out_types)
    kept = restore_axes(x.static, op.axis, op.shape)
    copies = np.array(math.prod(op.shape) // max(x.size, 1) or 1, x.dtype.np_dtype)
    layout = ArrayLayout()
    layout.reserve(kept, x.dtype.np_dtype)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (share,) = layout.arrays(workspace)
        return in_sequence([partial(np.divide, inputs[0].reshape(kept), copies, share), copy(outputs[0], share)])

    return Lowered(bind, layout.nbytes)


def extremum(op: Extremum, in_types: Types, out_types: Types) -> Lowered:
    x = in_types[0]
    low, high = (-np.inf, np.inf) if x.dtype.is_floating else (x.dtype.min, x.dtype.max)
    ufunc, initial = (np.maximum, low) if op.function == "max" else (np.minimum, high)
    return _reduce(ufunc, op.axis, op.keep_dims, x, initial=initial)


def _reduce(ufunc: np.ufunc, axis: Axes, keep: bool, x: TensorType, **options: Any) -> Lowered:
    axes = normalise_axes(axis, len(x.static))
    return steps_only(lambda i, o: [partial(ufunc.reduce, i[0], axis=axes, out=o[0], keepdims=keep, **options)])


def prod(op: Prod, in_types: Types, out_types: Types) -> Lowered:
    return _reduce(np.multiply, op.axis, op.keep_dims, in_types[0], dtype=in_types[0].dtype.np_dtype)


def tile_grad(op: TileGrad, in_types: Types, out_types: Types) -> Lowered:
    """The sum over the copies: every axis is split into (copies, length), and the copies are summed."""
    split = [d for total, m in zip(in_types[0].static, op.multiples, strict=True) for d in (m, total // m)]
    axes = tuple(range(0, len(split), 2))
    return steps_only(lambda i, o: [partial(np.add.reduce, i[0].reshape(split), axis=axes, out=o[0])])


def argmax(op: ArgMax, in_types: Types, out_types: Types) -> Lowered:
    """NumPy writes indices as intp only; another output dtype gets a copy."""
    function = getattr(np, op.function)
    out = out_types[0]
    layout = ArrayLayout()
    if out.dtype.np_dtype != np.intp:
        layout.reserve(out.static, np.intp)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        if not layout.nbytes:
            return partial(function, inputs[0], op.axis, outputs[0])
        (index,) = layout.arrays(workspace)
        return in_sequence([partial(function, inputs[0], op.axis, index), copy(outputs[0], index)])

    return Lowered(bind, layout.nbytes)


KERNELS: dict[type[Op], Kernel] = {
    Sum: sum_,
    Mean: mean,
    Extremum: extremum,
    Prod: prod,
    All: lambda op, in_types, out_types: _reduce(np.logical_and, op.axis, op.keep_dims, in_types[0]),
    Any_: lambda op, in_types, out_types: _reduce(np.logical_or, op.axis, op.keep_dims, in_types[0]),
    ArgMax: argmax,
    BiasAddGrad: bias_add_grad,
    SumTo: sum_to,
    ReduceLike: reduce_like,
    BroadcastTo: broadcast_to,
    TileGrad: tile_grad,
}

SHARED: dict[type[Op], Kernel] = with_threads(
    {Sum: sum_, Mean: mean, BiasAddGrad: bias_add_grad, SumTo: sum_to, ReduceLike: reduce_like}
)
