"""The inner part of every contraction: a tile of the result in registers, C (+)= Σ A·B over some nested sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from llvmlite import ir

from minigraph.backends.llvm.builder import (
    F32,
    POINTER,
    VOID,
    Value,
    at,
    index,
    intrinsic,
    loop,
    number,
    prefetch,
    reduce_loop,
    splat,
    vector,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.scalar import Printer
from minigraph.core.scalar import Scalar

LINE = 16  # elements of a line of the cache
AHEAD = 256  # elements from what is read of B to what is asked for: the processor by itself stops at the end of a page
VECTORS = 2  # side by side in a tile; with as many rows as the registers hold, broadcasts and loads keep up with FMA


def tile_rows() -> int:
    """Rows of a full tile: the accumulators, the vectors of B and one element of A fill the registers."""
    return 14 if host().lanes == 16 else 6


def tile_columns() -> int:
    """Columns of a full tile."""
    return VECTORS * host().lanes


class Reduction(NamedTuple):
    """One of the nested sums: its length, and how many elements A and B advance from one term to the next."""

    length: int
    a: int
    b: int


class Tail(NamedTuple):
    """What follows a contraction element by element: `value` of the contraction, operand 0, and other operands, which
    are as large as it or, where `rows` says so, one row for all of its rows."""

    value: Scalar
    rows: tuple[bool, ...]


class Tiles(NamedTuple):
    """How tiles lie in memory, float32 elements: rows of A are `a` apart, rows of C `c`; columns of B and C are
    neighbours. `sums`: from the outermost to the innermost. `adds`: to what C holds, instead of replacing it. `tail`:
    what becomes of the sums before they are stored. `pointers`: A is instead a table of pointers, a row of so many for
    each term of the outermost sum, of which each row of a tile takes one. `streams`: B comes from memory in the order
    in which it is used, and goes on beyond the tile."""

    a: int
    c: int
    sums: tuple[Reduction, ...]
    adds: bool = False
    tail: Tail | None = None
    pointers: bool = False
    streams: bool = False


class TileSet:
    """The tile functions of a module, `void tile(A, B, C, operands of the tail…)`, one for each size that is asked
    for."""

    def __init__(self, module: Any, tiles: Tiles, name: str = "tile") -> None:
        self.module = module
        self.name = name
        self.tiles = tiles
        if not tiles.pointers:
            self.tiles = tiles._replace(sums=tuple(s for s in tiles.sums[:-1] if s.length != 1) + tiles.sums[-1:])
        self.made: dict[tuple[int, int], Any] = {}

    def get(self, rows: int, columns: int) -> Any:
        """The function for a tile of that size."""
        if (rows, columns) not in self.made:
            self.made[rows, columns] = self._write(rows, columns)
        return self.made[rows, columns]

    def _write(self, rows: int, columns: int) -> Any:
        others = self.tiles.tail.rows if self.tiles.tail else ()
        kind = ir.FunctionType(VOID, [POINTER] * (3 + len(others)))
        made = ir.Function(self.module, kind, f"{self.name}_{rows}x{columns}")
        made.linkage = "internal"
        made.attributes.add("noinline")
        self.b = ir.IRBuilder(made.append_basic_block())
        a, b_, c, *operands = made.args
        self.rows, self.parts = rows, parts(columns)
        places = [(i, s, w) for i in range(rows) for s, w in self.parts]
        empty = [number(F32, 0.0, w) for _, _, w in places]
        lines = [at(self.b, a, index(i * self.tiles.a), F32) for i in range(rows)]
        sums = self._by_pointers(a, b_, empty) if self.tiles.pointers else self._sum(0, lines, b_, empty)
        for (row, start, width), value in zip(places, sums, strict=True):
            address = at(self.b, c, index(row * self.tiles.c + start), F32)
            if self.tiles.adds:
                value = self.b.fadd(value, self._load(address, width))
            if self.tiles.tail:
                here = [
                    self._load(at(self.b, o, index(start if is_row else row * self.tiles.c + start), F32), width)
                    for o, is_row in zip(operands, others, strict=True)
                ]
                value = Printer(self.b, [value, *here], width).value(self.tiles.tail.value)
            self.b.store(value, address, align=4)
        self.b.ret_void()
        return made

    def _load(self, address: Value, width: int) -> Value:
        return self.b.load(address, typ=vector(F32, width), align=4)

    def _by_pointers(self, table: Value, b_: Value, values: Sequence[Value]) -> list[Value]:
        """The outermost sum, each term of which has its own pointers to the rows of A."""
        b, outer = self.b, self.tiles.sums[0]

        def body(i: Value, *current: Value) -> list[Value]:
            line = at(b, table, b.mul(i, index(outer.a)), POINTER)
            lines = [b.load(at(b, line, index(r), POINTER), typ=POINTER) for r in range(self.rows)]
            return self._sum(1, lines, at(b, b_, b.mul(i, index(outer.b)), F32), current)

        return reduce_loop(b, index(0), index(outer.length), 1, list(values), body)

    def _sum(self, level: int, lines: Sequence[Value], b_: Value, values: Sequence[Value]) -> list[Value]:
        """The terms of the sums from `level` on, added to `values`; `lines` are the rows of A."""
        b, (length, step_a, step_b) = self.b, self.tiles.sums[level]
        innermost = level == len(self.tiles.sums) - 1
        unroll = 1
        if innermost:
            unroll = next(u for u in (length if length <= 8 else 4, 4, 2, 1) if length % u == 0)

        def body(i: Value, *current: Value) -> list[Value]:
            next_lines = [at(b, line, b.mul(i, index(step_a)), F32) for line in lines]
            next_b = at(b, b_, b.mul(i, index(step_b)), F32)
            if not innermost:
                return self._sum(level + 1, next_lines, next_b, current)
            made = list(current)
            for u in range(unroll):
                made = self._terms(next_lines, u * step_a, at(b, next_b, index(u * step_b), F32), made)
            return made

        return reduce_loop(b, index(0), index(length), unroll, list(values), body)

    def _terms(self, lines: Sequence[Value], term: int, b_: Value, values: Sequence[Value]) -> list[Value]:
        """One column of A times one row of B, added to the accumulators."""
        b = self.b
        row = [self._load(at(b, b_, index(s), F32), w) for s, w in self.parts]
        if self.tiles.streams:
            for line in range(0, tile_columns(), LINE):
                prefetch(b, at(b, b_, index(AHEAD + line), F32))
        made = []
        for i, line in enumerate(lines):
            one = self._load(at(b, line, index(term), F32), 1)
            for n, (_, width) in enumerate(self.parts):
                made.append(intrinsic(b, "fma", splat(b, one, width), row[n], values[i * len(self.parts) + n]))
        return made


def parts(columns: int) -> list[tuple[int, int]]:
    """Start and width of the vectors that make up a row, the widest first."""
    width, start, found = host().lanes, 0, []
    while start < columns:
        while width > columns - start:
            width //= 2
        found.append((start, width))
        start += width
    return found


def heights(b: Any, rows: int) -> Iterator[tuple[Value, int]]:
    """First row and height of tiles one below the other for `rows` rows, all of nearly one height, as `pieces`."""
    count = -(-rows // tile_rows())
    height, larger = rows // count, rows % count
    start = 0
    for number_of, size in ((larger, height + 1), (count - larger, height)):
        if number_of:
            with loop(b, index(0), index(number_of)) as i:
                yield b.add(b.mul(i, index(size)), index(start)), size
        start += number_of * size


def strips(
    b: Any, tiles: TileSet, a: Value, b_: Value, c: Value, rows: int, columns: int, operands: Sequence[Value] = ()
) -> None:
    """Tiles one below the other. operands: of the tail, from the first row and column on."""
    how = tiles.tiles
    for row, size in heights(b, rows):
        below_a = at(b, a, row, POINTER) if how.pointers else at(b, a, b.mul(row, index(how.a)), F32)
        down = b.mul(row, index(how.c))
        below = [
            o if is_row else at(b, o, down, F32)
            for o, is_row in zip(operands, how.tail.rows if how.tail else (), strict=True)
        ]
        b.call(tiles.get(size, columns), [below_a, b_, at(b, c, down, F32), *below])
