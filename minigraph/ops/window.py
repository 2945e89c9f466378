"""Sliding windows: TensorFlow 1's output sizes and paddings, and views of all windows of an array."""

from __future__ import annotations

from typing import Any, NamedTuple

from minigraph.core.arguments import integers
from minigraph.core.dtypes import DType, int64
from minigraph.core.errors import ShapeError
from minigraph.core.scalar import Scalar, call, cast
from minigraph.core.types import Dim
from minigraph.loops.index import Guard, Index, Inside

Pair = tuple[int, int]
Padding = str | tuple[Pair, Pair]  # "SAME", "VALID", or ((top, bottom), (left, right))


def reach(kernel: int, dilation: int) -> int:
    """The number of input elements that a dilated window spans."""
    return (kernel - 1) * dilation + 1


def output_size(length: Dim, kernel: int, stride: int, dilation: int, padding: str | Pair) -> Dim:
    """SAME: ⌈L/S⌉. VALID: ⌈(L − K + 1)/S⌉. Explicit: ⌊(L + P − K)/S⌋ + 1. K is the dilated size."""
    if length is None:
        return None
    span = reach(kernel, dilation)
    if padding == "SAME":
        return -(-length // stride)
    before, after = (0, 0) if isinstance(padding, str) else padding
    size = (length + int(before) + int(after) - span) // stride + 1
    if size <= 0:
        raise ShapeError(f"Negative dimension size caused by subtracting {span} from {length}")
    return size


def explicit_padding(length: int, kernel: int, stride: int, dilation: int, padding: str | Pair) -> Pair:
    """The padding as numbers. SAME pads max((out − 1)·S + K − L, 0) zeros in total, an odd one at the end."""
    if padding == "SAME":
        out = -(-length // stride)
        total = max((out - 1) * stride + reach(kernel, dilation) - length, 0)
        return total // 2, total - total // 2
    before, after = (0, 0) if isinstance(padding, str) else padding
    return int(before), int(after)


class Window(NamedTuple):
    """A two-dimensional window: kernel size, strides, dilations, padding, each (rows, columns)."""

    kernel: Pair
    strides: Pair
    dilations: Pair
    padding: Padding

    def side(self, axis: int) -> str | Pair:
        return self.padding if isinstance(self.padding, str) else self.padding[axis]

    def out(self, height: Dim, width: Dim) -> tuple[Dim, Dim]:
        """Rows and columns of the output."""
        rows, columns = (
            output_size(n, self.kernel[i], self.strides[i], self.dilations[i], self.side(i))
            for i, n in enumerate((height, width))
        )
        return rows, columns

    def pads(self, height: int, width: int) -> tuple[Pair, Pair]:
        """The padding as ((top, bottom), (left, right))."""
        rows, columns = (
            explicit_padding(n, self.kernel[i], self.strides[i], self.dilations[i], self.side(i))
            for i, n in enumerate((height, width))
        )
        return rows, columns

    def indices(self, height: int, width: int) -> WindowIndices:
        """Index expressions of the windows over an image of that size."""
        return WindowIndices(self, (height, width), (self.pads(height, width)[0][0], self.pads(height, width)[1][0]))


class WindowIndices(NamedTuple):
    """Windows over an image in index expressions: of image elements (h, w), windows (p, q) and taps (r, s).

    before: the numbers of rows and columns of padding before the image.
    """

    window: Window
    image: Pair
    before: Pair

    def pixel(self, p: Index, q: Index, r: Index, s: Index) -> tuple[Index, Index]:
        """The image element under a tap of a window; it may lie in the padding."""
        (sh, sw), (dh, dw), (top, left) = self.window.strides, self.window.dilations, self.before
        return p * sh + r * dh - top, q * sw + s * dw - left

    def window_at(self, h: Index, w: Index, r: Index, s: Index) -> tuple[Index, Index, Guard]:
        """The window whose tap lies over an image element, and the guard that its place is a whole number."""
        (sh, sw), (dh, dw), (top, left) = self.window.strides, self.window.dilations, self.before
        row, column = h + top - r * dh, w + left - s * dw
        whole = tuple(Inside(i % by, 0, 1) for i, by in ((row, sh), (column, sw)) if by > 1)
        return row // sh, column // sw, whole

    def number(self, r: Index, s: Index) -> Index:
        """A tap's number in row-major order."""
        return r * self.window.kernel[1] + s

    def taps_inside(self, p: Index, q: Index, dtype: DType) -> Scalar:
        """The number of taps of a window inside the image. The window must not be dilated."""
        rows, columns = (self._count(place, axis) for axis, place in enumerate((p, q)))
        return cast(rows * columns, dtype)

    def _count(self, place: Index, axis: int) -> Scalar:
        start = place * self.window.strides[axis] - self.before[axis]
        first, last = (Scalar("index", (), int64, i) for i in (start, start + self.window.kernel[axis]))
        end = call("minimum", last, self.image[axis])
        return call("maximum", end - call("maximum", first, 0), 0)


def tap(array: Any, window: Window, row: int, column: int, out: Pair) -> Any:
    """The view of a padded NHWC array under kernel element (row, column): one element for each output."""
    (sr, sc), (dr, dc) = window.strides, window.dilations
    top, left = row * dr, column * dc
    return array[:, top : top + (out[0] - 1) * sr + 1 : sr, left : left + (out[1] - 1) * sc + 1 : sc]


def parse_padding(padding: Any, data_format: str = "NHWC") -> Padding:
    """SAME, VALID, or explicit ((0,0),(t,b),(l,r),(0,0)), with NCHW ((0,0),(0,0),(t,b),(l,r)). ValueError otherwise."""
    if padding in ("SAME", "VALID"):
        return str(padding)
    if isinstance(padding, list | tuple):
        pairs = [integers(p) or () for p in padding]
        if len(pairs) == 4 and data_format == "NCHW":
            pairs = [pairs[0], *pairs[2:], pairs[1]]
        if len(pairs) == 4 and pairs[0] == pairs[3] == (0, 0):
            pairs = pairs[1:3]
        if len(pairs) == 2 and all(len(p) == 2 and min(p) >= 0 for p in pairs):
            return (pairs[0], pairs[1])  # type: ignore[return-value]
    raise ValueError(f"padding must be SAME, VALID or explicit pairs of numbers, not {padding!r}")


def parse_sizes(value: Any, what: str, data_format: str | None = "NHWC", rank: int = 2) -> Any:
    """The size along each of `rank` spatial axes, such as (rows, columns).

    value: one integer for all spatial axes, one for each, or `rank` + 2 in the order of `data_format`, with 1 for batch
        and channels. ValueError for anything else, with the argument's name `what`.
    """
    sizes, counts = integers(value), sorted({1, rank, rank + 2})
    if sizes is None or len(sizes) not in counts:
        shown = ", ".join(map(str, counts[:-1]))
        expected = f"{what} must be {shown} or {counts[-1]} integers, those for batch and channels 1"
        raise ValueError(f"{expected}; got {value!r}" + ("" if sizes is None else f", which are {len(sizes)}"))
    if len(sizes) == rank + 2:
        batch, *inner = sizes
        channels = inner.pop(0 if str(data_format).startswith("NC") else -1)
        if batch != 1 or channels != 1:
            raise ValueError(f"{what} across the batch or the channels are not supported, got {list(sizes)}")
        sizes = tuple(inner)
    if min(sizes) < 1:
        raise ValueError(f"{what} must be positive, got {value!r}")
    return sizes * rank if len(sizes) == 1 else sizes
