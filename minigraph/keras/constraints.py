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
    """Base class of constraints: functions from a weight to the value that replaces it after each step of training.

    A subclass defines `__call__(w)`. Its configuration consists of its attributes.

    Example:
        >>> class Halved(tf.keras.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return 0.5 * w
        >>> layer = tf.keras.layers.Dense(3, kernel_constraint=Halved())
    """

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a constraint.

        Returns:
            The arguments of the constructor, by name.
        """
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make a constraint from its configuration.

        Args:
            config: What `get_config` gives.

        Returns:
            A new constraint of the class.
        """
        return cls(**config)


def _norms(w: Tensor, axis: Any) -> Tensor:
    return math.sqrt(math.reduce_sum(math.square(w), axis, keepdims=True))


class MaxNorm(Constraint):
    """Scales vectors of weights down whose norm is larger than a bound.

    Args:
        max_value: The largest norm.
        axis: The axis, or axes, along which the norms are taken: 0 for the inputs of each unit of a dense layer, (0, 1,
            2) for the kernels of `Conv2D`.

    Example:
        >>> print(tf.Session().run(tf.keras.constraints.MaxNorm(1.0)([[3.0, 0.0], [4.0, 0.5]])).round(3))
        [[0.6 0. ]
         [0.8 0.5]]
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (clip_by_value(norms, 0.0, float(self.max_value)) / (epsilon() + norms))


class MinMaxNorm(Constraint):
    """Scales vectors of weights so that their norms lie between two bounds.

    Args:
        min_value: The smallest norm.
        max_value: The largest norm.
        rate: The share of the way to the bound that each step goes, from 0 to 1.
        axis: The axis, or axes, along which the norms are taken.

    Example:
        >>> constraint = tf.keras.constraints.MinMaxNorm(1.0, 2.0)
        >>> print(tf.Session().run(constraint([[3.0, 0.0], [4.0, 0.5]])).round(3))
        [[1.2 0. ]
         [1.6 1. ]]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        wanted = clip_by_value(norms, float(self.min_value), float(self.max_value))
        return w * ((self.rate * wanted + (1 - self.rate) * norms) / (epsilon() + norms))


class NonNeg(Constraint):
    """Replaces negative weights by 0.

    Example:
        >>> print(tf.Session().run(tf.keras.constraints.NonNeg()([-1.0, 2.0])) + 0)
        [0. 2.]
    """

    def __call__(self, w: Any) -> Any:
        """The value that replaces the weight's."""
        w = convert_to_tensor(w)
        return w * cast(math.greater_equal(w, 0.0), w.dtype)


class UnitNorm(Constraint):
    """Scales vectors of weights to the norm 1.

    Args:
        axis: The axis, or axes, along which the norms are taken.

    Example:
        >>> print(tf.Session().run(tf.keras.constraints.UnitNorm()([[3.0], [4.0]])).round(3))
        [[0.6]
         [0.8]]
    """

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
    """The constraint that an argument stands for.

    Args:
        identifier: A name such as "non_neg", a configuration, a class, a function, or None.

    Returns:
        The constraint; None for None.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> type(tf.keras.constraints.get("unit_norm")).__name__
        'UnitNorm'
    """
    return lookup.get(identifier, _TABLE, "constraint")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make a constraint from its configuration.

    Args:
        config: The dictionary `{"class_name": …, "config": …}`.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        The constraint.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> made = tf.keras.constraints.deserialize({"class_name": "MaxNorm", "config": {"max_value": 3}})
        >>> made.max_value
        3
    """
    return lookup.deserialize(config, _TABLE, "constraint", custom_objects)


def serialize(constraint: Any) -> Any:
    """The configuration of a constraint.

    Args:
        constraint: A constraint, or None.

    Returns:
        The dictionary that `deserialize` takes; a function's name; None for None.

    Example:
        >>> tf.keras.constraints.serialize(tf.keras.constraints.NonNeg())
        {'class_name': 'NonNeg', 'config': {}}
    """
    return lookup.to_config(constraint)
