"""Measures of each class: accuracy, and intersection over union."""

from __future__ import annotations

from minigraph.core.dtypes import float32, float64, int64
from minigraph.core.typing import TensorLike
from minigraph.metrics.counters import Collections, Metric, count_variable, noted
from minigraph.ops.array.diagonals import diag_part
from minigraph.ops.array.reshape import reshape
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.filling import ones_like
from minigraph.ops.math.algebra import confusion_matrix
from minigraph.ops.math.arithmetic import div_no_nan
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal, greater, not_equal
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.integer_division import div
from minigraph.ops.math.reduce import reduce_mean, reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.weights import broadcastable
from minigraph.ops.state.scatter_api import scatter_add
from minigraph.run.variable_scope import variable_scope
from minigraph.run.variables import assign_add

__all__ = ["mean_iou", "mean_per_class_accuracy"]


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
        total, count = count_variable([num_classes], "total"), count_variable([num_classes], "count")
        correct = cast(equal(found, truth), float32)
        ones = ones_like(correct)
        if weights is not None:
            weight = broadcastable(reshape(cast(as_tensor_like(weights), float32), [-1]), correct)
            correct, ones = correct * weight, ones * weight
        updates = scatter_add(total, truth, ones), scatter_add(count, truth, correct)
        value = reduce_mean(div_no_nan(count, maximum(total, 0)), name="mean_accuracy")
        update = div_no_nan(updates[1], maximum(updates[0], 0), name="update_op")
        return noted(value, update, metrics_collections, updates_collections)


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
        total = count_variable([num_classes, num_classes], "total_confusion_matrix", float64)
        flat = None if weights is None else reshape(as_tensor_like(weights), [-1])
        truth, found = (reshape(cast(as_tensor_like(v), int64), [-1]) for v in (labels, predictions))
        update = assign_add(total, confusion_matrix(truth, found, num_classes, float64, weights=flat))
        hits = cast(diag_part(total.value()), float32)
        union = cast(reduce_sum(total, 0), float32) + cast(reduce_sum(total, 1), float32) - hits
        valid = reduce_sum(cast(not_equal(union, 0), float32))
        shares = div(hits, where(greater(union, 0), union, ones_like(union)))
        value = where(greater(valid, 0), reduce_sum(shares, name="mean_iou") / valid, 0)
        return noted(value, update, metrics_collections, updates_collections)
