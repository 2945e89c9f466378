"""Measures over many batches, counted in local variables: TensorFlow 1's `tf.metrics`.

Each function gives (value, update_op). Running `update_op` adds a batch and gives the new value; `value` gives the
value so far. The variables are in the collections LOCAL_VARIABLES and METRIC_VARIABLES;
`tf.local_variables_initializer()` sets them to zero. Labels and predictions may differ by a last axis of size 1,
which is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from minigraph.core import types as T
from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import bool_, float32, float64, int64
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.graphs.scoping import add_to_collections
from minigraph.losses import remove_squeezable_dimensions
from minigraph.ops.array.arrays import diag_part
from minigraph.ops.array.indexing import scatter_add
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import size, zeros
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.constant import constant
from minigraph.ops.filling import ones_like
from minigraph.ops.identity import identity
from minigraph.ops.math.algebra import confusion_matrix
from minigraph.ops.math.arithmetic import abs, div_no_nan, multiply, squared_difference, subtract
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal, greater, less, logical_and, logical_not, not_equal
from minigraph.ops.math.exponential import sqrt
from minigraph.ops.math.extremes import maximum, minimum
from minigraph.ops.math.integer_division import div
from minigraph.ops.math.reduce import reduce_mean, reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.weights import aligned, broadcastable
from minigraph.run.variable_scope import variable_scope
from minigraph.run.variables import Variable, assign_add

Metric: TypeAlias = tuple[Tensor, Tensor]
Collections: TypeAlias = str | Sequence[str] | None
"""Names of collections."""


def _variable(shape: Sequence[int], name: str, dtype: Any = float32) -> Variable:
    keys = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    return Variable(lambda: zeros(list(shape), dtype), trainable=False, collections=keys, name=name)


def _aligned(predictions: Any, labels: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """All with one rank: a last axis of size 1 is removed or added."""
    truth, found = remove_squeezable_dimensions(as_tensor_like(labels), as_tensor_like(predictions))
    if not T.compatible(truth.type.shape, found.type.shape):
        shapes = f"{format_shape(found.type.shape)} and {format_shape(truth.type.shape)}"
        raise ShapeError(f"Shapes {shapes} are incompatible")
    return found, truth, _fitted(weights, found)


def _bools(value: Any) -> Tensor:
    return cast(as_tensor_like(value), bool_)


def _fitted(weights: Any, values: Tensor) -> Tensor | None:
    if weights is None:
        return None
    return aligned(convert_to_tensor(weights), values)


def _noted(value: Tensor, update: Tensor, values: Any, updates: Any) -> Metric:
    """Value and update, added to the collections that the caller names."""
    add_to_collections(values, value)
    add_to_collections(updates, update)
    return value, update


def mean(
    values: TensorLike, weights: TensorLike | None = None, metrics_collections: Collections = None,
    updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the weighted mean of all values so far.

    Variables: total and count.

    Args:
        values: Tensor of any numeric dtype and shape.
        weights: Tensor that broadcasts to `values`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `mean`.

    Returns:
        The value and the update operation, float32 scalars.

    Example:
        >>> batch = tf.placeholder(tf.float32, [2])
        >>> value, update = tf.metrics.mean(batch)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     for numbers in ([1.0, 2.0], [4.0, 5.0]):
        ...         print(sess.run(update, {batch: numbers}).item())
        1.5
        3.0
    """
    with variable_scope(name, "mean", (values, weights)):
        x = cast(as_tensor_like(values), float32)
        total, count = _variable([], "total"), _variable([], "count")
        if weights is None:
            number = cast(size(x), float32)
        else:
            fitted = _fitted(weights, x)
            assert fitted is not None
            weight = multiply(broadcastable(cast(fitted, float32), x), ones_like(x))
            x = multiply(x, weight)
            number = reduce_sum(weight)
        added = assign_add(total, reduce_sum(x)), assign_add(count, number)
        value = div_no_nan(total, maximum(count, 0), name="value")
        update = div_no_nan(added[0], maximum(added[1], 0), name="update_op")
        return _noted(value, update, metrics_collections, updates_collections)


def accuracy(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the share of predictions that equal their labels.

    Variables: total and count.

    Args:
        labels: True values of any numeric dtype.
        predictions: Predicted values, of the shape of `labels`.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `accuracy`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.accuracy(labels=[1, 2, 3, 4], predictions=[1, 2, 3, 0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        0.75
    """
    found, truth, weight = _aligned(predictions, labels, weights)
    correct = cast(equal(cast(found, truth.dtype), truth), float32)
    return mean(correct, weight, metrics_collections, updates_collections, name or "accuracy")


def mean_absolute_error(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the mean of |predictions − labels|.

    Variables: total and count.

    Args:
        labels: True values of any numeric dtype.
        predictions: Predicted values, of the shape of `labels`.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `mean_absolute_error`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.mean_absolute_error([1.0, 2.0], [2.0, 5.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        2.0
    """
    found, truth, weight = _aligned(predictions, labels, weights)
    error = abs(found - truth)
    return mean(error, weight, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_squared_error(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the mean of (predictions − labels)².

    Variables: total and count.

    Args:
        labels: True values of any numeric dtype.
        predictions: Predicted values, of the shape of `labels`.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `mean_squared_error`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.mean_squared_error([1.0, 2.0], [2.0, 5.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        5.0
    """
    found, truth, weight = _aligned(predictions, labels, weights)
    error = squared_difference(truth, found)
    return mean(error, weight, metrics_collections, updates_collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the square root of the mean of (predictions − labels)².

    Variables: total and count.

    Args:
        labels: True values of any numeric dtype.
        predictions: Predicted values, of the shape of `labels`.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `root_mean_squared_error`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.root_mean_squared_error([1.0, 2.0], [3.0, 4.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        2.0
    """
    value, update = mean_squared_error(labels, predictions, weights, name=name or "root_mean_squared_error")
    return _noted(sqrt(value), sqrt(update), metrics_collections, updates_collections)


def mean_relative_error(
    labels: TensorLike, predictions: TensorLike, normalizer: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the mean of |labels − predictions| / normalizer.

    Variables: total and count.

    Args:
        labels: True values of any numeric dtype.
        predictions: Predicted values, of the shape of `labels`.
        normalizer: Divisors, of the shape of `labels`. Where one is 0, the quotient counts as 0.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `mean_relative_error`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.mean_relative_error([1.0, 4.0], [2.0, 2.0], normalizer=[1.0, 4.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        0.75
    """
    found, truth, weight = _aligned(predictions, labels, weights)
    _, scale = remove_squeezable_dimensions(found, as_tensor_like(normalizer))
    error = div_no_nan(abs(truth - found), scale)
    return mean(error, weight, metrics_collections, updates_collections, name or "mean_relative_error")


def percentage_below(
    values: TensorLike, threshold: TensorLike, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure the share, from 0 to 1, of values below a threshold.

    Variables: total and count.

    Args:
        values: Tensor of any numeric dtype and shape.
        threshold: A number, or a scalar tensor of the dtype of `values`.
        weights: Tensor that broadcasts to `values`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `percentage_below_threshold`.

    Returns:
        The value and the update operation, float32 scalars.

    Example:
        >>> value, update = tf.metrics.percentage_below([1.0, 2.0, 3.0, 4.0], threshold=2.0)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        0.25
    """
    below = cast(less(values, threshold), float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


def _count(
    what: str, truth_is: bool, found_is: bool, labels: TensorLike, predictions: TensorLike, weights: Any,
    collections: Any, updates: Any, name: str | None,
) -> Metric:  # fmt: skip
    """Count the cases where label and prediction, as booleans, are the given ones. Variable: count."""
    with variable_scope(name, what, (predictions, labels, weights)):
        found, truth, weight = _aligned(_bools(predictions), _bools(labels), weights)
        hits = logical_and(equal(truth, truth_is), equal(found, found_is))
        count = _variable([], "count")
        number = cast(hits, float32)
        if weight is not None:
            number = multiply(number, broadcastable(cast(weight, float32), number))
        return _noted(identity(count), assign_add(count, reduce_sum(number)), collections, updates)


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


Counter = Callable[..., Metric]


def _share(
    what: str, others: Counter, labels: TensorLike, predictions: TensorLike, weights: Any, collections: Any,
    updates: Any, name: str | None,
) -> Metric:  # fmt: skip
    """tp/(tp + n) with n counted by `others`; 0 if both are 0."""
    with variable_scope(name, what, (predictions, labels, weights)):
        found, truth, weight = _aligned(_bools(predictions), _bools(labels), weights)
        hits, misses = true_positives(truth, found, weight), others(truth, found, weight)

        def ratio(tp: Tensor, n: Tensor, name: str) -> Tensor:
            return where(greater(tp + n, 0), div(tp, tp + n), 0, name)

        value, update = ratio(hits[0], misses[0], "value"), ratio(hits[1], misses[1], "update_op")
        return _noted(value, update, collections, updates)


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
    found, truth, weight = _aligned(
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
        count = _variable([len(thresholds)], name)
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
        return _noted(value, update, metrics_collections, updates_collections)


def mean_per_class_accuracy(
    labels: TensorLike, predictions: TensorLike, num_classes: int, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure, for each class, the share of its labels that are predicted, and take the mean.

    Variables: total and count.

    Args:
        labels: True classes, integers from 0 to num_classes − 1.
        predictions: Predicted classes, of the shape of `labels`.
        num_classes: Number of classes.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `mean_accuracy`.

    Returns:
        The value, a float32 scalar, and the update operation, which gives the shares of all classes.

    Example:
        >>> labels, predictions = [0, 0, 1, 1], [0, 0, 0, 1]
        >>> value, update = tf.metrics.mean_per_class_accuracy(labels, predictions, num_classes=2)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update), sess.run(value))
        [1.  0.5] 0.75
    """
    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        truth = reshape(cast(as_tensor_like(labels), int64), [-1])
        found = cast(reshape(as_tensor_like(predictions), [-1]), int64)
        total, count = _variable([num_classes], "total"), _variable([num_classes], "count")
        correct = cast(equal(found, truth), float32)
        ones = ones_like(correct)
        if weights is not None:
            weight = broadcastable(reshape(cast(as_tensor_like(weights), float32), [-1]), correct)
            correct, ones = correct * weight, ones * weight
        updates = scatter_add(total, truth, ones), scatter_add(count, truth, correct)
        value = reduce_mean(div_no_nan(count, maximum(total, 0)), name="mean_accuracy")
        update = div_no_nan(updates[1], maximum(updates[0], 0), name="update_op")
        return _noted(value, update, metrics_collections, updates_collections)


def mean_iou(
    labels: TensorLike, predictions: TensorLike, num_classes: int, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure, for each class, intersection over union of labels and predictions, and take the mean.

    Classes without a label or a prediction do not count.
    Variables: total_confusion_matrix.

    Args:
        labels: True classes, integers from 0 to num_classes − 1.
        predictions: Predicted classes, of the shape of `labels`.
        num_classes: Number of classes.
        weights: Tensor that broadcasts to `predictions`; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `mean_iou`.

    Returns:
        The value, a float32 scalar, and the update operation, which gives the float64 confusion matrix: row i, column j
        counts the cases of label i and prediction j. A class out of range fails the update with InvalidArgumentError.

    Example:
        >>> value, update = tf.metrics.mean_iou(labels=[0, 0, 1, 1], predictions=[0, 0, 0, 1], num_classes=2)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update))
        ...     print(f"{sess.run(value):.4f}")
        [[2. 0.]
         [1. 1.]]
        0.5833
    """
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        total = _variable([num_classes, num_classes], "total_confusion_matrix", float64)
        flat = None if weights is None else reshape(as_tensor_like(weights), [-1])
        truth, found = (reshape(cast(as_tensor_like(v), int64), [-1]) for v in (labels, predictions))
        update = assign_add(total, confusion_matrix(truth, found, num_classes, float64, weights=flat))
        hits = cast(diag_part(total.value()), float32)
        union = cast(reduce_sum(total, 0), float32) + cast(reduce_sum(total, 1), float32) - hits
        valid = reduce_sum(cast(not_equal(union, 0), float32))
        shares = div(hits, where(greater(union, 0), union, ones_like(union)))
        value = where(greater(valid, 0), reduce_sum(shares, name="mean_iou") / valid, 0)
        return _noted(value, update, metrics_collections, updates_collections)


def mean_cosine_distance(
    labels: TensorLike, predictions: TensorLike, dim: int, weights: TensorLike | None = None,
    metrics_collections: Collections = None, updates_collections: Collections = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """Measure 1 − the mean of Σ predictions·labels over an axis, for vectors of length 1.

    Variables: total and count.

    Args:
        labels: Unit vectors along `dim`.
        predictions: Unit vectors along `dim`, of the shape of `labels`.
        dim: The axis of the vectors' components.
        weights: Tensor that broadcasts to the products, whose size along `dim` is 1; None for weights of 1.
        metrics_collections, updates_collections: Names of the collections that get the value and the update operation.
        name: Variable scope of the counts; by default `mean_cosine_distance`.

    Returns:
        The value and the update operation, float32 scalars.

    Raises:
        ShapeError: The shapes of labels and predictions differ.

    Example:
        >>> value, update = tf.metrics.mean_cosine_distance([[1.0, 0.0]], [[0.0, 1.0]], dim=1)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update).item())
        1.0
    """
    found, truth, weight = _aligned(predictions, labels, weights)
    products = reduce_sum(multiply(found, truth), [dim], keepdims=True)
    value, update = mean(products, weight, name=name or "mean_cosine_distance")
    return _noted(subtract(1.0, value), subtract(1.0, update), metrics_collections, updates_collections)
