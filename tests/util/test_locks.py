"""Locks across forks: a fork waits for them, and a child finds them free, or is told that they are torn."""

from __future__ import annotations

import ast
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.paths import ROOT

from minigraph.util import locks
from minigraph.util.locks import Lock, TornError

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def code_of_child(work: Callable[[], bool]) -> int:
    """Fork; the child's exit code: 0 if `work` is true, 1 if not, 2 after an error, 3 after ten seconds."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            watch = threading.Timer(10, os._exit, [3])
            watch.daemon = True
            watch.start()
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def held(lock: Lock, until: threading.Event) -> threading.Thread:
    """A thread that holds the lock until the event."""
    has = threading.Event()

    def hold() -> None:
        with lock:
            has.set()
            until.wait(20)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    has.wait(20)
    return thread


def test_a_lock_is_reentrant_and_excludes_other_threads() -> None:
    lock, until = Lock(), threading.Event()
    with lock, lock:
        assert lock.is_mine()
    assert not lock.is_mine()
    thread = held(lock, until)
    assert not lock.acquire(0.01)
    until.set()
    thread.join()
    assert lock.acquire(0)
    lock.release()


@needs_fork
def test_a_fork_waits_until_what_a_lock_guards_is_whole() -> None:
    lock, until = Lock("torn"), threading.Event()
    state = ["half"]

    def finish() -> None:
        state[:] = ["whole"]
        until.set()

    thread = held(lock, until)
    threading.Timer(0.3, finish).start()

    def look() -> bool:
        with lock:
            return state == ["whole"]

    assert code_of_child(look) == 0
    thread.join()


@needs_fork
def test_a_thread_that_takes_a_lock_without_a_pause_lets_forks_pass() -> None:
    lock, other = Lock("torn", polite=True), Lock()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            with lock, other:
                sum(range(1000))

    def look() -> bool:
        with other, lock:
            return True

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert [code_of_child(look) for _ in range(10)] == [0] * 10
    finally:
        stop.set()
    for thread in threads:
        thread.join()


@needs_fork
@pytest.mark.parametrize("torn", ["the reason", None])
def test_a_fork_does_not_wait_for_ever(torn: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.1)
    lock, until = Lock(torn), threading.Event()
    thread = held(lock, until)

    def look() -> bool:
        try:
            with lock:
                return torn is None
        except TornError as error:
            return str(error) == torn

    assert code_of_child(look) == 0
    until.set()
    thread.join()
    with lock:  # in the parent nothing is torn
        pass


@needs_fork
def test_a_thread_that_forks_keeps_the_locks_it_holds() -> None:
    lock = Lock("torn")
    with lock:

        def look() -> bool:
            return lock.is_mine()

        assert code_of_child(look) == 0
        assert lock.is_mine()
    assert not lock.is_mine()


@needs_fork
def test_several_threads_fork_at_once() -> None:
    lock = Lock("torn", polite=True)
    codes: list[int] = []

    def look() -> bool:
        with lock:
            return True

    threads = [threading.Thread(target=lambda: codes.append(code_of_child(look))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 6
    with lock:
        pass


@needs_fork
def test_a_fork_waits_for_a_thread_that_needs_pythons_own_fork_locks() -> None:
    """The interpreter's executors and loggers take locks for a fork as well; a run may need these."""
    lock = Lock("torn", polite=True)
    stop = threading.Event()
    pool = ThreadPoolExecutor(1)

    def work() -> None:
        while not stop.is_set():
            with lock:
                pool.submit(sum, range(1000)).result()

    def look() -> bool:
        with lock:
            return True

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        assert [code_of_child(look) for _ in range(5)] == [0] * 5
    finally:
        stop.set()
    thread.join()
    pool.shutdown()


def test_the_package_has_no_other_locks() -> None:
    """A plain lock, or the one in Python 3.11's `cached_property`, stays taken in a child that is forked meanwhile."""
    plain = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "cached_property"}
    found = []
    for folder in ("minigraph", "backends", "models", "tools"):
        for path in sorted(Path(ROOT, folder).rglob("*.py")):
            if path.resolve() != path or path.name == "locks.py":
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module in ("threading", "functools", "multiprocessing"):
                    found += [f"{path.name}: {name.name}" for name in node.names if name.name in plain]
                if isinstance(node, ast.Attribute) and node.attr in plain and isinstance(node.value, ast.Name):
                    found.append(f"{path.name}: {node.value.id}.{node.attr}")
    assert found == []
