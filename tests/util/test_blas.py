"""BLAS has one thread inside `SINGLE_THREADED`, and afterwards as many as before."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from support.paths import ROOT

from minigraph.util.blas import SINGLE_THREADED, _Library, _SingleThreaded


def threads() -> list[int]:
    return [library.get() for library in SINGLE_THREADED._find()]


def test_blas_has_one_thread_inside() -> None:
    before = threads()
    with SINGLE_THREADED:
        with SINGLE_THREADED:
            assert set(threads()) <= {1}
        assert set(threads()) <= {1}
    assert threads() == before
    assert SINGLE_THREADED.threads >= 1


def test_the_last_of_several_threads_restores_it() -> None:
    before = threads()
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with SINGLE_THREADED:
            inside.set()
            leave.wait(20)

    other = threading.Thread(target=work, daemon=True)
    other.start()
    inside.wait(20)
    with SINGLE_THREADED:
        pass
    assert set(threads()) <= {1}
    leave.set()
    other.join()
    assert threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_has_the_threads_that_another_thread_of_the_parent_took() -> None:
    before = threads()
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with SINGLE_THREADED:
            inside.set()
            leave.wait(20)

    other = threading.Thread(target=work, daemon=True)
    other.start()
    inside.wait(20)
    child = os.fork()
    if child == 0:
        os._exit(0 if threads() == before else 1)
    leave.set()
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_second_thread_limits_blas_as_well() -> None:
    """Some versions of threadpoolctl obey only the thread that calls them first."""
    with SINGLE_THREADED:
        pass
    found: list[int] = []

    def work() -> None:
        with SINGLE_THREADED:
            found.extend(threads())

    other = threading.Thread(target=work, daemon=True)
    other.start()
    other.join()
    assert set(found) <= {1}


def test_libraries_with_a_number_for_each_thread_are_limited_in_each(monkeypatch: pytest.MonkeyPatch) -> None:
    local = threading.local()

    def get() -> int:
        return getattr(local, "number", 4)

    single = _SingleThreaded()
    monkeypatch.setattr(single, "_libraries", [])
    monkeypatch.setattr(single, "_own", [_Library(get, lambda number: setattr(local, "number", number), True)])
    inside, leave = threading.Event(), threading.Event()
    seen: list[int] = []

    def work() -> None:
        with single:
            inside.set()
            leave.wait(10)
            seen.append(get())
        seen.append(get())

    other = threading.Thread(target=work, daemon=True)
    other.start()
    inside.wait(10)
    with single:
        assert get() == 1
        with single:
            leave.set()
            other.join()
            assert get() == 1
    assert get() == 4
    assert seen == [1, 4]


def test_references_run_on_one_thread() -> None:
    """`Op.reference` limits BLAS; only ops, whose samples are small and whose shapes are integers, call `forward`."""
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("minigraph", "backends", "models", "tools")
        for path in sorted(Path(ROOT, folder).rglob("*.py"))
        if path.resolve() == path and ".forward(np" in path.read_text("utf-8")
    ]
    assert [path for path in found if not path.startswith("minigraph/ops/")] == ["minigraph/core/op.py"]
