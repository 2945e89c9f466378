"""`tf.contrib.losses`, which is also `slim.losses`: predictions come first, and weights have one entry per example.

The means are over the elements whose weight is not 0.
"""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.arguments import renamed
from minigraph.core.graph import Tensor
from minigraph.losses import add_loss as _add_loss
from minigraph.losses import get_losses, get_regularization_losses
from minigraph.ops.nn.weights import broadcastable
from minigraph.tf1.arg_scope import add_arg_scope

__all__ = [
    "absolute_difference",
    "add_loss",
    "compute_weighted_loss",
    "cosine_distance",
    "get_losses",
    "get_regularization_losses",
    "get_total_loss",
    "hinge_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]


@add_arg_scope
def add_loss(loss: Tensor, loss_collection: str | None = tf.GraphKeys.LOSSES) -> None:
    """Add a loss to a collection."""
    _add_loss(loss, loss_collection)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss") -> Tensor:
    """The sum of the losses, and of the regularization losses if wanted."""
    return tf.add_n(get_losses() + (get_regularization_losses() if add_regularization_losses else []), name=name)


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The mean of weights·losses over the elements whose weight is not 0; it is added to the collection LOSSES.

    losses: [batch, d1, …]. weights: a scalar, or [batch, d1, …, dk]; an axis of size 1 at its end is dropped.
    """
    with tf.name_scope(scope, "weighted_loss", [losses, weights]):
        given = tf.convert_to_tensor(losses)
        values, factors = tf.cast(given, tf.float32), tf.cast(tf.convert_to_tensor(weights), tf.float32)
        for name, tensor in (("losses", values), ("weights", factors)):
            if tensor.type.rank is None:
                raise ValueError(f"{name}.get_shape().ndims cannot be None")
        dims = factors.type.shape
        if dims is not None and len(dims) > 1 and dims[-1] in (1, None):
            factors = tf.squeeze(factors, [-1])
        summed = _summed(values, factors)
        factors = broadcastable(factors, summed)
        total = tf.reduce_sum(summed * factors)
        mean = tf.div_no_nan(total, _present(values, factors))
        mean = tf.cast(mean, given.dtype)
        add_loss(mean)
        return mean


def _summed(losses: Tensor, weights: Tensor) -> Tensor:
    """The losses, summed over the axes that the weights lack."""
    return tf.reduce_sum(losses, list(range(weights.type.rank or 0, losses.type.rank or 0)))


def _present(losses: Tensor, weights: Tensor) -> Tensor:
    """The number of losses whose weight is not 0."""
    rest = tf.cast(tf.reduce_prod(tf.shape(losses)[weights.type.rank or 0 :]), tf.float32)
    return tf.reduce_sum(tf.cast(tf.not_equal(weights, 0.0), tf.float32)) * rest


def _two(predictions: Any, labels: Any, dtype: Any = tf.float32) -> tuple[Tensor, Tensor]:
    """Predictions and labels as tensors of one shape and dtype. ValueError if the shapes differ."""
    x, y = tf.convert_to_tensor(predictions), tf.convert_to_tensor(labels)
    if not x.shape.is_compatible_with(y.shape):
        raise ValueError(f"Shapes {x.shape} and {y.shape} are incompatible")
    return tf.cast(x, dtype or x.dtype), tf.cast(y, dtype or x.dtype)


@add_arg_scope
def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The mean of |predictions − labels|."""
    with tf.name_scope(scope, "absolute_difference", [predictions, labels, weights]) as name:
        x, y = _two(predictions, labels)
        return compute_weighted_loss(tf.abs(x - y), weights, name)


@add_arg_scope
def sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Tensor:
    """The mean cross entropy of logistic units; smoothing moves labels towards 1/2."""
    with tf.name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as name:
        x, y = _two(logits, multi_class_labels, None)
        if label_smoothing > 0:
            y = y * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weights, name)


@add_arg_scope
def softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Tensor:
    """The mean cross entropy with softmax; smoothing moves labels towards 1/classes."""
    with tf.name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as name:
        x, y = _two(logits, onehot_labels, None)
        if label_smoothing > 0:
            classes = tf.cast(tf.shape(y)[1], x.dtype)
            y = y * (1.0 - label_smoothing) + label_smoothing / classes
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weights, name)


@add_arg_scope
def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The mean cross entropy with softmax for class numbers, [batch] or [batch, 1]."""
    with tf.name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as name:
        numbers = tf.convert_to_tensor(labels)
        numbers = tf.reshape(numbers, [tf.shape(numbers)[0]])
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=numbers, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, name)


@add_arg_scope
def log_loss(
    predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None
) -> Tensor:
    """The mean of −y·log(p + ε) − (1 − y)·log(1 − p + ε)."""
    with tf.name_scope(scope, "log_loss", [predictions, labels, weights]) as name:
        p, y = _two(predictions, labels)
        losses = -(y * tf.log(p + epsilon)) - (1 - y) * tf.log(1 - p + epsilon)
        return compute_weighted_loss(losses, weights, name)


@add_arg_scope
def hinge_loss(logits: Any, labels: Any = None, scope: str | None = None) -> Tensor:
    """max(0, 1 − (2·labels − 1)·logits) of each element; it is in no collection."""
    with tf.name_scope(scope, "hinge_loss", [logits, labels]):
        x, y = _two(logits, labels)
        return tf.nn.relu(1.0 - (2 * y - 1.0) * x)


@add_arg_scope
def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The mean of (predictions − labels)²."""
    with tf.name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as name:
        x, y = _two(predictions, labels)
        return compute_weighted_loss(tf.squared_difference(x, y), weights, name)


@add_arg_scope
def mean_pairwise_squared_error(
    predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None
) -> Tensor:
    """The sum over the batch of 2·(Σd²/n − (Σd)²/n²), with d = predictions − labels of an example of n elements."""
    with tf.name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        x, y = _two(predictions, labels)
        factors, diffs = tf.cast(tf.convert_to_tensor(weights), tf.float32), x - y
        if diffs.type.rank is None or factors.type.rank is None:
            raise ValueError("the ranks of predictions and weights must be known")
        rows = list(range(1, diffs.type.rank))
        factors = broadcastable(factors, _summed(diffs, factors))
        count = _present_by_example(diffs, factors)
        squares = 2.0 * tf.div_no_nan(tf.reduce_sum(tf.square(diffs), rows), count)
        products = 2.0 * tf.div_no_nan(tf.square(tf.reduce_sum(diffs, rows)), tf.square(count))
        loss = tf.reduce_sum(_summed(squares - products, factors) * factors)
        mean = tf.where(tf.reduce_sum(count) > 0, loss, tf.zeros_like(loss), name="value")
        add_loss(mean)
        return mean


def _present_by_example(losses: Tensor, weights: Tensor) -> Tensor:
    """The number of losses of each example whose weight is not 0: a vector, or a scalar for a scalar weight."""
    rank = weights.type.rank or 0
    used = tf.cast(tf.not_equal(weights, 0.0), tf.float32)
    rest = tf.cast(tf.reduce_prod(tf.shape(losses)[max(rank, 1) :]), tf.float32)
    return tf.reduce_sum(used, list(range(1, rank))) * rest


@add_arg_scope
def cosine_distance(
    predictions: Any, labels: Any = None, axis: int | None = None, weights: Any = 1.0, scope: str | None = None,
    dim: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of 1 − Σ predictions·labels over an axis, for vectors of length 1. `dim`: the older name of `axis`."""
    along = renamed("axis", axis, "dim", dim)
    if along is None:
        raise ValueError("You must specify 'axis'.")
    with tf.name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as name:
        x, y = _two(predictions, labels)
        return compute_weighted_loss(1 - tf.reduce_sum(x * y, [along]), weights, name)
