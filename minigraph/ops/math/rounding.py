"""Rounding to integers, element by element."""

from __future__ import annotations

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.pointwise import Pointwise, unary

__all__ = ["ceil", "floor", "rint", "round"]


class Floor(Pointwise):
    """y = ⌊x⌋."""

    ufunc = "floor"
    kinds = "f"
    differentiable = False


def floor(x: TensorLike, name: str | None = None) -> Tensor:
    """Round each element down: ⌊x⌋.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.floor([1.5, -1.5]))
        array([ 1., -2.], dtype=float32)
    """
    return unary(Floor(), x, name, "Floor")


class Ceil(Pointwise):
    """y = ⌈x⌉."""

    ufunc = "ceil"
    kinds = "f"
    differentiable = False


def ceil(x: TensorLike, name: str | None = None) -> Tensor:
    """Round each element up: ⌈x⌉.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.ceil([1.5, -1.5]))
        array([ 2., -1.], dtype=float32)
    """
    return unary(Ceil(), x, name, "Ceil")


class Round(Pointwise):
    """Halves go to the even neighbour."""

    ufunc = "rint"
    kinds = "f"
    differentiable = False


def round(x: TensorLike, name: str | None = None) -> Tensor:
    """Round each element to the nearest integer; halves go to the even neighbour.

    Args:
        x: A tensor of numeric dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`; `x` itself if its dtype is integer.

    Raises:
        DTypeError: `x` is not numeric.

    Example:
        >>> tf.Session().run(tf.round([0.5, 1.5, -1.7]))
        array([ 0.,  2., -2.], dtype=float32)
    """
    value = as_tensor_like(x)
    kind = (value.dtype.np_dtype if isinstance(value, Tensor) else np.asarray(value).dtype).kind
    return convert_to_tensor(value) if kind in "iu" else unary(Round(), value, name, "Round")


def rint(x: TensorLike, name: str | None = None) -> Tensor:
    """Round each element to the nearest integer; halves go to the even neighbour.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.rint([0.5, 1.5, -1.7]))
        array([ 0.,  2., -2.], dtype=float32)
    """
    return unary(Round(), x, name, "Rint")
