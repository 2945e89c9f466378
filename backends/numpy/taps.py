"""The intersections of a sliding window's elements with the image, without the padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from minigraph.ops.window import Pair, Window


class Tap(NamedTuple):
    """Window element (row, column), and its number in row-major order.

    out: the output pixels for which the element lies inside the image, from the first row of the block on; image: the
    image's elements there. Both are (rows, columns).
    """

    number: int
    row: int
    column: int
    out: tuple[slice, slice]
    image: tuple[slice, slice]


class Taps:
    """The taps of a window with explicit padding over an NHWC image of static shape."""

    def __init__(self, window: Window, image: tuple[int, ...]) -> None:
        self.window = window
        self.image: Pair = (image[1], image[2])
        self.pads = window.pads(*self.image)
        rows, columns = window.out(*self.image)
        assert rows is not None
        assert columns is not None
        self.out: Pair = (rows, columns)

    def over(self, rows: slice) -> Iterator[Tap]:
        """The taps that meet the image somewhere in these output rows, in row-major order."""
        for r in range(self.window.kernel[0]):
            down = self._span(0, r, rows.start, rows.stop)
            for s in range(self.window.kernel[1]):
                across = self._span(1, s, 0, self.out[1])
                if down and across:
                    number = r * self.window.kernel[1] + s
                    yield Tap(number, r, s, (down[0], across[0]), (down[1], across[1]))

    def _span(self, axis: int, tap: int, start: int, stop: int) -> tuple[slice, slice] | None:
        """Along one axis: the outputs in [start, stop) whose tap lies in the image, from `start` on, and the image
        positions."""
        stride = self.window.strides[axis]
        shift = tap * self.window.dilations[axis] - self.pads[axis][0]  # output p meets the image at p·stride + shift
        first = max(start, -(shift // stride))
        last = min(stop - 1, (self.image[axis] - 1 - shift) // stride)
        if last < first:
            return None
        begin = first * stride + shift
        return slice(first - start, last + 1 - start), slice(begin, begin + (last - first) * stride + 1, stride)
