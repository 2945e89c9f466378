"""Convolutions and matrix products of bytes, four terms of the sum at a time.

An element of A is the four bytes of adjacent channels, and one of B four bytes of a column. The processor's dot product
takes unsigned bytes on the left, so int8 images are read with 128 added. The zero point's share of a sum depends only
on the column, so each packed column starts with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins, outs
from minigraph.backends.llvm.builder import (
    Frame,
    at,
    fill,
    function,
    index,
    loop,
    number,
    offset,
    printed,
    reduce_loop,
    splat,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.conv import is_product
from minigraph.backends.llvm.geometry import Geometry
from minigraph.backends.llvm.native import Call, LoweringContext, Native, Packing, always
from minigraph.backends.llvm.nest_native import from_loops
from minigraph.backends.llvm.panels import Panels, operands_of, overwritable, panels_code
from minigraph.backends.llvm.text import I8, I32, IRBuilder, IRValue, integer, vector
from minigraph.backends.llvm.tile import Part, TileEpilogue, TileSet, full_vectors, tile_columns, tile_rows
from minigraph.core.dtypes import int8
from minigraph.core.op import Op
from minigraph.ops.nn.integer_products import IntegerConv2D, IntegerMatMul

QUAD = 4  # bytes of an element
SIGN = 0x80  # added to an int8, it gives a uint8
SHALLOW = 4  # elements of a pixel below which windows are copied to have their pixels side by side


class Dot(NamedTuple):
    """The processor's instructions for Σ a·b over the four bytes of each lane, a unsigned and b signed.

    name: the intrinsic. is_whole: whether it makes the whole sum; otherwise it multiplies int16 and is called twice.
    """

    name: str
    is_whole: bool


def dot() -> Dot | None:
    """The instructions of this CPU; None if it has none."""
    features, lanes = host().features.split(","), host().lanes
    if "+avx512vnni" in features if lanes == 16 else "+avxvnni" in features:
        return Dot(f"llvm.x86.avx512.vpdpbusd.{32 * lanes}", True)
    return {
        16: Dot("llvm.x86.avx512.pmaddw.d.512", False) if "+avx512bw" in features else None,
        8: Dot("llvm.x86.avx2.pmadd.wd", False) if "+avx2" in features else None,
    }.get(lanes)


def byte_rows(columns: int | None = None) -> int:
    """Most rows of a tile; fewer than of float32, as an element of A is broadcast to a register first."""
    return tile_rows(columns) * 6 // 7 if host().lanes == 16 else tile_rows(columns) - 1


class ByteTiles(TileSet):
    """Tiles of sums in int32 of products of unsigned and signed bytes."""

    sums = I32
    rows = staticmethod(byte_rows)

    def _parts(self, columns: int) -> list[Part]:
        return full_vectors(columns)

    def _start(self, b_: IRValue) -> tuple[IRValue, list[IRValue]]:
        return at(self.b, b_, index(tile_columns()), I32), [self._row(b_, part) for part in self.parts]

    def _row(self, b_: IRValue, part: Part) -> IRValue:
        return self.b.load(at(self.b, b_, index(part.start), I32), vector(I32, part.width), align=4)

    def _terms(self, lines: Sequence[IRValue], term: int, b_: IRValue, values: Sequence[IRValue]) -> list[IRValue]:
        row = [self._row(b_, part) for part in self.parts]
        made = []
        for i, start in enumerate(lines):
            quad = self._unsigned(self.b.load(at(self.b, start, index(term), I32), I32, align=1))
            left = splat(self.b, quad, host().lanes)
            made += [_add_dot(self.b, values[i * len(row) + n], left, right) for n, right in enumerate(row)]
        return made

    def _unsigned(self, quad: IRValue) -> IRValue:
        return quad


class SignedByteTiles(ByteTiles):
    """Tiles for an image of int8."""

    def _unsigned(self, quad: IRValue) -> IRValue:
        return self.b.xor(quad, I32(SIGN * 0x01010101 - (1 << 32)))


def _add_dot(b: IRBuilder, total: IRValue, left: IRValue, right: IRValue) -> IRValue:
    """total + Σ over the four bytes of each lane."""
    how = dot()
    assert how is not None
    if how.is_whole:
        return b.call(function(b, how.name, total.type, [total.type] * 3), [total, left, right])
    pairs = vector(integer(16), 2 * left.type.count)
    product = function(b, how.name, total.type, [pairs, pairs])
    byte = number(integer(16), 8, pairs.count)
    x, w = b.bitcast(left, pairs), b.bitcast(right, pairs)
    low = b.call(product, [b.and_(x, number(integer(16), 255, pairs.count)), b.ashr(b.shl(w, byte), byte)])
    high = b.call(product, [b.lshr(x, byte), b.ashr(w, byte)])
    return b.add(total, b.add(low, high))


class ByteProduct(NamedTuple):
    """Sums over rows of `depth` bytes, or, with `where`, over windows of an image of `depth` channels.

    shape: the rows of the result, and its columns. zero: of A. strides: between taps, channels and columns of B.
    """

    shape: tuple[int, int]
    depth: int
    where: Geometry | None
    zero: int
    is_signed: bool
    strides: tuple[int, int, int]

    @property
    def quads(self) -> int:
        """Elements of a row of A, or of a pixel."""
        return -(-self.depth // QUAD)

    @property
    def is_shallow(self) -> bool:
        """Whether A is copied first, so that its rows, or a window's, are whole elements one after the other."""
        few = self.where is not None and self.quads < SHALLOW and self.where.dilations[1] == 1 < self.where.kernel[1]
        return few or self.depth % QUAD != 0

    @property
    def copied(self) -> tuple[int, int, int]:
        """Images, rows and columns of the copy."""
        if self.where is None:
            return self.shape[0], 1, 1
        return self.where.image[0], self.where.lines(self.where.out[0]), self.where.columns

    def panels(self, epilogue: TileEpilogue | None = None, pitch: int | None = None) -> Panels:
        """The contraction in elements of four bytes."""
        quads, where = self.quads, self.where
        if where is not None:
            where = where._replace(image=(*where.image[:3], quads))
        if where is not None and self.is_shallow:
            where = where._replace(image=(*self.copied, quads), before=(0, 0))
            if where.dilations[1] == 1:  # the pixels of a row of the window lie one after the other
                quads, where = quads * where.kernel[1], where._replace(kernel=(where.kernel[0], 1))
        tiles = SignedByteTiles if self.is_signed else ByteTiles
        return Panels(
            *(self.shape[0], quads, self.shape[1], where, epilogue), filling=self.zero & 0xFF, head=1, tiles=tiles,
            pitch=pitch,
        )  # fmt: skip

    @property
    def packing(self) -> Packing:
        """The packed layout of B."""
        return Packing(1, self.panels().floats, partial(_packing, self))


def _packing(what: ByteProduct, places: Sequence[BufferRef]) -> Call:
    return Call(printed(_packing_module, what), "pack", -(-what.shape[1] // tile_columns()), tuple(places))


def _packing_module(what: ByteProduct) -> Frame:
    """A task packs a panel: what the zero point adds to its columns, and then their terms."""
    frame, width, column_size = Frame(2), tile_columns(), what.panels().column
    count = math.prod(what.where.kernel) if what.where else 1
    zero = what.zero + SIGN * what.is_signed
    with frame.tasks("pack") as task:
        b = frame.b
        source, target = frame.pointers[0], at(b, frame.pointers[1], b.mul(task, index(width * column_size)), I32)
        with loop(b, index(0), index(width)) as c:
            column = b.add(b.mul(task, index(width)), c)
            is_column = b.icmp_signed("<", column, index(what.shape[1]))

            def term(tap: IRValue, k: IRValue, total: IRValue) -> list[IRValue]:
                place = offset(b, (b.add(b.mul(tap, index(what.quads)), k), width), (b.add(c, index(width)), 1))
                for j in range(QUAD):
                    i = b.add(b.mul(k, index(QUAD)), index(j))
                    inside = b.and_(is_column, b.icmp_signed("<", i, index(what.depth)))
                    steps = zip((tap, i, column), what.strides, strict=True)
                    read = b.select(inside, offset(b, *steps), index(0))
                    byte = b.select(inside, b.load(at(b, source, read, I8), I8), I8(0))
                    b.store(byte, at(b, target, b.add(b.mul(place, index(QUAD)), index(j)), I8))
                    total = b.add(total, b.sext(byte, I32))
                return [total]

            def taps(tap: IRValue, total: IRValue) -> list[IRValue]:
                return reduce_loop(b, index(0), index(what.quads), 1, [total], lambda k, t: term(tap, k, t))

            (total,) = reduce_loop(b, index(0), index(count), 1, [I32(0)], taps)
            b.store(b.mul(total, I32(-zero)), at(b, target, c, I32))
    return frame


def _copying_module(what: ByteProduct) -> Frame:
    """The copy of A, with its padding. A task copies a row of an image."""
    frame, whole = Frame(2), what.depth // QUAD
    _, lines, columns = what.copied
    height, width = what.where.image[1:3] if what.where else (1, 1)
    top, left = what.where.before if what.where else (0, 0)
    with frame.tasks("kernel") as task:
        b = frame.b
        n, line = b.sdiv(task, index(lines)), b.srem(task, index(lines))
        target = at(b, frame.pointers[1], b.mul(task, index(columns * what.quads)), I32)
        fill(b, target, what.zero & 0xFF, index(QUAD * columns * what.quads))
        y = b.sub(line, index(top))
        inside = b.and_(b.icmp_signed(">=", y, index(0)), b.icmp_signed("<", y, index(height)))
        source = at(b, frame.pointers[0], offset(b, (n, height * width * what.depth), (y, width * what.depth)), I8)
        with b.if_then(inside), loop(b, index(0), index(min(width, columns - left))) as x:
            pixel = at(b, source, b.mul(x, index(what.depth)), I8)
            place = at(b, target, b.mul(b.add(x, index(left)), index(what.quads)), I32)
            with loop(b, index(0), index(whole)) as k:
                b.store(b.load(at(b, pixel, k, I32), I32, align=1), at(b, place, k, I32))
            if what.depth % QUAD:
                b.store(_rest(b, pixel, whole, what.depth % QUAD), at(b, place, index(whole), I32))
    return frame


def _rest(b: IRBuilder, pixel: IRValue, whole: int, count: int) -> IRValue:
    """The last bytes of a pixel as an element."""
    rest = I32(0)
    for j in range(count):
        byte = b.zext(b.load(at(b, pixel, index(whole * QUAD + j), I8), I8), I32)
        rest = b.or_(rest, b.shl(byte, I32(8 * j)))
    return rest


def _lowered(what: ByteProduct, how: LoweringContext) -> Native:
    layout, pack, panels = WorkspaceLayout(), what.packing, what.panels(how.epilogue, how.pitch)
    packed = ins(1)[0] if how.packed else layout.reserve(4 * pack.size)
    images, lines, columns = what.copied
    image = layout.reserve(QUAD * images * lines * columns * what.quads) if what.is_shallow else ins(0)[0]

    def make() -> list[Call]:
        args = (image, packed, *outs(0), *operands_of(how.epilogue))
        calls = [Call(panels_code(panels), "kernel", panels.tasks, args)]
        if what.is_shallow:
            calls.insert(0, Call(printed(_copying_module, what), "kernel", images * lines, (*ins(0), image)))
        return calls if how.packed else [pack.call((*ins(1), packed)), *calls]

    return Native(always(make), layout.nbytes, overwritable(how.epilogue))


def _convolution(op: IntegerConv2D, in_types: Types) -> ByteProduct | None:
    x, w = (t.static for t in in_types)
    out = op.real.out_shape(x, w)
    if dot() is None or op.groups != 1 or 0 in (*x, *w, *out):
        return None
    (top, _), (left, _) = op.window(w).pads(*x[1:3])
    where = Geometry(x, w[:2], op.strides, op.dilations, (top, left), out[1:3], w[3])  # type: ignore[arg-type]
    return ByteProduct(
        *((math.prod(out[:3]), w[3]), x[3], None if is_product(op, w, x) else where),  # type: ignore[arg-type]
        zero=op.zero, is_signed=in_types[0].dtype is int8, strides=(w[2] * w[3], w[3], 1),
    )  # fmt: skip


def _product(op: IntegerMatMul, in_types: Types) -> ByteProduct | None:
    a, b = (t.static for t in in_types)
    if dot() is None or len(a) != 2 or len(b) != 2 or 0 in (*a, *b):
        return None
    columns = b[0] if op.transpose_b else b[1]
    strides = (0, 1, a[1]) if op.transpose_b else (0, columns, 1)
    return ByteProduct((a[0], columns), a[1], None, op.zero, in_types[0].dtype is int8, strides)


def conv2d(op: IntegerConv2D, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The sums."""
    form = _convolution(op, in_types)
    return _lowered(form, how) if form else _by_loops(op, in_types, out_types, how)


def matmul(op: IntegerMatMul, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The sums."""
    form = _product(op, in_types)
    return _lowered(form, how) if form else _by_loops(op, in_types, out_types, how)


def _by_loops(op: Op, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    return None if how.epilogue else from_loops(op, in_types, out_types, how)


def conv2d_packs(op: IntegerConv2D, in_types: Types) -> Packing | None:
    """The packed layout of the filter."""
    form = _convolution(op, in_types)
    return form.packing if form else None


def matmul_packs(op: IntegerMatMul, in_types: Types) -> Packing | None:
    """The packed layout of the second factor."""
    form = _product(op, in_types)
    return form.packing if form else None
