"""Sessions: they compile what is asked for, run it, and keep the variables."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigraph.backend.base import Backend
from minigraph.backend.discovery import get_backend, wants_trials
from minigraph.compile.plan import Plan
from minigraph.compile.resize import CompileRecord, resize
from minigraph.compile.specialise import specialise
from minigraph.core import scopes
from minigraph.core.dtypes import string
from minigraph.core.errors import FailedPreconditionError, GraphError, OpError
from minigraph.core.graph import Graph, Node, Tensor, get_default_graph
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.inspect.lint import Lints, ObservedRun
from minigraph.ir.program import Cell, Program
from minigraph.rewrite.pipeline import Hook, Pass, run_pipeline
from minigraph.run.buffers import Buffers
from minigraph.run.request import Request, as_feed, fed_arrays, feed_error, fetch_key
from minigraph.run.stages import run_in_stages
from minigraph.util import gc_pause as collector

if TYPE_CHECKING:
    from minigraph.compile.tune import Tuner
    from minigraph.core.graph_def import GraphDef
    from minigraph.inspect.profile import Profile

__all__ = ["GraphGrowsWarning", "InteractiveSession", "Session", "get_default_session"]

REQUEST_LIMIT = 512  # forms of call remembered; those without a plan go when there are more
PLAN_LIMIT = 64  # plans kept; the least recently used goes first
GROWTH_LIMIT = 5  # runs in which one line may add nodes before the warning


class GraphGrowsWarning(UserWarning):
    """The graph gets new nodes between runs, from the same line each time: a loop builds what it should run."""


class SessionStats(NamedTuple):
    """Counts since the session was made: runs, plans compiled, plans dropped; and plans now kept."""

    runs: int
    compiled: int
    dropped: int
    kept: int


class Session:
    """Runs a graph on a backend.

    target and config are TensorFlow 1's and have no effect. graph: the default graph at the time of the call.
    backend: a name from `minigraph.backend_names()`; by default the one MINIGRAPH_BACKEND names, else numpy.
    optimize: which passes rewrite a program before it runs, O0 (none) to O3. `passes` (names or passes) takes their
    place; `disable_passes` names some to leave out. debug: run each program before and after each pass, by the ops'
    references, and raise VerificationError where they differ. check_numerics: check after each op for NaN and
    infinity, and raise InvalidArgumentError that names the first op that made one; the variables then are as before
    the run. reorder: let operations run in another order than that of making where that needs less memory; results and
    the order of effects stay. lint: warn of programs that run but are probably wrong (see `minigraph.inspect.lint`).
    precision: to what convolutions and matrix products may round float32 operands: "tf32" and "bfloat16" (on cupy only)
    are quicker. What is stored, sums among it, stays float32. autotune: where there are several ways to compute
    something, time them when a plan is made, take the fastest, and remember it on disk (see docs/llvm.md); by default
    where MINIGRAPH_AUTOTUNE is 1. Else estimates decide, which are the same everywhere.
    """

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Any = None,
        backend: str | None = None,
        *,
        optimize: str = "O3",
        passes: Iterable[str | Pass] | None = None,
        disable_passes: Iterable[str] = (),
        debug: bool = False,
        check_numerics: bool = False,
        reorder: bool = True,
        lint: bool = True,
        precision: str = "float32",
        autotune: bool | None = None,
    ) -> None:
        from minigraph.passes import choose  # needed by sessions only; `import minigraph` is to stay quick

        self.backend: Backend = get_backend(backend, precision)
        self.symbolic: bool = self.backend.symbolic
        if self.symbolic and (debug or check_numerics):
            raise ValueError(f"debug and check_numerics look at numbers, and the backend {self.backend.name} has none")
        self._plan_type: type[Plan] = _checked_plan() if check_numerics else self.backend.plan_type or Plan
        unwanted = [*disable_passes, *self.backend.unwanted_passes]
        self._passes = choose(optimize, passes, unwanted, self.backend.pass_settings)
        self._tuner: Tuner | None = None
        if wants_trials(autotune, self.backend):
            from minigraph.compile.tune import Tuner

            self._tuner = Tuner(self.backend, self._passes)
            self._passes = self._tuner.passes
        self._debug = debug
        self._reorder = reorder
        self._may_lint = lint
        self._lints: Lints | None = None
        self._watches = False
        self.graph = graph if graph is not None else get_default_graph()
        self._lock = threading.RLock()
        self._requests: dict[Any, Request] = {}
        self._plans: dict[Plan, tuple[Request, Any]] = {}  # with the request and the shapes it is for
        self.buffers = Buffers(self.backend, self._plans)
        self._closed = False
        self._runs = self._compiled = self._dropped = 0
        self._nodes_seen = len(self.graph.nodes)
        self._growth: dict[Source, int] = {}
        self._contexts: list[Any] = []

    # running

    @property
    def graph_def(self) -> GraphDef:
        """The graph's nodes as plain records."""
        return self.graph.as_graph_def()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Compute `fetches`: a tensor, operation, variable or name, or a nest of lists, tuples and dicts of them.

        `feed_dict` maps tensors (any, not only placeholders) to values. Operations give None. All reads of a
        variable see its value before the run's updates, unless control dependencies say otherwise.
        With `options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)`, `run_metadata`, a `tf.RunMetadata`, gets the
        times of the launches.
        """
        with self._lock:
            if self._closed:
                self._check_open()
            if len(self.graph.nodes) != self._nodes_seen:
                self._watch_growth()
            feeds = feed_dict or {}
            request = self._request(fetches, feeds)
            try:
                if request.staged:
                    values = self._in_stages(request, feeds)
                else:
                    values = self._values(request, feeds, options, run_metadata)
                return request.assemble(values)
            except OpError as error:
                if isinstance(error.op, str):
                    error.op = self.graph.find_node(error.op)
                raise

    def _in_stages(self, request: Request, feeds: Mapping[Any, Any]) -> Any:
        """What a request gives that takes several plans."""
        known = dict(zip(request.feeds, fed_arrays(request, feeds), strict=True))
        return run_in_stages(self._stage, request.tensors, request.targets, known, request.stages)

    def _stage(
        self,
        tensors: Sequence[Tensor],
        targets: Sequence[Node],
        known: Mapping[Tensor | Node, Any],
        branches: dict[Tensor, bool],
    ) -> list[Any]:
        """One plan of a run that takes several."""
        feeds = {t: v for t, v in known.items() if isinstance(t, Tensor) and t.dtype is not string}
        request = self._request([[*tensors], [*targets]], feeds, dict(branches))
        values: list[Any] = request.assemble(self._values(request, feeds))[0]
        return values

    def _values(self, request: Request, feeds: Mapping[Any, Any], options: Any = None, run_metadata: Any = None) -> Any:
        """What one plan gives for the tensors of a request."""
        with self._lock:
            try:
                arrays = [
                    v if type(v) is np.ndarray else as_feed(v, dtype)
                    for v, dtype in zip(feeds.values(), request.dtypes, strict=True)
                ]
            except (TypeError, ValueError):
                raise feed_error(request.feeds, feeds.values()) from None
            shapes = tuple([a.shape for a in arrays])
            plan = request.plans.get(shapes)
            if plan is None:
                plan = self._compile(request, shapes, arrays)
            if not plan.ready:
                self._check_initialised(plan)
            plan.last_run = self._runs
            if plan.sets:
                self.buffers.version += 1  # before the run, which may fail halfway
            with np.errstate(all="ignore"):
                values = plan.run(arrays) if run_metadata is None else self._traced(plan, arrays, options, run_metadata)
            if not plan.ready:
                self.buffers.mark_initialised(plan.sets)
                plan.ready = True
            self._runs += 1
            if self._watches and self._lints is not None:
                self._watches = self._lints.after_run(self._as_run(request, arrays))
            return values

    def _traced(self, plan: Plan, arrays: list[np.ndarray], options: Any, metadata: Any) -> list[np.ndarray]:
        from minigraph.compile.cost import flops
        from minigraph.inspect.profile import trace_plan
        from minigraph.inspect.trace import fill_run_metadata

        if getattr(options, "trace_level", 0) == 0:
            return plan.run(arrays)
        values, profile = trace_plan(plan, arrays, flops)
        fill_run_metadata(metadata, profile, f"/device:{self.backend.name}:0")
        return values

    def run_steps(self, fetches: Any, steps: int) -> Any:
        """`run(fetches)` so many times, and the results of the last: for training steps that take their batch from
        variables, at a place that a variable counts, so that nothing is fed. On cupy several steps are one launch.
        """
        if steps < 1:
            raise ValueError(f"steps must be at least 1, not {steps}")
        with self._lock:
            results = self.run(fetches)
            if steps == 1:
                return results
            request, (plan, _) = self._request(fetches, {}), self.plan_for(fetches)
            self.buffers.version += bool(plan.sets)
            with np.errstate(all="ignore"):
                values = plan.run_steps(steps - 1)
            self._runs += steps - 1
            return request.assemble(values)

    def plan_for(self, fetches: Any, feed_dict: Any = None) -> tuple[Plan, list[np.ndarray]]:
        """The plan that `run` would use, made now if there is none yet, and the fed values as arrays."""
        with self._lock:
            self._check_open()
            feeds = feed_dict or {}
            request = self._request(fetches, feeds)
            if request.staged:
                raise GraphError("there is no one plan for this run: a condition or a shape in it depends on values")
            arrays = fed_arrays(request, feeds)
            shapes = tuple([a.shape for a in arrays])
            return request.plans.get(shapes) or self._compile(request, shapes, arrays), arrays

    def profile(self, fetches: Any, feed_dict: Any = None, repeat: int = 3) -> Profile:
        """Time and memory of each launch of `run(fetches, feed_dict)`: medians of `repeat` runs after one to warm up.

        Variables and random states are afterwards as they were before.
        """
        from minigraph.compile.cost import flops
        from minigraph.inspect.profile import profile_plan

        with self._lock:
            plan, arrays = self.plan_for(fetches, feed_dict)
            self._check_initialised(plan)
            self.buffers.drop_arena()  # so that its pages are counted when the plan touches them
            with np.errstate(all="ignore"):
                return profile_plan(plan, arrays, repeat, flops)

    def _request(self, fetches: Any, feeds: Mapping[Any, Any], branches: dict[Tensor, bool] | None = None) -> Request:
        try:
            key = (fetch_key(fetches), tuple(feeds), None if branches is None else tuple(branches.items()))
            request = self._requests.get(key)
        except TypeError:
            key, request = None, None  # no part of a graph is unhashable, so this is about to be refused
        if request is None:
            if not isinstance(feeds, Mapping):
                raise TypeError(f"feed_dict must map tensors to values, not {feeds!r}")
            if len(self._requests) >= REQUEST_LIMIT:
                self._requests = {k: r for k, r in self._requests.items() if r.plans}
            request = self._requests[key] = Request(self.graph, self.symbolic, fetches, list(feeds), branches)
        return request

    def _compile(self, request: Request, shapes: tuple[Any, ...], arrays: Sequence[np.ndarray]) -> Plan:
        for tensor, array in zip(request.feeds, arrays, strict=True):
            if not compatible(tensor.type.shape, array.shape):
                raise ValueError(
                    f"Cannot feed value of shape {array.shape} for Tensor '{tensor.name}', "
                    f"which has shape '{format_shape(tensor.type.shape)}' (made at {tensor.node.source.describe()})"
                )
        types = [TensorType(t.dtype, s) for t, s in zip(request.feeds, shapes, strict=True)]
        with collector.paused():
            first = specialise(request.tensors, request.targets, request.feeds, types, request.branches)
            hooks = [self._numeric_check(first, arrays)] if self._debug else []
            backend = self.backend if self._tuner is None else self._tuner.begin()
            record = None if self._debug else request.record
            program, done = (first, ()) if record is None else resize(record, first)
            program, stages = run_pipeline(program, self._passes[len(done) :], hooks)
            if not done:
                request.record = CompileRecord(first, stages)
            plan = self._plan_type(program, backend, self.buffers, stages=(*done, *stages), reorder=self._reorder)
        request.plans[shapes] = plan
        plan.last_run = self._runs
        self._plans[plan] = request, shapes
        self._compiled += 1
        if self._may_lint:
            if self._lints is None:
                self._lints, self._watches = Lints(self.graph), True
            self._lints.at_compile(self._as_run(request, arrays))
        if len(self._plans) > PLAN_LIMIT:
            oldest, old_shapes = self._plans.pop(min(self._plans, key=lambda p: p.last_run))
            del oldest.plans[old_shapes]
            if not oldest.plans:
                oldest.record = None
            self._dropped += 1
        return plan

    def _as_run(self, request: Request, arrays: Sequence[np.ndarray]) -> ObservedRun:
        feeds = dict(zip(request.feeds, arrays, strict=True))
        return ObservedRun(request, (*request.tensors, *request.targets), request.fetched, feeds)

    def _check_initialised(self, plan: Plan) -> None:
        for name, instr in plan.needs:
            if not self.buffers.is_initialised(name):
                where = f" (read by a node made at {instr.source.describe()})" if instr.source else ""
                raise FailedPreconditionError(f"Attempting to use uninitialized value {name}{where}", instr.name)

    def _watch_growth(self) -> None:
        self._nodes_seen = len(self.graph.nodes)
        source = self.graph.nodes[-1].source
        count = self._growth[source] = self._growth.get(source, 0) + 1
        if count == GROWTH_LIMIT and self._runs >= GROWTH_LIMIT:
            warnings.warn(
                f"the graph grows between runs (now {self._nodes_seen} nodes): {source.describe()} adds nodes each "
                "time it is reached. Build the graph once, before the loop, and feed what changes.",
                GraphGrowsWarning,
                stacklevel=3,
            )

    @property
    def stats(self) -> SessionStats:
        """The plan cache's statistics."""
        return SessionStats(self._runs, self._compiled, self._dropped, len(self._plans))

    def _numeric_check(self, program: Program, arrays: Sequence[np.ndarray]) -> Hook:
        from minigraph.inspect.interpret import numeric_check

        return numeric_check(arrays, self._state_before(program))

    def _state_before(self, program: Program) -> dict[str, np.ndarray]:
        """The program's variables and random states; zeros for what has no value yet."""
        state = self.read_state()
        for instr in program.instrs:
            if isinstance(instr.op, Cell):
                state.setdefault(instr.op.name, np.zeros(instr.op.type.static, instr.op.type.dtype.np_dtype))
        return state

    def read_state(self) -> dict[str, np.ndarray]:
        """Copies of all initialised variables by name, and of all random states under `random:<node>`."""
        with self._lock:
            self._check_open()
            return self.buffers.read(self.graph)

    def write_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Set variables and random states by name. All are checked before the first one changes.

        NotFoundError for a name the graph has no variable or random op for; ValueError for another shape or dtype.
        """
        with self._lock:
            self._check_open()
            self.buffers.write(self.graph, state)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")

    # contexts

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """A context in which this is the default session."""
        scopes.session_stack().append(self)
        try:
            yield self
        finally:
            scopes.session_stack().remove(self)

    def __enter__(self) -> Session:
        context = self.graph.as_default()
        context.__enter__()
        scopes.session_stack().append(self)
        self._contexts.append(context)
        return self

    def __exit__(self, *exc: Any) -> None:
        scopes.session_stack().remove(self)
        self._contexts.pop().__exit__(*exc)
        self.close()

    def close(self) -> None:
        """Give the buffers back. A closed session does not run."""
        with self._lock:
            self._closed = True
            self._requests.clear()
            self._plans.clear()
            self.buffers.clear()


class InteractiveSession(Session):
    """A session that is the default one from when it is made until `close`."""

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Any = None,
        backend: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(target, graph, config, backend, **options)
        scopes.session_stack().append(self)
        self._own_graph = graph is not None
        if graph is not None:
            scopes.graph_stack().append(graph)

    def close(self) -> None:
        if self in scopes.session_stack():
            scopes.session_stack().remove(self)
        if self._own_graph and self.graph in scopes.graph_stack():
            self._own_graph = False
            scopes.graph_stack().remove(self.graph)
        super().close()


def get_default_session() -> Session | None:
    """The innermost session of this thread, or None."""
    stack = scopes.session_stack()
    return stack[-1] if stack else None


def _checked_plan() -> type[Plan]:
    from minigraph.inspect.numerics import CheckedPlan

    return CheckedPlan
