"""Penalties on weights and results, and `get`, which finds one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigraph import math
from minigraph.core.convert import convert_to_tensor
from minigraph.keras import lookup


class Regularizer:
    """The base class of penalties: functions from a tensor to a scalar."""

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor."""
        return 0.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The object of a configuration."""
        return cls(**config)


class L1L2(Regularizer):
    """l1·Σ|x| + l2·Σx²."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = float(np.float32(l1)), float(np.float32(l2))

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor."""
        x = convert_to_tensor(x)
        total: Any = 0.0
        if self.l1:
            total = total + math.reduce_sum(self.l1 * math.abs(x))
        if self.l2:
            total = total + math.reduce_sum(self.l2 * math.square(x))
        return total

    def get_config(self) -> dict[str, float]:
        """The arguments of the constructor."""
        return {"l1": self.l1, "l2": self.l2}


def l1(l: float = 0.01) -> L1L2:  # noqa: E741
    """l·Σ|x|."""
    return L1L2(l1=l)


def l2(l: float = 0.01) -> L1L2:  # noqa: E741
    """l·Σx²."""
    return L1L2(l2=l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """l1·Σ|x| + l2·Σx²."""
    return L1L2(l1, l2)


_TABLE: dict[str, Any] = {"L1L2": L1L2, "l1": l1, "l2": l2, "l1_l2": l1_l2}


def get(identifier: Any) -> Any:
    """The penalty of a name or a configuration; a function is itself, and None is None."""
    found = lookup.get(identifier, _TABLE, "regularizer")
    return found() if found in (l1, l2, l1_l2) else found


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The penalty of a configuration."""
    return lookup.from_config(config, _TABLE, "regularizer", custom_objects)


def serialize(regularizer: Any) -> Any:
    """The configuration of a penalty."""
    return lookup.to_config(regularizer)
