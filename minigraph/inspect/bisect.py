"""Search for the pass, and the rewrite in it, that changes the results of a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Array, Backend
from minigraph.backend.discovery import get_backend
from minigraph.compile.plan import Plan
from minigraph.core.errors import MinigraphError
from minigraph.core.types import TensorType
from minigraph.inspect.interpret import interpret
from minigraph.ir.program import Cell, Program, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ir.verifier import verify_program
from minigraph.rewrite.driver import Applied, Rule
from minigraph.rewrite.pattern import Match
from minigraph.rewrite.pipeline import Pass, RulePass

TOLERANCE = {2: 2e-2, 4: 1e-3, 8: 1e-9}  # of the largest number, by bytes of a floating-point number
DISTURBANCE = 0.1  # of the tolerance: how far inputs are moved to see how much a program enlarges rounding

Outputs = tuple[list[np.ndarray], dict[str, np.ndarray]]


class Guilty(NamedTuple):
    """The first pass after which a program fails.

    reason: the difference or the error. applied: the pass's applications up to the failure. culprit: the application
    whose removal, with all later ones, removes the failure; None for a pass that does not consist of rules. alone:
    whether the pipeline works without this pass.
    """

    name: str
    reason: str
    applied: tuple[Applied, ...]
    culprit: Applied | None
    alone: bool

    def describe(self) -> str:
        """A description in several lines."""
        lines = [f"the pass '{self.name}' is guilty: {self.reason}"]
        if self.culprit is not None:
            lines.append(f"by the rule {_show(self.culprit)}")
        lines.append("without this pass all is well" if self.alone else "without this pass it still fails: see others")
        if self.applied:
            lines.append("it applied:")
            lines += [f"  {_show(a)}" for a in self.applied]
        return "\n".join(lines)


def find_guilty(
    program: Program,
    passes: Sequence[Pass],
    feeds: Sequence[np.ndarray],
    cells: Mapping[str, np.ndarray],
    backend: str | None = None,
) -> Guilty | None:
    """The pass that breaks `program` or changes its results for `feeds` and the variables `cells`; None if none does.

    Without a backend, programs run as the ops' references, so that only passes can be at fault. With a backend, they
    are compiled and compared with the unchanged program on that backend. Variables without a value are zero.

    A number may differ by `TOLERANCE` of the largest one, or by four times what it changes when the inputs are moved by
    a tenth of that: Adam's first step, g/|g|, turns the rounding of a gradient next to 0 into its sign.
    """
    state = dict(cells)
    for instr in program.instrs:
        if isinstance(instr.op, Cell):
            state.setdefault(instr.op.name, np.zeros(instr.op.type.static, instr.op.type.dtype.np_dtype))
    run = _runner(feeds, state, backend)
    expected = run(program)
    nearby = _nearby(program, feeds, state, backend)

    def complaint(candidate: Program) -> str | None:
        verify_program(candidate)
        return _difference(program, expected, nearby, run(candidate))

    before = program
    for each in passes:
        reason, after, applied = _try(each, before, complaint)
        if reason is not None or after is None:
            culprit, applied = _bisect_rules(each, before, complaint, applied)
            others = [p for p in passes if p is not each]
            return Guilty(each.name, reason or "", tuple(applied), culprit, _is_well(program, others, complaint))
        before = after
    return None


Complaint = Callable[[Program], str | None]


def _try(each: Pass, program: Program, complaint: Complaint) -> tuple[str | None, Program | None, list[Applied]]:
    """The fault after a pass (None for no fault), the program it made, and the rewrites it applied."""
    try:
        outcome = each.run(program)
    except Exception as error:  # whatever a broken pass raises is the answer
        return _first_line(error), None, []
    try:
        return complaint(outcome.program), outcome.program, outcome.applied
    except Exception as error:
        return _first_line(error), outcome.program, outcome.applied


def _is_well(program: Program, passes: Sequence[Pass], complaint: Complaint) -> bool:
    for each in passes:
        reason, after, _ = _try(each, program, complaint)
        if reason is not None or after is None:
            return False
        program = after
    return True


def _bisect_rules(
    each: Pass, program: Program, complaint: Complaint, applied: list[Applied]
) -> tuple[Applied | None, list[Applied]]:
    """The rewrite that turns a working program into a failing one, found by halving their number."""
    if not isinstance(each, RulePass):
        return None, applied
    limited = _Limited(each)
    _try(limited.allow(None), program, complaint)
    good, bad = 0, limited.count
    while bad - good > 1:
        middle = (good + bad) // 2
        if _try(limited.allow(middle), program, complaint)[0] is None:
            good = middle
        else:
            bad = middle
    _try(limited.allow(bad), program, complaint)
    return (limited.log[-1] if limited.log else None), applied or limited.log


class _Limited:
    """A pass of rules that stops after a number of applications, and keeps a log of them."""

    def __init__(self, original: RulePass) -> None:
        self.original = original
        self.limit: int | None = None
        self.log: list[Applied] = []

    @property
    def count(self) -> int:
        return len(self.log)

    def allow(self, limit: int | None) -> RulePass:
        self.limit = limit
        self.log = []
        return RulePass(self.original.name, tuple(r._replace(replace=self._limited(r)) for r in self.original.rules))

    def _limited(self, rule: Rule) -> Callable[[Match, Rebuilder], Sequence[Value] | str]:
        def replace(found: Match, new: Rebuilder) -> Sequence[Value] | str:
            if self.limit is not None and len(self.log) >= self.limit:
                return "the limit on applications is reached"
            entry = Applied(rule.name, found.root.name, str(found.root.source), "")
            self.log.append(entry)  # before, so that one that raises is the last
            result = rule.replace(found, new)
            if isinstance(result, str):
                self.log.pop()
            else:
                self.log[-1] = entry._replace(result=", ".join(type(v.instr.op).__name__ for v in result))
            return result

        return replace


class _Store:
    """Variables and an arena for one run."""

    version = 0

    def __init__(self, backend: Backend, cells: Mapping[str, np.ndarray]) -> None:
        self.backend = backend
        self.values = cells
        self.arrays: dict[str, Array] = {}

    def cell(self, name: str, type: TensorType, initial: np.ndarray | None) -> Array:
        if name not in self.arrays:
            self.arrays[name] = self.backend.view(self.backend.allocate(type.nbytes), 0, type)
            self.backend.write(self.arrays[name], self.values[name])
        return self.arrays[name]

    def arena(self, nbytes: int) -> Any:
        return self.backend.allocate(nbytes)


def _runner(
    feeds: Sequence[np.ndarray], cells: Mapping[str, np.ndarray], backend: str | None
) -> Callable[[Program], Outputs]:
    if backend is None:
        return lambda program: interpret(program, feeds, cells)
    chosen = get_backend(backend)

    def run(program: Program) -> Outputs:
        store = _Store(chosen, cells)
        with np.errstate(all="ignore"):
            results = Plan(program, chosen, store).run(feeds)
        state = {name: np.asarray(chosen.read(array)) for name, array in store.arrays.items()}
        return [np.asarray(r) for r in results], {**cells, **state}

    return run


def _nearby(
    program: Program, feeds: Sequence[np.ndarray], state: Mapping[str, np.ndarray], backend: str | None
) -> list[Outputs]:
    """The outputs for inputs that are moved a little, several times; none if the program refuses such inputs."""
    random, found = np.random.RandomState(0), []
    for _ in range(3):
        moved = [_disturbed(f, random) for f in feeds], {name: _disturbed(a, random) for name, a in state.items()}
        try:
            found.append(_runner(*moved, backend)(program))
        except MinigraphError:
            return []
    return found


def _disturbed(values: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Floating-point numbers, each moved by a random part of itself; whole numbers may count, so all these stay."""
    values = np.asarray(values)
    if values.dtype.kind != "f" or np.array_equal(values, np.rint(values)):
        return values
    extent = DISTURBANCE * TOLERANCE[values.dtype.itemsize]
    return (values * (1 + random.uniform(-extent, extent, values.shape))).astype(values.dtype)


def _largest(values: np.ndarray) -> float:
    """The largest magnitude of the finite numbers; 0 if there are none."""
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))


def _difference(program: Program, expected: Outputs, nearby: Sequence[Outputs], found: Outputs) -> str | None:
    """A description of the difference beyond the tolerance; None if there is none.

    nearby: the outputs for disturbed inputs.
    """
    (old, old_state), (new, new_state) = expected, found
    pairs = [
        (f"the result '{v.instr.name}'", old[n], [near[n] for near, _ in nearby], new[n])
        for n, v in enumerate(program.results)
    ]
    pairs += [
        (f"the variable '{name}'", a, [near[name] for _, near in nearby], new_state[name])
        for name, a in old_state.items()
    ]
    for what, a, beside, b in pairs:
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{what} was {a.dtype} of shape {a.shape} and became {b.dtype} of shape {b.shape}"
        if a.dtype.kind != "f":
            if changed := np.count_nonzero((a != b) & np.all([a == near for near in beside], axis=0)):
                return f"{what} changed in {changed} of {a.size} numbers"
            continue
        limit = TOLERANCE[a.dtype.itemsize] * _largest(a)
        with np.errstate(invalid="ignore"):
            extent = np.max([np.zeros(a.shape), *(np.nan_to_num(np.abs(near - a)) for near in beside)], axis=0)
        close = np.isclose(a, b, rtol=0.0, atol=np.maximum(limit, 4 * extent), equal_nan=True)
        # Of the numbers that rounding may change, chance leaves some as they are in all of `nearby`.
        if np.count_nonzero(~close) > np.count_nonzero(extent > limit) / 4:
            place = np.unravel_index(int(np.argmin(close)), close.shape)
            where = f" at {tuple(map(int, place))}" if place else ""
            return f"{what} changed in {close.size - close.sum()} of {close.size}: {a[place]}{where} became {b[place]}"
    return None


def _first_line(error: Exception) -> str:
    kind = "" if isinstance(error, MinigraphError) else f"{type(error).__name__}: "
    return kind + (str(error).splitlines() or [""])[0]


def _show(applied: Applied) -> str:
    return f"{applied.rule} at '{applied.node}' ({applied.source})" + (
        f" -> {applied.result}" if applied.result else ""
    )
