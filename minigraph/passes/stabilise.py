"""Stability: logarithms of sums of exponentials in forms that neither overflow nor take log 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.math.arithmetic import Add, Mul, Neg
from minigraph.ops.math.exponential import Exp, Log, Log1p
from minigraph.ops.math.reduce import Sum
from minigraph.ops.nn.activation import Softplus
from minigraph.ops.nn.loss import LogSoftmax, Softmax, SoftmaxCrossEntropyWithLogits
from minigraph.passes.constant_folding import constant_value
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass


def _log_softmax(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [new.add(LogSoftmax(), found["softmax"].inputs[0])]


def _over_classes(instr: Instr) -> str | None:
    axis, rank = instr.op.axis, len(instr.inputs[0].type.static)  # type: ignore[attr-defined]
    if instr.op.keep_dims:  # type: ignore[attr-defined]
        return "it keeps the reduced axis"
    return None if rank == 2 and axis in ((1,), (-1,)) else "it is not the sum over the last of two axes"


def _cross_entropy(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    product, log = found["product"], found["log"]
    labels = next(v for v in product.inputs if v.instr is not log)
    logits = log.inputs[0]
    if labels.type != logits.type:
        return "labels and logits have different types"
    return [new.add(SoftmaxCrossEntropyWithLogits(), logits, labels)]


def _with_one(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    total = found["sum"]
    for position in (0, 1):
        other = total.inputs[1 - position]
        if constant_value(total.inputs[position]) == 1 and other.type == total.types[0]:
            return [new.add(Log1p(), other)]
    return "it is not a sum with the constant 1"


def _softplus(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [new.add(Softplus(), found["exp"].inputs[0])]


RULES: tuple[Rule, ...] = (
    Rule("log_softmax", Pattern(Log, Pattern(Softmax, name="softmax")), _log_softmax),
    Rule("log1p", Pattern(Log, Pattern(Add, name="sum")), _with_one),
    Rule("softplus", Pattern(Log1p, Pattern(Exp, name="exp")), _softplus),
    Rule(
        "softmax_cross_entropy",
        Pattern(
            Neg,
            Pattern(
                Sum,
                Pattern(Mul, None, Pattern(LogSoftmax, name="log"), name="product", commutes=True),
                check=_over_classes,
            ),
        ),
        _cross_entropy,
    ),
)


@dataclass(frozen=True)
class Stabilise(RulePass):
    """Stability rewrites.

    before      log(softmax(x)); −Σ y·log(softmax(x)) over the classes; log(1 + x); log(1 + eˣ)
    after       log_softmax(x); softmax_cross_entropy(x, y); log1p(x); softplus(x)
    conditions  the sum is over the last of two axes and drops it, and labels have the logits' shape; the other operand
                of 1 + x has the shape of the sum
    formula     log(e^{x_i} / Σ_j e^{x_j}) = x_i − max − log Σ_j e^{x_j − max}, which neither overflows nor takes log 0
    """

    name: str = field(default="stabilise", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


stabilise = Stabilise()
