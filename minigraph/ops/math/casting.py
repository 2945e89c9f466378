"""Conversion between dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import scalar
from minigraph.core.dtypes import as_dtype, float32, float64, int64, uint32
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, first, make
from minigraph.ops.counting import no_flops
from minigraph.ops.pointwise import X, by_rows

__all__ = ["cast", "to_double", "to_float", "to_int32", "to_int64"]


class Cast(Op):
    """Change of dtype; floats are truncated toward zero, and anything but zero is True."""

    dtype: Any

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, x.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        if x.dtype.kind == "f" and self.dtype is uint32:  # as `scalar.cast` does
            x = x.astype(np.int64)
        return (x.astype(self.dtype.np_dtype),)

    flops = no_flops

    batching = by_rows

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def expr(self, *operands: Scalar) -> Scalar:
        return scalar.cast(operands[0], self.dtype)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        source = node.inputs[0].dtype
        if not (source.is_floating and self.dtype.is_floating):
            return (None,)
        return (apply(Cast(source), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(float32), (X,), tolerance=1e-4)
        yield Sample(cls(as_dtype("int32")), (X,), smooth=False)


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`x` as another dtype; `x` itself where it has that dtype already."""
    tensor = convert_to_tensor(x)
    wanted = as_dtype(dtype)
    if tensor.dtype is wanted:
        return tensor
    return first(make(Cast(wanted), name, "Cast", {"x": tensor}))


def to_float(x: Any, name: str = "ToFloat") -> Tensor:
    """`x` as float32."""
    return cast(x, float32, name)


def to_double(x: Any, name: str = "ToDouble") -> Tensor:
    """`x` as float64."""
    return cast(x, float64, name)


def to_int32(x: Any, name: str = "ToInt32") -> Tensor:
    """`x` as int32."""
    return cast(x, "int32", name)


def to_int64(x: Any, name: str = "ToInt64") -> Tensor:
    """`x` as int64."""
    return cast(x, int64, name)
