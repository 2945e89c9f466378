"""Metrics by their names and configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigraph.keras import lookup
from minigraph.keras.losses.functions import FUNCTIONS
from minigraph.keras.metrics import functions, means, totals
from minigraph.keras.metrics.base import Metric

__all__ = ["deserialize", "get", "serialize"]

_TABLE: dict[str, Any] = {
    **FUNCTIONS,
    **{name: getattr(module, name) for module in (functions, means, totals) for name in module.__all__},
}


def get(identifier: Any) -> Any:
    """The metric that an argument stands for.

    Args:
        identifier: A name such as "binary_accuracy" or "AUC", a configuration, a class, a function of (y_true, y_pred),
            an object of `Metric`, or None.

    Returns:
        A function of (y_true, y_pred), or an object of `Metric`; None for None.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.metrics.get("mae") is tf.keras.metrics.mean_absolute_error
        True
    """
    return identifier if isinstance(identifier, Metric) else lookup.get(identifier, _TABLE, "metric function")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make a metric from its name or its configuration.

    Args:
        config: The name, or the dictionary `{"class_name": …, "config": …}`.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        A function of (y_true, y_pred), or an object of `Metric`.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.metrics.deserialize({"class_name": "AUC", "config": {"num_thresholds": 50}}).num_thresholds
        50
    """
    return lookup.deserialize(config, _TABLE, "metric function", custom_objects)


def serialize(metric: Any) -> Any:
    """The name or the configuration of a metric.

    Args:
        metric: A function, an object of `Metric`, or None.

    Returns:
        The name of a function, the dictionary that `deserialize` takes for an object, and None for None.

    Example:
        >>> tf.keras.metrics.serialize(tf.keras.metrics.CategoricalAccuracy("right"))
        {'class_name': 'CategoricalAccuracy', 'config': {'name': 'right', 'dtype': 'float32'}}
    """
    return lookup.to_config(metric)
