"""Groups of instructions that become one instruction, merged so that the graph of groups stays free of cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from minigraph.core.op import Op
from minigraph.ir.program import Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild_in_order
from minigraph.rewrite.driver import Applied


class _Group:
    """A set of instructions.

    place: the position in a topological order of all groups. The other fields are sets of instructions, as bits of
    their positions in the program. before, after: those the members depend on, and those that depend on a member.
    own: the members. sealed: the members whose values only other groups may read. read_sealed: the instructions, of
    any group, from which the members read sealed values.
    """

    def __init__(self, place: int, instr: Instr) -> None:
        self.members = {place: instr}
        self.place = place
        self.own = 1 << place
        self.before = self.after = 0
        self.sealed = self.read_sealed = 0


class Grouping:
    """The instructions of a program in groups; at first each is a group of its own.

    sealed: values that the instructions of their own group may not read.
    """

    def __init__(self, program: Program, sealed: Iterable[Value] = ()) -> None:
        self.program = program
        self.order: list[_Group | None] = [_Group(i, instr) for i, instr in enumerate(program.instrs)]
        self.group = {instr: g for instr, g in zip(program.instrs, self.order, strict=True) if g is not None}
        hidden = set(sealed)
        for instr in program.instrs:
            mine = self.group[instr]
            for before in instr.predecessors:
                mine.before |= self.group[before].before | self.group[before].own
            for value in instr.inputs:
                if value in hidden:
                    maker = self.group[value.instr]
                    maker.sealed = maker.own
                    mine.read_sealed |= maker.own
        for instr in reversed(program.instrs):
            mine = self.group[instr]
            for before in instr.predecessors:
                self.group[before].after |= mine.after | mine.own

    def members(self, instr: Instr) -> list[Instr]:
        """The instructions of the group of `instr`."""
        return list(self.group[instr].members.values())

    def joined_size(self, a: Instr, b: Instr) -> int:
        """The number of instructions in the groups of `a` and `b` together."""
        one, two = self.group[a], self.group[b]
        return len(one.members) + (0 if one is two else len(two.members))

    def merge(self, a: Instr, b: Instr) -> bool:
        """Join the groups of two instructions; returns whether that is possible.

        It is not if a path between them leads through another group or a sealed value.
        """
        one, two = sorted((self.group[a], self.group[b]), key=lambda g: g.place)
        if one is two:
            return True
        own = one.own | two.own
        sealed, read_sealed = one.sealed | two.sealed, one.read_sealed | two.read_sealed
        if one.after & two.before & ~own or sealed & read_sealed:
            return False
        needed = self._needed(one, two)
        if needed is None:
            return False
        self._reorder(one, two, needed)
        one.members |= two.members
        one.own, one.before, one.after = own, one.before | two.before, one.after | two.after
        one.sealed, one.read_sealed = sealed, read_sealed
        for instr in two.members.values():
            self.group[instr] = one
        return True

    def _needed(self, one: _Group, two: _Group) -> set[int] | None:
        """The ids of the groups between the two that the second depends on; None if one of them depends on the first.

        (Dynamic topological order after D. Pearce and P. Kelly, 2006.)
        """
        found: set[int] = set()
        stack = [two]
        while stack:
            current = stack.pop()
            for instr in current.members.values():
                for before in instr.predecessors:
                    group = self.group[before]
                    if group is one and current is not two:
                        return None
                    if group.place > one.place and group is not two and id(group) not in found:
                        found.add(id(group))
                        stack.append(group)
        return found

    def _reorder(self, one: _Group, two: _Group, needed: set[int]) -> None:
        """Place the needed groups before `one` and the other groups between the two after it."""
        if not needed:
            self.order[two.place] = None
            return
        start, stop = one.place, two.place + 1
        between = [g for g in self.order[start + 1 : stop - 1] if g is not None]
        first = [g for g in between if id(g) in needed]
        moved: list[_Group | None] = [*first, one, *(g for g in between if id(g) not in needed)]
        self.order[start:stop] = moved + [None] * (stop - start - len(moved))
        for place, group in enumerate(moved, start):
            if group is not None:
                group.place = place

    def groups(self) -> Iterator[list[Instr]]:
        """The groups of more than one instruction, each in the program's order."""
        for group in dict.fromkeys(self.group[i] for i in self.program.instrs):
            if len(group.members) > 1:
                yield [group.members[p] for p in sorted(group.members)]

    def outside(self) -> set[Value]:
        """The results of the program and the values that cross from one group to another."""
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
    fused_at = {f.members[0]: f for f in fused}

    def emit(members: Sequence[Instr], new: Rebuilder) -> dict[Value, Value]:
        found = fused_at[members[0]]
        new.current = found.members[-1]
        made = new.add_instr(found.op, *(new.values[v] for v in found.inputs))
        made.names.extend(i.name for i in found.members[:-1])
        new.current = None
        return {value: Value(made, i) for i, value in enumerate(found.results)}

    return rebuild_in_order(program, [f.members for f in fused], emit)
