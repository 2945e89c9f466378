"""Models: networks that can be trained, evaluated and asked for predictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.keras import backend as K
from minigraph.keras import optimizers, saving
from minigraph.keras.base_layer import alone, flat
from minigraph.keras.callbacks import Callback, History
from minigraph.keras.data import Batch, as_arrays, check_lengths, is_stream, weights_of
from minigraph.keras.layers.core import InputLayer
from minigraph.keras.lookup import custom_object_scope
from minigraph.keras.loops import Evaluation, Prediction, Training
from minigraph.keras.network import Network, layer_from_config
from minigraph.keras.objective import Objective
from minigraph.keras.state import get_session, phase_feeds
from minigraph.util.nest import listed


class Model(Network):
    """Layers between inputs and outputs, or a subclass that defines `call`, with training.

    inputs, outputs: tensors, or lists of them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._objective: Objective | None = None
        self._compiled: dict[str, Any] | None = None
        self.stop_training = False
        self.optimizer: Any = None
        self.history: History | None = None
        super().__init__(*args, **kwargs)

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, loss_weights: Any = None,
        sample_weight_mode: Any = None, weighted_metrics: Any = None, target_tensors: Any = None,
        distribute: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Choose the optimizer, the losses and the metrics.

        optimizer, loss, metrics: names, or objects and functions of `keras.optimizers`, `keras.losses` and
        `keras.metrics`; also an optimizer of `tf.train`. loss, metrics, loss_weights: one for all outputs, a list, or a
        dictionary by the names of output layers.
        """
        if sample_weight_mode is not None or distribute is not None or kwargs:
            raise NotImplementedError(f"compile: sample_weight_mode, distribute and {sorted(kwargs)} are not supported")
        self.optimizer = optimizers.get(optimizer)
        self._compiled = {
            "loss": loss, "metric": metrics, "weighted_metric": weighted_metrics, "loss_weights": loss_weights,
            "targets": target_tensors,
        }  # fmt: skip
        self._objective = None
        if self.inputs is not None:
            self._make_objective()

    def _make_objective(self) -> Objective:
        if self._compiled is None:
            raise RuntimeError(
                "You must compile your model before training/testing. Use `model.compile(optimizer, loss)`."
            )
        if self._objective is None:
            self._objective = Objective(self, self.optimizer, **self._compiled)
        return self._objective

    def make_step(self) -> None:
        """Make the operations of a step, and with them the weights of the optimizer."""
        self._make_objective().step(weighted=False)

    def training_config(self) -> dict[str, Any]:
        """The arguments of `compile`, as files hold them. RuntimeError if the model was not compiled."""
        given = (self._make_objective() and self._compiled) or {}
        return {
            "loss": given["loss"], "metrics": given["metric"], "weighted_metrics": given["weighted_metric"],
            "sample_weight_mode": None, "loss_weights": given["loss_weights"],
            "optimizer_config": optimizers.serialize(self.optimizer),
        }  # fmt: skip

    @property
    def loss(self) -> Any:
        """The losses that the model was compiled with."""
        return None if self._compiled is None else self._compiled["loss"]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the numbers that `evaluate` returns."""
        return self._make_objective().names

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for a shape of the input, or several."""
        if self.inputs is None and input_shape is not None:
            shapes = input_shape if isinstance(input_shape, list) else [input_shape]
            self._begin_with([tuple(s) for s in shapes])

    def _begin_with(self, shapes: list[Any]) -> None:
        """Build a model that is not made of connected layers for inputs of given shapes."""
        self.built = True
        tensors = [K.placeholder(shape, name=f"input_{i + 1}") for i, shape in enumerate(shapes)]
        inputs = alone(tensors)
        outputs = self(inputs)
        self.inputs, self.outputs, self._form = tensors, flat(outputs), (inputs, outputs)

    def _prepared(self, x: Any) -> None:
        if self.inputs is None:
            arrays = [np.asarray(v) for v in listed(x)]
            arrays = [a[:, None] if a.ndim == 1 else a for a in arrays]
            self._begin_with([(None, *a.shape[1:]) for a in arrays])

    @property
    def input_names(self) -> list[str]:
        """The names of the layers of the inputs."""
        if self._graph is None:
            return [t.op.name for t in self.inputs or ()]
        return super().input_names

    @property
    def output_names(self) -> list[str]:
        """The names of the layers of the outputs."""
        if self._graph is None:
            return [f"output_{i + 1}" for i, _ in enumerate(self.outputs or ())]
        return super().output_names

    # data

    def _batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> Batch:
        """Arrays for the model's inputs and outputs."""
        self._prepared(x)
        inputs = as_arrays(x, self.input_names, self.inputs or [], "input")
        if y is None and self._compiled is None:
            return Batch(inputs, [], None)
        objective = self._make_objective()
        if y is None and objective.target_names:
            raise ValueError("The model expects targets, and none are given.")
        targets = as_arrays(y, objective.target_names, objective.checked_targets(), "target")
        batch = Batch(inputs, targets, weights_of(sample_weight, class_weight, objective.target_names, targets))
        check_lengths(batch, [*self.input_names, *objective.target_names])
        return batch

    def _inputs(self, x: Any) -> Batch:
        self._prepared(x)
        batch = Batch(as_arrays(x, self.input_names, self.inputs or [], "input"), [], None)
        check_lengths(batch, self.input_names)
        return batch

    def batch_of(self, element: Any, class_weight: Any = None) -> Batch:
        """The arrays of an element of a stream: (x, y) or (x, y, weights)."""
        if not isinstance(element, tuple | list) or len(element) not in (2, 3):
            raise ValueError(
                f"Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. Found: {element}"
            )
        return self._batch(element[0], element[1], element[2] if len(element) == 3 else None, class_weight)

    # training and use

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: int = 1,
        callbacks: Iterable[Callback] | None = None, validation_split: float = 0.0, validation_data: Any = None,
        shuffle: Any = True, class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
        steps_per_epoch: int | None = None, validation_steps: int | None = None, validation_freq: int = 1,
        max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False, **kwargs: Any,
    ) -> History:  # fmt: skip
        """Train the model. x, y: arrays, lists or dictionaries of them; or x a generator, `Sequence` or data set.

        Returns the history of the losses and metrics. The last three arguments have no effect.
        """
        epochs = kwargs.pop("nb_epoch", epochs)
        training = Training(self, epochs, verbose, callbacks, shuffle, initial_epoch, validation_freq)
        if is_stream(x):
            return training.run_stream(x, steps_per_epoch, class_weight, validation_data, validation_steps)
        batch = self._batch(x, y, sample_weight, class_weight)
        held = None
        if validation_data is not None and not is_stream(validation_data):
            held = self.batch_of(tuple(validation_data))
        elif validation_data is None and validation_split:
            split = int(batch.size * (1.0 - validation_split))
            batch, held = batch.take(slice(0, split)), batch.take(slice(split, None))
        return training.run_arrays(batch, batch_size or 32, steps_per_epoch, held or validation_data, validation_steps)

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: int = 1, sample_weight: Any = None,
        steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10, workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:  # fmt: skip
        """The loss, or a list of the losses and metrics, of data as `fit` takes it."""
        evaluation = Evaluation(self, verbose, callbacks)
        if is_stream(x):
            found = evaluation.run_stream(x, steps)
        else:
            found = evaluation.run_arrays(self._batch(x, y, sample_weight), batch_size or 32, steps)
        return alone(found)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: int = 0, steps: int | None = None, callbacks: Any = None,
        max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
    ) -> Any:  # fmt: skip
        """The outputs for data as `fit` takes it, without targets."""
        prediction = Prediction(self, verbose, callbacks)
        if is_stream(x):
            found = prediction.run_stream(x, steps)
        else:
            found = prediction.run_arrays(self._inputs(x), batch_size or 32, steps)
        return alone(found)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, reset_metrics: bool = True
    ) -> Any:
        """Take one step of training. Returns the loss, or a list of the losses and metrics."""
        return self._on_batch(self._batch(x, y, sample_weight, class_weight), True, reset_metrics)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True) -> Any:
        """The loss, or a list of the losses and metrics, of one batch."""
        return self._on_batch(self._batch(x, y, sample_weight), False, reset_metrics)

    def _on_batch(self, batch: Batch, training: bool, reset_metrics: bool) -> Any:
        objective = self._make_objective()
        if reset_metrics:
            objective.reset()
        totals, sums = objective.run(batch, training)
        found = [*map(float, totals), *objective.count(sums)]
        return alone(found)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        found = self.outputs_for(self._inputs(x))
        return alone(found)

    def outputs_for(self, batch: Batch) -> list[np.ndarray]:
        """The outputs for one batch."""
        feeds = dict(zip(self.inputs or [], batch.inputs, strict=True))
        found: list[np.ndarray]
        found, _ = get_session().run([list(self.outputs or ()), self.state_updates], feeds | phase_feeds(False))
        return found

    def reset_metrics(self) -> None:
        """Forget the batches of the metrics so far."""
        self._make_objective().reset()

    def fit_generator(
        self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: int = 1,
        callbacks: Iterable[Callback] | None = None, validation_data: Any = None, validation_steps: int | None = None,
        validation_freq: int = 1, class_weight: Any = None, max_queue_size: int = 10, workers: int = 1,
        use_multiprocessing: bool = False, shuffle: bool = True, initial_epoch: int = 0,
    ) -> History:  # fmt: skip
        """`fit` on a generator."""
        return self.fit(
            generator, epochs=epochs, verbose=verbose, callbacks=callbacks, validation_data=validation_data,
            shuffle=shuffle, class_weight=class_weight, initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps, validation_freq=validation_freq,
        )  # fmt: skip

    def evaluate_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: int = 0,
    ) -> Any:  # fmt: skip
        """`evaluate` on a generator."""
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: int = 0,
    ) -> Any:  # fmt: skip
        """`predict` on a generator."""
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    # files

    def save(
        self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, save_format: str | None = None,
        signatures: Any = None,
    ) -> None:  # fmt: skip
        """Write the model to an HDF5 file; see `keras.models.save_model`."""
        saving.save_model(self, filepath, overwrite, include_optimizer, save_format, signatures)

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: str | None = None) -> None:
        """Write the weights to an HDF5 file."""
        if save_format not in (None, "h5"):
            raise NotImplementedError('Model.save_weights writes save_format="h5" only')
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
        """Read the weights from an HDF5 file of weights, or of a whole model; see `keras.saving.load_weights`."""
        saving.load_weights(self, filepath, by_name, skip_mismatch)


class Sequential(Model):
    """Layers one after another. The first gets `input_shape`; without it the model is built for its first data."""

    def __init__(self, layers: Sequence[Any] | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Append a layer."""
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
        """Remove the last layer. TypeError if there is none."""
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
        """The output for another input."""
        if self._graph is not None:
            return super().call(inputs, training)
        for layer in self._layers:
            inputs = layer(inputs)
        return inputs

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 0) -> np.ndarray:
        """The most probable class of each example."""
        found = np.asarray(self.predict(x, batch_size=batch_size, verbose=verbose))
        return found.argmax(-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """The outputs."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def get_config(self) -> dict[str, Any]:
        """The layers."""
        layers = [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self.layers]
        config: dict[str, Any] = {"name": self.name, "layers": layers}
        if self._graph is None and self.inputs:
            config["build_input_shape"] = self.input_shape
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """The model of a configuration."""
        entries = config["layers"] if isinstance(config, dict) else config
        with custom_object_scope(custom_objects or {}):
            made = cls([layer_from_config(entry) for entry in entries],
                       name=config.get("name") if isinstance(config, dict) else None)  # fmt: skip
        if made.inputs is None and isinstance(config, dict) and config.get("build_input_shape"):
            made.build(config["build_input_shape"])
        return made
