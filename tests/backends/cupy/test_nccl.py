"""Collectives by NCCL on the strict stand-in, where the second rank has known numbers, against NumPy on both.

Tests `backends/cupy/collective.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER
from gpu.strict.installed import install
from gpu.strict.machine import Machine

import minigraph as tf
import minigraph.distributed as hvd
from minigraph.backends.cupy import nccl
from minigraph.backends.cupy.capture import CupyPlan
from minigraph.core.errors import BackendError
from minigraph.ops.collective.transfer import Agreement, Transfer
from minigraph.ops.collective.world import WORLD
from minigraph.passes.bucket_gradients import BucketGradients

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

X = np.random.RandomState(0).uniform(-1, 1, [4, 4]).astype(np.float32)


def theirs(value: Any) -> Any:
    """The second rank's part of an exchange: it has twice our numbers, less one, and the complements of our bytes."""
    match value:
        case bytes(unique), int(rank), size, device:
            return unique, 1 - rank, size, 1 - device
        case call, array if call[0] == "broadcast":  # bytes
            return call, ~array
        case call, array if call[2] == 9:  # bfloat16
            return call, array
        case call, array:
            return call, (2 * array - 1).astype(array.dtype)


@pytest.fixture(params=[None, 0, 1], ids=lambda seed: "late" if seed is None else f"seed{seed}")
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine whose NCCL meets a second rank. `agreed` lists what the ranks agreed on."""
    made: Any = Machine(devices=2, seed=request.param)
    ranks: Callable[[Any], list[Any]] = lambda value: [value, theirs(value)]  # noqa: E731
    install(monkeypatch, made, ranks)
    made.nccl = nccl.load("nccl")
    made.agreed = []
    for name, value in (("started", True), ("size", 2), ("agree", made.agreed.append), ("share", lambda value: value)):
        monkeypatch.setattr(WORLD, name, value)
    yield made
    assert made.violations == []


def test_exchanges_run_beside_the_captured_step_on_a_stream_of_their_own(machine: Any) -> None:
    x = tf.placeholder(tf.float32, [4, 4])
    total = tf.Variable(tf.zeros([4, 4]))
    y = tf.matmul(x, x)
    z = tf.matmul(y, y)
    sums = [hvd.allreduce(v, op=hvd.Sum, name=n) for v, n in ((y, "y"), (z, "z"))]
    add = total.assign_add(sums[0] + sums[1] * 2.0 + tf.matmul(z, z))
    square, fourth = X @ X, np.linalg.matrix_power(X, 4)
    step = 3 * square - 1 + 2 * (3 * fourth - 1) + fourth @ fourth
    with tf.Session(backend="cupy", passes=[BucketGradients(max_bytes=1)]) as session:
        session.run(total.initializer)
        machine.agreed.clear()
        for _ in range(4):  # launches, the capture, the graph
            session.run(add.op, {x: X})
        np.testing.assert_allclose(session.run(total), 4 * step, 1e-4, 1e-4)
        plan, _ = session.plan_for(add.op, {x: X})
    assert plan.missed is None  # type: ignore[attr-defined]
    assert machine.counts["captured"] == 1
    assert machine.nccl.calls == [("all-reduce", 16, 7, 0)] * 8
    assert [[t.names for t in each.transfers] for each in machine.agreed] == [
        [("y/AllReduce[4, 4]",), ("z/AllReduce[4, 4]",)]
    ] * 4
    assert {t.carrier for each in machine.agreed for t in each.transfers} == {"NCCL"}
    assert len(machine.nccl.streams) == 1
    assert machine.nccl.streams.isdisjoint({session.backend.device._stream.ptr})  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("error")
def test_a_plan_whose_exchange_is_under_way_during_a_host_call_is_not_captured(machine: Any) -> None:
    x = tf.placeholder(tf.float32, [4, 4])
    y = tf.matmul(x, x)
    mine = tf.linalg.cholesky(tf.matmul(y, y, transpose_b=True) + 4.0 * tf.eye(4))
    found = [hvd.allreduce(y, op=hvd.Sum), mine]
    with tf.Session(backend="cupy", passes=[BucketGradients(max_bytes=1)]) as session:
        for _ in range(3):
            total, _ = session.run(found, {x: X})
            np.testing.assert_allclose(total, 3 * (X @ X) - 1, 1e-4, 1e-4)
        plan: Any = session.plan_for(found, {x: X})[0]
    assert plan.missed == "a host call comes while gradients are exchanged"
    assert machine.counts["captured"] == 0


def test_all_collectives(machine: Any) -> None:
    checks: list[tuple[Any, Any]] = []
    for dtype in (np.float32, np.float64, np.float16, np.int32, np.int64, np.uint8):
        mine = np.array([[1, 5, 3], [2, 4, 6]], dtype)
        other = (2 * mine - 1).astype(dtype)
        value, inverse = tf.constant(mine), (~mine.view(np.uint8)).view(dtype)
        checks += [(hvd.allreduce(value, op=hvd.Max), np.maximum(mine, other))]
        checks += [(hvd.allreduce(value, op=hvd.Min), np.minimum(mine, other)), (hvd.broadcast(value, 1), inverse)]
        if dtype is not np.uint8:
            checks.append((hvd.allreduce(value, op=hvd.Sum), mine + other))
    x = tf.constant([1.0, 2.0])
    checks += [(hvd.allreduce(x), [1.0, 2.5]), (hvd.allreduce(x, compression=hvd.Compression.bf16), [1.0, 2.0])]
    checks += [(hvd.allreduce(tf.zeros([0]), op=hvd.Sum), []), (hvd.broadcast(x, 0), [1.0, 2.0])]
    for root, expected in ((0, [5.0, 5.0]), (1, [0.0, 0.0])):  # three times the gradient, which is 2, less one
        checks.append((tf.gradients(2.0 * hvd.broadcast(x, root), x)[0], expected))
    with tf.Session(backend="cupy") as session:
        for _ in range(2):
            for (_, expected), found in zip(checks, session.run([t for t, _ in checks]), strict=True):
                np.testing.assert_array_equal(found, np.asarray(expected, found.dtype))


def test_a_rank_that_has_joined_takes_part_with_neutral_elements(machine: Any) -> None:
    with tf.Session(backend="cupy") as session:
        session.run(hvd.allreduce([1.0]))
    WORLD._take_part(Transfer("AllReduce", ("y",), "min", "int32", 3, "NCCL"))
    assert machine.nccl.calls[1:] == [("all-reduce", 3, 2, 3)]


def test_without_nccl_the_error_names_the_package(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hvd.nccl_built() == 22304
    install(monkeypatch, machine)
    assert hvd.nccl_built() == 0
    y = hvd.allreduce([1.0], name="y")
    with tf.Session(backend="cupy") as session, pytest.raises(BackendError, match="pip install nvidia-nccl-cu13"):
        session.run(y)


def test_two_ranks_on_one_gpu_are_refused(machine: Any) -> None:
    machine.nccl.gather = lambda value: [value, (*theirs(value)[:3], value[3])]
    with tf.Session(backend="cupy") as session, pytest.raises(BackendError, match="needs a GPU of its own"):
        session.run(hvd.allreduce([1.0]))


def test_ranks_agree_after_all_that_can_fail_on_one_of_them(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for owner, name in ((CupyPlan, "_compile"), (CupyPlan, "_snapshot"), (WORLD, "agree")):
        plain = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, p=plain, n=name: [order.append(n), p(*args)][1])
    with tf.Session(backend="cupy") as session:
        session.run(hvd.allreduce([1.0]))
    assert order == ["_compile", "_snapshot", "agree"]


def test_ranks_on_other_carriers_differ() -> None:
    by = [Agreement([Transfer("AllReduce", ("y",), "sum", "float32", 3, name)]) for name in ("MPI", "NCCL")]
    assert by[0].digest != by[1].digest
    assert str(by[1].transfers[0]) == "AllReduce 'y' (sum of float32 by NCCL)"
