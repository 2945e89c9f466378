"""What a plan with collectives does around them, with a world that only writes down what is asked of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf
import minigraph.distributed as hvd
from minigraph.compile.collectives import transfers
from minigraph.ops.collective.world import WORLD
from minigraph.passes.bucket_gradients import BucketGradients


def test_ranks_agree_before_the_first_exchange_and_mpi_works_between_start_and_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    for name in ("propose", "confirm", "start_reduce", "finish_reduce", "progress"):
        monkeypatch.setattr(WORLD, name, lambda *_, name=name: calls.append(name))
    monkeypatch.setattr(WORLD, "started", True)
    monkeypatch.setattr(WORLD, "size", 2)
    x = tf.placeholder(tf.float32, [8, 8])
    y = tf.matmul(x, x)
    z = tf.matmul(y, y)
    fetches = [hvd.allreduce(y, op=hvd.Sum, name="y"), hvd.allreduce(z, op=hvd.Sum, name="z"), tf.matmul(z, z)]
    with tf.Session(passes=[BucketGradients(max_bytes=1)], backend="numpy") as session:
        feeds: dict[Any, Any] = {x: np.eye(8)}
        session.run(fetches, feeds)
        plan, _ = session.plan_for(fetches, feeds)
    first = ["propose", "confirm", "start_reduce", "progress", "progress", "start_reduce", "progress"]
    assert calls == [*first, "progress", "finish_reduce", "progress", "finish_reduce"]
    assert [t.names for t in transfers(plan.steps)] == [("y/AllReduce[8, 8]",), ("z/AllReduce[8, 8]",)]
