"""Exporters of what quantises and dequantises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.values import first_perm


def _linear(e: Emit) -> None:
    first, axis = e.is_first(), _axis(e)
    if axis is not None and first:
        axis = first_perm(e.out.rank or 0).index(axis)
    e.result(_added(e, e.first() if first else e.plain(), axis), first)


def dequantized_in(e: Emit, perm: tuple[int, ...]) -> str | None:
    """The name of dequantised integers, which are known, with their axes in an order; None of another node."""
    q = e.known(0) if e.node.type == "DequantizeLinear" else None
    if q is None:
        return None
    axis = _axis(e)
    turned = e.constant(np.transpose(q, perm), "integers")
    return _added(e, turned, None if axis is None else perm.index(axis))


def _added(e: Emit, x: str, axis: int | None) -> str:
    """The name of the result for the first input `x`, whose scales vary along `axis`."""
    scale, zero = (np.asarray(e.known(i)) for i in (1, 2))
    flat = () if axis is None else (-1,)
    whole = np.broadcast_to(zero, scale.shape)
    parts = [e.constant(a.reshape(flat), name) for a, name in ((scale, "scale"), (whole, "zero_point"))]
    return e.add(e.node.type, x, *parts, **({} if axis is None else {"axis": axis}))


def _axis(e: Emit) -> int | None:
    """The axis of the result along which the scales vary; None if there is one scale."""
    scale, zero, rank = e.known(1), e.known(2), e.out.rank
    if scale is None or zero is None or rank is None:
        e.unsupported("scale and zero point must be constants, and the rank known")
    long = [rank - scale.ndim + i for i, d in enumerate(scale.shape) if d != 1]
    if len(long) > 1 or zero.size not in (1, scale.size):
        e.unsupported("there must be one scale and zero point, or one for each index of an axis")
    return long[0] if long else None


EXPORT: dict[str, Callable[[Emit], None]] = {"DequantizeLinear": _linear, "QuantizeLinear": _linear}
