"""Exporters of what quantises and dequantises."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minigraph.core.dtypes import float32, int16, uint16
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.library import as_onnx_dtype
from minigraph.formats.onnx.values import first_perm


def _linear(e: Emit) -> None:
    e.result(*(_spelt_out(e) if _is_wide(e) else _as_operator(e)))


def _as_operator(e: Emit) -> tuple[str, bool]:
    first, axis = e.is_first(), _axis(e)
    if axis is not None and first:
        axis = first_perm(e.out.rank or 0).index(axis)
    return _added(e, e.first() if first else e.plain(), axis), first


def _is_wide(e: Emit) -> bool:
    """Whether the integers have 16 bits. ONNX's operators take those from operator set 21 on only."""
    return e.inputs[2].type.dtype in (int16, uint16)


def _spelt_out(e: Emit) -> tuple[str, bool]:
    """The result by other operators. Numbers of 16 bits and their differences are exact in float32."""
    (x, scale, zero), first = e.operands()
    offset = e.add("Cast", zero, to=as_onnx_dtype(float32))
    if e.node.type == "DequantizeLinear":
        difference = e.add("Sub", e.add("Cast", x, to=as_onnx_dtype(float32)), offset)
        return e.add("Mul", difference, scale), first
    dtype = e.out.dtype
    moved = e.add("Add", e.add("Round", e.add("Div", x, scale)), offset)
    limits = (e.constant(np.float32(limit), "limit") for limit in (dtype.min, dtype.max))
    return e.add("Cast", e.add("Clip", moved, *limits), to=as_onnx_dtype(dtype)), first


def dequantized_in(e: Emit, perm: tuple[int, ...]) -> str | None:
    """The name of dequantised integers, which are known, with their axes in an order; None of another node."""
    q = e.known(0) if e.node.type == "DequantizeLinear" else None
    if q is None or _is_wide(e):
        return None
    axis = _axis(e)
    turned = e.constant(np.transpose(q, perm), "integers")
    return _added(e, turned, None if axis is None else perm.index(axis))


def _added(e: Emit, x: str, axis: int | None) -> str:
    """The name of the result for the first input `x`, whose scales vary along `axis`."""
    shape = () if axis is None else (math.prod(_shape(e, 1)),)
    return e.add(e.node.type, x, *(_flat(e, i, shape) for i in (1, 2)), **({} if axis is None else {"axis": axis}))


def _flat(e: Emit, index: int, shape: tuple[int, ...]) -> str:
    """The name of the scale or the zero point as a number or a vector; one number is repeated."""
    array = e.known(index)
    own = shape if math.prod(_shape(e, index)) == math.prod(shape) else ()
    if array is not None:
        return e.constant(np.broadcast_to(array.reshape(own), shape), ("scale", "zero_point")[index - 1])
    found = e.add("Reshape", e.plain(index), e.ints(own))
    return found if own == shape else e.add("Expand", found, e.ints(shape))


def _axis(e: Emit) -> int | None:
    """The axis of the result along which the scales vary; None if there is one scale."""
    rank = e.out.rank
    if rank is None:
        e.unsupported("the rank must be known")
    scales, zeros = ([rank - len(s) + i for i, d in enumerate(s) if d != 1] for s in (_shape(e, 1), _shape(e, 2)))
    if len(scales) > 1 or zeros not in ([], scales):
        e.unsupported("there must be one scale and zero point, or one for each index of an axis")
    return scales[0] if scales else None


def _shape(e: Emit, index: int) -> tuple[int, ...]:
    array, kind = e.known(index), e.inputs[index].type
    if array is None and not kind.is_static:
        e.unsupported("the shapes of scale and zero point must be known")
    return kind.static if array is None else array.shape


EXPORT: dict[str, Callable[[Emit], None]] = {"DequantizeLinear": _linear, "QuantizeLinear": _linear}
