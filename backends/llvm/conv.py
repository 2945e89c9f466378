"""Convolution and its gradients without a column matrix.

In NHWC a row of a window is contiguous, so a tile of the result reads overlapping rows of the (padded) image in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from minigraph.backend.base import Types
from minigraph.backend.workspace import WorkspaceLayout, ins, outs
from minigraph.backends.llvm.builder import Frame, at, index, loop, pieces, printed, zero
from minigraph.backends.llvm.geometry import LANES, Geometry, padded
from minigraph.backends.llvm.native import Call, LoweringContext, Native, Packing, always
from minigraph.backends.llvm.panels import Panels, addresses, floats, operands_of, overwritable, packing, panels_code
from minigraph.backends.llvm.product import Product, product
from minigraph.backends.llvm.text import F32, IRValue
from minigraph.backends.llvm.tile import (
    ContractionAxis,
    NarrowTiles,
    TileEpilogue,
    Tiles,
    TileSet,
    strips,
    tile_columns,
    tile_rows,
)
from minigraph.backends.llvm.total import total
from minigraph.core.dtypes import float32, uint16
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution
from minigraph.ops.window import reach

SCATTERED = 64  # most rows of the filter's gradient for which tile rows have separate offsets
DEEP = 16  # least number of channels for which a tile reads the image through a pointer for each tap


def _shallow_module(where: Geometry, epilogue: TileEpilogue | None, pitch: int) -> Frame:
    """The kernel for few channels. A task computes some rows of one image.

    Pointers: image, packed filter, result, the epilogue's operands.
    """
    frame = Frame(3 + len(operands_of(epilogue)))
    _, height, width, depth = where.image
    rows, chunks = where.rows, where.chunks
    lines = where.lines(rows)
    tiles = TileSet(frame.module, Tiles(where.strides[1] * depth, pitch, where.taps(depth), epilogue=epilogue))
    with frame.tasks("kernel") as task:
        b = frame.b
        lines_copy = frame.stack_array("image", lines * where.line)
        n, chunk = b.sdiv(task, index(chunks)), b.srem(task, index(chunks))
        low = b.mul(chunk, index(rows))
        high = b.add(low, index(rows))
        high = b.select(b.icmp_signed("<", high, index(where.out[0])), high, index(where.out[0]))
        image = at(b, frame.pointers[0], b.mul(n, index(height * width * depth)), F32)
        padded(frame, where, lines_copy, image, b.mul(low, index(where.strides[0])), lines)
        for start, columns in pieces(b, where.fan, tile_columns()):
            panel = b.mul(start, index(where.kernel[0] * where.kernel[1] * depth))
            packed = at(b, frame.pointers[1], panel, F32)
            with loop(b, low, high) as p:
                line = b.mul(b.sub(p, low), index(where.strides[0] * where.line))
                pixel = b.mul(b.add(b.mul(n, index(where.out[0])), p), index(where.out[1] * pitch))
                place = b.add(pixel, start)
                operands = addresses(frame, epilogue, frame.pointers[3:], start, place)
                target = at(b, frame.pointers[2], place, F32)
                strips(b, tiles, at(b, lines_copy, line, F32), packed, target, where.out[1], columns, *operands)
    return frame


class _ConvOperands(NamedTuple):
    """A convolution of operand `image` with operand `filter`, which is read by `strides` from element `start`."""

    where: Geometry
    strides: tuple[int, int, int, int]
    start: int
    image: int
    filter: int
    is_product: bool

    @property
    def panels(self) -> Panels | None:
        """The contraction that reads the image through pointers; None if there are too few adjacent channels."""
        where = self.where
        rows, depth = where.image[0] * math.prod(where.out), where.image[3]
        if min(rows, where.fan) == 0 or (depth < DEEP and not self.is_product):
            return None
        return Panels(rows, depth, where.fan, None if self.is_product else where)

    def packing(self, narrow: bool) -> Packing:
        """The packed layout of the filter; of bfloat16 if `narrow`."""
        where = self.where
        shape = (*where.kernel, where.image[3], where.fan)
        call = partial(packing, shape, self.strides, self.start, narrow=narrow)
        return Packing(self.filter, floats(math.prod(shape[:3]), where.fan), call, uint16 if narrow else float32)


def _forward(op: Conv2D, x: Sequence[int], w: Sequence[int]) -> _ConvOperands:
    (top, _), (left, _) = op.window(w).pads(*x[1:3])
    _, rows, columns, fan = op.out_shape(tuple(x), tuple(w))
    where = Geometry(x, (w[0], w[1]), op.strides, op.dilations, (top, left), (rows, columns), fan)  # type: ignore[arg-type]
    return _ConvOperands(where, (w[1] * w[2] * w[3], w[2] * w[3], w[3], 1), 0, 0, 1, is_product(op, w, x))


def _convolution(form: _ConvOperands, how: LoweringContext) -> Native | None:
    """The convolution. Its filter is packed first unless it comes packed."""
    where, panels, layout = form.where, form.panels, WorkspaceLayout()
    if panels is None and not where.fits:
        return None
    pack = form.packing(False)
    packed = ins(form.filter)[0] if how.packed else layout.reserve(4 * pack.size)

    def make() -> list[Call]:
        args = (*ins(form.image), packed, *outs(0), *operands_of(how.epilogue))
        if panels is not None:
            tiles = NarrowTiles if how.narrow else TileSet
            what = panels._replace(epilogue=how.epilogue, tiles=tiles, pitch=how.pitch)
            module, tasks = panels_code(what), panels.tasks
        else:
            module = printed(_shallow_module, where, how.epilogue, how.pitch or where.fan)
            tasks = where.image[0] * where.chunks
        main = Call(module, "kernel", tasks, args)
        return [main] if how.packed else [pack.call((*ins(form.filter), packed)), main]

    return Native(always(make), layout.nbytes, overwritable(how.epilogue))


def is_product(op: Convolution, w: Sequence[int], image: Sequence[int]) -> bool:
    """Whether the convolution is a product of each pixel's channels with one matrix."""
    alone = (w[0], w[1]) == op.strides == (1, 1)
    return alone and op.window(w).pads(image[1], image[2]) == ((0, 0), (0, 0)) and 0 not in (*w, *image)


def conv2d(op: Conv2D, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """y, for float32 and one group; otherwise None."""
    x, w = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or x[3] != w[2]:
        return None
    if is_product(op, w, x) and not how.packed:
        whole = product(Product(w[2], w[2], 1, w[3], 1, how.pitch or w[3]), math.prod(x[:3]), w[3])
        return whole if how.epilogue is None else None
    return _convolution(_forward(op, x, w), how)


def packs(op: Conv2D, in_types: Types, narrow: bool) -> Packing | None:
    """The packed layout of the filter for `conv2d`; of bfloat16 if `narrow` and there are panels."""
    x, w = (t.static for t in in_types)
    if in_types[0].dtype is not float32 or x[3] != w[2]:
        return None
    form = _forward(op, x, w)
    if form.panels is None and (not form.where.fits or 0 in (*x, *w)):
        return None
    return form.packing(narrow and form.panels is not None)


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂x as the convolution of δ with the rotated filter, for float32, one group and stride 1; otherwise None."""
    w, y = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or op.shape[3] != w[2] or op.strides != (1, 1) or how.epilogue:
        return None
    if is_product(op, w, op.shape):
        return product(Product(w[3], w[3], 1, 1, w[3], w[2]), math.prod(y[:3]), w[2], (1, 0))
    (top, _), (left, _) = op.window(w).pads(*op.shape[1:3])
    before = reach(w[0], op.dilations[0]) - 1 - top, reach(w[1], op.dilations[1]) - 1 - left
    out = (op.shape[1], op.shape[2])
    where = Geometry(y, (w[0], w[1]), (1, 1), op.dilations, before, out, w[2])  # type: ignore[arg-type]
    row, column = w[1] * w[2] * w[3], w[2] * w[3]
    start = (w[0] - 1) * row + (w[1] - 1) * column
    return _convolution(_ConvOperands(where, (-row, -column, 1, w[3]), start, 1, 0, False), how)


def _filter_grad_module(where: Geometry, lanes: int, adds: bool) -> Frame:
    """The kernel of the filter's gradient. Task i sums over part i of the batch.

    Pointers: image, δ, the tasks' sums. adds: whether the sums are added to what is there.
    """
    frame = Frame(3)
    images, height, width, depth = where.image
    (kh, kw), (dr, dc), (sr, sc) = where.kernel, where.dilations, where.strides
    together = kw if dc == 1 else 1  # columns of the filter whose elements are adjacent in the image
    size = kh * kw * depth * where.fan
    rows = [r * dr * where.line + s * dc * depth + k for r in range(kh) for s in range(kw) for k in range(depth)]
    with frame.tasks("kernel") as task:
        b = frame.b
        lines_copy = frame.stack_array("image", where.lines(where.rows) * where.line)
        own = at(b, frame.pointers[2], b.mul(task, index(size)), F32)
        if not adds:
            zero(b, own, index(size * 4))
        first, last = (b.sdiv(b.mul(b.add(task, index(i)), index(images)), index(lanes)) for i in (0, 1))
        with loop(b, first, last) as n:
            image = at(b, frame.pointers[0], b.mul(n, index(height * width * depth)), F32)
            delta = at(b, frame.pointers[1], b.mul(n, index(where.out[0] * where.out[1] * where.fan)), F32)
            for low, count in pieces(b, where.out[0], where.rows):
                sums = (
                    ContractionAxis(count, sr * where.line, where.out[1] * where.fan),
                    ContractionAxis(where.out[1], sc * depth, where.fan),
                )
                tiles = TileSet(frame.module, Tiles(1, where.fan, sums, adds=True), f"tile{count}")
                padded(frame, where, lines_copy, image, b.mul(low, index(sr)), where.lines(count))
                part = at(b, delta, b.mul(low, index(where.out[1] * where.fan)), F32)
                for start, columns in pieces(b, where.fan, tile_columns()):
                    target, source = at(b, own, start, F32), at(b, part, start, F32)
                    if len(rows) <= SCATTERED:
                        _row_by_row(frame, tiles, where.fan, rows, lines_copy, source, target, columns)
                        continue
                    with loop(b, index(0), index(kh)) as r, loop(b, index(0), index(kw // together)) as s:
                        seen = b.add(b.mul(r, index(dr * where.line)), b.mul(s, index(dc * depth)))
                        made = b.add(b.mul(r, index(kw * depth * where.fan)), b.mul(s, index(depth * where.fan)))
                        below = at(b, target, made, F32)
                        strips(b, tiles, at(b, lines_copy, seen, F32), source, below, together * depth, columns)
    return frame


def _row_by_row(
    frame: Frame, tiles: TileSet, pitch: int, rows: Sequence[int], a: IRValue, b_: IRValue, c: IRValue, columns: int
) -> None:
    """Tiles that cover the rows, with rows of A that begin at the given elements. pitch: between rows of C."""
    count = -(-len(rows) // tile_rows(columns))
    for i in range(count):
        low, high = (len(rows) * n // count for n in (i, i + 1))
        below = at(frame.b, c, index(low * pitch), F32)
        frame.b.call(tiles.at(tuple(rows[low:high]), columns), [a, b_, below])


def filter_grad(op: Conv2DFilterGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂w, for float32 and one group; otherwise None."""
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
    lanes = 1 if how.inside or how.adds else min(LANES, x[0])
    size = out_types[0].size
    layout = WorkspaceLayout()
    sums = layout.reserve(4 * lanes * size) if lanes > 1 else outs(0)[0]

    def make() -> list[Call]:
        module = printed(_filter_grad_module, where, lanes, how.adds)
        main = Call(module, "kernel", lanes, (*ins(0, 1), sums))
        return [main, *total(size, lanes, sums, outs(0)[0])] if lanes > 1 else [main]

    return Native(always(make), layout.nbytes)
