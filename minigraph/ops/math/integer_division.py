"""Division that rounds down, and its remainder."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.graph import Tensor
from minigraph.ops.builder import apply, as_tensor_like
from minigraph.ops.control.checks import checked_divisor
from minigraph.ops.math.arithmetic import Mul, Neg, RealDiv
from minigraph.ops.pointwise import Binary, Pointwise, X, Y, binary

__all__ = ["div", "floordiv", "floormod"]


class FloorDiv(Pointwise):
    """z = ⌊x / y⌋."""

    ufunc = "floor_divide"
    differentiable = False
    domain = (X, Y)


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """⌊x / y⌋."""
    return binary(FloorDiv(), x, checked_divisor(x, y), name, "floordiv")


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 2 divides: integers give ⌊x / y⌋."""
    x, y = as_tensor_like(x), as_tensor_like(y)
    tensor = x if isinstance(x, Tensor) else y
    integer = isinstance(tensor, Tensor) and tensor.dtype.is_integer
    return binary(FloorDiv() if integer else RealDiv(), x, checked_divisor(x, y), name, "div")


class FloorMod(Binary):
    """z = x − ⌊x / y⌋·y, with the sign of y."""

    ufunc = "mod"
    domain = (X, np.array([[0.7], [-1.1]]))  # no quotient is an integer, where z jumps

    def partials(self, g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> tuple[Tensor | None, Tensor | None]:
        return g, apply(Neg(), apply(Mul(), g, apply(FloorDiv(), x, y)))


def floormod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x mod y, with the sign of y."""
    return binary(FloorMod(), x, checked_divisor(x, y), name, "FloorMod")
