"""Callbacks: actions between the steps of training."""

from __future__ import annotations

import csv
import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.protos import proto
from minigraph.keras import backend as K
from minigraph.keras.progress import Progbar
from minigraph.util.html import beside, curves, table

Logs = Mapping[str, Any]


class Callback:
    """The base class of callbacks. A subclass overrides the methods for the moments it is interested in.

    model: the model that is trained. params: the numbers of epochs, steps and examples, by their names.
    """

    model: Any = None
    params: Mapping[str, Any] = {}

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Note the numbers of epochs, steps and examples."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Note the model."""
        self.model = model

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch. logs: the losses and metrics."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training. logs: its loss and the metrics so far."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch is evaluated."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch is evaluated."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch is predicted."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch is predicted."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training."""

    def on_train_end(self, logs: Any = None) -> None:
        """After the training."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After an evaluation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After a prediction."""


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


class History(Callback):
    """The losses and metrics of each epoch, in `history`. Every `fit` has one and returns it."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training."""
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self._by_epoch: dict[str, dict[int, Any]] = {}  # validation may skip epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)
            self._by_epoch.setdefault(key, {})[epoch] = value

    def _repr_html_(self) -> str:
        """The form that a notebook shows: a chart for the loss and for each metric, and the last and best numbers."""
        given: dict[str, dict[int, Any]] = getattr(self, "_by_epoch", {})
        if not given:
            return "<p>no epochs</p>"
        found = {key: {epoch: float(value) for epoch, value in values.items()} for key, values in given.items()}
        charts = []
        for name in found:
            trained = name.removeprefix("val_")
            if trained == name or trained not in found:
                both = {"training": found[name], "validation": found.get(f"val_{name}")}
                lines = {kind: self._line(values) for kind, values in both.items() if values}
                charts.append(curves(name, lines, self.epoch[0]))
        rows = [
            (key, f"{list(values.values())[-1]:.4g}", _extreme(min, values), _extreme(max, values))
            for key, values in found.items()
        ]
        return beside(charts) + table(("", "last", "least", "greatest"), rows, (1, 2, 3))

    def _line(self, values: Mapping[int, float]) -> list[float]:
        """A value for each epoch, NaN for an epoch that has none."""
        return [values.get(epoch, math.nan) for epoch in range(self.epoch[0], self.epoch[-1] + 1)]

    def __repr__(self) -> str:
        return f"<History of {len(getattr(self, 'epoch', ()))} epochs>"


def _extreme(best: Any, values: Mapping[int, float]) -> str:
    """The least or the greatest of the numbers, by epoch, and its epoch; NaN is neither."""
    numbers = [(number, epoch) for epoch, number in values.items() if not math.isnan(number)]
    if not numbers:
        return "nan"
    number, epoch = best(numbers, key=lambda pair: pair[0])
    return f"{number:.4g} in epoch {epoch}"


class ProgbarLogger(Callback):
    """Prints the progress of training. count_mode: "samples" or "steps"."""

    def __init__(self, count_mode: str = "samples", stateful_metrics: Iterable[str] | None = None) -> None:
        self.count_mode, self.stateful_metrics = count_mode, set(stateful_metrics or ())

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""
        verbose, epochs = self.params.get("verbose", 0), self.params.get("epochs", 1)
        if verbose and epochs > 1:
            print(f"Epoch {epoch + 1}/{epochs}")
        target = self.params.get("samples" if self.count_mode == "samples" else "steps")
        unit = "sample" if self.count_mode == "samples" else "step"
        self.seen = 0
        self.bar = Progbar(target, verbose=verbose, stateful_metrics=self.stateful_metrics, unit_name=unit)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training."""
        logs = logs or {}
        self.seen += logs.get("size", 0) if self.count_mode == "samples" else 1
        values = [(k, logs[k]) for k in self.params.get("metrics", ()) if k in logs]
        if self.bar.target is None or self.seen < self.bar.target:
            self.bar.update(self.seen, values)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
        values = [(k, (logs or {})[k]) for k in self.params.get("metrics", ()) if k in (logs or {})]
        self.bar.target = self.bar.target or self.seen
        self.bar.stateful_metrics |= {k for k, _ in values}
        self.bar.update(self.bar.target, values)


class LambdaCallback(Callback):
    """Calls functions at given moments."""

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


class TerminateOnNaN(Callback):
    """Ends the training when the loss is not finite."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training."""
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
    """Ends the training when a value has not become better for some epochs."""

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: str = "auto",
        baseline: float | None = None, restore_best_weights: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training."""
        self.wait = self.stopped_epoch = 0
        self.best = self.worst if self.baseline is None else self.baseline
        self.best_weights: Any = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
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
        """After the training."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")


class ModelCheckpoint(_Watching):
    """Saves the model, or its weights, after epochs.

    filepath: may name values, as "weights.{epoch:02d}-{val_loss:.2f}.h5".
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
        """After an epoch."""
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
    """Sets the learning rate before each epoch: schedule(epoch) or schedule(epoch, rate)."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""
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
        """After an epoch."""
        if logs is not None:
            logs["lr"] = K.get_value(self.model.optimizer.lr)


class ReduceLROnPlateau(_Watching):
    """Multiplies the learning rate by a factor when a value has not become better for some epochs."""

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
        """Before the training."""
        self.best, self.wait, self.cooldown_counter = self.worst, 0, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
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


class CSVLogger(Callback):
    """Writes the losses and metrics of each epoch as a line of a file."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training."""
        old = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self.file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115  (closed at the end)
        self._needs_header = not old

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
        logs = logs or {}
        self.keys = self.keys or sorted(logs)
        writer = csv.DictWriter(self.file, ["epoch", *self.keys], delimiter=self.separator)
        if self._needs_header:
            writer.writeheader()
            self._needs_header = False
        writer.writerow({"epoch": epoch, **{k: logs.get(k, "NA") for k in self.keys}})
        self.file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """After the training."""
        self.file.close()


class TensorBoard(Callback):
    """Writes the losses and metrics of each epoch, and the graph, for TensorBoard.

    histogram_freq: epochs between histograms of the weights, 0 for none. Other arguments are TensorFlow's and have no
    effect.
    """

    def __init__(
        self, log_dir: Any = "./logs", histogram_freq: int = 0, batch_size: int = 32, write_graph: bool = True,
        write_grads: bool = False, write_images: bool = False, embeddings_freq: int = 0,
        embeddings_layer_names: Sequence[str] | None = None, embeddings_metadata: Any = None,
        embeddings_data: Any = None, update_freq: str | int = "epoch", profile_batch: int = 2,
    ) -> None:  # fmt: skip
        self.log_dir, self.histogram_freq, self.write_graph = os.fspath(log_dir), histogram_freq, write_graph

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training."""
        from minigraph import summary

        self.writer = summary.FileWriter(self.log_dir, K.get_session().graph if self.write_graph else None)
        weights = [v for layer in self.model.layers for v in layer.weights] if self.histogram_freq else []
        self.histograms = [summary.histogram(v.op.name, v) for v in weights]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""

        message = proto("summary", "Summary")()
        for key, value in (logs or {}).items():
            if key not in ("batch", "size"):
                name = f"epoch_{key}"
                message.value.add(tag=name, simple_value=float(value))
        self.writer.add_summary(message, epoch)
        if self.histograms and epoch % self.histogram_freq == 0:
            for text in K.get_session().run(self.histograms):
                self.writer.add_summary(text, epoch)
        self.writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """After the training."""
        self.writer.close()
