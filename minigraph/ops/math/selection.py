"""Casting, choosing between tensors, and adding many up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.dtypes import as_dtype, bool_, float32
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, cast, where
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, same_dtype
from minigraph.ops.filling import ZerosLike
from minigraph.ops.identity import Identity
from minigraph.ops.pointwise import X, by_rows


class Cast(Op):
    """Change of dtype; floats are truncated toward zero, and anything but zero is True."""

    dtype: Any

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, x.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x.astype(self.dtype.np_dtype),)

    batching = by_rows

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def expr(self, *operands: Scalar) -> Scalar:
        return cast(operands[0], self.dtype)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        source = node.inputs[0].dtype
        if not (source.is_floating and self.dtype.is_floating):
            return (None,)
        return (apply(Cast(source), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(float32), (X,), tolerance=1e-4)
        yield Sample(cls(as_dtype("int32")), (X,), smooth=False)


class Select(Op):
    """x where the condition holds, else y. Shapes are equal, or the condition is a scalar or a vector of rows."""

    def infer(self, condition: TensorType, x: TensorType, y: TensorType) -> tuple[TensorType, ...]:
        if condition.dtype is not bool_:
            raise DTypeError(f"'Select' takes a bool condition, not {condition.dtype.name}")
        dtype = same_dtype("Select", x, y)
        shape = T.merge(x.shape, y.shape)
        if condition.shape is not None and shape is not None:
            if len(condition.shape) == 1 and len(shape) > 1:
                T.merge(condition.shape, shape[:1])
            elif len(condition.shape) > 0:
                shape = T.merge(condition.shape, shape)
        return (TensorType(dtype, shape),)

    def forward(self, xp: Any, condition: Any, x: Any, y: Any) -> tuple[Any, ...]:
        if condition.ndim == 1 and x.ndim > 1:
            condition = condition.reshape(condition.shape + (1,) * (x.ndim - 1))
        return (xp.where(condition, x, y),)

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return in_types[0].shape in ((), in_types[1].shape)

    def expr(self, *operands: Scalar) -> Scalar:
        return where(*operands)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        zeros = apply(ZerosLike(), grad)
        condition = node.inputs[0]
        return None, apply(Select(), condition, grad, zeros), apply(Select(), condition, zeros, grad)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (X > 0, X, 2 * X))
        yield Sample(cls(), (np.array([True, False]), X, 2 * X))


class AddN(Op):
    """The sum of tensors of one type."""

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        shape = types[0].shape
        for other in types[1:]:
            shape = T.merge(shape, other.shape)
        return (TensorType(same_dtype("AddN", *types), shape),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        total = arrays[0]
        for other in arrays[1:]:
            total = total + other
        return (total,)

    batching = by_rows

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def expr(self, *operands: Scalar) -> Scalar:
        total, *rest = operands
        for other in rest:
            total = total + other
        return total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return [grad] * len(node.inputs)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return (Identity() if len(types) == 1 else self), tuple(range(len(types)))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (X, 2 * X, 3 * X))
