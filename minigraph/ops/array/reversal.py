"""The order of elements along axes reversed, and axes exchanged, also of tensors of unknown rank."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.known import number_or_tensor
from minigraph.ops.array.reshape import Transpose
from minigraph.ops.array.slicing import StridedSlice
from minigraph.ops.builder import apply, composed, first, make
from minigraph.ops.control.checks import checked_range
from minigraph.ops.counting import no_flops
from minigraph.ops.identity import identity
from minigraph.ops.math.comparison import equal, less
from minigraph.ops.math.reduce import reduce_any
from minigraph.ops.math.selection import Select
from minigraph.ops.math.selection import where as select

__all__ = ["reverse"]


class SwapLastAxes(Op):
    """The last two axes in the other order."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (x,)
        if len(x.shape) < 2:
            raise ShapeError(f"expected matrices, of rank 2 or more, not a tensor of shape {format_shape(x.shape)}")
        return (TensorType(x.dtype, (*x.shape[:-2], x.shape[-1], x.shape[-2])),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.swapaxes(x, -1, -2),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(self, grad),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        self.infer(*types)
        rank = len(types[0].static)
        return Transpose((*range(rank - 2), rank - 1, rank - 2)), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(6.0).reshape(1, 2, 3),))


class ReverseAxes(Op):
    """The order along `axes` reversed."""

    axes: tuple[int, ...]

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        for axis in self.axes:
            if x.shape is not None and not -len(x.shape) <= axis < len(x.shape):
                raise ShapeError(f"'axis' {axis} is out of valid range for a tensor of shape {format_shape(x.shape)}")
        if x.shape is not None and len({a % len(x.shape) for a in self.axes}) < len(self.axes):
            raise ShapeError(f"'axis' names an axis twice: {list(self.axes)} for a tensor of rank {len(x.shape)}")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.flip(x, axis=self.axes),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(self, grad),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        self.infer(*types)
        return _turned(len(types[0].static), self.axes), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((0, -1)), (np.arange(6.0).reshape(2, 3),))


def reverse(tensor: TensorLike, axis: int | Sequence[int] | Tensor, name: str | None = None) -> Tensor:
    """Reverse the order of the elements along axes. TensorFlow's other name is `tf.reverse_v2`.

    Args:
        tensor: A tensor of any dtype; of known rank, if the axes are a tensor.
        axis: The axis or axes; negative ones count from the last. They may be a tensor.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `tensor`.

    Raises:
        ShapeError: An axis is out of range or given twice, or the rank of `tensor` must be known and is not.
        InvalidArgumentError: An axis in a tensor is out of range; found in the run.

    Example:
        >>> tf.Session().run(tf.reverse([[1, 2, 3], [4, 5, 6]], axis=[1]))
        array([[3, 2, 1],
               [6, 5, 4]], dtype=int32)
    """
    x = convert_to_tensor(tensor)
    found = number_or_tensor(axis)
    if isinstance(found, Tensor):
        if x.type.rank is None:
            raise ShapeError("reverse along axes in a tensor needs to know the rank of its input")
        return _reverse_by(x, found, name)
    late = ReverseAxes(tuple(int(a) for a in np.ravel(found)))
    late.infer(x.type)
    op = late if x.type.rank is None else _turned(x.type.rank, late.axes)
    return first(make(op, name, "ReverseV2", {"tensor": x}, consts=("axis",)))


def _turned(rank: int, axes: Collection[int]) -> StridedSlice:
    """The op that reverses the axes."""
    axes = {a % rank for a in axes}
    return StridedSlice(tuple(("slice", None, None, -1 if a in axes else None) for a in range(rank)))


def _reverse_by(x: Tensor, axes: Tensor, name: str | None) -> Tensor:
    """`x`, reversed along the axes in a tensor: along each axis a choice between the two orders."""
    rank: Any = x.type.rank
    with composed(name, "ReverseV2", x, axes) as scope:
        chosen = checked_range("axis", select(less(axes, 0), axes + rank, axes), rank)
        for a in range(rank):
            turn = reduce_any(equal(chosen, a))
            x = apply(Select(), turn, apply(_turned(rank, [a]), x), x)
        return identity(x, name=scope)
