"""Losses that compare numbers: absolute and squared differences, hinge, Huber, log loss."""

from __future__ import annotations

from minigraph.core.arguments import renamed
from minigraph.core.collections import GraphKeys
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.losses.arguments import as_pair
from minigraph.losses.collection import add_loss
from minigraph.losses.reduction import Reduction, ReductionName, compute_weighted_loss, float_weights, num_present
from minigraph.ops.builder import composed
from minigraph.ops.filling import ones_like, zeros_like
from minigraph.ops.math.arithmetic import abs, add, div_no_nan, multiply, square, squared_difference, subtract
from minigraph.ops.math.exponential import log
from minigraph.ops.math.extremes import maximum, minimum
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.activation import relu

__all__ = [
    "absolute_difference",
    "cosine_distance",
    "hinge_loss",
    "huber_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
]


def absolute_difference(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the loss |predictions − labels|.

    Args:
        labels: True values, of any numeric dtype and the shape of `predictions`.
        predictions: Predicted values.
        weights: A scalar, or a tensor that broadcasts to `predictions`.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A float32 scalar; with `Reduction.NONE` a tensor of the shape of `predictions`.

    Raises:
        ValueError: `labels` or `predictions` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, predictions and weights do not fit.

    Example:
        >>> loss = tf.losses.absolute_difference(labels=[1.0, 2.0], predictions=[2.0, 5.0])
        >>> tf.Session().run(loss).item()
        2.0
    """
    with composed(scope, "absolute_difference", predictions, labels, weights) as full:
        truth, found = as_pair(labels, predictions)
        losses = abs(subtract(found, truth))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def mean_squared_error(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the loss (predictions − labels)².

    Args:
        labels: True values, of any numeric dtype and the shape of `predictions`.
        predictions: Predicted values.
        weights: A scalar, or a tensor that broadcasts to `predictions`.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A float32 scalar; with `Reduction.NONE` a tensor of the shape of `predictions`.

    Raises:
        ValueError: `labels` or `predictions` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, predictions and weights do not fit.

    Example:
        >>> loss = tf.losses.mean_squared_error(labels=[1.0, 2.0], predictions=[2.0, 5.0])
        >>> tf.Session().run(loss).item()
        5.0
    """
    with composed(scope, "mean_squared_error", predictions, labels, weights) as full:
        truth, found = as_pair(labels, predictions)
        losses = squared_difference(found, truth)
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def cosine_distance(
    labels: TensorLike, predictions: TensorLike, axis: int | None = None, weights: TensorLike = 1.0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS, dim: int | None = None,
) -> Tensor:  # fmt: skip
    """Compute the loss 1 − Σ predictions·labels over an axis, for vectors of length 1.

    Args:
        labels: Unit vectors along `axis`, of the shape of `predictions`.
        predictions: Unit vectors along `axis`.
        axis: The axis of the vectors' components. It must be given here or as `dim`.
        weights: A scalar, or a tensor that broadcasts to the losses, whose size along `axis` is 1.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.
        dim: Older name of `axis`.

    Returns:
        A float32 scalar; with `Reduction.NONE` a tensor of the shape of `predictions`, of size 1 along `axis`.

    Raises:
        ValueError: No axis is given, `labels` or `predictions` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, predictions and weights do not fit.

    Example:
        >>> loss = tf.losses.cosine_distance(labels=[[1.0, 0.0]], predictions=[[0.0, 1.0]], axis=1)
        >>> tf.Session().run(loss).item()
        1.0
    """
    along = renamed("axis", axis, "dim", dim)
    if along is None:
        raise ValueError("You must specify 'axis'.")
    with composed(scope, "cosine_distance_loss", predictions, labels, weights) as full:
        truth, found = as_pair(labels, predictions)
        losses = 1 - reduce_sum(multiply(found, truth), [along], keepdims=True)
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def hinge_loss(
    labels: TensorLike, logits: TensorLike, weights: TensorLike = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the loss max(1 − (2·labels − 1)·logits, 0).

    Args:
        labels: True classes, 0 or 1, of the shape of `logits`.
        logits: Scores; positive ones mean class 1.
        weights: A scalar, or a tensor that broadcasts to `logits`.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A float32 scalar; with `Reduction.NONE` a tensor of the shape of `logits`.

    Raises:
        ValueError: `labels` or `logits` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, logits and weights do not fit.

    Example:
        >>> loss = tf.losses.hinge_loss(labels=[1.0, 0.0], logits=[0.5, 1.0])
        >>> tf.Session().run(loss).item()
        1.25
    """
    with composed(scope, "hinge_loss", logits, labels, weights) as full:
        truth, found = as_pair(labels, logits, ("labels", "logits"))
        ones = ones_like(truth)
        losses = relu(subtract(ones, multiply(subtract(2 * truth, ones), found)))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def huber_loss(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike = 1.0, delta: float = 1.0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the Huber loss: e²/2 for errors |e| ≤ delta, and delta·(|e| − delta/2) for larger ones.

    Args:
        labels: True values, of any numeric dtype and the shape of `predictions`.
        predictions: Predicted values.
        weights: A scalar, or a tensor that broadcasts to `predictions`.
        delta: The error at which the loss turns from quadratic to linear.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A float32 scalar; with `Reduction.NONE` a tensor of the shape of `predictions`.

    Raises:
        ValueError: `labels` or `predictions` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, predictions and weights do not fit.

    Example:
        >>> loss = tf.losses.huber_loss(labels=[0.0, 0.0], predictions=[1.0, 3.0])
        >>> tf.Session().run(loss).item()
        1.5

    Source: Huber, "Robust estimation of a location parameter", 1964.
    """
    with composed(scope, "huber_loss", predictions, labels, weights) as full:
        truth, found = as_pair(labels, predictions)
        error = abs(subtract(found, truth))
        quadratic = minimum(error, delta)
        losses = add(0.5 * multiply(quadratic, quadratic), multiply(delta, subtract(error, quadratic)))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def log_loss(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike = 1.0, epsilon: float = 1e-7,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the loss −z·log(p + epsilon) − (1 − z)·log(1 − p + epsilon), for labels z and probabilities p.

    Args:
        labels: True classes, 0 or 1, of the shape of `predictions`.
        predictions: Probabilities of class 1.
        weights: A scalar, or a tensor that broadcasts to `predictions`.
        epsilon: A small number that keeps the logarithms finite.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A float32 scalar; with `Reduction.NONE` a tensor of the shape of `predictions`.

    Raises:
        ValueError: `labels` or `predictions` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, predictions and weights do not fit.

    Example:
        >>> loss = tf.losses.log_loss(labels=[1.0, 0.0], predictions=[0.5, 0.5])
        >>> print(f"{tf.Session().run(loss):.4f}")
        0.6931
    """
    with composed(scope, "log_loss", predictions, labels, weights) as full:
        z, p = as_pair(labels, predictions)
        losses = -multiply(z, log(p + epsilon)) - multiply(1 - z, log(1 - p + epsilon))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: TensorLike, predictions: TensorLike, weights: TensorLike = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:  # fmt: skip
    """Compute the mean of (d_i − d_j)² over all pairs i ≠ j of d = predictions − labels, per example.

    The loss is the sum over the batch. It does not change when a constant is added to all predictions of an example.

    Args:
        labels: True values [N, …], of any numeric dtype and the shape of `predictions`.
        predictions: Predicted values [N, …].
        weights: A scalar, or a tensor that broadcasts to `predictions`.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.

    Returns:
        A float32 scalar.

    Raises:
        ValueError: `labels` or `predictions` is None.
        ShapeError: The shapes of labels, predictions and weights do not fit.

    Example:
        >>> loss = tf.losses.mean_pairwise_squared_error(labels=[[0.0, 0.0]], predictions=[[5.0, 7.0]])
        >>> tf.Session().run(loss).item()
        4.0

    Source: Eigen, Puhrsch and Fergus, "Depth map prediction from a single image", 2014.
    """
    with composed(scope, "mean_pairwise_squared_error", predictions, labels, weights):
        truth, found = as_pair(labels, predictions)
        truth.graph.reserve_ids(15)  # TensorFlow's checks of the weights
        weight = float_weights(weights, truth)
        diffs = subtract(found, truth)
        rows = list(range(1, diffs.type.rank or 0))
        count = num_present(diffs, weight, per_batch=True)
        squares = reduce_sum(square(diffs), rows, keepdims=True)
        total = square(reduce_sum(diffs, rows, keepdims=True))
        own = 2.0 * div_no_nan(squares, maximum(count - 1, 0))
        cross = 2.0 * div_no_nan(total, maximum(multiply(count, count - 1), 0))
        loss = reduce_sum(multiply(own - cross, weight))
        mean = where(reduce_sum(count) > 0, loss, zeros_like(loss), name="value")
        add_loss(mean, loss_collection)
        return mean
