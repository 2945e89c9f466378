"""Models, and copies of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from minigraph.keras.network import layer_from_config
from minigraph.keras.saving import load_model, save_model
from minigraph.keras.sequential import Sequential
from minigraph.keras.training import Model

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_config", "model_from_json", "save_model"]


def model_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make a model from its configuration, without weights.

    Args:
        config: The dictionary `{"class_name": …, "config": …}`.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        The model.

    Raises:
        ValueError: A class is unknown, or the configuration has another form.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
        >>> config = {"class_name": "Sequential", "config": model.get_config()}
        >>> tf.keras.models.model_from_config(config).output_shape
        (None, 2)
    """
    return layer_from_config(config, custom_objects)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make a model from what `Model.to_json` gives, without weights.

    Args:
        json_string: The text.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        The model.

    Raises:
        ValueError: A class is unknown, or the text has another form.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
        >>> tf.keras.models.model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    return model_from_config(json.loads(json_string), custom_objects)


def clone_model(model: Any, input_tensors: Any = None, clone_function: Any = None) -> Any:
    """Make a model of new layers with the same arguments. Their weights are new, too.

    Args:
        model: A model made of layers.
        input_tensors, clone_function: TensorFlow's arguments, which must be None.

    Returns:
        The new model.

    Raises:
        NotImplementedError: One of the two arguments is given, or the model is a subclass that defines `call`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
        >>> tf.keras.models.clone_model(model).output_shape
        (None, 2)
    """
    if clone_function is not None or input_tensors is not None:
        raise NotImplementedError("clone_model: input_tensors and clone_function are not supported")
    return type(model).from_config(model.get_config())
