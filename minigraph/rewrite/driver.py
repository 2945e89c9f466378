"""The rewrite driver: it rebuilds a program with rules applied, until none applies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from minigraph.core.errors import MinigraphError, VerificationError
from minigraph.core.op import Op
from minigraph.ir.program import Cell, Feed, Instr, Program, Value, reachable
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.rewrite.pattern import Failure, Match, Pattern, match

SWEEP_LIMIT = 20  # sweeps over the program until the fixed point must have been reached
CHAIN_LIMIT = 50  # rules in a row at one place


class Rule(NamedTuple):
    """A pattern and its replacement.

    replace: returns one value for each output of the match's root, or the reason why the rule does not apply.
    """

    name: str
    pattern: Pattern
    replace: Callable[[Match, Rebuilder], Sequence[Value] | str]


class Applied(NamedTuple):
    """One application of a rule: the node, its line in the user's program, and the ops that replace it."""

    rule: str
    node: str
    source: str
    result: str


class Missed(NamedTuple):
    """A candidate to which a rule did not apply: its root, the node that did not fit, and the reason."""

    rule: str
    node: str
    at: str
    reason: str


class Change(NamedTuple):
    """A replacement of the results of `roots` by `values`.

    redo: makes the same replacement for the counterparts of `roots` in a program that differs in sizes only; returns
    the counterparts of `values`, or the reason why the replacement does not hold there.
    """

    roots: tuple[Instr, ...]
    values: tuple[Value, ...]
    redo: Callable[[Sequence[Instr], Rebuilder], Sequence[Value] | str]


class Outcome(NamedTuple):
    """The result of a pass: the program, the changes applied and missed, and the number of sweeps over the program.

    changes: for a `pipeline.Replayable` pass, every replacement that depends on sizes, in order.
    """

    program: Program
    applied: list[Applied]
    missed: list[Missed]
    sweeps: int
    changes: Sequence[Change] = ()


def rewrite(program: Program, rules: Sequence[Rule]) -> Outcome:
    """Apply `rules` in sweeps over the program until a sweep changes nothing.

    VerificationError if a rule changes a type, or the limit of sweeps is reached.
    """
    program = _pruned(program)
    index: dict[type[Op], list[Rule]] = {}
    applied: list[Applied] = []
    changes: list[Change] = []
    for sweep in range(1, SWEEP_LIMIT + 1):
        missed: list[Missed] = []
        first = _first_change(program, rules, index, missed)
        if first is None:
            return Outcome(program, applied, missed, sweep, changes)
        program = _sweep(program, rules, index, first, applied, changes)
    names = ", ".join(sorted({a.rule for a in applied[-50:]}))
    raise VerificationError(f"no fixed point after {SWEEP_LIMIT} sweeps; the last rules applied: {names}")


def _pruned(program: Program) -> Program:
    """The program restricted to what its results and effects need; the same object if that is everything."""
    effects = [instr for instr in program.instrs if instr.op.writes]
    needed = reachable([*(v.instr for v in program.results), *effects])
    return program if len(needed) == len(program.instrs) else program._replace(instrs=needed)


class _Application(NamedTuple):
    """A rule that applied at `root`, and the values it returned."""

    rule: Rule
    root: Instr
    values: Sequence[Value]

    @property
    def entry(self) -> Applied:
        kinds = ", ".join(type(v.instr.op).__name__ for v in self.values)
        return Applied(self.rule.name, self.root.name, str(self.root.source), kinds)

    @property
    def change(self) -> Change:
        return Change((self.root,), tuple(self.values), partial(_redo, self.rule))


def _redo(rule: Rule, roots: Sequence[Instr], new: Rebuilder) -> Sequence[Value] | str:
    (root,) = roots
    found = match(rule.pattern, root, new.count)
    return found.reason if isinstance(found, Failure) else rule.replace(found, new)


def _first_change(
    program: Program, rules: Sequence[Rule], index: dict[type[Op], list[Rule]], missed: list[Missed]
) -> _Application | None:
    """The first application in a sweep. It is searched before anything is copied, as most sweeps find none."""
    trial = Rebuilder(program)
    trial.copied = {instr: [instr] for instr in program.instrs}
    for instr in program.instrs:
        candidates = _rules_for(instr.op, rules, index)
        if candidates and instr.types and not isinstance(instr.op, Cell | Feed):
            application = _apply_first(instr, candidates, trial, missed)
            if application is not None:
                return application
    return None


def _sweep(
    program: Program,
    rules: Sequence[Rule],
    index: dict[type[Op], list[Rule]],
    first: _Application,
    applied: list[Applied],
    changes: list[Change],
) -> Program:
    before = len(applied)

    def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
        if old is not first.root and len(applied) == before:
            return None
        if old is first.root:
            new.copy(old)  # for its names and readers, as for any other root
            applied.append(first.entry)
            changes.append(first.change)
            values = [new.adopt(v) for v in first.values]
        elif old.types:
            instr = new.copy(old)
            values = [Value(instr, i) for i in range(len(old.types))]
        else:
            return None
        for _ in range(CHAIN_LIMIT):
            root = _whole(values)
            if root is None:
                return values
            application = _apply_first(root, _rules_for(root.op, rules, index), new, [])
            if application is None:
                return values
            applied.append(application.entry)
            changes.append(application.change)
            values = list(application.values)
        raise VerificationError(f"rules keep changing {old!r} after {CHAIN_LIMIT} applications")

    return rebuild(program, replace)


def _whole(values: Sequence[Value]) -> Instr | None:
    """The instruction whose outputs are exactly the values, in order; None if there is none."""
    if not values:
        return None
    root = values[0].instr
    whole = [Value(root, i) for i in range(len(root.types))]
    return None if list(values) != whole or isinstance(root.op, Cell | Feed) else root


def _rules_for(op: Op, rules: Sequence[Rule], index: dict[type[Op], list[Rule]]) -> list[Rule]:
    kind = type(op)
    if kind not in index:
        index[kind] = [r for r in rules if issubclass(kind, r.pattern.kinds)]
    return index[kind]


def _apply_first(root: Instr, rules: Sequence[Rule], new: Rebuilder, missed: list[Missed]) -> _Application | None:
    for rule in rules:
        found = match(rule.pattern, root, new.count)
        if isinstance(found, Failure):
            missed.append(Missed(rule.name, root.name, found.instr.name, found.reason))
            continue
        new.current = root
        try:
            result = rule.replace(found, new)
        except MinigraphError as error:
            raise VerificationError(
                f"the rule {rule.name} failed at {root!r} made at {root.source}: {error}"
            ) from error
        finally:
            new.current = None
        if isinstance(result, str):
            missed.append(Missed(rule.name, root.name, root.name, result))
            continue
        _check_types(rule, root, result)
        return _Application(rule, root, result)
    return None


def _check_types(rule: Rule, root: Instr, result: Sequence[Value]) -> None:
    given = tuple(v.type for v in result)
    if given != root.types:
        raise VerificationError(f"the rule {rule.name} turned {root!r} of {root.types} into {given}")
