"""Exporters of the elementwise ops. `elementwise.py` has their importers."""

from __future__ import annotations

import math
from collections.abc import Callable

from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.library import as_onnx_dtype
from minigraph.ops.math.quantization import DequantizeLinear


def _same(kind: str) -> Callable[[Emit], None]:
    """Export as the ONNX operator `kind`."""

    def build(e: Emit) -> None:
        names, first = e.operands()
        e.result(e.add(kind, *names), first)

    return build


def _neutral(kind: str, number: float) -> Callable[[Emit], None]:
    """Export a binary op. The scalar `number` on the right (or left, if it commutes) makes it the identity."""

    def build(e: Emit) -> None:
        for i in (0, 1) if kind in ("Add", "Mul") else (1,):
            array, other = e.known(i), e.inputs[1 - i]
            if array is not None and array.size == 1 and array.ravel()[0] == number and other.type == e.out:
                e.alias(1 - i)
                return
        _same(kind)(e)

    return build


def _composed(*steps: str) -> Callable[[Emit], None]:
    """Export as a chain of operators: the first on all inputs, each other one on the result before it."""

    def build(e: Emit) -> None:
        names, first = e.operands()
        name = e.add(steps[0], *names)
        for step in steps[1:]:
            name = e.add(step, name)
        e.result(name, first)

    return build


def _square(e: Emit) -> None:
    (name,), first = e.operands()
    e.result(e.add("Mul", name, name), first)


def _squared_difference(e: Emit) -> None:
    names, first = e.operands()
    difference = e.add("Sub", *names)
    e.result(e.add("Mul", difference, difference), first)


def _expm1(e: Emit) -> None:
    """tanh(x/2)·(e^x + 1), which keeps the digits that e^x − 1 loses near 0."""
    (name,), first = e.operands()
    half = e.add("Tanh", e.add("Mul", name, e.number(0.5, "half")))
    e.result(e.add("Mul", half, e.add("Add", e.add("Exp", name), e.number(1, "one"))), first)


def _log1p(e: Emit) -> None:
    """For |x| < 1 log w · x/(w − 1) with w = x + 1 as it was rounded, or x where w is 1; else log w.

    Source: D. Goldberg, "What Every Computer Scientist Should Know About Floating-Point Arithmetic" (1991), theorem 4.
    (w is written x − (−1), so that nobody who reads the file takes log w for log1p.)
    """
    (name,), first = e.operands()
    one = e.number(1, "one")
    w = e.add("Sub", name, e.number(-1, "minus_one"))
    log = e.add("Log", w)
    near = e.add("Mul", log, e.add("Div", name, e.add("Sub", w, one)))
    near = e.add("Where", e.add("Equal", w, one), name, near)
    e.result(e.add("Where", e.add("Less", e.add("Abs", name), one), near, log), first)


def _relu6(e: Emit) -> None:
    (name,), first = e.operands()
    e.result(e.add("Clip", name, e.number(0, "low"), e.number(6, "high")), first)


def _leaky_relu(e: Emit) -> None:
    (name,), first = e.operands()
    e.result(e.add("LeakyRelu", name, alpha=float(e.op.alpha)), first)


def _div_no_nan(e: Emit) -> None:
    (x, y), first = e.operands()
    zero = e.number(0, "zero")
    e.result(e.add("Where", e.add("Equal", y, zero), zero, e.add("Div", x, y)), first)


def _floor_div(e: Emit) -> None:
    (x, y), first = e.operands()
    if e.out.dtype.is_floating:
        e.result(e.add("Floor", e.add("Div", x, y)), first)
    else:
        e.result(e.add("Div", e.add("Sub", x, e.add("Mod", x, y)), y), first)


def _floor_mod(e: Emit) -> None:
    (x, y), first = e.operands()
    if e.out.dtype.is_floating:
        e.result(e.add("Sub", x, e.add("Mul", e.add("Floor", e.add("Div", x, y)), y)), first)
    else:
        e.result(e.add("Mod", x, y), first)


def _atan2(e: Emit) -> None:
    """The arctangent of |y|/|x|, which is 0 by 0 at the origin, then the quadrant by the signs. −0 has a sign."""
    (y, x), first = e.operands()
    zero, one, pi = (e.number(v, k) for v, k in ((0, "zero"), (1, "one"), (math.pi, "pi")))
    height, width = e.add("Abs", y), e.add("Abs", x)
    ratio = e.add("Where", e.add("Equal", height, width), e.add("Sign", height), e.add("Div", height, width))
    angle = e.add("Atan", ratio)
    for side, opposite in ((x, e.add("Sub", pi, angle)), (y, None)):
        negative = e.add("Or", e.add("Less", side, zero), e.add("Less", e.add("Div", one, side), zero))
        angle = e.add("Where", negative, opposite or e.add("Neg", angle), angle)
    e.result(angle, first)


def _truncate_mod(e: Emit) -> None:
    names, first = e.operands()
    e.result(e.add("Mod", *names, fmod=1), first)


def _is_finite(e: Emit) -> None:
    (x,), first = e.operands()
    e.result(e.add("Not", e.add("Or", e.add("IsNaN", x), e.add("IsInf", x))), first)


def _cast_out(e: Emit) -> None:
    (x,), first = e.operands()
    e.result(e.add("Cast", x, to=as_onnx_dtype(e.out.dtype)), first)


def _where(e: Emit) -> None:
    condition = e.inputs[0].type
    if condition.rank == 1 and (e.out.rank or 0) > 1:
        rows = e.add("Unsqueeze", e.plain(0), e.ints(list(range(1, e.out.rank or 0)), "axes"))
        e.give(e.add("Where", rows, e.plain(1), e.plain(2)))
        return
    names, first = e.operands()
    e.result(e.add("Where", *names), first)


def _bias_add(e: Emit) -> None:
    """Make the bias the third input of its convolution if nothing else reads the convolution's result."""
    bias, (image, vector) = e.known(1), e.inputs
    is_known = bias is not None or isinstance(vector.node.op, DequantizeLinear)
    if not e.is_first():
        e.give(e.add("Add", e.plain(0), e.plain(1)))
        return
    maker = e.sheet.maker(e.first())
    convolves = maker is not None and maker.op_type in ("Conv", "ConvTranspose") and len(maker.input) == 2
    if convolves and is_known and e.sheet.uses[image] == 1:
        maker.input.append(e.plain(1) if bias is None else e.constant(bias, "bias"))
        e.give_first(e.first())
        return
    axes = list(range(1, (e.out.rank or 0) - 1))
    column = e.constant(bias.reshape(-1, *[1] * len(axes)), "bias") if bias is not None else ""
    e.give_first(e.add("Add", e.first(), column or e.add("Unsqueeze", e.plain(1), e.ints(axes, "axes"))))


def _like_filled(value: int) -> Callable[[Emit], None]:
    def build(e: Emit) -> None:
        first = e.is_first()
        name = e.first() if first else e.plain()
        e.result(e.filled(e.add("Shape", name), value), first)

    return build


EXPORT: dict[str, Callable[[Emit], None]] = {
    **{kind: _same(kind) for kind in ("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Sinh", "Tan")},
    "Abs": _same("Abs"),
    "Add": _neutral("Add", 0),
    "AddN": _same("Sum"),
    "AddV2": _neutral("Add", 0),
    "Atan2": _atan2,
    "BiasAdd": _bias_add,
    "Cast": _cast_out,
    "Ceil": _same("Ceil"),
    "Cos": _same("Cos"),
    "DivNoNan": _div_no_nan,
    "Elu": _same("Elu"),
    "Equal": _same("Equal"),
    "Erf": _same("Erf"),
    "Exp": _same("Exp"),
    "Expm1": _expm1,
    "Floor": _same("Floor"),
    "FloorDiv": _floor_div,
    "FloorMod": _floor_mod,
    "Greater": _same("Greater"),
    "GreaterEqual": _same("GreaterOrEqual"),
    "Identity": Emit.alias,
    "IsFinite": _is_finite,
    "IsNan": _same("IsNaN"),
    "LeakyRelu": _leaky_relu,
    "Less": _same("Less"),
    "LessEqual": _same("LessOrEqual"),
    "Log": _same("Log"),
    "Log1p": _log1p,
    "LogicalAnd": _same("And"),
    "LogicalNot": _same("Not"),
    "LogicalOr": _same("Or"),
    "LogicalXor": _same("Xor"),
    "Maximum": _same("Max"),
    "Minimum": _same("Min"),
    "Mul": _neutral("Mul", 1),
    "Neg": _same("Neg"),
    "NotEqual": _composed("Equal", "Not"),
    "OnesLike": _like_filled(1),
    "Pow": _same("Pow"),
    "RealDiv": _neutral("Div", 1),
    "Reciprocal": _same("Reciprocal"),
    "Relu": _same("Relu"),
    "Relu6": _relu6,
    "Round": _same("Round"),
    "Rsqrt": _composed("Sqrt", "Reciprocal"),
    "Select": _where,
    "Selu": _same("Selu"),
    "Sigmoid": _same("Sigmoid"),
    "Sign": _same("Sign"),
    "Sin": _same("Sin"),
    "Softplus": _same("Softplus"),
    "Softsign": _same("Softsign"),
    "Sqrt": _same("Sqrt"),
    "Square": _square,
    "SquaredDifference": _squared_difference,
    "StopGradient": Emit.alias,
    "Sub": _neutral("Sub", 0),
    "Tanh": _same("Tanh"),
    "TruncateDiv": _neutral("Div", 1),
    "TruncateMod": _truncate_mod,
    "ZerosLike": _like_filled(0),
}
