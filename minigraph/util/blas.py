"""BLAS on one thread, so that a product's last bits do not depend on the number of threads that BLAS takes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple

from minigraph.util.locks import Lock


class _Library(NamedTuple):
    """A BLAS library.

    own: whether each thread has a number of its own, which is so where the library has its threads from OpenMP.
    """

    get: Callable[[], int]
    set: Callable[[int], Any]
    own: bool


def _library(controller: Any) -> _Library:
    if controller.internal_api == "openblas" and controller.threading_layer != "openmp":
        # Not by the controller: since threadpoolctl 3.7 it obeys only the thread that calls it first.
        for affixes in (("", ""), ("", "64_"), ("scipy_", ""), ("scipy_", "64_"), ("", "_64"), ("scipy_", "_64")):
            names = [f"{affixes[0]}openblas_{what}_num_threads{affixes[1]}" for what in ("get", "set")]
            if all(hasattr(controller.dynlib, name) for name in names):
                get, set_ = (getattr(controller.dynlib, name) for name in names)
                return _Library(get, set_, False)
    own = getattr(controller, "threading_layer", "") == "openmp"
    return _Library(lambda: controller.num_threads, controller.set_num_threads, own)


class _OfThread(threading.local):
    """For each use by the calling thread, the numbers of the libraries that have one for each thread."""

    def __init__(self) -> None:
        self.before: list[list[int]] = []


class _SingleThreaded:
    """Limits the BLAS libraries of this process to one thread, until the last concurrent user leaves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._libraries: list[_Library] | None = None
        self._own: list[_Library] = []
        self._threads = 1
        self._users: list[int] = []  # the threads inside
        self._before: list[int] = []
        self._of_thread = _OfThread()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_others)

    @property
    def threads(self) -> int:
        """The number of threads that BLAS would take, at the first use."""
        with self._lock:
            self._find()
            return self._threads

    def _find(self) -> list[_Library]:
        if self._libraries is None:
            from threadpoolctl import ThreadpoolController

            found = [_library(c) for c in ThreadpoolController().select(user_api="blas").lib_controllers]
            self._threads = max((library.get() for library in found), default=1)
            self._libraries = [library for library in found if not library.own]
            self._own = [library for library in found if library.own]
        return self._libraries

    def __enter__(self) -> None:
        with self._lock:
            libraries = self._find()
            if not self._users:
                self._before = [library.get() for library in libraries]
                for library in libraries:
                    library.set(1)
            self._users.append(threading.get_ident())
        if self._own:
            self._of_thread.before.append([library.get() for library in self._own])
            self.limit_thread()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._users.remove(threading.get_ident())
            self._restore()
        if self._own:
            for library, number in zip(self._own, self._of_thread.before.pop(), strict=True):
                library.set(number)

    def limit_thread(self) -> None:
        """Limit the libraries that have a number for each thread, for the calling thread."""
        for library in self._own:
            library.set(1)

    def _restore(self) -> None:
        if not self._users:
            for library, number in zip(self._libraries or (), self._before, strict=False):
                library.set(number)

    def _forget_others(self) -> None:
        """In a child: the other threads do not exist, so they never leave."""
        mine = [user for user in self._users if user == threading.get_ident()]
        if mine != self._users:
            self._users = mine
            self._restore()


SINGLE_THREADED = _SingleThreaded()
