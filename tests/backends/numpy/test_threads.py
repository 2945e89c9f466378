"""The NumPy backend's team of threads: tasks, errors, forks, and the threads of BLAS."""

from __future__ import annotations

import os
import threading
import time

import pytest

from minigraph.backends.numpy.threads import ThreadTeam
from minigraph.util.blas import SINGLE_THREADED


def blas_threads() -> list[int]:
    return [library.get() for library in SINGLE_THREADED._find()]


def test_a_team_runs_all_tasks_hands_on_errors_and_restores_blas() -> None:
    team = ThreadTeam(3)
    before = blas_threads()
    done: list[int] = []
    team.run([lambda i=i: done.append(i) for i in range(7)])  # type: ignore[misc]
    assert sorted(done) == list(range(7))

    def fail() -> None:
        raise ZeroDivisionError

    for tasks in ([fail, lambda: done.append(8)], [lambda: done.append(9), fail]):
        with pytest.raises(ZeroDivisionError):
            team.run(tasks)
    assert sorted(done)[7:] == [8, 9]
    assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_team_works_after_a_fork() -> None:
    team = ThreadTeam()
    team.run([lambda: None, lambda: None])
    child = os.fork()
    if child == 0:
        done: list[int] = []
        team.run([lambda i=i: done.append(i) for i in range(3)])  # type: ignore[misc]
        os._exit(0 if sorted(done) == [0, 1, 2] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_teams_in_several_threads_leave_blas_as_it_was() -> None:
    team = ThreadTeam()
    before = blas_threads()
    nap = lambda: time.sleep(0.002)  # noqa: E731
    threads = [threading.Thread(target=lambda: [team.run([nap, nap]) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blas_threads() == before
