"""Measures over many batches, counted in local variables: TensorFlow 1's `tf.metrics`.

Each function gives (value, update_op): `update_op` adds a batch and gives the new value. The variables are in the
collections LOCAL_VARIABLES and METRIC_VARIABLES; `tf.local_variables_initializer()` sets them to zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import bool_, float32, float64, int64
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.graphs.scoping import add_to_collections
from minigraph.losses import remove_squeezable_dimensions
from minigraph.ops.array.arrays import diag_part
from minigraph.ops.array.indexing import scatter_add
from minigraph.ops.array.shape import expand_dims, reshape, size, squeeze, zeros
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.constant import constant
from minigraph.ops.filling import ones_like
from minigraph.ops.identity import identity
from minigraph.ops.math.algebra import confusion_matrix
from minigraph.ops.math.arithmetic import abs, div_no_nan, maximum, minimum, multiply, squared_difference, subtract
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal, greater, less, logical_and, logical_not, not_equal
from minigraph.ops.math.exponential import sqrt
from minigraph.ops.math.integer_division import div
from minigraph.ops.math.reduce import reduce_mean, reduce_sum
from minigraph.ops.math.selection import where
from minigraph.run.variables import Variable, assign_add, variable_scope

Metric = tuple[Tensor, Tensor]


def _variable(shape: Sequence[int], name: str, dtype: Any = float32) -> Variable:
    keys = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    return Variable(lambda: zeros(list(shape), dtype), trainable=False, collections=keys, name=name)


def _aligned(predictions: Any, labels: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """All with one rank, by taking or adding a last axis of size 1."""
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
    weight = convert_to_tensor(weights)
    difference = (weight.type.rank or 0) - (values.type.rank or 0)
    if weight.type.rank and difference == 1:
        return squeeze(weight, [-1])
    return expand_dims(weight, -1) if weight.type.rank and difference == -1 else weight


def _noted(value: Tensor, update: Tensor, values: Any, updates: Any) -> Metric:
    """Both, added to the collections that the caller names."""
    add_to_collections(values, value)
    add_to_collections(updates, update)
    return value, update


def mean(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> Metric:  # fmt: skip
    """The weighted mean of all values so far. Variables: total, count."""
    with variable_scope(name, "mean", (values, weights)):
        x = cast(as_tensor_like(values), float32)
        total, count = _variable([], "total"), _variable([], "count")
        if weights is None:
            number = cast(size(x), float32)
        else:
            fitted = _fitted(weights, x)
            assert fitted is not None
            weight = multiply(cast(fitted, float32), ones_like(x))
            x = multiply(x, weight)
            number = reduce_sum(weight)
        added = assign_add(total, reduce_sum(x)), assign_add(count, number)
        value = div_no_nan(total, maximum(count, 0), name="value")
        update = div_no_nan(added[0], maximum(added[1], 0), name="update_op")
        return _noted(value, update, metrics_collections, updates_collections)


def accuracy(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """How often predictions equal labels."""
    found, truth, weight = _aligned(predictions, labels, weights)
    correct = cast(equal(cast(found, truth.dtype), truth), float32)
    return mean(correct, weight, metrics_collections, updates_collections, name or "accuracy")


def mean_absolute_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The mean of |predictions − labels|."""
    found, truth, weight = _aligned(predictions, labels, weights)
    error = abs(found - truth)
    return mean(error, weight, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The mean of (predictions − labels)²."""
    found, truth, weight = _aligned(predictions, labels, weights)
    error = squared_difference(truth, found)
    return mean(error, weight, metrics_collections, updates_collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The square root of the mean of (predictions − labels)²."""
    value, update = mean_squared_error(labels, predictions, weights, name=name or "root_mean_squared_error")
    return _noted(sqrt(value), sqrt(update), metrics_collections, updates_collections)


def mean_relative_error(
    labels: Any, predictions: Any, normalizer: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The mean of |labels − predictions| / normalizer, 0 where the normalizer is 0."""
    found, truth, weight = _aligned(predictions, labels, weights)
    _, scale = remove_squeezable_dimensions(found, as_tensor_like(normalizer))
    error = div_no_nan(abs(truth - found), scale)
    return mean(error, weight, metrics_collections, updates_collections, name or "mean_relative_error")


def percentage_below(
    values: Any, threshold: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> Metric:  # fmt: skip
    """The share of values below `threshold`."""
    below = cast(less(values, threshold), float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


def _count(
    what: str, truth_is: bool, found_is: bool, labels: Any, predictions: Any, weights: Any, collections: Any,
    updates: Any, name: str | None,
) -> Metric:  # fmt: skip
    """How many labels and predictions, as booleans, are the given ones. Variable: count."""
    with variable_scope(name, what, (predictions, labels, weights)):
        found, truth, weight = _aligned(_bools(predictions), _bools(labels), weights)
        hits = logical_and(equal(truth, truth_is), equal(found, found_is))
        count = _variable([], "count")
        number = cast(hits, float32)
        if weight is not None:
            number = multiply(number, cast(weight, float32))
        return _noted(identity(count), assign_add(count, reduce_sum(number)), collections, updates)


def true_positives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """How often label and prediction are both true."""
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("true_positives", True, True, *given)


def true_negatives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """How often label and prediction are both false."""
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("true_negatives", False, False, *given)


def false_positives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """How often the prediction is true and the label false."""
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("false_positives", False, True, *given)


def false_negatives(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """How often the prediction is false and the label true."""
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _count("false_negatives", True, False, *given)


Counter = Callable[..., Metric]


def _share(
    what: str, others: Counter, labels: Any, predictions: Any, weights: Any, collections: Any, updates: Any,
    name: str | None,
) -> Metric:  # fmt: skip
    """tp/(tp + n) with n counted by `others`; 0 where there are none."""
    with variable_scope(name, what, (predictions, labels, weights)):
        found, truth, weight = _aligned(_bools(predictions), _bools(labels), weights)
        hits, misses = true_positives(truth, found, weight), others(truth, found, weight)

        def ratio(tp: Tensor, n: Tensor, name: str) -> Tensor:
            return where(greater(tp + n, 0), div(tp, tp + n), 0, name)

        value, update = ratio(hits[0], misses[0], "value"), ratio(hits[1], misses[1], "update_op")
        return _noted(value, update, collections, updates)


def precision(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The share of true predictions whose label is true."""
    given = labels, predictions, weights, metrics_collections, updates_collections, name
    return _share("precision", false_positives, *given)


def recall(
    labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The share of true labels whose prediction is true."""
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
            number = number * reshape(multiply(cast(weight, float32), ones_like(found)), [1, -1])
        out.append((count.value(), assign_add(count, reduce_sum(number, 1))))
    return out


def auc(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, curve: str = "ROC", name: str | None = None,
    summation_method: str = "trapezoidal", thresholds: Any = None,
) -> Metric:  # fmt: skip
    """The area under the ROC or PR curve of predictions in [0, 1], by Riemann sums over thresholds in even steps.

    summation_method: trapezoidal, minoring or majoring.
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
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The mean over the classes of how often a label of that class is predicted. The update gives the shares of all
    classes. Variables: total, count."""
    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        truth = reshape(cast(as_tensor_like(labels), int64), [-1])
        found = cast(reshape(as_tensor_like(predictions), [-1]), int64)
        total, count = _variable([num_classes], "total"), _variable([num_classes], "count")
        correct = cast(equal(found, truth), float32)
        ones = ones_like(correct)
        if weights is not None:
            weight = reshape(cast(as_tensor_like(weights), float32), [-1])
            correct, ones = correct * weight, ones * weight
        updates = scatter_add(total, truth, ones), scatter_add(count, truth, correct)
        value = reduce_mean(div_no_nan(count, maximum(total, 0)), name="mean_accuracy")
        update = div_no_nan(updates[1], maximum(updates[0], 0), name="update_op")
        return _noted(value, update, metrics_collections, updates_collections)


def mean_iou(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """The mean over the classes of intersection over union of labels and predictions. The update gives the confusion
    matrix. Variable: total_confusion_matrix."""
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        total = _variable([num_classes, num_classes], "total_confusion_matrix", float64)
        flat = None if weights is None else reshape(as_tensor_like(weights), [-1])
        update = assign_add(total, confusion_matrix(labels, predictions, num_classes, float64, weights=flat))
        hits = cast(diag_part(total.value()), float32)
        union = cast(reduce_sum(total, 0), float32) + cast(reduce_sum(total, 1), float32) - hits
        valid = reduce_sum(cast(not_equal(union, 0), float32))
        shares = div(hits, where(greater(union, 0), union, ones_like(union)))
        value = where(greater(valid, 0), reduce_sum(shares, name="mean_iou") / valid, 0)
        return _noted(value, update, metrics_collections, updates_collections)


def mean_cosine_distance(
    labels: Any, predictions: Any, dim: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Metric:  # fmt: skip
    """1 − the mean of Σ predictions·labels over the axis `dim`, for vectors of length 1."""
    found, truth, weight = _aligned(predictions, labels, weights)
    products = reduce_sum(multiply(found, truth), [dim], keepdims=True)
    value, update = mean(products, weight, name=name or "mean_cosine_distance")
    return _noted(subtract(1.0, value), subtract(1.0, update), metrics_collections, updates_collections)
