"""Tests for NaN and infinity, element by element."""

from __future__ import annotations

import numpy as np

from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
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


def is_nan(x: TensorLike, name: str | None = None) -> Tensor:
    """Test each element for NaN.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A bool tensor of the shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.is_nan([1.0, np.nan, np.inf]))
        array([False,  True, False])
    """
    return unary(IsNan(), x, name, "IsNan")


class IsFinite(Pointwise):
    """Whether x is neither NaN nor infinite."""

    ufunc = "isfinite"
    kinds = "f"
    gives_bool = True
    differentiable = False


def is_finite(x: TensorLike, name: str | None = None) -> Tensor:
    """Test whether each element is neither NaN nor infinite.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A bool tensor of the shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.is_finite([1.0, np.nan, np.inf]))
        array([ True, False, False])
    """
    return unary(IsFinite(), x, name, "IsFinite")


def is_inf(x: TensorLike, name: str | None = None) -> Tensor:
    """Test each element for positive or negative infinity.

    Args:
        x: A tensor of floating-point dtype.
        name: Name scope of the nodes.

    Returns:
        A bool tensor of the shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.is_inf([1.0, np.nan, -np.inf]))
        array([False, False,  True])
    """
    with composed(name, "IsInf", x) as scope:
        return equal(abs(x), np.inf, name=scope)
