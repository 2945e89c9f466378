"""Checks of labels and predictions."""

from __future__ import annotations

from typing import Any

from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.reshape import squeeze
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.math.casting import cast

__all__ = ["remove_squeezable_dimensions"]


def as_pair(
    labels: TensorLike, predictions: TensorLike, names: tuple[str, str] = ("labels", "predictions")
) -> tuple[Tensor, Tensor]:
    """Both as float32. ValueError if one is missing or the shapes differ."""
    for value, name in zip((labels, predictions), names, strict=True):
        if value is None:
            raise ValueError(f"{name} must not be None.")
    second, first = (cast(as_tensor_like(v), float32) for v in (predictions, labels))
    require_same_shape(second, first)
    return first, second


def require_same_shape(a: Tensor, b: Tensor) -> None:
    if not T.compatible(a.type.shape, b.type.shape):
        raise ShapeError(f"Shapes {format_shape(a.type.shape)} and {format_shape(b.type.shape)} are incompatible")


def remove_squeezable_dimensions(
    labels: TensorLike, predictions: TensorLike, expected_difference: int = 0
) -> tuple[Tensor, Tensor]:
    """Remove the last axis, of size 1, from labels or predictions where one has a dimension too many.

    Args:
        labels: A tensor of any shape.
        predictions: A tensor of any shape.
        expected_difference: The rank of `predictions` minus the rank of `labels` after the removal.

    Returns:
        Labels and predictions.

    Example:
        >>> labels, predictions = tf.losses.remove_squeezable_dimensions([[1], [2]], [1, 2])
        >>> labels.shape.as_list()
        [2]
    """
    found, truth = convert_to_tensor(predictions), convert_to_tensor(labels)
    if found.type.rank is not None and truth.type.rank is not None:
        difference = found.type.rank - truth.type.rank - expected_difference
        if difference == 1:
            found = squeeze(found, [-1])
        elif difference == -1:
            truth = squeeze(truth, [-1])
    return truth, found


def require(**values: Any) -> None:
    for name, value in values.items():
        if value is None:
            raise ValueError(f"{name} must not be None.")
