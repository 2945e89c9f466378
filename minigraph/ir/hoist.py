"""Hoisted values: they depend on variables and constants only, and a program keeps them between runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Feed, Instr, Program, Value, reachable
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ir.regions import trimmed


class Fixed:
    """Tells whether a value stays the same until a variable changes.

    No feed, random number, update or control dependency lies behind such a value.
    """

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Instr, bool] = WeakKeyDictionary()  # a pass is replayed for many programs

    def __call__(self, value: Value) -> bool:
        stack = [value.instr]
        while stack:
            instr = stack[-1]
            if instr not in self._known:
                pending = [p for p in instr.predecessors if p not in self._known]
                if pending:
                    stack += pending
                    continue
                op = instr.op
                changes = isinstance(op, Feed) or (op.stateful and not op.reads) or bool(op.writes or instr.control)
                self._known[instr] = not changes and all(self._known[p] for p in instr.predecessors)
            stack.pop()
        return self._known[value.instr]


def changes_variables(program: Program) -> bool:
    """Whether a run changes a variable; random states do not count."""
    return any(i.op.writes and not i.op.draws for i in program.instrs)


class Hoist(Op, abstract=True):
    """y = x, computed once and kept until a variable changes. x depends on no feed and no random number."""

    is_view = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x,)


class Hoisted(Op, abstract=True):
    """The value of Hoist number `slot`, from a buffer that outlives the run."""

    slot: int
    type: TensorType

    def infer(self) -> tuple[TensorType, ...]:
        return (self.type,)


def split(program: Program) -> tuple[Program, Program]:
    """Split a program in two: the part that computes the hoisted values, in the order of slots, and the rest."""
    keeps = [i for i in program.instrs if isinstance(i.op, Hoist)]
    slots = {instr: slot for slot, instr in enumerate(keeps)}

    def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
        if old not in slots:
            return None
        kept = Hoisted(slots[old], old.types[0])
        return [Value(new.builder.add(kept, (), (), old.name, old.source), 0)]

    results = tuple(i.inputs[0] for i in keeps)
    return trimmed(Program(reachable(v.instr for v in results), results, ())), trimmed(rebuild(program, replace))
