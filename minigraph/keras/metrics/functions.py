"""Metrics as functions from the wanted and the predicted values to a number for each example."""

from __future__ import annotations

from typing import Any

from minigraph import math, nn
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras.losses.functions import (
    KLD,
    MAE,
    MAPE,
    MSE,
    MSLE,
    binary_crossentropy,
    categorical_crossentropy,
    cosine,
    cosine_proximity,
    cosine_similarity,
    hinge,
    kld,
    kullback_leibler_divergence,
    mae,
    mape,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    mse,
    msle,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from minigraph.keras.state import floatx
from minigraph.ops.array.reshape import reshape
from minigraph.ops.math.casting import cast

__all__ = [
    "KLD",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "binary_accuracy",
    "binary_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "cosine",
    "cosine_proximity",
    "cosine_similarity",
    "hinge",
    "kld",
    "kullback_leibler_divergence",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """The share of right elements over the last axis, where those above a threshold are predicted to be 1.

    Args:
        y_true: Labels 0 and 1, [N,…,C].
        y_pred: Predicted probabilities of 1, floating point, of the same shape.
        threshold: The largest probability that is taken for 0.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.metrics.binary_accuracy([[0.0, 1.0]], [[0.75, 0.75]])))
        [0.5]
    """
    y_pred = convert_to_tensor(y_pred)
    chosen = cast(math.greater(y_pred, threshold), y_pred.dtype)
    return K.mean(math.equal(cast(convert_to_tensor(y_true), y_pred.dtype), chosen), -1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is that of the right class, else 0.

    Args:
        y_true: One-hot labels, or probabilities of the classes, [N,…,C].
        y_pred: Predicted probabilities [N,…,C], floating point.

    Returns:
        A tensor [N,…].

    Example:
        >>> print(tf.Session().run(tf.keras.metrics.categorical_accuracy([[0.0, 1.0]], [[0.2, 0.8]])))
        [1.]
    """
    return cast(math.equal(math.argmax(y_true, -1), math.argmax(y_pred, -1)), floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is that of the right class, whose index is the truth, else 0.

    Args:
        y_true: Indices of the right classes, [N,…] or [N,…,1].
        y_pred: Predicted probabilities [N,…,C], floating point.

    Returns:
        A tensor [N,…].

    Example:
        >>> print(tf.Session().run(tf.keras.metrics.sparse_categorical_accuracy([1, 1], [[0.2, 0.8], [0.9, 0.1]])))
        [1. 0.]
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if y_true.type.rank == y_pred.type.rank:
        y_true = K.squeeze(y_true, -1)
    return cast(math.equal(cast(y_true, floatx()), cast(math.argmax(y_pred, -1), floatx())), floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the right class is among those of the k largest predictions, else 0.

    Args:
        y_true: One-hot labels [N,C].
        y_pred: Predicted values [N,C], floating point.
        k: How many predictions count.

    Returns:
        A tensor [N].

    Example:
        >>> accuracy = tf.keras.metrics.top_k_categorical_accuracy([[0.0, 0.0, 1.0]], [[0.2, 0.5, 0.3]], k=2)
        >>> print(tf.Session().run(accuracy))
        [1.]
    """
    return cast(nn.in_top_k(y_pred, math.argmax(y_true, -1), k), floatx())


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the right class, whose index is the truth, is among those of the k largest predictions, else 0.

    Args:
        y_true: Indices of the right classes, [N] or [N,1].
        y_pred: Predicted values [N,C], floating point.
        k: How many predictions count.

    Returns:
        A tensor [N].

    Example:
        >>> accuracy = tf.keras.metrics.sparse_top_k_categorical_accuracy([2], [[0.2, 0.5, 0.3]], k=2)
        >>> print(tf.Session().run(accuracy))
        [1.]
    """
    return cast(nn.in_top_k(y_pred, cast(reshape(y_true, [-1]), "int32"), k), floatx())
