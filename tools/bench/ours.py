"""minigraph's candidate in a comparison."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.tools.bench.workloads import Workload
from minigraph.tools.shared.target import load_target


def make(work: Workload, backend: str, precision: str) -> tuple[Callable[[], Any], int]:
    """A function that does the work once, and the number of trainable parameters."""
    target = load_target(work.model, work.batch, not work.trains, image_size=work.size)
    session = target.session(backend=backend, precision=precision)
    fetches, feeds = target.fetches, target.feeds
    with target.graph.as_default():
        count = sum(math.prod(v.type.static) for v in tf.trainable_variables())
    return (lambda: session.run(fetches, feeds)), count


def flops(work: Workload) -> int:
    """FLOPs of the workload by definition, without passes; see `minigraph.compile.cost`."""
    from minigraph.viz.stages import trace

    target = load_target(work.model, work.batch, not work.trains, image_size=work.size)
    return trace(target.graph, target.fetches, batch_size=work.batch, optimize="O0").pictures[0].flops
