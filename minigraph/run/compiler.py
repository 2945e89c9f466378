"""From a request to a plan: specialisation, passes, binding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from minigraph.backend.base import Backend
from minigraph.backend.discovery import get_backend, wants_trials
from minigraph.compile.loop_bodies import with_compiled_loops
from minigraph.compile.misfit import blamed
from minigraph.compile.plan import Plan
from minigraph.compile.resize import CompileRecord, resize
from minigraph.compile.specialise import specialise
from minigraph.core.errors import DTypeError, MinigraphError, ResourceExhaustedError, ShapeError
from minigraph.ir.program import Cell, Program
from minigraph.passes import choose
from minigraph.passes.recompute import Recomputation
from minigraph.rewrite.pipeline import Hook, run_pipeline
from minigraph.run.buffers import Buffers
from minigraph.run.feeds import feed_type
from minigraph.run.options import SessionOptions
from minigraph.run.request import Request
from minigraph.util import gc_pause
from minigraph.util.blas import SINGLE_THREADED

if TYPE_CHECKING:
    from minigraph.compile.tune import Tuner

TRIES = 6  # most plans that are made to keep within a memory limit


class RequestCompiler:
    """Compiles requests as the options of a session ask. Raises ValueError or BackendError for a wrong option."""

    def __init__(self, options: SessionOptions) -> None:
        self.backend: Backend = get_backend(options.backend, options.precision)
        if self.backend.symbolic and (options.debug or options.check_numerics):
            raise ValueError(
                f"debug and check_numerics need numbers; the backend {self.backend.name} computes expressions"
            )
        unwanted = [*options.disable_passes, *self.backend.unwanted_passes]
        settings = dict(self.backend.pass_settings)
        self._limit = options.memory_limit
        if self._limit is not None:
            if isinstance(self._limit, bool) or not isinstance(self._limit, int) or self._limit <= 0:
                raise ValueError(f"memory_limit must be a positive number of bytes, not {self._limit!r}")
            settings["recompute"] = {"save": 0}
        self.passes = choose(options.optimize, options.passes, unwanted, settings)
        self.tuner: Tuner | None = None
        if wants_trials(options.autotune, self.backend):
            from minigraph.compile.tune import Tuner

            self.tuner = Tuner(self.backend, self.passes)
            self.passes = self.tuner.passes
        self._plan_type: type[Plan] = _checked_plan() if options.check_numerics else self.backend.plan_type or Plan
        self._checks = options.check_numerics
        self._debug = options.debug
        self._reorder = options.reorder

    def compile(self, request: Request, arrays: Sequence[np.ndarray], buffers: Buffers) -> Plan:
        """A plan for the shapes of `arrays`, the fed values."""
        types = [feed_type(tensor, array) for tensor, array in zip(request.feeds, arrays, strict=True)]
        with gc_pause.paused(), SINGLE_THREADED:
            graph = specialise(request.tensors, request.targets, request.feeds, types, request.branches)
            first = with_compiled_loops(graph, self.passes)
            hooks = [_numeric_check(first, arrays, buffers.read(request.graph))] if self._debug else []
            backend = self.backend if self.tuner is None else self.tuner.begin()
            record = None if self._debug or self._limit is not None else request.record
            try:
                program, done = (first, ()) if record is None else resize(record, first)
                program, stages = run_pipeline(program, self.passes[len(done) :], hooks)
                if not done:
                    request.record = CompileRecord(first, stages)
                plan = self._plan_type(program, backend, buffers, stages=(*done, *stages), reorder=self._reorder)
                if self._limit is not None and plan.layout.peak > self._limit:
                    plan = self._within(self._limit, plan, first, backend, buffers, hooks)
            except Exception as error:
                if isinstance(error, MinigraphError) and not isinstance(error, ShapeError | DTypeError):
                    raise
                raise blamed(first, error) from error
            plan.original = first
            return plan

    def _within(
        self, limit: int, plan: Plan, first: Program, backend: Backend, buffers: Buffers, hooks: Sequence[Hook]
    ) -> Plan:
        """A plan that recomputes what it must so that its values take at most `limit` bytes.

        Raises ResourceExhaustedError if there is none.
        """
        least, save = plan.layout.peak, 0
        for _ in range(TRIES):
            save = max(save + plan.layout.peak - limit, save * 5 // 4)  # estimates before fusion are rough
            passes = [replace(p, save=save) if isinstance(p, Recomputation) else p for p in self.passes]
            program, stages = run_pipeline(first, passes, hooks)
            plan = self._plan_type(program, backend, buffers, stages=stages, reorder=self._reorder)
            if plan.layout.peak <= limit:
                return plan
            least = min(least, plan.layout.peak)
            if any(s.name == "recompute" and s.missed for s in stages):
                break  # the pass saves what it can, so it would do the same for more
        raise ResourceExhaustedError(
            f"the values of this run take at least {least:,} bytes with recomputation; memory_limit is {limit:,}. "
            "Feed smaller batches or raise the limit."
        )


def _numeric_check(program: Program, arrays: Sequence[np.ndarray], state: Mapping[str, np.ndarray]) -> Hook:
    """The hook that compares each pass's result with the program before it. A variable without a value is zero."""
    from minigraph.inspect.interpret import numeric_check

    cells = [i.op for i in program.instrs if isinstance(i.op, Cell)]
    zeros = {c.name: np.zeros(c.type.static, c.type.dtype.np_dtype) for c in cells if c.name not in state}
    return numeric_check([np.asarray(a) for a in arrays], {**state, **zeros})


def _checked_plan() -> type[Plan]:
    from minigraph.inspect.numerics import CheckedPlan

    return CheckedPlan
