"""`fit` for graphs that are not made of Keras's layers: the loop and the callbacks of `keras.Model.fit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minigraph.core.graph import Node, Tensor
from minigraph.keras.callbacks import Callback, History
from minigraph.keras.data import ArrayBatch, as_arrays, check_batch_size, check_lengths
from minigraph.keras.loops import TrainingLoop
from minigraph.run.default_session import get_default_session
from minigraph.run.session import Session
from minigraph.run.variable_lists import global_variables, trainable_variables, variables_initializer
from minigraph.run.variables import Variable
from minigraph.train.saver import Saver

__all__ = ["fit"]

Feeds = Mapping[Any, Any]


def fit(
    train_op: Node | Tensor,
    data: Mapping[Tensor, ArrayLike],
    metrics: Mapping[str, Tensor],
    validation_data: Mapping[Tensor, ArrayLike] | None = None,
    epochs: int = 1,
    batch_size: int = 32,
    feed_dict: Feeds | None = None,
    validation_feed_dict: Feeds | None = None,
    callbacks: Iterable[Callback] = (),
    learning_rate: Variable | None = None,
    session: Session | None = None,
    shuffle: bool = True,
    initial_epoch: int = 0,
    verbose: int = 1,
) -> History:
    """Train a graph of one's own on arrays, with the callbacks of `tf.keras.callbacks`.

    Callbacks see the names in `metrics`, and those with "val_" before them. Variables without a value get their initial
    values. `ModelCheckpoint` writes the checkpoints of `tf.train.Saver`.

    Args:
        train_op: The training step, as `minimize` returns it.
        data: The arrays [N, …] that are fed in batches, by placeholder.
        metrics: Scalar tensors by name; the first is the loss. Each is the mean of its values over an epoch's batches,
            weighted by their numbers of examples.
        validation_data: Arrays [M, …] on which the metrics are computed after each epoch, by placeholder: those of
            `data`. Others are fed in `validation_feed_dict`.
        epochs: The number of the last epoch, counted from 1.
        batch_size: Number of examples in a batch. The last batch of an epoch may have fewer.
        feed_dict: What is fed in every training step besides, such as the share that dropout keeps.
        validation_feed_dict: The same for validation; by default `feed_dict`.
        callbacks: What is called between the steps, such as `tf.keras.callbacks.EarlyStopping`.
        learning_rate: The variable that holds the learning rate, for the callbacks that change it.
        session: Where it runs; by default the default session.
        shuffle: Whether each epoch takes the examples in another order, drawn from `np.random`.
        initial_epoch: The number of epochs that were trained before.
        verbose: 1 for a bar, 2 for a line for each epoch, 0 for nothing.

    Returns:
        The losses and metrics of each epoch, in its attribute `history`.

    Raises:
        RuntimeError: There is no session.
        ValueError: There are no metrics or they are not scalars, the arrays do not fit the placeholders or each other,
            or `batch_size` is not positive.

    Example:
        >>> x, y = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 1])
        >>> loss = tf.reduce_mean(tf.square(tf.layers.dense(x, 1) - y))
        >>> step = tf.train.AdamOptimizer(0.05).minimize(loss)
        >>> points = np.random.rand(256, 3)
        >>> data = {x: points, y: points.sum(1, keepdims=True)}
        >>> stop = tf.keras.callbacks.EarlyStopping(patience=3)
        >>> with tf.Session():
        ...     history = tf.fit(step, data, {"loss": loss}, data, epochs=20, callbacks=[stop], verbose=0)
        >>> history.history["val_loss"][-1] < history.history["val_loss"][0]
        True
    """
    chosen = get_default_session() if session is None else session
    if chosen is None:
        raise RuntimeError("fit: there is no session; pass session=, or call it in `with tf.Session():`")
    if not metrics:
        raise ValueError('fit: expected at least one metric, the loss, as in {"loss": loss}')
    for name, tensor in metrics.items():
        if tensor.type.rank not in (None, 0):
            raise ValueError(
                f"fit: expected a scalar for the metric {name!r}, but {tensor.name} has shape {tensor.shape}"
            )
    check_batch_size(batch_size)
    with chosen.graph.as_default(), chosen.as_default():
        model = _GraphModel(chosen, train_op, list(data), dict(metrics), learning_rate)
        model.feeds = dict(feed_dict or {})
        model.validation_feeds = model.feeds if validation_feed_dict is None else dict(validation_feed_dict)
        model.initialise()
        batch = model.batch(data, "data")
        held = None if validation_data is None else model.batch(validation_data, "validation_data")
        training = TrainingLoop(model, epochs, verbose, callbacks, shuffle, initial_epoch, validation_freq=1)
        return training.run_arrays(batch, batch_size, None, held, None)


class _GraphModel:
    """A graph as the loops and the callbacks of Keras take a model, and as they take its objective."""

    metrics: Sequence[Any] = ()  # stateful metrics; a graph has none

    def __init__(
        self, session: Session, train_op: Any, inputs: list[Tensor], values: dict[str, Tensor], rate: Variable | None
    ) -> None:
        self.session, self.train_op, self.inputs, self.values, self._rate = session, train_op, inputs, values, rate
        self.names = self.metrics_names = list(values)
        self.feeds: dict[Any, Any] = {}
        self.validation_feeds: dict[Any, Any] = {}
        self.stop_training = False
        self.history: History | None = None
        self.layers = [SimpleNamespace(weights=trainable_variables())]
        self._saver: Saver | None = None

    @property
    def optimizer(self) -> Any:
        """Holds the learning rate as `lr`, as Keras's optimizers do."""
        if self._rate is None:
            raise ValueError("fit: this callback changes the learning rate; pass its variable as learning_rate=")
        return SimpleNamespace(lr=self._rate)

    def initialise(self) -> None:
        """Give the variables that have no value their initial values."""
        new = [v for v in global_variables() if not self.session.buffers.is_initialised(v.op.name)]
        if new:
            self.session.run(variables_initializer(new))

    def batch(self, data: Mapping[Tensor, ArrayLike], argument: str) -> ArrayBatch:
        """The arrays for the placeholders, in their order. argument: the name of `data`, for messages."""
        names = [t.op.name for t in self.inputs]
        if missing := [t.op.name for t in self.inputs if t not in data]:
            raise ValueError(f"fit: {argument}: expected an array for the placeholder {missing[0]}")
        if extra := [t.op.name for t in data if t not in self.inputs]:
            raise ValueError(
                f"fit: {argument} has an array for the placeholder {extra[0]}, and data has none; "
                "feed it by feed_dict and validation_feed_dict"
            )
        if scalars := [t.op.name for t in self.inputs if not np.ndim(data[t])]:
            raise ValueError(f"fit: {argument} has a scalar for the placeholder {scalars[0]}; feed it by feed_dict")
        found = ArrayBatch(as_arrays([data[t] for t in self.inputs], names, self.inputs, "input"), [], None)
        check_lengths(found, names)
        return found

    # the objective

    def _make_objective(self) -> _GraphModel:
        return self

    def reset(self) -> None:
        """Nothing: the metrics of a graph have no state."""

    def run(self, batch: ArrayBatch, training: bool) -> tuple[list[Any], list[Any]]:
        """The metrics of a batch, after a step of training or without one."""
        feeds = {
            **dict(zip(self.inputs, batch.inputs, strict=True)),
            **(self.feeds if training else self.validation_feeds),
        }
        fetches = list(self.values.values())
        found = self.session.run([*fetches, self.train_op] if training else fetches, feeds)
        for name, value in zip(self.values, found, strict=False):
            if np.ndim(value):
                raise ValueError(
                    f"fit: expected a scalar for the metric {name!r}, got an array of shape {np.shape(value)}"
                )
        return found[: len(fetches)], []

    def count(self, sums: list[Any]) -> list[float]:
        """The metrics with a state."""
        return []

    # what callbacks ask of a model

    def get_weights(self) -> list[np.ndarray]:
        """The values of all variables."""
        found: list[np.ndarray] = self.session.run([v.value() for v in global_variables()])
        return found

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Give all variables the values that `get_weights` returned."""
        for variable, value in zip(global_variables(), weights, strict=True):
            variable.load(value, self.session)

    def save(self, path: str) -> None:
        """Write a checkpoint of all variables."""
        self._saver = self._saver or Saver()
        self._saver.save(self.session, path, write_meta_graph=False)

    save_weights = save
