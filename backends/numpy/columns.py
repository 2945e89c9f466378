"""The column matrix of an image (im2col), one block of output pixels at a time.

Row (n, p, q) of the matrix holds the elements under the window of output pixel (p, q) of image n, in the order (r, s,
i) of the filter. So convolution is one matrix product. A block is some whole images, or some output rows of one image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigraph.backend.base import Launch
from minigraph.backends.numpy.common import Array, ArrayLayout, blocks, copy
from minigraph.ops.window import Pair, reach

# Bytes of a column block. On idle cores 2 MB to 16 MB are equally fast. On shared cores many small products are
# slower, because BLAS threads wait for each other in each of them.
LIMIT = 12 << 20

ALL = slice(None)


class Block(NamedTuple):
    """A block's images and output rows, and its output pixels, the rows of the column matrix."""

    images: slice
    rows: slice
    pixels: slice


class Loaded(NamedTuple):
    """The steps that fill the column matrix [pixels, r·s·i] of one group of a block. A view needs no steps."""

    block: Block
    group: int
    steps: list[Launch]
    matrix: Array


@dataclass(frozen=True)
class Columns:
    """The windows of an NHWC image.

    start: position of the first window, minus the padding on top and left. out: numbers of windows along rows and
    columns. groups: number of groups of channels.
    """

    image: tuple[int, ...]
    kernel: Pair
    strides: Pair
    dilations: Pair
    start: Pair
    out: Pair
    groups: int
    dtype: np.dtype[Any]
    limit: int = LIMIT  # most bytes of a block
    count: int = 1  # least number of blocks, where there are as many output rows

    @property
    def depth(self) -> int:
        """Channels of a group."""
        return self.image[3] // self.groups

    @property
    def length(self) -> int:
        """Elements of a window."""
        return self.kernel[0] * self.kernel[1] * self.depth

    @property
    def is_view(self) -> bool:
        """Whether the image is its own column matrix."""
        return (self.kernel, self.strides, self.start, self.out) == ((1, 1), (1, 1), (0, 0), self.image[1:3])

    @property
    def transposed(self) -> bool:
        """Whether the matrix is stored as [r·s·i, pixels]. With few channels a window's row is too short for fast
        copies."""
        return self.depth <= 2

    def blocks(self) -> list[Block]:
        (rows, columns), images = self.out, self.image[0]
        if images * rows * columns == 0:
            return []
        pixels = rows * columns
        if self.is_view:
            parts = blocks(images * pixels, -(-images * pixels // self.count))
            return [Block(slice(0, images), slice(0, rows), part) for part in parts]
        line = max(columns * self.length, self.strides[0] * self._width * self.image[3]) * self.dtype.itemsize
        lines = max(1, min(self.limit // max(line, 1), -(-images * rows // self.count)))
        if lines >= rows:
            return [
                Block(part, slice(0, rows), slice(part.start * pixels, part.stop * pixels))
                for part in blocks(images, lines // rows)
            ]
        return [
            Block(slice(n, n + 1), part, slice(n * pixels + part.start * columns, n * pixels + part.stop * columns))
            for n in range(images)
            for part in blocks(rows, lines)
        ]

    @property
    def _width(self) -> int:
        """Columns of the image, with padding, that the windows of one output row cover."""
        return (self.out[1] - 1) * self.strides[1] + reach(self.kernel[1], self.dilations[1])

    def _height(self, rows: int) -> int:
        return (rows - 1) * self.strides[0] + reach(self.kernel[0], self.dilations[0])

    def reserve(self, layout: ArrayLayout) -> tuple[int, int]:
        """Reserve arrays for the padded image and the column matrix of the largest block."""
        made = [] if self.is_view else self.blocks()
        images, rows = max(((b.images.stop - b.images.start, b.rows.stop - b.rows.start) for b in made), default=(0, 0))
        padded = layout.reserve(images * self._height(rows) * self._width * self.image[3], self.dtype)
        return padded, layout.reserve(images * rows * self.out[1] * self.length, self.dtype)

    def load(self, image: Array, padded: Array, column: Array, some: slice = ALL) -> Iterator[Loaded]:
        """Some of the blocks, group by group, in the arrays that `reserve` added. The steps must run in this order."""
        if self.is_view:
            matrix = image.reshape(-1, self.image[3])
            for block in self.blocks()[some]:
                for g in range(self.groups):
                    yield Loaded(block, g, [], matrix[block.pixels, g * self.depth : (g + 1) * self.depth])
            return
        for block, steps, whole in self.windows(image, padded, some):
            for g in range(self.groups):
                windows = whole[..., g * self.depth : (g + 1) * self.depth]
                if self.transposed:
                    windows = windows.transpose(3, 4, 5, 0, 1, 2)
                target = column[: windows.size].reshape(windows.shape)
                tall = target.reshape((self.length, -1)).T if self.transposed else target.reshape(-1, self.length)
                yield Loaded(block, g, [*steps, copy(target, windows)], tall)
                steps = []

    def windows(self, image: Array, padded: Array, some: slice = ALL) -> Iterator[tuple[Block, list[Launch], Array]]:
        """Some of the blocks, each with the steps that pad its part of the image, and its windows, a view
        [n, p, q, r, s, channels]."""
        before: Any = None
        for block in self.blocks()[some]:
            source, steps, before = self._source(image, padded, block, before)
            yield block, steps, self._windows(source, block)

    def _source(self, image: Array, padded: Array, block: Block, before: Any) -> tuple[Array, list[Launch], Any]:
        """The padded part of the image that a block's windows cover."""
        height, width = self._height(block.rows.stop - block.rows.start), self._width
        top = block.rows.start * self.strides[0] + self.start[0]
        left = self.start[1]
        if top >= 0 and left >= 0 and top + height <= self.image[1] and left + width <= self.image[2]:
            return image[block.images, top : top + height, left : left + width], [], before
        count = block.images.stop - block.images.start
        shape = (count, height, width, self.image[3])
        frame = padded[: math.prod(shape)].reshape(shape)
        rows = slice(max(0, -top), max(0, -top, min(height, self.image[1] - top)))
        columns = slice(max(0, -left), max(0, -left, min(width, self.image[2] - left)))
        inside = image[block.images, top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
        steps = [copy(frame[:, rows, columns], inside)]
        layout = (shape[1:], rows.start, rows.stop)
        if layout != before:  # otherwise the zeros of the block before are already in the right places
            steps.insert(0, partial(padded.fill, 0))
        return frame, steps, layout

    def _windows(self, source: Array, block: Block) -> Array:
        """[n, p, q, r, s, channels], a view."""
        n, h, w, c = source.strides
        (sr, sc), (dr, dc) = self.strides, self.dilations
        shape = (source.shape[0], block.rows.stop - block.rows.start, self.out[1], *self.kernel, self.image[3])
        return as_strided(source, shape, (n, h * sr, w * sc, h * dr, w * dc, c), writeable=False)
