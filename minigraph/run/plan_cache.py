"""The cache of a session: requests by the form of a call, and their plans by the shapes of the feeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigraph.backend.base import Backend
from minigraph.compile.plan import Plan
from minigraph.core.graph import Graph
from minigraph.run.request import Request, fetch_key
from minigraph.run.stages import Branches

REQUEST_LIMIT = 512  # requests kept; beyond it, those without a plan are dropped
PLAN_LIMIT = 64  # plans kept; the least recently used one is dropped first

Shapes = tuple[tuple[int, ...], ...]


class PlanCache:
    """Requests on one graph, and their plans.

    backend: takes the fed values. compiled, dropped: counts of plans since the beginning.
    """

    def __init__(self, graph: Graph, backend: Backend) -> None:
        self.graph = graph
        self.backend = backend
        self.requests: dict[Any, Request] = {}
        self.plans: dict[Plan, tuple[Request, Shapes]] = {}
        self.compiled = 0
        self.dropped = 0

    def find(self, fetches: Any, feeds: Mapping[Any, Any], branches: Branches | None = None) -> Request:
        """The request for this form of a call, made if there is none yet.

        branches: the branch that each condition takes; None if they are not decided yet.
        """
        try:
            key = (fetch_key(fetches), tuple(feeds), None if branches is None else tuple(branches.items()))
            request = self.requests.get(key)
        except TypeError:
            key, request = None, None  # no part of a graph is unhashable, so `Request` is about to refuse this
        if request is None:
            if not isinstance(feeds, Mapping):
                raise TypeError(f"feed_dict must map tensors to values, not {feeds!r}")
            if len(self.requests) >= REQUEST_LIMIT:
                self.requests = {k: r for k, r in self.requests.items() if r.plans}
            request = self.requests[key] = Request(self.graph, self.backend, fetches, list(feeds), branches)
        return request

    def add(self, plan: Plan, request: Request, shapes: Shapes, run: int) -> None:
        """Keep a new plan, first used in run number `run`."""
        request.plans[shapes] = plan
        plan.last_run = run
        self.plans[plan] = request, shapes
        self.compiled += 1

    def shrink(self) -> None:
        """Drop the least recently used plan if there are too many."""
        if len(self.plans) <= PLAN_LIMIT:
            return
        request, shapes = self.plans.pop(min(self.plans, key=lambda p: p.last_run))
        del request.plans[shapes]
        if not request.plans:
            request.record = None
        self.dropped += 1

    def clear(self) -> None:
        """Drop all requests and plans."""
        self.requests.clear()
        self.plans.clear()
