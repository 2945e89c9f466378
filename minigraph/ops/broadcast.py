"""Ops that read an input for its shape only. Once shapes are numbers, that input is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.moves import Moves, read
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import cast
from minigraph.core.types import Dim, Shape, TensorType, format_shape
from minigraph.loops.axes import averaged, summed
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import Kernel
from minigraph.ops.builder import apply, require_shape
from minigraph.ops.counting import no_flops, per_input
from minigraph.ops.identity import Identity

Axes = tuple[int, ...] | None


def normalise_axes(axis: Axes, rank: int) -> tuple[int, ...]:
    """Axes as sorted numbers from 0; None means all."""
    return tuple(range(rank)) if axis is None else tuple(sorted({a % rank for a in axis}))


def broadcast_axes(x: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of x that broadcasting added to `shape`, or stretched."""
    extra = len(x) - len(shape)
    stretched = (i + extra for i, d in enumerate(shape) if d == 1 and x[i + extra] != 1)
    return (*range(extra), *stretched)


def _sum_to(xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    axes = broadcast_axes(x.shape, shape)
    return xp.sum(x, axis=axes).reshape(shape) if axes else x.reshape(shape)


class SumTo(Op):
    """Sum over broadcast dimensions, so that the result has `shape`."""

    shape: tuple[int, ...]
    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        _require_broadcast(self.shape, x.shape)
        return (TensorType(x.dtype, self.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (_sum_to(xp, x, self.shape),)

    flops = per_input

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (True,)) if 0 in self.summed_axes(in_types) else None

    def summed_axes(self, in_types: Sequence[TensorType]) -> tuple[int, ...]:
        return broadcast_axes(in_types[0].static, self.shape)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return summed(in_types[0], self.summed_axes(in_types), out_types[0])

    def vjp(self, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
        assert grad is not None
        return (apply(BroadcastLike(), grad, node.inputs[0]),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((3,)), (np.arange(6.0).reshape(2, 3),))
        yield Sample(cls((2, 1)), (np.arange(6.0).reshape(2, 3),))


class SumLike(Op):
    """Sum the first input over the dimensions along which the second was broadcast to it."""

    accumulates = True

    def infer(self, x: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        _require_broadcast(like.shape, x.shape)
        return (TensorType(x.dtype, like.shape),)

    def forward(self, xp: Any, x: Any, like: Any) -> tuple[Any, ...]:
        return (_sum_to(xp, x, like.shape),)

    flops = per_input

    def vjp(self, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
        assert grad is not None
        return apply(BroadcastLike(), grad, node.inputs[0]), None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        x, like = types
        return (Identity() if x.shape == like.shape else SumTo(like.static)), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(6.0).reshape(2, 3), np.ones((1, 3))))
        yield Sample(cls(), (np.arange(6.0).reshape(2, 3), np.ones(3)))


class BroadcastTo(Op):
    """Put back reduced `axis` as ones where `keep_dims` is False, then broadcast to `shape`; with `mean`, divide by
    the number of copies. The adjoint of Sum and of Mean."""

    shape: tuple[int, ...]
    axis: Axes = ()
    mean: bool = False
    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is not None and self.axis != () and len(x.shape) != len(self.shape):
            left = normalise_axes(self.axis, len(self.shape)) if self.shape else ()
            require_shape("a reduced tensor", x.shape, tuple(d for i, d in enumerate(self.shape) if i not in left))
        kept = self.shape if x.shape is None else restore_axes(x.shape, self.axis, self.shape)  # type: ignore[arg-type]
        if not broadcasts(kept, self.shape) or min(self.shape, default=0) < 0:
            raise ShapeError(f"a tensor of shape {format_shape(x.shape)} cannot have shape {format_shape(self.shape)}")
        return (TensorType(x.dtype, self.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        kept = x.reshape(restore_axes(x.shape, self.axis, self.shape))
        if self.mean:
            kept = kept / x.dtype.type(int(np.prod(self.shape)) // max(x.size, 1) or 1)
        return (xp.broadcast_to(kept, self.shape),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves | None:
        if self.mean:
            return None
        kept = restore_axes(in_types[0].static, self.axis, self.shape)
        return read(in_types[0], lambda x: np.broadcast_to(x.reshape(kept), self.shape))

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        x_type = in_types[0]
        if not (self.mean and x_type.dtype.is_floating and x_type.size):
            return None
        kept = restore_axes(x_type.static, self.axis, self.shape)
        k, shape = Statement("broadcast"), (1,) * (len(self.shape) - len(kept)) + kept
        x, y = k.operand(x_type, shape), k.result(out_types[0])
        with k.over(*y.shape) as at:
            near = x[tuple(Index({}) if d == 1 else i for i, d in zip(at, shape, strict=True))]
            k.store(y, at, cast(near, accumulator(near.dtype)) / (y.size // x.size))
        return k.done()

    def vjp(self, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
        return _broadcast_vjp(self.axis, self.mean, node, grad)[:1]

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((2, 3)), (np.arange(3.0),))
        yield Sample(cls((2, 3), axis=(1,)), (np.arange(2.0),))
        yield Sample(cls((2, 3), axis=None, mean=True), (np.array(2.0),))


def restore_axes(shape: tuple[int, ...], axis: Axes, target: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with the reduced axes put back as ones, so that it broadcasts to `target`."""
    if len(shape) == len(target) or axis == ():
        return shape
    axes = normalise_axes(axis, len(target))
    return tuple(1 if i in axes else d for i, d in enumerate(target))


def broadcasts(shape: Sequence[Dim], target: Sequence[Dim]) -> bool:
    """Whether a tensor of one shape may broadcast to another; None is any size."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(a in (None, 1, b) or b is None for a, b in pairs)


def _require_broadcast(shape: Shape, broadcast: Shape) -> None:
    """ShapeError unless broadcasting a tensor of the first shape can give one of the second."""
    if shape is not None and broadcast is not None and not broadcasts(shape, broadcast):
        raise ShapeError(f"a tensor of shape {format_shape(shape)} does not broadcast to {format_shape(broadcast)}")


def _broadcast_vjp(axis: Axes, mean: bool, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
    assert grad is not None
    return apply(ReduceLike(axis=axis, mean=mean), grad, node.inputs[0]), None


class BroadcastLike(Op):
    """BroadcastTo, to the shape of the second input."""

    axis: Axes = ()
    mean: bool = False
    accumulates = True

    def infer(self, x: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        if self.axis != () and like.is_static:
            BroadcastTo(like.static, self.axis).infer(x)
        if self.axis == () and x.shape is not None and like.shape is not None and not broadcasts(x.shape, like.shape):
            raise ShapeError(f"a tensor of shape {format_shape(x.shape)} cannot have shape {format_shape(like.shape)}")
        return (TensorType(x.dtype, like.shape),)

    def forward(self, xp: Any, x: Any, like: Any) -> tuple[Any, ...]:
        return BroadcastTo(like.shape, self.axis, self.mean).forward(xp, x)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
        return _broadcast_vjp(self.axis, self.mean, node, grad)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        x, like = types
        same = x.shape == like.shape
        return (Identity() if same else BroadcastTo(like.static, self.axis, self.mean)), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(3.0), np.ones((2, 3))))
        yield Sample(cls(axis=(0,), mean=True), (np.arange(3.0), np.ones((2, 3))))


class ReduceLike(Op):
    """Sum (or mean) of the first input over what broadcasting added to the second, with its reduced `axis`.

    The adjoint of BroadcastLike.
    """

    axis: Axes = ()
    mean: bool = False
    accumulates = True

    def infer(self, x: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        if x.is_static:
            BroadcastTo(x.static, self.axis).infer(like)
        return (TensorType(x.dtype, like.shape),)

    def forward(self, xp: Any, x: Any, like: Any) -> tuple[Any, ...]:
        total = _sum_to(xp, x, restore_axes(like.shape, self.axis, x.shape)).reshape(like.shape)
        if self.mean:
            total = total / total.dtype.type(max(x.size // max(like.size, 1), 1))
        return (total,)

    flops = per_input

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        x, like = in_types
        if self.mean and (not x.size or not x.dtype.is_floating):
            return None
        axes = broadcast_axes(x.static, restore_axes(like.static, self.axis, x.static))
        return (averaged if self.mean else summed)(x, axes, out_types[0])

    def vjp(self, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
        assert grad is not None
        return apply(BroadcastLike(axis=self.axis, mean=self.mean), grad, node.inputs[0]), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(6.0).reshape(2, 3), np.ones(3)))
        yield Sample(cls(axis=(0,), mean=True), (np.arange(6.0).reshape(2, 3), np.ones(3)))


def sum_like(grad: Tensor, like: Tensor) -> Tensor:
    """`grad` summed to the shape of `like`; `grad` itself where both shapes are known and equal."""
    if grad.type.is_static and grad.type.shape == like.type.shape:
        return grad
    return apply(SumLike(), grad, like)
