"""The inner part of every contraction: a tile of the result in registers, C (+)= Σ A·B over nested sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from minigraph.backends.llvm.builder import (
    at,
    element,
    function,
    index,
    intrinsic,
    loop,
    number,
    prefetch,
    reduce_loop,
    splat,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.scalar import Printer
from minigraph.backends.llvm.text import (
    F32,
    I1,
    I16,
    I32,
    I64,
    POINTER,
    VOID,
    IRBuilder,
    IRFunction,
    IRType,
    IRValue,
    constants,
    undefined,
    vector,
)
from minigraph.core.dtypes import DType, float32
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.loops.text import print_value

LINE = 16  # elements of a cache line
AHEAD = 256  # elements to prefetch ahead in B: the processor's own prefetcher stops at the end of a page
VECTORS = (
    2  # vectors in a row of a tile; with as many rows as the registers hold, broadcasts and loads keep up with FMA
)

UNROLLED = 4  # terms per iteration
WHOLE = 8  # most terms that are written without a loop


def tile_rows(columns: int | None = None) -> int:
    """Most rows of a tile of `columns` columns, by default a full tile's.

    The accumulators, the vectors of B and one element of A fill the registers.
    """
    rows = 14 if host().lanes == 16 else 6
    return 2 * rows if columns is not None and columns <= host().lanes else rows


def tile_columns() -> int:
    """Columns of a full tile."""
    return VECTORS * host().lanes


class ContractionAxis(NamedTuple):
    """One of the nested sums: its length, and the distances in elements between its terms in A and in B.

    Each call passes those that are None; the length then is a multiple of `unit`.
    """

    length: int | None
    a: int | None
    b: int | None
    unit: int = 1


class EpilogueOperand(NamedTuple):
    """An operand of an epilogue. per: "element" if it has the result's shape, "row" if it is one row that all rows of
    the result share, "number" if it is one number."""

    dtype: DType
    per: str

    def __repr__(self) -> str:
        return f"{self.dtype.name} per {self.per}"

    def place(self, b: IRBuilder, operand: IRValue, column: IRValue, place: IRValue) -> IRValue:
        """The address of what belongs to element `place` of the result, in column `column`."""
        where = {"element": place, "row": column, "number": index(0)}[self.per]
        return at(b, operand, where, element(self.dtype))


class TileEpilogue(NamedTuple):
    """A pointwise computation on a contraction's result before it is stored.

    value: the expression; its operand 0 is the contraction's element, and the further ones are `operands`.
    """

    value: Scalar
    operands: tuple[EpilogueOperand, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it has the form that all products of float32 take: vectors of float32, and nothing else."""
        plain = all(o.dtype is float32 and o.per != "number" for o in self.operands)
        return plain and self.value.dtype is float32

    def types(self, shape: tuple[int, ...]) -> list[TensorType]:
        """The types of the operands, given the result's shape."""
        shapes = {"element": shape, "row": shape[-1:], "number": ()}
        return [TensorType(o.dtype, shapes[o.per]) for o in self.operands]

    def __repr__(self) -> str:  # a key: parts that are used several times are printed once
        return f"TileEpilogue({print_value(self.value)}, {self.operands})"


class Tiles(NamedTuple):
    """The memory layout of tiles, in elements of four bytes, but of C in its own. Columns of B and of C are adjacent.

    a, c: the distance between rows of A and of C. sums: the summed axes, outermost first. adds: add to the content of C
    instead of replacing it; None: each call passes a truth value. epilogue: applied to the sums before they are stored.
    pointers: A is a table of pointers with a row for each term of the outermost sum and a pointer for each row of the
    tile. streams: B lies in memory in the order of its use and continues beyond the tile. Calls pass `a` and `c` if
    they are None.
    """

    a: int | None
    c: int | None
    sums: tuple[ContractionAxis, ...]
    adds: bool | None = False
    epilogue: TileEpilogue | None = None
    pointers: bool = False
    streams: bool = False

    def result(self, sums: IRType) -> IRType:
        """The type of an element of C, from that of the sums."""
        return element(self.epilogue.value.dtype) if self.epilogue else sums

    @property
    def arguments(self) -> list[IRType]:
        """The types of a tile function's arguments."""
        count = 3 + (len(self.epilogue.operands) if self.epilogue else 0)
        return [POINTER] * count + [I64] * self.sizes.count(None) + [I1] * (self.adds is None)

    @property
    def sizes(self) -> list[int | None]:
        """The sizes that calls may pass, in this order."""
        return [self.a, self.c, *(size for axis in self.sums for size in axis[:3])]

    def without_ones(self) -> Tiles:
        """The same without outer sums of one term."""
        if self.pointers:
            return self
        return self._replace(sums=tuple(s for s in self.sums[:-1] if s.length != 1) + self.sums[-1:])

    def shared(self) -> Tiles:
        """Tiles to which calls pass the sizes in which kernels differ. A few terms without a loop keep their number."""
        *outer, inner = self.sums
        assert inner.length is not None
        if inner.length > WHOLE:
            inner = inner._replace(length=None, unit=math.gcd(inner.length, UNROLLED))
        sums = (*(ContractionAxis(None, None, None) for _ in outer), inner)
        return self._replace(a=0 if self.pointers else None, c=None, sums=sums)


class TileSet:
    """The tile functions of a module, `void tile(A, B, C, …)`, one for each size requested.

    Further arguments are the epilogue's operands, then the sizes and whether the tile adds, if calls pass them.
    """

    told: Sequence[IRValue] = ()  # the sizes that calls of `strips` pass
    sums = F32
    packed = F32  # the type of B's elements
    rows = staticmethod(tile_rows)

    def __init__(self, module: Any, tiles: Tiles, name: str = "tile") -> None:
        self.module = module
        self.name = name
        self.tiles = tiles.without_ones()
        self.made: dict[tuple[tuple[int, ...], int], Any] = {}

    def get(self, rows: int, columns: int) -> Any:
        """The function for a tile of the given size."""
        return self.at(tuple(i * (1 if self.tiles.a is None else self.tiles.a) for i in range(rows)), columns)

    def at(self, rows: tuple[int, ...], columns: int) -> Any:
        """The function for a tile whose rows of A begin at the given elements.

        If calls pass the distance between rows of A, `rows` holds the numbers of the rows instead.
        """
        if (rows, columns) not in self.made:
            name = f"{self.name}_{len(self.made)}_{len(rows)}x{columns}"
            self.made[rows, columns] = self.write(rows, columns, name)
        return self.made[rows, columns]

    def write(self, rows: Sequence[int], columns: int, name: str, is_internal: bool = True) -> Any:
        """Write the function `name` for a tile, as `at` describes it."""
        made = IRFunction(self.module, name, VOID, self.tiles.arguments, is_internal=is_internal)
        self.b = IRBuilder(made)
        a, b_, c, *others = made.args
        adds = others.pop() if self.tiles.adds is None else None
        told = others[len(others) - self.tiles.sizes.count(None) :]
        others = others[: len(others) - len(told)]
        sizes = [told.pop(0) if size is None else index(size) for size in self.tiles.sizes]
        step = sizes[0] if self.tiles.a is None else index(1)
        self.pitch = sizes[1]
        self.axes = [sizes[i : i + 3] for i in range(2, len(sizes), 3)]
        self.parts = self._parts(columns)
        down = [
            self.b.mul(self.pitch, index(i)) if self.tiles.c is None else index(i * self.tiles.c)
            for i in range(len(rows))
        ]
        places = [(row, part) for row in down for part in self.parts]
        b_, start = self._start(b_)
        initial = start * len(rows)
        lines = [at(self.b, a, self.b.mul(step, index(start)), F32) for start in rows]
        sums = self._by_pointers(a, len(rows), b_, initial) if self.tiles.pointers else self._sum(0, lines, b_, initial)

        def finish(adds: bool) -> None:
            for (row, part), value in zip(places, sums, strict=True):
                self._finish(value, c, row, part, others, adds)

        if adds is None:
            finish(bool(self.tiles.adds))
        else:
            with self.b.if_else(adds) as (yes, no):
                with yes:
                    finish(True)
                with no:
                    finish(False)
        self.b.ret_void()
        return made

    def _parts(self, columns: int) -> list[Part]:
        """The vectors of a row of the tile."""
        return vectors(columns)

    def _start(self, b_: IRValue) -> tuple[IRValue, list[IRValue]]:
        """The address of B's first term, and the vectors of a row with which the sums begin."""
        return b_, [number(F32, 0.0, part.width) for part in self.parts]

    def _finish(
        self, value: IRValue, c: IRValue, row: IRValue, part: Part, others: Sequence[IRValue], adds: bool
    ) -> None:
        """Store a vector of the result. row: the distance of its row from the tile's first."""
        place = at(self.b, c, row, self.tiles.result(self.sums))
        if adds:
            value = self.b.fadd(value, self._load(place, part))
        if self.tiles.epilogue:
            here = [
                self._operand(how, o, row, part) for o, how in zip(others, self.tiles.epilogue.operands, strict=True)
            ]
            value = Printer(self.b, [value, *here], part.width).value(self.tiles.epilogue.value)
        self._store(value, place, part)

    def _operand(self, how: EpilogueOperand, operand: IRValue, row: IRValue, part: Part) -> IRValue:
        """What belongs to a vector of the result."""
        kind = element(how.dtype)
        if how.per == "number":
            return splat(self.b, self.b.load(operand, kind), part.width)
        return self._load(operand if how.per == "row" else at(self.b, operand, row, kind), part, kind)

    def _load(self, line: IRValue, part: Part, element: IRType = F32) -> IRValue:
        b, kind = self.b, vector(element, part.width)
        address = at(b, line, index(part.start), element)
        if part.used == part.width:
            return b.load(address, kind, align=element.bits // 8)
        load = function(b, f"llvm.masked.load.{kind.suffix}.p0", kind, [POINTER, I32, vector(I1, part.width), kind])
        mask = constants(I1, tuple(int(i < part.used) for i in range(part.width)))
        return b.call(load, [address, I32(element.bits // 8), mask, undefined(kind)])

    def _store(self, value: IRValue, line: IRValue, part: Part) -> None:
        """Store a vector; a partial one piece by piece, as masked stores are slow on some processors."""
        b, kind = self.b, value.type.element
        for start, width in parts(part.used):
            piece = value
            if width < part.width:
                piece = b.shuffle_vector(value, value, tuple(range(start, start + width)))
            b.store(piece, at(b, line, index(part.start + start), kind), align=kind.bits // 8)

    def _by_pointers(self, table: IRValue, rows: int, b_: IRValue, values: Sequence[IRValue]) -> list[IRValue]:
        """The outermost sum, where each term has its own pointers to the rows of A."""
        b, (length, step_a, step_b) = self.b, self.axes[0]

        def body(i: IRValue, *current: IRValue) -> list[IRValue]:
            line = at(b, table, b.mul(i, step_a), POINTER)
            lines = [b.load(at(b, line, index(r), POINTER), POINTER) for r in range(rows)]
            return self._sum(1, lines, at(b, b_, b.mul(i, step_b), self.packed), current)

        return reduce_loop(b, index(0), length, 1, list(values), body)

    def _sum(self, level: int, lines: Sequence[IRValue], b_: IRValue, values: Sequence[IRValue]) -> list[IRValue]:
        """Add the terms of the sums from `level` on to `values`. lines: the rows of A."""
        b, (stop, step_a, step_b) = self.b, self.axes[level]
        length, term_a, term_b, unit = self.tiles.sums[level]
        innermost = level == len(self.tiles.sums) - 1
        unroll = 1
        if innermost:
            unit = unit if length is None else length
            unroll = next(
                u for u in (length if length and length <= WHOLE else UNROLLED, UNROLLED, 2, 1) if unit % u == 0
            )

        def body(i: IRValue, *current: IRValue) -> list[IRValue]:
            next_lines = [at(b, line, b.mul(i, step_a), F32) for line in lines]
            next_b = at(b, b_, b.mul(i, step_b), self.packed)
            if not innermost:
                return self._sum(level + 1, next_lines, next_b, current)
            assert term_a is not None
            assert term_b is not None
            made = list(current)
            for u in range(unroll):
                made = self._terms(next_lines, u * term_a, at(b, next_b, index(u * term_b), self.packed), made)
            return made

        return reduce_loop(b, index(0), stop, unroll, list(values), body)

    def _row(self, b_: IRValue, part: Part) -> IRValue:
        """A vector of a row of B."""
        return self._load(b_, part)

    def _terms(self, lines: Sequence[IRValue], term: int, b_: IRValue, values: Sequence[IRValue]) -> list[IRValue]:
        """Add one column of A times one row of B to the accumulators."""
        b = self.b
        row = [self._row(b_, part) for part in self.parts]
        if self.tiles.streams:
            for line in range(0, tile_columns(), LINE * F32.bits // self.packed.bits):
                prefetch(b, at(b, b_, index(AHEAD + line), self.packed))
        made = []
        for i, start in enumerate(lines):
            one = b.load(at(b, start, index(term), F32), F32, align=4)
            spread = {width: splat(b, one, width) for width in {part.width: None for part in self.parts}}
            for n, part in enumerate(self.parts):
                made.append(intrinsic(b, "fma", spread[part.width], row[n], values[i * len(self.parts) + n]))
        return made


class NarrowTiles(TileSet):
    """Tiles whose factor B is packed as bfloat16, the upper halves of float32 numbers."""

    packed = I16

    def _parts(self, columns: int) -> list[Part]:
        return full_vectors(columns)

    def _row(self, b_: IRValue, part: Part) -> IRValue:
        b, wide = self.b, vector(I32, part.width)
        halves = b.load(at(b, b_, index(part.start), I16), vector(I16, part.width), align=2)
        return b.bitcast(b.shl(b.zext(halves, wide), splat(b, I32(16), part.width)), vector(F32, part.width))


class Part(NamedTuple):
    """A vector of a row: its start, the number of its lanes that belong to the row, and its width."""

    start: int
    used: int
    width: int


def vectors(columns: int) -> list[Part]:
    """The vectors that cover a row: full ones, and one of the least width that holds the rest."""
    lanes = host().lanes
    rest = columns % lanes
    found = [Part(start, lanes, lanes) for start in range(0, columns - rest, lanes)]
    return [*found, Part(columns - rest, rest, 1 << (rest - 1).bit_length())] if rest else found


def full_vectors(columns: int) -> list[Part]:
    """Full vectors that cover a row, for a packed factor: its rows have as many columns as a full tile."""
    lanes = host().lanes
    return [Part(start, min(lanes, columns - start), lanes) for start in range(0, columns, lanes)]


def parts(columns: int) -> list[tuple[int, int]]:
    """Start and width of the vectors that make up a row, the widest first."""
    width, start, found = host().lanes, 0, []
    while start < columns:
        while width > columns - start:
            width //= 2
        found.append((start, width))
        start += width
    return found


def strips(
    b: Any, tiles: TileSet, a: IRValue, b_: IRValue, c: IRValue, rows: int, columns: int, *others: IRValue
) -> None:
    """Tiles of nearly equal height that cover `rows` rows.

    others: the further arguments of the tiles; an epilogue's operands from the first row and column on.
    """
    how, result = tiles.tiles, tiles.tiles.result(tiles.sums)
    assert how.a is not None
    assert how.c is not None
    start = 0
    for number_of, size in heights(rows, tiles.rows(columns)):
        with loop(b, index(0), index(number_of)) as i:
            row = b.add(b.mul(i, index(size)), index(start))
            below_a = at(b, a, row, POINTER) if how.pointers else at(b, a, b.mul(row, index(how.a)), F32)
            down = b.mul(row, index(how.c))
            follow = how.epilogue.operands if how.epilogue else ()
            below = [f.place(b, o, index(0), down) for o, f in zip(others, follow, strict=False)]
            told = (*tiles.told, *others[len(follow) :])
            b.call(tiles.get(size, columns), [below_a, b_, at(b, c, down, result), *below, *told])
        start += number_of * size


def heights(rows: int, most: int) -> list[tuple[int, int]]:
    """The number and the height of tiles of nearly equal height, at most `most`, that cover `rows` rows."""
    count = -(-rows // most)
    height, larger = rows // count, rows % count
    return [(number_of, size) for number_of, size in ((larger, height + 1), (count - larger, height)) if number_of]
