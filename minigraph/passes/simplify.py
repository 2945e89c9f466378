"""Algebra: neutral operands, double negations, and moves of data that cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from minigraph.core.op import Op
from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.reshape import Reshape, Transpose
from minigraph.ops.broadcast import BroadcastTo, SumTo
from minigraph.ops.identity import Identity
from minigraph.ops.math.arithmetic import Add, Mul, Neg, RealDiv, Sub
from minigraph.ops.math.casting import Cast
from minigraph.ops.math.exponential import Pow
from minigraph.passes.constant_folding import constant_value
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass


def _neutral(
    position: int, holds: Callable[[float, bool], bool]
) -> Callable[[Match, Rebuilder], Sequence[Value] | str]:
    """Replace a binary op by the other operand where the one at `position` is neutral."""

    def replace(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        root = found.root
        number = constant_value(root.inputs[position])
        if number is None:
            return "no operand is a constant of one value"
        if not holds(number, bool(np.signbit(number))):
            return f"{number} is not neutral here"
        kept = root.inputs[1 - position]
        return [kept] if kept.type == root.types[0] else "the other operand has another shape than the result"

    return replace


def _one(number: float, negative: bool) -> bool:
    return number == 1


def _plus_zero(number: float, negative: bool) -> bool:
    return number == 0 and not negative


def _minus_zero(number: float, negative: bool) -> bool:
    return number == 0 and negative


def _neutral_rules() -> list[Rule]:
    cases: list[tuple[type[Op], int, Callable[[float, bool], bool]]] = [
        (Mul, 1, _one),
        (Mul, 0, _one),
        (RealDiv, 1, _one),
        (Pow, 1, _one),
        (Sub, 1, _plus_zero),
        (Add, 1, _minus_zero),
        (Add, 0, _minus_zero),
    ]
    return [Rule(f"{op.__name__}_neutral_{i}", Pattern(op), _neutral(i, holds)) for op, i, holds in cases]


def _same_type(instr: Instr) -> str | None:
    return None if instr.inputs[0].type == instr.types[0] else "it changes the type"


def _operand(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [found.root.inputs[0]]


def _inner_operand(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [found["inner"].inputs[0]]


def _merge_reshapes(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [new.add(found.root.op, found["inner"].inputs[0])]


def _merge_transposes(found: Match, new: Rebuilder) -> Sequence[Value]:
    source = found["inner"].inputs[0]
    rank = len(source.type.static)
    first, second = (i.op.axes(rank) for i in (found["inner"], found.root))  # type: ignore[attr-defined]
    both = tuple(first[p] for p in second)
    return [source] if both == tuple(range(rank)) else [new.add(Transpose(both), source)]


NEUTRAL = tuple(_neutral_rules())
MOVES = (
    Rule("transpose_of_transpose", Pattern(Transpose, Pattern(Transpose, name="inner")), _merge_transposes),
    Rule("no_change", Pattern((Reshape, Cast, BroadcastTo, SumTo), check=_same_type), _operand),
    Rule("reshape_of_reshape", Pattern(Reshape, Pattern(Reshape, name="inner")), _merge_reshapes),
)

RULES: tuple[Rule, ...] = (
    *NEUTRAL,
    Rule("double_negation", Pattern(Neg, Pattern(Neg, name="inner")), _inner_operand),
    Rule("identity", Pattern(Identity), _operand),
    *MOVES,
)


@dataclass(frozen=True)
class Simplify(RulePass):
    """Algebraic simplification.

    before      x·1, x/1, x − 0, x + (−0), x¹, −(−x); reshapes of reshapes, transposes of transposes; casts, reshapes
                and broadcasts that change nothing
    after       x, or the one operation that does the same
    conditions  the result keeps its type; only identities that hold for every float, NaN, infinities and −0 included
                (x·0 is not 0 for x = NaN, x + 0 is not x for x = −0, x − (−0) is not x for x = −0)
    formula     as above
    """

    name: str = field(default="simplify", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


simplify = Simplify()
