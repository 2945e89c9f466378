"""Penalties on weights and results, and `get`, which finds one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigraph import math
from minigraph.core.convert import convert_to_tensor
from minigraph.keras import lookup


class Regularizer:
    """Base class of regularizers: functions from a tensor to a scalar, which is added to the loss.

    A subclass defines `__call__(x)`, and `get_config` if models with it are saved.

    Example:
        >>> class Spread(tf.keras.regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return tf.reduce_max(x) - tf.reduce_min(x)
        >>> layer = tf.keras.layers.Dense(3, kernel_regularizer=Spread())
    """

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor."""
        return 0.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make a regularizer from its configuration.

        Args:
            config: What `get_config` gives.

        Returns:
            A new regularizer of the class.
        """
        return cls(**config)


class L1L2(Regularizer):
    """The penalty l1·Σ|x| + l2·Σx².

    Args:
        l1: Factor of the absolute values, rounded to float32.
        l2: Factor of the squares, rounded to float32.

    Example:
        >>> print(tf.Session().run(tf.keras.regularizers.L1L2(l1=0.5, l2=0.25)([1.0, -2.0])))
        2.75
    """

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
        """The arguments that make such a regularizer.

        Returns:
            The two factors, by name.
        """
        return {"l1": self.l1, "l2": self.l2}


def l1(l: float = 0.01) -> L1L2:  # noqa: E741
    """The penalty l·Σ|x|.

    Args:
        l: The factor.

    Returns:
        A regularizer.

    Example:
        >>> print(tf.Session().run(tf.keras.regularizers.l1(0.5)([1.0, -2.0])))
        1.5
    """
    return L1L2(l1=l)


def l2(l: float = 0.01) -> L1L2:  # noqa: E741
    """The penalty l·Σx².

    Args:
        l: The factor.

    Returns:
        A regularizer.

    Example:
        >>> print(tf.Session().run(tf.keras.regularizers.l2(0.5)([1.0, -2.0])))
        2.5
    """
    return L1L2(l2=l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """The penalty l1·Σ|x| + l2·Σx².

    Args:
        l1: Factor of the absolute values.
        l2: Factor of the squares.

    Returns:
        A regularizer.

    Example:
        >>> layer = tf.keras.layers.Dense(3, kernel_regularizer=tf.keras.regularizers.l1_l2(0.001, 0.002))
    """
    return L1L2(l1, l2)


_TABLE: dict[str, Any] = {"L1L2": L1L2, "l1": l1, "l2": l2, "l1_l2": l1_l2}


def get(identifier: Any) -> Any:
    """The regularizer that an argument stands for.

    Args:
        identifier: A name such as "l2", a configuration, a class, a function, or None.

    Returns:
        The regularizer; None for None.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.regularizers.get("l1").get_config()["l2"]
        0.0
    """
    found = lookup.get(identifier, _TABLE, "regularizer")
    return found() if found in (l1, l2, l1_l2) else found


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make a regularizer from its configuration.

    Args:
        config: The dictionary `{"class_name": …, "config": …}`.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        The regularizer.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.regularizers.deserialize({"class_name": "L1L2", "config": {"l1": 0.5}}).l1
        0.5
    """
    return lookup.deserialize(config, _TABLE, "regularizer", custom_objects)


def serialize(regularizer: Any) -> Any:
    """The configuration of a regularizer.

    Args:
        regularizer: A regularizer, or None.

    Returns:
        The dictionary that `deserialize` takes; a function's name; None for None.

    Example:
        >>> tf.keras.regularizers.serialize(tf.keras.regularizers.l2(0.5))
        {'class_name': 'L1L2', 'config': {'l1': 0.0, 'l2': 0.5}}
    """
    return lookup.to_config(regularizer)
