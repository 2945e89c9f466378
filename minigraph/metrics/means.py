"""Measures that are means: of values, errors, hits and distances."""

from __future__ import annotations

from minigraph.core.dtypes import float32
from minigraph.core.typing import TensorLike
from minigraph.losses.arguments import remove_squeezable_dimensions
from minigraph.metrics.counters import Collections, Metric, at_one_rank, count_variable, fit_weights, noted
from minigraph.ops.array.shape import size
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.filling import ones_like
from minigraph.ops.math.arithmetic import abs, div_no_nan, multiply, squared_difference, subtract
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal, less
from minigraph.ops.math.exponential import sqrt
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.nn.weights import broadcastable
from minigraph.run.variable_scope import variable_scope
from minigraph.run.variables import assign_add

__all__ = [
    "accuracy",
    "mean",
    "mean_absolute_error",
    "mean_cosine_distance",
    "mean_relative_error",
    "mean_squared_error",
    "percentage_below",
    "root_mean_squared_error",
]


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
        total, count = count_variable([], "total"), count_variable([], "count")
        if weights is None:
            number = cast(size(x), float32)
        else:
            fitted = fit_weights(weights, x)
            assert fitted is not None
            weight = multiply(broadcastable(cast(fitted, float32), x), ones_like(x))
            x = multiply(x, weight)
            number = reduce_sum(weight)
        added = assign_add(total, reduce_sum(x)), assign_add(count, number)
        value = div_no_nan(total, maximum(count, 0), name="value")
        update = div_no_nan(added[0], maximum(added[1], 0), name="update_op")
        return noted(value, update, metrics_collections, updates_collections)


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
    found, truth, weight = at_one_rank(predictions, labels, weights)
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
    found, truth, weight = at_one_rank(predictions, labels, weights)
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
    found, truth, weight = at_one_rank(predictions, labels, weights)
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
    return noted(sqrt(value), sqrt(update), metrics_collections, updates_collections)


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
    found, truth, weight = at_one_rank(predictions, labels, weights)
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
    found, truth, weight = at_one_rank(predictions, labels, weights)
    products = reduce_sum(multiply(found, truth), [dim], keepdims=True)
    value, update = mean(products, weight, name=name or "mean_cosine_distance")
    return noted(subtract(1.0, value), subtract(1.0, update), metrics_collections, updates_collections)
