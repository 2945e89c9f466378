"""Callbacks that act on the losses and metrics: they end the training, save the model or change the learning rate."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minigraph.keras import backend as K
from minigraph.keras.callbacks.base import Callback

__all__ = ["EarlyStopping", "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau", "TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Ends the training when the loss of a step is not finite.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> bad = np.full([4, 2], np.nan)
        >>> _ = model.fit(bad, np.zeros([4, 1]), verbose=0, callbacks=[tf.keras.callbacks.TerminateOnNaN()])
        Batch 0: Invalid loss, terminating training
    """

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class _Watching(Callback):
    """A callback that watches one value of each epoch."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        self.monitor, self.min_delta = monitor, abs(min_delta)
        upwards = mode == "max" or (mode not in ("min", "max") and ("acc" in monitor or monitor.startswith("fmeasure")))
        self.sign = 1.0 if upwards else -1.0
        self.worst = -self.sign * np.inf

    def value(self, logs: Any) -> Any:
        """The value after an epoch. None, with a warning, if there is none."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            text = f"{type(self).__name__}: {self.monitor} is not available; there are {sorted(logs or {})}"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        return found

    def better(self, value: float, best: float) -> bool:
        """Whether a value is better than the best so far."""
        return self.sign * value - self.min_delta > self.sign * best


class EarlyStopping(_Watching):
    """Ends the training when a value has not become better for some epochs.

    Args:
        monitor: Name of the value, such as "val_loss" or "acc".
        min_delta: The least difference that counts as better.
        patience: Epochs without a better value before the training ends.
        verbose: 1 to print a line when it ends, 0 for nothing.
        mode: "min" or "max" for what is better; "auto" for the latter if the name has "acc" in it.
        baseline: The value to beat at first; None for none.
        restore_best_weights: Whether the model gets the weights of the best epoch.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> stop = tf.keras.callbacks.EarlyStopping(monitor="loss", min_delta=10.0, patience=1)
        >>> len(model.fit(np.ones([4, 2]), np.zeros([4, 1]), epochs=9, verbose=0, callbacks=[stop]).epoch)
        2
    """

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: str = "auto",
        baseline: float | None = None, restore_best_weights: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights

    def on_train_begin(self, logs: Any = None) -> None:
        self.wait = self.stopped_epoch = 0
        self.best = self.worst if self.baseline is None else self.baseline
        self.best_weights: Any = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        value = self.value(logs)
        if value is None:
            return
        if self.better(value, self.best):
            self.best, self.wait = value, 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.best_weights is not None:
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")


class ModelCheckpoint(_Watching):
    """Saves the model, or its weights, after epochs.

    Args:
        filepath: The file; may name values, as "weights.{epoch:02d}-{val_loss:.2f}.h5".
        monitor: Name of the value, such as "val_loss" or "acc".
        verbose: 1 to print a line for each file, 0 for nothing.
        save_best_only: Whether only epochs with a better value are saved.
        save_weights_only: Whether the weights alone are saved.
        mode: "min" or "max" for what is better; "auto" for the latter if the name has "acc" in it.
        save_freq: "epoch", the only one.
        **kwargs: period, the epochs between two files.

    Raises:
        NotImplementedError: `save_freq` is another.

    Example:
        >>> import os
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> save = tf.keras.callbacks.ModelCheckpoint("weights{epoch}.h5", save_weights_only=True)
        >>> _ = model.fit(np.ones([4, 2]), np.zeros([4, 1]), epochs=2, verbose=0, callbacks=[save])
        >>> sorted(os.listdir("."))
        ['weights1.h5', 'weights2.h5']
    """

    def __init__(
        self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        save_weights_only: bool = False, mode: str = "auto", save_freq: str | int = "epoch", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode)
        if save_freq != "epoch":
            raise NotImplementedError('ModelCheckpoint takes save_freq="epoch" only')
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.period, self.best, self._epochs = int(kwargs.pop("period", 1)), self.worst, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._epochs += 1
        if self._epochs < self.period:
            return
        self._epochs = 0
        path = self.filepath.format(epoch=epoch + 1, **(logs or {}))
        if self.save_best_only:
            value = self.value(logs)
            if value is None or not self.better(value, self.best):
                if self.verbose and value is not None:
                    print(f"\nEpoch {epoch + 1:05d}: {self.monitor} did not improve from {self.best:.5f}")
                return
            self.best = value
        if self.verbose:
            print(f"\nEpoch {epoch + 1:05d}: saving model to {path}")
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: Function of the epoch, or of the epoch and the present rate, that returns the new one as a float.
        verbose: 1 to print a line for each epoch, 0 for nothing.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> slower = tf.keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
        >>> history = model.fit(np.ones([4, 2]), np.zeros([4, 1]), epochs=2, verbose=0, callbacks=[slower])
        >>> [round(float(rate), 4) for rate in history.history["lr"]]
        [0.005, 0.0025]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        rate = self.model.optimizer.lr
        try:
            new = self.schedule(epoch, float(K.get_value(rate)))
        except TypeError:  # a schedule of the epoch alone
            new = self.schedule(epoch)
        if not isinstance(new, float | np.floating):
            raise ValueError('The output of the "schedule" function should be float.')
        K.set_value(rate, new)
        if self.verbose:
            print(f"\nEpoch {epoch + 1:05d}: LearningRateScheduler reducing learning rate to {new}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is not None:
            logs["lr"] = K.get_value(self.model.optimizer.lr)


class ReduceLROnPlateau(_Watching):
    """Multiplies the learning rate by a factor when a value has not become better for some epochs.

    Args:
        monitor: Name of the value, such as "val_loss" or "acc".
        factor: The factor, less than 1.
        patience: Epochs without a better value before the rate is reduced.
        verbose: 1 to print a line for each reduction, 0 for nothing.
        mode: "min" or "max" for what is better; "auto" for the latter if the name has "acc" in it.
        min_delta: The least difference that counts as better.
        cooldown: Epochs after a reduction that do not count.
        min_lr: The least learning rate.
        **kwargs: epsilon, an older name of `min_delta`.

    Raises:
        ValueError: The factor is 1 or more.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> plateau = tf.keras.callbacks.ReduceLROnPlateau(monitor="loss", min_delta=10.0, patience=1)
        >>> _ = model.fit(np.ones([4, 2]), np.zeros([4, 1]), epochs=2, verbose=0, callbacks=[plateau])
        >>> round(float(tf.keras.backend.get_value(model.optimizer.lr)), 5)
        0.001
    """

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
        min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, kwargs.pop("epsilon", min_delta))
        if factor >= 1.0:
            raise ValueError("ReduceLROnPlateau does not support a factor >= 1.0.")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr

    def on_train_begin(self, logs: Any = None) -> None:
        self.best, self.wait, self.cooldown_counter = self.worst, 0, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        rate = self.model.optimizer.lr
        if logs is not None:
            logs["lr"] = K.get_value(rate)
        value = self.value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            old = float(K.get_value(rate))
            if self.wait >= self.patience and old > self.min_lr:
                new = max(old * self.factor, self.min_lr)
                K.set_value(rate, new)
                if self.verbose:
                    print(f"\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {new}.")
                self.cooldown_counter, self.wait = self.cooldown, 0
