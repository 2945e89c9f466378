"""Tensors in other shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph import nn
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.ops.array import shape as shapes
from minigraph.ops.array.joining import concat
from minigraph.ops.array.joining import stack as _stack
from minigraph.ops.array.one_hot import one_hot as _one_hot
from minigraph.ops.array.reshape import expand_dims as _expand_dims
from minigraph.ops.array.reshape import reshape as _reshape
from minigraph.ops.array.reshape import squeeze as _squeeze
from minigraph.ops.array.reshape import tile as _tile
from minigraph.ops.array.reshape import transpose as _transpose
from minigraph.ops.array.reversal import reverse as _reverse

__all__ = [
    "batch_flatten",
    "concatenate",
    "expand_dims",
    "flatten",
    "gather",
    "one_hot",
    "permute_dimensions",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "squeeze",
    "stack",
    "tile",
    "transpose",
]


def reshape(x: Any, shape: Any) -> Tensor:
    """The elements of a tensor in another shape.

    Args:
        x: Tensor, or an array that becomes one.
        shape: The sizes; one may be −1, for what remains.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> K.reshape(K.zeros((2, 6)), (4, -1)).shape.as_list()
        [4, 3]
    """
    return _reshape(x, shape)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """Tensors joined along an axis.

    Args:
        tensors: Tensors that differ in the size of this axis only.
        axis: The axis.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> K.concatenate([K.zeros((2, 3)), K.zeros((2, 1))]).shape.as_list()
        [2, 4]
    """
    return concat(tensors, axis)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors joined along a new axis.

    Args:
        x: Tensors of one shape.
        axis: The new axis.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> K.stack([K.zeros((2, 3)), K.zeros((2, 3))], axis=1).shape.as_list()
        [2, 2, 3]
    """
    return _stack(x, axis)


def flatten(x: Any) -> Tensor:
    """All elements of a tensor along one axis.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        A vector.

    Example:
        >>> K = tf.keras.backend
        >>> K.flatten(K.zeros((2, 3))).shape.as_list()
        [6]
    """
    return _reshape(x, [-1])


def batch_flatten(x: Any) -> Tensor:
    """All axes of a tensor but the first joined.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        A matrix.

    Example:
        >>> K = tf.keras.backend
        >>> K.batch_flatten(K.zeros((2, 3, 4))).shape.as_list()
        [2, 12]
    """
    x = convert_to_tensor(x)
    dims = x.type.shape or ()
    if None in dims[1:]:
        return _reshape(x, [*shapes.known_dims(x, (0,)), -1])
    return _reshape(x, [-1, int(np.prod(dims[1:]))])


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """A tensor with a new axis of size 1.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The new axis.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> K.expand_dims(K.zeros((2, 3))).shape.as_list()
        [2, 3, 1]
    """
    return _expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """A tensor without an axis of size 1.

    Args:
        x: Tensor, or an array that becomes one.
        axis: The axis.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> K.squeeze(K.zeros((2, 1, 3)), 1).shape.as_list()
        [2, 3]
    """
    return _squeeze(x, [axis])


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """A tensor with its axes in another order.

    Args:
        x: Tensor, or an array that becomes one.
        pattern: The axes of `x` in the order of the result.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> K.permute_dimensions(K.zeros((2, 3, 4)), (2, 0, 1)).shape.as_list()
        [4, 2, 3]
    """
    return _transpose(x, list(pattern))


def transpose(x: Any) -> Tensor:
    """A tensor with its axes in the opposite order.

    Args:
        x: Tensor, or an array that becomes one.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> K.transpose(K.zeros((2, 3))).shape.as_list()
        [3, 2]
    """
    return _transpose(x)


def tile(x: Any, n: Any) -> Tensor:
    """A tensor repeated along each axis.

    Args:
        x: Tensor, or an array that becomes one.
        n: How often, for each axis; a number for a vector.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.tile([1.0, 2.0], 2)))
        [1. 2. 1. 2.]
    """
    return _tile(x, [n] if isinstance(n, int) else n)


def reverse(x: Any, axes: Any) -> Tensor:
    """The elements of a tensor in the opposite order along axes.

    Args:
        x: Tensor, or an array that becomes one.
        axes: The axis, or several.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.reverse([1.0, 2.0], 0)))
        [2. 1.]
    """
    return _reverse(x, [axes] if isinstance(axes, int) else axes)


def repeat(x: Any, n: int) -> Tensor:
    """The rows of a matrix repeated along a new axis.

    Args:
        x: Matrix [N,C].
        n: How often.

    Returns:
        A tensor [N,n,C].

    Example:
        >>> K = tf.keras.backend
        >>> K.repeat(K.zeros((2, 3)), 4).shape.as_list()
        [2, 4, 3]
    """
    return _tile(_expand_dims(x, 1), [1, n, 1])


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element along an axis repeated in place.

    Args:
        x: Tensor, or an array that becomes one.
        rep: How often.
        axis: The axis.

    Returns:
        The tensor.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.repeat_elements(K.constant([1.0, 2.0]), 2, axis=0)))
        [1. 1. 2. 2.]
    """
    x = convert_to_tensor(x)
    dims = list(x.type.shape or ())
    axis = axis % len(dims)
    y = _tile(_expand_dims(x, axis + 1), [rep if a == axis + 1 else 1 for a in range(len(dims) + 1)])
    sizes = shapes.known_dims(x, range(len(dims)))
    sizes[axis] = sizes[axis] * rep
    made = _reshape(y, sizes)
    made.set_shape([None if d is None else d * rep if a == axis else d for a, d in enumerate(dims)])
    return made


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Indices as rows that are 1 at the index and 0 elsewhere.

    Args:
        indices: Integer tensor.
        num_classes: Size of the rows.

    Returns:
        A tensor of the shape of `indices` with a last axis of size `num_classes`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.one_hot([0, 2], 3)))
        [[1. 0. 0.]
         [0. 0. 1.]]
    """
    return _one_hot(indices, num_classes)


def gather(reference: Any, indices: Any) -> Tensor:
    """The rows of the given indices.

    Args:
        reference: Tensor or variable.
        indices: Integer tensor.

    Returns:
        A tensor of the shape of `indices`, followed by the axes of a row.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.gather(K.constant([1.0, 2.0, 3.0]), [2, 0])))
        [3. 1.]
    """
    return nn.embedding_lookup(reference, indices)
