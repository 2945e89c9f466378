"""Activation functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.scalar import Scalar, call, cast, library, where
from minigraph.ops.array.joining import concat
from minigraph.ops.builder import apply, composed
from minigraph.ops.filling import ZerosLike
from minigraph.ops.math.arithmetic import Abs, Add, Mul, RealDiv, Square, Sub, negative
from minigraph.ops.math.comparison import Greater, Less
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import Pointwise, Unary, X, scalar_like, unary

__all__ = [
    "crelu",
    "elu",
    "leaky_relu",
    "log_sigmoid",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "softplus",
    "softsign",
    "swish",
]


class Relu(Unary):
    """y = max(x, 0). The derivative at 0 is 0; NaN stays NaN."""

    def expr(self, *operands: Scalar) -> Scalar:
        return call("maximum", operands[0], 0)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ReluGrad(), g, y)


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0); the derivative at 0 is 0."""
    return unary(Relu(), features, name, "Relu", "features")


class ReluGrad(Pointwise):
    """g where the activation is above 0, else 0."""

    domain = (X[::-1], X)

    def expr(self, *operands: Scalar) -> Scalar:
        g, y = operands
        return g * cast(call("greater", y, 0), g.dtype)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(ReluGrad(), grad, node.inputs[1]), apply(ZerosLike(), node.inputs[1])


class Relu6(Unary):
    """y = min(max(x, 0), 6). The derivative at 0 and at 6 is 0; NaN stays NaN."""

    domain = (4 * X,)

    def expr(self, *operands: Scalar) -> Scalar:
        return call("minimum", call("maximum", operands[0], 0), 6)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Relu6Grad(), g, y)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6); the derivative at 0 and at 6 is 0."""
    return unary(Relu6(), features, name, "Relu6", "features")


class Relu6Grad(Pointwise):
    """g where the activation is between 0 and 6, else 0."""

    domain = (X[::-1], 4 * X)

    def expr(self, *operands: Scalar) -> Scalar:
        g, y = operands
        return g * cast(call("logical_and", call("greater", y, 0), call("less", y, 6)), g.dtype)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(Relu6Grad(), grad, node.inputs[1]), apply(ZerosLike(), node.inputs[1])


class Elu(Unary):
    """y = x for x ≥ 0, else e^x − 1."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return where(call("less", x, 0), call("expm1", call("minimum", x, 0)), x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        negative = apply(Less(), x, scalar_like(0, x))
        return apply(Select(), negative, apply(Mul(), g, apply(Add(), y, scalar_like(1, y))), g)


def elu(features: Any, name: str | None = None) -> Tensor:
    """x for x ≥ 0, else e^x − 1."""
    return unary(Elu(), features, name, "Elu", "features")


# Klambauer et al. 2017: with these, a layer of independent normal inputs hands on mean 0 and variance 1.
_SCALE, _SCALE_ALPHA = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123


class Selu(Unary):
    """y = s·x for x ≥ 0, else s·α·(e^x − 1). Source: Klambauer et al. 2017."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        below = call("multiply", call("expm1", call("minimum", x, 0)), _SCALE_ALPHA)
        return where(call("less", x, 0), below, call("multiply", x, _SCALE))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        below = apply(Mul(), g, apply(Add(), y, scalar_like(_SCALE_ALPHA, y)))
        negative = apply(Less(), x, scalar_like(0, x))
        return apply(Select(), negative, below, apply(Mul(), g, scalar_like(_SCALE, g)))


def selu(features: Any, name: str | None = None) -> Tensor:
    """The self-normalising unit: s·x for x ≥ 0, else s·α·(e^x − 1). Source: Klambauer et al. 2017."""
    return unary(Selu(), features, name, "Selu", "features")


class LeakyRelu(Unary):
    """y = x for x > 0, else α·x."""

    alpha: float = 0.2
    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return where(call("greater", x, 0), x, call("multiply", x, self.alpha))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        below = apply(Mul(), g, scalar_like(self.alpha, g))
        return apply(Select(), apply(Greater(), x, scalar_like(0, x)), g, below)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x for x > 0, else alpha·x."""
    return unary(LeakyRelu(float(alpha)), features, name, "LeakyRelu", "features")


class Sigmoid(Unary):
    """y = 1/(1 + e^−x); ∂y/∂x = y(1 − y). Where e^−x overflows, y is 0, as it should be."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        return 1 / (1 + call("exp", -operands[0]))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, y), apply(Sub(), scalar_like(1, y), y))


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1/(1 + e^−x)."""
    return unary(Sigmoid(), x, name, "Sigmoid")


class Softplus(Unary):
    """y = log(1 + e^x)."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        spelled = call("maximum", x, 0) + call("log1p", call("exp", -call("absolute", x)))
        return library("logaddexp", x, 0, spelled=spelled)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sigmoid(), x))


def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(1 + e^x)."""
    return unary(Softplus(), features, name, "Softplus", "features")


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(1/(1 + e^−x))."""
    with composed(name, "LogSigmoid", x) as scope:
        return negative(softplus(-convert_to_tensor(x)), name=scope)


class Softsign(Unary):
    """y = x/(1 + |x|)."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return x / (1 + call("absolute", x))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        slope = apply(Square(), apply(Add(), scalar_like(1, x), apply(Abs(), x)))
        return apply(RealDiv(), g, slope)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """x/(1 + |x|)."""
    return unary(Softsign(), features, name, "Softsign", "features")


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """max(x, 0) and max(−x, 0), one after the other along `axis`. Source: Shang et al. 2016."""
    x = convert_to_tensor(features)
    with x.graph.name_scope(name or "CRelu") as scope:
        both = concat([x, -x], axis, name=scope)
        return relu(both)


def swish(features: Any, name: str | None = None) -> Tensor:
    """x·sigmoid(x). Source: Ramachandran, Zoph and Le 2017."""
    x = convert_to_tensor(features)
    with x.graph.name_scope(name or "swish"):
        result: Tensor = x * sigmoid(x)
        x.graph.reserve_ids(2)  # TensorFlow's identities around it
        return result
