"""Layers that make one tensor of several, and functions that apply them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from minigraph import math, nn
from minigraph.core.dtypes import bool_
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.masks import has_masks
from minigraph.ops.filling import ones_like
from minigraph.ops.math.casting import cast
from minigraph.ops.math.matmul import matmul

__all__ = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract", "add", "average",
           "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]  # fmt: skip


class _Merge(FieldLayer):
    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError("A merge layer should be called on a list of at least 2 inputs.")

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        """The result of two tensors.

        Args:
            x: The first tensor.
            y: The second one, of the same rank.

        Returns:
            The result.
        """
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        rank, terms = max(x.type.rank for x in inputs), list(inputs)
        for i, x in enumerate(inputs):
            for _ in range(rank - x.type.rank):
                terms[i] = K.expand_dims(terms[i], 1)
        return reduce(self.pair, terms)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or not has_masks(mask):
            return None
        return reduce(math.logical_and, [m for m in mask if m is not None])


class Add(_Merge):
    """Adds tensors, element by element.

    Args:
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Add()([tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])])))
        [[4. 6.]]
    """

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Subtract(_Merge):
    """Subtracts the second of two tensors from the first.

    Args:
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Subtract()([tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 5.0]])])))
        [[-2. -3.]]
    """

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        return x - y


class Multiply(_Merge):
    """Multiplies tensors, element by element.

    Args:
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Multiply()([tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])])))
        [[3. 8.]]
    """

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y


class Maximum(_Merge):
    """The largest of tensors, element by element.

    Args:
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Maximum()([tf.constant([[1.0, 5.0]]), tf.constant([[3.0, 4.0]])])))
        [[3. 5.]]
    """

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        return math.maximum(x, y)


class Minimum(_Merge):
    """The smallest of tensors, element by element.

    Args:
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Minimum()([tf.constant([[1.0, 5.0]]), tf.constant([[3.0, 4.0]])])))
        [[1. 4.]]
    """

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        return math.minimum(x, y)


class Average(Add):
    """The mean of tensors, element by element.

    Args:
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Average()([tf.constant([[1.0, 5.0]]), tf.constant([[3.0, 4.0]])])))
        [[2.  4.5]]
    """

    def call(self, inputs: Any) -> Any:
        return super().call(inputs) / float(len(inputs))


class Concatenate(_Merge):
    """Joins tensors along an axis.

    Args:
        axis: The axis, counted with the batch's.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.Concatenate()([tf.zeros([4, 5]), tf.zeros([4, 3])]).shape.as_list()
        [4, 8]
    """

    axis: int = -1

    def call(self, inputs: Any) -> Any:
        return K.concatenate(inputs, self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        # An element counts if all channels of its part do. A tensor without a mask counts as a whole.
        if mask is None or not has_masks(mask):
            return None
        parts = [
            cast(ones_like(x), bool_) if m is None else K.expand_dims(m) if m.type.rank < x.type.rank else m
            for x, m in zip(inputs, mask, strict=True)
        ]
        return K.all(K.concatenate(parts, self.axis), -1)


class Dot(_Merge):
    """Multiplies the vectors of two tensors: their scalar products for each example.

    Args:
        axes: The axis of the vectors, or one for each of the tensors; counted with the batch's.
        normalize: Whether the vectors are divided by their lengths before, so that the result is the cosine.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        NotImplementedError: In a call, the tensors have other ranks than 2 or 3.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Dot(1)([tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])])))
        [[11.]]
    """

    axes: Any
    normalize: bool = False

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def call(self, inputs: Any) -> Any:
        x, y = inputs
        axes = [self.axes] * 2 if isinstance(self.axes, int) else list(self.axes)
        first, second = (a % t.type.rank for a, t in zip(axes, inputs, strict=True))
        if self.normalize:
            x, y = nn.l2_normalize(x, first), nn.l2_normalize(y, second)
        if x.type.rank == y.type.rank == 2:
            return math.reduce_sum(x * y, 1, keepdims=True)
        if x.type.rank != 3 or y.type.rank != 3:
            raise NotImplementedError("Dot takes tensors of rank 2 or 3")
        return matmul(x, y, transpose_a=first == 1, transpose_b=second == 2)


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Add tensors, element by element.

    Args:
        inputs: Two tensors or more, of shapes that broadcast.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.add([tf.constant([[1.0]]), tf.constant([[3.0]])])))
        [[4.]]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Subtract the second of two tensors from the first.

    Args:
        inputs: Two tensors of shapes that broadcast.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.subtract([tf.constant([[1.0]]), tf.constant([[3.0]])])))
        [[-2.]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Multiply tensors, element by element.

    Args:
        inputs: Two tensors or more, of shapes that broadcast.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.multiply([tf.constant([[2.0]]), tf.constant([[3.0]])])))
        [[6.]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The mean of tensors, element by element.

    Args:
        inputs: Two tensors or more, of shapes that broadcast.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.average([tf.constant([[1.0]]), tf.constant([[3.0]])])))
        [[2.]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The largest of tensors, element by element.

    Args:
        inputs: Two tensors or more, of shapes that broadcast.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.maximum([tf.constant([[1.0]]), tf.constant([[3.0]])])))
        [[3.]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The smallest of tensors, element by element.

    Args:
        inputs: Two tensors or more, of shapes that broadcast.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.minimum([tf.constant([[1.0]]), tf.constant([[3.0]])])))
        [[1.]]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Join tensors along an axis.

    Args:
        inputs: Two tensors or more, which differ in the size of this axis only.
        axis: The axis, counted with the batch's.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        The joined tensor.

    Example:
        >>> tf.keras.layers.concatenate([tf.zeros([4, 5]), tf.zeros([4, 3])], axis=1).shape.as_list()
        [4, 8]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """Multiply the vectors of two tensors: their scalar products for each example.

    Args:
        inputs: Two tensors of rank 2 or 3.
        axes: The axis of the vectors, or one for each of the tensors; counted with the batch's.
        normalize: Whether the vectors are divided by their lengths before, so that the result is the cosine.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Returns:
        A tensor [N,1] for tensors of rank 2, or [N,L1,L2] for tensors of L1 and L2 vectors.

    Raises:
        NotImplementedError: The tensors have other ranks.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.dot([tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])], axes=1)))
        [[11.]]
    """
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
