"""Losses as functions from the wanted and the predicted values to a number for each example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigraph import math, nn
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.keras.state import epsilon
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import shape
from minigraph.ops.identity import Identity
from minigraph.ops.math.casting import cast
from minigraph.ops.math.clipping import clip_by_value

__all__ = [
    "KLD",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "cosine",
    "cosine_proximity",
    "cosine_similarity",
    "hinge",
    "huber_loss",
    "kld",
    "kullback_leibler_divergence",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

Loss_ = Callable[[Any, Any], Tensor]


def _both(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    y_pred = convert_to_tensor(y_pred)
    return cast(convert_to_tensor(y_true), y_pred.dtype), y_pred


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (prediction − truth)² over the last axis.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.mean_squared_error([[0.0, 1.0]], [[3.0, 1.0]])))
        [4.5]
    """
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(math.squared_difference(y_pred, y_true), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |prediction − truth| over the last axis.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.mean_absolute_error([[0.0, 1.0]], [[3.0, 1.0]])))
        [1.5]
    """
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(math.abs(y_pred - y_true), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of 100·|(prediction − truth)/truth| over the last axis.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.mean_absolute_percentage_error([[1.0, 4.0]], [[3.0, 3.0]])))
        [112.5]
    """
    y_true, y_pred = _both(y_true, y_pred)
    size = clip_by_value(math.abs(y_true), epsilon(), np.inf)
    return 100.0 * math.reduce_mean(math.abs((y_true - y_pred) / size), -1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (log(1 + prediction) − log(1 + truth))² over the last axis.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.mean_squared_logarithmic_error([[0.0, 1.0]], [[1.0, 1.0]])))
        [0.24022643]
    """
    first, second = (math.log(clip_by_value(v, epsilon(), np.inf) + 1.0) for v in reversed(_both(y_true, y_pred)))
    return math.reduce_mean(math.squared_difference(first, second), -1)


def _signs(y_true: Tensor) -> Tensor:
    """Labels 0 and 1 as −1 and 1; labels −1 and 1 unchanged."""
    binary = math.reduce_all(math.logical_or(math.equal(y_true, 0.0), math.equal(y_true, 1.0)))
    share = cast(binary, y_true.dtype)
    return share * (2.0 * y_true - 1.0) + (1.0 - share) * y_true


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(1 − truth·prediction, 0) over the last axis.

    Args:
        y_true: Labels −1 and 1, or 0 and 1, [N,…,C].
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.hinge([[-1.0, 1.0]], [[0.5, 2.0]])))
        [0.75]
    """
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(nn.relu(1.0 - _signs(y_true) * y_pred), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(1 − truth·prediction, 0)² over the last axis.

    Args:
        y_true: Labels −1 and 1, or 0 and 1, [N,…,C].
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.squared_hinge([[-1.0, 1.0]], [[0.5, 2.0]])))
        [1.125]
    """
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(math.square(nn.relu(1.0 - _signs(y_true) * y_pred)), -1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(0, 1 + the largest prediction of a wrong class − the prediction of the right class).

    Args:
        y_true: One-hot labels [N,…,C].
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.categorical_hinge([[0.0, 1.0]], [[0.5, 0.75]])))
        [0.75]
    """
    y_true, y_pred = _both(y_true, y_pred)
    right = math.reduce_sum(y_true * y_pred, -1)
    return nn.relu(math.reduce_max((1.0 - y_true) * y_pred, -1) - right + 1.0)


def logcosh(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of log(cosh(prediction − truth)) over the last axis.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.logcosh([[0.0]], [[1.0]])))
        [0.4337808]
    """
    y_true, y_pred = _both(y_true, y_pred)
    x = y_pred - y_true
    return math.reduce_mean(x + nn.softplus(-2.0 * x) - float(np.log(2.0)), -1)


def huber_loss(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """½·e² for errors e up to `delta`, and delta·|e| − ½·delta² beyond, for each element.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.
        delta: The error at which the parabola becomes a line.

    Returns:
        A tensor of the shape of `y_pred`.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.huber_loss([[0.0, 0.0]], [[1.0, 3.0]])))
        [[0.5 2.5]]
    """
    y_true, y_pred = _both(y_true, y_pred)
    error = math.abs(y_pred - y_true)
    small = math.minimum(error, delta)
    return 0.5 * small * small + delta * (error - small)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of prediction − truth·log(prediction) over the last axis.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.poisson([[0.0, 1.0]], [[3.0, 1.0]])))
        [2.]
    """
    y_true, y_pred = _both(y_true, y_pred)
    return math.reduce_mean(y_pred - y_true * math.log(y_pred + epsilon()), -1)


def kullback_leibler_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """The sum of truth·log(truth/prediction) over the last axis.

    Args:
        y_true: Wanted probabilities [N,…,C].
        y_pred: Predicted probabilities, floating point, of the same shape.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.kullback_leibler_divergence([[1.0, 0.0]], [[0.5, 0.5]])).round(3))
        [0.693]
    """
    y_true, y_pred = (clip_by_value(v, epsilon(), 1.0) for v in _both(y_true, y_pred))
    return math.reduce_sum(y_true * math.log(y_true / y_pred), -1)


def cosine_proximity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between truth and prediction: 1 for the same direction, as in TensorFlow 1.15.

    Args:
        y_true: Wanted values, a tensor or array [N,…,C]; they are cast to the dtype of `y_pred`.
        y_pred: Predicted values, floating point, of the same shape.
        axis: The axis of the vectors.

    Returns:
        A tensor of the shape of `y_pred` without the axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.cosine_proximity([[0.0, 1.0]], [[3.0, 4.0]])))
        [0.8]
    """
    y_true, y_pred = (nn.l2_normalize(v, axis) for v in _both(y_true, y_pred))
    return math.reduce_sum(y_true * y_pred, axis)


def _logits(y_pred: Any, kind: str) -> Tensor | None:
    """The tensor whose softmax or sigmoid the prediction is; None if it is none."""
    y_pred = convert_to_tensor(y_pred)
    while isinstance(y_pred.node.op, Identity):
        y_pred = y_pred.node.inputs[0]
    return y_pred.node.inputs[0] if y_pred.node.type == kind else None


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0) -> Tensor:
    """−Σ truth·log(prediction) over the classes.

    Where the prediction is the result of a softmax, the softmax's input is used, which is exact for small
    probabilities.

    Args:
        y_true: One-hot labels, or probabilities of the classes, [N,…,C].
        y_pred: Predicted probabilities [N,…,C], floating point.
        from_logits: Whether `y_pred` is the input of a softmax instead of its result.
        label_smoothing: The share of each label that is spread evenly over all classes, from 0 to 1.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])))
        [0.6931472]
    """
    y_true, y_pred = _both(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / float(y_true.type.shape[-1] or 1)
    logits = y_pred if from_logits else _logits(y_pred, "Softmax")
    if logits is not None:
        return nn.softmax_cross_entropy_with_logits_v2(labels=y_true, logits=logits)
    y_pred = y_pred / math.reduce_sum(y_pred, -1, keepdims=True)
    return -math.reduce_sum(y_true * math.log(clip_by_value(y_pred, epsilon(), 1.0 - epsilon())), -1)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """−log(prediction of the right class).

    Args:
        y_true: Indices of the right classes, [N,…] or [N,…,1].
        y_pred: Predicted probabilities [N,…,C], floating point.
        from_logits: Whether `y_pred` is the input of a softmax instead of its result.
        axis: TensorFlow's argument. The classes are always the last axis.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]])))
        [0.6931472]
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    logits = y_pred if from_logits else _logits(y_pred, "Softmax")
    if logits is None:
        logits = math.log(clip_by_value(y_pred, epsilon(), 1.0 - epsilon()))
    classes = logits.type.shape[-1]  # type: ignore[index]
    rows = reshape(logits, [-1, classes]) if logits.type.rank != 2 else logits
    loss = nn.sparse_softmax_cross_entropy_with_logits(labels=cast(reshape(y_true, [-1]), "int64"), logits=rows)
    return loss if rows is logits else reshape(loss, shape(logits)[:-1])


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0) -> Tensor:
    """The mean of −truth·log(prediction) − (1 − truth)·log(1 − prediction) over the last axis.

    Where the prediction is the result of a sigmoid, the sigmoid's input is used, which is exact for small
    probabilities.

    Args:
        y_true: Labels 0 and 1, or probabilities of 1, [N,…,C].
        y_pred: Predicted probabilities of 1, floating point, of the same shape.
        from_logits: Whether `y_pred` is the input of a sigmoid instead of its result.
        label_smoothing: The share of each label that becomes ½, from 0 to 1.

    Returns:
        A tensor of the shape of `y_pred` without the last axis.

    Example:
        >>> print(tf.Session().run(tf.keras.losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])))
        [0.69314694]
    """
    y_true, y_pred = _both(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    logits = y_pred if from_logits else _logits(y_pred, "Sigmoid")
    if logits is not None:
        return math.reduce_mean(nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits), -1)
    y_pred = clip_by_value(y_pred, epsilon(), 1.0 - epsilon())
    whole = y_true * math.log(y_pred + epsilon()) + (1.0 - y_true) * math.log(1.0 - y_pred + epsilon())
    return -math.reduce_mean(whole, -1)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_similarity = cosine_proximity

FUNCTIONS: dict[str, Loss_] = {
    f.__name__: f
    for f in (
        mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, hinge,
        squared_hinge, categorical_hinge, logcosh, huber_loss, poisson, kullback_leibler_divergence, cosine_proximity,
        categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy,
    )
} | {
    "mse": mse, "MSE": mse, "mae": mae, "MAE": mae, "mape": mape, "MAPE": mape, "msle": msle, "MSLE": msle, "kld": kld,
    "KLD": kld, "cosine_similarity": cosine_proximity, "cosine": cosine_proximity,
}  # fmt: skip
