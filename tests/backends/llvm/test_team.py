"""The LLVM backend's threads: results do not depend on them, and sessions and processes share or start them."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from support.llvm import LOOP_PROGRAM, run_program

import minigraph as tf
from minigraph.backends.llvm.team import TEAM


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    assert run_program(LOOP_PROGRAM, OMP_NUM_THREADS="1") == run_program(LOOP_PROGRAM, OMP_NUM_THREADS="2")


def test_sessions_in_several_threads_at_once() -> None:
    values = np.random.RandomState(0).randn(200_000).astype(np.float32)
    found: list[np.ndarray] = []

    def work() -> None:
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, values.shape)
            y = tf.reduce_sum(tf.square(x) + x)
            with tf.Session(backend="llvm") as session:
                found.extend(session.run(y, {x: values}) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert len({f.tobytes() for f in found}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_gets_its_own_threads() -> None:
    program = (
        LOOP_PROGRAM
        + """
import os
with tf.Session(backend="llvm") as session:
    session.run(fetch, {x: values})
    child = os.fork()
    again = session.run(fetch, {x: values})
    assert all((a == b).all() for a, b in zip(again, found))
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    )
    run_program(program)


def test_the_team_has_as_many_threads_as_are_allowed() -> None:
    program = "from minigraph.backends.llvm.team import TEAM; print(TEAM.size)"
    assert run_program(program, OMP_NUM_THREADS="1") == "1"
    assert 1 <= TEAM.size <= (os.cpu_count() or 1)
