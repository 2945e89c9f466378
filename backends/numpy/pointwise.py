"""Pointwise ops: their scalar expressions as NumPy calls with `out=`, on blocks that stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import (
    Array,
    ArrayLayout,
    Kernel,
    block_elements,
    blocks,
    copy,
    fallback,
    same,
    steps_only,
)
from minigraph.backends.numpy.expressions import ElementPlan, plan_expression
from minigraph.core.op import Op
from minigraph.core.scalar import operand
from minigraph.ops import pointwise as P
from minigraph.ops.math.add_n import AddN
from minigraph.ops.math.casting import Cast
from minigraph.ops.math.quantization import DequantizeLinear, QuantizeLinear, Requantize
from minigraph.ops.math.selection import Select
from minigraph.ops.nn.bias import BiasAdd

_TILED = 4096  # elements to which a short row is repeated, to make NumPy's inner loops long
_FEW = 16384  # below this many elements tiling saves less than its additional call costs


def pointwise(op: Op, in_types: Types, out_types: Types) -> Lowered:
    """The op's scalar expression. A single call runs on whole arrays, several run block by block."""
    if not op.is_pointwise(in_types):
        return fallback(op, in_types, out_types)
    plan = plan_expression(op.expr(*(operand(i, t.dtype) for i, t in enumerate(in_types))), len(in_types))
    function = plan.single_ufunc
    if function is not None:
        return binary(function, in_types, out_types)
    if len(plan.steps) == 1 and not plan.temporaries:
        return steps_only(lambda x, out: plan.bind([*x, out[0]], []), inplace=same(in_types, out_types[0]))
    return blocked(plan, in_types, out_types)


def blocked(plan: ElementPlan, in_types: Types, out_types: Types) -> Lowered:
    """The plan on flat blocks, or on blocks of rows where an operand is broadcast."""
    out = out_types[0]
    size = min(block_elements(out.dtype.np_dtype), out.size)
    whole: tuple[int, ...]
    piece: tuple[int, ...]
    if all(t.shape == out.shape for t in in_types):
        whole, piece = (out.size,), (size,)
    else:
        rest = out.static[1:]
        whole, piece = out.static, (max(1, size // max(math.prod(rest), 1)), *rest)
    layout = ArrayLayout()
    for dtype in plan.temporaries:
        layout.reserve(piece, dtype)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        temporaries = layout.arrays(workspace)
        arrays = [a.reshape(whole) if a.size == out.size else np.broadcast_to(a, whole) for a in inputs]
        target = outputs[0].reshape(whole)
        made: list[Launch] = []
        for part in blocks(whole[0], piece[0]):
            own = [a[part] for a in arrays]
            made += plan.bind([*own, target[part]], [t[: part.stop - part.start] for t in temporaries])
        return in_sequence(made)

    return Lowered(bind, layout.nbytes, same(in_types, out))


def binary(ufunc: np.ufunc, in_types: Types, out_types: Types) -> Lowered:
    """out = ufunc(x, y). A short row that broadcasts over many others is first repeated to a longer one."""
    out = out_types[0]
    inplace = same(in_types, out)
    tiled = next((i for i in (0, 1) if _is_row(in_types[i].static, out.static) and i ^ 1 in inplace), None)
    if tiled is None:
        return Lowered(lambda x, o, workspace: _call(ufunc, x[0], x[1], o[0]), inplace=inplace)
    width = out.static[-1]
    count = _divisor(out.size // width, _TILED // width)
    layout = ArrayLayout()
    layout.reserve((count, width), out.dtype.np_dtype)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (rows,) = layout.arrays(workspace)
        x, y = (a.reshape(-1, count * width) if i != tiled else rows.reshape(-1) for i, a in enumerate(inputs))
        row = inputs[tiled].reshape(width)
        return in_sequence([copy(rows, row), _call(ufunc, x, y, outputs[0].reshape(-1, count * width))])

    return Lowered(bind, layout.nbytes, inplace)


def _call(ufunc: np.ufunc, x: Array, y: Array, out: Array) -> Launch:
    """The call with `out` by position, which NumPy handles faster, except where that is deprecated."""
    if ufunc in (np.maximum, np.minimum):
        return partial(ufunc, x, y, out=out)
    return partial(ufunc, x, y, out)


def _is_row(shape: tuple[int, ...], out: tuple[int, ...]) -> bool:
    """Whether `shape` is a short vector along the last axis of a large output."""
    return math.prod(out) > _FEW and shape[-1:] == out[-1:] and math.prod(shape) == out[-1] <= 256


def _divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` up to `limit`."""
    return next(d for d in range(max(limit, 1), 0, -1) if number % d == 0)


def select(op: Select, in_types: Types, out_types: Types) -> Lowered:
    """x where the condition holds, else y. The condition is a scalar, has one element per row, or has the operands'
    shape."""
    condition, x, _ = in_types
    if condition.shape == x.shape:
        return pointwise(op, in_types, out_types)
    if condition.shape == ():

        def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
            test, yes, no = inputs
            out = outputs[0]
            return lambda: np.copyto(out, yes if test else no)

        return Lowered(bind, inplace=(1, 2))
    rows = (-1,) + (1,) * (len(x.static) - 1)
    return steps_only(
        lambda i, o: [copy(o[0], i[2]), partial(np.copyto, o[0], i[1], where=i[0].reshape(rows))]  # type: ignore[arg-type]
    )


KERNELS: dict[type[Op], Kernel] = {
    P.Pointwise: pointwise,
    AddN: pointwise,
    BiasAdd: pointwise,
    Cast: pointwise,
    DequantizeLinear: pointwise,
    QuantizeLinear: pointwise,
    Requantize: pointwise,
    Select: select,
}
