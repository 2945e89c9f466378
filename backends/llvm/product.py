"""Matrix products by register tiles. Groups of B's columns are packed into panels, which stay in the L2 cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.builder import Frame, at, index, loop, offset, pieces, printed
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, Native, always
from minigraph.backends.llvm.text import F32, IRBuilder, IRValue, vector
from minigraph.backends.llvm.tile import UNROLLED, ContractionAxis, Tiles, TileSet, parts, strips, tile_columns

DEPTH = 256  # terms of the sum per pass
GROUP = 8  # panels of B that are packed together
TASKS = 8  # least number of tasks if each has enough work
GRAIN = 400_000  # least floating-point operations that are worth waking a thread
ROWS = 192  # rows of the result per pass, so that their part of A stays in the L2 cache


class Product(NamedTuple):
    """C (+)= A·B of float32 matrices, with the distances in elements between rows, terms and columns of A, B and C."""

    depth: int
    a_row: int
    a_term: int
    b_term: int
    b_column: int
    c_row: int
    adds: bool = False

    @property
    def is_scattered(self) -> bool:
        """Whether the terms of a row of A lie so far apart that gathering them first is faster."""
        return self.a_term > 512


class ProductWriter:
    """Writes products of one kind into the functions of a module."""

    def __init__(self, frame: Frame, what: Product, name: str = "product") -> None:
        self.frame = frame
        self.what = what
        self.name = name
        self.tiles: dict[tuple[int | None, int], TileSet] = {}

    def block(self, a: IRValue, b_: IRValue, c: IRValue, rows: int, columns: int) -> None:
        """Write the product of some rows of A and some columns of B, at most one group of columns."""
        b, what = self.frame.b, self.what
        panels = self.frame.stack_array("panels", DEPTH * GROUP * tile_columns())
        gathered = self.frame.stack_array("rows", DEPTH * ROWS) if what.is_scattered else None
        for start, some in pieces(b, what.depth, DEPTH):
            pack(b, at(b, b_, b.mul(start, index(what.b_term)), F32), panels, some, columns, what)
            source = at(b, a, b.mul(start, index(what.a_term)), F32)
            if gathered is not None:
                copy_columns(b, source, gathered, some, rows, what)
            self._panels(start, gathered or source, panels, c, rows, columns, some)

    def _panels(
        self, start: IRValue, a: IRValue, panels: IRValue, c: IRValue, rows: int, columns: int, depth: int
    ) -> None:
        b, tiles = self.frame.b, self._tiles(depth, rows)
        told = [index(depth)] if tiles.tiles.sums[0].length is None else []
        if tiles.tiles.adds is None:
            told.append(b.icmp_signed("!=", start, index(0)))
        for column, across in pieces(b, columns, tile_columns()):
            panel = at(b, panels, b.mul(column, index(depth)), F32)
            strips(b, tiles, a, panel, at(b, c, column, F32), rows, across, *told)

    def _tiles(self, depth: int, rows: int) -> TileSet:
        """The tiles for passes of `depth` terms. Passes share them where their lengths allow the same unrolling."""
        what = self.what
        row, term = (1, rows) if what.is_scattered else (what.a_row, what.a_term)
        several = what.depth > DEPTH
        length = None if several and what.depth % UNROLLED == 0 else depth
        key = length, term
        if key not in self.tiles:
            adds = what.adds or (None if several else False)
            kind = Tiles(row, what.c_row, (ContractionAxis(length, term, tile_columns(), UNROLLED),), adds)
            self.tiles[key] = TileSet(self.frame.module, kind, f"{self.name}{len(self.tiles)}")
        return self.tiles[key]


def pack(b: IRBuilder, source: IRValue, target: IRValue, depth: int, columns: int, what: Product) -> None:
    """Pack some terms of some columns of B into panels [terms, columns of a tile]."""
    width, lanes = tile_columns(), host().lanes
    if what.b_term == 1 != what.b_column:
        for k, terms in pieces(b, depth, lanes):
            for column, across in pieces(b, columns, lanes):
                panel = b.mul(b.sdiv(column, index(width)), index(width))
                place = offset(b, (panel, depth), (k, width), (b.sub(column, panel), 1))
                line = at(b, source, offset(b, (column, what.b_column), (k, 1)), F32)
                turn(b, line, what.b_column, at(b, target, place, F32), width, across, terms)
        return
    with loop(b, index(0), index(depth)) as k:
        row = at(b, source, b.mul(k, index(what.b_term)), F32)
        for column, across in pieces(b, columns, width):
            place = at(b, target, offset(b, (column, depth), (k, width)), F32)
            copy_row(b, at(b, row, b.mul(column, index(what.b_column)), F32), place, across, what.b_column)


def turn(b: IRBuilder, source: IRValue, rows: int, target: IRValue, columns: int, height: int, width: int) -> None:
    """Transpose a block of at most a vector by a vector. Its rows are `rows` apart, those of the target `columns`."""
    lanes = host().lanes
    if (height, width) != (lanes, lanes):
        for j in range(width):
            copy_row(b, at(b, source, index(j), F32), at(b, target, index(j * columns), F32), height, rows)
        return
    kind = vector(F32, lanes)
    lines = [b.load(at(b, source, index(i * rows), F32), kind, align=4) for i in range(lanes)]
    half = lanes // 2
    for _ in range(lanes.bit_length() - 1):  # each step interleaves lines i and i + half
        lines = [line for i in range(half) for line in _interleaved(b, lines[i], lines[i + half], lanes)]
    for i, line in enumerate(lines):
        b.store(line, at(b, target, index(i * columns), F32), align=4)


def _interleaved(b: IRBuilder, x: IRValue, y: IRValue, lanes: int) -> list[IRValue]:
    """Both halves of the interleaved vectors x₀ y₀ x₁ y₁ …"""
    places = tuple(i + side * lanes for i in range(lanes) for side in (0, 1))
    masks = [places[s : s + lanes] for s in (0, lanes)]
    return [b.shuffle_vector(x, y, mask) for mask in masks]


def copy_row(b: IRBuilder, source: IRValue, target: IRValue, count: int, stride: int) -> None:
    """Copy `count` elements that are `stride` apart to adjacent ones."""
    if stride == 1:
        for start, width in parts(count):
            value = b.load(at(b, source, index(start), F32), vector(F32, width), align=4)
            b.store(value, at(b, target, index(start), F32), align=4)
        return
    for i in range(count):
        b.store(b.load(at(b, source, index(i * stride), F32), F32), at(b, target, index(i), F32))


def copy_columns(b: IRBuilder, source: IRValue, target: IRValue, depth: int, rows: int, what: Product) -> None:
    """Copy some terms of rows of A, whose rows are adjacent, to [terms, rows]."""
    with loop(b, index(0), index(depth)) as k:
        line, place = at(b, source, b.mul(k, index(what.a_term)), F32), at(b, target, b.mul(k, index(rows)), F32)
        for start, some in pieces(b, rows, 32):
            copy_row(b, at(b, line, b.mul(start, index(what.a_row)), F32), at(b, place, start, F32), some, what.a_row)


class Grid(NamedTuple):
    """A result cut into tasks: blocks of rows, each cut into groups of columns."""

    rows: int
    columns: int
    height: int
    width: int

    @property
    def across(self) -> int:
        return -(-self.columns // self.width)

    @property
    def tasks(self) -> int:
        return -(-self.rows // self.height) * self.across


def grid(rows: int, columns: int, least: int) -> Grid:
    """Tasks of nearly equal size; at least TASKS of them if that is possible and worth it."""
    panels = -(-columns // tile_columns())
    across = -(-panels // GROUP)
    group = -(-panels // across)
    down = -(-rows // ROWS)
    while down * -(-panels // group) < least and (group > 2 or -(-rows // down) >= 96):
        if -(-rows // down) >= 96 and group <= 4:
            down += 1
        elif group > 2:
            group -= 1
        else:
            down += 1
    height = -(-rows // down)
    return Grid(rows, columns, height, group * tile_columns())


class Batch(NamedTuple):
    """A number of products of one kind, with the distances in elements between the matrices A, B and C of each and the
    next."""

    number: int = 1
    a: int = 0
    b: int = 0
    c: int = 0


ONE = Batch()


def write_tasks(
    frame: Frame, name: str, what: Product, cut: Grid, places: Sequence[int] = (0, 1, 2), batch: Batch = ONE
) -> None:
    """Write a kernel for `batch` products with a task for each block of rows and group of columns.

    places: the indices among the pointers of A, B and C.
    """
    writer = ProductWriter(frame, what, name + "_tile")
    with frame.tasks(name) as task:
        b = frame.b
        number, part = b.sdiv(task, index(cut.tasks)), b.srem(task, index(cut.tasks))
        low = b.mul(b.sdiv(part, index(cut.across)), index(cut.height))
        first = b.mul(b.srem(part, index(cut.across)), index(cut.width))
        a, b_, c = (frame.pointers[p] for p in places)
        for rows in sizes(cut.rows, cut.height):
            for columns in sizes(cut.columns, cut.width):
                fits = b.and_(
                    is_size(b, low, rows, cut.rows, cut.height), is_size(b, first, columns, cut.columns, cut.width)
                )
                with b.if_then(fits):
                    writer.block(
                        at(b, a, offset(b, (number, batch.a), (low, what.a_row)), F32),
                        at(b, b_, offset(b, (number, batch.b), (first, what.b_column)), F32),
                        at(b, c, offset(b, (number, batch.c), (low, what.c_row), (first, 1)), F32),
                        rows,
                        columns,
                    )


def product(what: Product, rows: int, columns: int, operands: tuple[int, int] = (0, 1)) -> Native:
    """The product of two whole operands."""
    least = min(TASKS, max(1, 2 * rows * columns * what.depth // GRAIN))
    cut = grid(rows, columns, least)
    args = (*ins(*operands), *outs(0))
    return Native(always(lambda: [Call(printed(_product_module, what, cut), "kernel", cut.tasks, args)]))


def _product_module(what: Product, cut: Grid) -> Frame:
    frame = Frame(3)
    write_tasks(frame, "kernel", what, cut)
    return frame


def sizes(whole: int, step: int) -> list[int]:
    """The sizes of pieces of a range."""
    return list(dict.fromkeys(s for s in (step if whole >= step else 0, whole % step) if s))


def is_size(b: IRBuilder, start: IRValue, size: int, whole: int, step: int) -> IRValue:
    """Whether the piece from `start` has this size."""
    full = b.icmp_signed("<=", b.add(start, index(step)), index(whole))
    return full if size == step else b.not_(full)
