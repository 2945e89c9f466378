"""Programs made anew from others: copies of instructions, with some of them replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

from minigraph.core.op import Op
from minigraph.ir.program import Builder, Instr, Program, Value, reachable

Unit = TypeVar("Unit")


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
