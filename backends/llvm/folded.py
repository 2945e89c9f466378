"""The convolution's gradient to the image, line by line.

The columns of the window and the channels of the image together are the columns of one product for each line y,

    G[q, (s, i)] = Σ_r Σ_o δ[(y + P − r)/S, q, o]·w[r, s, i, o]        over the r for which the division has no rest,

which is then added up where the windows lie: dx[y, q·S + s − P, i] = Σ G[q, (s, i)]. So few channels fill whole
vectors, no zeros around δ are multiplied, and strides cost nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from minigraph.backends.llvm import conv
from minigraph.backends.llvm.builder import (
    F32,
    Frame,
    Value,
    at,
    copy,
    index,
    larger,
    loop,
    offset,
    pieces,
    smaller,
    vector,
    zero,
)
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, How, Native, Room, always, ins, outs
from minigraph.backends.llvm.panels import floats, packing
from minigraph.backends.llvm.tile import Reduction, Tiles, TileSet, parts, strips, tile_columns, vectors
from minigraph.backends.numpy.common import Types
from minigraph.core.dtypes import float32
from minigraph.ops.conv2d import Conv2DInputGrad
from minigraph.ops.window import Pair

LINE = 1 << 19  # bytes of a line, which lies on the stack
TASKS = 8  # at least, where there are as many lines


class _Lines(NamedTuple):
    """∂L/∂x for images [n, height, width, channels] from δ [n, rows, columns, fan] by a kernel without dilation, whose
    windows start at (-top, -left)."""

    image: tuple[int, ...]
    delta: tuple[int, ...]
    kernel: Pair
    strides: Pair
    before: Pair

    @property
    def across(self) -> int:
        """Columns of the product: a line of the window."""
        return self.kernel[1] * self.image[3]

    @property
    def columns(self) -> int:
        """Columns of the padded image that windows meet."""
        return (self.delta[2] - 1) * self.strides[1] + self.kernel[1]

    @property
    def line(self) -> int:
        """Elements of a line of the padded image."""
        return self.columns * self.image[3]

    @property
    def rows(self) -> int:
        """Lines of a task: all of them where there are many images."""
        images, height = self.image[:2]
        return -(-height // -(-TASKS // images)) if images < TASKS else height

    @property
    def fits(self) -> bool:
        """Whether there is native code for it."""
        if min(*self.image, *self.delta) == 0 or min(self.before) < 0 or self.before[1] >= self.columns:
            return False
        return 4 * max(self.line, self.delta[2] * tile_columns()) <= LINE

    @property
    def cost(self) -> float:
        """Vectors multiplied, and what their adding up costs, for one image."""
        lines = self.delta[2] * _whole(self.across)
        return lines * (self.delta[1] * self.kernel[0] * self.delta[3] + 4 * self.image[1])

    @property
    def direct_cost(self) -> float:
        """The same for a convolution of δ with the turned filter; a tile of one vector is slower."""
        channels = self.image[3]
        slow = 1.4 if channels <= host().lanes else 1.0
        return math.prod(self.image[1:3]) * math.prod(self.kernel) * self.delta[3] * _whole(channels) * slow


def _whole(columns: int) -> int:
    """Lanes of the vectors that cover a row."""
    return sum(part.width for part in vectors(columns))


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, how: How) -> Native | None:
    """∂L/∂x for float32 and one group, by lines or as a convolution, whichever costs less; else None."""
    w, y = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or op.shape[3] != w[2]:
        return None
    (top, _), (left, _) = op.window(w).pads(*op.shape[1:3])
    where = _Lines(op.shape, y, (w[0], w[1]), op.strides, (top, left))
    if op.strides == (1, 1) and (op.dilations != (1, 1) or not where.fits or where.cost >= where.direct_cost):
        return conv.input_grad(op, in_types, out_types, how)
    return _by_lines(where) if op.dilations == (1, 1) and where.fits else None


def _by_lines(where: _Lines) -> Native:
    sizes = where.kernel[0], 1, where.delta[3], where.across
    room = Room()
    packed = room.add(4 * floats(math.prod(sizes[:3]), sizes[3]))

    def make() -> list[Call]:
        frame = Frame(3)
        pack = packing(sizes, (where.across * where.delta[3], 0, 1, where.delta[3]), 0, (*ins(0), packed))
        tasks = _write(frame, where)
        return [pack, Call(frame.text, "kernel", tasks, (*ins(1), packed, *outs(0)))]

    return Native(always(make), room.nbytes)


def _write(frame: Frame, where: _Lines) -> int:
    """Some lines of one image a task; returns how many tasks. Pointers: δ, packed filter, result."""
    (images, height, width, channels), (_, _, q_count, fan) = where.image, where.delta
    chunks = -(-height // where.rows)
    panel = tile_columns()
    sums = (Reduction(None, -q_count * fan, where.strides[0] * fan * panel), Reduction(fan, 1, panel))
    tiles = TileSet(frame.module, Tiles(fan, panel, sums, adds=False))
    valid = min(width, where.columns - where.before[1])
    with frame.tasks("kernel") as task:
        b = frame.b
        line, product = frame.room("line", where.line), frame.room("product", q_count * panel)
        image, chunk = b.sdiv(task, index(chunks)), b.srem(task, index(chunks))
        low = b.mul(chunk, index(where.rows))
        with loop(b, low, smaller(b, b.add(low, index(where.rows)), index(height))) as y:
            zero(b, line, index(4 * where.line))
            first, a_row, count = _window_rows(frame, where, y)
            a = at(b, frame.pointers[0], offset(b, (image, math.prod(where.delta[1:])), (a_row, q_count * fan)), F32)
            for start, columns in pieces(b, where.across, panel):
                place = offset(b, (start, where.kernel[0] * fan), (first, fan * panel))
                strips(b, tiles, a, at(b, frame.pointers[1], place, F32), product, q_count, columns, count)
                _add_up(frame, where, product, at(b, line, start, F32), columns)
            target = offset(b, (image, height * width * channels), (y, width * channels))
            source = at(b, line, index(where.before[1] * channels), F32)
            copy(b, at(b, frame.pointers[2], target, F32), source, index(4 * valid * channels))
            if valid < width:
                rest = at(b, frame.pointers[2], b.add(target, index(valid * channels)), F32)
                zero(b, rest, index(4 * (width - valid) * channels))
    return images * chunks


def _window_rows(frame: Frame, where: _Lines, y: Value) -> tuple[Value, Value, Value]:
    """The first row of the window that meets line y, the row of δ it does so from, and how many there are: each further
    one is a stride later in the window and a row earlier in δ."""
    b, stride = frame.b, where.strides[0]
    padded = b.add(y, index(where.before[0]))
    last, rest = b.sdiv(padded, index(stride)), b.srem(padded, index(stride))
    skipped = larger(b, b.sub(last, index(where.delta[1] - 1)), index(0))
    there = b.sdiv(b.sub(index(where.kernel[0] + stride - 1), rest), index(stride))
    count = larger(b, b.sub(smaller(b, there, b.add(last, index(1))), skipped), index(0))
    return b.add(rest, b.mul(skipped, index(stride))), b.sub(last, skipped), count


def _add_up(frame: Frame, where: _Lines, product: Value, line: Value, columns: int) -> None:
    """Each row of a panel of the product added where its window is."""
    b = frame.b
    with loop(b, index(0), index(where.delta[2])) as q:
        source = at(b, product, b.mul(q, index(tile_columns())), F32)
        target = at(b, line, b.mul(q, index(where.strides[1] * where.image[3])), F32)
        for start, width in parts(columns):
            there, kind = at(b, target, index(start), F32), vector(F32, width)
            value = b.load(at(b, source, index(start), F32), typ=kind, align=4)
            b.store(b.fadd(b.load(there, typ=kind, align=4), value), there, align=4)
