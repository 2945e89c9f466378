"""Slices of a tensor at places along an axis, and their gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.indices import require_below
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.scalar import constant as constant_of
from minigraph.core.scalar import where as choose
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.loops.axes import around
from minigraph.loops.builder import Statement, accumulator, looked_up
from minigraph.loops.kernel import Kernel
from minigraph.loops.refusal import outside
from minigraph.ops.array.joining import checked_axis
from minigraph.ops.builder import apply, first, require_gradient
from minigraph.ops.counting import no_flops, per_gradient

__all__ = ["gather"]

_X = np.arange(6.0).reshape(2, 3)


class GatherV2(Op):
    """Slices of `params` along `axis` at `indices`."""

    axis: int = 0

    def infer(self, params: TensorType, indices: TensorType) -> tuple[TensorType, ...]:
        if not indices.dtype.is_integer:
            raise DTypeError(f"'GatherV2' takes integer indices, not {indices.dtype.name}")
        if params.shape is None or indices.shape is None:
            return (TensorType(params.dtype, None),)
        axis = checked_axis(self.axis, len(params.shape), "gather")
        return (TensorType(params.dtype, params.shape[:axis] + indices.shape + params.shape[axis + 1 :]),)

    def forward(self, xp: Any, params: Any, indices: Any) -> tuple[Any, ...]:
        require_below("indices", indices, params.shape[self.axis])
        return (xp.take(params, indices, axis=self.axis),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """An index out of range gives zeros, where the backend cannot refuse it."""
        outer, length, inner = around(in_types[0].static, self.axis)
        if not length:
            return None
        k, count = Statement("gather"), in_types[1].size
        x, at = k.operand(in_types[0], (outer, length, inner)), k.operand(in_types[1], (count,))
        y = k.result(out_types[0], (outer, count, inner))
        with k.over(outer, count, names="oj") as (o, j):
            valid, row = looked_up(k, at[j], length)
            with k.over(inner, names="i") as (i,):
                k.store(y, (o, j, i), choose(valid, x[o, row, i], False if x.dtype.is_bool else 0))
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel:
        return outside(in_types, in_types[0].static[self.axis])

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        params, indices = node.inputs
        return apply(GatherGrad(self.axis), grad, indices, params), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.array([1, 0, 1], np.int32)))
        yield Sample(cls(1), (_X, np.array([[2, 0]], np.int32)))


class GatherGrad(Op):
    """Slices added at `indices` to zeros of the shape of the third input."""

    axis: int = 0
    accumulates = True

    def infer(self, grad: TensorType, indices: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        require_gradient(grad, GatherV2(self.axis), like, indices)
        return (TensorType(grad.dtype, like.shape),)

    def forward(self, xp: Any, grad: Any, indices: Any, like: Any) -> tuple[Any, ...]:
        out = xp.zeros(like.shape, grad.dtype)
        axis = self.axis % like.ndim
        require_below("indices", indices, like.shape[axis])
        first_axes = tuple(range(axis, axis + indices.ndim))
        moved = xp.moveaxis(grad, first_axes, tuple(range(indices.ndim)))
        xp.add.at(xp.moveaxis(out, axis, 0), indices, moved)
        return (out,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """The slices one after the other, each at all of its elements at once."""
        outer, length, inner = around(out_types[0].static, self.axis)
        count, kind = in_types[1].size, accumulator(out_types[0].dtype)
        if not length:
            return None
        k, shape = Statement("gather_grad"), (outer, length, inner)
        grad, at = k.operand(in_types[0], (outer, count, inner)), k.operand(in_types[1], (count,))
        k.operand(in_types[2])
        y = k.result(out_types[0], shape)
        total = y if kind is y.dtype else k.workspace(kind, shape)
        with k.over(*shape) as every:
            k.store(total, every, constant_of(0, kind))
        with k.over(outer, inner, names="oi") as (o, i), k.steps(count) as j:
            valid, row = looked_up(k, at[j], length)
            k.store(total, (o, row, i), total[o, row, i] + choose(valid, cast_scalar(grad[o, j, i], kind), 0))
        if total is not y:
            with k.over(*shape) as every:
                k.store(y, every, total[tuple(every)])
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel:
        return outside(in_types, in_types[2].static[self.axis])

    flops = per_gradient

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(GatherV2(self.axis), grad, node.inputs[1]), None, None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(9.0).reshape(3, 3), np.array([1, 0, 1], np.int32), _X))


def gather(
    params: TensorLike, indices: TensorLike, validate_indices: bool | None = None, name: str | None = None,
    axis: int = 0, batch_dims: int = 0,
) -> Tensor:  # fmt: skip
    """Look up slices of a tensor along an axis.

    Args:
        params: A tensor of any dtype.
        indices: An integer tensor of places along `axis`.
        validate_indices: No effect: indices are always checked.
        name: Name scope of the nodes.
        axis: The axis; a negative one counts from the last.
        batch_dims: Not supported; it must be 0.

    Returns:
        A tensor of the dtype of `params` and shape params.shape[:axis] + indices.shape + params.shape[axis + 1:].

    Raises:
        DTypeError: `indices` is not integer.
        ShapeError: `axis` is out of range.
        ValueError: `batch_dims` is not 0.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> tf.Session().run(tf.gather([10, 20, 30], [2, 0, 2]))
        array([30, 10, 30], dtype=int32)
    """
    refuse("tf.gather", batch_dims=batch_dims)
    params = convert_to_tensor(params)
    default = name or "GatherV2"
    with params.graph.as_default(), params.graph.name_scope(default) as scope:
        index = convert_to_tensor(indices, name="indices")
        params.graph.reserve_ids(1)
        return first(params.graph.add(GatherV2(int(axis)), (params, index), scope))
