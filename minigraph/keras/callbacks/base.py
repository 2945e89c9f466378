"""The base class of callbacks, lists of them, and callbacks made of functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Callback", "LambdaCallback"]


class Callback:
    """Base class of callbacks. A subclass overrides the methods for the moments it is interested in.

    `model` is the model that runs, and `params` the numbers of epochs, steps and examples, by their names.

    Example:
        >>> class Shout(tf.keras.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print("epoch", epoch, sorted(logs))
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> _ = model.fit(np.ones([4, 2]), np.zeros([4, 1]), verbose=0, callbacks=[Shout()])
        epoch 0 ['loss']
    """

    model: Any = None
    params: Mapping[str, Any] = {}

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Note the numbers of epochs, steps and examples.

        Args:
            params: The numbers by their names.
        """
        self.params = params

    def set_model(self, model: Any) -> None:
        """Note the model.

        Args:
            model: The model that runs.
        """
        self.model = model

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch.

        Args:
            epoch: The number of the epoch, from 0.
            logs: Losses and metrics by their names; None for none.
        """

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch.

        Args:
            epoch: The number of the epoch, from 0.
            logs: Losses and metrics by their names; None for none.
        """

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training.

        Args:
            batch: The number of the batch, from 0.
            logs: Losses and metrics by their names; None for none.
        """

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training.

        Args:
            batch: The number of the batch, from 0.
            logs: The loss of the batch, the metrics so far, and the size of the batch.
        """

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training. Calls `on_batch_begin` by default.

        Args:
            batch: The number of the batch, from 0.
            logs: Losses and metrics by their names; None for none.
        """
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training. Calls `on_batch_end` by default.

        Args:
            batch: The number of the batch, from 0.
            logs: The loss of the batch, the metrics so far, and the size of the batch.
        """
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch is evaluated.

        Args:
            batch: The number of the batch, from 0.
            logs: Losses and metrics by their names; None for none.
        """

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch is evaluated.

        Args:
            batch: The number of the batch, from 0.
            logs: Losses and metrics by their names; None for none.
        """

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before the outputs for a batch are computed.

        Args:
            batch: The number of the batch, from 0.
            logs: Losses and metrics by their names; None for none.
        """

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After the outputs for a batch are computed.

        Args:
            batch: The number of the batch, from 0.
            logs: Losses and metrics by their names; None for none.
        """

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training.

        Args:
            logs: Losses and metrics by their names; None for none.
        """

    def on_train_end(self, logs: Any = None) -> None:
        """After the training.

        Args:
            logs: Losses and metrics by their names; None for none.
        """

    def on_test_begin(self, logs: Any = None) -> None:
        """Before an evaluation.

        Args:
            logs: Losses and metrics by their names; None for none.
        """

    def on_test_end(self, logs: Any = None) -> None:
        """After an evaluation.

        Args:
            logs: Losses and metrics by their names; None for none.
        """

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before a prediction.

        Args:
            logs: Losses and metrics by their names; None for none.
        """

    def on_predict_end(self, logs: Any = None) -> None:
        """After a prediction.

        Args:
            logs: Losses and metrics by their names; None for none.
        """


class CallbackList:
    """Several callbacks as one: `notify("epoch_end", 3, logs)` calls `on_epoch_end` of each."""

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: Mapping[str, Any]) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def notify(self, event: str, *arguments: Any) -> None:
        """Call the method of an event of each callback."""
        for callback in self.callbacks:
            getattr(callback, f"on_{event}")(*arguments)


class LambdaCallback(Callback):
    """Calls functions at given moments, with the arguments of `Callback`'s methods.

    Args:
        on_epoch_begin, on_epoch_end: Functions of (epoch, logs); None for none.
        on_batch_begin, on_batch_end: Functions of (batch, logs); None for none.
        on_train_begin, on_train_end: Functions of (logs); None for none.
        **kwargs: Functions for further methods, by their names.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> shout = tf.keras.callbacks.LambdaCallback(on_train_end=lambda logs: print("done"))
        >>> _ = model.fit(np.ones([4, 2]), np.zeros([4, 1]), verbose=0, callbacks=[shout])
        done
    """

    def __init__(
        self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_batch_begin: Any = None,
        on_batch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end, "on_train_begin": on_train_begin, "on_train_end": on_train_end,
        }  # fmt: skip
        for name, function in {**given, **kwargs}.items():
            if function is not None:
                setattr(self, name, function)
