"""Which images of a program have their channels before the rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from minigraph.ir.program import Instr, Program, Value
from minigraph.ops.array.reshape import Reshape, ReshapeLike, ReshapeTo, Transpose
from minigraph.ops.nn.pool import Pool

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_FIRST, _LAST = True, False


def channels_first(program: Program) -> set[Instr]:
    """The instructions whose first result is [N,C,H,W].

    Transposes between the two orders say so, convolutions and poolings read [N,H,W,C], and every other operation on
    images of four dimensions keeps their order. Where that contradicts itself, channels come last.
    """
    near: dict[Value, list[Value]] = {}
    marks: dict[Value, set[bool]] = {}
    for instr in program.instrs:
        results = _images([Value(instr, i) for i in range(len(instr.types))])
        operands = _images(instr.inputs)
        if isinstance(instr.op, Transpose):
            order = instr.op.perm
            if order in (TO_LAST, TO_FIRST):
                marks.setdefault(operands[0], set()).add(order == TO_LAST)
                marks.setdefault(results[0], set()).add(order == TO_FIRST)
        elif not isinstance(instr.op, Reshape | ReshapeTo | ReshapeLike):
            if operands and (instr.op.contracts or isinstance(instr.op, Pool)):
                marks.setdefault(operands[0], set()).add(_LAST)
            joined = [*operands, *results]
            for one, other in pairwise(joined):
                near.setdefault(one, []).append(other)
                near.setdefault(other, []).append(one)
    found: set[Instr] = set()
    seen: set[Value] = set()
    for start in marks:
        group, todo = [], [] if start in seen else [start]
        seen.add(start)
        while todo:
            group.append(value := todo.pop())
            todo += (fresh := [v for v in dict.fromkeys(near.get(value, ())) if v not in seen])
            seen.update(fresh)
        if {mark for value in group for mark in marks.get(value, ())} == {_FIRST}:
            found.update(v.instr for v in group if v.output == 0)
    return found


def _images(values: Sequence[Value]) -> list[Value]:
    return [v for v in values if v.type.rank == 4]
