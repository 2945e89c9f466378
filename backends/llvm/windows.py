"""Kernels over the windows of images, by vectors of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from minigraph.backends.llvm.builder import Frame, at, index, larger, offset, smaller
from minigraph.backends.llvm.text import IRValue, vector
from minigraph.ops.window import Pair, Window

TAPS = 25  # most taps of a window, as each is unrolled


class Windows(NamedTuple):
    """Windows over images [n, height, width, channels], starting at (-top, -left)."""

    image: tuple[int, ...]
    kernel: Pair
    strides: Pair
    before: Pair
    out: Pair

    @property
    def is_inside(self) -> bool:
        """Whether all windows lie inside the image."""
        reach = [
            (o - 1) * s + k - b for o, s, k, b in zip(self.out, self.strides, self.kernel, self.before, strict=True)
        ]
        return self.before == (0, 0) and reach[0] <= self.image[1] and reach[1] <= self.image[2]


def windows_of(window: Window, image: Sequence[int], out: Sequence[int]) -> Windows:
    (top, _), (left, _) = window.pads(image[1], image[2])
    return Windows(tuple(image), window.kernel, window.strides, (top, left), (out[1], out[2]))


class Pixel(NamedTuple):
    """One window.

    result: the offset of its result. taps: for each tap, its offset in the image and whether it is inside (None:
    always).
    """

    result: IRValue
    taps: list[tuple[IRValue, IRValue | None]]


class WindowWriter:
    """Writes the places of a window's taps."""

    def __init__(self, where: Windows, frame: Frame) -> None:
        self.where, self.frame = where, frame

    def pixel_at(self, image: IRValue, p: IRValue, q: IRValue) -> Pixel:
        """The window of a result."""
        b, where = self.frame.b, self.where
        _, height, width, channels = where.image
        result = offset(b, (image, where.out[0] * where.out[1] * channels), (p, where.out[1] * channels), (q, channels))
        axes = []
        for place, axis, length in ((p, 0, height), (q, 1, width)):
            start = b.sub(b.mul(place, index(where.strides[axis])), index(where.before[axis]))
            axes.append([self._inside(b.add(start, index(k)), length) for k in range(where.kernel[axis])])
        taps = []
        for y, y_ok in axes[0]:
            for x, x_ok in axes[1]:
                place = offset(b, (image, height * width * channels), (y, width * channels), (x, channels))
                taps.append((place, b.and_(y_ok, x_ok) if y_ok and x_ok else None))
        return Pixel(result, taps)

    def _inside(self, place: IRValue, length: int) -> tuple[IRValue, IRValue | None]:
        """The position clamped to the image, and whether it was inside."""
        if self.where.is_inside:
            return place, None
        b = self.frame.b
        ok = b.and_(b.icmp_signed(">=", place, index(0)), b.icmp_signed("<", place, index(length)))
        return smaller(b, larger(b, place, index(0)), index(length - 1)), ok


def load(frame: Frame, pointer: int, place: IRValue, kind: Any, width: int) -> IRValue:
    """A vector of elements at a pointer, from element `place` on."""
    address = at(frame.b, frame.pointers[pointer], place, kind)
    return frame.b.load(address, vector(kind, width), align=1)


def store(frame: Frame, pointer: int, place: IRValue, value: IRValue, kind: Any) -> None:
    """Store a vector of elements at a pointer, from element `place` on."""
    frame.b.store(value, at(frame.b, frame.pointers[pointer], place, kind), align=1)
