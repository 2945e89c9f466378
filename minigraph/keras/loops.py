"""The loops of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigraph.keras.callbacks import Callback, History, ProgbarLogger
from minigraph.keras.callbacks.base import CallbackList
from minigraph.keras.data import ArrayBatch, StreamBatches, is_stream, slices
from minigraph.keras.progress import Progbar


class _Mean:
    """Means of losses over batches, weighted by the numbers of their examples."""

    def __init__(self) -> None:
        self.total: Any = 0.0
        self.count = 0

    def add(self, values: list[Any], weight: int) -> None:
        self.total = self.total + np.asarray(values, np.float64) * weight
        self.count += weight

    @property
    def values(self) -> list[float]:
        return [float(v) for v in np.atleast_1d(self.total / max(self.count, 1))]


class TrainingLoop:
    """A call of `fit`."""

    def __init__(
        self, model: Any, epochs: int, verbose: int, callbacks: Iterable[Callback] | None, shuffle: Any,
        initial_epoch: int, validation_freq: int,
    ) -> None:  # fmt: skip
        self.model, self.epochs, self.verbose = model, epochs, verbose
        self.given = list(callbacks or ())
        self.shuffle, self.initial_epoch, self.validation_freq = shuffle, initial_epoch, validation_freq

    def run_arrays(
        self, batch: ArrayBatch, batch_size: int, steps: int | None, held: Any, validation_steps: int | None
    ) -> History:
        """Train on arrays."""
        size = batch.size

        def epoch() -> Iterator[ArrayBatch]:
            order = None
            if self.shuffle == "batch":  # whole batches; a smaller one stays the last
                order = np.arange(size)
                whole = order[: size // batch_size * batch_size].reshape(-1, batch_size)
                np.random.shuffle(whole)
            elif self.shuffle:
                order = np.random.permutation(size)
            return (batch.take(s) for s in slices(size, batch_size, order))

        if self.verbose:
            more = f", validate on {held.size} samples" if isinstance(held, ArrayBatch) else ""
            print(f"Train on {batch.size} samples{more}")
        params = {"batch_size": batch_size, "samples": batch.size, "steps": None}
        if steps is not None:
            whole = epoch
            epoch = lambda: (b for b, _ in zip(whole(), range(steps), strict=False))  # noqa: E731
        return self._run(epoch, params, held, batch_size, validation_steps)

    def run_stream(
        self, source: Any, steps: int | None, class_weight: Any, held: Any, validation_steps: int | None
    ) -> History:
        """Train on batches of a stream."""
        batches = StreamBatches(source, steps, bool(self.shuffle))
        if held is not None and not is_stream(held):
            held = self.model.batch_of(tuple(held))

        def epoch() -> Iterator[ArrayBatch]:
            return (self.model.batch_of(element, class_weight) for element in batches.epoch())

        return self._run(epoch, {"samples": None, "steps": batches.steps}, held, 32, validation_steps)

    def _run(
        self, epoch: Any, params: dict[str, Any], held: Any, batch_size: int, validation_steps: int | None
    ) -> History:
        model, by_steps = self.model, params["samples"] is None
        model.history = history = History()
        names = model.metrics_names if model.inputs is not None else []
        shown = [ProgbarLogger("steps" if by_steps else "samples", names[1:])] if self.verbose else []
        all_names = [*names, *(f"val_{n}" for n in names)] if held is not None else names
        params = {**params, "epochs": self.epochs, "verbose": self.verbose, "metrics": all_names,
                  "do_validation": held is not None}  # fmt: skip
        callbacks = CallbackList([*self.given, history, *shown], model, params)
        model.stop_training = False
        callbacks.notify("train_begin", {})
        for number in range(self.initial_epoch, self.epochs):
            callbacks.notify("epoch_begin", number, {})
            logs = self._epoch(epoch(), by_steps, callbacks)
            params["metrics"] = [*model.metrics_names, *(f"val_{n}" for n in model.metrics_names)]
            if held is not None and (number + 1) % self.validation_freq == 0:
                found = EvaluationLoop(model, 0, None).run(held, batch_size, validation_steps, bool(self.shuffle))
                logs |= {f"val_{n}": v for n, v in zip(model.metrics_names, found, strict=True)}
            callbacks.notify("epoch_end", number, logs)
            if model.stop_training:
                break
        callbacks.notify("train_end", {})
        return history

    def _epoch(self, batches: Iterable[ArrayBatch], by_steps: bool, callbacks: CallbackList) -> dict[str, Any]:
        mean, values = _Mean(), []
        for number, batch in enumerate(batches):
            objective = self.model._make_objective()
            if number == 0:
                objective.reset()
            callbacks.notify("train_batch_begin", number, {"batch": number, "size": batch.size})
            totals, sums = objective.run(batch, training=True)
            values = objective.count(sums)
            mean.add(totals, 1 if by_steps else batch.size)
            found = dict(zip(objective.names, [*map(float, totals), *values], strict=True))
            callbacks.notify("train_batch_end", number, {"batch": number, "size": batch.size, **found})
            if self.model.stop_training:
                break
        if not mean.count:
            raise ValueError("there is no data to train on")
        return dict(zip(self.model.metrics_names, [*mean.values, *values], strict=True))


class EvaluationLoop:
    """A call of `evaluate`."""

    def __init__(self, model: Any, verbose: int, callbacks: Iterable[Callback] | None) -> None:
        self.model, self.verbose = model, verbose
        self.callbacks = CallbackList(callbacks or (), model, {})

    def run(self, held: Any, batch_size: int, steps: int | None, shuffle: bool) -> list[float]:
        """The losses and metrics of arrays or of a stream."""
        return self.run_stream(held, steps) if is_stream(held) else self.run_arrays(held, batch_size, steps, shuffle)

    def run_arrays(self, batch: ArrayBatch, batch_size: int, steps: int | None, shuffle: bool = False) -> list[float]:
        """The losses and metrics of arrays. shuffle: draw an order from `np.random`, as within `fit`."""
        order = np.random.permutation(batch.size) if shuffle else None
        chosen = list(slices(batch.size, batch_size, order))[:steps]
        return self._run((batch.take(s) for s in chosen), batch.size, by_steps=False)

    def run_stream(self, source: Any, steps: int | None) -> list[float]:
        """The losses and metrics of batches of a stream."""
        batches = StreamBatches(source, steps)
        return self._run((self.model.batch_of(e) for e in batches.epoch()), batches.steps, by_steps=True)

    def _run(self, batches: Iterable[ArrayBatch], target: int | None, by_steps: bool) -> list[float]:
        bar = Progbar(target, verbose=self.verbose, unit_name="step" if by_steps else "sample")
        mean, values = _Mean(), []
        self.callbacks.notify("test_begin", {})
        for number, batch in enumerate(batches):
            objective = self.model._make_objective()
            if number == 0:
                kept = [m.totals for _, _, m in objective.metrics]  # of the training that this interrupts
                objective.reset()
            self.callbacks.notify("test_batch_begin", number, {"batch": number, "size": batch.size})
            totals, sums = objective.run(batch, training=False)
            values = objective.count(sums)
            mean.add(totals, 1 if by_steps else batch.size)
            bar.add(1 if by_steps else batch.size)
            self.callbacks.notify("test_batch_end", number, {"batch": number, "size": batch.size})
        if not mean.count:
            raise ValueError("there is no data to evaluate")
        for (_, _, metric), totals in zip(objective.metrics, kept, strict=True):
            metric.totals = totals
        self.callbacks.notify("test_end", {})
        return [*mean.values, *values]


class PredictionLoop:
    """A call of `predict`."""

    def __init__(self, model: Any, verbose: int, callbacks: Iterable[Callback] | None) -> None:
        self.model, self.verbose = model, verbose
        self.callbacks = CallbackList(callbacks or (), model, {})

    def run_arrays(self, batch: ArrayBatch, batch_size: int, steps: int | None) -> list[np.ndarray]:
        """The outputs for arrays."""
        chosen = list(slices(batch.size, batch_size))[:steps]
        return self._run((batch.take(s) for s in chosen), batch.size)

    def run_stream(self, source: Any, steps: int | None) -> list[np.ndarray]:
        """The outputs for batches of a stream."""
        batches = StreamBatches(source, steps)
        elements = (e[0] if isinstance(e, tuple) else e for e in batches.epoch())
        return self._run((self.model._inputs(e) for e in elements), None)

    def _run(self, batches: Iterable[ArrayBatch], target: int | None) -> list[np.ndarray]:
        bar = Progbar(target, verbose=self.verbose, unit_name="sample")
        found: list[list[np.ndarray]] = []
        self.callbacks.notify("predict_begin", {})
        for number, batch in enumerate(batches):
            self.callbacks.notify("predict_batch_begin", number, {"batch": number, "size": batch.size})
            found.append(self.model.outputs_for(batch))
            bar.add(batch.size)
            self.callbacks.notify("predict_batch_end", number, {"batch": number, "size": batch.size})
        self.callbacks.notify("predict_end", {})
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]
