"""The output of `minigraph profile`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

import minigraph as tf
from minigraph.compile.plan import Plan
from minigraph.inspect.profile import Profile
from minigraph.tools.shared.target import Target
from minigraph.util.files import atomic_write
from minigraph.util.object_cache import objects
from minigraph.util.terminal import console
from minigraph.viz.page import page
from minigraph.viz.render import write
from minigraph.viz.stages import AFTER, Traced, trace_profile


class Profiled(NamedTuple):
    """A profile and its plan."""

    profile: Profile
    plan: Plan


def profile(
    target: Target, steps: int, optimize: str, backend: str | None, memory_limit: int | None = None
) -> Profiled:
    """Profile `steps` timed runs of a target."""
    with target.session(**target.options(optimize, backend, memory_limit)) as session:
        feeds = target.feeds
        return Profiled(
            session.profile(target.fetches, feeds, repeat=steps), session.plan_for(target.fetches, feeds)[0]
        )


def warm(target: Target, optimize: str, backend: str | None, memory_limit: int | None = None) -> str:
    """Compile a target's kernels without running them; a line on how many and how long."""
    with tf.Session(graph=target.graph, **target.options(optimize, backend, memory_limit)) as session:
        store = objects("cuda" if session.backend.name == "cupy" else "llvm")
        before, start = len(list(store.entries())), time.perf_counter()
        for fetches, feeds in ((target.initializers, {}), (target.fetches, target.feeds)):
            plan, _ = session.plan_for(fetches, feeds)
            plan.bind()
        new, seconds = len(list(store.entries())) - before, time.perf_counter() - start
    return f"{target.name}: {len(plan.steps)} launches, {new} kernels compiled in {seconds:.1f} s"


def pictures(target: Target, profiled: Profiled) -> Traced:
    """The stages of a profiled target, the last one with times."""
    title = target.name.removesuffix(".py")
    return trace_profile(target.graph, profiled.plan, profiled.profile, title)


def print_profile(found: Profile, top: int, processes: int = 1) -> None:
    """Print the `top` launches by time, the totals, and a line if several processes exchange nothing."""
    out = console()
    out.print(found.table(top))
    hidden = len(found.launches) - top
    if hidden > 0:
        out.print(f"{hidden} more launches; --top shows more of them", highlight=False)
    if processes > 1 and all(launch.begun is None for launch in found.launches):
        out.print(
            f"The {processes} processes exchange nothing: a model does in its training step, if it has a recipe.",
            highlight=False,
        )


def write_trace(path: Path, found: Profile) -> None:
    """Write the trace for Perfetto or chrome://tracing, atomically."""
    with atomic_write(path, "w") as file:
        json.dump(found.to_trace(), file)
        file.write("\n")


def write_page(path: Path, target: Target, found: Profiled) -> None:
    """Write the page of `minigraph viz`, opened at the last stage with the times."""
    write(path, page(pictures(target, found), AFTER))
