"""Ranks that differ, fail, end or do not come: all end within seconds, with one message."""

from __future__ import annotations

import sys
import time

import pytest
from support.ranks import PRELUDE, Ended, mpiexec

FAILURES = {
    "another order": (
        """
x = tf.constant([1.0])
names = ["first", "second"] if rank == 0 else ["second", "first"]
tf.Session().run([hvd.allreduce(x, name=name) for name in names])
""",
        "number 1 is AllReduce 'first/AllReduce[1]' and 1 more (average of float32, made at",
        True,
    ),
    "an exception": (
        """
if rank == 1:
    raise ValueError("no such file")
tf.Session().run(hvd.allreduce([1.0]))
""",
        "rank 1: Traceback (most recent call last):",
        True,
    ),
    "another shape": (
        "tf.Session().run(hvd.allreduce(tf.zeros([rank + 20]), name='y'))",
        "AllReduce 'y/AllReduce[20]' (average of float32, made at <string>:7, in <module>) on rank 0, AllReduce 'y/All",
        False,
    ),
    "another number of steps": (
        """
y, session = hvd.allreduce([1.0]), tf.Session()
for _ in range(3 - rank):
    session.run(y)
""",
        "rank 1 has ended its program before rank 0",
        False,
    ),
    "another program": (
        """
if rank == 0:
    hvd.broadcast_object(1)
else:
    tf.Session().run(hvd.allreduce([1.0]))
""",
        "number 1 is broadcast_object (from rank 0 of object) on rank 0, AllReduce",
        False,
    ),
    "a rank that does not come": (
        """
import time
from minigraph.ops.collective.world import WORLD
WORLD.limit = 2
if rank == 1:
    time.sleep(100)
tf.Session().run(hvd.allreduce([1.0], name="late"))
""",
        "rank 0 has waited 2 s for the other ranks in AllReduce 'late/AllReduce[1]'",
        False,
    ),
    "a killed rank": (
        """
import os
if rank == 1:
    os.kill(os.getpid(), 9)
tf.Session().run(hvd.allreduce([1.0]))
""",
        "signal 9",
        False,
    ),
    "a rank that joins beside a broadcast": (
        """
if rank == 1:
    hvd.join()
tf.Session().run(hvd.broadcast([1.0], 0))
""",
        "takes part in all-reduces only, not in Broadcast",
        False,
    ),
}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        pytest.param(program, message, id=name, marks=[] if quick else pytest.mark.slow)
        for name, (program, message, quick) in FAILURES.items()
    ],
)
def test_all_ranks_end_with_one_message(program: str, message: str) -> None:
    done = ended(program)
    assert done.code != 0
    assert message in done.err
    assert done.err.count("Traceback") <= 2, done.err  # of one rank, with the cause


def ended(program: str) -> Ended:
    started = time.monotonic()
    done = mpiexec(2, [sys.executable, "-c", PRELUDE + program], limit=60)
    assert time.monotonic() - started < 30
    return done
