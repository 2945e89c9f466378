"""Assignments: the elementwise operations that compute the value become a part of the assignment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from minigraph.core.dtypes import float32, float64
from minigraph.ir.fused_update import FusedUpdate
from minigraph.ir.program import Instr, Program, Value, readers_of
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, ReadVariable, Update
from minigraph.rewrite.driver import Applied, Change, Missed, Outcome
from minigraph.rewrite.pipeline import Replayable

MAX_BYTES = 1 << 16  # of a variable: its update waits for its last reader, and so do the operands


class _Fusion(NamedTuple):
    """An assignment and the instructions that it can compute itself, in order; the value's own is the last."""

    update: Instr
    members: Sequence[Instr]

    def made(self) -> tuple[FusedUpdate, list[Value]]:
        """The one instruction's op and its operands."""
        cell, op = self.update.inputs[0], self.update.op
        assert isinstance(op, Update)
        inside = set(self.members)
        inputs = [v for i in self.members for v in i.inputs if v.instr not in inside]
        operands = list(dict.fromkeys([cell, *(cell if _reads(v, self.update) else v for v in inputs)]))
        place = {v: operands.index(cell if _reads(v, self.update) else v) for v in inputs}
        place |= {Value(i, 0): len(operands) + n for n, i in enumerate(self.members)}
        chain = tuple((i.op, tuple(place[v] for v in i.inputs)) for i in self.members)
        old = not isinstance(op, Assign) or any(_reads(v, self.update) for v in inputs)
        scalars = tuple(n for n, v in enumerate(operands) if v.type.static != cell.type.static)
        return FusedUpdate(op, chain, scalars, (0,) if old else ()), operands

    def redo(self, roots: Sequence[Instr], new: Rebuilder) -> Sequence[Value] | str:
        """The same for the assignment's counterpart in a program of other sizes."""
        (root,) = roots
        pairs = {self.members[-1]: root.inputs[1].instr}
        for member in reversed(self.members):
            pairs |= {v.instr: w.instr for v, w in zip(member.inputs, pairs[member].inputs, strict=True)
                      if v.instr in self.members}  # fmt: skip
        reason = _unfit(root) or next((r for m in pairs.values() if (r := _unfit_member(m, root))), None)
        if reason:
            return reason
        op, operands = _Fusion(root, [pairs[m] for m in self.members]).made()
        return [Value(new.builder.add(op, operands, root.control, root.name, root.source), 0)]


def _unfit(update: Instr) -> str | None:
    cell, value = update.inputs
    if cell.type.dtype not in (float32, float64):
        return "the variable is neither float32 nor float64"
    if cell.type.nbytes > MAX_BYTES:
        return f"the variable has {cell.type.nbytes} bytes"
    return None if cell.type == value.type else "the value has another shape"


def _unfit_member(instr: Instr, update: Instr) -> str | None:
    """Why the assignment cannot compute a result, whoever else reads it."""
    kind = update.inputs[0].type
    if not instr.is_pointwise or instr.op.stateful or not set(instr.control) <= set(update.control):
        return "the value is not pointwise, or has control inputs that the assignment does not have"
    whole = all(v.type.dtype is kind.dtype and v.type.static in ((), kind.static) for v in instr.inputs)
    return None if whole and instr.types[0] == kind else "not all operands have the variable's shape and dtype"


def _reads(value: Value, update: Instr) -> bool:
    """Whether the value is the variable's own, when the assignment begins."""
    instr = value.instr
    is_read = isinstance(instr.op, ReadVariable) and instr.inputs == update.inputs[:1]
    return is_read and set(instr.control) <= set(update.control)


@dataclass(frozen=True)
class FuseUpdate(Replayable):
    """Fused assignments.

    before      v = f(v, x, a), by an assignment, an addition or a subtraction, where f works element by element
    after       one instruction that computes f and updates the variable in place
    conditions  nothing else reads f's value or the values in between, or waits for them, and they wait for nothing for
                which the assignment does not wait; nothing else writes the variable in this run; all operands have the
                variable's shape or are scalars, and they and all values have its dtype, float32 or float64; the
                variable has at most `MAX_BYTES`
    formula     each element goes through the same operations in the same order, so it has the same bits
    """

    name: str = field(default="fuse_update", init=False)

    def run(self, program: Program) -> Outcome:
        writes = Counter(i.inputs[w] for i in program.instrs for w in i.op.writes)
        readers = readers_of(program)
        controls = {c for i in program.instrs for c in i.control}
        missed: list[Missed] = []
        changes: list[Change] = []
        applied: list[Applied] = []

        def members(update: Instr) -> list[Instr] | str:
            found: dict[Instr, None] = {}
            reasons, stack = [], [update.inputs[1]]
            while stack:
                v = stack.pop()
                alone = len(readers[v]) == 1 and v.instr not in controls
                reason = _unfit_member(v.instr, update) if alone else "the value has other readers"
                if reason is None:
                    found[v.instr] = None
                    stack += v.instr.inputs
                reasons.append(reason)
            return sorted(found, key=lambda i: i.serial) or str(reasons[0])

        def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
            if not isinstance(old.op, Assign | AssignAdd | AssignSub):
                return None
            chosen = _unfit(old) or (members(old) if writes[old.inputs[0]] == 1 else "the variable has other writes")
            if isinstance(chosen, str):
                missed.append(Missed(self.name, old.name, old.inputs[1].instr.name, chosen))
                return None
            fusion = _Fusion(old, chosen)
            op, operands = fusion.made()
            made = new.builder.add(op, [new.values[v] for v in operands], new.control(old), old.name, old.source)
            made.names.extend(n for n in old.names if n not in made.names)
            changes.append(Change((old,), (Value(made, 0),), fusion.redo))
            applied.append(Applied(self.name, old.name, str(old.source), repr(op)))
            return [Value(made, 0)]

        made = rebuild(program, replace)
        return Outcome(made if applied else program, applied, missed, 1, changes)


fuse_update = FuseUpdate()
