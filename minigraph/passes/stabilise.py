"""Stability: exponentials, logarithms and quotients in forms that neither overflow nor divide by 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from minigraph.core.op import Op
from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.reshape import Reshape
from minigraph.ops.broadcast import SumTo
from minigraph.ops.math.arithmetic import Add, Mul, Neg, RealDiv, Sub
from minigraph.ops.math.exponential import Exp, Expm1, Log, Log1p
from minigraph.ops.math.reduce import Sum
from minigraph.ops.nn.activation import Sigmoid, Softplus
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.passes.constant_folding import constant_value
from minigraph.passes.stable_products import is_shifted, other_than_one, shifted, simplified, taken_out
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

_Replace = Callable[[Match, Rebuilder], Sequence[Value] | str]
_SHAPE = "the other operand changes the shape"
_NO_ONE = "it is not a sum with the constant 1"


def _as(op: Op, name: str) -> _Replace:
    """Replace the root by `op` of the operand of the instruction bound to `name`."""

    def replace(found: Match, new: Rebuilder) -> Sequence[Value]:
        return [new.add(op, found[name].inputs[0])]

    return replace


def _over_classes(instr: Instr) -> str | None:
    axis, rank = instr.op.axis, len(instr.inputs[0].type.static)  # type: ignore[attr-defined]
    if instr.op.keep_dims:  # type: ignore[attr-defined]
        return "it keeps the reduced axis"
    return None if rank == 2 and axis in ((1,), (-1,)) else "it is not the sum over the last of two axes"


def _cross_entropy(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    product, log = found["product"], found["log"]
    labels = product.inputs[0 if product.inputs[1].instr is log else 1]  # the log itself in log²
    logits = log.inputs[0]
    if labels.type != logits.type:
        return "labels and logits have different types"
    return [new.add(SoftmaxCrossEntropyWithLogits(), logits, labels)]


def _with_one(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    other = other_than_one(found["sum"])
    return _NO_ONE if other is None else [new.add(Log1p(), other)]


def _expm1(one: float) -> _Replace:
    """e^x − 1 for a sum or difference of e^x and the constant `one`."""

    def replace(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        root, exp = found.root, found["exp"]
        other = root.inputs[1 if root.inputs[0].instr is exp else 0]
        if constant_value(other) != one:
            return f"the other operand is not the constant {one:g}"
        x = exp.inputs[0]
        return [new.add(Expm1(), x)] if x.type == root.types[0] else _SHAPE

    return replace


def _minus_expm1(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root, x = found.root, found["exp"].inputs[0]
    if constant_value(root.inputs[0]) != 1 or x.type != root.types[0]:
        return "it is not the constant 1 minus e^x"
    return [new.add(Neg(), new.add(Expm1(), x))]


def _operand(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [found["exp"].inputs[0]]


def _negated(x: Value, new: Rebuilder) -> Value:
    """−x, without a double negation."""
    return x.instr.inputs[0] if isinstance(x.instr.op, Neg) and not x.instr.control else new.add(Neg(), x)


def _log_sigmoid(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [new.add(Neg(), new.add(Softplus(), _negated(found["sigmoid"].inputs[0], new)))]


def _log_of_complement(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    root, x = found["complement"], found["sigmoid"].inputs[0]
    if isinstance(root.op, Sub) and constant_value(root.inputs[0]) != 1:
        return "it is not the constant 1 minus a sigmoid"
    if x.type != root.types[0]:
        return _SHAPE
    return [new.add(Neg(), new.add(Softplus(), x))]


def _log1p_of_minus_sigmoid(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [new.add(Neg(), new.add(Softplus(), found["sigmoid"].inputs[0]))]


def _sigmoid(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    exp = found["exp"]
    if constant_value(found.root.inputs[0]) != 1:
        return "the numerator is not the constant 1"
    other = other_than_one(found["sum"])
    if other is None or other.instr is not exp:
        return _NO_ONE
    x = exp.inputs[0]
    return [new.add(Sigmoid(), _negated(x, new))] if x.type == found.root.types[0] else _SHAPE


def _summable(instr: Instr) -> str | None:
    terms = instr.inputs[0].instr
    if terms.inputs and is_shifted(terms.inputs[0]):
        return "the largest element is subtracted already"
    return None if instr.inputs[0].type.size else "there is nothing to sum"


def _log_sum_exp(found: Match, new: Rebuilder) -> Sequence[Value]:
    kind, total = found.root.types[0], found["sum"]
    largest, _, terms = shifted(total, new)
    rest = largest if largest.type == kind else new.add(Reshape(kind.static), largest)
    return [new.add(Add(), new.add(Log(), terms), rest)]


def _product(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    result = simplified(found.root, new)
    if result is None:
        return "no factor cancels"
    return [result] if result.type == found.root.types[0] else "a factor that cancels gives the result its shape"


def _taken_out(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    result = taken_out(found.root, new)
    return "it is not a sum of quotients by one sum of exponentials" if result is None else [result]


_EXP = Pattern(Exp, name="exp")
_SIGMOID = Pattern(Sigmoid, name="sigmoid")

RULES: tuple[Rule, ...] = (
    Rule("log_softmax", Pattern(Log, Pattern(Softmax, name="softmax")), _as(LogSoftmax(), "softmax")),
    Rule("log_of_exp", Pattern(Log, _EXP), _operand),
    Rule("log_sigmoid", Pattern(Log, _SIGMOID), _log_sigmoid),
    Rule("log_of_complement", Pattern(Log, Pattern(Sub, None, _SIGMOID, name="complement")), _log_of_complement),
    Rule("log1p_of_minus_sigmoid", Pattern(Log1p, Pattern(Neg, _SIGMOID)), _log1p_of_minus_sigmoid),
    Rule("log_sum_exp", Pattern(Log, Pattern(Sum, Pattern(Exp), name="sum", check=_summable)), _log_sum_exp),
    Rule("log1p", Pattern(Log, Pattern(Add, name="sum")), _with_one),
    Rule("softplus", Pattern(Log1p, _EXP), _as(Softplus(), "exp")),
    Rule("expm1", Pattern(Sub, _EXP), _expm1(1)),
    Rule("expm1_of_sum", Pattern(Add, _EXP, None, commutes=True), _expm1(-1)),
    Rule("minus_expm1", Pattern(Sub, None, _EXP), _minus_expm1),
    Rule(
        "sigmoid",
        Pattern(RealDiv, None, Pattern(Add, _EXP, None, name="sum", commutes=True)),
        _sigmoid,
    ),
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
    Rule("product", Pattern((Mul, RealDiv)), _product),
    Rule("sum_of_quotients", Pattern((Sum, SumTo), Pattern((Mul, RealDiv, Neg))), _taken_out),
)


@dataclass(frozen=True)
class Stabilise(RulePass):
    """Stability rewrites, of values and of the gradients that autodiff makes of them.

    before      log(softmax(x)); −Σ y·log(softmax(x)) over the classes; log(1 + x); log(1 + eˣ); log(eˣ); log Σ eˣ;
                log σ(x); log(1 − σ(x)); eˣ − 1; 1 − eˣ; 1/(1 + eˣ); eˣ/(1 + eˣ); products with quotients: (g/p)·p,
                (g/(1 + eˣ))·eˣ, (g/Σ eˣ)·eˣ
    after       log_softmax(x); softmax_cross_entropy(x, y); log1p(x); softplus(x); x; m + log Σ e^{x − m};
                −softplus(−x); −softplus(x); expm1(x); −expm1(x); σ(−x); σ(x); g, g·σ(x), (g/Σ e^{x − m})·e^{x − m}
    conditions  the sum of a cross-entropy is over the last of two axes and drops it, and labels have the logits' shape;
                the operand beside 1 has the shape of the result; x of log Σ eˣ has elements, and its largest is not
                yet subtracted; p is positive for all finite x: eˣ, 1 + eˣ, Σ eˣ, σ(x), 1 − σ(x) or softmax(x). The
                factors of a product stand behind products, quotients, negations and broadcasts; one that multiplies a
                sum goes into the sum if it cancels there. A product has at most FACTORS factors
    formula     log(e^{x_i} / Σ_j e^{x_j}) = x_i − m − log Σ_j e^{x_j − m} with m = max x, which neither overflows nor
                takes log 0; σ(x) = 1/(1 + e⁻ˣ) = eˣ/(1 + eˣ) and 1 − σ(x) = σ(−x); log σ(x) = −log(1 + e⁻ˣ);
                (g/p)·p = g for p > 0, also where p rounds to 0
    """

    name: str = field(default="stabilise", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


stabilise = Stabilise()
