"""Rounding to integers, element by element."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor
from minigraph.ops.pointwise import Pointwise, unary

__all__ = ["ceil", "floor", "rint", "round"]


class Floor(Pointwise):
    """y = ⌊x⌋."""

    ufunc = "floor"
    kinds = "f"
    differentiable = False


def floor(x: Any, name: str | None = None) -> Tensor:
    """⌊x⌋."""
    return unary(Floor(), x, name, "Floor")


class Ceil(Pointwise):
    """y = ⌈x⌉."""

    ufunc = "ceil"
    kinds = "f"
    differentiable = False


def ceil(x: Any, name: str | None = None) -> Tensor:
    """⌈x⌉."""
    return unary(Ceil(), x, name, "Ceil")


class Round(Pointwise):
    """Halves go to the even neighbour."""

    ufunc = "rint"
    kinds = "f"
    differentiable = False


def round(x: Any, name: str | None = None) -> Tensor:
    """x rounded; halves go to the even neighbour."""
    return unary(Round(), x, name, "Round")


def rint(x: Any, name: str | None = None) -> Tensor:
    """x rounded; halves go to the even neighbour."""
    return round(x, name or "Rint")
