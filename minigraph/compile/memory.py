"""The static memory plan: where in one arena each temporary lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ALIGNMENT = 64  # bytes


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
    sizes = np.array([_aligned(b.size) for b in lifetimes], np.int64).reshape(count)
    if not reuse:
        ends = np.cumsum(sizes)
        return Layout(tuple(int(e - s) for e, s in zip(ends, sizes, strict=True)), int(ends[-1]) if count else 0)
    starts = np.array([b.start for b in lifetimes], np.int64)
    lasts = np.array([b.end for b in lifetimes], np.int64)
    offsets = np.zeros(count, np.int64)
    placed = np.zeros(count, bool)
    for i in np.lexsort((starts, -sizes)) if count else ():
        rivals = np.flatnonzero(placed & (starts <= lasts[i]) & (lasts >= starts[i]))
        offsets[i] = _lowest_gap(offsets[rivals], sizes[rivals], int(sizes[i]))
        placed[i] = True
    peak = int((offsets + sizes).max()) if count else 0
    return Layout(tuple(int(o) for o in offsets), peak)


def lower_bound(lifetimes: Sequence[Lifetime]) -> int:
    """The largest sum of sizes in use at one step: no plan can have a smaller peak."""
    change: dict[int, int] = {}
    for buffer in lifetimes:
        change[buffer.start] = change.get(buffer.start, 0) + _aligned(buffer.size)
        change[buffer.end + 1] = change.get(buffer.end + 1, 0) - _aligned(buffer.size)
    live = peak = 0
    for step in sorted(change):
        live += change[step]
        peak = max(peak, live)
    return peak


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _lowest_gap(offsets: np.ndarray, sizes: np.ndarray, wanted: int) -> int:
    order = np.argsort(offsets, kind="stable")
    starts = offsets[order]
    ends = np.zeros(len(starts) + 1, np.int64)  # of all buffers before each one, and of all
    np.maximum.accumulate(starts + sizes[order], out=ends[1:])
    fits = np.flatnonzero(starts - ends[:-1] >= wanted)
    return int(ends[fits[0] if len(fits) else -1])
