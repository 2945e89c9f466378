"""Python's cycle collector rests inside `paused`, and is afterwards what it was before."""

from __future__ import annotations

import contextlib
import gc
import os
import threading

import pytest

from minigraph.util.gc_pause import paused


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_comes_back(enabled: bool) -> None:
    if not enabled:
        gc.disable()
    try:
        with contextlib.suppress(KeyError), paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_pause_of_another_thread_ends_in_a_child() -> None:
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with paused():
            inside.set()
            leave.wait(20)

    other = threading.Thread(target=work, daemon=True)
    other.start()
    inside.wait(20)
    child = os.fork()
    if child == 0:
        os._exit(0 if gc.isenabled() else 1)
    leave.set()
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert gc.isenabled()
