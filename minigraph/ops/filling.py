"""Tensors filled with one number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minigraph.core.dtypes import float32
from minigraph.core.graph import Tensor
from minigraph.core.moves import Moves
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.ops.builder import first, make
from minigraph.ops.counting import no_flops
from minigraph.ops.math.casting import cast
from minigraph.ops.pointwise import X, unary

__all__ = ["ones_like", "zeros_like"]


class ZerosLike(Op):
    """Zeros of the input's type."""

    differentiable = False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.zeros_like(x),)

    flops = no_flops

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Full(types[0], 0), ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (X,))


def zeros_like(
    tensor: TensorLike, dtype: DTypeLike | None = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Make a tensor of zeros of the shape of another.

    Args:
        tensor: A tensor of any dtype.
        dtype: The dtype of the result; by default that of `tensor`.
        name: Name of the node.
        optimize: TensorFlow 1's; it has no effect.

    Returns:
        A tensor of dtype `dtype` and the shape of `tensor`.

    Example:
        >>> tf.Session().run(tf.zeros_like([1, 2, 3]))
        array([0, 0, 0], dtype=int32)
    """
    result = unary(ZerosLike(), tensor, name, "zeros_like")
    return result if dtype is None else cast(result, dtype)


class OnesLike(ZerosLike):
    """Ones of the input's type."""

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.ones_like(x),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Full(types[0], 1), ()


def ones_like(
    tensor: TensorLike, dtype: DTypeLike | None = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Make a tensor of ones of the shape of another.

    Args:
        tensor: A tensor of any dtype.
        dtype: The dtype of the result; by default that of `tensor`.
        name: Name of the node.
        optimize: TensorFlow 1's; it has no effect.

    Returns:
        A tensor of dtype `dtype` and the shape of `tensor`.

    Example:
        >>> tf.Session().run(tf.ones_like([1, 2, 3]))
        array([1, 1, 1], dtype=int32)
    """
    result = first(make(OnesLike(), name, "ones_like", {"x": tensor}, consts=("Shape", "ones_const")))
    return result if dtype is None else cast(result, dtype)


class Full(Op):
    """A tensor of a static type, filled with one number."""

    type: TensorType
    value: Any
    differentiable = False

    def infer(self) -> tuple[TensorType, ...]:
        return (self.type,)

    def forward(self, xp: Any) -> tuple[Any, ...]:
        return (xp.full(self.type.static, self.value, self.type.dtype.np_dtype),)

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return Moves((), self.value)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(TensorType(float32, (2, 3)), 1.5), ())
