"""Models and weights in HDF5 files, as TensorFlow 1.15's tf.keras writes and reads them. Needs h5py."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.formats.keras.hdf5 import group_member, group_texts, h5py_module, read_array, set_group_texts, take_array
from minigraph.keras import backend as K
from minigraph.keras import lookup, losses, metrics, optimizers
from minigraph.keras.base_layer import Layer, assign_all
from minigraph.keras.network import KERAS_VERSION, layer_from_config, refuse_tensors
from minigraph.util.files import atomic_write
from minigraph.util.read_budget import Budget, Damaged


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, save_format: str | None = None,
    signatures: Any = None,
) -> None:  # fmt: skip
    """Write a model to an HDF5 file: its layers, its weights, and how it is trained, with the optimizer's state.

    Args:
        model: A model made of layers.
        filepath: The file.
        overwrite: Whether an existing file is replaced.
        include_optimizer: Whether the arguments of `compile` and the optimizer's state are written.
        save_format: "h5", or None for the same.
        signatures: TensorFlow's argument, which must be None.

    Raises:
        FileExistsError: The file exists, and `overwrite` is false.
        MissingPackageError: h5py is not installed.
        NotImplementedError: The format is another one, or the model is a subclass that defines `call`.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
        >>> tf.keras.models.save_model(model, "model.h5")
        >>> tf.keras.models.load_model("model.h5").output_shape
        (None, 2)
    """
    if save_format not in (None, "h5") or signatures is not None:
        raise NotImplementedError('a model is saved with save_format="h5" only')

    def fill(file: Any) -> None:
        whole = {"class_name": type(model).__name__, "config": model.get_config()}
        file.attrs["keras_version"], file.attrs["backend"] = KERAS_VERSION.encode(), b"tensorflow"
        refuse_tensors(whole["config"])
        file.attrs["model_config"] = json.dumps(whole, default=_plain).encode()
        _write_weights(file.create_group("model_weights"), model.layers)
        optimizer = model.optimizer
        if include_optimizer and isinstance(optimizer, optimizers.Optimizer):
            file.attrs["training_config"] = json.dumps(model.training_config(), default=_plain).encode()
            if optimizer.weights:
                group = file.create_group("optimizer_weights")
                _write_group(group, [v.name for v in optimizer.weights], optimizer.get_weights())

    _write(filepath, overwrite, fill)


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights of a model's layers. FileExistsError if the file exists and `overwrite` is false."""
    _write(filepath, overwrite, lambda file: _write_weights(file, model.layers))


def _write(filepath: Any, overwrite: bool, fill: Any) -> None:
    path = os.fspath(filepath)
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"the file {path} exists; overwrite=True replaces it")
    content = io.BytesIO()
    with h5py_module().File(content, "w", track_order=True) as file:
        fill(file)
    with atomic_write(path) as target:
        target.write(content.getbuffer())


def _write_weights(group: Any, layers: Sequence[Layer]) -> None:
    group.attrs["keras_version"], group.attrs["backend"] = KERAS_VERSION.encode(), b"tensorflow"
    set_group_texts(group, "layer_names", [layer.name for layer in layers])
    for layer in layers:
        variables = _weights_of(layer)
        _write_group(group.create_group(layer.name), [v.name for v in variables], K.batch_get_value(variables))


def _weights_of(layer: Layer) -> list[Any]:
    """A layer's weights in the order of files: all trainable ones first."""
    trained = [v for part in layer._nested() for v in part._trainable_weights]
    return [*trained, *(v for part in layer._nested() for v in part._fixed_weights)]


def _write_group(group: Any, names: Sequence[str], values: Sequence[Any]) -> None:
    set_group_texts(group, "weight_names", names)
    for name, value in zip(names, values, strict=True):
        group.create_dataset(name, data=value)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else lookup.to_config(value)


def load_weights(model: Any, filepath: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Read the weights of a model's layers from a file of weights, or of a whole model.

    by_name: take those of layers of the same names, and leave the other layers alone; else all, in order.
    skip_mismatch: with `by_name`, skip layers whose weights have other shapes. NotFoundError; DataLossError;
    ValueError for weights that do not fit.
    """
    with _reading(filepath) as (file, budget):
        group = group_member(h5py_module(), file, "model_weights") if "model_weights" in file else file
        stored = {name: _read_group(group, name, budget) for name in group_texts(group, "layer_names")}
    assign_all(_by_name(model, stored, skip_mismatch) if by_name else _in_order(model, stored))


def _in_order(model: Any, stored: Mapping[str, list[np.ndarray]]) -> Iterator[tuple[Any, Any]]:
    layers = [layer for layer in model.layers if layer.weights]
    arrays = {name: values for name, values in stored.items() if values}
    if len(layers) != len(arrays):
        raise ValueError(
            f"You are trying to load a weight file containing {len(arrays)} layers into a model with {len(layers)} "
            "layers."
        )
    for layer, (name, values) in zip(layers, arrays.items(), strict=True):
        variables = _weights_of(layer)
        if len(variables) != len(values):
            raise ValueError(
                f"Layer {layer.name} expects {len(variables)} weights, but the saved weights of '{name}' have "
                f"{len(values)} elements."
            )
        yield from zip(variables, values, strict=True)


def _by_name(model: Any, stored: Mapping[str, list[np.ndarray]], skip: bool) -> Iterator[tuple[Any, Any]]:
    for layer in model.layers:
        values, variables = stored.get(layer.name), _weights_of(layer)
        if values is None:
            continue
        fits = [v.shape for v in values] == [v.type.static for v in variables]
        if fits:
            yield from zip(variables, values, strict=True)
        elif not skip:
            raise ValueError(
                f'Layer "{layer.name}" has weights of the shapes {[v.type.static for v in variables]}; those of the '
                f"file have the shapes {[v.shape for v in values]}."
            )


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True) -> Any:
    """Read a model from an HDF5 file, as `save_model` or TensorFlow's Keras writes it.

    Args:
        filepath: The file.
        custom_objects: The classes and functions that the file names besides Keras's own, by name.
        compile: Whether losses, metrics, and the optimizer with its state are read, too.

    Returns:
        The model.

    Raises:
        NotFoundError: There is no such file.
        DataLossError: The file is damaged.
        ValueError: The file holds weights only, or names something unknown.
        MissingPackageError: h5py is not installed.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
        >>> model.save("model.h5")
        >>> copy = tf.keras.models.load_model("model.h5")
        >>> np.array_equal(copy.get_weights()[0], model.get_weights()[0])
        True
    """
    with _reading(filepath) as (file, budget):
        if "model_config" not in file.attrs:
            raise ValueError(f"No model found in config file {os.fspath(filepath)}: it holds weights only.")
        config = json.loads(_text(file.attrs["model_config"]))
        training = json.loads(_text(file.attrs["training_config"])) if "training_config" in file.attrs else None
        state = _read_group(file, "optimizer_weights", budget) if "optimizer_weights" in file else []
    with lookup.custom_object_scope(custom_objects or {}):
        model = layer_from_config(config)
        if model.inputs is not None:
            load_weights(model, filepath)
        if compile and training is not None:
            optimizer = optimizers.deserialize(training["optimizer_config"])
            named = {key: _named(training.get(key)) for key in ("metrics", "weighted_metrics")}
            loss = _named(training["loss"], losses.get)
            model.compile(optimizer, loss, loss_weights=training.get("loss_weights"), **named)
            if state:
                model.make_step()
                optimizer.set_weights(state)
    return model


def _named(value: Any, get: Any = metrics.get) -> Any:
    """Losses or metrics of a configuration, in its structure. Names are kept as names."""
    if isinstance(value, Mapping) and "class_name" in value:
        return get(value)
    if isinstance(value, Mapping):
        return {key: _named(v, get) for key, v in value.items()}
    return [_named(v, get) for v in value] if isinstance(value, list) else value


@contextmanager
def _reading(filepath: Any) -> Iterator[tuple[Any, Budget]]:
    """An open file and the budget for its arrays. NotFoundError; DataLossError if its content is damaged."""
    path = os.fspath(filepath)
    if not os.path.exists(path):
        raise NotFoundError(f"there is no file {path}")
    try:
        with h5py_module().File(path, "r") as file:
            yield file, Budget(os.path.getsize(path))
    except (Damaged, OSError, RuntimeError, KeyError, json.JSONDecodeError) as error:
        raise DataLossError(f"{path} cannot be read: {error}") from error


def _read_group(parent: Any, name: str, budget: Budget) -> list[np.ndarray]:
    """The arrays of a group, in the order of its list."""
    h5py = h5py_module()
    group = group_member(h5py, parent, name)
    sets = [(n, group_member(h5py, group, n)) for n in group_texts(group, "weight_names")]
    for member, data in sets:
        take_array(h5py, member, data, budget)
    return [read_array(n, data, budget) for n, data in sets]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
