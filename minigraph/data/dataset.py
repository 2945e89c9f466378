"""The record of a data set for classification."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigraph.core.habits import OF_DATASET, missing
from minigraph.data.batches import Batches


class _Advising(type):
    """The class of `Dataset`; it answers the names of TensorFlow's class with advice."""

    def __getattr__(cls, name: str) -> Any:
        raise AttributeError(missing(f"type object '{cls.__name__}'", name, OF_DATASET))


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Dataset(metaclass=_Advising):
    """Images and their classes, ready to be fed.

    Args:
        train_images: float32 [N, pixels], 0 for the background to 1; of colour images [N, rows, columns, 3].
        train_labels: float32 [N, classes], one-hot.
        test_images: float32 [M, …], as `train_images`.
        test_labels: float32 [M, classes], one-hot.
        classes: Names of the classes, in the labels' order.

    Example:
        >>> from minigraph import data
        >>> data.load()
        Dataset(5000 training and 1000 test images of 784 pixels, 10 classes)
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.float32]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.float32]
    classes: tuple[str, ...]

    def __repr__(self) -> str:
        shape = self.train_images.shape[1:]
        pixels = f"{shape[0]}" if len(shape) == 1 else f"{shape[0]}x{shape[1]}"
        return (
            f"Dataset({len(self.train_images)} training and {len(self.test_images)} test images"
            f" of {pixels} pixels, {len(self.classes)} classes)"
        )

    def batches(self, batch_size: int, seed: int) -> Batches:
        """Make a stream of mini-batches of training images and labels.

        Args:
            batch_size: Number of examples in a batch.
            seed: Seed of the order.

        Returns:
            The stream.

        Raises:
            ValueError: A size or the seed is out of range.
        """
        return Batches(self.train_images, self.train_labels, batch_size=batch_size, seed=seed)

    def identity(self) -> dict[str, Any]:
        """Give a text that tells training sets apart.

        Returns:
            A dict of one text, with the shape and the CRC-32 of images and labels.
        """
        checksum = zlib.crc32(self.train_labels.data, zlib.crc32(self.train_images.data))
        count, pixels = len(self.train_images), math.prod(self.train_images.shape[1:])
        return {"data": f"{count} x {pixels}, CRC-32 {checksum:08x}"}


def one_hot(labels: NDArray[Any], classes: int) -> NDArray[np.float32]:
    """float32 [N, classes] from integer labels [N]."""
    rows = np.zeros((len(labels), classes), np.float32)
    rows[np.arange(len(labels)), labels] = 1
    return rows
