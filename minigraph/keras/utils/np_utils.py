"""Labels and vectors as Keras's programs prepare them."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> np.ndarray:
    """Turn labels into rows that are 1 at the label and 0 elsewhere.

    Args:
        y: Labels from 0, an array of any shape; a last axis of size 1 goes away.
        num_classes: Size of the rows; by default the largest label plus 1.
        dtype: Dtype of the result.

    Returns:
        An array of the shape of `y` with a last axis of size `num_classes`.

    Raises:
        IndexError: A label is not below `num_classes`.

    Example:
        >>> print(tf.keras.utils.to_categorical([0, 2], num_classes=3))
        [[1. 0. 0.]
         [0. 0. 1.]]
    """
    labels = np.array(y, dtype="int")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    flat = labels.ravel()
    count = num_classes or int(flat.max()) + 1
    rows = np.zeros((len(flat), count), dtype)
    rows[np.arange(len(flat)), flat] = 1
    return rows.reshape((*shape, count))


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divide vectors by their norms.

    Args:
        x: Floating-point array.
        axis: The axis of the vectors.
        order: Order of the norm, as NumPy's `linalg.norm` takes it.

    Returns:
        An array of the shape of `x`; vectors of zeros stay as they are.

    Example:
        >>> print(tf.keras.utils.normalize(np.array([[3.0, 4.0]])))
        [[0.6 0.8]]
    """
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return np.asarray(x / np.expand_dims(norms, axis))
