"""Conversion between dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import scalar
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype, float16, float32, float64, int64, uint32
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.core.typing import DTypeLike, TensorLike
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
        if x.dtype.kind == "c" and self.dtype.np_dtype.kind in "fiu":
            x = x.real  # NumPy would warn
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


def cast(x: TensorLike, dtype: DTypeLike, name: str | None = None) -> Tensor:
    """Convert a tensor to another dtype.

    Floats are truncated toward zero when cast to integers. Every number except 0 is cast to True.

    Args:
        x: A tensor of numeric or bool dtype.
        dtype: The dtype of the result.
        name: Name of the node.

    Returns:
        A tensor of dtype `dtype` and the shape of `x`; `x` itself if it has that dtype already.

    Example:
        >>> tf.Session().run(tf.cast([1.7, -1.7], tf.int32))
        array([ 1, -1], dtype=int32)
    """
    tensor = convert_to_tensor(x)
    wanted = as_dtype(dtype)
    if tensor.dtype is wanted:
        return tensor
    return first(make(Cast(wanted), name, "Cast", {"x": tensor}))


def widened(x: Any) -> Any:
    """A float16 tensor as float32, for formulas with sums or squares that float16 cannot hold; all else unchanged."""
    return apply(Cast(float32), x) if isinstance(x, Tensor) and x.dtype is float16 else x


def to_float(x: TensorLike, name: str = "ToFloat") -> Tensor:
    """Convert a tensor to float32. The same as `tf.cast(x, tf.float32)`.

    Args:
        x: A tensor of numeric or bool dtype.
        name: Name of the node.

    Returns:
        A tensor of dtype float32 and the shape of `x`; `x` itself if it has that dtype already.

    Example:
        >>> tf.Session().run(tf.to_float([1, 2]))
        array([1., 2.], dtype=float32)
    """
    return cast(x, float32, name)


def to_double(x: TensorLike, name: str = "ToDouble") -> Tensor:
    """Convert a tensor to float64. The same as `tf.cast(x, tf.float64)`.

    Args:
        x: A tensor of numeric or bool dtype.
        name: Name of the node.

    Returns:
        A tensor of dtype float64 and the shape of `x`; `x` itself if it has that dtype already.

    Example:
        >>> tf.Session().run(tf.to_double([1, 2]))
        array([1., 2.])
    """
    return cast(x, float64, name)


def to_int32(x: TensorLike, name: str = "ToInt32") -> Tensor:
    """Convert a tensor to int32. The same as `tf.cast(x, tf.int32)`.

    Args:
        x: A tensor of numeric or bool dtype.
        name: Name of the node.

    Returns:
        A tensor of dtype int32 and the shape of `x`; `x` itself if it has that dtype already.

    Example:
        >>> tf.Session().run(tf.to_int32([1.7, -1.7]))
        array([ 1, -1], dtype=int32)
    """
    return cast(x, "int32", name)


def to_int64(x: TensorLike, name: str = "ToInt64") -> Tensor:
    """Convert a tensor to int64. The same as `tf.cast(x, tf.int64)`.

    Args:
        x: A tensor of numeric or bool dtype.
        name: Name of the node.

    Returns:
        A tensor of dtype int64 and the shape of `x`; `x` itself if it has that dtype already.

    Example:
        >>> tf.Session().run(tf.to_int64([1.7, -1.7]))
        array([ 1, -1])
    """
    return cast(x, int64, name)
