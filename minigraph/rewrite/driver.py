"""The rewrite driver: it rebuilds a program with rules applied, until none applies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import NamedTuple, TypeVar

from minigraph.core.errors import MinigraphError, VerificationError
from minigraph.core.ir import Builder, Cell, Feed, Instr, Program, Value, reachable
from minigraph.core.op import Op
from minigraph.rewrite.pattern import Failure, Match, Pattern, match

SWEEP_LIMIT = 20  # sweeps over the program until the fixed point must have been reached
CHAIN_LIMIT = 50  # rules in a row at one place

Unit = TypeVar("Unit")


class Rule(NamedTuple):
    """`replace` gives one value for each output of the match's root, or why it declines."""

    name: str
    pattern: Pattern
    replace: Callable[[Match, Rebuilder], Sequence[Value] | str]


class Applied(NamedTuple):
    """One application of a rule: where, and what came of it."""

    rule: str
    node: str
    source: str
    result: str


class Declined(NamedTuple):
    """A candidate, by the op at its root, to which a rule did not apply, and why."""

    rule: str
    node: str
    at: str
    reason: str


class Change(NamedTuple):
    """What a pass has made of `roots`. `again` makes it of their like in a program that differs in sizes alone: values
    that take the places of `values`, or why it cannot."""

    roots: tuple[Instr, ...]
    values: tuple[Value, ...]
    again: Callable[[Sequence[Instr], Rebuilder], Sequence[Value] | str]


class Rebuilder:
    """Makes the new program's instructions. New ones inherit name and source from the root of the match."""

    def __init__(self, old: Program) -> None:
        self.builder = Builder()
        self.old = old
        self.values: dict[Value, Value] = {}
        self.instrs: dict[Instr, Instr | None] = {}
        self.copied: dict[Instr, list[Instr]] = {}  # of which old instructions it is a copy
        self.current: Instr | None = None

    @cached_property
    def old_uses(self) -> Counter[Value]:
        """Readers in the old program."""
        return Counter([*(v for i in self.old.instrs for v in i.inputs), *self.old.results])

    def add(self, op: Op, *inputs: Value) -> Value:
        """Output 0 of `op` on `inputs`."""
        return Value(self.add_instr(op, *inputs), 0)

    def add_instr(self, op: Op, *inputs: Value) -> Instr:
        root = self.current
        return self.builder.add(op, inputs, (), None if root is None else root.name, root.source if root else None)

    def copy(self, old: Instr) -> Instr:
        """`old` with its inputs replaced by what has become of them."""
        control: tuple[Instr, ...] = ()
        if old.control:
            control = tuple(dict.fromkeys(c for p in old.control if (c := self.instrs.get(p)) is not None))
        inputs = [self.values[v] for v in old.inputs]
        instr = self.builder.add(old.op, inputs, control, None, old.source, old.types)
        instr.names += [n for n in old.names if n not in instr.names] if instr.names else old.names
        self.copied.setdefault(instr, []).append(old)
        return instr

    def adopt(self, value: Value) -> Value:
        """`value` of the old program, or of what was made beside it, as it is in the new one."""
        if value not in self.values:
            made = value.instr
            self.values |= {Value(made, i): Value(self._adopted(made), i) for i in range(len(made.types))}
        return self.values[value]

    def _adopted(self, made: Instr) -> Instr:
        instr = self.builder.add(made.op, [self.adopt(v) for v in made.inputs], (), None, made.source, made.types)
        instr.names.extend(made.names)
        return instr

    def count(self, value: Value) -> int:
        """Readers of a value. What a rule has just made is not counted before the next sweep, so it is never 1."""
        sources = self.copied.get(value.instr)
        return 2 if sources is None else sum(self.old_uses[Value(old, value.output)] for old in sources)


class Trial(Rebuilder):
    """Makes instructions beside a program, on that program's own values, each of which counts as read once."""

    def __init__(self) -> None:
        super().__init__(Program((), (), ()))

    def count(self, value: Value) -> int:
        return 1


class Outcome(NamedTuple):
    """What a pass did. changes: all in it that depends on sizes, in order, attributes of regions aside; None where the
    pass has to be run anew for other sizes."""

    program: Program
    applied: list[Applied]
    declined: list[Declined]
    sweeps: int
    changes: Sequence[Change] | None = None


def rewrite(program: Program, rules: Sequence[Rule]) -> Outcome:
    """Apply `rules` everywhere, again and again, until a whole sweep changes nothing.

    VerificationError where a rule changes a type, or there is no end to the changes.
    """
    program = _pruned(program)
    index: dict[type[Op], list[Rule]] = {}
    applied: list[Applied] = []
    changes: list[Change] = []
    for sweep in range(1, SWEEP_LIMIT + 1):
        declined: list[Declined] = []
        first = _first_change(program, rules, index, declined)
        if first is None:
            return Outcome(program, applied, declined, sweep, changes)
        program = _sweep(program, rules, index, first, applied, changes)
    names = ", ".join(sorted({a.rule for a in applied[-50:]}))
    raise VerificationError(f"no fixed point after {SWEEP_LIMIT} sweeps; the last rules applied: {names}")


def rebuild(program: Program, replace: Callable[[Instr, Rebuilder], Sequence[Value] | None]) -> Program:
    """The program with each instruction copied, or replaced by the values that `replace` gives for its outputs.

    What is no longer needed falls away; writes to variables and random states stay.
    """
    new = Rebuilder(program)
    for old in program.instrs:
        new.current = old
        values = replace(old, new)
        if values is None:
            instr = new.copy(old)
            values = [Value(instr, i) for i in range(len(old.types))]
            new.instrs[old] = instr
        else:
            new.instrs[old] = values[0].instr if values else None
        for i, value in enumerate(values):
            new.values[Value(old, i)] = value
    new.current = None
    return _finished(program, new)


def rebuild_in_order(
    program: Program,
    units: Sequence[Unit],
    needs: Callable[[Unit], Sequence[Unit]],
    emit: Callable[[Unit, Rebuilder], None],
) -> Program:
    """The program made anew unit by unit (an instruction, or several that become one), each after what it needs."""
    new = Rebuilder(program)
    done: set[int] = set()
    for unit in units:
        stack = [unit]
        while stack:
            pending = [n for n in needs(stack[-1]) if id(n) not in done]
            if pending and id(stack[-1]) not in done:
                stack.extend(reversed(pending))
                continue
            ready = stack.pop()
            if id(ready) not in done:
                done.add(id(ready))
                emit(ready, new)
    return _finished(program, new)


def _finished(program: Program, new: Rebuilder) -> Program:
    results = tuple(new.values[v] for v in program.results)
    effects = [new.instrs[old] for old in program.instrs if old.op.writes]
    roots = [v.instr for v in results] + [instr for instr in effects if instr is not None]
    return Program(reachable(roots), results, program.feeds)


def _pruned(program: Program) -> Program:
    """The program without what neither its results nor its effects need; itself where all is needed."""
    effects = [instr for instr in program.instrs if instr.op.writes]
    needed = reachable([*(v.instr for v in program.results), *effects])
    return program if len(needed) == len(program.instrs) else program._replace(instrs=needed)


class _Application(NamedTuple):
    """A rule that applied at `root`, and what it gave."""

    rule: Rule
    root: Instr
    values: Sequence[Value]

    @property
    def entry(self) -> Applied:
        kinds = ", ".join(type(v.instr.op).__name__ for v in self.values)
        return Applied(self.rule.name, self.root.name, str(self.root.source), kinds)

    @property
    def change(self) -> Change:
        return Change((self.root,), tuple(self.values), partial(_apply_again, self.rule))


def _apply_again(rule: Rule, roots: Sequence[Instr], new: Rebuilder) -> Sequence[Value] | str:
    (root,) = roots
    found = match(rule.pattern, root, new.count)
    return found.reason if isinstance(found, Failure) else rule.replace(found, new)


def _first_change(
    program: Program, rules: Sequence[Rule], index: dict[type[Op], list[Rule]], declined: list[Declined]
) -> _Application | None:
    """The first application in a sweep, found before anything is copied: most sweeps find none, and need no copy."""
    trial = Rebuilder(program)
    trial.copied = {instr: [instr] for instr in program.instrs}
    for instr in program.instrs:
        candidates = _rules_for(instr.op, rules, index)
        if candidates and instr.types and not isinstance(instr.op, Cell | Feed):
            application = _apply_first(instr, candidates, trial, declined)
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
    """The instruction whose outputs, all and in order, the values are."""
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


def _apply_first(root: Instr, rules: Sequence[Rule], new: Rebuilder, declined: list[Declined]) -> _Application | None:
    for rule in rules:
        found = match(rule.pattern, root, new.count)
        if isinstance(found, Failure):
            declined.append(Declined(rule.name, root.name, found.instr.name, found.reason))
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
            declined.append(Declined(rule.name, root.name, root.name, result))
            continue
        _check_types(rule, root, result)
        return _Application(rule, root, result)
    return None


def _check_types(rule: Rule, root: Instr, result: Sequence[Value]) -> None:
    given = tuple(v.type for v in result)
    if given != root.types:
        raise VerificationError(f"the rule {rule.name} turned {root!r} of {root.types} into {given}")
