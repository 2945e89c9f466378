"""Arrays of tensors that a loop fills: `tf.TensorArray` as ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType, format_shape
from minigraph.ops.array.gathering import gather
from minigraph.ops.builder import apply
from minigraph.ops.filling import ZerosLike
from minigraph.ops.host.host_ops import HostOp


class EmptyArray(HostOp):
    """Space for a number of elements whose shape the first one decides: until then a vector of zeros."""

    dtype: DType

    def infer(self, size: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, None),)

    def forward(self, xp: Any, size: Any) -> tuple[Any, ...]:
        return (np.zeros(int(size), self.dtype.np_dtype),)


class WriteElement(HostOp):
    """The array, the first input, with another element at an index. With `grows`, the index may lie behind its end."""

    grows: bool = False
    differentiable = True

    def infer(self, array: TensorType, index: TensorType, value: TensorType) -> tuple[TensorType, ...]:
        if value.shape is None:
            return (TensorType(array.dtype, None),)
        length = array.shape[0] if array.shape and not self.grows else None
        return (TensorType(array.dtype, (length, *value.shape)),)

    def forward(self, xp: Any, array: Any, index: Any, value: Any) -> tuple[Any, ...]:
        if array.shape[1:] != value.shape:
            if array.ndim > 1:
                shapes = f"{format_shape(value.shape)} instead of {format_shape(array.shape[1:])}"
                raise InvalidArgumentError(f"an element written to a TensorArray has shape {shapes}")
            array = np.zeros((len(array), *value.shape), array.dtype)
        length = max(len(array), int(index) + 1) if self.grows else len(array)
        if not 0 <= index < length:
            size = f"array is not resizeable and size is: {length}"
            raise InvalidArgumentError(f"Tried to write to index {index} but {size}")
        found = np.zeros((length, *value.shape), array.dtype)
        found[: len(array)] = array
        found[index] = value
        return (found,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        index, value = node.inputs[1:]
        slope = gather(grad, index)
        slope.set_shape(value.type.shape)
        return apply(WriteElement(), grad, index, apply(ZerosLike(), value)), None, slope
