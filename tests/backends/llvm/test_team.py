"""The LLVM backend's threads: results do not depend on them, and sessions and processes share or start them."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from support.llvm import LOOP_PROGRAM, run_program

import minigraph as tf
from minigraph.backends.llvm.team import TEAM
from minigraph.util.cores import usable_cores


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


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity") or len(usable_cores()) < 2, reason="needs two CPUs to choose")
def test_a_helper_leaves_the_callers_cpu_and_may_still_use_all() -> None:
    program = (
        LOOP_PROGRAM
        + """
import os, threading, time

def cpu_of(thread):
    with open(f"/proc/self/task/{thread}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[36])

with tf.Session(backend="llvm") as session:
    session.run(fetch, {x: values})
    (helper,) = (t.native_id for t in threading.enumerate() if t.name == "minigraph-llvm")
    allowed = os.sched_getaffinity(0)
    mine = min(allowed)
    time.sleep(0.2)  # until the helper sleeps
    for thread in (0, helper):
        os.sched_setaffinity(thread, {mine})
    os.sched_setaffinity(helper, allowed)
    end = time.monotonic() + 30
    while cpu_of(helper) == mine and time.monotonic() < end:
        session.run(fetch, {x: values})
    assert time.monotonic() < end
    time.sleep(0.2)
    assert os.sched_getaffinity(helper) == allowed
"""
    )
    run_program(program, OMP_NUM_THREADS="2")
