"""Pooling and its gradients, a vector of channels at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from minigraph.backends.llvm.builder import (
    I32,
    I64,
    Frame,
    Value,
    at,
    element,
    index,
    larger,
    loop,
    number,
    offset,
    smaller,
    splat,
    vector,
    zero,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, How, Native, always, ins, outs
from minigraph.backends.llvm.tile import parts
from minigraph.backends.numpy.common import Types
from minigraph.core.types import TensorType
from minigraph.ops.pool import AvgPool, AvgPoolInputGrad, MaxPool, MaxPoolInputGrad, Pool
from minigraph.ops.window import Pair

TAPS = 25  # of a window, at most: each is written out


class _Windows(NamedTuple):
    """Windows over images [n, height, width, channels], starting at (-top, -left)."""

    image: tuple[int, ...]
    kernel: Pair
    strides: Pair
    before: Pair
    out: Pair

    @property
    def is_inside(self) -> bool:
        """Whether no window reaches over an edge."""
        reach = [
            (o - 1) * s + k - b for o, s, k, b in zip(self.out, self.strides, self.kernel, self.before, strict=True)
        ]
        return self.before == (0, 0) and reach[0] <= self.image[1] and reach[1] <= self.image[2]

    @property
    def is_partition(self) -> bool:
        """Whether each pixel is in one window."""
        covers = all(o * s == n for o, s, n in zip(self.out, self.strides, self.image[1:3], strict=True))
        return self.is_inside and self.kernel == self.strides and covers


def _windows(op: Pool, image: Sequence[int], out: Sequence[int]) -> _Windows:
    (top, _), (left, _) = op.window.pads(image[1], image[2])
    return _Windows(tuple(image), op.ksize, op.strides, (top, left), (out[1], out[2]))


class _Pixel(NamedTuple):
    """Where one window is.

    result: the offset of its result. taps: each one's offset in the image, and whether it is inside (None: always).
    count: how many are inside.
    """

    result: Value
    taps: list[tuple[Value, Value | None]]
    count: Value


class _Writer:
    """Writes a kernel that goes through all windows. A task is an image, or a row of results where rows do not meet."""

    def __init__(self, where: _Windows, frame: Frame, rows: bool) -> None:
        self.where, self.frame, self.rows = where, frame, rows
        self.tasks = where.image[0] * (where.out[0] if rows else 1)

    @contextmanager
    def windows(self, before: Callable[[Value], None] | None = None) -> Iterator[_Pixel]:
        """The kernel with its loops over the windows; `before` writes what is done first for an image."""
        down, across = self.where.out
        with self.frame.tasks("kernel") as task:
            b = self.frame.b
            image = b.sdiv(task, index(down)) if self.rows else task
            if before is not None:
                before(image)
            low = b.srem(task, index(down)) if self.rows else index(0)
            high = b.add(low, index(1)) if self.rows else index(down)
            with loop(b, low, high) as p, loop(b, index(0), index(across)) as q:
                yield self._pixel(image, p, q)

    def _pixel(self, image: Value, p: Value, q: Value) -> _Pixel:
        b, where = self.frame.b, self.where
        _, height, width, channels = where.image
        result = offset(b, (image, where.out[0] * where.out[1] * channels), (p, where.out[1] * channels), (q, channels))
        axes = []
        for place, axis, length in ((p, 0, height), (q, 1, width)):
            start = b.sub(b.mul(place, index(where.strides[axis])), index(where.before[axis]))
            axes.append([self._inside(b.add(start, index(k)), length) for k in range(where.kernel[axis])])
        count = index(math.prod(where.kernel))
        if not where.is_inside:
            counts = [sum_up(self.frame.b, [b.zext(ok, I64) for _, ok in axis]) for axis in axes]
            count = b.mul(*counts)
        taps = []
        for y, y_ok in axes[0]:
            for x, x_ok in axes[1]:
                place = offset(b, (image, height * width * channels), (y, width * channels), (x, channels))
                taps.append((place, None if y_ok is None else b.and_(y_ok, x_ok)))
        return _Pixel(result, taps, count)

    def _inside(self, place: Value, length: int) -> tuple[Value, Value | None]:
        """The place brought inside the image, and whether it was."""
        if self.where.is_inside:
            return place, None
        b = self.frame.b
        ok = b.and_(b.icmp_signed(">=", place, index(0)), b.icmp_signed("<", place, index(length)))
        return smaller(b, larger(b, place, index(0)), index(length - 1)), ok

    def channels(self, body: Callable[[Value, int], None]) -> None:
        """`body(channel, width)` for vectors that make up all channels."""
        lanes, count = host().lanes, self.where.image[3]
        whole = count // lanes * lanes
        with loop(self.frame.b, index(0), index(whole), lanes) as c:
            body(c, lanes)
        for start, width in parts(count - whole):
            body(index(whole + start), width)


def sum_up(b: Any, values: Sequence[Value]) -> Value:
    """The sum of integers."""
    total = values[0]
    for value in values[1:]:
        total = b.add(total, value)
    return total


def _fits(op: Pool, image: Sequence[int], kind: TensorType) -> bool:
    return math.prod(op.ksize) <= TAPS and kind.dtype.np_dtype.kind == "f" and kind.dtype.size >= 4 and 0 not in image


def max_pool(op: MaxPool, in_types: Types, out_types: Types, how: How) -> Native | None:
    """The largest element of each window, a NaN before all others, and where it is: the first on ties."""
    x, y, kinds = in_types[0].static, out_types[0].static, out_types
    if not _fits(op, (*x, *y), in_types[0]):
        return None
    kind, where = element(kinds[0].dtype), element(kinds[1].dtype)

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        frame = Frame(1 + sum(wanted))
        writer = _Writer(_windows(op, x, y), frame, True)
        with writer.windows() as pixel:
            b = frame.b

            def body(c: Value, width: int) -> None:
                lowest = number(kind, -math.inf, width)
                best, place = lowest, number(I32, 0, width)
                for i, (tap, ok) in enumerate(pixel.taps):
                    value = _load(frame, 0, b.add(tap, c), kind, width)
                    if ok is not None:
                        value = b.select(ok, value, lowest)
                    better = b.and_(b.fcmp_unordered(">", value, best), b.fcmp_ordered("ord", best, best))
                    best = b.select(better, value, best)
                    place = b.select(better, number(I32, i, width), place)
                to = b.add(pixel.result, c)
                if wanted[0]:
                    _store(frame, 1, to, best, kind)
                if wanted[1]:
                    value = place if where == I32 else b.trunc(place, vector(where, width))
                    _store(frame, 1 + wanted[0], to, value, where)

            writer.channels(body)
        places = (*ins(0), *outs(*(i for i in range(2) if wanted[i])))
        return [Call(frame.text, "kernel", writer.tasks, places)]

    return Native(calls)


def avg_pool(op: AvgPool, in_types: Types, out_types: Types, how: How) -> Native | None:
    """The mean of each window's valid elements."""
    x, y = in_types[0].static, out_types[0].static
    if not _fits(op, (*x, *y), in_types[0]):
        return None
    kind = element(out_types[0].dtype)

    def make() -> list[Call]:
        frame = Frame(2)
        writer = _Writer(_windows(op, x, y), frame, True)
        with writer.windows() as pixel:
            b = frame.b
            count = b.sitofp(pixel.count, kind)

            def body(c: Value, width: int) -> None:
                total = none = number(kind, 0.0, width)
                for tap, ok in pixel.taps:
                    value = _load(frame, 0, b.add(tap, c), kind, width)
                    total = b.fadd(total, value if ok is None else b.select(ok, value, none))
                _store(frame, 1, b.add(pixel.result, c), b.fdiv(total, splat(b, count, width)), kind)

            writer.channels(body)
        return [Call(frame.text, "kernel", writer.tasks, (*ins(0), *outs(0)))]

    return Native(always(make))


def max_pool_grad(op: MaxPoolInputGrad, in_types: Types, out_types: Types, how: How) -> Native | None:
    """δ where each maximum was, 0 elsewhere."""
    kind, where = element(out_types[0].dtype), element(in_types[0].dtype)

    def share(frame: Frame, pixel: _Pixel, c: Value, width: int) -> list[Value]:
        b = frame.b
        from_ = b.add(pixel.result, c)
        place, delta = _load(frame, 0, from_, where, width), _load(frame, 1, from_, kind, width)
        none = number(kind, 0.0, width)
        taps = range(len(pixel.taps))
        return [b.select(b.icmp_unsigned("==", place, number(where, i, width)), delta, none) for i in taps]

    return _spread(op, in_types, out_types[0], share)


def avg_pool_grad(op: AvgPoolInputGrad, in_types: Types, out_types: Types, how: How) -> Native | None:
    """δ spread evenly over each window's valid elements."""
    kind = element(out_types[0].dtype)

    def share(frame: Frame, pixel: _Pixel, c: Value, width: int) -> list[Value]:
        b = frame.b
        count = splat(b, b.sitofp(pixel.count, kind), width)
        return [b.fdiv(_load(frame, 0, b.add(pixel.result, c), kind, width), count)] * len(pixel.taps)

    return _spread(op, in_types, out_types[0], share)


def _spread(
    op: Pool, in_types: Types, out: TensorType, share: Callable[[Frame, _Pixel, Value, int], list[Value]]
) -> Native | None:
    """An image that gets from each window what `share` gives each tap."""
    y = in_types[-1].static
    if not _fits(op, (*out.static, *y), out):
        return None
    kind, where, pointer = element(out.dtype), _windows(op, out.static, y), len(in_types)
    size = math.prod(out.static[1:])

    def make() -> list[Call]:
        frame = Frame(pointer + 1)
        writer = _Writer(where, frame, where.is_partition)

        def clear(image: Value) -> None:
            start = at(frame.b, frame.pointers[pointer], frame.b.mul(image, index(size)), kind)
            zero(frame.b, start, index(size * out.dtype.size))

        with writer.windows(None if where.is_partition else clear) as pixel:

            def body(c: Value, width: int) -> None:
                b = frame.b
                for value, (tap, ok) in zip(share(frame, pixel, c, width), pixel.taps, strict=True):
                    to = b.add(tap, c)
                    if where.is_partition:
                        _store(frame, pointer, to, value, kind)
                        continue
                    added = value if ok is None else b.select(ok, value, number(kind, 0.0, width))
                    _store(frame, pointer, to, b.fadd(_load(frame, pointer, to, kind, width), added), kind)

            writer.channels(body)
        return [Call(frame.text, "kernel", writer.tasks, (*ins(*range(pointer)), *outs(0)))]

    return Native(always(make))


def _load(frame: Frame, pointer: int, place: Value, kind: Any, width: int) -> Value:
    address = at(frame.b, frame.pointers[pointer], place, kind)
    return frame.b.load(address, typ=vector(kind, width), align=1)


def _store(frame: Frame, pointer: int, place: Value, value: Value, kind: Any) -> None:
    frame.b.store(value, at(frame.b, frame.pointers[pointer], place, kind), align=1)
