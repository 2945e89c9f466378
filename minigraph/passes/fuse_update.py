"""Assignments: the elementwise operations that compute the value become a part of the assignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.core.dtypes import float32, float64
from minigraph.ir.fused_update import FusedUpdate
from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, ReadVariable, Update
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

MAX_BYTES = 1 << 16  # of a variable: the operands wait for its last reader


def _unfit(update: Instr) -> str | None:
    cell, value = update.inputs
    if cell.type.dtype not in (float32, float64):
        return "the variable is neither float32 nor float64"
    if cell.type.nbytes > MAX_BYTES:
        return f"the variable has {cell.type.nbytes} bytes"
    return None if cell.type == value.type else "the value has another shape"


def _is_member(value: Value, cell: Value, new: Rebuilder) -> bool:
    """Whether an assignment to the cell can compute the value itself."""
    instr = value.instr
    if new.count(value) > 1 or not instr.is_pointwise or instr.control or instr.op.stateful:
        return False
    return value.type == cell.type and all(
        v.type.dtype is cell.type.dtype and v.type.static in ((), cell.type.static) for v in instr.inputs
    )


def _fuse(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    update = found.root
    cell, value = update.inputs
    if new.old_writes[cell.instr.op] > 1:
        return "the variable has other writes"
    members = _members(value, cell, new)
    if not members:
        return "the value has other readers, or is not pointwise in the variable's shape and dtype"
    inside = set(members)
    inputs = [v for i in members for v in i.inputs if v.instr not in inside]
    operands = list(dict.fromkeys([cell, *(cell if _reads(v, cell) else v for v in inputs)]))
    place = {v: operands.index(cell if _reads(v, cell) else v) for v in inputs}
    place |= {Value(i, 0): len(operands) + n for n, i in enumerate(members)}
    chain = tuple((i.op, tuple(place[v] for v in i.inputs)) for i in members)
    assert isinstance(update.op, Update)
    old = not isinstance(update.op, Assign) or any(_reads(v, cell) for v in inputs)
    scalars = tuple(n for n, v in enumerate(operands) if v.type.static != cell.type.static)
    return [new.add(FusedUpdate(update.op, chain, scalars, (0,) if old else ()), *operands)]


def _members(value: Value, cell: Value, new: Rebuilder) -> list[Instr]:
    """What the assignment can compute itself, in order; the value's own instruction is the last."""
    found: dict[Instr, None] = {}
    stack = [value]
    while stack:
        v = stack.pop()
        if _is_member(v, cell, new):
            found[v.instr] = None
            stack += v.instr.inputs
    return sorted(found, key=lambda i: i.serial)


def _reads(value: Value, cell: Value) -> bool:
    return isinstance(value.instr.op, ReadVariable) and value.instr.inputs == (cell,) and not value.instr.control


RULES = (Rule("fuse_update", Pattern((Assign, AssignAdd, AssignSub), check=_unfit), _fuse),)


@dataclass(frozen=True)
class FuseUpdate(RulePass):
    """Fused assignments.

    before      v = f(v, x, a), by an assignment, an addition or a subtraction, where f works element by element
    after       one instruction that computes f and updates the variable in place
    conditions  nothing else reads f's value or the values in between, nothing else writes the variable in this run, and
                no control inputs; all operands have the variable's shape or are scalars, and they and all values have
                its dtype, float32 or float64; the variable has at most `MAX_BYTES`
    formula     each element goes through the same operations in the same order, so it has the same bits
    """

    name: str = field(default="fuse_update", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


fuse_update = FuseUpdate()
