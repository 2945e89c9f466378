"""Arithmetic, and sums and other reductions along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph import math, nn
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras.backend.tensors import cast
from minigraph.keras.state import floatx
from minigraph.ops.math.algebra import tensordot
from minigraph.ops.math.clipping import clip_by_value
from minigraph.ops.math.matmul import matmul

__all__ = [
    "abs",
    "all",
    "any",
    "argmax",
    "argmin",
    "clip",
    "cos",
    "cumprod",
    "cumsum",
    "dot",
    "equal",
    "exp",
    "greater",
    "greater_equal",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "not_equal",
    "pow",
    "prod",
    "round",
    "sign",
    "sin",
    "sqrt",
    "square",
    "std",
    "sum",
    "var",
]


def pow(x: Any, a: Any) -> Tensor:
    """x to the power of a.

    Args:
        x: Tensor, or an array that becomes one.
        a: The exponent, a number or a tensor.

    Returns:
        A tensor of the shape that the two broadcast to.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.pow(K.constant([2.0, 3.0]), 2.0)))
        [4. 9.]
    """
    return math.pow(x, a)


def dot(x: Any, y: Any) -> Tensor:
    """The product over the last axis of `x` and the last but one of `y`.

    Args:
        x: Tensor […,C].
        y: Tensor [D,…,C,E], or vector [C].

    Returns:
        A tensor of the other axes of `x`, then those of `y`.

    Example:
        >>> K = tf.keras.backend
        >>> K.dot(K.zeros((2, 5, 3)), K.zeros((3, 4))).shape.as_list()
        [2, 5, 4]
    """
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    if x.type.rank == y.type.rank == 2:
        return matmul(x, y)
    return tensordot(x, y, [[-1], [-2 if (y.type.rank or 0) > 1 else 0]])


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.sum([[1.0, 2.0], [3.0, 4.0]], axis=0)))
        [4. 6.]
    """
    return math.reduce_sum(x, axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.prod([[1.0, 2.0], [3.0, 4.0]], axis=0)))
        [3. 8.]
    """
    return math.reduce_prod(x, axis, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The maximum along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.max([[1.0, 2.0], [3.0, 4.0]], axis=1)))
        [2. 4.]
    """
    return math.reduce_max(x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The minimum along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.min([[1.0, 2.0], [3.0, 4.0]], axis=1)))
        [1. 3.]
    """
    return math.reduce_min(x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean along axes. That of bools is a floating-point number.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.mean([[1.0, 2.0], [3.0, 4.0]], axis=1)))
        [1.5 3.5]
    """
    x = convert_to_tensor(x)
    return math.reduce_mean(cast(x, floatx()) if x.dtype.name == "bool" else x, axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.var([[1.0, 3.0], [3.0, 3.0]], axis=1)))
        [1. 0.]
    """
    return math.reduce_variance(x, axis, keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.std([[1.0, 3.0], [3.0, 3.0]], axis=1)))
        [1. 0.]
    """
    return math.reduce_std(x, axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether an element is other than zero, along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.any([[0.0, 2.0], [0.0, 0.0]], axis=1)))
        [ True False]
    """
    return math.reduce_any(cast(x, "bool"), axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether no element is zero, along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all.
        keepdims: Whether the axes stay, with size 1.

    Returns:
        A tensor without the axes, or with size 1 there if `keepdims`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.all([[1.0, 2.0], [0.0, 2.0]], axis=1)))
        [ True False]
    """
    return math.reduce_all(cast(x, "bool"), axis, keepdims)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """The elements, but none beyond two bounds.

    Args:
        x: Tensor, or an array that becomes one.
        min_value: Lower bound.
        max_value: Upper bound; None for none.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.clip([-1.0, 0.5, 3.0], 0.0, 1.0)))
        [0.  0.5 1. ]
    """
    return clip_by_value(x, min_value, np.inf if max_value is None else max_value)


def sqrt(x: Any) -> Tensor:
    """The square root; 0 for negative numbers.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.sqrt([4.0, -1.0])))
        [2. 0.]
    """
    return math.sqrt(clip_by_value(x, 0.0, np.inf))


def l2_normalize(x: Any, axis: Any = None) -> Tensor:
    """Vectors along an axis divided by their lengths.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis, or several; None for all, as one vector.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.l2_normalize([[3.0, 4.0]], axis=1)))
        [[0.6 0.8]]
    """
    return nn.l2_normalize(x, axis)


abs, square, exp, log, sign = math.abs, math.square, math.exp, math.log, math.sign
round, sin, cos, maximum, minimum = math.round, math.sin, math.cos, math.maximum, math.minimum
equal, not_equal, greater, greater_equal = math.equal, math.not_equal, math.greater, math.greater_equal
less, less_equal = math.less, math.less_equal
cumsum, cumprod = math.cumsum, math.cumprod


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The index of the largest element along an axis.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis.

    Returns:
        An int64 tensor without the axis.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.argmax([[1.0, 5.0, 2.0]])))
        [1]
    """
    return math.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The index of the smallest element along an axis.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis.

    Returns:
        An int64 tensor without the axis.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.argmin([[1.0, 5.0, 2.0]])))
        [0]
    """
    return math.argmin(x, axis)
