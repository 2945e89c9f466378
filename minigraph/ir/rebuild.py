"""Rebuilding of programs: instructions are copied, and some of them replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from minigraph.core.errors import VerificationError
from minigraph.core.op import Op
from minigraph.ir.program import Builder, Instr, Program, Value, reachable
from minigraph.util.lazy import lazy_property


class Rebuilder:
    """Makes the new program's instructions. New ones take name and source from `current`, the one being replaced."""

    def __init__(self, old: Program) -> None:
        self.builder = Builder()
        self.old = old
        self.values: dict[Value, Value] = {}
        self.instrs: dict[Instr, Instr | None] = {}
        self.copied: dict[Instr, list[Instr]] = {}  # the old instructions of each copy
        self.current: Instr | None = None

    @lazy_property
    def old_uses(self) -> Counter[Value]:
        """Readers in the old program."""
        return Counter([*(v for i in self.old.instrs for v in i.inputs), *self.old.results])

    def add(self, op: Op, *inputs: Value) -> Value:
        """Output 0 of `op` on `inputs`."""
        return Value(self.add_instr(op, *inputs), 0)

    def add_instr(self, op: Op, *inputs: Value) -> Instr:
        root = self.current
        return self.builder.add(op, inputs, (), None if root is None else root.name, root.source if root else None)

    def control(self, *olds: Instr) -> tuple[Instr, ...]:
        """The instructions that these must follow, in the new program."""
        return tuple(dict.fromkeys(c for old in olds for p in old.control if (c := self.instrs.get(p)) is not None))

    def copy(self, old: Instr) -> Instr:
        """A copy of `old` on the new values of its inputs."""
        inputs = [self.values[v] for v in old.inputs]
        instr = self.builder.add(old.op, inputs, self.control(old), None, old.source, old.types)
        instr.names += [n for n in old.names if n not in instr.names] if instr.names else old.names
        self.copied.setdefault(instr, []).append(old)
        return instr

    def adopt(self, value: Value) -> Value:
        """The counterpart, in the new program, of a value of the old one or of a `Trial` beside it."""
        if value not in self.values:
            made = value.instr
            self.values |= {Value(made, i): Value(self._adopted(made), i) for i in range(len(made.types))}
        return self.values[value]

    def _adopted(self, made: Instr) -> Instr:
        instr = self.builder.add(made.op, [self.adopt(v) for v in made.inputs], (), None, made.source, made.types)
        instr.names.extend(made.names)
        return instr

    def count(self, value: Value) -> int:
        """The number of readers of a value; 2 for one that a rule made in this sweep, as its readers are unknown."""
        sources = self.copied.get(value.instr)
        return 2 if sources is None else sum(self.old_uses[Value(old, value.output)] for old in sources)


class Trial(Rebuilder):
    """Makes instructions on a program's own values, beside the program. Every value counts as read once."""

    def __init__(self) -> None:
        super().__init__(Program((), (), ()))

    def count(self, value: Value) -> int:
        return 1


Emit = Callable[[Sequence[Instr], Rebuilder], Mapping[Value, Value]]


def rebuild(program: Program, replace: Callable[[Instr, Rebuilder], Sequence[Value] | None]) -> Program:
    """The program with each instruction copied, or replaced by the values that `replace` returns for its outputs.

    Instructions that nothing needs are dropped; writes to variables and random states stay.
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


def rebuild_in_order(program: Program, groups: Iterable[Sequence[Instr]], emit: Emit) -> Program:
    """The program with each group of instructions remade by `emit`, and every other instruction copied.

    groups: disjoint. Each is remade where its first member stands, after everything that its members read from outside.
    emit: returns the new value for each value of the group that something outside reads.

    VerificationError if groups depend on each other in a cycle; the message names the nodes on it.
    """
    group_of = {instr: group for group in map(tuple, groups) for instr in group}
    new = Rebuilder(program)
    done: set[Instr] = set()  # the first member of each group
    for instr in program.instrs:
        path: dict[Instr, tuple[Instr, ...]] = {}  # groups that wait for the last one, each for the next
        stack = [group_of.get(instr, (instr,))]
        while stack:
            group = stack[-1]
            if group[0] in done:
                stack.pop()
                continue
            pending = [n for n in _needed(group, group_of) if n[0] not in done]
            if not pending:
                stack.pop()
                path.pop(group[0], None)
                done.add(group[0])
                _remake(group, group[0] in group_of, emit, new)
            elif group[0] in path:
                raise VerificationError(_cycle_message(list(path.values()), group))
            else:
                path[group[0]] = group
                stack.extend(reversed(pending))
    return _finished(program, new)


def _needed(group: tuple[Instr, ...], group_of: Mapping[Instr, tuple[Instr, ...]]) -> list[tuple[Instr, ...]]:
    """The groups, and instructions outside of groups, that this one reads or waits for."""
    found = (group_of.get(before, (before,)) for instr in group for before in instr.predecessors)
    return [other for other in found if other is not group]


def _remake(group: tuple[Instr, ...], is_grouped: bool, emit: Emit, new: Rebuilder) -> None:
    if is_grouped:
        made = emit(group, new)
        new.values.update(made)
        new.instrs.update({old.instr: value.instr for old, value in made.items()})
        return
    (old,) = group
    copy = new.instrs[old] = new.copy(old)
    new.values.update({Value(old, i): Value(copy, i) for i in range(len(old.types))})


def _cycle_message(path: Sequence[tuple[Instr, ...]], repeated: tuple[Instr, ...]) -> str:
    cycle = [*path[path.index(repeated) :], repeated]
    steps = " needs ".join("+".join(f"'{i.name}'" for i in group) for group in cycle)
    return f"instructions that are to become one depend on each other in a cycle: {steps}"


def _finished(program: Program, new: Rebuilder) -> Program:
    results = tuple(new.values[v] for v in program.results)
    effects = [new.instrs[old] for old in program.instrs if old.op.has_effect]
    roots = [v.instr for v in results] + [instr for instr in effects if instr is not None]
    return Program(reachable(roots), results, program.feeds)
