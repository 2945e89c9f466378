"""What a machine can do: floating-point operations and bytes per second."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from minigraph.util.cores import core_count

BYTES = 256 << 20  # more than caches hold


class Speeds(NamedTuple):
    """flops: floating-point operations per second of large float32 matrix products. bandwidth: bytes per second that
    all cores together read from memory."""

    flops: float
    bandwidth: float


def measure_machine(sizes: tuple[int, ...] = (1024, 2048), nbytes: int = BYTES, repeat: int = 5) -> Speeds:
    """The best of a few measurements of each."""
    flops = 0.0
    for n in sizes:
        a = np.ones((n, n), np.float32)
        out = np.empty_like(a)
        flops = max(flops, 2 * n**3 / _fastest(partial(np.matmul, a, a, out), repeat))
    parts = np.array_split(np.ones(nbytes // 4, np.float32), core_count())
    with ThreadPoolExecutor(len(parts)) as threads:
        return Speeds(flops, nbytes / _fastest(lambda: list(threads.map(np.max, parts)), repeat))


def _fastest(work: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
