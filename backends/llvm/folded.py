"""The convolution's gradient with respect to the image, line by line.

The columns of the window and the channels of the image are together the columns of one product for each line y,

    G[q, (s, i)] = Σ_r Σ_o δ[(y + P − r)/S, q, o]·w[r, s, i, o]        over the r for which S divides y + P − r,

which is then summed over the overlapping windows: dx[y, q·S + s − P, i] = Σ G[q, (s, i)]. Thus even few channels fill
whole vectors, no zeros around δ are multiplied, and strides cost nothing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from minigraph.backend.base import Types
from minigraph.backend.workspace import WorkspaceLayout, ins, outs
from minigraph.backends.llvm import conv
from minigraph.backends.llvm.builder import (
    Frame,
    at,
    index,
    larger,
    loop,
    number,
    offset,
    pieces,
    printed,
    reduce_loop,
    smaller,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.panels import floats, packing
from minigraph.backends.llvm.text import F32, IRValue, vector
from minigraph.backends.llvm.tile import ContractionAxis, Tiles, TileSet, parts, strips, tile_columns
from minigraph.core.dtypes import float32
from minigraph.ops.nn.conv2d import Conv2DInputGrad
from minigraph.ops.window import Pair

PRODUCT_BYTES = 1 << 19  # most bytes of a line's product, which lies on the stack
TASKS = 8  # least number of tasks where there are as many lines


class _Lines(NamedTuple):
    """∂L/∂x for images [n, height, width, channels] from δ [n, rows, columns, fan] by a kernel without dilation. The
    windows start at (-top, -left)."""

    image: tuple[int, ...]
    delta: tuple[int, ...]
    kernel: Pair
    strides: Pair
    before: Pair

    @property
    def across(self) -> int:
        """The columns of the product for a line of the window."""
        return self.kernel[1] * self.image[3]

    @property
    def rows(self) -> int:
        """Lines of a task: all lines of an image if there are many images."""
        images, height = self.image[:2]
        return -(-height // -(-TASKS // images)) if images < TASKS else height

    @property
    def chunks(self) -> int:
        """Tasks of an image."""
        return -(-self.image[1] // self.rows)

    @property
    def fits(self) -> bool:
        """Whether this gradient has native code."""
        return min(*self.image, *self.delta) > 0 and min(self.before) >= 0 and 4 * self.product <= PRODUCT_BYTES

    @property
    def product(self) -> int:
        """The number of elements of a line's product."""
        return self.delta[2] * self.across


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂x for float32, one group, and strides or dilations of 1; otherwise None."""
    w, y = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or op.shape[3] != w[2]:
        return None
    (top, _), (left, _) = op.window(w).pads(*op.shape[1:3])
    where = _Lines(op.shape, y, (w[0], w[1]), op.strides, (top, left))
    if conv.is_product(op, w, op.shape) or op.dilations != (1, 1) or not where.fits:
        return conv.input_grad(op, in_types, out_types, how)
    return _by_lines(where)


def _by_lines(where: _Lines) -> Native:
    sizes = where.kernel[0], 1, where.delta[3], where.across
    layout = WorkspaceLayout()
    packed = layout.reserve(4 * floats(math.prod(sizes[:3]), sizes[3]))

    def make() -> list[Call]:
        pack = packing(sizes, (where.across * where.delta[3], 0, 1, where.delta[3]), 0, (*ins(0), packed))
        tasks = where.image[0] * where.chunks
        return [pack, Call(printed(_module, where), "kernel", tasks, (*ins(1), packed, *outs(0)))]

    return Native(always(make), layout.nbytes)


def _module(where: _Lines) -> Frame:
    """The kernel. A task computes some lines of one image.

    Pointers: δ, packed filter, result.
    """
    frame = Frame(3)
    (_, height, width, channels), (_, _, q_count, fan) = where.image, where.delta
    chunks = where.chunks
    panel = tile_columns()
    sums = (ContractionAxis(None, -q_count * fan, where.strides[0] * fan * panel), ContractionAxis(fan, 1, panel))
    tiles = TileSet(frame.module, Tiles(fan, where.across, sums, adds=False))
    with frame.tasks("kernel") as task:
        b = frame.b
        product = frame.stack_array("product", where.product)
        image, chunk = b.sdiv(task, index(chunks)), b.srem(task, index(chunks))
        low = b.mul(chunk, index(where.rows))
        with loop(b, low, smaller(b, b.add(low, index(where.rows)), index(height))) as y:
            first, row, count = _windows(frame, where, y, 0)
            a = at(b, frame.pointers[0], offset(b, (image, math.prod(where.delta[1:])), (row, q_count * fan)), F32)
            for start, columns in pieces(b, where.across, panel):
                place = offset(b, (start, where.kernel[0] * fan), (first, fan * panel))
                packed = at(b, frame.pointers[1], place, F32)
                strips(b, tiles, a, packed, at(b, product, start, F32), q_count, columns, count)
            target = offset(b, (image, height * width * channels), (y, width * channels))
            _add_up(frame, where, product, at(b, frame.pointers[2], target, F32))
    return frame


def _windows(frame: Frame, where: _Lines, place: IRValue, axis: int) -> tuple[IRValue, IRValue, IRValue]:
    """The taps that meet a line (axis 0) or column (axis 1) of the image: the first tap, its position in δ, and their
    number.

    Each further tap is one stride later in the window and one position earlier in δ.
    """
    b, stride = frame.b, where.strides[axis]
    padded = b.add(place, index(where.before[axis]))
    last, rest = b.sdiv(padded, index(stride)), b.srem(padded, index(stride))
    skipped = larger(b, b.sub(last, index(where.delta[1 + axis] - 1)), index(0))
    there = b.sdiv(b.sub(index(where.kernel[axis] + stride - 1), rest), index(stride))
    count = larger(b, b.sub(smaller(b, there, b.add(last, index(1))), skipped), index(0))
    return b.add(rest, b.mul(skipped, index(stride))), b.sub(last, skipped), count


def _add_up(frame: Frame, where: _Lines, product: IRValue, line: IRValue) -> None:
    """Sum each pixel of a line over the windows that meet it."""
    b, channels = frame.b, where.image[3]
    step = where.strides[1] * channels - where.across
    with loop(b, index(0), index(where.image[2])) as x:
        first, q, count = _windows(frame, where, x, 1)
        source = at(b, product, offset(b, (first, channels), (q, where.across)), F32)
        target = at(b, line, b.mul(x, index(channels)), F32)
        for channel, some in pieces(b, channels, 4 * host().lanes):
            kinds = [(start, vector(F32, width)) for start, width in parts(some)]

            def add(i: IRValue, *sums: IRValue, channel: IRValue = channel, kinds: Any = kinds) -> list[IRValue]:
                here = at(b, source, b.add(b.mul(i, index(step)), channel), F32)
                found = [b.load(at(b, here, index(start), F32), kind, align=4) for start, kind in kinds]
                return [b.fadd(total, value) for total, value in zip(sums, found, strict=True)]

            empty = [number(F32, 0.0, width) for _, width in parts(some)]
            sums = reduce_loop(b, index(0), count, 1, empty, add)
            for (start, _), total in zip(kinds, sums, strict=True):
                b.store(total, at(b, target, b.add(channel, index(start)), F32), align=4)
