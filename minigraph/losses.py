"""Losses of whole batches, which are collected under `GraphKeys.LOSSES`: TensorFlow 1's `tf.losses`."""

from __future__ import annotations

from typing import Any

from minigraph.core import types as T
from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor, get_default_graph
from minigraph.core.types import format_shape
from minigraph.ops.array.shape import shape, size, squeeze
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import ones_like, zeros_like
from minigraph.ops.identity import stop_gradient
from minigraph.ops.math.arithmetic import (
    abs,
    add,
    add_n,
    div_no_nan,
    maximum,
    minimum,
    multiply,
    square,
    squared_difference,
    subtract,
)
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal
from minigraph.ops.math.exponential import log
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.activation import relu
from minigraph.ops.nn.loss import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2
from minigraph.ops.nn.loss import sparse_softmax_cross_entropy_with_logits as sparse_cross_entropy


class Reduction:
    """How the losses of a batch become one number."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def validate(cls, key: str) -> None:
        """ValueError for an unknown one."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


def compute_weighted_loss(
    losses: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """`losses` times `weights` (of their rank, sizes equal or 1; or a scalar), reduced, and added to the collection.

    SUM_BY_NONZERO_WEIGHTS divides the sum by the number of losses whose weight is not 0, SUM_OVER_BATCH_SIZE by that
    of all, MEAN by the sum of the weights; nothing to divide by gives 0.
    """
    Reduction.validate(reduction)
    with composed(scope, "weighted_loss", losses, weights):
        given = convert_to_tensor(losses)
        with given.graph.counted_as(_nodes(given, as_tensor_like(weights), reduction)):
            return _weighted(given, weights, loss_collection, reduction)


_NODES = {  # what TensorFlow makes of scalar weights; more where it finds only in the run whether weights fit
    Reduction.NONE: (6, 58, 58), Reduction.SUM: (8, 58, 61), Reduction.MEAN: (17, 58, 64),
    Reduction.SUM_BY_NONZERO_WEIGHTS: (29, 116, 122), Reduction.SUM_OVER_BATCH_SIZE: (13, 58, 61),
}  # fmt: skip


def _nodes(losses: Tensor, weights: Any, reduction: str) -> int:
    """How many nodes TensorFlow makes of a weighted loss, so that default op seeds after it are TensorFlow's."""
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
    """`weights` as float32. ShapeError where they cannot be spread over `values`."""
    weight = cast(as_tensor_like(weights), float32)
    inner, outer = weight.type.shape, values.type.shape
    if inner and outer is not None:
        if len(inner) != len(outer):
            raise ShapeError(
                f"weights can not be broadcast to values. values.rank={len(outer)}. weights.rank={len(inner)}. "
                f"values.shape={format_shape(outer)}. weights.shape={format_shape(inner)}."
            )
        for i, (a, b) in enumerate(zip(inner, outer, strict=True)):
            if a not in (1, None) and b is not None and a != b:
                raise ShapeError(
                    f"weights can not be broadcast to values. Mismatch at dim {i}. values.shape={format_shape(outer)} "
                    f"weights.shape={format_shape(inner)}."
                )
    return weight


def _mean(total: Tensor, count: Tensor) -> Tensor:
    return div_no_nan(reduce_sum(total), count, name="value")


def _count(losses: Tensor) -> Tensor:
    return cast(size(losses, name="num_elements"), losses.dtype)


def _present(losses: Tensor, weight: Tensor, per_batch: bool = False) -> Tensor:
    """How many losses have a weight other than 0; of each batch entry, or of all."""
    with losses.graph.name_scope("num_present"):
        some = where(equal(weight, 0.0), zeros_like(weight), ones_like(weight))
        spread = multiply(some, ones_like(losses))
        rows = list(range(1, losses.type.rank or 0)) if per_batch else None
        return reduce_sum(spread, rows, keepdims=per_batch)


def _pair(labels: Any, predictions: Any, names: tuple[str, str] = ("labels", "predictions")) -> tuple[Tensor, Tensor]:
    """Both as float32. ValueError where one is missing or their shapes differ."""
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
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """|predictions − labels|."""
    with composed(scope, "absolute_difference", predictions, labels, weights) as full:
        truth, found = _pair(labels, predictions)
        losses = abs(subtract(found, truth))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """(predictions − labels)²."""
    with composed(scope, "mean_squared_error", predictions, labels, weights) as full:
        truth, found = _pair(labels, predictions)
        losses = squared_difference(found, truth)
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def cosine_distance(
    labels: Any, predictions: Any, axis: int | None = None, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Tensor:  # fmt: skip
    """1 − Σ predictions·labels over `axis`, for vectors of length 1."""
    along = dim if axis is None else axis
    if along is None:
        raise ValueError("You must specify 'axis'.")
    with composed(scope, "cosine_distance_loss", predictions, labels, weights) as full:
        truth, found = _pair(labels, predictions)
        losses = 1 - reduce_sum(multiply(found, truth), [along], keepdims=True)
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def hinge_loss(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """max(1 − (2·labels − 1)·logits, 0), for labels of 0 and 1."""
    with composed(scope, "hinge_loss", logits, labels, weights) as full:
        truth, found = _pair(labels, logits, ("labels", "logits"))
        ones = ones_like(truth)
        losses = relu(subtract(ones, multiply(subtract(2 * truth, ones), found)))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """e²/2 for errors up to `delta`, and delta·(|e| − delta/2) beyond. Source: Huber 1964."""
    with composed(scope, "huber_loss", predictions, labels, weights) as full:
        truth, found = _pair(labels, predictions)
        error = abs(subtract(found, truth))
        quadratic = minimum(error, delta)
        losses = add(0.5 * multiply(quadratic, quadratic), multiply(delta, subtract(error, quadratic)))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """−z·log(p + epsilon) − (1 − z)·log(1 − p + epsilon), for labels z and probabilities p."""
    with composed(scope, "log_loss", predictions, labels, weights) as full:
        z, p = _pair(labels, predictions)
        losses = -multiply(z, log(p + epsilon)) - multiply(1 - z, log(1 - p + epsilon))
        return compute_weighted_loss(losses, weights, full, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:  # fmt: skip
    """Per batch entry the mean of (d_i − d_j)² over all pairs i ≠ j of d = predictions − labels, summed over the batch.
    Source: Eigen, Puhrsch and Fergus 2014."""
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
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """`nn.sigmoid_cross_entropy_with_logits`; label_smoothing s turns labels z into z·(1 − s) + s/2."""
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
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """`nn.softmax_cross_entropy_with_logits`; label_smoothing s turns labels y of C classes into y·(1 − s) + s/C."""
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
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """`nn.sparse_softmax_cross_entropy_with_logits`; labels and weights may have one more axis, of size 1."""
    _require(labels=labels, logits=logits)
    with composed(scope, "sparse_softmax_cross_entropy_loss", logits, labels, weights) as full:
        y, x = remove_squeezable_dimensions(labels, logits, 1)
        weight = convert_to_tensor(weights) if not isinstance(weights, float) else weights
        x.graph.reserve_ids(-isinstance(weights, float))  # TensorFlow makes a constant of it before
        if isinstance(weight, Tensor) and (weight.type.rank or 0) - (y.type.rank or 0) == 1:
            weight = squeeze(weight, [-1])
        losses = sparse_cross_entropy(labels=y, logits=x, name="xentropy")
        return compute_weighted_loss(losses, weight, full, loss_collection, reduction)


def remove_squeezable_dimensions(labels: Any, predictions: Any, expected_difference: int = 0) -> tuple[Tensor, Tensor]:
    """Labels and predictions, the last axis taken from the one that has one too many for the difference of ranks."""
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
    """Add a loss to the collection, if there is one."""
    if loss_collection:
        loss.graph.add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """The losses collected so far in the default graph."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """What the variables' regularizers gave."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of the regularization losses; 0 where there is none."""
    found = get_regularization_losses(scope)
    return add_n(found, name=name) if found else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses collected, with the regularization losses unless these are left out."""
    found = get_losses(scope)
    if add_regularization_losses:
        found = found + get_regularization_losses(scope)
    return add_n(found, name=name)
