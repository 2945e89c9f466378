"""Blocks of the batch: chains that can be done image by image become one region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from minigraph.core.op import Batching
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ir.regions import Blocked, inner_program, whole_bytes
from minigraph.ops.constant import Const
from minigraph.rewrite.driver import Missed, Outcome
from minigraph.rewrite.grouping import Fused, Grouping, fuse


def _batching(instr: Instr, controls: set[Instr]) -> Batching | None:
    if instr.op.stateful or instr.op.is_view or instr.control or instr in controls:
        return None
    if isinstance(instr.op, Cell | Feed | Const) or not instr.inputs:
        return None
    return instr.op.batching([v.type for v in instr.inputs], instr.types)


def _batch(instr: Instr, how: Batching) -> int:
    """The length of the axis along which the instruction is cut."""
    position = how.cut.index(True)
    return instr.inputs[position].type.static[0]


@dataclass(frozen=True)
class FuseBlocks:
    """Fusion by blocks of the batch.

    before      y = f(x), z = g(y), …, where each can be done image by image and what passes between them is large
    after       one region that does f, g, … for a few images at a time
    conditions  the region is convex: no path leaves it and comes back; no control inputs; no value is read both whole
                and by blocks; each value that passes inside has at least `min_edge` bytes, and those that are never
                whole `min_saved` in all; and it has more bytes than what is gone through whole for each block, a filter
                or its gradient, on either side of it, unless that is at most `max_whole` (None: any number), which
                stays in cache
    formula     (g∘f)(x)[i:j] = g(f(x[i:j])); a sum over the batch is the sum of the blocks' sums
    """

    min_edge: int = 1 << 18
    min_saved: int = 1 << 20
    max_whole: int | None = None
    name: str = field(default="fuse_blocks", init=False)

    def run(self, program: Program) -> Outcome:
        controls = {c for i in program.instrs for c in i.control}
        how = {i: b for i in program.instrs if (b := _batching(i, controls)) is not None and any(b.cut)}
        sums = (Value(i, n) for i, b in how.items() for n, is_sum in enumerate(b.sums) if is_sum)
        grouping = Grouping(program, sums)
        missed: list[Missed] = []
        for consumer in how:
            for position, value in enumerate(consumer.inputs):
                reason = self._unfit(value, consumer, position, how)
                if reason is None and not grouping.merge(value.instr, consumer):
                    reason = "a path leaves the region and comes back, or leads through a sum"
                if reason is not None and value.instr in how:
                    missed.append(Missed(self.name, consumer.name, value.instr.name, reason))
        outside = grouping.outside()
        regions = []
        for members in grouping.groups():
            region = _region(members, how, outside, self.min_saved)
            if isinstance(region, str):
                missed.append(Missed(self.name, members[-1].name, members[-1].name, region))
            else:
                regions.append(region)
        if not regions:
            return Outcome(program, [], missed, 1)
        return Outcome(fuse(program, regions), [r.applied(self.name) for r in regions], missed, 1)

    def _unfit(self, value: Value, consumer: Instr, position: int, how: Mapping[Instr, Batching]) -> str | None:
        """Why a value cannot pass inside a region, or None."""
        producer = value.instr
        if producer not in how:
            return "its producer cannot be done by blocks"
        if not how[consumer].cut[position]:
            return "it is used whole"
        if how[producer].sums[value.output]:
            return "it is a sum over the batch"
        if value.type.nbytes < self.min_edge:
            return f"it has only {value.type.nbytes} bytes"
        whole = max(whole_bytes(i, how[i]) for i in (producer, consumer))
        if self.max_whole is not None and whole > max(self.max_whole, value.type.nbytes):
            return f"it has {value.type.nbytes} bytes, and {whole} would be gone through for each block"
        return None


def _region(
    members: Sequence[Instr], how: Mapping[Instr, Batching], outside: set[Value], min_saved: int
) -> Fused | str:
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
    op = Blocked(inner_program(members, inputs, results), tuple(cut.values()), tuple(sums), batch)
    return Fused(members, inputs, results, op)


fuse_blocks = FuseBlocks()
