"""The base of sessions: their lifetime, state and plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from minigraph.compile.plan import Plan
from minigraph.core.errors import GraphError
from minigraph.core.graph import Graph
from minigraph.core.types import format_shape
from minigraph.ops.host.resources import Resources
from minigraph.run.contexts import DefaultContexts
from minigraph.run.growth import GrowthWatch
from minigraph.run.options import SessionOptions
from minigraph.run.request import Request
from minigraph.run.runner import Runner
from minigraph.run.stages import first_for_host
from minigraph.util.html import facts, table
from minigraph.util.locks import Lock

if TYPE_CHECKING:
    from minigraph.inspect.profile import Profile

_TORN = (
    "This session was in the middle of a run in another thread when the process forked, so its variables may be half "
    "updated. Make a new session, or fork while no run is in progress."
)

Feeds: TypeAlias = Mapping[Any, Any] | None


class SessionStats(NamedTuple):
    """Counts since the session was made: runs, plans compiled, plans dropped; and plans now kept."""

    runs: int
    compiled: int
    dropped: int
    kept: int


class SessionBase(DefaultContexts):
    """Keeps the state and the plans of a session on one graph."""

    def __init__(self, graph: Graph, options: SessionOptions, resources: Resources | None = None) -> None:
        super().__init__()
        self.graph = graph
        self.options = options
        self._runner = Runner(graph, options)
        self.backend = self._runner.backend
        self.buffers = self._runner.buffers
        self._owns_resources = resources is None
        self.resources = resources or Resources(partial(self._pipeline, graph, options), self.buffers.is_initialised)
        self._growth = GrowthWatch(graph)
        self._lock = Lock(_TORN, polite=True)
        self._closed = False

    @classmethod
    def _pipeline(cls, graph: Graph, options: SessionOptions, resources: Resources) -> Any:
        """A session for the graph's input pipelines. It runs on NumPy: each example is small, and shapes differ."""
        made = cls.__new__(cls)
        SessionBase.__init__(made, graph, replace(options, backend="numpy", precision="float32", lint=False), resources)
        return made

    @property
    def graph_def(self) -> Any:
        """The graph as a `tf.GraphDef`; see `tf.Graph.as_graph_def`."""
        return self.graph.as_graph_def()

    @property
    def stats(self) -> SessionStats:
        """Counts of runs and plans."""
        cache = self._runner.cache
        return SessionStats(self._runner.runs, cache.compiled, cache.dropped, len(cache.plans))

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self.graph)} operations, {len(self._runner.cache.plans)} plans"
        return f"<tf.Session on {self.backend.label}, {state}>"

    def _repr_html_(self) -> str:
        """The form that a notebook shows."""
        with self._lock:
            plans = list(self._runner.cache.plans.items())
            rows = {
                "backend": self.backend.label,
                "passes": self.options.optimize if self.options.passes is None else "chosen by the caller",
                "graph": f"{len(self.graph):,} operations",
                "variables": self.buffers.summary(),
                "runs": f"{self._runner.runs:,}",
            }
        state = facts("Session (closed)" if self._closed else "Session", rows)
        if not plans:
            return state
        described = (
            (
                request.describe(),
                ", ".join(f"{t.name} {format_shape(s)}" for t, s in zip(request.feeds, shapes, strict=True)),
                f"{len(plan.steps):,}",
                f"{plan.peak / 1e6:.3g} MB",
            )
            for plan, (request, shapes) in plans
        )
        return state + table(("plan computes", "is fed", "launches", "memory"), described, (2, 3))

    def read_state(self) -> dict[str, np.ndarray]:
        """Copy the values of all initialised variables, and all random states.

        Returns:
            Arrays by the variable's name, and by `random:<name>` for a random op.
        """
        with self._lock:
            self._check_open()
            return self.buffers.read(self.graph)

    def write_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Set variables and random states. All values are checked before the first one changes.

        Args:
            state: arrays by name, as `read_state` gives them.

        Raises:
            NotFoundError: the graph has no variable or random op of that name.
            ValueError: an array has another shape or dtype than the variable.
        """
        with self._lock:
            self._check_open()
            self.buffers.write(self.graph, state)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")

    def close(self) -> None:
        """Free the session's buffers. A closed session does not run."""
        if self._owns_resources:
            self.resources.close()
        with self._lock:
            self._closed = True
            self._runner.cache.clear()
            self.buffers.clear()

    def plan_for(self, fetches: Any, feed_dict: Feeds = None) -> tuple[Plan, list[np.ndarray]]:
        """The plan that `run` uses for this call, compiled if there is none yet.

        Args:
            fetches: as in `run`.
            feed_dict: as in `run`.

        Returns:
            The plan, and the fed values as arrays.

        Raises:
            GraphError: the run takes several plans, because a condition or a shape depends on values.
        """
        with self._lock:
            self._check_open()
            feeds = feed_dict or {}
            request = self._single_plan_request(fetches, feeds)
            arrays = request.cast_arrays(feeds)
            return self._runner.plan_for(request, arrays), arrays

    def _single_plan_request(self, fetches: Any, feeds: Mapping[Any, Any]) -> Request:
        request = self._runner.cache.find(fetches, feeds)
        if request.staged:
            node = first_for_host(request.tensors, request.targets, request.feeds)
            why = "strings are fed"
            if node is not None:
                why = f"the {node.type} node '{node.name}', made at {node.source.describe()}, is run between plans"
            raise GraphError(f"this run has no single plan: {why}")
        return request

    def profile(self, fetches: Any, feed_dict: Feeds = None, repeat: int = 3) -> Profile:
        """Measure time and memory of each launch of `run(fetches, feed_dict)`, after one run to warm up.

        Variables and random states are afterwards as they were before.

        Args:
            fetches: as in `run`.
            feed_dict: as in `run`.
            repeat: `int`, the number of runs.

        Returns:
            A `Profile` with the medians over the runs.
        """
        from minigraph.compile.cost import flops
        from minigraph.inspect.profile import profile_plan

        with self._lock:
            plan, arrays = self.plan_for(fetches, feed_dict)
            self.buffers.require(plan.needs)
            self.buffers.drop_arena()  # so that its pages are counted when the plan touches them
            with np.errstate(all="ignore"):
                return profile_plan(plan, arrays, repeat, flops)
