"""Convolution and its gradients without a column matrix: in NHWC a window's row is contiguous, so a tile of the result
reads overlapping rows of the (padded) image in place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from minigraph.backends.llvm.builder import F32, Frame, Value, at, copy, index, loop, offset, pieces, zero
from minigraph.backends.llvm.native import Call, How, Native, Room, always, ins, outs
from minigraph.backends.llvm.product import Product, copy_row, product
from minigraph.backends.llvm.tile import Reduction, Tiles, TileSet, strips, tile_columns, tile_rows
from minigraph.backends.llvm.total import write_total
from minigraph.backends.numpy.common import Types
from minigraph.core.dtypes import float32
from minigraph.ops.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution
from minigraph.ops.window import Pair, reach

WINDOW = 1 << 19  # bytes of the padded image rows of a task, which lie on the stack
SCATTERED = 64  # rows of the filter's gradient up to which each has a place of its own in a tile
LANES = 8  # independent parts of the batch in the filter's gradient


class Geometry(NamedTuple):
    """A convolution of images [n, height, width, channels] with windows that start at (-top, -left)."""

    image: tuple[int, int, int, int]
    kernel: Pair
    strides: Pair
    dilations: Pair
    before: Pair  # padding on top and left
    out: Pair
    fan: int  # output channels

    @property
    def columns(self) -> int:
        """Columns of the padded image."""
        return (self.out[1] - 1) * self.strides[1] + reach(self.kernel[1], self.dilations[1])

    def lines(self, rows: int) -> int:
        """Lines of the padded image that `rows` rows of the output read."""
        return (rows - 1) * self.strides[0] + reach(self.kernel[0], self.dilations[0])

    @property
    def line(self) -> int:
        """Elements of a line of the padded image."""
        return self.columns * self.image[3]

    @property
    def rows(self) -> int:
        """Output rows of a task: all of them where there are many images and they fit."""
        most = self.out[0] if self.image[0] >= LANES else -(-self.out[0] // LANES)
        while most > 1 and self.lines(most) * self.line * 4 > WINDOW:
            most -= 1
        return most

    @property
    def fits(self) -> bool:
        """Whether there is native code for it."""
        sizes = (*self.image, *self.out, self.fan)
        room = self.lines(self.rows) * self.line * 4 if min(sizes) > 0 else 0
        return min(self.before) >= 0 and self.before[1] < self.columns and 0 < room <= 2 * WINDOW

    def taps(self, depth: int) -> tuple[Reduction, ...]:
        """The sums over a window's rows, columns and channels; B is packed [kernel rows, kernel columns, channels]."""
        (kh, kw), (dr, dc), width = self.kernel, self.dilations, tile_columns()
        rows = Reduction(kh, dr * self.line, kw * depth * width)
        if dc == 1:
            return rows, Reduction(kw * depth, 1, width)
        return rows, Reduction(kw, dc * depth, depth * width), Reduction(depth, 1, width)


def _padded(frame: Frame, where: Geometry, room: Value, image: Value, top: Value, lines: int) -> None:
    """Copy `lines` lines from line `top` of the padded image on into `room`, with zeros around."""
    b = frame.b
    _, height, width, channels = where.image
    zero(b, room, index(lines * where.line * 4))
    size = min(width, where.columns - where.before[1]) * channels * 4
    first = b.sub(top, index(where.before[0]))
    with loop(b, index(0), index(lines)) as i:
        y = b.add(first, i)
        inside = b.and_(b.icmp_signed(">=", y, index(0)), b.icmp_signed("<", y, index(height)))
        with b.if_then(inside):
            source = at(b, image, b.mul(y, index(width * channels)), F32)
            start = b.add(b.mul(i, index(where.line)), index(where.before[1] * channels))
            copy(b, at(b, room, start, F32), source, index(size))


def packed_size(sizes: Sequence[int]) -> int:
    """Bytes of a packed filter [rows, columns, channels, outputs]."""
    return 4 * math.prod(sizes[:3]) * -(-sizes[3] // tile_columns()) * tile_columns()


def write_pack(frame: Frame, sizes: Sequence[int], strides: Sequence[int], start: int) -> int:
    """Task i: columns i·w to i·w + w of B as [rows, columns, channels, w], from the filter by the given strides.
    Pointers 1 and 3: the filter, where it goes. Returns how many tasks."""
    rows, columns, depth, fan = sizes
    width = tile_columns()
    with frame.tasks("pack") as block:
        b = frame.b
        first = b.mul(block, index(width))
        target = at(b, frame.pointers[3], b.mul(first, index(rows * columns * depth)), F32)
        source = at(b, frame.pointers[1], b.add(b.mul(first, index(strides[3])), index(start)), F32)
        full = b.icmp_signed("<=", b.add(first, index(width)), index(fan))
        for count in dict.fromkeys((min(width, fan), fan % width or width)):
            with b.if_then(full if count == width else b.not_(full)), ExitStack() as nest:
                r, s, k = (nest.enter_context(loop(b, index(0), index(n))) for n in (rows, columns, depth))
                element = at(b, source, offset(b, (r, strides[0]), (s, strides[1]), (k, strides[2])), F32)
                place = offset(b, (r, columns * depth * width), (s, depth * width), (k, width))
                copy_row(b, element, at(b, target, place, F32), count, strides[3])
    return -(-fan // width)


def _write_convolution(frame: Frame, where: Geometry) -> int:
    """Some rows of one image a task; returns how many tasks. Pointers: image, filter, result, packed filter."""
    images, height, width, depth = where.image
    rows = where.rows
    chunks = -(-where.out[0] // rows)
    lines = where.lines(rows)
    tiles = TileSet(frame.module, Tiles(where.strides[1] * depth, where.fan, where.taps(depth), adds=False))
    with frame.tasks("kernel") as task:
        b = frame.b
        room = frame.room("image", lines * where.line)
        n, chunk = b.sdiv(task, index(chunks)), b.srem(task, index(chunks))
        low = b.mul(chunk, index(rows))
        high = b.add(low, index(rows))
        high = b.select(b.icmp_signed("<", high, index(where.out[0])), high, index(where.out[0]))
        image = at(b, frame.pointers[0], b.mul(n, index(height * width * depth)), F32)
        _padded(frame, where, room, image, b.mul(low, index(where.strides[0])), lines)
        for start, columns in pieces(b, where.fan, tile_columns()):
            panel = b.mul(start, index(where.kernel[0] * where.kernel[1] * depth))
            packed = at(b, frame.pointers[3], panel, F32)
            with loop(b, low, high) as p:
                line = b.mul(b.sub(p, low), index(where.strides[0] * where.line))
                pixel = b.mul(b.add(b.mul(n, index(where.out[0])), p), index(where.out[1] * where.fan))
                target = at(b, frame.pointers[2], b.add(pixel, start), F32)
                strips(b, tiles, at(b, room, line, F32), packed, target, where.out[1], columns)
    return images * chunks


def _convolution(where: Geometry, strides: Sequence[int], start: int, order: Pair) -> Native | None:
    """The convolution of input order[0] with the filter, input order[1], read by `strides` from element `start`."""
    if not where.fits:
        return None
    sizes = *where.kernel, where.image[3], where.fan
    room = Room()
    packed = room.add(packed_size(sizes))

    def make() -> list[Call]:
        frame = Frame(4)
        blocks = write_pack(frame, sizes, strides, start)
        tasks = _write_convolution(frame, where)
        places = (*ins(*order), *outs(0), packed)
        return [Call(frame.text, "pack", blocks, places), Call(frame.text, "kernel", tasks, places)]

    return Native(always(make), room.nbytes)


def is_product(op: Convolution, w: Sequence[int], image: Sequence[int]) -> bool:
    """Whether each pixel's channels are multiplied with one matrix, and nothing else."""
    alone = (w[0], w[1]) == op.strides == (1, 1)
    return alone and op.window(w).pads(image[1], image[2]) == ((0, 0), (0, 0)) and 0 not in (*w, *image)


def conv2d(op: Conv2D, in_types: Types, out_types: Types, how: How) -> Native | None:
    """y, for float32 and one group; else None."""
    x, w = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or x[3] != w[2]:
        return None
    if is_product(op, w, x):
        return product(Product(w[2], w[2], 1, w[3], 1, w[3]), math.prod(x[:3]), w[3])
    (top, _), (left, _) = op.window(w).pads(*x[1:3])
    y = out_types[0].static
    where = Geometry(x, (w[0], w[1]), op.strides, op.dilations, (top, left), (y[1], y[2]), w[3])  # type: ignore[arg-type]
    return _convolution(where, (w[1] * w[2] * w[3], w[2] * w[3], w[3], 1), 0, (0, 1))


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, how: How) -> Native | None:
    """∂L/∂x as the convolution of δ with the turned filter, for float32, one group and strides of 1; else None."""
    w, y = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or op.shape[3] != w[2] or op.strides != (1, 1):
        return None
    if is_product(op, w, op.shape):
        return product(Product(w[3], w[3], 1, 1, w[3], w[2]), math.prod(y[:3]), w[2], (1, 0))
    (top, _), (left, _) = op.window(w).pads(*op.shape[1:3])
    before = reach(w[0], op.dilations[0]) - 1 - top, reach(w[1], op.dilations[1]) - 1 - left
    out = (op.shape[1], op.shape[2])
    where = Geometry(y, (w[0], w[1]), (1, 1), op.dilations, before, out, w[2])  # type: ignore[arg-type]
    row, column = w[1] * w[2] * w[3], w[2] * w[3]
    return _convolution(where, (-row, -column, 1, w[3]), (w[0] - 1) * row + (w[1] - 1) * column, (1, 0))


def _write_filter_grad(frame: Frame, where: Geometry, lanes: int, adds: bool) -> None:
    """Task i: the sum over the i-th part of the batch. Pointers: image, δ, where the tasks' sums go."""
    images, height, width, depth = where.image
    (kh, kw), (dr, dc), (sr, sc) = where.kernel, where.dilations, where.strides
    together = kw if dc == 1 else 1  # columns of the filter whose elements are neighbours in the image
    size = kh * kw * depth * where.fan
    rows = [r * dr * where.line + s * dc * depth + k for r in range(kh) for s in range(kw) for k in range(depth)]
    with frame.tasks("kernel") as task:
        b = frame.b
        room = frame.room("image", where.lines(where.rows) * where.line)
        total = at(b, frame.pointers[2], b.mul(task, index(size)), F32)
        if not adds:
            zero(b, total, index(size * 4))
        bounds = [b.sdiv(b.mul(b.add(task, index(i)), index(images)), index(lanes)) for i in (0, 1)]
        with loop(b, *bounds) as n:
            image = at(b, frame.pointers[0], b.mul(n, index(height * width * depth)), F32)
            delta = at(b, frame.pointers[1], b.mul(n, index(where.out[0] * where.out[1] * where.fan)), F32)
            for low, count in pieces(b, where.out[0], where.rows):
                sums = (
                    Reduction(count, sr * where.line, where.out[1] * where.fan),
                    Reduction(where.out[1], sc * depth, where.fan),
                )
                tiles = TileSet(frame.module, Tiles(1, where.fan, sums, adds=True), f"tile{count}")
                _padded(frame, where, room, image, b.mul(low, index(sr)), where.lines(count))
                part = at(b, delta, b.mul(low, index(where.out[1] * where.fan)), F32)
                for start, columns in pieces(b, where.fan, tile_columns()):
                    target, source = at(b, total, start, F32), at(b, part, start, F32)
                    if len(rows) <= SCATTERED:
                        _row_by_row(frame, tiles, rows, room, source, target, columns)
                        continue
                    with loop(b, index(0), index(kh)) as r, loop(b, index(0), index(kw // together)) as s:
                        seen = b.add(b.mul(r, index(dr * where.line)), b.mul(s, index(dc * depth)))
                        made = b.add(b.mul(r, index(kw * depth * where.fan)), b.mul(s, index(depth * where.fan)))
                        below = at(b, target, made, F32)
                        strips(b, tiles, at(b, room, seen, F32), source, below, together * depth, columns)


def _row_by_row(frame: Frame, tiles: TileSet, rows: Sequence[int], a: Value, b_: Value, c: Value, columns: int) -> None:
    """Tiles one below the other, with rows of A that begin at these elements."""
    count = -(-len(rows) // tile_rows(columns))
    for i in range(count):
        low, high = (len(rows) * n // count for n in (i, i + 1))
        below = at(frame.b, c, index(low * tiles.tiles.c), F32)
        frame.b.call(tiles.at(tuple(rows[low:high]), columns), [a, b_, below])


def filter_grad(op: Conv2DFilterGrad, in_types: Types, out_types: Types, how: How) -> Native | None:
    """∂L/∂w, for float32 and one group; else None."""
    x, y = (t.static for t in in_types)
    w = op.shape
    if out_types[0].dtype is not float32 or x[3] != w[2]:
        return None
    if is_product(op, w, x):
        return product(Product(math.prod(x[:3]), 1, w[2], w[3], 1, w[3], how.adds), w[2], w[3])
    (top, _), (left, _) = op.window(w).pads(*x[1:3])
    where = Geometry(x, (w[0], w[1]), op.strides, op.dilations, (top, left), (y[1], y[2]), w[3])  # type: ignore[arg-type]
    if not where.fits:
        return None
    lanes = 1 if how.inside else min(LANES, x[0])
    size = out_types[0].size
    room = Room()
    sums = room.add(4 * lanes * size) if lanes > 1 else outs(0)[0]

    def make() -> list[Call]:
        frame = Frame(4)
        _write_filter_grad(frame, where, lanes, how.adds and lanes == 1)
        tasks = write_total(frame, size, lanes, 2, 3, how.adds)
        places = (*ins(0, 1), sums, *outs(0))
        main = Call(frame.text, "kernel", lanes, places)
        return [main, Call(frame.text, "finish", tasks, places)] if lanes > 1 else [main]

    return Native(always(make), room.nbytes)
