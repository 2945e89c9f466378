"""Python's cycle collector, kept out of the way of the compiler."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_paused: list[int] = []  # the threads whose pause will end with the collector enabled


@contextmanager
def paused() -> Iterator[None]:
    """No collections inside: the compiler makes many small objects that stay, which would be looked through in vain."""
    enabled = gc.isenabled()
    if enabled:
        _paused.append(threading.get_ident())
        gc.disable()
    try:
        yield
    finally:
        if enabled:
            _paused.remove(threading.get_ident())
            gc.enable()


def _resume() -> None:
    """In a child: end the pauses of threads that do not exist there."""
    if _paused and threading.get_ident() not in _paused:
        gc.enable()
    _paused[:] = [thread for thread in _paused if thread == threading.get_ident()]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_resume)
