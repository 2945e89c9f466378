"""Models, and copies of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from minigraph.keras.network import layer_from_config
from minigraph.keras.saving import load_model as load_model
from minigraph.keras.saving import save_model as save_model
from minigraph.keras.training import Model as Model
from minigraph.keras.training import Sequential as Sequential


def model_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model of `{"class_name": …, "config": …}`."""
    return layer_from_config(config, custom_objects)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model of what `Model.to_json` gives, without weights."""
    return model_from_config(json.loads(json_string), custom_objects)


def clone_model(model: Any, input_tensors: Any = None, clone_function: Any = None) -> Any:
    """A model of new layers with the same arguments, without the weights."""
    if clone_function is not None or input_tensors is not None:
        raise NotImplementedError("clone_model: input_tensors and clone_function are not supported")
    return type(model).from_config(model.get_config())
