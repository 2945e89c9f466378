"""Tensors and their types."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype
from minigraph.core.graph import Tensor
from minigraph.keras.state import floatx
from minigraph.ops.array import shape as shapes
from minigraph.ops.constant import constant as _constant
from minigraph.ops.constant import placeholder as _placeholder
from minigraph.ops.filling import ones_like as _ones_like
from minigraph.ops.filling import zeros_like as _zeros_like
from minigraph.ops.math.casting import cast as _cast
from minigraph.ops.random import distributions as _draws
from minigraph.run.variables import Variable

__all__ = [
    "cast",
    "cast_to_floatx",
    "constant",
    "dtype",
    "int_shape",
    "ndim",
    "ones_like",
    "placeholder",
    "random_normal",
    "random_uniform",
    "shape",
    "truncated_normal",
    "zeros_like",
]


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False, name: str | None = None,
    ragged: bool = False,
) -> Tensor:  # fmt: skip
    """Make a tensor that is fed.

    Args:
        shape: Its sizes, None for unknown ones; None if their number is unknown, too.
        ndim: The number of axes, instead of `shape`.
        dtype: Dtype; by default that of `floatx`.
        sparse, ragged: TensorFlow's arguments, which must be False.
        name: Name of the tensor.

    Returns:
        The tensor.

    Raises:
        NotImplementedError: A sparse or ragged tensor is asked for.

    Example:
        >>> tf.keras.backend.placeholder((None, 3)).shape.as_list()
        [None, 3]
    """
    if sparse or ragged:
        raise NotImplementedError("sparse and ragged tensors are not supported")
    return _placeholder(as_dtype(dtype or floatx()), (None,) * ndim if shape is None and ndim else shape, name)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """Make a constant.

    Args:
        value: A number or an array.
        dtype: Dtype; by default that of `floatx`.
        shape: Shape, which one number may fill; None for that of `value`.
        name: Name of the tensor.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.constant(2, shape=(3,))))
        [2. 2. 2.]
    """
    return _constant(value, as_dtype(dtype or floatx()), shape, name or "Const")


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of a tensor.

    Args:
        x: Tensor, or an array that becomes one.
        dtype: Dtype of the result; None for that of `x`.
        name: Name of the tensor.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.zeros_like([1.0, 2.0])))
        [0. 0.]
    """
    return _zeros_like(x, dtype, name)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of a tensor.

    Args:
        x: Tensor, or an array that becomes one.
        dtype: Dtype of the result; None for that of `x`.
        name: Name of the tensor.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.ones_like([1.0, 2.0])))
        [1. 1.]
    """
    return _ones_like(x, dtype, name)


def cast(x: Any, dtype: Any) -> Tensor:
    """The numbers of a tensor in another dtype.

    Args:
        x: Tensor, or an array that becomes one.
        dtype: The dtype, or its name.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.cast([1.7, -1.7], "int32")))
        [ 1 -1]
    """
    return _cast(x, as_dtype(dtype))


def cast_to_floatx(x: Any) -> Any:
    """An array or a tensor in the dtype of `floatx`.

    Args:
        x: The array or tensor.

    Returns:
        A tensor for a tensor or variable, else an array.

    Example:
        >>> tf.keras.backend.cast_to_floatx(np.arange(3)).dtype.name
        'float32'
    """
    return cast(x, floatx()) if isinstance(x, Tensor | Variable) else np.asarray(x, floatx())


def dtype(x: Any) -> str:
    """The name of a tensor's dtype.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        The name.

    Example:
        >>> tf.keras.backend.dtype(tf.zeros([2]))
        'float32'
    """
    return str(convert_to_tensor(x).dtype.name)


def ndim(x: Any) -> int | None:
    """The number of a tensor's axes.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        The number; None if it is unknown.

    Example:
        >>> tf.keras.backend.ndim(tf.zeros([2, 3]))
        2
    """
    return convert_to_tensor(x).type.rank


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The sizes of a tensor, as far as they are known.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        A tuple with None for unknown sizes; None if their number is unknown.

    Example:
        >>> K = tf.keras.backend
        >>> K.int_shape(K.placeholder((None, 3)))
        (None, 3)
    """
    return convert_to_tensor(x).type.shape


def shape(x: Any) -> Tensor:
    """The sizes of a tensor, as a tensor.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        An int32 vector.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.shape(K.zeros((2, 3)))))
        [2 3]
    """
    return shapes.shape(x)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Random numbers of a normal distribution, new ones in each run.

    Args:
        shape: Shape of the result.
        mean: Mean of the distribution.
        stddev: Its standard deviation.
        dtype: Dtype of the result; by default that of `floatx`.
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        The tensor.

    Example:
        >>> tf.keras.backend.random_normal((2, 3)).shape.as_list()
        [2, 3]
    """
    return _draws.random_normal(shape, mean, stddev, as_dtype(dtype or floatx()), seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Random numbers of a uniform distribution, new ones in each run.

    Args:
        shape: Shape of the result.
        minval: Lower bound.
        maxval: Upper bound, which is not drawn.
        dtype: Dtype of the result; by default that of `floatx`.
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        The tensor.

    Example:
        >>> tf.keras.backend.random_uniform((2, 3)).shape.as_list()
        [2, 3]
    """
    return _draws.random_uniform(shape, minval, maxval, as_dtype(dtype or floatx()), seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Random numbers of a normal distribution that is cut off at two standard deviations, new ones in each run.

    Args:
        shape: Shape of the result.
        mean: Mean of the distribution.
        stddev: Its standard deviation before it is cut off.
        dtype: Dtype of the result; by default that of `floatx`.
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        The tensor.

    Example:
        >>> tf.keras.backend.truncated_normal((2, 3)).shape.as_list()
        [2, 3]
    """
    return _draws.truncated_normal(shape, mean, stddev, as_dtype(dtype or floatx()), seed)
