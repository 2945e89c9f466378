"""`tf.contrib.metrics`, which is also `slim.metrics`: predictions come first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor

__all__ = [
    "accuracy",
    "aggregate_metric_map",
    "aggregate_metrics",
    "streaming_accuracy",
    "streaming_false_negatives",
    "streaming_false_positives",
    "streaming_mean",
    "streaming_mean_absolute_error",
    "streaming_mean_iou",
    "streaming_mean_squared_error",
    "streaming_percentage_less",
    "streaming_precision",
    "streaming_recall",
    "streaming_root_mean_squared_error",
    "streaming_true_negatives",
    "streaming_true_positives",
]

Metric = tuple[Any, Any]


def accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Tensor:
    """The share of predictions that are equal to their labels, in this batch alone. weights: one for each, or None."""
    with tf.name_scope(name, "accuracy", [predictions, labels]):
        hits = tf.cast(tf.equal(predictions, labels), tf.float32)
        if weights is None:
            return tf.reduce_mean(hits)
        hits = tf.multiply(hits, weights)
        return tf.div(tf.reduce_sum(hits), tf.reduce_sum(tf.multiply(weights, tf.ones_like(hits))))


def aggregate_metrics(*value_update_tuples: Metric) -> tuple[list[Any], list[Any]]:
    """The values, and the updates, of pairs of both."""
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    return [value for value, _ in value_update_tuples], [update for _, update in value_update_tuples]


def aggregate_metric_map(names_to_tuples: dict[str, Metric]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values, and the updates, of pairs of both, by their names."""
    return {n: v for n, (v, _) in names_to_tuples.items()}, {n: u for n, (_, u) in names_to_tuples.items()}


def _streaming(metric: Callable[..., Metric]) -> Callable[..., Metric]:
    """The metric of `tf.metrics`, with predictions first."""

    def streaming(
        predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> Metric:  # fmt: skip
        return metric(labels, predictions, weights, metrics_collections, updates_collections, name)

    streaming.__doc__ = f"`tf.metrics.{metric.__name__}`, with predictions first."
    return streaming


streaming_accuracy = _streaming(tf.metrics.accuracy)
streaming_false_negatives = _streaming(tf.metrics.false_negatives)
streaming_false_positives = _streaming(tf.metrics.false_positives)
streaming_mean_absolute_error = _streaming(tf.metrics.mean_absolute_error)
streaming_mean_squared_error = _streaming(tf.metrics.mean_squared_error)
streaming_precision = _streaming(tf.metrics.precision)
streaming_recall = _streaming(tf.metrics.recall)
streaming_root_mean_squared_error = _streaming(tf.metrics.root_mean_squared_error)
streaming_true_negatives = _streaming(tf.metrics.true_negatives)
streaming_true_positives = _streaming(tf.metrics.true_positives)
streaming_mean = tf.metrics.mean
streaming_percentage_less = tf.metrics.percentage_below


def streaming_mean_iou(
    predictions: Any, labels: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """`tf.metrics.mean_iou`, with predictions first."""
    return tf.metrics.mean_iou(
        labels, predictions, num_classes, weights, metrics_collections, updates_collections, name
    )
