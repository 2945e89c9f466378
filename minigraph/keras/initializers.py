"""Initializers under Keras's names and with its defaults, and `get`, which finds one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType
from minigraph.keras import lookup
from minigraph.run import initializers as core
from minigraph.run.initializers import Initializer


class Zeros(core.zeros_initializer):
    """Zeros."""


class Ones(core.ones_initializer):
    """Ones."""


class Constant(core.constant_initializer):
    """A number everywhere, or the elements of an array in order."""


class RandomNormal(core.random_normal_initializer):
    """Random numbers of a normal distribution."""

    stddev: float = 0.05


class TruncatedNormal(core.truncated_normal_initializer):
    """Random numbers of a normal distribution that is cut off at two standard deviations."""

    stddev: float = 0.05


class RandomUniform(core.random_uniform_initializer):
    """Random numbers between two bounds."""

    minval: float = -0.05
    maxval: float | None = 0.05


class VarianceScaling(core.variance_scaling_initializer):
    """Random numbers of variance scale/n, where n is the number of inputs, of outputs, or their mean."""


class GlorotUniform(core.glorot_uniform_initializer):
    """Random numbers between ±√(6/(inputs + outputs))."""


class GlorotNormal(core.glorot_normal_initializer):
    """Random numbers of a truncated normal distribution of variance 2/(inputs + outputs)."""


class Orthogonal(core.orthogonal_initializer):
    """A random orthogonal matrix."""


class Identity(core.identity_initializer):
    """The identity matrix."""


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Random numbers of a truncated normal distribution of variance 2/inputs."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Random numbers between ±√(6/inputs)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Random numbers of a truncated normal distribution of variance 1/inputs."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Random numbers between ±√(3/inputs)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


zeros = Zeros
ones = Ones
constant = Constant
normal = random_normal = RandomNormal
uniform = random_uniform = RandomUniform
truncated_normal = TruncatedNormal
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
orthogonal = Orthogonal
identity = Identity

_CLASSES = (Zeros, Ones, Constant, RandomNormal, TruncatedNormal, RandomUniform, GlorotUniform, GlorotNormal,
            VarianceScaling, Orthogonal, Identity)  # fmt: skip
_FUNCTIONS = (he_normal, he_uniform, lecun_normal, lecun_uniform)
_TABLE: dict[str, Any] = {
    **{kind.__name__: kind for kind in _CLASSES},
    **{function.__name__: function for function in _FUNCTIONS},
    "zero": Zeros, "zeros": Zeros, "one": Ones, "ones": Ones, "constant": Constant, "normal": RandomNormal,
    "random_normal": RandomNormal, "uniform": RandomUniform, "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal, "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal,
    "orthogonal": Orthogonal, "identity": Identity,
}  # fmt: skip


def get(identifier: Any) -> Any:
    """The initializer of a name or a configuration; a function of (shape, dtype) is itself."""
    found = lookup.get(identifier, _TABLE, "initializer")
    return found() if found in _FUNCTIONS else found


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer of a configuration."""
    return lookup.from_config(config, _TABLE, "initializer", custom_objects)


def serialize(initializer: Any) -> Any:
    """The configuration of an initializer."""
    if not isinstance(initializer, Initializer):
        return lookup.to_config(initializer)
    name = next((kind.__name__ for kind in _CLASSES if isinstance(initializer, kind.__bases__[0])), None)
    fields = [f for f in initializer.fields if f in signature(type(initializer)).parameters] or initializer.fields
    values = {field: _plain(getattr(initializer, field)) for field in fields}
    return {"class_name": name or type(initializer).__name__, "config": values}


def _plain(value: Any) -> Any:
    if isinstance(value, DType):
        return value.name
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
