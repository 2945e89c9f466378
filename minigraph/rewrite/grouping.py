"""Groups of instructions that become one: contraction of a program's graph that keeps it free of cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from minigraph.core.ir import Instr, Program, Value
from minigraph.core.op import Op
from minigraph.rewrite.driver import Applied, Rebuilder, rebuild_in_order


class _Group:
    """A set of instructions, with the range of places in the program that they take up; and as bits the places of
    themselves, of all that they depend on, of all that depends on them, and of those who make what is to be read
    outside only: among them, and among those they read from."""

    def __init__(self, place: int, instr: Instr) -> None:
        self.members = {place: instr}
        self.first = self.last = place
        self.own = 1 << place
        self.before = self.after = 0
        self.sealed = self.read_sealed = 0


class Grouping:
    """The program's instructions, contracted group by group; the graph of groups stays free of cycles.

    sealed: values that no instruction of the group that makes them may read.
    """

    def __init__(self, program: Program, sealed: Iterable[Value] = ()) -> None:
        self.program = program
        place = {instr: i for i, instr in enumerate(program.instrs)}
        self.group = {instr: _Group(i, instr) for instr, i in place.items()}
        self.readers: dict[Instr, list[Instr]] = {}
        for instr in program.instrs:
            mine = self.group[instr]
            for before in instr.predecessors:
                self.readers.setdefault(before, []).append(instr)
                mine.before |= self.group[before].before | self.group[before].own
        self.bridges = 0  # the places of all members of groups of several
        self.span = 0  # the most places between the first and the last member of a group
        hidden = set(sealed)
        for instr in program.instrs:
            for value in instr.inputs:
                if value in hidden:
                    own = self.group[value.instr].own
                    self.group[value.instr].sealed = own
                    self.group[instr].read_sealed |= own
        for instr in reversed(program.instrs):
            mine = self.group[instr]
            for reader in self.readers.get(instr, ()):
                mine.after |= self.group[reader].after | self.group[reader].own

    def merge(self, a: Instr, b: Instr) -> bool:
        """Join the groups of a producer and a consumer, unless a path from one to the other leads outside or through a
        sealed value."""
        one, two = self.group[a], self.group[b]
        if one is two:
            return True
        own = one.own | two.own
        if ((one.after & two.before) | (two.after & one.before)) & ~own:
            return False
        sealed, read_sealed = one.sealed | two.sealed, one.read_sealed | two.read_sealed
        if sealed & read_sealed:
            return False
        if self._detour(one, two) or self._detour(two, one):
            return False
        one.members |= two.members
        one.first, one.last = min(one.first, two.first), max(one.last, two.last)
        one.own, one.before, one.after = own, one.before | two.before, one.after | two.after
        one.sealed, one.read_sealed = sealed, read_sealed
        for instr in two.members.values():
            self.group[instr] = one
        self.bridges |= own
        self.span = max(self.span, one.last - one.first)
        return True

    def _detour(self, start: _Group, goal: _Group) -> bool:
        """Whether a path leads from `start` to `goal` that enters other groups by one member and leaves by another.
        (A path from instruction to instruction is seen in the bits.)"""
        window = (1 << (goal.last + self.span + 1)) - (1 << start.first)  # of where such a group can be entered
        bridges = self.bridges & window & ~(start.own | goal.own)
        stack = [start]
        while stack and bridges:
            ahead = stack.pop().after & bridges
            while ahead:
                bridge = self.group[self.program.instrs[ahead.bit_length() - 1]]
                if bridge.after & goal.own:
                    return True
                ahead &= ~bridge.own
                bridges &= ~bridge.own
                stack.append(bridge)
        return False

    def groups(self) -> Iterator[list[Instr]]:
        """The groups of more than one instruction, each in the program's order."""
        for group in dict.fromkeys(self.group[i] for i in self.program.instrs):
            if len(group.members) > 1:
                yield [group.members[p] for p in sorted(group.members)]

    def outside(self) -> set[Value]:
        """The values that are read by another group than the one that makes them, or are results of the program."""
        found: set[Value] = set(self.program.results)
        for instr in self.program.instrs:
            mine = self.group[instr]
            found |= {v for v in instr.inputs if self.group[v.instr] is not mine}
        return found


class Fused:
    """A group about to become one instruction of `op`, with its operands and results."""

    def __init__(self, members: Sequence[Instr], inputs: Sequence[Value], results: Sequence[Value], op: Op) -> None:
        self.members = members
        self.inputs = inputs
        self.results = results
        self.op = op

    def applied(self, name: str) -> Applied:
        """The entry for a trace."""
        return Applied(name, self.members[-1].name, str(self.members[-1].source), repr(self.op))


def fuse(program: Program, fused: Sequence[Fused]) -> Program:
    """The program with each group replaced by its one instruction."""
    group_of = {instr: f for f in fused for instr in f.members}
    units = list(dict.fromkeys(group_of.get(i, i) for i in program.instrs))

    def needs(unit: Fused | Instr) -> list[Fused | Instr]:
        before = [v.instr for v in unit.inputs] if isinstance(unit, Fused) else list(unit.predecessors)
        return [group_of.get(i, i) for i in before]

    def emit(unit: Fused | Instr, new: Rebuilder) -> None:
        if isinstance(unit, Instr):
            copy = new.copy(unit)
            new.instrs[unit] = copy
            new.values |= {Value(unit, i): Value(copy, i) for i in range(len(unit.types))}
            return
        new.current = unit.members[-1]
        made = new.add_instr(unit.op, *(new.values[v] for v in unit.inputs))
        made.names.extend(i.name for i in unit.members[:-1])
        new.current = None
        new.values |= {value: Value(made, i) for i, value in enumerate(unit.results)}

    return rebuild_in_order(program, units, needs, emit)
