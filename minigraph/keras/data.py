"""The data of models: arrays for their inputs and outputs, whole or in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.errors import OutOfRangeError
from minigraph.core.graph import Tensor
from minigraph.keras.state import get_session


class ArrayBatch(NamedTuple):
    """Some examples: an array for each input and each output, and one of weights for each output, or None."""

    inputs: list[np.ndarray]
    targets: list[np.ndarray]
    weights: list[np.ndarray] | None

    @property
    def size(self) -> int:
        """The number of examples."""
        return len(self.inputs[0]) if self.inputs and self.inputs[0].ndim else 0

    def take(self, chosen: Any) -> ArrayBatch:
        """Some of the examples."""
        inputs, targets = ([a[chosen] for a in arrays] for arrays in (self.inputs, self.targets))
        return ArrayBatch(inputs, targets, None if self.weights is None else [w[chosen] for w in self.weights])


def listed(data: Any, names: Sequence[str]) -> list[Any]:
    """An array, a list of them, or a dictionary by names, as a list."""
    if data is None:
        return []
    if isinstance(data, Mapping):
        if missing := [n for n in names if n not in data]:
            raise ValueError(f'No data provided for "{missing[0]}". Need data for each key in: {list(names)}')
        return [data[n] for n in names]
    if isinstance(data, list | tuple) and (len(names) != 1 or (len(data) == 1 and np.ndim(data[0]) > 0)):
        return list(data)
    return [data]


def as_arrays(data: Any, names: Sequence[str], tensors: Sequence[Tensor | None], kind: str) -> list[np.ndarray]:
    """Arrays that fit tensors. kind: "input" or "target", for messages. ValueError for another number or shape."""
    values = [np.asarray(v) for v in listed(data, names)]
    if len(values) != len(names):
        raise ValueError(
            f"Error when checking model {kind}: the list of Numpy arrays that you are passing to your model is not the "
            f"size the model expected. Expected to see {len(names)} array(s), but instead got {len(values)} array(s)."
        )
    found = []
    for value, name, tensor in zip(values, names, tensors, strict=True):
        if value.ndim == 1 and tensor is not None and tensor.type.rank != 1:
            value = value[:, None]
        if tensor is not None:
            _check_shape(value, name, tensor.type.shape, kind)
        found.append(value)
    return found


def _check_shape(value: np.ndarray, name: str, shape: tuple[int | None, ...] | None, kind: str) -> None:
    if shape is None:
        return
    start = f"Error when checking {kind}: expected {name} to have"
    if value.ndim != len(shape):
        raise ValueError(f"{start} {len(shape)} dimensions, but got array with shape {value.shape}")
    if any(want is not None and want != have for want, have in zip(shape[1:], value.shape[1:], strict=True)):
        raise ValueError(f"{start} shape {shape[1:]} but got array with shape {value.shape[1:]}")


def weights_of(
    sample_weight: Any, class_weight: Any, names: Sequence[str], targets: Sequence[np.ndarray]
) -> list[np.ndarray] | None:
    """The weights of examples for each output; None if all are 1."""
    if sample_weight is None and not class_weight:
        return None
    given = listed(sample_weight, names) or [None] * len(names)
    found = []
    for i, target in enumerate(targets):
        weights = np.ones(len(target), np.float32) if given[i] is None else np.asarray(given[i], np.float32)
        classes = class_weight.get(names[i]) if class_weight and names[i] in class_weight else class_weight
        if classes:
            labels = target.argmax(-1) if target.ndim > 1 and target.shape[-1] > 1 else target.reshape(len(target))
            missing = {int(c) for c in np.unique(labels)} - {int(c) for c in classes}
            if missing:
                raise ValueError(f"`class_weight` must contain all classes in the data; {sorted(missing)} are missing")
            weights = weights * np.array([classes[int(c)] for c in labels], np.float32)
        found.append(weights)
    return found


def check_lengths(batch: ArrayBatch, names: Sequence[str]) -> None:
    """ValueError if the arrays have different numbers of examples. names: of the inputs and the targets."""
    arrays = zip(names, (*batch.inputs, *batch.targets), strict=True)
    lengths = {name: len(a) for name, a in arrays if a.ndim}
    if len(set(lengths.values())) > 1:
        start = "Input arrays should have the same number of samples"  # as Keras's message begins
        found = ", ".join(f"{length} for {name}" for name, length in lengths.items())
        raise ValueError(f"{start} as each other and as target arrays; found {found}")


def check_batch_size(batch_size: int) -> None:
    """ValueError if it is no number of examples."""
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1, not {batch_size!r}")


def is_stream(x: Any) -> bool:
    """Whether data comes in batches: from a generator, a `Sequence` of batches, or a data set of `tf.data`."""
    return hasattr(x, "__next__") or hasattr(x, "make_one_shot_iterator") or hasattr(x, "on_epoch_end")


class StreamBatches:
    """Batches from a stream, epoch after epoch.

    steps: the batches of an epoch; None for the whole stream. A data set starts anew each epoch if `steps` is None.
    """

    def __init__(self, source: Any, steps: int | None, shuffle: bool = False) -> None:
        self.source, self.shuffle = source, shuffle
        self._numbered = hasattr(source, "on_epoch_end") or hasattr(source, "__getitem__")
        self.steps = len(source) if steps is None and self._numbered else steps
        self._running: Iterator[Any] | None = None

    def epoch(self) -> Iterator[Any]:
        """The batches of an epoch."""
        if self._numbered:
            order = np.arange(len(self.source))
            if self.shuffle:
                np.random.shuffle(order)
            for i in order[: self.steps]:
                yield self.source[int(i)]
            if hasattr(self.source, "on_epoch_end"):
                self.source.on_epoch_end()
            return
        if self._running is None or self.steps is None:
            self._running = iter(_run(self.source) if hasattr(self.source, "make_one_shot_iterator") else self.source)
        done = 0
        while self.steps is None or done < self.steps:
            found = next(self._running, None)
            if found is None:
                return
            yield found
            done += 1


def _run(dataset: Any) -> Iterator[Any]:
    """The elements of a data set of `tf.data`."""
    session = get_session()
    with session.graph.as_default():
        iterator = dataset.make_initializable_iterator()
        element = iterator.get_next()
    session.run(iterator.initializer)
    while True:
        try:
            yield session.run(element)
        except OutOfRangeError:
            return


def slices(size: int, batch_size: int, order: np.ndarray | None = None) -> Iterable[Any]:
    """The places of the examples of each batch."""
    check_batch_size(batch_size)
    for start in range(0, size, batch_size):
        chosen = slice(start, min(start + batch_size, size))
        yield chosen if order is None else order[chosen]
