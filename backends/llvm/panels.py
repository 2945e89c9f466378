"""Contractions whose factor B is packed in panels, so that each row of B that a tile reads is contiguous.

Tiles of the result read A in place; a convolution reads its image through pointers to the pixels that a window covers.
Epilogues are applied before a tile is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from minigraph.backend.workspace import BufferRef, ins
from minigraph.backends.llvm.builder import Frame, at, fill, index, loop, offset, pieces, printed, splat
from minigraph.backends.llvm.compiler import LazyModule
from minigraph.backends.llvm.geometry import Geometry
from minigraph.backends.llvm.native import Call
from minigraph.backends.llvm.product import ONE, Batch, Grid, copy_row, is_size, sizes
from minigraph.backends.llvm.shared_tiles import SharedTiles, tile_module
from minigraph.backends.llvm.text import F32, I16, I32, POINTER, IRBuilder, IRValue, vector
from minigraph.backends.llvm.tile import (
    ContractionAxis,
    TileEpilogue,
    Tiles,
    TileSet,
    heights,
    parts,
    strips,
    tile_columns,
)

NEAR = 192 << 10  # bytes of A, and of pointers to it, that a task reads for each panel: both stay in the L2 cache
TASKS = 16  # least number of tasks where there are as many panels


class Panels(NamedTuple):
    """The product C = A·B, [rows, fan]. where: the geometry if the rows of A are windows of an image; otherwise rows
    are contiguous, with `depth` elements each.

    filling: the byte that padding consists of. head: elements of a packed column before its terms. tiles: the class of
    the tiles. pitch: elements from one row of C to the next, if not `fan`. Elements of A have four bytes.
    """

    rows: int
    depth: int  # elements of a row of A, or of a pixel
    fan: int
    where: Geometry | None = None
    epilogue: TileEpilogue | None = None
    batch: Batch = ONE
    filling: int = 0
    head: int = 0
    tiles: type[TileSet] = TileSet
    pitch: int | None = None

    @property
    def column(self) -> int:
        """Elements of a packed column."""
        return self.head + self.taps * self.depth

    @property
    def tasks(self) -> int:
        return self.cut.tasks * self.batch.number

    @property
    def taps(self) -> int:
        return math.prod(self.where.kernel) if self.where else 1

    @property
    def floats(self) -> int:
        """Elements of the whole packed factor."""
        return self.batch.number * floats(self.column, self.fan)

    @property
    def cut(self) -> Grid:
        """Tasks of nearly equal size."""
        least = self.tiles.rows()
        blocks = -(-self.rows // max(least, NEAR // max(4 * self.depth, 8 * self.taps * bool(self.where))))
        height = -(-self.rows // (blocks * least)) * least
        blocks = -(-self.rows // height)
        panels = -(-self.fan // tile_columns())
        group = -(-panels // min(panels, -(-TASKS // (blocks * self.batch.number))))
        return Grid(self.rows, self.fan, height, group * tile_columns())

    @property
    def kind(self) -> Tiles:
        """Its tiles."""
        width, pitch = tile_columns(), self.pitch or self.fan
        sums = ContractionAxis(self.taps, self.cut.height, self.depth * width), ContractionAxis(self.depth, 1, width)
        return Tiles(self.depth, pitch, sums, epilogue=self.epilogue, pointers=self.where is not None, streams=True)

    @property
    def needs(self) -> list[tuple[str, LazyModule]]:
        """The modules of its tiles."""
        cut = self.cut
        across = {n: None for group in sizes(cut.columns, cut.width) for n in sizes(group, tile_columns())}
        return [
            tile_module(self.tiles, self.kind, height, columns)
            for rows in sizes(cut.rows, cut.height)
            for columns in across
            for _, height in heights(rows, self.tiles.rows(columns))
        ]


def panels_module(what: Panels) -> Frame:
    """The kernel. Its pointers: A, packed B, C and the epilogue's operands."""
    count = 3 + len(operands_of(what.epilogue))
    frame = Frame(count)
    write_panels(frame, "kernel", what, range(count))
    return frame


def panels_code(what: Panels, write: Callable[..., Frame] = panels_module, *others: Hashable) -> LazyModule:
    """The module that `write(what, *others)` makes with `write_panels`; by default, that of the function "kernel"."""
    return printed(write, what, *others, needs=what.needs)


def write_panels(frame: Frame, name: str, what: Panels, places: Sequence[int]) -> None:
    """Write the kernel.

    places: the indices among the pointers of A, packed B, C and the epilogue's operands.
    """
    cut, width, pitch = what.cut, tile_columns(), what.pitch or what.fan
    tiles = SharedTiles(frame.module, what.kind, what.tiles)
    result = tiles.tiles.result(tiles.sums)
    with frame.tasks(name) as task:
        b = frame.b
        number, part = b.sdiv(task, index(cut.tasks)), b.srem(task, index(cut.tasks))
        low = b.mul(b.sdiv(part, index(cut.across)), index(cut.height))
        first = b.mul(b.srem(part, index(cut.across)), index(cut.width))
        image, packed, target, *operands = (frame.pointers[p] for p in places)
        for rows in sizes(cut.rows, cut.height):
            with b.if_then(is_size(b, low, rows, cut.rows, cut.height)):
                a = _pointers(frame, what, image, low, rows) if what.where else None
                a = a or at(b, image, offset(b, (number, what.batch.a), (low, what.depth)), F32)
                for columns in sizes(cut.columns, cut.width):
                    with b.if_then(is_size(b, first, columns, cut.columns, cut.width)):
                        for start, across in pieces(b, columns, width):
                            column = b.add(first, start)
                            place = offset(b, (number, what.batch.c), (low, pitch), (column, 1))
                            here = addresses(frame, what.epilogue, operands, column, place)
                            start_b = offset(b, (number, what.batch.b), (column, what.column))
                            panel = at(b, packed, start_b, what.tiles.packed)
                            strips(b, tiles, a, panel, at(b, target, place, result), rows, across, *here)


def _pointers(frame: Frame, what: Panels, image: IRValue, low: IRValue, rows: int) -> IRValue:
    """A table [taps, rows of a task] of pointers to the elements that each tap reads for `rows` pixels from `low` on;
    in the padding, to elements made of the filling."""
    where, height = what.where, what.cut.height
    assert where is not None
    b, (_, lines, columns, depth) = frame.b, where.image
    table = frame.stack_array("table", math.prod(where.kernel) * height, POINTER)
    padding = frame.stack_array("padding", depth)
    fill(b, padding, what.filling, index(4 * depth))
    with loop(b, index(0), index(rows)) as i:
        pixel = b.add(low, i)
        line, x = b.sdiv(pixel, index(where.out[1])), b.srem(pixel, index(where.out[1]))
        n, y = b.sdiv(line, index(where.out[0])), b.srem(line, index(where.out[0]))
        top, left = (
            b.sub(b.mul(p, index(step)), index(before))
            for p, step, before in zip((y, x), where.strides, where.before, strict=True)
        )
        start = at(b, image, b.mul(n, index(lines * columns * depth)), F32)
        with loop(b, index(0), index(where.kernel[0])) as r, loop(b, index(0), index(where.kernel[1])) as s:
            line = b.add(top, b.mul(r, index(where.dilations[0])))
            column = b.add(left, b.mul(s, index(where.dilations[1])))
            inside = b.and_(b.icmp_unsigned("<", line, index(lines)), b.icmp_unsigned("<", column, index(columns)))
            seen = at(b, start, offset(b, (line, columns * depth), (column, depth)), F32)
            place = offset(b, (r, where.kernel[1] * height), (s, height), (i, 1))
            b.store(b.select(inside, seen, padding), at(b, table, place, POINTER))
    return table


def operands_of(epilogue: TileEpilogue | None) -> tuple[BufferRef, ...]:
    """The epilogue's operands in a contraction of two operands."""
    return ins(*range(2, 2 + len(epilogue.operands))) if epilogue else ()


def addresses(
    frame: Frame, epilogue: TileEpilogue | None, operands: Sequence[IRValue], column: IRValue, place: IRValue
) -> list[IRValue]:
    """The addresses of the epilogue's operands for a tile at `place` of the result, in column `column`."""
    how = epilogue.operands if epilogue else ()
    return [h.place(frame.b, o, column, place) for o, h in zip(operands, how, strict=True)]


def overwritable(epilogue: TileEpilogue | None) -> tuple[int, ...]:
    """The operands of a contraction of two with its epilogue that the result may overwrite."""
    if epilogue is None:
        return ()
    return tuple(n for n, o in enumerate(epilogue.operands, 2) if o == (epilogue.value.dtype, "element"))


def floats(column: int, fan: int) -> int:
    """The number of elements of `fan` packed columns."""
    return -(-fan // tile_columns()) * tile_columns() * column


def packing(
    shape: Sequence[int],
    strides: Sequence[int],
    start: int,
    places: Sequence[BufferRef],
    batch: tuple[int, int] = (1, 0),
    narrow: bool = False,
) -> Call:
    """The call that packs a filter [rows, columns, channels, fan] into panels [rows, columns, channels, tile width].

    The filter is read by `strides` from element `start`. args: pointers to the filter and the panels. batch: the number
    of filters and the distance between them. narrow: whether the panels are bfloat16.
    """
    module = printed(_packing_module, tuple(shape), tuple(strides), start, batch[1], narrow)
    return Call(module, "pack", batch[0] * -(-shape[3] // tile_columns()), tuple(places))


def _packing_module(shape: Sequence[int], strides: Sequence[int], start: int, filter_step: int, narrow: bool) -> Frame:
    rows, columns, depth, fan = shape
    width = tile_columns()
    panels = -(-fan // width)
    frame = Frame(2)
    with frame.tasks("pack") as task:
        b = frame.b
        filters, block = b.sdiv(task, index(panels)), b.srem(task, index(panels))
        first = b.mul(block, index(width))
        kind = I16 if narrow else F32
        line = frame.stack_array("line", width) if narrow else None
        target = at(b, frame.pointers[1], b.mul(task, index(width * rows * columns * depth)), kind)
        place = b.add(offset(b, (filters, filter_step), (first, strides[3])), index(start))
        source = at(b, frame.pointers[0], place, F32)
        full = b.icmp_signed("<=", b.add(first, index(width)), index(fan))
        for count in dict.fromkeys((min(width, fan), fan % width or width)):
            with b.if_then(full if count == width else b.not_(full)), ExitStack() as nest:
                r, s, k = (nest.enter_context(loop(b, index(0), index(n))) for n in (rows, columns, depth))
                element = at(b, source, offset(b, (r, strides[0]), (s, strides[1]), (k, strides[2])), F32)
                place = offset(b, (r, columns * depth * width), (s, depth * width), (k, width))
                packed = at(b, target, place, kind)
                copy_row(b, element, packed if line is None else line, count, strides[3])
                if line is not None:
                    _narrow(b, line, packed, count)
    return frame


def _narrow(b: IRBuilder, source: IRValue, target: IRValue, count: int) -> None:
    """Store float32 numbers as bfloat16: the nearest, ties to even; NaN stays NaN."""
    for start, width in parts(count):
        value = b.load(at(b, source, index(start), F32), vector(F32, width), align=4)
        bits = b.bitcast(value, vector(I32, width))
        upper = b.lshr(bits, splat(b, I32(16), width))
        odd = b.and_(upper, splat(b, I32(1), width))
        nearest = b.lshr(b.add(bits, b.add(odd, splat(b, I32(0x7FFF), width))), splat(b, I32(16), width))
        quiet = b.or_(upper, splat(b, I32(0x40), width))
        kept = b.select(b.fcmp_unordered("uno", value, value), quiet, nearest)
        b.store(b.trunc(kept, vector(I16, width)), at(b, target, index(start), I16), align=2)
