"""Elementwise ops, one to one with TensorFlow's, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minigraph.core.dtypes import bool_
from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.formats.tensorflow.emit import Exporter, plain, through, typed
from minigraph.formats.tensorflow.node import Importer, TfNode, same
from minigraph.ops.array.reshape import reshape
from minigraph.ops.control.checks import CheckNumerics
from minigraph.ops.filling import OnesLike, ZerosLike, ones_like, zeros_like
from minigraph.ops.host.host_ops import where
from minigraph.ops.identity import Identity, IdentityN, StopGradient
from minigraph.ops.math import (
    arithmetic,
    casting,
    comparison,
    elementary,
    exponential,
    extremes,
    finite,
    integer_division,
    rounding,
    trigonometric,
)
from minigraph.ops.math.add_n import AddN
from minigraph.ops.math.arithmetic import square
from minigraph.ops.math.comparison import equal, greater, less, logical_and, logical_not, logical_or
from minigraph.ops.math.erf import Erf, erf
from minigraph.ops.math.exponential import log
from minigraph.ops.math.finite import is_finite, is_nan
from minigraph.ops.math.integer_division import truncatediv
from minigraph.ops.math.selection import Select
from minigraph.ops.nn import activation
from minigraph.ops.nn.activation import sigmoid
from minigraph.ops.nn.bias import BiasAdd, BiasAddGrad

# Ops of the same name, operands and formula in TensorFlow, with the one attribute T.
_SAME: tuple[type[Op], ...] = (
    arithmetic.Add, arithmetic.AddV2, arithmetic.Sub, arithmetic.Mul, arithmetic.RealDiv, arithmetic.DivNoNan,
    arithmetic.SquaredDifference, arithmetic.Neg, arithmetic.Abs, arithmetic.Sign, arithmetic.Reciprocal,
    arithmetic.Square, comparison.Equal, comparison.NotEqual, comparison.Less, comparison.LessEqual,
    comparison.Greater, comparison.GreaterEqual, Erf, exponential.Exp, exponential.Expm1, exponential.Log,
    exponential.Log1p, exponential.Sqrt, exponential.Rsqrt, exponential.Pow, extremes.Maximum, extremes.Minimum,
    finite.IsNan, finite.IsFinite, integer_division.FloorDiv, integer_division.FloorMod, rounding.Floor, rounding.Ceil,
    rounding.Round, trigonometric.Sin, trigonometric.Cos, trigonometric.Tanh, activation.Relu, activation.Relu6,
    activation.Elu, activation.Selu, activation.Sigmoid, activation.Softplus, activation.Softsign,
    activation.ReluGrad, activation.Relu6Grad, integer_division.TruncateDiv, integer_division.TruncateMod,
    *elementary.KINDS, ZerosLike, OnesLike, StopGradient, Identity,
)  # fmt: skip
_LOGICAL = (comparison.LogicalAnd, comparison.LogicalOr, comparison.LogicalNot)
# Other names in TensorFlow for the same.
_ALIASES = {"Inv": arithmetic.Reciprocal, "Snapshot": Identity, "PreventGradient": Identity}


def _built(function: Callable[..., Tensor]) -> Importer:
    """Import as what `function` makes of the inputs."""
    return lambda call: call.build(lambda: function(*call.inputs))


def _division(of_floats: Op) -> Importer:
    """Division that truncates integers towards 0."""
    integers = _built(truncatediv)
    return lambda call: call.same(of_floats) if call.x.dtype.is_floating else integers(call)


def _select(call: TfNode) -> Sequence[Tensor]:
    """A vector of conditions chooses whole rows."""
    condition, x, y = call.inputs
    rank, rows = x.type.rank, condition.type.rank
    if call.kind == "Select" and rows == 1 and rank is not None and rank > 1:
        full = reshape(condition, [-1] + [1] * (rank - 1))
        return call.add(Select(), logical_and(full, ones_like(x, bool_)), x, y)
    return call.same(Select())


def _bias(call: TfNode) -> Sequence[Tensor]:
    if call.channels_first and call.x.type.rank == 4:
        return call.images(BiasAdd(), call.last(call.x), call.inputs[1])
    return call.same(BiasAdd())


def _bias_grad(call: TfNode) -> Sequence[Tensor]:
    grad = call.last(call.x) if call.x.type.rank in (None, 4) else call.x
    return call.add(BiasAddGrad(), grad)


# Gradients whose formula minigraph composes: of the activation y (or the features x) and the gradient g.


def _selu_grad(g: Tensor, y: Tensor) -> Tensor:
    scale, scale_alpha = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123
    return where(less(y, zeros_like(y)), g * (y + scale_alpha), g * scale)


def _leaky_grad(call: TfNode) -> Sequence[Tensor]:
    g, x = call.inputs
    alpha = call.attr("alpha", 0.2)
    return call.build(lambda: where(greater(x, zeros_like(x)), g, g * alpha))


IMPORT: dict[str, Importer] = {
    **{kind.__name__: same(kind()) for kind in (*_SAME, *_LOGICAL)},
    **{name: same(kind()) for name, kind in _ALIASES.items()},
    "AddN": same(AddN()),
    "AccumulateNV2": same(AddN()),
    "BiasAdd": _bias,
    "BiasAddV1": _bias,
    "BiasAddGrad": _bias_grad,
    "Cast": lambda call: call.same(casting.Cast(call.dtype("DstT"))),
    "CheckNumerics": lambda call: call.same(CheckNumerics(call.attr("message"))),
    "Div": _division(arithmetic.RealDiv()),
    "EluGrad": _built(lambda g, y: where(less(y, zeros_like(y)), (y + 1.0) * g, g)),
    "Erfc": _built(lambda x: 1.0 - erf(x)),
    "IdentityN": same(IdentityN()),
    "InvGrad": _built(lambda y, g: -g * y * y),
    "IsInf": _built(lambda x: logical_not(logical_or(is_finite(x), is_nan(x)))),
    "LeakyRelu": lambda call: call.same(activation.LeakyRelu(call.attr("alpha", 0.2))),
    "LeakyReluGrad": _leaky_grad,
    "Mod": same(integer_division.TruncateMod()),
    "MulNoNan": _built(lambda x, y: where(equal(y, zeros_like(y)), zeros_like(x * y), x * y)),
    "ReciprocalGrad": _built(lambda y, g: -g * y * y),
    "RsqrtGrad": _built(lambda y, g: -0.5 * g * y * y * y),
    "Select": _select,
    "SelectV2": _select,
    "SeluGrad": _built(_selu_grad),
    "SigmoidGrad": _built(lambda y, g: g * y * (1.0 - y)),
    "SoftplusGrad": _built(lambda g, x: g * sigmoid(x)),
    "SoftsignGrad": _built(lambda g, x: g / square(1.0 + abs(x))),
    "SqrtGrad": _built(lambda y, g: g * 0.5 / y),
    "TanhGrad": _built(lambda y, g: g * (1.0 - y * y)),
    "TruncateDiv": _division(integer_division.TruncateDiv()),
    "Xdivy": _built(lambda x, y: where(equal(x, zeros_like(x)), zeros_like(x / y), x / y)),
    "Xlogy": _built(
        lambda x, y: where(equal(x, zeros_like(x)), zeros_like(x * y), x * log(y))
    ),
}  # fmt: skip


EXPORT: dict[str, Exporter] = {
    **{kind.__name__: typed(kind.__name__) for kind in _SAME},
    **{kind.__name__: plain(kind.__name__) for kind in _LOGICAL},
    "AddN": lambda e: e.same("AddN", N=len(e.inputs), T=e.dtype()),
    "BiasAdd": typed("BiasAdd"),
    "BiasAddGrad": typed("BiasAddGrad"),
    "Cast": lambda e: e.same("Cast", SrcT=e.dtype(), DstT=e.out.dtype),
    "CheckDivisor": through,  # TensorFlow's ops refuse such values themselves
    "CheckNumerics": lambda e: e.same("CheckNumerics", T=e.dtype(), message=e.op.message),
    "CheckRange": through,
    "IdentityN": lambda e: e.same("IdentityN", T=tuple(t.dtype for t in e.inputs)),
    "LeakyRelu": lambda e: e.same("LeakyRelu", T=e.dtype(), alpha=float(e.op.alpha)),
    "LogicalXor": typed("NotEqual"),
    "Recompute": through,
    "Select": lambda e: e.same("Select", T=e.out.dtype),
}
