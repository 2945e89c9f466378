"""Layers that make one tensor of several, and functions that apply them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from minigraph import math, nn
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras.base_layer import FieldLayer
from minigraph.ops.math.matmul import matmul

__all__ = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract", "add", "average",
           "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]  # fmt: skip


class _Merge(FieldLayer):
    def build(self, input_shape: Any) -> None:
        """ValueError if there are less than two inputs."""
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError("A merge layer should be called on a list of at least 2 inputs.")

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        """The result of two tensors."""
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        """Compute the results. A tensor of lower rank gets axes of size 1 behind the batch's."""
        rank = max(x.type.rank for x in inputs)
        for i, x in enumerate(inputs):
            for _ in range(rank - x.type.rank):
                inputs[i] = K.expand_dims(inputs[i], 1)
        return reduce(self.pair, inputs)


class Add(_Merge):
    """The sum of tensors."""

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        """The result of two tensors."""
        return x + y


class Subtract(_Merge):
    """The difference of two tensors."""

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        """The result of two tensors."""
        return x - y


class Multiply(_Merge):
    """The product of tensors, element by element."""

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        """The result of two tensors."""
        return x * y


class Maximum(_Merge):
    """The largest of tensors, element by element."""

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        """The result of two tensors."""
        return math.maximum(x, y)


class Minimum(_Merge):
    """The smallest of tensors, element by element."""

    def pair(self, x: Tensor, y: Tensor) -> Tensor:
        """The result of two tensors."""
        return math.minimum(x, y)


class Average(Add):
    """The mean of tensors, element by element."""

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return super().call(inputs) / float(len(inputs))


class Concatenate(_Merge):
    """Tensors joined along an axis."""

    axis: int = -1

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return K.concatenate(inputs, self.axis)


class Dot(_Merge):
    """The products of the vectors along an axis of each of two tensors. normalize: of vectors of length 1."""

    axes: Any
    normalize: bool = False

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
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
    """The sum of tensors."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The difference of two tensors."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The product of tensors, element by element."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The mean of tensors, element by element."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The largest of tensors, element by element."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The smallest of tensors, element by element."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Tensors joined along an axis."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """The products of the vectors along an axis of each of two tensors."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
