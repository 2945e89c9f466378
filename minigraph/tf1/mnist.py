"""`tensorflow.examples.tutorials.mnist.input_data`: the digits in batches, in TensorFlow 1's order."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.errors import NotFoundError
from minigraph.data import load
from minigraph.ops.random.distributions import get_seed


class DataSet:
    """Images [N,784] (or [N,28,28,1] without `reshape`) and labels.

    The constructor seeds NumPy's global generator with `seed` or the graph's seed. Shuffling uses this generator, so
    that equal programs get equal batches. one_hot has no effect: `labels` are used as they are.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, fake_data: bool = False, one_hot: bool = False,
        dtype: Any = tf.float32, reshape: bool = True, seed: int | None = None,
    ) -> None:  # fmt: skip
        refuse("DataSet", fake_data=fake_data)
        graph_seed, op_seed = get_seed(tf.get_default_graph(), seed)
        np.random.seed(graph_seed if seed is None else op_seed)
        kind = tf.as_dtype(dtype)
        if kind not in (tf.uint8, tf.float32):
            raise TypeError(f"Invalid image dtype {kind!r}, expected uint8 or float32")
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images, but {len(labels)} labels")
        self._images = images.reshape(len(images), -1) if reshape else images
        if kind == tf.float32:
            self._images = np.multiply(self._images.astype(np.float32), 1.0 / 255.0)
        self._labels = labels
        self._epochs_completed = 0
        self._start = 0

    @property
    def images(self) -> np.ndarray:
        return self._images

    @property
    def labels(self) -> np.ndarray:
        return self._labels

    @property
    def num_examples(self) -> int:
        return len(self._images)

    @property
    def epochs_completed(self) -> int:
        return self._epochs_completed

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """The next images and labels. The last batch of an epoch is filled from the next epoch, reshuffled."""
        refuse("next_batch", fake_data=fake_data)
        if batch_size > self.num_examples:
            raise ValueError(f"a batch of {batch_size} is larger than the data, {self.num_examples}")
        start, stop = self._start, self._start + batch_size
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if stop <= self.num_examples:
            self._start = stop
            return self._images[start:stop], self._labels[start:stop]
        self._epochs_completed += 1
        rest = self._images[start:], self._labels[start:]
        if shuffle:
            self._shuffle()
        self._start = batch_size - len(rest[0])
        return (
            np.concatenate((rest[0], self._images[: self._start])),
            np.concatenate((rest[1], self._labels[: self._start])),
        )

    def _shuffle(self) -> None:
        order = np.arange(self.num_examples)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]


class Datasets(NamedTuple):
    """The three parts of a data set."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_data_sets(
    train_dir: Any, fake_data: bool = False, one_hot: bool = False, dtype: Any = tf.float32, reshape: bool = True,
    validation_size: int = 5000, seed: int | None = None, source_url: str = "",
) -> Datasets:  # fmt: skip
    """MNIST from the folder `train_dir`, or the full set that `minigraph data mnist` downloaded.

    Without either, warns and returns the 6,000 digits in the package. Nothing is downloaded, so source_url has no
    effect.

    validation_size: the number of first training images for validation; if the package's digits are fewer, a tenth of
    them.
    """
    refuse("read_data_sets", fake_data=fake_data)
    digits = _find(train_dir)
    train_images, train_labels = _parts(digits, "train", one_hot)
    test_images, test_labels = _parts(digits, "test", one_hot)
    count = len(train_images)
    if validation_size >= count and count <= 5000:
        warnings.warn(
            f"there are {count} training images; {count // 10} instead of {validation_size} are for validation",
            stacklevel=2,
        )
        validation_size = count // 10
    if not 0 <= validation_size <= count:
        raise ValueError(f"Validation size should be between 0 and {count}. Received: {validation_size}.")
    options: dict[str, Any] = {"dtype": dtype, "reshape": reshape, "seed": seed}
    return Datasets(
        DataSet(train_images[validation_size:], train_labels[validation_size:], **options),
        DataSet(train_images[:validation_size], train_labels[:validation_size], **options),
        DataSet(test_images, test_labels, **options),
    )


def _find(train_dir: Any) -> Any:
    folder = Path(train_dir)
    if folder.is_dir():
        try:
            return load("mnist", folder)
        except NotFoundError:
            pass
    try:
        return load("mnist")
    except NotFoundError:
        warnings.warn(
            f"no MNIST files in {folder}, and `minigraph data mnist` has not been run: using the 6,000 digits that "
            "come with minigraph",
            stacklevel=3,
        )
        return load()


def _parts(digits: Any, part: str, one_hot: bool) -> tuple[np.ndarray, np.ndarray]:
    """Images [N,28,28,1] from 0 to 255, and labels."""
    images = np.rint(getattr(digits, f"{part}_images") * 255).astype(np.uint8).reshape(-1, 28, 28, 1)
    labels = getattr(digits, f"{part}_labels")
    return images, labels.astype(np.float64) if one_hot else labels.argmax(1).astype(np.uint8)
