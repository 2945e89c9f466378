"""Models: networks that can be trained, evaluated and asked for predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigraph.keras import backend as K
from minigraph.keras import optimizers, saving
from minigraph.keras.callbacks import Callback, History
from minigraph.keras.data import ArrayBatch, as_arrays, check_lengths, is_stream, weights_of
from minigraph.keras.loops import EvaluationLoop, PredictionLoop, TrainingLoop
from minigraph.keras.network import Network
from minigraph.keras.objective import Objective
from minigraph.keras.state import get_session, phase_feeds
from minigraph.layers.structures import alone, flat
from minigraph.util.nest import listed


class Model(Network):
    """Layers between inputs and outputs, or a subclass that defines `call`, with training.

    Args:
        *args: inputs and outputs, tensors or lists of them; for a subclass none.
        **kwargs: The same by name, and: name, the model's name; arguments of `keras.layers.Layer`.

    Raises:
        ValueError: An output does not follow from the inputs, or two layers have the same name.

    Example:
        >>> x = tf.keras.Input((3,))
        >>> model = tf.keras.Model(inputs=x, outputs=tf.keras.layers.Dense(1)(x))
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones([4, 3]), np.zeros([4, 1]), verbose=0)
        >>> model.predict(np.ones([2, 3])).shape
        (2, 1)
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

        Args:
            optimizer: A name, or an optimizer of `keras.optimizers` or `tf.train`.
            loss: A name, a function of (y_true, y_pred), or an object of `keras.losses`. For several outputs one for
                all, a list, or a dictionary by the names of the outputs' layers.
            metrics: A list of names, functions or objects of `keras.metrics`; for several outputs also a list of lists,
                or a dictionary.
            loss_weights: Factors of the outputs' losses, a list or a dictionary; None for 1.
            sample_weight_mode, distribute: TensorFlow's arguments, which must be None.
            weighted_metrics: As `metrics`, with the weights of the examples.
            target_tensors: Tensors that take the place of fed targets; None for none.
            **kwargs: Refused.

        Raises:
            ValueError: A name is unknown.
            NotImplementedError: An argument that must be None is given.
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
        """Make the operations of a step, and with them the weights of the optimizer.

        Raises:
            RuntimeError: The model was not compiled.
        """
        self._make_objective().step(weighted=False)

    def training_config(self) -> dict[str, Any]:
        """The arguments of `compile`, as files hold them.

        Returns:
            A dictionary.

        Raises:
            RuntimeError: The model was not compiled.
        """
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
        """Make the weights of a model that is not made of connected layers.

        Args:
            input_shape: Shape of the input, with the size of the batch; a list of shapes for several inputs.
        """
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

    def _batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> ArrayBatch:
        """Arrays for the model's inputs and outputs."""
        self._prepared(x)
        inputs = as_arrays(x, self.input_names, self.inputs or [], "input")
        if y is None and self._compiled is None:
            return ArrayBatch(inputs, [], None)
        objective = self._make_objective()
        if y is None and objective.target_names:
            raise ValueError("The model expects targets, and none are given.")
        targets = as_arrays(y, objective.target_names, objective.checked_targets(), "target")
        batch = ArrayBatch(inputs, targets, weights_of(sample_weight, class_weight, objective.target_names, targets))
        check_lengths(batch, [*self.input_names, *objective.target_names])
        return batch

    def _inputs(self, x: Any) -> ArrayBatch:
        self._prepared(x)
        batch = ArrayBatch(as_arrays(x, self.input_names, self.inputs or [], "input"), [], None)
        check_lengths(batch, self.input_names)
        return batch

    def batch_of(self, element: Any, class_weight: Any = None) -> ArrayBatch:
        """The arrays of an element of a stream.

        Args:
            element: (inputs, targets) or (inputs, targets, weights).
            class_weight: Weights of classes, by their numbers; None for 1.

        Returns:
            The arrays for each input and output.

        Raises:
            ValueError: The element has another form, or an array another shape.
        """
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
        """Train the model.

        Args:
            x: Array [N,…] of inputs, a list or dictionary of them for several inputs; or a generator, a
                `keras.utils.Sequence` or a data set of `tf.data`, of pairs (inputs, targets) or triples with weights.
            y: Array [N,…] of targets, a list or dictionary of them; None if `x` gives them.
            batch_size: Examples of a step; by default 32.
            epochs: The number at which the training ends.
            verbose: 1 for a bar that moves, 2 for a line for each epoch, 0 for nothing.
            callbacks: Objects of `keras.callbacks`.
            validation_split: The share of the examples, the last ones, that are held back for validation.
            validation_data: (inputs, targets) or (inputs, targets, weights) for validation, or a stream as `x`.
            shuffle: Whether each epoch takes the examples in a new random order; "batch" to shuffle whole batches.
            class_weight: Weights of classes, by their numbers; None for 1.
            sample_weight: Weights [N] of the examples; None for 1.
            initial_epoch: The number of the first epoch.
            steps_per_epoch: Steps of an epoch; None for all data.
            validation_steps: Batches of a validation; None for all data.
            validation_freq: Epochs between two validations.
            max_queue_size, workers, use_multiprocessing: TensorFlow's arguments, which have no effect.
            **kwargs: nb_epoch, an older name of epochs.

        Returns:
            The history of the losses and metrics.

        Raises:
            RuntimeError: The model was not compiled.
            ValueError: The arrays do not fit the model, or have different numbers of examples.
        """
        epochs = kwargs.pop("nb_epoch", epochs)
        training = TrainingLoop(self, epochs, verbose, callbacks, shuffle, initial_epoch, validation_freq)
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
        """Compute the loss and the metrics.

        Args:
            x: Inputs, or a stream, as `fit` takes them.
            y: Targets; None if `x` gives them.
            batch_size: Examples that are computed at once; by default 32.
            verbose: 1 for a bar that moves, 0 for nothing.
            sample_weight: Weights [N] of the examples; None for 1.
            steps: Batches; None for all data.
            callbacks: Objects of `keras.callbacks`.
            max_queue_size, workers, use_multiprocessing: TensorFlow's arguments, which have no effect.

        Returns:
            The loss, or a list of the numbers that `metrics_names` names.

        Raises:
            RuntimeError: The model was not compiled.
            ValueError: The arrays do not fit the model, or have different numbers of examples.
        """
        evaluation = EvaluationLoop(self, verbose, callbacks)
        if is_stream(x):
            found = evaluation.run_stream(x, steps)
        else:
            found = evaluation.run_arrays(self._batch(x, y, sample_weight), batch_size or 32, steps)
        return alone(found)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: int = 0, steps: int | None = None, callbacks: Any = None,
        max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
    ) -> Any:  # fmt: skip
        """Compute the outputs.

        Args:
            x: Inputs, or a stream, as `fit` takes them.
            batch_size: Examples that are computed at once; by default 32.
            verbose: 1 for a bar that moves, 0 for nothing.
            steps: Batches; None for all data.
            callbacks: Objects of `keras.callbacks`.
            max_queue_size, workers, use_multiprocessing: TensorFlow's arguments, which have no effect.

        Returns:
            An array, or a list of them for several outputs.

        Raises:
            ValueError: The arrays do not fit the model, or have different numbers of examples.
        """
        prediction = PredictionLoop(self, verbose, callbacks)
        if is_stream(x):
            found = prediction.run_stream(x, steps)
        else:
            found = prediction.run_arrays(self._inputs(x), batch_size or 32, steps)
        return alone(found)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, reset_metrics: bool = True
    ) -> Any:
        """Take one step of training.

        Args:
            x: Inputs.
            y: Targets.
            sample_weight: Weights of the examples; None for 1.
            class_weight: Weights of classes, by their numbers; None for 1.
            reset_metrics: Whether the metrics are of this batch only.

        Returns:
            The loss before the step, or a list of the numbers that `metrics_names` names.

        Raises:
            RuntimeError: The model was not compiled.
            ValueError: The arrays do not fit the model, or have different numbers of examples.
        """
        return self._on_batch(self._batch(x, y, sample_weight, class_weight), True, reset_metrics)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True) -> Any:
        """Compute the loss and the metrics of one batch.

        Args:
            x: Inputs.
            y: Targets.
            sample_weight: Weights of the examples; None for 1.
            reset_metrics: Whether the metrics are of this batch only.

        Returns:
            The loss, or a list of the numbers that `metrics_names` names.

        Raises:
            RuntimeError: The model was not compiled.
            ValueError: The arrays do not fit the model, or have different numbers of examples.
        """
        return self._on_batch(self._batch(x, y, sample_weight), False, reset_metrics)

    def _on_batch(self, batch: ArrayBatch, training: bool, reset_metrics: bool) -> Any:
        objective = self._make_objective()
        if reset_metrics:
            objective.reset()
        totals, sums = objective.run(batch, training)
        found = [*map(float, totals), *objective.count(sums)]
        return alone(found)

    def predict_on_batch(self, x: Any) -> Any:
        """Compute the outputs for one batch.

        Args:
            x: Inputs.

        Returns:
            An array, or a list of them for several outputs.
        """
        found = self.outputs_for(self._inputs(x))
        return alone(found)

    def outputs_for(self, batch: ArrayBatch) -> list[np.ndarray]:
        """Compute the outputs for a batch of checked arrays.

        Args:
            batch: The arrays.

        Returns:
            A list of arrays, one for each output.
        """
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
        """Train the model on a generator; an older name of `fit`.

        Args:
            generator: Generator, `keras.utils.Sequence` or data set, as `fit` takes it.
            steps_per_epoch, epochs, verbose, callbacks, validation_data, validation_steps: As of `fit`.
            validation_freq, class_weight, shuffle, initial_epoch: As of `fit`.
            max_queue_size, workers, use_multiprocessing: TensorFlow's arguments, which have no effect.

        Returns:
            The history of the losses and metrics.
        """
        return self.fit(
            generator, epochs=epochs, verbose=verbose, callbacks=callbacks, validation_data=validation_data,
            shuffle=shuffle, class_weight=class_weight, initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps, validation_freq=validation_freq,
        )  # fmt: skip

    def evaluate_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: int = 0,
    ) -> Any:  # fmt: skip
        """Compute the loss and the metrics on a generator; an older name of `evaluate`.

        Args:
            generator: Generator, `keras.utils.Sequence` or data set, as `fit` takes it.
            steps, callbacks, verbose: As of `evaluate`.
            max_queue_size, workers, use_multiprocessing: TensorFlow's arguments, which have no effect.

        Returns:
            The loss, or a list of the numbers that `metrics_names` names.
        """
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: int = 0,
    ) -> Any:  # fmt: skip
        """Compute the outputs on a generator; an older name of `predict`.

        Args:
            generator: Generator, `keras.utils.Sequence` or data set, as `fit` takes it.
            steps, callbacks, verbose: As of `predict`.
            max_queue_size, workers, use_multiprocessing: TensorFlow's arguments, which have no effect.

        Returns:
            An array, or a list of them for several outputs.
        """
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    # files

    def save(
        self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, save_format: str | None = None,
        signatures: Any = None,
    ) -> None:  # fmt: skip
        """Write the model to an HDF5 file; see `keras.models.save_model`.

        Args:
            filepath: The file.
            overwrite: Whether an existing file is replaced.
            include_optimizer: Whether the arguments of `compile` and the optimizer's state are written.
            save_format: "h5", or None for the same.
            signatures: TensorFlow's argument, which must be None.

        Raises:
            FileExistsError: The file exists, and `overwrite` is false.
            MissingPackageError: h5py is not installed.
        """
        saving.save_model(self, filepath, overwrite, include_optimizer, save_format, signatures)

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: str | None = None) -> None:
        """Write the weights to an HDF5 file.

        Args:
            filepath: The file.
            overwrite: Whether an existing file is replaced.
            save_format: "h5", or None for the same.

        Raises:
            FileExistsError: The file exists, and `overwrite` is false.
            MissingPackageError: h5py is not installed.
            NotImplementedError: The format is another one.
        """
        if save_format not in (None, "h5"):
            raise NotImplementedError('Model.save_weights writes save_format="h5" only')
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
        """Read the weights from an HDF5 file of weights, or of a whole model.

        Args:
            filepath: The file.
            by_name: Whether layers get the weights of the layers of the same names, and other layers stay as they are;
                else all weights are taken in order.
            skip_mismatch: With `by_name`, whether layers whose weights have other shapes are left alone.

        Raises:
            NotFoundError: There is no such file.
            DataLossError: The file is damaged.
            ValueError: The weights do not fit the model.
            MissingPackageError: h5py is not installed.
        """
        saving.load_weights(self, filepath, by_name, skip_mismatch)
