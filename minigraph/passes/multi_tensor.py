"""Updates: one step of an optimizer for many variables, and assignments to many, become one instruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minigraph.ir.fused_update import FusedUpdate
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.program import Cell, Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild_in_order
from minigraph.ops.state.update import Apply
from minigraph.rewrite.driver import Applied, Missed, Outcome


@dataclass(frozen=True)
class MultiTensor:
    """Multi-tensor updates.

    before      apply(θ₁, …, g₁), apply(θ₂, …, g₂), …: one step of one optimizer, variable by variable; or
                v₁ = f(v₁, x₁), v₂ = f(v₂, x₂), …: one kind of assignment, as of moving averages
    after       one instruction that does them all
    conditions  the same op with the same control inputs, and for optimizers the same learning rate and other numbers;
                all depend on the same writes, so on none of each other; nothing reads one of the variables after the
                update of another and before its own; each variable has at most `max_bytes` (a large one is better
                updated as soon as its gradient is there, which frees memory)
    formula     the same steps, in the same order
    """

    max_bytes: int = 1 << 20
    name: str = field(default="multi_tensor", init=False)

    def run(self, program: Program) -> Outcome:
        missed: list[Missed] = []
        families: dict[Any, list[Instr]] = {}
        writes = _Writes(program)
        for instr in program.instrs:
            if isinstance(instr.op, Apply):
                if instr.types[0].nbytes > self.max_bytes:
                    reason = f"the variable has {instr.types[0].nbytes} bytes"
                    missed.append(Missed(self.name, instr.name, instr.name, reason))
                else:
                    families.setdefault((_family(instr), writes.before[instr]), []).append(instr)
        groups = [group for family in families.values() for group in writes.separated(family) if len(group) > 1]
        if not groups:
            return Outcome(program, [], missed, 1)
        applied = [
            Applied(self.name, g[0].name, str(g[0].source), f"{len(g)} {type(g[0].op).__name__} together")
            for g in groups
        ]
        return Outcome(rebuild_in_order(program, groups, _joined), applied, missed, 1)


class _Writes:
    """The writes to variables that each instruction depends on, a bit each."""

    def __init__(self, program: Program) -> None:
        self.before: dict[Instr, int] = {}  # without the instruction itself
        self.bits: dict[Instr, int] = {}  # of each write
        self.reads: dict[Instr, set[int]] = {}  # by variable: what each of its readers depends on
        last: dict[Instr, Instr] = {}  # by variable: the write before
        for instr in program.instrs:
            cells = [v.instr for v in instr.inputs if isinstance(v.instr.op, Cell)]
            written = [instr.inputs[w].instr for w in instr.op.writes]
            before = 0
            for p in (*instr.predecessors, *(last[c] for c in written if c in last)):
                before |= self.before[p] | self.bits.get(p, 0)
            self.before[instr] = before
            if written:
                self.bits[instr] = 1 << len(self.bits)
                last.update(dict.fromkeys(written, instr))
            for cell in cells:
                self.reads.setdefault(cell, set()).add(before)

    def separated(self, family: Sequence[Instr]) -> list[list[Instr]]:
        """The updates in groups, in each of which no variable is read between the updates."""
        groups: list[list[Instr]] = []
        for instr in family:
            free = (g for g in groups if not any(self._is_read_between(a, instr) for a in g))
            group = next(free, None)
            if group is None:
                groups.append([instr])
            else:
                group.append(instr)
        return groups

    def _is_read_between(self, one: Instr, other: Instr) -> bool:
        both = self.bits[one] | self.bits[other]
        pairs = ((one, self.bits[other]), (other, self.bits[one]))
        return any(m & both == bit for u, bit in pairs for w in u.op.writes for m in self.reads[u.inputs[w].instr])


def _family(instr: Instr) -> Any:
    """Equal for updates that differ only in variable, slots and gradient, or in all operands of an assignment."""
    assert isinstance(instr.op, Apply)
    if isinstance(instr.op, FusedUpdate):
        return instr.op, instr.types[0].dtype, instr.control
    own = instr.op.whole(len(instr.inputs))
    shared = tuple(v for i, v in enumerate(instr.inputs) if i not in own)
    return instr.op, shared, instr.control


def _together(group: Sequence[Instr]) -> MultiTensorApply:
    op = group[0].op
    assert isinstance(op, Apply)
    size = len(group[0].inputs)
    writes = tuple(i * size + w for i in range(len(group)) for w in op.writes)
    reads = tuple(i * size + r for i in range(len(group)) for r in op.reads)
    return MultiTensorApply(op, len(group), writes, reads)


def _joined(group: Sequence[Instr], new: Rebuilder) -> dict[Value, Value]:
    """The one instruction for a group's updates; what becomes of each update's results."""
    operands = [new.values[v] for i in group for v in i.inputs]
    made = new.builder.add(_together(group), operands, new.control(*group), group[0].name, group[0].source)
    made.names.extend(i.name for i in group[1:])
    results = [Value(instr, output) for instr in group for output in range(len(instr.types))]
    return {old: Value(made, index) for index, old in enumerate(results)}


multi_tensor = MultiTensor()
