"""Measures of decisions between two classes: true and false positives, precision, recall, AUC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from minigraph.core.dtypes import bool_, float32
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.metrics.counters import Collections, Metric, as_bools, at_one_rank, count_variable, noted
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.constant import constant
from minigraph.ops.filling import ones_like
from minigraph.ops.identity import identity
from minigraph.ops.math.arithmetic import multiply
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal, greater, logical_and, logical_not
from minigraph.ops.math.extremes import maximum, minimum
from minigraph.ops.math.integer_division import div
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.weights import broadcastable
from minigraph.run.variable_scope import variable_scope
from minigraph.run.variables import assign_add

__all__ = [
    "auc",
    "false_negatives",
    "false_positives",
    "precision",
    "recall",
    "true_negatives",
    "true_positives",
]


def _count(
    what: str, truth_is: bool, found_is: bool, labels: TensorLike, predictions: TensorLike, weights: Any,
    collections: Any, updates: Any, name: str | None,
) -> Metric:  # fmt: skip
    """Count the cases where label and prediction, as booleans, are the given ones. Variable: count."""
    with variable_scope(name, what, (predictions, labels, weights)):
        found, truth, weight = at_one_rank(as_bools(predictions), as_bools(labels), weights)
        hits = logical_and(equal(truth, truth_is), equal(found, found_is))
        count = count_variable([], "count")
        number = cast(hits, float32)
        if weight is not None:
            number = multiply(number, broadcastable(cast(weight, float32), number))
        return noted(identity(count), assign_add(count, reduce_sum(number)), collections, updates)


def true_positives(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Count the cases where the label is true and the prediction is true.

    Variables: count.

    Args:
        labels: True classes; any value but 0 is true.
        predictions: Predicted classes, of the shape of `labels`; any value but 0 is true.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `true_positives`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.true_positives(labels=[1, 1, 0, 0, 1], predictions=[1, 0, 0, 1, 0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        1.0
    """
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("true_positives", True, True, *given)


def true_negatives(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Count the cases where the label is false and the prediction is false.

    Variables: count.

    Args:
        labels: True classes; any value but 0 is true.
        predictions: Predicted classes, of the shape of `labels`; any value but 0 is true.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `true_negatives`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.true_negatives(labels=[1, 1, 0, 0, 1], predictions=[1, 0, 0, 1, 0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        1.0
    """
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("true_negatives", False, False, *given)


def false_positives(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Count the cases where the label is false and the prediction is true.

    Variables: count.

    Args:
        labels: True classes; any value but 0 is true.
        predictions: Predicted classes, of the shape of `labels`; any value but 0 is true.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `false_positives`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.false_positives(labels=[1, 1, 0, 0, 1], predictions=[1, 0, 0, 1, 0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        1.0
    """
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("false_positives", False, True, *given)


def false_negatives(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Count the cases where the label is true and the prediction is false.

    Variables: count.

    Args:
        labels: True classes; any value but 0 is true.
        predictions: Predicted classes, of the shape of `labels`; any value but 0 is true.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `false_negatives`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.false_negatives(labels=[1, 1, 0, 0, 1], predictions=[1, 0, 0, 1, 0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        2.0
    """
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("false_negatives", True, False, *given)


_Counter = Callable[..., Metric]


def _share(
    what: str, others: _Counter, labels: TensorLike, predictions: TensorLike, weights: Any, collections: Any,
    updates: Any, name: str | None,
) -> Metric:  # fmt: skip
    """tp/(tp + n) with n counted by `others`; 0 if both are 0."""
    with variable_scope(name, what, (predictions, labels, weights)):
        found, truth, weight = at_one_rank(as_bools(predictions), as_bools(labels), weights)
        hits, misses = true_positives(truth, found, weight), others(truth, found, weight)

        def ratio(tp: Tensor, n: Tensor, name: str) -> Tensor:
            return where(greater(tp + n, 0), div(tp, tp + n), 0, name)

        value, update = ratio(hits[0], misses[0], "value"), ratio(hits[1], misses[1], "update_op")
        return noted(value, update, collections, updates)


def precision(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the share of true predictions whose label is true.

    It is tp/(tp + fp) for true and false positives, and 0 without any.
    Variables: true_positives/count, false_positives/count.

    Args:
        labels: True classes; any value but 0 is true.
        predictions: Predicted classes, of the shape of `labels`; any value but 0 is true.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `precision`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.precision(labels=[1, 0, 1, 0], predictions=[1, 1, 0, 0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        0.5
    """
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _share("precision", false_positives, *given)


def recall(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the share of true labels whose prediction is true.

    It is tp/(tp + fn) for true positives and false negatives, and 0 without any.
    Variables: true_positives/count, false_negatives/count.

    Args:
        labels: True classes; any value but 0 is true.
        predictions: Predicted classes, of the shape of `labels`; any value but 0 is true.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `recall`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.recall(labels=[1, 1, 1, 1], predictions=[1, 0, 0, 0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        0.25
    """
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _share("recall", false_negatives, *given)


def _at_thresholds(labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any) -> list[Metric]:
    """tp, fn, tn and fp for each threshold, as (variable, update)."""
    found, truth, weight = at_one_rank(
        cast(as_tensor_like(predictions), float32), cast(as_tensor_like(labels), bool_), weights
    )
    above = greater(reshape(found, [1, -1]), constant(np.array(thresholds, np.float32)[:, None]))
    positive = reshape(truth, [1, -1])
    pairs = {
        "true_positives": (positive, above), "false_negatives": (positive, logical_not(above)),
        "true_negatives": (logical_not(positive), logical_not(above)),
        "false_positives": (logical_not(positive), above),
    }  # fmt: skip
    out = []
    for name, (truths, founds) in pairs.items():
        count = count_variable([len(thresholds)], name)
        number = cast(logical_and(truths, founds), float32)
        if weight is not None:
            spread = multiply(broadcastable(cast(weight, float32), found), ones_like(found))
            number = number * reshape(spread, [1, -1])
        out.append((count.value(), assign_add(count, reduce_sum(number, 1))))
    return out


def auc(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None, num_thresholds: int = 200,
    metrics_collections: Collections = None, updates_collections: Collections = None,
    curve: Literal["ROC", "PR"] = "ROC", name: str | None = None,
    summation_method: Literal["trapezoidal", "minoring", "majoring"] = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> Metric:  # fmt: skip
    """Measure the area under the ROC curve or the precision-recall curve.

    Variables: true_positives, false_negatives, true_negatives, false_positives.

    Args:
        labels: True classes; any value but 0 is true.
        predictions: Scores in [0, 1], of the shape of `labels`.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        num_thresholds: Number of thresholds, in even steps from 0 to 1, at which the curve is sampled.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        curve: "ROC" for the true positive rate over the false positive rate, "PR" for precision over recall.
        name: Variable scope of the counts; by default `auc`.
        summation_method: Height of the curve between two samples: their mean ("trapezoidal"), the lower ("minoring"),
            or the higher ("majoring").
        thresholds: The inner thresholds, in place of even steps.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ValueError: `curve` or `summation_method` is unknown.
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.auc(labels=[0, 0, 1, 1], predictions=[0.1, 0.4, 0.35, 0.8])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(f"{sess.run(update):.4f}")
        0.7500

    Source: Fawcett, "An introduction to ROC analysis", 2006.
    """
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    heights: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "trapezoidal": lambda a, b: (a + b) / 2.0, "minoring": minimum, "majoring": maximum,
    }  # fmt: skip
    if summation_method not in heights:
        raise ValueError(f"Invalid summation_method: {summation_method}")
    steps = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)] if thresholds is None else thresholds
    with variable_scope(name, "auc", (labels, predictions, weights)):
        counts = _at_thresholds(labels, predictions, [-1e-7, *sorted(steps), 1 + 1e-7], weights)

        def area(counts: Sequence[Tensor], name: str) -> Tensor:
            tp, fn, tn, fp = counts
            rate = div(tp + 1e-6, tp + fn + 1e-6)
            x, y = (div(fp, fp + tn + 1e-6), rate) if curve == "ROC" else (rate, div(tp + 1e-6, tp + fp + 1e-6))
            (left, right), (low, high) = ((getitem(v, slice(None, -1)), getitem(v, slice(1, None))) for v in (x, y))
            return reduce_sum(multiply(left - right, heights[summation_method](low, high)), name=name)

        value, update = area([c[0] for c in counts], "value"), area([c[1] for c in counts], "update_op")
        return noted(value, update, metrics_collections, updates_collections)
