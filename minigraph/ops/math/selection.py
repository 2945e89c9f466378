"""Selection between two tensors by a condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import scalar
from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import bool_
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.loops.axes import around
from minigraph.loops.builder import Statement
from minigraph.loops.kernel import Kernel
from minigraph.ops.builder import apply, as_tensor_like, first, graph_of, same_dtype
from minigraph.ops.counting import per_output
from minigraph.ops.filling import ZerosLike
from minigraph.ops.pointwise import X


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

    flops = per_output

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """With one condition for each row."""
        if self.is_pointwise(in_types):
            return None
        k, shape = Statement("select_rows"), around(out_types[0].static, 0)[1:]
        condition, x, y = k.operand(in_types[0]), k.operand(in_types[1], shape), k.operand(in_types[2], shape)
        z = k.result(out_types[0], shape)
        with k.over(*shape) as (i, j):
            k.store(z, (i, j), scalar.where(condition[i], x[i, j], y[i, j]))
        return k.done()

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return in_types[0].shape in ((), in_types[1].shape)

    def expr(self, *operands: Scalar) -> Scalar:
        return scalar.where(*operands)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        zeros = apply(ZerosLike(), grad)
        condition = node.inputs[0]
        return None, apply(Select(), condition, grad, zeros), apply(Select(), condition, zeros, grad)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (X > 0, X, 2 * X))
        yield Sample(cls(), (np.array([True, False]), X, 2 * X))


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """x where `condition` is True, else y. Without x and y the shape would depend on values, which is not supported."""
    if x is None or y is None:
        raise ValueError("tf.where needs x and y: the form that returns indices has no static shape")
    x, y = as_tensor_like(x), as_tensor_like(y)
    given = x if isinstance(x, Tensor) else y if isinstance(y, Tensor) else None
    condition = as_tensor_like(condition)
    with graph_of([condition, x, y]).as_default():
        x, y = (convert_to_tensor(v, None if given is None else given.dtype) for v in (x, y))
        condition = convert_to_tensor(condition, bool_)
    return first(x.graph.add(Select(), (condition, x, y), name))
