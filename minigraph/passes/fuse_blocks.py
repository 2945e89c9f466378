"""Fusion by blocks of the batch.

before      y = f(x), z = g(y), …, where each can be done image by image and what passes between them is large
after       one region that does f, g, … for a few images at a time
conditions  the region is convex: no path leaves it and comes back; all have the same batch; no control inputs; each
            value that passes inside has at least `min_edge` bytes, and those that are never whole `min_saved` in all
formula     (g∘f)(x)[i:j] = g(f(x[i:j])); a sum over the batch is the sum of the blocks' sums
"""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.ir import Builder, Cell, Feed, Instr, Program, Value, reachable
from minigraph.core.op import Batching
from minigraph.ops.constant import Const
from minigraph.rewrite.driver import Applied, Declined, Outcome, Rebuilder, rebuild_in_order
from minigraph.rewrite.region import Blocked


class _Group:
    """A set of instructions to become one, with the range of places in the program that they take up."""

    def __init__(self, place: int, instr: Instr) -> None:
        self.members = {place: instr}
        self.first = self.last = place


class _Grouping:
    """The program's instructions, contracted group by group; the graph of groups stays free of cycles."""

    def __init__(self, program: Program) -> None:
        self.place = {instr: i for i, instr in enumerate(program.instrs)}
        self.group = {instr: _Group(i, instr) for instr, i in self.place.items()}
        self.readers: dict[Instr, list[Instr]] = {}
        for instr in program.instrs:
            for before in instr.predecessors:
                self.readers.setdefault(before, []).append(instr)

    def merge(self, a: Instr, b: Instr) -> bool:
        """Join the groups of a producer and a consumer, unless a path from one to the other leads outside."""
        one, two = self.group[a], self.group[b]
        if one is two:
            return True
        if self._detour(one, two) or self._detour(two, one):
            return False
        one.members |= two.members
        one.first, one.last = min(one.first, two.first), max(one.last, two.last)
        for instr in two.members.values():
            self.group[instr] = one
        return True

    def _detour(self, start: _Group, goal: _Group) -> bool:
        """Whether a path leads from `start` through another group to `goal`."""
        seen = {id(start)}
        stack: list[tuple[_Group, bool]] = [(start, True)]
        while stack:
            current, direct = stack.pop()
            for instr in current.members.values():
                for reader in self.readers.get(instr, ()):
                    following = self.group[reader]
                    if following is goal:
                        if not direct:
                            return True
                    elif id(following) not in seen and following.first <= goal.last:
                        seen.add(id(following))
                        stack.append((following, False))
        return False


def _batching(instr: Instr, controls: set[Instr]) -> Batching | None:
    if instr.op.stateful or instr.op.is_view or instr.control or instr in controls or isinstance(instr.op, Blocked):
        return None
    if isinstance(instr.op, Cell | Feed | Const) or not instr.inputs:
        return None
    return instr.op.batching([v.type for v in instr.inputs], instr.types)


def _batch(instr: Instr, how: Batching) -> int:
    """The length of the axis along which the instruction is cut."""
    position = how.cut.index(True)
    return instr.inputs[position].type.static[0]


class FuseBlocks:
    """See the top of the file. min_edge, min_saved: bytes."""

    name = "fuse_blocks"

    def __init__(self, min_edge: int = 1 << 18, min_saved: int = 1 << 20) -> None:
        self.min_edge = min_edge
        self.min_saved = min_saved

    def run(self, program: Program) -> Outcome:
        controls = {c for i in program.instrs for c in i.control}
        how = {i: b for i in program.instrs if (b := _batching(i, controls)) is not None and any(b.cut)}
        grouping = _Grouping(program)
        declined: list[Declined] = []
        for consumer in how:
            for position, value in enumerate(consumer.inputs):
                reason = self._unfit(value, consumer, position, how)
                if reason is None and not grouping.merge(value.instr, consumer):
                    reason = "a path leaves the region and comes back"
                if reason is not None and value.instr in how:
                    declined.append(Declined(self.name, consumer.name, value.instr.name, reason))
        regions = self._regions(program, grouping, how, declined)
        if not regions:
            return Outcome(program, [], declined, 1)
        applied = [Applied(self.name, r.members[-1].name, str(r.members[-1].source), repr(r.op)) for r in regions]
        return Outcome(_replace(program, regions), applied, declined, 1)

    def _unfit(self, value: Value, consumer: Instr, position: int, how: dict[Instr, Batching]) -> str | None:
        """Why a value cannot pass inside a region, or None."""
        producer = value.instr
        if producer not in how:
            return "its producer cannot be done by blocks"
        if not how[consumer].cut[position]:
            return "it is used whole"
        if how[producer].sums[value.output]:
            return "it is a sum over the batch"
        if _batch(producer, how[producer]) != _batch(consumer, how[consumer]):
            return "the batches differ"
        if value.type.nbytes < self.min_edge:
            return f"it has only {value.type.nbytes} bytes"
        return None

    def _regions(
        self, program: Program, grouping: _Grouping, how: dict[Instr, Batching], declined: list[Declined]
    ) -> list[_Region]:
        outside: set[Value] = set(program.results)
        for instr in program.instrs:
            outside |= {v for v in instr.inputs if grouping.group[instr] is not grouping.group[v.instr]}
        out = []
        for group in dict.fromkeys(grouping.group[i] for i in program.instrs):
            members = [group.members[p] for p in sorted(group.members)]
            if len(members) > 1:
                region = _region(members, how, outside, self.min_saved)
                if isinstance(region, str):
                    declined.append(Declined(self.name, members[-1].name, members[-1].name, region))
                else:
                    out.append(region)
        return out


class _Region:
    """A group about to become one instruction."""

    def __init__(self, members: list[Instr], inputs: list[Value], results: list[Value], op: Blocked) -> None:
        self.members = members
        self.inputs = inputs
        self.results = results
        self.op = op


def _region(members: list[Instr], how: dict[Instr, Batching], outside: set[Value], min_saved: int) -> _Region | str:
    inside = set(members)
    cut: dict[Value, bool] = {}
    for instr in members:
        for value, is_cut in zip(instr.inputs, how[instr].cut, strict=True):
            if value.instr not in inside and cut.setdefault(value, is_cut) != is_cut:
                return f"'{value.instr.name}' is used both whole and by blocks"
    results: list[Value] = []
    sums: list[bool] = []
    saved = 0
    for instr in members:
        for index, is_sum in enumerate(how[instr].sums):
            value = Value(instr, index)
            if value in outside:
                results.append(value)
                sums.append(is_sum)
            elif not is_sum:
                saved += value.type.nbytes
    if saved < min_saved:
        return f"it would save only {saved} bytes"
    inputs = list(cut)
    batch = _batch(members[0], how[members[0]])
    op = Blocked(_inner(members, inputs, results), tuple(cut.values()), tuple(sums), batch)
    return _Region(members, inputs, results, op)


def _inner(members: list[Instr], inputs: list[Value], results: list[Value]) -> Program:
    builder = Builder()
    values = {v: Value(builder.add(Feed(slot, v.type)), 0) for slot, v in enumerate(inputs)}
    for instr in members:
        copy = builder.add(instr.op, [values[v] for v in instr.inputs], (), instr.name, instr.source)
        values |= {Value(instr, i): Value(copy, i) for i in range(len(instr.types))}
    found = tuple(values[v] for v in results)
    return Program(reachable([v.instr for v in found]), found, tuple(v.type for v in inputs))


def _replace(program: Program, regions: Sequence[_Region]) -> Program:
    region_of = {instr: r for r in regions for instr in r.members}
    units = list(dict.fromkeys(region_of.get(i, i) for i in program.instrs))

    def needs(unit: _Region | Instr) -> list[_Region | Instr]:
        before = [v.instr for v in unit.inputs] if isinstance(unit, _Region) else list(unit.predecessors)
        return [region_of.get(i, i) for i in before]

    def emit(unit: _Region | Instr, new: Rebuilder) -> None:
        if isinstance(unit, Instr):
            copy = new.copy(unit)
            new.instrs[unit] = copy
            new.values |= {Value(unit, i): Value(copy, i) for i in range(len(unit.types))}
            return
        new.current = unit.members[-1]
        fused = new.add_instr(unit.op, *(new.values[v] for v in unit.inputs))
        fused.names.extend(i.name for i in unit.members[:-1])
        new.current = None
        new.values |= {value: Value(fused, i) for i, value in enumerate(unit.results)}

    return rebuild_in_order(program, units, needs, emit)


fuse_blocks = FuseBlocks()
