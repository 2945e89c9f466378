"""Counting of a measure: its local variables, its arguments at one rank, its collections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from minigraph.core import types as T
from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import bool_, float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.graphs.scoping import add_to_collections
from minigraph.losses.arguments import remove_squeezable_dimensions
from minigraph.ops.array.shape import zeros
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.math.casting import cast
from minigraph.ops.nn.weights import aligned
from minigraph.run.variables import Variable

Metric: TypeAlias = tuple[Tensor, Tensor]

Collections: TypeAlias = str | Sequence[str] | None
"""Names of collections."""


def count_variable(shape: Sequence[int], name: str, dtype: Any = float32) -> Variable:
    keys = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    return Variable(lambda: zeros(list(shape), dtype), trainable=False, collections=keys, name=name)


def at_one_rank(predictions: Any, labels: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """All with one rank: a last axis of size 1 is removed or added."""
    truth, found = remove_squeezable_dimensions(as_tensor_like(labels), as_tensor_like(predictions))
    if not T.compatible(truth.type.shape, found.type.shape):
        shapes = f"{format_shape(found.type.shape)} and {format_shape(truth.type.shape)}"
        raise ShapeError(f"Shapes {shapes} are incompatible")
    return found, truth, fit_weights(weights, found)


def as_bools(value: Any) -> Tensor:
    return cast(as_tensor_like(value), bool_)


def fit_weights(weights: Any, values: Tensor) -> Tensor | None:
    if weights is None:
        return None
    return aligned(convert_to_tensor(weights), values)


def noted(value: Tensor, update: Tensor, values: Any, updates: Any) -> Metric:
    """Value and update, added to the collections that the caller names."""
    add_to_collections(values, value)
    add_to_collections(updates, update)
    return value, update
