"""A team of threads for work that is cut into pieces by its shapes, so that results do not depend on the team's size.

NumPy releases the interpreter lock inside large operations, so copies, pooling and products of different pieces run in
parallel. BLAS has one thread meanwhile (`minigraph.util.blas`): many small products are also faster this way than each
on all of BLAS's own threads, which wait for each other, above all on a busy machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from minigraph.backend.base import Launch
from minigraph.util.blas import SINGLE_THREADED
from minigraph.util.cores import core_count


class ThreadTeam:
    """As many threads as BLAS has (so OPENBLAS_NUM_THREADS and the like apply), but no more than the process has cores.
    They are made on first use and after a fork.

    fixed_size: the number of threads that work at the same time, including the caller's, if it is not BLAS's.
    """

    def __init__(self, size: int | None = None) -> None:
        self.fixed_size = size
        self._start_over()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_over)

    def _start_over(self) -> None:
        """Reset to the state of a new process, which has no threads."""
        self._pool: ThreadPoolExecutor | None = None

    @property
    def size(self) -> int:
        return min(SINGLE_THREADED.threads, core_count()) if self.fixed_size is None else self.fixed_size

    def run(self, tasks: Sequence[Launch]) -> None:
        """Run the tasks in parallel. The first exception is raised after all tasks have ended."""
        with SINGLE_THREADED:
            pool = self._threads()
            others = [pool.submit(_quietly, task) for task in tasks[1:]]
            try:
                tasks[0]()
            finally:
                wait(others)
            for other in others:
                other.result()

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max(self.size - 1, 1), "minigraph", SINGLE_THREADED.limit_thread)
        return self._pool


def _quietly(task: Launch) -> None:
    with np.errstate(all="ignore"):
        task()


TEAM = ThreadTeam()
