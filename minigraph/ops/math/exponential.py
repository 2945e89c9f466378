"""Powers, roots, exponentials, logarithms and the error function, element by element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Tensor
from minigraph.core.scalar import Scalar, call
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply
from minigraph.ops.filling import OnesLike, ZerosLike
from minigraph.ops.math.arithmetic import Add, Mul, Neg, RealDiv, Square, Sub
from minigraph.ops.math.comparison import Equal, Greater
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import POSITIVE, Binary, Unary, Y, binary, scalar_like, unary

__all__ = ["erf", "exp", "expm1", "log", "log1p", "pow", "rsqrt", "sqrt"]


class Exp(Unary):
    """y = e^x."""

    ufunc = "exp"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, y)


def exp(x: Any, name: str | None = None) -> Tensor:
    """e^x."""
    return unary(Exp(), x, name, "Exp")


class Expm1(Unary):
    """y = e^x − 1, exact for small x; ∂y/∂x = e^x."""

    ufunc = "expm1"
    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        return call("expm1", operands[0])

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Exp(), x))


def expm1(x: Any, name: str | None = None) -> Tensor:
    """e^x − 1."""
    return unary(Expm1(), x, name, "Expm1")


class Log(Unary):
    """y = log x; ∂y/∂x = 1/x."""

    ufunc = "log"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, x)


def log(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm."""
    return unary(Log(), x, name, "Log")


class Log1p(Unary):
    """y = log(1 + x); ∂y/∂x = 1/(1 + x)."""

    ufunc = "log1p"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), g, apply(Add(), x, scalar_like(1, x)))


def log1p(x: Any, name: str | None = None) -> Tensor:
    """log(1 + x)."""
    return unary(Log1p(), x, name, "Log1p")


class Sqrt(Unary):
    """y = √x; ∂y/∂x = 1/(2y)."""

    ufunc = "sqrt"
    kinds = "f"
    domain = (POSITIVE,)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(RealDiv(), apply(Mul(), g, scalar_like(0.5, g)), y)


def sqrt(x: Any, name: str | None = None) -> Tensor:
    """√x."""
    return unary(Sqrt(), x, name, "Sqrt")


class Rsqrt(Unary):
    """y = 1/√x; ∂y/∂x = −y³/2."""

    kinds = "f"
    domain = (POSITIVE,)

    def expr(self, *operands: Scalar) -> Scalar:
        return 1 / call("sqrt", operands[0])

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, scalar_like(-0.5, g)), apply(Mul(), apply(Square(), y), y))


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """1/√x."""
    return unary(Rsqrt(), x, name, "Rsqrt")


class Pow(Binary):
    """z = x^y. The gradient for y is zero where x ≤ 0, as in TensorFlow; that for x is zero where y is 0."""

    ufunc = "power"
    domain = (POSITIVE, Y)

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        flat = apply(Equal(), y, scalar_like(0, y))  # x⁰ is 1: its slope is 0 even where x is 0 and 1/x infinite
        exponent = apply(Select(), flat, apply(ZerosLike(), y), apply(Sub(), y, scalar_like(1, y)))
        dx = apply(Mul(), apply(Mul(), g, y), apply(Pow(), x, exponent))
        positive = apply(Greater(), x, scalar_like(0, x))
        safe = apply(Select(), positive, x, apply(OnesLike(), x))
        log = apply(Select(), positive, apply(Log(), safe), apply(ZerosLike(), x))
        return dx, apply(Mul(), apply(Mul(), g, out), log)


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x^y."""
    return binary(Pow(), x, y, name, "Pow")


class Erf(Unary):
    """The error function, 2/√π·∫₀ˣ e^−t² dt."""

    kinds = "f"
    on_host = True

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        values = [math.erf(v) for v in np.ravel(x).tolist()]
        return (xp.asarray(values, dtype=x.dtype).reshape(x.shape),)

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return False  # there is no such function in generated code

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        slope = apply(Exp(), apply(Neg(), apply(Square(), x)))
        return apply(Mul(), g, apply(Mul(), scalar_like(2 / math.sqrt(math.pi), x), slope))


def erf(x: Any, name: str | None = None) -> Tensor:
    """The error function, 2/√π·∫₀ˣ e^−t² dt."""
    return unary(Erf(), x, name, "Erf")
