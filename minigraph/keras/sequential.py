"""Models of layers one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.keras.layers.core import InputLayer
from minigraph.keras.lookup import custom_object_scope
from minigraph.keras.masks import set_masks
from minigraph.keras.network import Network, layer_from_config
from minigraph.keras.training import Model


class Sequential(Model):
    """Layers one after another.

    The first layer gets `input_shape`, or is an `InputLayer`; without it the model is built for its first data.

    Args:
        layers: The layers; None for none yet.
        name: The model's name; by default made from the class's name.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Flatten(input_shape=(4, 4))])
        >>> model.add(tf.keras.layers.Dense(3, activation="softmax"))
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> model.output_shape, model.metrics_names
        ((None, 3), ['loss', 'acc'])
    """

    _sets_masks = True

    def __init__(self, layers: Sequence[Any] | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Append a layer.

        Args:
            layer: The layer, or a model.
        """
        if self.outputs is not None and self._graph is not None:
            self._join(self.inputs, layer(self.outputs[0]))
        elif isinstance(layer, InputLayer):
            self._join(layer.output, layer.output)
            self._layers = [layer]
            return
        elif isinstance(layer, Network) and layer.inputs is not None and not self._layers:
            first = InputLayer(batch_input_shape=layer.input_shape, name=f"{layer.name}_input")
            self._join(first.output, layer(first.output))
        elif layer._batch_input_shape is not None and not self._layers:
            kind = layer.dtype or ("int32" if type(layer).__name__ == "Embedding" else None)
            first = InputLayer(batch_input_shape=layer._batch_input_shape, dtype=kind, name=f"{layer.name}_input")
            self._join(first.output, layer(first.output))
        else:
            self._layers.append(layer)

    def _join(self, inputs: Any, output: Any) -> None:
        first = inputs[0] if isinstance(inputs, list) else inputs
        self._calls.clear()
        self._connect(first, output)
        self._objective = None

    def pop(self) -> None:
        """Remove the last layer.

        Raises:
            TypeError: There is none.
        """
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        last = self._layers[-1]
        if self._graph is None:
            self._layers.pop()
            return
        self._join(self.inputs, last._calls[-1].given)

    @property
    def layers(self) -> list[Any]:
        """The layers, without that of the input."""
        return [layer for layer in self._layers if not hasattr(layer, "is_placeholder")]

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self._graph is not None:
            return super().call(inputs, training, mask)
        set_masks(inputs, mask)
        for layer in self._layers:
            inputs = layer(inputs)
        return inputs

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 0) -> np.ndarray:
        """Find the most probable class of each example; 0 or 1 for a single output.

        Args:
            x: Inputs, as `predict` takes them.
            batch_size: Examples that are computed at once.
            verbose: 1 for a bar that moves, 0 for nothing.

        Returns:
            An array of indices.
        """
        found = np.asarray(self.predict(x, batch_size=batch_size, verbose=verbose))
        return found.argmax(-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """Compute the outputs; the same as `predict`.

        Args:
            x: Inputs, as `predict` takes them.
            batch_size: Examples that are computed at once.
            verbose: 1 for a bar that moves, 0 for nothing.

        Returns:
            An array, or a list of them for several outputs.
        """
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def get_config(self) -> dict[str, Any]:
        layers = [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self.layers]
        config: dict[str, Any] = {"name": self.name, "layers": layers}
        if self._graph is None and self.inputs:
            config["build_input_shape"] = self.input_shape
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        entries = config["layers"] if isinstance(config, dict) else config
        with custom_object_scope(custom_objects or {}):
            made = cls([layer_from_config(entry) for entry in entries],
                       name=config.get("name") if isinstance(config, dict) else None)  # fmt: skip
        if made.inputs is None and isinstance(config, dict) and config.get("build_input_shape"):
            made.build(config["build_input_shape"])
        return made
