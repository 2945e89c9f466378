"""Buckets of all-reduces: their members, their memory, and their place in the schedule.

Tests `ir/buckets.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import minigraph as tf
import minigraph.distributed as hvd
from minigraph.compile.specialise import specialise
from minigraph.ir.buckets import AllReduceStart, AllReduceWait
from minigraph.ir.program import Program, Value
from minigraph.ops.collective.world import WORLD
from minigraph.passes.bucket_gradients import BucketGradients, bucket_gradients
from minigraph.rewrite.pipeline import run_pipeline


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world of one rank."""
    monkeypatch.setattr(WORLD, "started", True)


def bucketed(fetches: Sequence[tf.Tensor], max_bytes: int = 1 << 20) -> Program:
    program = specialise(list(fetches), [], [], [])
    return run_pipeline(program, [BucketGradients(max_bytes)])[0]


def sizes(program: Program) -> list[list[int]]:
    """The numbers of elements of the members of each bucket, in the order of their beginning."""
    return [[v.type.size for v in i.inputs] for i in program.instrs if isinstance(i.op, AllReduceStart)]


def vectors(*lengths: int, dtype: Any = tf.float32) -> list[tf.Tensor]:
    return [tf.random_uniform([n], dtype=dtype) for n in lengths]


def test_neighbours_are_joined() -> None:
    assert sizes(bucketed([hvd.allreduce(x) for x in vectors(3, 5, 7)])) == [[3, 5, 7]]


def test_a_bucket_ends_before_it_gets_too_large() -> None:
    fetches = [hvd.allreduce(x) for x in vectors(3, 5, 7, 200, 1)]
    assert sizes(bucketed(fetches, max_bytes=40)) == [[3, 5], [7], [200], [1]]


def test_a_bucket_that_is_half_full_waits_for_no_tensor_that_is_made_later() -> None:
    x = tf.random_uniform([10])
    early, late = tf.stack([x, x]), tf.concat([x, x, x], 0)
    fetches = [hvd.allreduce(t) for t in (late, early, tf.sqrt(late))]  # 120, 80 and 120 bytes
    assert sizes(bucketed(fetches, max_bytes=401)) == [[30, 20, 30]]
    assert sizes(bucketed(fetches, max_bytes=399)) == [[30, 20], [30]]


def test_another_reduction_or_dtype_or_collective_ends_a_bucket() -> None:
    a, b, c, d, e, f = vectors(1, 2, 3, 4, 5, 6)
    fetches = [hvd.allreduce(a), hvd.allreduce(b, op=hvd.Sum), hvd.allreduce(tf.cast(c, tf.float64), op=hvd.Sum)]
    fetches += [hvd.allreduce(d, op=hvd.Sum), hvd.broadcast(e, 0), hvd.allreduce(f, op=hvd.Sum)]
    assert sizes(bucketed(fetches)) == [[1], [2], [3], [4], [6]]


def test_a_tensor_that_depends_on_a_member_is_not_joined_with_it() -> None:
    a, b = vectors(3, 4)
    first = hvd.allreduce(a)
    fetches = [first, hvd.allreduce(b), hvd.allreduce(tf.sqrt(first))]
    assert sizes(bucketed(fetches)) == [[3, 4], [3]]


def test_the_pass_leaves_programs_without_all_reduces_alone() -> None:
    program = specialise(vectors(3), [], [], [])
    assert bucket_gradients.run(program).program is program


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_members_are_made_in_the_bucket_unless_something_else_reads_them(backend: str) -> None:
    x = tf.placeholder(tf.float32, [40, 30])
    y, z = tf.matmul(x, x, transpose_b=True), tf.reduce_sum(x, 0)
    also_read = tf.reduce_max(x, 1)
    fetches = [*(hvd.allreduce(t, op=hvd.Sum) for t in (y, z, also_read)), also_read]
    value = np.random.RandomState(0).uniform(-1, 1, [40, 30]).astype(np.float32)
    with tf.Session(backend=backend) as session, tf.Session(backend=backend, passes=[]) as plain:
        found = session.run(fetches, {x: value})
        for a, b in zip(found, plain.run(fetches, {x: value}), strict=True):
            np.testing.assert_allclose(a, b, 1e-6)
        plan, _ = session.plan_for(fetches, {x: value})
        (start,) = [s.instr for s in plan.steps if isinstance(s.instr.op, AllReduceStart)]
        (wait,) = [s.instr for s in plan.steps if isinstance(s.instr.op, AllReduceWait)]
        bucket, *results = plan.views([*wait.inputs, *(Value(wait, i) for i in range(3))])
        members = plan.views(start.inputs)
    places = [m.ctypes.data - bucket.ctypes.data for m in members]
    assert places[:2] == [0, 6400]
    assert not 0 <= places[2] < bucket.nbytes
    assert [r.ctypes.data - bucket.ctypes.data for r in results] == [0, 6400, 6528]


def test_exchanges_begin_at_once_and_are_waited_for_last() -> None:
    x = tf.placeholder(tf.float32, [8, 8])
    fetches = []
    for _ in range(3):
        x = tf.matmul(x, x)
        fetches.append(hvd.allreduce(x, op=hvd.Sum))
    with tf.Session(passes=[BucketGradients(max_bytes=1)], backend="numpy") as session:
        plan, _ = session.plan_for([*fetches, tf.matmul(x, x)], {"Placeholder:0": np.eye(8)})
    order = [type(s.instr.op).__name__.removeprefix("AllReduce") for s in plan.steps]
    assert order == ["MatMul", "Start", "MatMul", "Start", "MatMul", "Start", "MatMul", "Wait", "Wait", "Wait"]
