"""Quantisation: real numbers as small integers, x ≈ (q − zero)·scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float32, int8, int16, int32, uint8, uint16
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, cast, where
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply, composed
from minigraph.ops.counting import per_output
from minigraph.ops.pointwise import X, by_rows, evaluate_expr

__all__ = ["dequantize_linear", "quantize_linear"]

NARROW = (int8, uint8, int16, uint16)  # dtypes of quantised numbers
INTEGERS = (*NARROW, int32)  # those that are dequantised: int32 holds biases
_SCALES = np.array([[0.011], [0.5]], np.float32)


class _Linear(Op, abstract=True):
    """A pointwise op between real and quantised numbers, without a gradient."""

    differentiable = False
    forward = evaluate_expr
    flops = per_output
    batching = by_rows

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return True

    def typed(self, x: TensorType, scale: TensorType, zero: TensorType, real: bool) -> TensorType:
        """The result's type. DTypeError unless x is real, or an integer of the zero point's dtype."""
        if scale.dtype is not float32 or (x.dtype is not (float32 if real else zero.dtype)):
            raise DTypeError(
                f"'{type(self).__name__}' takes {'float32' if real else zero.dtype.name} and a float32 scale, "
                f"not {x.dtype.name} and {scale.dtype.name}"
            )
        kinds = NARROW if real else INTEGERS
        if zero.dtype not in kinds:
            raise DTypeError(f"a zero point is {', '.join(k.name for k in kinds)}, not {zero.dtype.name}")
        shape = T.broadcast(T.broadcast(x.shape, scale.shape), zero.shape)
        return TensorType(zero.dtype if real else float32, shape)


class QuantizeLinear(_Linear):
    """q = x / scale, rounded, plus the zero point, cut to the range of the zero point's dtype. Halves go to the even
    neighbour."""

    def infer(self, x: TensorType, scale: TensorType, zero: TensorType) -> tuple[TensorType, ...]:
        return (self.typed(x, scale, zero, real=True),)

    def expr(self, *operands: Scalar) -> Scalar:
        x, scale, zero = operands
        least, greatest = (call("subtract", float(v), cast(zero, float32)) for v in (zero.dtype.min, zero.dtype.max))
        return cast(_rounded(x / scale, least, greatest) + cast(zero, int32), zero.dtype)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for dtype, zero in ((np.uint8, 128), (np.int8, -3), (np.int16, 0)):
            yield Sample(cls(), (X.astype(np.float32), _SCALES, np.array(zero, dtype)), smooth=False)


def _rounded(x: Scalar, least: Scalar | float, greatest: Scalar | float) -> Scalar:
    """x rounded and cut to a range of whole numbers, as int32. NaN becomes the least number."""
    high = where(call("greater", x, least), x, least)
    return cast(call("rint", where(call("less", high, greatest), high, greatest)), int32)


class Requantize(_Linear):
    """QuantizeLinear with the scale 1. Made by the pass `integer_products`."""

    dtype: Any
    zero: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.dtype is not float32:
            raise DTypeError(f"'Requantize' takes float32, not {x.dtype.name}")
        return (TensorType(self.dtype, x.shape),)

    def expr(self, *operands: Scalar) -> Scalar:
        least, greatest = (float(limit - self.zero) for limit in (self.dtype.min, self.dtype.max))
        return cast(_rounded(operands[0], least, greatest) + self.zero, self.dtype)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for dtype, zero in ((uint8, 128), (int8, -3)):
            yield Sample(cls(dtype, zero), (100 * X.astype(np.float32),), smooth=False)


class DequantizeLinear(_Linear):
    """x = (q − zero)·scale."""

    def infer(self, q: TensorType, scale: TensorType, zero: TensorType) -> tuple[TensorType, ...]:
        return (self.typed(q, scale, zero, real=False),)

    def expr(self, *operands: Scalar) -> Scalar:
        q, scale, zero = operands
        return cast(cast(q, int32) - cast(zero, int32), float32) * scale

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        q = np.array([[0, 1, 100], [127, 126, 5]])
        for dtype, zero in ((np.uint8, 128), (np.int8, -3), (np.int16, -300), (np.int32, 0)):
            yield Sample(cls(), (q.astype(dtype), _SCALES, np.array(zero, dtype)), smooth=False)


def quantize_linear(x: TensorLike, scale: TensorLike, zero_point: TensorLike, name: str | None = None) -> Tensor:
    """Quantise real numbers: x / scale, rounded, plus the zero point, cut to the range of the zero point's dtype.

    Halves go to the even neighbour, as in ONNX's QuantizeLinear.

    Args:
        x: A float32 tensor.
        scale: float32, positive; one number, or a tensor that broadcasts with `x`.
        zero_point: int8, uint8, int16 or uint16; one number, or a tensor that broadcasts with `x`.
        name: Name of the node.

    Returns:
        A tensor of the zero point's dtype and the broadcast shape.

    Raises:
        DTypeError: `x` or `scale` is not float32, or the zero point has another dtype.

    Example:
        >>> from minigraph import quantization
        >>> q = quantization.quantize_linear([-1.0, 0.25, 9.0], 0.1, np.uint8(128))
        >>> tf.Session().run(q)
        array([118, 130, 218], dtype=uint8)
    """
    return _make(QuantizeLinear(), name, x, scale, zero_point)


def dequantize_linear(x: TensorLike, scale: TensorLike, zero_point: TensorLike, name: str | None = None) -> Tensor:
    """The real numbers that quantised ones stand for: (x − zero_point)·scale.

    Args:
        x: A tensor of int8, uint8, int16, uint16 or int32.
        scale: float32; one number, or a tensor that broadcasts with `x`.
        zero_point: Of the dtype of `x`; one number, or a tensor that broadcasts with `x`.
        name: Name of the node.

    Returns:
        A float32 tensor of the broadcast shape.

    Raises:
        DTypeError: The dtypes differ, or are others than these.

    Example:
        >>> from minigraph import quantization
        >>> x = quantization.dequantize_linear(np.array([118, 130], np.uint8), 0.5, np.uint8(128))
        >>> tf.Session().run(x)
        array([-5.,  1.], dtype=float32)
    """
    return _make(DequantizeLinear(), name, x, scale, zero_point)


def _make(op: Op, name: str | None, *operands: TensorLike) -> Tensor:
    with composed(name, type(op).__name__, *operands) as scope:
        return apply(op, *map(convert_to_tensor, operands), name=scope)
