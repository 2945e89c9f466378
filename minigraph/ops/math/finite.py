"""Tests for NaN and infinity, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.graph import Tensor
from minigraph.ops.builder import composed
from minigraph.ops.math.arithmetic import abs
from minigraph.ops.math.comparison import equal
from minigraph.ops.pointwise import Pointwise, unary

__all__ = ["is_finite", "is_inf", "is_nan"]


class IsNan(Pointwise):
    """Whether x is NaN."""

    ufunc = "isnan"
    kinds = "f"
    gives_bool = True
    differentiable = False


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Whether x is NaN."""
    return unary(IsNan(), x, name, "IsNan")


class IsFinite(Pointwise):
    """Whether x is neither NaN nor infinite."""

    ufunc = "isfinite"
    kinds = "f"
    gives_bool = True
    differentiable = False


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Whether x is neither NaN nor infinite."""
    return unary(IsFinite(), x, name, "IsFinite")


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Whether x is infinite."""
    with composed(name, "IsInf", x) as scope:
        return equal(abs(x), np.inf, name=scope)
