"""Timed trials: of several ways to compute the same result, the fastest on this machine, remembered on disk."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Array, Backend, Buffer, Launch, Lowered, Types
from minigraph.compile.plan import Plan, bytes_type
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Instr, Program
from minigraph.rewrite.choice import Choice, TunablePass
from minigraph.rewrite.pipeline import Pass, run_pipeline
from minigraph.util.object_cache import objects

Timed = Callable[[], float]  # runs once; returns the seconds taken

ROUNDS = 6  # least rounds of timing
SHORT = 0.05  # seconds; where all rounds take less than that there are more of them, up to
MOST_ROUNDS = 40
LONG = 1.0  # seconds after which two rounds are enough
HOPELESS = 1.5  # ways slower than this multiple of the fastest are not timed again
GAIN = 0.97  # of the expected way's time below which another one is better; the rest is noise
BUDGET = 60.0  # seconds of trials for a plan, after which estimates decide
QUIET = 2.0  # seconds of trials after which they are announced, and
PAUSE = 10.0  # between two lines about them


class Decision(NamedTuple):
    """The subject, the way expected to be best, the way chosen, and the seconds of each way."""

    what: str
    expected: str
    chosen: str
    times: Mapping[str, float]


class Tuner:
    """Decides by trials for one backend. passes: a pipeline; `self.passes` is the one whose choices are made here, and
    `self.backend` does as the given one, but its choices are made here.

    Raises ValueError if the backend does not say what its speed depends on.
    """

    def __init__(
        self, backend: Backend, passes: Sequence[Pass], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        speed = backend.speed()
        if speed is None:
            raise ValueError(f"autotune is for the numpy and llvm backends, not for {backend.name}")
        self._plain = backend
        self._clock = clock
        self._where = "\n".join([version("minigraph"), backend.name, processor(), speed])
        self._known: dict[str, dict[str, float]] = {}
        self._store = objects("tuning")
        self.trials = 0  # made by this tuner
        self.decisions: list[Decision] = []  # all decisions so far
        self.backend = TunedBackend(backend, self)
        self.begin()
        self.passes = tuple(
            p.tuned(partial(self.choose_program, passes[i + 1 :])) if isinstance(p, TunablePass) else p
            for i, p in enumerate(passes)
        )

    def begin(self) -> Backend:
        """The backend for the next plan; trials for it get a new budget."""
        self._spent = 0.0
        self._announced = 0.0
        return self.backend

    def choose_program(
        self, passes: Sequence[Pass], program: Program, ways: Mapping[str, Callable[[], Program]], expected: str
    ) -> Choice:
        """Between programs that compute the same, each put through `passes` and run as a plan."""
        names = ", ".join(p.name for p in passes)
        store = TrialStore(self._plain)

        def timers() -> dict[str, Timed]:
            plans = {}
            for label, make in ways.items():
                final, _ = run_pipeline(make(), passes)
                plans[label] = Plan(final, self._plain, store)
            store.arena(max(p.peak if p.fixed is None else max(p.peak, p.fixed.peak) for p in plans.values()))
            feeds = [_content(t) for t in program.feeds]
            return {label: partial(self._time_plan, plan, feeds) for label, plan in plans.items()}

        return self._choose(f"{describe(program)}\n{names}", tuple(ways), expected, timers)

    def _time_plan(self, plan: Plan, feeds: Sequence[np.ndarray]) -> float:
        total = 0.0

        def around(_: int, launch: Launch) -> None:
            nonlocal total
            started = self._clock()
            launch()
            total += self._clock() - started

        plan.watch(feeds, around)
        return total

    def choose_lowered(
        self, op: Op, in_types: Types, out_types: Types, ways: Mapping[str, Callable[[], Lowered]]
    ) -> Choice:
        """Between ways to run an op; the first is the one expected to be best."""
        backend = self._plain

        def timers() -> dict[str, Timed]:
            lowered = {label: make() for label, make in ways.items()}
            inputs, outputs = ([_filled(backend, t) for t in types] for types in (in_types, out_types))
            space = backend.allocate(max(way.workspace for way in lowered.values()))
            bytes_ = {label: backend.view(space, 0, bytes_type(way.workspace)) for label, way in lowered.items()}
            bound = {label: way.bind(inputs, outputs, bytes_[label]) for label, way in lowered.items()}
            return {label: partial(self._time_launch, launch) for label, launch in bound.items()}

        types = f"{', '.join(map(str, in_types))} -> {', '.join(map(str, out_types))}"
        return self._choose(f"{describe_op(op)}\n{types}", tuple(ways), next(iter(ways)), timers)

    def _time_launch(self, launch: Launch) -> float:
        started = self._clock()
        launch()
        return self._clock() - started

    def _choose(
        self, what: str, labels: tuple[str, ...], expected: str, timers: Callable[[], dict[str, Timed]]
    ) -> Choice:
        key = "\n".join((self._where, what, *labels))
        times = self._known.get(key) or parse(self._store.get(key), labels)
        by = "timed before"
        if times is None:
            if self._spent > BUDGET:
                return Choice(expected, f"estimated: the trials used up their {BUDGET:g} s")
            started = time.perf_counter()
            with np.errstate(all="ignore"):
                times = measure(timers())
            self.trials += 1
            self._spent += time.perf_counter() - started
            self._announce()
            self._store.put(key, json.dumps(times).encode())
            by = "timed"
        self._known[key] = times
        best = min(labels, key=lambda label: times[label])
        chosen = best if times[best] < GAIN * times[expected] else expected
        self.decisions.append(Decision(what, expected, chosen, times))
        shown = ", ".join(f"{label} {seconds * 1e3:.3g}" for label, seconds in times.items())
        return Choice(chosen, f"{by}, ms: {shown}; estimated best: {expected}")

    def _announce(self) -> None:
        if self._spent < max(QUIET, self._announced + PAUSE if self._announced else 0):
            return
        self._announced = self._spent
        text = f"autotune: {self.trials} choices timed so far; the results are kept in {self._store.folder}"
        print(text, file=sys.stderr, flush=True)


def measure(timers: Mapping[str, Timed]) -> dict[str, float]:
    """The least times, in seconds, as whatever else the machine does only adds to them; the ways take turns."""
    for run in timers.values():
        run()  # to warm up
    times = dict.fromkeys(timers, math.inf)
    alive = list(timers)
    total = 0.0
    turn = 0
    while turn < ROUNDS or (turn < MOST_ROUNDS and total < SHORT):
        for label in alive:
            seconds = timers[label]()
            times[label] = min(times[label], seconds)
            total += seconds
        turn += 1
        fastest = min(times.values())
        alive = [label for label in alive if times[label] <= HOPELESS * fastest]
        if len(alive) == 1 or (turn >= 2 and total > LONG):
            break
    return times


class TunedBackend(Backend):
    """A backend that runs each op in the way that a tuner chooses among the plain backend's alternatives."""

    def __init__(self, plain: Backend, tuner: Tuner) -> None:
        self._plain = plain
        self._tuner = tuner
        self.name = plain.name
        self.symbolic = plain.symbolic
        self.precisions = plain.precisions
        self.unwanted_passes = plain.unwanted_passes
        self.pass_settings = plain.pass_settings
        self.plan_type = plain.plan_type

    def allocate(self, nbytes: int) -> Buffer:
        return self._plain.allocate(nbytes)

    def view(self, buffer: Buffer, offset: int, type: TensorType) -> Array:
        return self._plain.view(buffer, offset, type)

    def write(self, array: Array, value: Any) -> None:
        self._plain.write(array, value)

    def read(self, array: Array) -> Any:
        return self._plain.read(array)

    def read_all(self, arrays: Sequence[Array]) -> list[Any]:
        return self._plain.read_all(arrays)

    def import_array(self, value: Any) -> Any:
        return self._plain.import_array(value)

    def export_all(self, arrays: Sequence[Array]) -> list[Any]:
        return self._plain.export_all(arrays)

    def packs(self, op: Op, in_types: Types) -> Mapping[int, TensorType]:
        return self._plain.packs(op, in_types)

    def speed(self) -> str | None:
        return self._plain.speed()

    def alternatives(self, op: Op, in_types: Types, out_types: Types) -> Mapping[str, Callable[[], Lowered]]:
        return self._plain.alternatives(op, in_types, out_types)

    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        ways = self._plain.alternatives(op, in_types, out_types)
        if len(ways) < 2:
            return self._plain.lower(op, in_types, out_types)
        choice = self._tuner.choose_lowered(op, in_types, out_types, ways)
        return ways[choice.label]()._replace(choice=f"{choice.label}, {choice.reason}")


class TrialStore:
    """A stand-in for a session, for plans on trial: variables filled with numbers, and one arena."""

    version = 0

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._cells: dict[tuple[str, TensorType], Array] = {}
        self._arena: Any = None
        self._size = -1

    def cell(self, name: str, type: TensorType, initial: np.ndarray | None) -> Array:
        if (name, type) not in self._cells:
            self._cells[name, type] = _filled(self._backend, type)
        return self._cells[name, type]

    def arena(self, nbytes: int) -> Any:
        if nbytes > self._size:
            self._arena, self._size = self._backend.allocate(nbytes), nbytes
        return self._arena


def _filled(backend: Backend, kind: TensorType) -> Array:
    array = backend.view(backend.allocate(kind.nbytes), 0, kind)
    backend.write(array, _content(kind))
    return array


def _content(kind: TensorType) -> np.ndarray:
    """An array of normal numbers, a few of them repeated; zeros if the dtype is not floating-point."""
    dtype = kind.dtype.np_dtype
    if dtype.kind != "f":
        return np.zeros(kind.static, dtype)
    return np.resize(np.random.default_rng(0).standard_normal(4099), kind.size).astype(dtype).reshape(kind.static)


def parse(content: bytes | None, labels: Sequence[str]) -> dict[str, float] | None:
    """Seconds by label, as they were kept; None if there are none, or they are not of these labels."""
    try:
        found = json.loads(content or b"null")
    except ValueError:
        return None
    if not isinstance(found, dict) or set(found) != set(labels):
        return None
    fits = all(isinstance(s, float) and math.isfinite(s) and s >= 0 for s in found.values())
    return {label: found[label] for label in labels} if fits else None


@cache
def processor() -> str:
    """The CPU's model, as the system names it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            facts = dict(line.partition(":")[::2] for line in file)
    except OSError:
        facts = {}
    wanted = ("vendor_id", "cpu family", "model", "model name", "cache size")
    named = {name.strip(): value.strip() for name, value in facts.items()}
    return " ".join([platform.machine(), platform.processor(), *(named.get(name, "") for name in wanted)])


def describe_op(op: Op) -> str:
    """The op with all of its attributes, the same in every process."""
    return f"{type(op).__name__}({', '.join(f'{n}={_attribute(getattr(op, n))}' for n in op.fields)})"


def _attribute(value: Any) -> str:
    if isinstance(value, Program):
        return f"[{describe(value)}]"
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    return repr(value)


def describe(program: Program) -> str:
    """The program without the names of its nodes, the same in every process."""
    number = {instr: i for i, instr in enumerate(program.instrs)}

    def show(instr: Instr) -> str:
        inputs = ", ".join(f"%{number[v.instr]}.{v.output}" for v in instr.inputs)
        return f"{describe_op(instr.op)}({inputs}): {', '.join(map(str, instr.types))}"

    results = ", ".join(f"%{number[v.instr]}.{v.output}" for v in program.results)
    return "; ".join([*map(show, program.instrs), results])
