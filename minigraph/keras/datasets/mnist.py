"""The MNIST digits as integers."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from minigraph import data
from minigraph.core.errors import NotFoundError

Digits: TypeAlias = tuple[np.ndarray, np.ndarray]


def load_data(path: str = "mnist.npz") -> tuple[Digits, Digits]:
    """The MNIST digits as integers. They are downloaded at the first call.

    Args:
        path: TensorFlow's name of its file; it has no effect.

    Returns:
        Two pairs of uint8 images [N,28,28] and uint8 labels [N]: 60,000 digits for training, and 10,000 for tests.

    Example:
        >>> (train_x, train_y), (test_x, test_y) = tf.keras.datasets.mnist.load_data()
        >>> train_x.shape[1:], train_x.dtype.name, train_y.dtype.name
        ((28, 28), 'uint8', 'uint8')
    """
    try:
        found = data.load("mnist")
    except NotFoundError:
        data.fetch_mnist()
        found = data.load("mnist")

    def digits(images: np.ndarray, labels: np.ndarray) -> Digits:
        return np.rint(images * 255).astype(np.uint8).reshape(-1, 28, 28), labels.argmax(1).astype(np.uint8)

    return digits(found.train_images, found.train_labels), digits(found.test_images, found.test_labels)
