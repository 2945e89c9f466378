"""Losses of whole batches, which are added to a collection of the graph: TensorFlow 1's `tf.losses`.

Each function computes one loss per example (or per element), multiplies the losses by weights, reduces them
to one number, and adds that number to the collection `tf.GraphKeys.LOSSES`; `get_total_loss` sums the collection.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from minigraph.core import types as T
from minigraph.core.arguments import renamed
from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor, get_default_graph
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.reshape import squeeze
from minigraph.ops.array.shape import shape, size
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import ones_like, zeros_like
from minigraph.ops.identity import stop_gradient
from minigraph.ops.math.add_n import add_n
from minigraph.ops.math.arithmetic import abs, add, div_no_nan, multiply, square, squared_difference, subtract
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal
from minigraph.ops.math.exponential import log
from minigraph.ops.math.extremes import maximum, minimum
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.activation import relu
from minigraph.ops.nn.loss import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2
from minigraph.ops.nn.loss import sparse_softmax_cross_entropy_with_logits as sparse_cross_entropy
from minigraph.ops.nn.weights import broadcastable

ReductionName: TypeAlias = Literal[
    "none", "weighted_sum", "weighted_sum_over_batch_size", "weighted_mean", "weighted_sum_by_nonzero_weights"
]


class Reduction:
    """Ways to reduce the weighted losses of a batch to one number.

    NONE keeps one loss per element. SUM adds them. SUM_BY_NONZERO_WEIGHTS divides the sum by the number of losses
    whose weight is not 0, SUM_OVER_BATCH_SIZE by the number of all losses, and MEAN by the sum of the weights. A
    division by 0 gives 0.

    Example:
        >>> loss = tf.losses.absolute_difference([0.0, 0.0], [1.0, 3.0], reduction=tf.losses.Reduction.SUM)
        >>> tf.Session().run(loss).item()
        4.0
    """

    NONE: Final = "none"
    SUM: Final = "weighted_sum"
    SUM_OVER_BATCH_SIZE: Final = "weighted_sum_over_batch_size"
    MEAN: Final = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS: Final = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS: Final = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """List the reductions.

        Returns:
            The values that `reduction` arguments take.
        """
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def validate(cls, key: str) -> None:
        """Check that a value names a reduction.

        Args:
            key: The value to check.

        Raises:
            ValueError: `key` names no reduction.
        """
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


def compute_weighted_loss(
    losses: TensorLike, weights: TensorLike = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Multiply losses by weights, reduce them, and add the result to a collection.

    Args:
        losses: Losses of any numeric dtype and shape.
        weights: A scalar, or a tensor of the rank of `losses` whose dimensions are equal to those of `losses` or 1.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the result; None for no collection.
        reduction: One of the values of `Reduction`, which states the formulas.

    Returns:
        A scalar of the dtype of `losses`; with `Reduction.NONE` a tensor of the shape of `losses`.

    Raises:
        ValueError: `reduction` is unknown.
        ShapeError: `weights` cannot be broadcast to `losses`.

    Example:
        >>> loss = tf.losses.compute_weighted_loss([1.0, 2.0, 6.0], weights=[1.0, 1.0, 0.0])
        >>> tf.Session().run(loss).item()
        1.5
    """
    Reduction.validate(reduction)
    with composed(scope, "weighted_loss", losses, weights):
        given = convert_to_tensor(losses)
        with given.graph.counted_as(_nodes(given, as_tensor_like(weights), reduction)):
            return _weighted(given, weights, loss_collection, reduction)


_NODES = {  # nodes for scalar weights, for weights that a run must check, and for weights of unknown rank
    Reduction.NONE: (6, 58, 58), Reduction.SUM: (8, 58, 61), Reduction.MEAN: (17, 58, 64),
    Reduction.SUM_BY_NONZERO_WEIGHTS: (29, 116, 122), Reduction.SUM_OVER_BATCH_SIZE: (13, 58, 61),
}  # fmt: skip


def _nodes(losses: Tensor, weights: Any, reduction: str) -> int:
    """The number of nodes TensorFlow makes for a weighted loss. Later default op seeds depend on it."""
    scalar, unsure, unknown = _NODES[reduction]
    if not isinstance(weights, Tensor):
        return scalar + 2
    shape, outer = weights.type.shape, losses.type.shape
    if shape is None:
        return scalar + unknown
    if not shape or outer is None:
        return scalar
    if any(a is None or (a != 1 and b is None) for a, b in zip(shape, outer, strict=False)):
        return scalar + unsure
    return 20 if shape == outer and reduction == Reduction.SUM_BY_NONZERO_WEIGHTS else scalar


def _weighted(given: Tensor, weights: Any, loss_collection: str | None, reduction: str) -> Tensor:
    each = cast(given, float32)
    weight = _weights(weights, each)
    loss = multiply(each, weight)
    if reduction != Reduction.NONE:
        loss = reduce_sum(loss)
    if reduction == Reduction.MEAN:
        loss = _mean(loss, reduce_sum(ones_like(each) * weight))
    elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        counted = isinstance(weights, float) and weights != 0.0
        loss = _mean(loss, _count(each) if counted else _present(each, weight))
    elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
        loss = _mean(loss, _count(each))
    loss = cast(loss, given.dtype)
    add_loss(loss, loss_collection)
    return loss


def _weights(weights: Any, values: Tensor) -> Tensor:
    """`weights` as float32. ShapeError, or an error of the run, if they cannot be broadcast to `values`."""
    return broadcastable(cast(as_tensor_like(weights), float32), values)


def _mean(total: Tensor, count: Tensor) -> Tensor:
    return div_no_nan(reduce_sum(total), count, name="value")


def _count(losses: Tensor) -> Tensor:
    return cast(size(losses, name="num_elements"), losses.dtype)


def _present(losses: Tensor, weight: Tensor, per_batch: bool = False) -> Tensor:
    """The number of losses whose weight is not 0, per batch entry or in total."""
    with losses.graph.name_scope("num_present"):
        some = where(equal(weight, 0.0), zeros_like(weight), ones_like(weight))
        spread = multiply(some, ones_like(losses))
        rows = list(range(1, losses.type.rank or 0)) if per_batch else None
        return reduce_sum(spread, rows, keepdims=per_batch)


def _pair(
    labels: TensorLike, predictions: TensorLike, names: tuple[str, str] = ("labels", "predictions")
) -> tuple[Tensor, Tensor]:
    """Both as float32. ValueError if one is missing or the shapes differ."""
    for value, name in zip((labels, predictions), names, strict=True):
        if value is None:
            raise ValueError(f"{name} must not be None.")
    second, first = (cast(as_tensor_like(v), float32) for v in (predictions, labels))
    _same_shape(second, first)
    return first, second


def _same_shape(a: Tensor, b: Tensor) -> None:
    if not T.compatible(a.type.shape, b.type.shape):
        raise ShapeError(f"Shapes {format_shape(a.type.shape)} and {format_shape(b.type.shape)} are incompatible")


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
        truth, found = _pair(labels, predictions)
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
        truth, found = _pair(labels, predictions)
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
        truth, found = _pair(labels, predictions)
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
        truth, found = _pair(labels, logits, ("labels", "logits"))
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
        truth, found = _pair(labels, predictions)
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
        z, p = _pair(labels, predictions)
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
        truth, found = _pair(labels, predictions)
        truth.graph.reserve_ids(15)  # TensorFlow's checks of the weights
        weight = _weights(weights, truth)
        diffs = subtract(found, truth)
        rows = list(range(1, diffs.type.rank or 0))
        count = _present(diffs, weight, per_batch=True)
        squares = reduce_sum(square(diffs), rows, keepdims=True)
        total = square(reduce_sum(diffs, rows, keepdims=True))
        own = 2.0 * div_no_nan(squares, maximum(count - 1, 0))
        cross = 2.0 * div_no_nan(total, maximum(multiply(count, count - 1), 0))
        loss = reduce_sum(multiply(own - cross, weight))
        mean = where(reduce_sum(count) > 0, loss, zeros_like(loss), name="value")
        add_loss(mean, loss_collection)
        return mean


def sigmoid_cross_entropy(
    multi_class_labels: TensorLike, logits: TensorLike, weights: TensorLike = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the cross-entropy of independent classes, as `tf.nn.sigmoid_cross_entropy_with_logits`.

    Args:
        multi_class_labels: Probabilities of the classes, 0 to 1, of the shape of `logits`.
        logits: Floating-point scores, whose sigmoids are the predicted probabilities.
        weights: A scalar, or a tensor that broadcasts to `logits`.
        label_smoothing: s turns labels z into z·(1 − s) + s/2.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A scalar of the dtype of `logits`; with `Reduction.NONE` a tensor of the shape of `logits`.

    Raises:
        ValueError: `multi_class_labels` or `logits` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, logits and weights do not fit.

    Example:
        >>> loss = tf.losses.sigmoid_cross_entropy(multi_class_labels=[[1.0, 0.0]], logits=[[0.0, 0.0]])
        >>> print(f"{tf.Session().run(loss):.4f}")
        0.6931
    """
    _require(multi_class_labels=multi_class_labels, logits=logits)
    with composed(scope, "sigmoid_cross_entropy_loss", logits, multi_class_labels, weights) as full:
        x = convert_to_tensor(logits)
        z = cast(as_tensor_like(multi_class_labels), x.dtype)
        _same_shape(x, z)
        if label_smoothing > 0:
            z = z * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=z, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: TensorLike, logits: TensorLike, weights: TensorLike = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the cross-entropy of exclusive classes, as `tf.nn.softmax_cross_entropy_with_logits_v2`.

    No gradient flows into the labels.

    Args:
        onehot_labels: Probabilities of the classes, whose sum over the last axis is 1, of the shape of `logits`.
        logits: Floating-point scores [N, C], whose softmax gives the predicted probabilities.
        weights: A scalar, or a tensor that broadcasts to the losses [N].
        label_smoothing: s turns labels y of C classes into y·(1 − s) + s/C.
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A scalar of the dtype of `logits`; with `Reduction.NONE` a tensor [N].

    Raises:
        ValueError: `onehot_labels` or `logits` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, logits and weights do not fit.

    Example:
        >>> loss = tf.losses.softmax_cross_entropy(onehot_labels=[[1.0, 0.0]], logits=[[0.0, 0.0]])
        >>> print(f"{tf.Session().run(loss):.4f}")
        0.6931
    """
    _require(onehot_labels=onehot_labels, logits=logits)
    with composed(scope, "softmax_cross_entropy_loss", logits, onehot_labels, weights) as full:
        x = convert_to_tensor(logits)
        y = cast(as_tensor_like(onehot_labels), x.dtype)
        _same_shape(x, y)
        if label_smoothing > 0:
            classes = cast(getitem(shape(y), -1), x.dtype)
            y = y * (1.0 - label_smoothing) + label_smoothing / classes
        y = stop_gradient(y, name="labels_stop_gradient")
        losses = softmax_cross_entropy_with_logits_v2(labels=y, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: TensorLike, logits: TensorLike, weights: TensorLike = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: ReductionName = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Compute the cross-entropy of exclusive classes, as `tf.nn.sparse_softmax_cross_entropy_with_logits`.

    Args:
        labels: True classes, integers [N] or [N, 1] from 0 to C − 1.
        logits: Floating-point scores [N, C], whose softmax gives the predicted probabilities.
        weights: A scalar, or a tensor [N] or [N, 1].
        scope: Name scope of the nodes.
        loss_collection: Name of the collection that gets the loss; None for no collection.
        reduction: How the losses are reduced; see `Reduction`.

    Returns:
        A scalar of the dtype of `logits`; with `Reduction.NONE` a tensor [N].

    Raises:
        ValueError: `labels` or `logits` is None, or `reduction` is unknown.
        ShapeError: The shapes of labels, logits and weights do not fit.

    Example:
        >>> loss = tf.losses.sparse_softmax_cross_entropy(labels=[0], logits=[[0.0, 0.0]])
        >>> print(f"{tf.Session().run(loss):.4f}")
        0.6931
    """
    _require(labels=labels, logits=logits)
    with composed(scope, "sparse_softmax_cross_entropy_loss", logits, labels, weights) as full:
        y, x = remove_squeezable_dimensions(labels, logits, 1)
        weight = convert_to_tensor(weights) if not isinstance(weights, float) else weights
        x.graph.reserve_ids(-isinstance(weights, float))  # TensorFlow makes a constant of it before
        if isinstance(weight, Tensor) and (weight.type.rank or 0) - (y.type.rank or 0) == 1:
            weight = squeeze(weight, [-1])
        losses = sparse_cross_entropy(labels=y, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weight, full, loss_collection, reduction)


def remove_squeezable_dimensions(
    labels: TensorLike, predictions: TensorLike, expected_difference: int = 0
) -> tuple[Tensor, Tensor]:
    """Remove the last axis, of size 1, from labels or predictions where one has a dimension too many.

    Args:
        labels: A tensor of any shape.
        predictions: A tensor of any shape.
        expected_difference: The rank of `predictions` minus the rank of `labels` after the removal.

    Returns:
        Labels and predictions.

    Example:
        >>> labels, predictions = tf.losses.remove_squeezable_dimensions([[1], [2]], [1, 2])
        >>> labels.shape.as_list()
        [2]
    """
    found, truth = convert_to_tensor(predictions), convert_to_tensor(labels)
    if found.type.rank is not None and truth.type.rank is not None:
        difference = found.type.rank - truth.type.rank - expected_difference
        if difference == 1:
            found = squeeze(found, [-1])
        elif difference == -1:
            truth = squeeze(truth, [-1])
    return truth, found


def _require(**values: Any) -> None:
    for name, value in values.items():
        if value is None:
            raise ValueError(f"{name} must not be None.")


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Add a loss to a collection of its graph.

    Args:
        loss: The loss.
        loss_collection: Name of the collection; None for no collection.

    Example:
        >>> tf.losses.add_loss(tf.constant(2.0))
        >>> len(tf.losses.get_losses())
        1
    """
    if loss_collection:
        loss.graph.add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """Give the losses in a collection of the default graph.

    Args:
        scope: Only losses whose names match this regular expression from their start on.
        loss_collection: Name of the collection.

    Returns:
        The losses, in the order of adding.

    Example:
        >>> loss = tf.losses.mean_squared_error([1.0], [2.0])
        >>> tf.losses.get_losses() == [loss]
        True
    """
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """Give the penalties that the regularizers of variables made in the default graph.

    Args:
        scope: Only penalties whose names match this regular expression from their start on.

    Returns:
        The penalties, scalars in the order of making.

    Example:
        >>> w = tf.get_variable("w", [3], regularizer=tf.nn.l2_loss)
        >>> [loss.name for loss in tf.losses.get_regularization_losses()]
        ['w/Regularizer/L2Loss:0']
    """
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """Add up the penalties that the regularizers of variables made in the default graph.

    Args:
        scope: Only penalties whose names match this regular expression from their start on.
        name: Name of the sum.

    Returns:
        A scalar; 0 where there is no penalty.

    Example:
        >>> w = tf.get_variable("w", initializer=[3.0, 4.0], regularizer=tf.nn.l2_loss)
        >>> loss = tf.losses.get_regularization_loss()
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     print(sess.run(loss))
        12.5
    """
    found = get_regularization_losses(scope)
    return add_n(found, name=name) if found else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """Add up the losses in the collection `tf.GraphKeys.LOSSES` of the default graph, and the regularization losses.

    Args:
        add_regularization_losses: Whether the regularization losses are in the sum.
        name: Name of the sum.
        scope: Only losses whose names match this regular expression from their start on.

    Returns:
        A scalar.

    Raises:
        ShapeError: There is no loss.

    Example:
        >>> first = tf.losses.mean_squared_error([1.0], [2.0])
        >>> second = tf.losses.absolute_difference([1.0], [3.0])
        >>> tf.Session().run(tf.losses.get_total_loss()).item()
        3.0
    """
    found = get_losses(scope)
    if add_regularization_losses:
        found = found + get_regularization_losses(scope)
    return add_n(found, name=name)
