"""Callbacks that note or print the losses and metrics."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minigraph.core.protos import proto
from minigraph.keras import backend as K
from minigraph.keras.callbacks.base import Callback
from minigraph.keras.progress import Progbar
from minigraph.util.html import beside, curves, table

__all__ = ["CSVLogger", "History", "ProgbarLogger", "TensorBoard"]


class History(Callback):
    """The losses and metrics of each epoch. Every `fit` has one and returns it; in notebooks it shows their curves.

    `history` holds a list of numbers for each name, and `epoch` the numbers of the epochs.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones([4, 2]), np.zeros([4, 1]), epochs=3, verbose=0)
        >>> history.epoch, len(history.history["loss"])
        ([0, 1, 2], 3)
    """

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self._by_epoch: dict[str, dict[int, Any]] = {}  # validation may skip epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
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
    """Prints the progress of training on standard output, as `fit` does with `verbose`.

    Args:
        count_mode: "samples" to count examples, or "steps".
        stateful_metrics: Names of values that are shown as they are; of others the mean is shown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> _ = model.fit(np.ones([4, 2]), np.zeros([4, 1]), verbose=0, callbacks=[tf.keras.callbacks.ProgbarLogger()])
    """

    def __init__(self, count_mode: str = "samples", stateful_metrics: Iterable[str] | None = None) -> None:
        self.count_mode, self.stateful_metrics = count_mode, set(stateful_metrics or ())

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        verbose, epochs = self.params.get("verbose", 0), self.params.get("epochs", 1)
        if verbose and epochs > 1:
            print(f"Epoch {epoch + 1}/{epochs}")
        target = self.params.get("samples" if self.count_mode == "samples" else "steps")
        unit = "sample" if self.count_mode == "samples" else "step"
        self.seen = 0
        self.bar = Progbar(target, verbose=verbose, stateful_metrics=self.stateful_metrics, unit_name=unit)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        logs = logs or {}
        self.seen += logs.get("size", 0) if self.count_mode == "samples" else 1
        values = [(k, logs[k]) for k in self.params.get("metrics", ()) if k in logs]
        if self.bar.target is None or self.seen < self.bar.target:
            self.bar.update(self.seen, values)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        values = [(k, (logs or {})[k]) for k in self.params.get("metrics", ()) if k in (logs or {})]
        self.bar.target = self.bar.target or self.seen
        self.bar.stateful_metrics |= {k for k, _ in values}
        self.bar.update(self.bar.target, values)


class CSVLogger(Callback):
    """Writes the losses and metrics of each epoch as a line of a file.

    Args:
        filename: The file.
        separator: What stands between the numbers.
        append: Whether lines are added to an existing file; else it is replaced.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> logger = tf.keras.callbacks.CSVLogger("run.csv")
        >>> _ = model.fit(np.ones([4, 2]), np.zeros([4, 1]), epochs=2, verbose=0, callbacks=[logger])
        >>> with open("run.csv") as file:
        ...     [line.split(",")[0] for line in file]
        ['epoch', '0', '1']
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        old = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self.file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115  (closed at the end)
        self._needs_header = not old

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        self.keys = self.keys or sorted(logs)
        writer = csv.DictWriter(self.file, ["epoch", *self.keys], delimiter=self.separator)
        if self._needs_header:
            writer.writeheader()
            self._needs_header = False
        writer.writerow({"epoch": epoch, **{k: logs.get(k, "NA") for k in self.keys}})
        self.file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        self.file.close()


class TensorBoard(Callback):
    """Writes the losses and metrics of each epoch, and the graph, as event files for TensorBoard.

    Args:
        log_dir: Folder of the files.
        histogram_freq: Epochs between histograms of the weights; 0 for none.
        batch_size, write_grads, write_images, update_freq, profile_batch: TensorFlow's arguments, which have no effect.
        write_graph: Whether the graph is written.
        embeddings_freq, embeddings_layer_names, embeddings_metadata, embeddings_data: The same.

    Example:
        >>> import os
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        >>> model.compile("sgd", "mse")
        >>> board = tf.keras.callbacks.TensorBoard("logs")
        >>> _ = model.fit(np.ones([4, 2]), np.zeros([4, 1]), verbose=0, callbacks=[board])
        >>> len(os.listdir("logs"))
        1
    """

    def __init__(
        self, log_dir: Any = "./logs", histogram_freq: int = 0, batch_size: int = 32, write_graph: bool = True,
        write_grads: bool = False, write_images: bool = False, embeddings_freq: int = 0,
        embeddings_layer_names: Sequence[str] | None = None, embeddings_metadata: Any = None,
        embeddings_data: Any = None, update_freq: str | int = "epoch", profile_batch: int = 2,
    ) -> None:  # fmt: skip
        self.log_dir, self.histogram_freq, self.write_graph = os.fspath(log_dir), histogram_freq, write_graph

    def on_train_begin(self, logs: Any = None) -> None:
        from minigraph import summary

        self.writer = summary.FileWriter(self.log_dir, K.get_session().graph if self.write_graph else None)
        weights = [v for layer in self.model.layers for v in layer.weights] if self.histogram_freq else []
        self.histograms = [summary.histogram(v.op.name, v) for v in weights]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
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
        self.writer.close()
