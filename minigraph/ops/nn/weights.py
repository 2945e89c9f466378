"""Weights of losses and metrics: one number, or a tensor that broadcasts to the values without enlarging them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import Shape, TensorType, format_shape
from minigraph.ops.array.reshape import Reshape, expand_dims, reshape_like, squeeze
from minigraph.ops.builder import apply
from minigraph.ops.counting import no_flops
from minigraph.ops.identity import Identity

_VALUES = np.arange(6.0).reshape(2, 3)


def _misfit(weights: Shape, values: Shape) -> str | None:
    """Why weights of one shape cannot be broadcast to values of another, as far as the shapes are known."""
    if not weights or values is None:
        return None
    if len(weights) != len(values):
        return f"values.rank={len(values)}. weights.rank={len(weights)}."
    for axis, (w, v) in enumerate(zip(weights, values, strict=True)):
        if w not in (1, None) and v is not None and w != v:
            return f"Mismatch at dim {axis}."
    return None


def _is_certain(weights: Shape, values: Shape) -> bool:
    """Whether weights that do not contradict the values fit them whatever the unknown dimensions are."""
    if weights is None or values is None:
        return weights == ()
    return all(w == 1 or (w is not None and v is not None) for w, v in zip(weights, values, strict=False))


class BroadcastableWeights(Op):
    """The weights. ShapeError unless they are a scalar, or each dimension is 1 or that of the values."""

    def infer(self, weights: TensorType, values: TensorType) -> tuple[TensorType, ...]:
        misfit = _misfit(weights.shape, values.shape)
        if misfit is not None:
            raise ShapeError(
                f"weights can not be broadcast to values. {misfit} values.shape={format_shape(values.shape)}. "
                f"weights.shape={format_shape(weights.shape)}."
            )
        return (weights,)

    def forward(self, xp: Any, weights: Any, values: Any) -> tuple[Any, ...]:
        return (weights,)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return grad, None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        self.infer(*types)
        return Identity(), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array(2.0), _VALUES))
        yield Sample(cls(), (np.array([[1.0, 0.5, 2.0]]), _VALUES))


class AlignedRank(Op):
    """The first input; where its rank is above or below that of the second by 1, without or with a last axis of size 1.

    A scalar stays a scalar. adds: whether an axis may be added.
    """

    adds: bool = True

    def infer(self, x: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(x.dtype, _aligned_shape(x.shape, like.shape, self.adds)),)

    def forward(self, xp: Any, x: Any, like: Any) -> tuple[Any, ...]:
        return (x.reshape(_aligned_shape(x.shape, like.shape, self.adds)),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return reshape_like(grad, node.inputs[0]), None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Reshape(self.infer(*types)[0].static), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array(2.0), _VALUES))
        yield Sample(cls(), (np.ones((2, 1)), np.zeros(2)))
        yield Sample(cls(), (np.ones(2), _VALUES))
        yield Sample(cls(adds=False), (np.ones((2, 1)), np.zeros(2)))


def _aligned_shape(shape: Shape, like: Shape, adds: bool) -> Shape:
    if shape is None or not shape:
        return shape
    difference = None if like is None else len(shape) - len(like)
    if difference is None or difference not in (1, -1):
        return None if difference is None else shape
    if difference == -1:
        return (*shape, 1) if adds else shape
    if shape[-1] not in (1, None):
        raise ShapeError(f"{format_shape(shape)} has one axis more than {format_shape(like)}, and its size is not 1")
    return shape[:-1]


def broadcastable(weights: Tensor, values: Tensor) -> Tensor:
    """`weights`. A run in which they cannot be broadcast to `values` fails with InvalidArgumentError.

    ShapeError if that is known already.
    """
    shapes = weights.type.shape, values.type.shape
    if _misfit(*shapes) is None and _is_certain(*shapes):
        return weights
    weights.graph.reserve_ids(-1)  # TensorFlow's check is counted by the loss
    return apply(BroadcastableWeights(), weights, values, name="assert_broadcastable")


def without_last(x: Tensor, like: Tensor) -> Tensor:
    """x; without its last axis, of size 1, if its rank is then that of `like`. For ranks that are not known."""
    with x.graph.counted_as(0):
        return apply(AlignedRank(adds=False), x, like, name="without_last_axis")


def aligned(weights: Tensor, values: Tensor) -> Tensor:
    """Weights with a last axis of size 1 dropped or added where their rank is one off that of `values`."""
    if weights.type.shape == ():
        return weights
    if weights.type.rank is None or values.type.rank is None:
        return apply(AlignedRank(), weights, values, name="aligned_weights")
    difference = weights.type.rank - values.type.rank
    if difference == 1:
        return squeeze(weights, [-1])
    return expand_dims(weights, -1) if difference == -1 else weights
