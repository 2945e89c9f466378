"""Dropout that keeps everything: at inference it goes away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.ir.program import Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.filling import Full
from minigraph.ops.math.arithmetic import Add
from minigraph.ops.math.comparison import GreaterEqual
from minigraph.ops.random.distributions import RandomUniform
from minigraph.passes.constant_folding import FOLD, FOLD_FULL, constant_value
from minigraph.passes.simplify import NEUTRAL
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass


def _always(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    rate = constant_value(found.root.inputs[1])
    if rate is None:
        return "the rate is not constant"
    return [new.add(Full(found.root.types[0], True))] if rate <= 0 else "the rate is above 0"


def _plus_zero(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    values = Value(found["uniform"], 0)
    zero = next((v for v in found.root.inputs if v != values), None)
    if zero is None or constant_value(zero) != 0 or values.type != found.root.types[0]:
        return "it is not a sum with the constant 0"
    return [values]


RULES: tuple[Rule, ...] = (
    Rule("uniform_plus_zero", Pattern(Add, Pattern(RandomUniform, name="uniform"), None, commutes=True), _plus_zero),
    Rule("always_kept", Pattern(GreaterEqual, Pattern(RandomUniform)), _always),
    FOLD,
    FOLD_FULL,
    *NEUTRAL,
)


@dataclass(frozen=True)
class RemoveDropout(RulePass):
    """Removal of dropout that drops nothing.

    before      x·s·cast(U ≥ r), with U uniform in [0, 1) and a rate r that is the constant 0: dropout at inference
    after       x (the scale s = 1/(1 − r) is 1 then, and goes by the rules for neutral operands)
    conditions  r is constant and at most 0. The random state still moves on as if U had been drawn, so that later runs
                see the same numbers with and without the pass
    formula     U ≥ r for all U in [0, 1) where r ≤ 0
    """

    name: str = field(default="remove_dropout", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


remove_dropout = RemoveDropout()
