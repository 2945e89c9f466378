"""The geometry of a convolution's windows in NHWC images."""

from __future__ import annotations

from typing import NamedTuple

from minigraph.backends.llvm.builder import Frame, at, copy, index, loop, zero
from minigraph.backends.llvm.text import F32, IRValue
from minigraph.backends.llvm.tile import ContractionAxis, tile_columns
from minigraph.ops.window import Pair, reach

WINDOW = 1 << 19  # bytes of a task's padded image rows, which lie on the stack
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
        """Output rows of a task: all rows if there are many images and the rows fit."""
        most = self.out[0] if self.image[0] >= LANES else -(-self.out[0] // LANES)
        while most > 1 and self.lines(most) * self.line * 4 > WINDOW:
            most -= 1
        return most

    @property
    def chunks(self) -> int:
        """Tasks of an image."""
        return -(-self.out[0] // self.rows)

    @property
    def fits(self) -> bool:
        """Whether convolutions of this geometry have native code."""
        sizes = (*self.image, *self.out, self.fan)
        nbytes = self.lines(self.rows) * self.line * 4 if min(sizes) > 0 else 0
        return min(self.before) >= 0 and self.before[1] < self.columns and 0 < nbytes <= 2 * WINDOW

    def taps(self, depth: int) -> tuple[ContractionAxis, ...]:
        """The sums over a window's rows, columns and channels. B is packed as [kernel rows, columns, channels]."""
        (kh, kw), (dr, dc), width = self.kernel, self.dilations, tile_columns()
        rows = ContractionAxis(kh, dr * self.line, kw * depth * width)
        if dc == 1:
            return rows, ContractionAxis(kw * depth, 1, width)
        return rows, ContractionAxis(kw, dc * depth, depth * width), ContractionAxis(depth, 1, width)


def padded(frame: Frame, where: Geometry, target: IRValue, image: IRValue, top: IRValue, lines: int) -> None:
    """Copy `lines` lines of the padded image, from line `top` on, to `target`, with zeros in the padding."""
    b = frame.b
    _, height, width, channels = where.image
    zero(b, target, index(lines * where.line * 4))
    size = min(width, where.columns - where.before[1]) * channels * 4
    first = b.sub(top, index(where.before[0]))
    with loop(b, index(0), index(lines)) as i:
        y = b.add(first, i)
        inside = b.and_(b.icmp_signed(">=", y, index(0)), b.icmp_signed("<", y, index(height)))
        with b.if_then(inside):
            source = at(b, image, b.mul(y, index(width * channels)), F32)
            start = b.add(b.mul(i, index(where.line)), index(where.before[1] * channels))
            copy(b, at(b, target, start, F32), source, index(size))
