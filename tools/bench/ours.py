"""minigraph's candidate in a comparison."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.backend.discovery import get_backend
from minigraph.compile.cost import least_work
from minigraph.compile.specialise import specialise
from minigraph.passes import choose
from minigraph.rewrite.pipeline import run_pipeline
from minigraph.tools.bench.machine import Speeds
from minigraph.tools.bench.workloads import Workload
from minigraph.tools.shared.target import load_target
from minigraph.viz.stages import feeds_for, split_fetches


def make(work: Workload, backend: str, precision: str) -> tuple[Callable[[], Any], int]:
    """A function that does the work once, and the number of trainable parameters."""
    target = load_target(work.model, work.batch, not work.trains, image_size=work.size)
    session = target.session(backend=backend, precision=precision)
    fetches, feeds = target.fetches, target.feeds
    with target.graph.as_default():
        count = sum(math.prod(v.type.static) for v in tf.trainable_variables())
    return (lambda: session.run(fetches, feeds)), count


class Work(NamedTuple):
    """A step of a workload. flops: by definition. arithmetic, nbytes: what our plan cannot do without, the FLOPs of its
    own algorithms and the bytes of variables, feeds and results; see `minigraph.compile.cost`."""

    flops: int
    arithmetic: int
    nbytes: int

    def seconds(self, machine: Speeds) -> float:
        """The least time of a step on a machine that computes and reads at the same time."""
        return max(self.arithmetic / machine.flops, self.nbytes / machine.bandwidth)


def work_of(work: Workload) -> Work:
    """Count a workload's work, with the passes of the default backend."""
    target = load_target(work.model, work.batch, not work.trains, image_size=work.size)
    feeds, types = feeds_for(target.fetches, work.batch)
    backend = get_backend("auto")
    before = specialise(*split_fetches(target.fetches), feeds, types)
    after, _ = run_pipeline(before, choose("O3", None, backend.unwanted_passes, backend.pass_settings))
    flops = sum(i.op.flops([v.type for v in i.inputs], i.types) or 0 for i in before.instrs)
    return Work(flops, *least_work(before, after))
