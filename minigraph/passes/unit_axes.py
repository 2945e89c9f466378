"""Rules by which vectors lose leading axes of length 1, so that operations on [1,1,1,n] and [n] meet in one loop.

before      f(reshape(v), …) of shape [1,…,1,n] for vectors v [n]; reshape(f(x, …)) to [n] for x of shape [1,…,1,n];
            f(y, reshape(v)) for y of more elements
after       reshape(f(v, …)); f(reshape(x), …); f(y, v)
conditions  f works element by element; in the first two all operands are scalars or have f's shape; no control inputs
formula     f takes the same numbers in the same order, so each element has the same bits
"""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.reshape import Reshape
from minigraph.ops.math.add_n import AddN
from minigraph.ops.pointwise import Pointwise
from minigraph.passes.simplify import MOVES
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern


def _is_row(value: Value) -> bool:
    """Whether it has several axes, all of length 1 but the last."""
    shape = value.type.static
    return len(shape) > 1 and all(d == 1 for d in shape[:-1])


def _is_raised(value: Value) -> bool:
    """Whether it is a vector with leading axes added."""
    op, instr = value.instr.op, value.instr
    return isinstance(op, Reshape) and not instr.control and _is_row(value) and len(instr.inputs[0].type.static) == 1


def _fits(instr: Instr) -> str | None:
    row = Value(instr, 0)
    same = all(v.type.static in ((), row.type.static) for v in instr.inputs)
    return None if _is_row(row) and same else "not all operands are scalars or rows of the result's shape"


def _as_vectors(instr: Instr, new: Rebuilder) -> Value:
    """The pointwise operation on vectors."""
    flat = [v if v.type.static == () else _lowered(v, new) for v in instr.inputs]
    return new.add(instr.op, *flat)


def _lowered(value: Value, new: Rebuilder) -> Value:
    return value.instr.inputs[0] if _is_raised(value) else new.add(Reshape(value.type.static[-1:]), value)


def _to_vector(instr: Instr) -> str | None:
    return None if len(instr.types[0].static) == 1 else "it does not make a vector"


def _above(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [_as_vectors(found["inner"], new)]


def _below(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root = found.root
    reason = _fits(root)
    if reason is None and any(map(_is_raised, root.inputs)):
        return [new.add(Reshape(root.types[0].static), _as_vectors(root, new))]
    return reason or "no operand is a vector with axes added"


def _broadcast(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root = found.root
    kind = root.types[0]
    whole = any(v.type.static == kind.static for v in root.inputs if not _is_raised(v))
    if not whole or not any(map(_is_raised, root.inputs)):
        return "no operand is a vector with axes added beside one of the result's shape"
    return [new.add(root.op, *(v.instr.inputs[0] if _is_raised(v) else v for v in root.inputs))]


KINDS = (Pointwise, AddN)
RULES = (
    Rule("reshape_above", Pattern(Reshape, Pattern(KINDS, name="inner", check=_fits), check=_to_vector), _above),
    Rule("reshape_below", Pattern(KINDS), _below),
    Rule("vector_as_operand", Pattern(KINDS), _broadcast),
    *MOVES,
)
