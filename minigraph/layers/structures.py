"""Structures of tensors: lists of them, and their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.types import TensorShape


def flat(value: Any) -> list[Any]:
    """A tensor, or a list or tuple of them, as a list."""
    return [part for item in value for part in flat(item)] if isinstance(value, list | tuple) else [value]


def shapes_of(value: Any) -> Any:
    """The shape of a tensor, or the shapes of a list of them."""
    return [shapes_of(v) for v in value] if isinstance(value, list | tuple) else value.shape


def as_tuples(shape: Any) -> Any:
    """A shape as a tuple of sizes, None for unknown ones; or a list of them."""
    if isinstance(shape, list):
        return [as_tuples(s) for s in shape]
    return tuple(TensorShape(shape).as_list())


def alone(values: Sequence[Any]) -> Any:
    """The only one of some values; several as they are."""
    return values[0] if len(values) == 1 else values
