"""Cross-entropies of logits."""

from __future__ import annotations

from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.losses.arguments import remove_squeezable_dimensions, require, require_same_shape
from minigraph.losses.reduction import Reduction, ReductionName, compute_weighted_loss
from minigraph.ops.array.reshape import squeeze
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.identity import stop_gradient
from minigraph.ops.math.casting import cast
from minigraph.ops.nn.cross_entropy import softmax_cross_entropy_with_logits_v2
from minigraph.ops.nn.cross_entropy import sparse_softmax_cross_entropy_with_logits as sparse_cross_entropy
from minigraph.ops.nn.loss import sigmoid_cross_entropy_with_logits
from minigraph.ops.nn.weights import without_last

__all__ = ["sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy"]


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
    require(multi_class_labels=multi_class_labels, logits=logits)
    with composed(scope, "sigmoid_cross_entropy_loss", logits, multi_class_labels, weights) as full:
        x = convert_to_tensor(logits)
        z = cast(as_tensor_like(multi_class_labels), x.dtype)
        require_same_shape(x, z)
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
    require(onehot_labels=onehot_labels, logits=logits)
    with composed(scope, "softmax_cross_entropy_loss", logits, onehot_labels, weights) as full:
        x = convert_to_tensor(logits)
        y = cast(as_tensor_like(onehot_labels), x.dtype)
        require_same_shape(x, y)
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
    require(labels=labels, logits=logits)
    with composed(scope, "sparse_softmax_cross_entropy_loss", logits, labels, weights) as full:
        y, x = remove_squeezable_dimensions(labels, logits, 1)
        weight = convert_to_tensor(weights) if not isinstance(weights, float) else weights
        x.graph.reserve_ids(-isinstance(weights, float))  # TensorFlow makes a constant of it before
        if None in (x.type.rank, y.type.rank):
            with x.graph.counted_as(0):
                classes = getitem(x, (..., 0))
            y = without_last(y, classes)
        if isinstance(weight, Tensor):
            if None in (weight.type.rank, y.type.rank):
                weight = without_last(weight, y)
            elif (weight.type.rank or 0) - (y.type.rank or 0) == 1:
                weight = squeeze(weight, [-1])
        losses = sparse_cross_entropy(labels=y, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weight, full, loss_collection, reduction)
