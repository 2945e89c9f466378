"""A small team of threads for work that is already cut into pieces, with BLAS at one thread meanwhile.

NumPy releases the interpreter lock inside large operations, so copies, pooling and small products of different pieces
run in parallel. Many small products are also faster this way than each on all of BLAS's own threads, which wait for
each other, above all on a busy machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigraph.backend.base import Launch


class BlasTeam:
    """As many threads as BLAS has (so OPENBLAS_NUM_THREADS and the like apply), made on first use and after a fork."""

    def __init__(self) -> None:
        self._libraries: list[Any] | None = None
        self._size = 1
        self._start_over()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_over)

    def _start_over(self) -> None:
        """Reset to the state of a new process: no threads, and no task running."""
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._inside = 0
        self._before: list[int] = []

    @property
    def size(self) -> int:
        """The number of threads that work at the same time, including the caller's."""
        self._find()
        return self._size

    def _find(self) -> list[Any]:
        if self._libraries is None:
            from threadpoolctl import ThreadpoolController

            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
            self._size = max((library.num_threads for library in self._libraries), default=1)
        return self._libraries

    def run(self, tasks: Sequence[Launch]) -> None:
        """Run the tasks in parallel. The first exception is raised after all tasks have ended."""
        with self._single_blas():
            pool = self._threads()
            others = [pool.submit(_quietly, task) for task in tasks[1:]]
            try:
                tasks[0]()
            finally:
                wait(others)
            for other in others:
                other.result()

    @contextmanager
    def _single_blas(self) -> Iterator[None]:
        """Limit BLAS to one thread until the last concurrent user leaves."""
        libraries = self._find()
        with self._lock:
            if self._inside == 0:
                self._before = [library.num_threads for library in libraries]
                for library in libraries:
                    library.set_num_threads(1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    for library, number in zip(libraries, self._before, strict=True):
                        library.set_num_threads(number)

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max(self._size - 1, 1), thread_name_prefix="minigraph")
        return self._pool


def _quietly(task: Launch) -> None:
    with np.errstate(all="ignore"):
        task()


TEAM = BlasTeam()
