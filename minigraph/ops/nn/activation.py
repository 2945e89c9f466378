"""The rarer activations: selu, leaky_relu, softsign, and those composed of others."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.scalar import Scalar, call, where
from minigraph.ops.array.joining import concat
from minigraph.ops.builder import apply
from minigraph.ops.math import comparison as C
from minigraph.ops.math import elementwise as E
from minigraph.ops.math.math_api import relu, sigmoid
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import Unary, scalar_like, unary

# Klambauer et al. 2017: with these, a layer of independent normal inputs hands on mean 0 and variance 1.
_SCALE, _SCALE_ALPHA = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123


class Selu(Unary):
    """y = s·x for x ≥ 0, else s·α·(e^x − 1). Source: Klambauer et al. 2017."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        zero, kind = x.dtype.type(0), x.dtype.type
        below = kind(_SCALE_ALPHA) * xp.expm1(xp.minimum(x, zero))
        return (xp.where(xp.less(x, zero), below, kind(_SCALE) * x),)

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        below = call("multiply", call("expm1", call("minimum", x, 0)), _SCALE_ALPHA)
        return where(call("less", x, 0), below, call("multiply", x, _SCALE))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        below = apply(E.Mul(), g, apply(E.Add(), y, scalar_like(_SCALE_ALPHA, y)))
        negative = apply(C.Less(), x, scalar_like(0, x))
        return apply(Select(), negative, below, apply(E.Mul(), g, scalar_like(_SCALE, g)))


class LeakyRelu(Unary):
    """y = x for x > 0, else α·x."""

    alpha: float = 0.2
    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        positive = xp.greater(x, x.dtype.type(0))
        return (xp.where(positive, x, x.dtype.type(self.alpha) * x),)

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return where(call("greater", x, 0), x, call("multiply", x, self.alpha))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        below = apply(E.Mul(), g, scalar_like(self.alpha, g))
        return apply(Select(), apply(C.Greater(), x, scalar_like(0, x)), g, below)


class Softsign(Unary):
    """y = x/(1 + |x|)."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x / (x.dtype.type(1) + xp.absolute(x)),)

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return x / (1 + call("absolute", x))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        slope = apply(E.Square(), apply(E.Add(), scalar_like(1, x), apply(E.Abs(), x)))
        return apply(E.RealDiv(), g, slope)


def selu(features: Any, name: str | None = None) -> Tensor:
    """The self-normalising unit: s·x for x ≥ 0, else s·α·(e^x − 1). Source: Klambauer et al. 2017."""
    return unary(Selu(), features, name, "Selu", "features")


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x for x > 0, else alpha·x."""
    return unary(LeakyRelu(float(alpha)), features, name, "LeakyRelu", "features")


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
