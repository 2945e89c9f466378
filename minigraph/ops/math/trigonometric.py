"""Sine, cosine and hyperbolic tangent, element by element."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor
from minigraph.ops.builder import apply
from minigraph.ops.math.arithmetic import Mul, Neg, Square, Sub
from minigraph.ops.pointwise import Unary, scalar_like, unary

__all__ = ["cos", "sin", "tanh"]


class Sin(Unary):
    """y = sin x."""

    ufunc = "sin"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Cos(), x))


def sin(x: Any, name: str | None = None) -> Tensor:
    """sin x."""
    return unary(Sin(), x, name, "Sin")


class Cos(Unary):
    """y = cos x."""

    ufunc = "cos"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Neg(), apply(Mul(), g, apply(Sin(), x)))


def cos(x: Any, name: str | None = None) -> Tensor:
    """cos x."""
    return unary(Cos(), x, name, "Cos")


class Tanh(Unary):
    """y = tanh x; ∂y/∂x = 1 − y²."""

    ufunc = "tanh"
    kinds = "f"

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sub(), scalar_like(1, y), apply(Square(), y)))


def tanh(x: Any, name: str | None = None) -> Tensor:
    """tanh x."""
    return unary(Tanh(), x, name, "Tanh")
