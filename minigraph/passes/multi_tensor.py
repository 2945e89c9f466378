"""Updates: one step of an optimizer for many variables becomes one instruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.program import Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild_in_order
from minigraph.ops.state.update import Apply
from minigraph.rewrite.driver import Applied, Missed, Outcome


@dataclass(frozen=True)
class MultiTensor:
    """Multi-tensor optimizer updates.

    before      apply(θ₁, …, g₁), apply(θ₂, …, g₂), …: one step of one optimizer, variable by variable
    after       one instruction that does them all
    conditions  the same op with the same learning rate and other numbers and the same control inputs; each variable has
                at most `max_bytes` (a large one is better updated as soon as its gradient is there, which frees memory)
    formula     the same steps, in the same order
    """

    max_bytes: int = 1 << 20
    name: str = field(default="multi_tensor", init=False)

    def run(self, program: Program) -> Outcome:
        missed: list[Missed] = []
        families: dict[Any, list[Instr]] = {}
        for instr in program.instrs:
            if isinstance(instr.op, Apply):
                if instr.types[0].nbytes > self.max_bytes:
                    reason = f"the variable has {instr.types[0].nbytes} bytes"
                    missed.append(Missed(self.name, instr.name, instr.name, reason))
                else:
                    families.setdefault(_family(instr), []).append(instr)
        groups = [family for family in families.values() if len(family) > 1]
        if not groups:
            return Outcome(program, [], missed, 1)
        applied = [
            Applied(self.name, g[0].name, str(g[0].source), f"{len(g)} {type(g[0].op).__name__} together")
            for g in groups
        ]
        return Outcome(rebuild_in_order(program, groups, _joined), applied, missed, 1)


def _family(instr: Instr) -> Any:
    """Equal for updates that differ only in variable, slots and gradient."""
    assert isinstance(instr.op, Apply)
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
