"""Runs of a session, one plan each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.compile.plan import Plan
from minigraph.core.graph import Graph
from minigraph.inspect.lint import Lints, ObservedRun
from minigraph.inspect.trace import RunOptions
from minigraph.run.buffers import Buffers
from minigraph.run.compiler import RequestCompiler
from minigraph.run.loop_steps import LoopSteps
from minigraph.run.options import SessionOptions
from minigraph.run.plan_cache import PlanCache
from minigraph.run.request import Request


class Runner:
    """Runs requests on one graph: finds or compiles the plan of each, and keeps the buffers of variables."""

    def __init__(self, graph: Graph, options: SessionOptions) -> None:
        self.compiler = RequestCompiler(options)
        self.backend = self.compiler.backend
        self.cache = PlanCache(graph, self.backend)
        self.buffers = Buffers(self.backend)
        self.loop_steps = LoopSteps(self.backend, self.compiler.passes)
        self.runs = 0
        self._may_lint = options.lint
        self._lints: Lints | None = None  # made with the first plan, when the graph is whole
        self._watches = False

    def run(
        self,
        request: Request,
        feeds: Mapping[Any, Any],
        options: RunOptions | None = None,
        metadata: Any = None,
        as_device: bool = False,
    ) -> list[Any]:
        """The values of the request's tensors. metadata: a `RunMetadata` message to fill if `options` ask for it."""
        arrays = request.arrays(feeds)
        plan = request.plans.get(tuple([a.shape for a in arrays])) or self._compile(request, arrays)
        if not plan.ready:
            self.buffers.require(plan.needs)
        plan.last_run = self.runs
        if plan.sets:
            self.buffers.version += 1  # before the run, which may fail halfway
        with np.errstate(all="ignore"):
            traced = metadata is not None and options is not None and options.trace_level != RunOptions.NO_TRACE
            values = self._trace(plan, arrays, metadata, as_device) if traced else plan.run(arrays, as_device)
        if not plan.ready:
            self.buffers.mark_initialised(plan.sets)
            plan.ready = True
        self.runs += 1
        if self._watches and self._lints is not None:
            self._watches = self._lints.after_run(_observed(request, arrays))
        return values

    def run_steps(self, request: Request, steps: int) -> list[Any]:
        """Run the plan of a request without feeds `steps` times; the values of the last run."""
        plan = self.plan_for(request, [])
        self.buffers.version += bool(plan.sets)
        with np.errstate(all="ignore"):
            values = plan.run_steps(steps)
        self.runs += steps
        return values

    def plan_for(self, request: Request, arrays: Sequence[np.ndarray]) -> Plan:
        """The request's plan for fed arrays of these shapes, compiled if there is none yet."""
        return request.plans.get(tuple([a.shape for a in arrays])) or self._compile(request, arrays)

    def _compile(self, request: Request, arrays: Sequence[np.ndarray]) -> Plan:
        plan = self.compiler.compile(request, arrays, self.buffers)
        self.cache.add(plan, request, tuple([a.shape for a in arrays]), self.runs)
        self.buffers.plans.add(plan)
        if self._may_lint:
            if self._lints is None:
                self._lints, self._watches = Lints(self.cache.graph), True
            self._lints.at_compile(_observed(request, arrays))
        self.cache.shrink()
        return plan

    def _trace(self, plan: Plan, arrays: Sequence[np.ndarray], metadata: Any, as_device: bool) -> list[np.ndarray]:
        from minigraph.compile.cost import flops
        from minigraph.inspect.profile import trace_plan
        from minigraph.inspect.trace import fill_run_metadata

        values, profile = trace_plan(plan, arrays, flops, as_device)
        label = self.backend.label
        fill_run_metadata(metadata, profile, f"/device:{label}" if ":" in label else f"/device:{label}:0")
        return values


def _observed(request: Request, arrays: Sequence[np.ndarray]) -> ObservedRun:
    on_host = zip(request.feeds, arrays, strict=True)
    feeds = {t: a for t, a in on_host if isinstance(a, np.ndarray)}  # to look at others would take copies
    return ObservedRun(request, (*request.tensors, *request.targets), request.fetched, feeds, request.branches)
