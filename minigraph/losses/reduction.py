"""Weights of losses, and the reduction of a batch of losses to one number."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float32
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.losses.collection import add_loss
from minigraph.ops.array.shape import size
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.filling import ones_like, zeros_like
from minigraph.ops.math.arithmetic import div_no_nan, multiply
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import equal
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.weights import broadcastable

__all__ = ["Reduction", "compute_weighted_loss"]


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
    weight = float_weights(weights, each)
    loss = multiply(each, weight)
    if reduction != Reduction.NONE:
        loss = reduce_sum(loss)
    if reduction == Reduction.MEAN:
        loss = safe_mean(loss, reduce_sum(ones_like(each) * weight))
    elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        counted = isinstance(weights, float) and weights != 0.0
        loss = safe_mean(loss, _count(each) if counted else num_present(each, weight))
    elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
        loss = safe_mean(loss, _count(each))
    loss = cast(loss, given.dtype)
    add_loss(loss, loss_collection)
    return loss


def float_weights(weights: Any, values: Tensor) -> Tensor:
    """`weights` as float32. ShapeError, or an error of the run, if they cannot be broadcast to `values`."""
    return broadcastable(cast(as_tensor_like(weights), float32), values)


def safe_mean(total: Tensor, count: Tensor) -> Tensor:
    return div_no_nan(reduce_sum(total), count, name="value")


def _count(losses: Tensor) -> Tensor:
    return cast(size(losses, name="num_elements"), losses.dtype)


def num_present(losses: Tensor, weight: Tensor, per_batch: bool = False) -> Tensor:
    """The number of losses whose weight is not 0, per batch entry or in total."""
    with losses.graph.name_scope("num_present"):
        some = where(equal(weight, 0.0), zeros_like(weight), ones_like(weight))
        spread = multiply(some, ones_like(losses))
        rows = list(range(1, losses.type.rank or 0)) if per_batch else None
        return reduce_sum(spread, rows, keepdims=per_batch)
