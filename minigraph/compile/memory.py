"""The static memory plan: where in one arena each temporary lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minigraph.util.alignment import aligned


class Lifetime(NamedTuple):
    """A buffer of `size` bytes that is in use from step `start` to step `end`, both included."""

    size: int
    start: int
    end: int


class Layout(NamedTuple):
    """A byte offset for each buffer, and the size of the arena that holds them."""

    offsets: tuple[int, ...]
    peak: int


def plan_memory(lifetimes: Sequence[Lifetime], reuse: bool = True) -> Layout:
    """Offsets such that buffers in use at the same time do not overlap: the largest first, each into the lowest gap
    that takes it. With reuse off, nothing shares."""
    count = len(lifetimes)
    sizes = np.array([aligned(b.size) for b in lifetimes], np.int64).reshape(count)
    if not reuse:
        ends = np.cumsum(sizes)
        return Layout(tuple(int(e - s) for e, s in zip(ends, sizes, strict=True)), int(ends[-1]) if count else 0)
    starts = np.array([b.start for b in lifetimes], np.int64)
    lasts = np.array([b.end for b in lifetimes], np.int64)
    placed = np.zeros((4, count), np.int64)  # by offset: first and last step, offset, end
    offsets = [0] * count
    for done, i in enumerate(np.lexsort((starts, -sizes)) if count else ()):
        first, last, bottom, top = placed[:, :done]
        rivals = np.flatnonzero((first <= lasts[i]) & (last >= starts[i]))
        offset = _lowest_gap(bottom[rivals], top[rivals], int(sizes[i]))
        place = int(np.searchsorted(bottom, offset, "right"))
        placed[:, place + 1 : done + 1] = placed[:, place:done]
        placed[:, place] = starts[i], lasts[i], offset, offset + sizes[i]
        offsets[i] = offset
    return Layout(tuple(offsets), int(placed[3].max()) if count else 0)


def lower_bound(lifetimes: Sequence[Lifetime]) -> int:
    """The largest sum of sizes in use at one step: no plan can have a smaller peak."""
    change: dict[int, int] = {}
    for buffer in lifetimes:
        change[buffer.start] = change.get(buffer.start, 0) + aligned(buffer.size)
        change[buffer.end + 1] = change.get(buffer.end + 1, 0) - aligned(buffer.size)
    live = peak = 0
    for step in sorted(change):
        live += change[step]
        peak = max(peak, live)
    return peak


def _lowest_gap(starts: np.ndarray, ends: np.ndarray, wanted: int) -> int:
    """Where `wanted` bytes fit between buffers, given in the order of their starts."""
    tops = np.zeros(len(starts) + 1, np.int64)  # tops of all buffers before each one, and of all buffers
    np.maximum.accumulate(ends, out=tops[1:])
    fits = np.flatnonzero(starts - tops[:-1] >= wanted)
    return int(tops[fits[0] if len(fits) else -1])
