"""Pooling and its gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from minigraph.backend.base import Types
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.builder import I32, Frame, Value, at, element, index, number, splat, vector, zero
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.windows import TAPS, Pixel, Windows, WindowWriter, load, store, windows_of
from minigraph.core.types import TensorType
from minigraph.ops.nn.pool import AvgPool, AvgPoolInputGrad, MaxPool, MaxPoolInputGrad, Pool

Share = Callable[[Frame, Pixel, Value, int], list[Value]]


def _fits(op: Pool, image: Sequence[int], kind: TensorType) -> bool:
    return math.prod(op.ksize) <= TAPS and kind.dtype.np_dtype.kind == "f" and kind.dtype.size >= 4 and 0 not in image


def max_pool(op: MaxPool, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The largest element of each window and its position, the first on ties. NaN counts as the largest."""
    x, y, kinds = in_types[0].static, out_types[0].static, out_types
    if not _fits(op, (*x, *y), in_types[0]):
        return None
    kind, where = element(kinds[0].dtype), element(kinds[1].dtype)

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        frame = Frame(1 + sum(wanted))
        writer = WindowWriter(windows_of(op.window, x, y), frame, True)
        with writer.windows() as pixel:
            b = frame.b

            def body(c: Value, width: int) -> None:
                lowest = number(kind, -math.inf, width)
                best, place = lowest, number(I32, 0, width)
                for i, (tap, ok) in enumerate(pixel.taps):
                    value = load(frame, 0, b.add(tap, c), kind, width)
                    if ok is not None:
                        value = b.select(ok, value, lowest)
                    better = b.and_(b.fcmp_unordered(">", value, best), b.fcmp_ordered("ord", best, best))
                    best = b.select(better, value, best)
                    place = b.select(better, number(I32, i, width), place)
                to = b.add(pixel.result, c)
                if wanted[0]:
                    store(frame, 1, to, best, kind)
                if wanted[1]:
                    value = place if where == I32 else b.trunc(place, vector(where, width))
                    store(frame, 1 + wanted[0], to, value, where)

            writer.channels(body)
        args = (*ins(0), *outs(*(i for i in range(2) if wanted[i])))
        return [Call(frame.text, "kernel", writer.tasks, args)]

    return Native(calls)


def avg_pool(op: AvgPool, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The mean of each window's valid elements."""
    x, y = in_types[0].static, out_types[0].static
    if not _fits(op, (*x, *y), in_types[0]):
        return None
    kind = element(out_types[0].dtype)

    def make() -> list[Call]:
        frame = Frame(2)
        writer = WindowWriter(windows_of(op.window, x, y), frame, True)
        with writer.windows() as pixel:
            b = frame.b
            count = b.sitofp(pixel.count, kind)

            def body(c: Value, width: int) -> None:
                total = none = number(kind, 0.0, width)
                for tap, ok in pixel.taps:
                    value = load(frame, 0, b.add(tap, c), kind, width)
                    total = b.fadd(total, value if ok is None else b.select(ok, value, none))
                store(frame, 1, b.add(pixel.result, c), b.fdiv(total, splat(b, count, width)), kind)

            writer.channels(body)
        return [Call(frame.text, "kernel", writer.tasks, (*ins(0), *outs(0)))]

    return Native(always(make))


def max_pool_grad(op: MaxPoolInputGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """δ at each maximum, 0 elsewhere."""
    if not _fits(op, (*op.shape, *in_types[1].static), out_types[0]):
        return None
    kind, where = element(out_types[0].dtype), element(in_types[0].dtype)

    def share(frame: Frame, pixel: Pixel, c: Value, width: int) -> list[Value]:
        b = frame.b
        from_ = b.add(pixel.result, c)
        place, delta = load(frame, 0, from_, where, width), load(frame, 1, from_, kind, width)
        none = number(kind, 0.0, width)
        taps = range(len(pixel.taps))
        return [b.select(b.icmp_unsigned("==", place, number(where, i, width)), delta, none) for i in taps]

    return spread(windows_of(op.window, op.shape, in_types[1].static), 2, out_types[0], share)


def avg_pool_grad(op: AvgPoolInputGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """δ spread evenly over each window's valid elements."""
    if not _fits(op, (*op.shape, *in_types[0].static), out_types[0]):
        return None
    kind = element(out_types[0].dtype)

    def share(frame: Frame, pixel: Pixel, c: Value, width: int) -> list[Value]:
        b = frame.b
        count = splat(b, b.sitofp(pixel.count, kind), width)
        return [b.fdiv(load(frame, 0, b.add(pixel.result, c), kind, width), count)] * len(pixel.taps)

    return spread(windows_of(op.window, op.shape, in_types[0].static), 1, out_types[0], share)


def spread(where: Windows, pointer: int, out: TensorType, share: Share) -> Native:
    """An image, at the pointer after the operands', to which each window adds `share` for each of its taps."""
    kind = element(out.dtype)
    size = math.prod(out.static[1:])

    def make() -> list[Call]:
        frame = Frame(pointer + 1)
        writer = WindowWriter(where, frame, where.is_partition)

        def clear(image: Value) -> None:
            start = at(frame.b, frame.pointers[pointer], frame.b.mul(image, index(size)), kind)
            zero(frame.b, start, index(size * out.dtype.size))

        with writer.windows(None if where.is_partition else clear) as pixel:

            def body(c: Value, width: int) -> None:
                b = frame.b
                for value, (tap, ok) in zip(share(frame, pixel, c, width), pixel.taps, strict=True):
                    to = b.add(tap, c)
                    if where.is_partition:
                        store(frame, pointer, to, value, kind)
                        continue
                    added = value if ok is None else b.select(ok, value, number(kind, 0.0, width))
                    store(frame, pointer, to, b.fadd(load(frame, pointer, to, kind, width), added), kind)

            writer.channels(body)
        return [Call(frame.text, "kernel", writer.tasks, (*ins(*range(pointer)), *outs(0)))]

    return Native(always(make))
