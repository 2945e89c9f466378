"""Arithmetic and elementary functions, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op
from minigraph.core.scalar import Scalar, call, cast, where
from minigraph.ops.builder import apply
from minigraph.ops.filling import OnesLike, ZerosLike
from minigraph.ops.math.comparison import Greater, GreaterEqual, Less, LessEqual
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import POSITIVE, Binary, Pointwise, Unary, X, Y, scalar_like


class Add(Binary):
    """z = x + y."""

    ufunc = "add"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, g


class AddV2(Add):
    """Add, under the name TensorFlow 1.15 gives to `x + y`."""


class Sub(Binary):
    """z = x − y."""

    ufunc = "subtract"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), g)


class Mul(Binary):
    """z = x·y."""

    ufunc = "multiply"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return apply(Mul(), g, y), apply(Mul(), g, x)


class RealDiv(Binary):
    """z = x / y."""

    ufunc = "divide"
    kinds = "f"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        dx = apply(RealDiv(), g, y)
        return dx, apply(Neg(), apply(Mul(), dx, out))


class DivNoNan(Binary):
    """x / y, and 0 where y is 0."""

    kinds = "f"
    domain = (X, np.array([[0.7], [-1.3]]))

    def forward(self, xp: Any, x: Any, y: Any) -> tuple[Any, ...]:
        zero, one = y.dtype.type(0), y.dtype.type(1)
        none = xp.equal(y, zero)
        return (xp.where(none, zero, x / xp.where(none, one, y)),)

    def expr(self, *operands: Scalar) -> Scalar:
        x, y = operands
        none = call("equal", y, 0)
        return where(none, 0, x / where(none, 1, y))

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return apply(DivNoNan(), g, y), apply(Neg(), apply(Mul(), g, apply(DivNoNan(), out, y)))


class FloorDiv(Pointwise):
    """z = ⌊x / y⌋."""

    ufunc = "floor_divide"
    differentiable = False
    domain = (X, Y)


class FloorMod(Binary):
    """z = x − ⌊x / y⌋·y, with the sign of y."""

    ufunc = "mod"
    domain = (X, np.array([[0.7], [-1.1]]))  # no quotient is an integer, where z jumps

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), apply(Mul(), g, apply(FloorDiv(), x, y)))


class Pow(Binary):
    """z = x^y. The gradient with respect to y is zero where x ≤ 0, as in TensorFlow."""

    ufunc = "power"
    domain = (POSITIVE, Y)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        one = scalar_like(1, y)
        dx = apply(Mul(), apply(Mul(), g, y), apply(Pow(), x, apply(Sub(), y, one)))
        positive = apply(Greater(), x, scalar_like(0, x))
        safe = apply(Select(), positive, x, apply(OnesLike(), x))
        log = apply(Select(), positive, apply(Log(), safe), apply(ZerosLike(), x))
        return dx, apply(Mul(), apply(Mul(), g, out), log)


class Maximum(Binary):
    """z = max(x, y). On ties the gradient goes to x."""

    ufunc = "maximum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(GreaterEqual(), g, x, y)


class Minimum(Binary):
    """z = min(x, y). On ties the gradient goes to x."""

    ufunc = "minimum"

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return _split_gradient(LessEqual(), g, x, y)


def _split_gradient(test: Op, g: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    mask = apply(test, x, y)
    zeros = apply(ZerosLike(), g)
    return apply(Select(), mask, g, zeros), apply(Select(), mask, zeros, g)


class SquaredDifference(Binary):
    """z = (x − y)²."""

    def forward(self, xp: Any, x: Any, y: Any) -> tuple[Any, ...]:
        return (xp.square(x - y),)

    def expr(self, *operands: Scalar) -> Scalar:
        x, y = operands
        return call("square", x - y)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        d = apply(Mul(), apply(Mul(), scalar_like(2, g), g), apply(Sub(), x, y))
        return d, apply(Neg(), d)


class Neg(Unary):
    """y = −x."""

    ufunc = "negative"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), g)


class Abs(Unary):
    """y = |x|; ∂y/∂x = sign x, 0 at 0."""

    ufunc = "absolute"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sign(), x))


class Sign(Unary):
    """−1, 0 or 1. The gradient is zeros, as in TensorFlow."""

    ufunc = "sign"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ZerosLike(), g)


class Floor(Pointwise):
    """y = ⌊x⌋."""

    ufunc = "floor"
    kinds = "f"
    differentiable = False


class Ceil(Pointwise):
    """y = ⌈x⌉."""

    ufunc = "ceil"
    kinds = "f"
    differentiable = False


class Round(Pointwise):
    """Halves go to the even neighbour."""

    ufunc = "rint"
    kinds = "f"
    differentiable = False


class Exp(Unary):
    """y = e^x."""

    ufunc = "exp"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, y)


class Log(Unary):
    """y = log x; ∂y/∂x = 1/x."""

    ufunc = "log"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, x)


class Log1p(Unary):
    """y = log(1 + x); ∂y/∂x = 1/(1 + x)."""

    ufunc = "log1p"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Add(), x, scalar_like(1, x)))


class Sqrt(Unary):
    """y = √x; ∂y/∂x = 1/(2y)."""

    ufunc = "sqrt"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), apply(Mul(), g, scalar_like(0.5, g)), y)


class Rsqrt(Unary):
    """y = 1/√x; ∂y/∂x = −y³/2."""

    kinds = "f"
    domain = (POSITIVE,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.reciprocal(xp.sqrt(x)),)

    def expr(self, *operands: Scalar) -> Scalar:
        return 1 / call("sqrt", operands[0])

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, scalar_like(-0.5, g)), apply(Mul(), apply(Square(), y), y))


class Reciprocal(Unary):
    """y = 1/x; ∂y/∂x = −y²."""

    ufunc = "reciprocal"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Square(), y)))


class Square(Unary):
    """y = x²; ∂y/∂x = 2x."""

    ufunc = "square"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Mul(), scalar_like(2, x), x))


class Sin(Unary):
    """y = sin x."""

    ufunc = "sin"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Cos(), x))


class Cos(Unary):
    """y = cos x."""

    ufunc = "cos"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Sin(), x)))


class Tanh(Unary):
    """y = tanh x; ∂y/∂x = 1 − y²."""

    ufunc = "tanh"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sub(), scalar_like(1, y), apply(Square(), y)))


class Sigmoid(Unary):
    """y = 1/(1 + e^−x); ∂y/∂x = y(1 − y). Where e^−x overflows, y is 0, as it should be."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        one = x.dtype.type(1)
        return (one / (one + xp.exp(-x)),)

    def expr(self, *operands: Scalar) -> Scalar:
        return 1 / (1 + call("exp", -operands[0]))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, y), apply(Sub(), scalar_like(1, y), y))


class Relu(Unary):
    """y = max(x, 0). The derivative at 0 is 0; NaN stays NaN."""

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.maximum(x, x.dtype.type(0)),)

    def expr(self, *operands: Scalar) -> Scalar:
        return call("maximum", operands[0], 0)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ReluGrad(), g, y)


class ReluGrad(Pointwise):
    """g where the activation is above 0, else 0."""

    domain = (X[::-1], X)

    def forward(self, xp: Any, g: Any, y: Any) -> tuple[Any, ...]:
        return (g * (y > 0),)

    def expr(self, *operands: Scalar) -> Scalar:
        g, y = operands
        return g * cast(call("greater", y, 0), g.dtype)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(ReluGrad(), grad, node.inputs[1]), None


class Relu6(Unary):
    """y = min(max(x, 0), 6). The derivative at 0 and at 6 is 0; NaN stays NaN."""

    domain = (4 * X,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.minimum(xp.maximum(x, x.dtype.type(0)), x.dtype.type(6)),)

    def expr(self, *operands: Scalar) -> Scalar:
        return call("minimum", call("maximum", operands[0], 0), 6)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Relu6Grad(), g, y)


class Relu6Grad(Pointwise):
    """g where the activation is between 0 and 6, else 0."""

    domain = (X[::-1], 4 * X)

    def forward(self, xp: Any, g: Any, y: Any) -> tuple[Any, ...]:
        return (g * ((y > 0) & (y < 6)),)

    def expr(self, *operands: Scalar) -> Scalar:
        g, y = operands
        return g * cast(call("greater", y, 0), g.dtype) * cast(call("less", y, 6), g.dtype)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(Relu6Grad(), grad, node.inputs[1]), None


class Elu(Unary):
    """y = x for x ≥ 0, else e^x − 1."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.where(x < 0, xp.expm1(xp.minimum(x, x.dtype.type(0))), x),)

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return where(call("less", x, 0), call("expm1", call("minimum", x, 0)), x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        negative = apply(Less(), x, scalar_like(0, x))
        return apply(Select(), negative, apply(Mul(), g, apply(Add(), y, scalar_like(1, y))), g)


class Softplus(Unary):
    """y = log(1 + e^x)."""

    kinds = "f"

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.logaddexp(x, x.dtype.type(0)),)

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return call("maximum", x, 0) + call("log1p", call("exp", -call("absolute", x)))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sigmoid(), x))
