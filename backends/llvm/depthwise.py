"""Convolution with one filter per channel, and its gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minigraph.backend.base import Types
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.builder import Frame, index, intrinsic, number, printed, reduce_loop
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.nest_native import from_loops
from minigraph.backends.llvm.text import F32, IRValue
from minigraph.backends.llvm.tile import parts
from minigraph.backends.llvm.windows import TAPS, Windows, WindowWriter, load, store, windows_of
from minigraph.core.dtypes import float32
from minigraph.core.types import TensorType
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution


def _fits(op: Convolution, x: Sequence[int], w: Sequence[int], y: Sequence[int], out: TensorType) -> bool:
    fits = w[2] == 1 and x[3] == w[3] and out.dtype is float32 and 0 not in (*x, *y)
    return fits and op.dilations == (1, 1) and math.prod(w[:2]) <= TAPS


def conv2d(op: Conv2D, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """y = Σ over taps of x·w[tap]; None if channels share filters."""
    x, w, y = in_types[0].static, in_types[1].static, out_types[0].static
    return from_loops(op, in_types, out_types, how) if _fits(op, x, w, y, out_types[0]) else None


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂x: Σ over taps of δ·w[tap]."""
    w, y = (t.static for t in in_types)
    return from_loops(op, in_types, out_types, how) if _fits(op, op.shape, w, y, out_types[0]) else None


def filter_grad(op: Conv2DFilterGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂w: for each vector of channels and each tap, the sum over all windows in registers."""
    x, y = (t.static for t in in_types)
    if not _fits(op, x, op.shape, y, out_types[0]):
        return None
    module = printed(_filter_grad_module, windows_of(op.window(op.shape), x, y), how.adds)
    return Native(always(lambda: [Call(module, "kernel", -(-x[3] // host().lanes), (*ins(0, 1), *outs(0)))]))


def _filter_grad_module(where: Windows, adds: bool) -> Frame:
    """A task for each vector of channels, and one for the rest."""
    frame, lanes, channels = Frame(3), host().lanes, where.image[3]
    whole = channels // lanes
    writer = WindowWriter(where, frame)
    with frame.tasks("kernel") as task:
        b = frame.b
        is_whole = b.icmp_signed("<", task, index(whole))
        with b.if_then(is_whole):
            _write_sums(frame, writer, b.mul(task, index(lanes)), lanes, adds)
        with b.if_then(b.not_(is_whole)):
            for start, width in parts(channels % lanes):
                _write_sums(frame, writer, index(whole * lanes + start), width, adds)
    return frame


def _write_sums(frame: Frame, writer: WindowWriter, c: IRValue, width: int, adds: bool) -> None:
    """Write the sums of all taps for `width` channels from c on. Pointers: image, δ, filter."""
    b, where, none = frame.b, writer.where, number(F32, 0.0, width)
    places = [b.add(index(i * where.image[3]), c) for i in range(math.prod(where.kernel))]
    first = [load(frame, 2, place, F32, width) if adds else none for place in places]

    def window(image: IRValue, p: IRValue, q: IRValue, sums: Sequence[IRValue]) -> list[IRValue]:
        pixel = writer.pixel_at(image, p, q)
        delta, made = load(frame, 1, b.add(pixel.result, c), F32, width), []
        for (tap, ok), total in zip(pixel.taps, sums, strict=True):
            added = intrinsic(b, "fma", load(frame, 0, b.add(tap, c), F32, width), delta, total)
            made.append(added if ok is None else b.select(ok, added, total))
        return made

    def nested(lengths: Sequence[int], indices: tuple[IRValue, ...], sums: Sequence[IRValue]) -> list[IRValue]:
        if not lengths:
            image, p, q = indices
            return window(image, p, q, sums)
        return reduce_loop(
            b, index(0), index(lengths[0]), 1, list(sums), lambda i, *s: nested(lengths[1:], (*indices, i), s)
        )

    for place, total in zip(places, nested((where.image[0], *where.out), (), first), strict=True):
        store(frame, 2, place, total, F32)
