"""Constraints of weights, applied after each step, and `get`, which finds one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigraph import math
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras import lookup
from minigraph.keras.state import epsilon
from minigraph.ops.math.casting import cast
from minigraph.ops.math.clipping import clip_by_value


class Constraint:
    """The base class of constraints: functions from a weight to the value that replaces it."""

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The object of a configuration."""
        return cls(**config)


def _norms(w: Tensor, axis: Any) -> Tensor:
    return math.sqrt(math.reduce_sum(math.square(w), axis, keepdims=True))


class MaxNorm(Constraint):
    """Norms along an axis are at most `max_value`."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (clip_by_value(norms, 0.0, float(self.max_value)) / (epsilon() + norms))


class MinMaxNorm(Constraint):
    """Norms along an axis are between two bounds; `rate` is the share of the way there that each step takes."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        wanted = clip_by_value(norms, float(self.min_value), float(self.max_value))
        return w * ((self.rate * wanted + (1 - self.rate) * norms) / (epsilon() + norms))


class NonNeg(Constraint):
    """Negative numbers become 0."""

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        w = convert_to_tensor(w)
        return w * cast(math.greater_equal(w, 0.0), w.dtype)


class UnitNorm(Constraint):
    """Norms along an axis are 1."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        w = convert_to_tensor(w)
        return w / (epsilon() + _norms(w, self.axis))


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
_TABLE: dict[str, Any] = {
    "MaxNorm": MaxNorm, "MinMaxNorm": MinMaxNorm, "NonNeg": NonNeg, "UnitNorm": UnitNorm, "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm, "non_neg": NonNeg, "unit_norm": UnitNorm,
}  # fmt: skip


def get(identifier: Any) -> Any:
    """The constraint of a name or a configuration; a function is itself, and None is None."""
    return lookup.get(identifier, _TABLE, "constraint")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint of a configuration."""
    return lookup.from_config(config, _TABLE, "constraint", custom_objects)


def serialize(constraint: Any) -> Any:
    """The configuration of a constraint."""
    return lookup.to_config(constraint)
