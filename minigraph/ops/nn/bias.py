"""Adding a vector to the last axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import DataFormat2D, TensorLike
from minigraph.loops.axes import summed
from minigraph.loops.kernel import Kernel
from minigraph.ops.broadcast import BroadcastLike
from minigraph.ops.builder import apply, first, make, same_dtype
from minigraph.ops.counting import per_input, per_output
from minigraph.ops.data_format import in_nhwc
from minigraph.ops.pointwise import evaluate_expr

__all__ = ["bias_add"]


class BiasAdd(Op):
    """y[..., c] = x[..., c] + b[c]."""

    def infer(self, x: TensorType, bias: TensorType) -> tuple[TensorType, ...]:
        dtype = same_dtype("BiasAdd", x, bias)
        if bias.shape is not None and len(bias.shape) != 1:
            raise ShapeError(f"Shape must be rank 1 but is rank {len(bias.shape)} for the bias of 'BiasAdd'")
        if x.shape is None or bias.shape is None:
            return (TensorType(dtype, x.shape),)
        if len(x.shape) < 2:
            raise ShapeError(f"Shape must be at least rank 2 but is {format_shape(x.shape)} for 'BiasAdd'")
        last, width = x.shape[-1], bias.shape[0]
        if last is not None and width is not None and last != width:
            raise ShapeError(f"Dimensions must be equal, but are {last} and {width} for 'BiasAdd'")
        return (TensorType(dtype, (*x.shape[:-1], width if last is None else last)),)

    forward = evaluate_expr

    flops = per_output

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True, False), (False,))

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def expr(self, *operands: Scalar) -> Scalar:
        x, bias = operands
        return x + bias

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return grad, apply(BiasAddGrad(), grad)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(12.0).reshape(2, 2, 3), np.array([1.0, -2.0, 0.5])))


class BiasAddGrad(Op):
    """∂L/∂b[c] = Σ δ[..., c]."""

    accumulates = True

    def infer(self, grad: TensorType) -> tuple[TensorType, ...]:
        if grad.rank == 0:
            raise ShapeError("Shape must be at least rank 1 but is rank 0 for 'BiasAddGrad'")
        return (TensorType(grad.dtype, (None,) if grad.shape is None else grad.shape[-1:]),)

    def forward(self, xp: Any, grad: Any) -> tuple[Any, ...]:
        return (xp.sum(grad, axis=tuple(range(grad.ndim - 1))),)

    flops = per_input

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (True,))

    def summed_axes(self, in_types: Sequence[TensorType]) -> tuple[int, ...]:
        return tuple(range(len(in_types[0].static) - 1))

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return summed(in_types[0], self.summed_axes(in_types), out_types[0])

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(BroadcastLike(), grad, node.inputs[0]),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(12.0).reshape(2, 2, 3),))


def bias_add(
    value: TensorLike, bias: TensorLike, data_format: DataFormat2D | None = None, name: str | None = None
) -> Tensor:
    """Add a vector along the channels: y[…, c] = value[…, c] + bias[c].

    Args:
        value: A numeric tensor of at least 2 dimensions whose last one is the channels. With data_format NCHW, an image
            [N,C,H,W].
        bias: Vector [C] of the dtype of `value`.
        data_format: NHWC (the default) or NCHW.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `value`.

    Raises:
        ShapeError: `value` has fewer than 2 dimensions, or `bias` is not a vector of its number of channels.
        DTypeError: The dtypes differ.
        ValueError: `data_format` is unknown.

    Example:
        >>> tf.Session().run(tf.nn.bias_add([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0]))
        array([[11., 22.],
               [13., 24.]], dtype=float32)
    """

    def add(image: Any, name: str | None) -> Tensor:
        return first(make(BiasAdd(), name, "BiasAdd", {"value": image, "bias": bias}))

    return in_nhwc(value, data_format, name, "BiasAdd", add)
