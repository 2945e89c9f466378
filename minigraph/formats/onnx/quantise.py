"""Quantisation to small integers with a scale and a zero point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.dtypes import DType, uint8
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.conv import multiply
from minigraph.formats.onnx.library import from_onnx_dtype, limits


def scalar(t: Tensor) -> Tensor:
    """A vector of one element as a scalar; any other tensor as it is."""
    return tf.reshape(t, []) if t.type.shape == (1,) else t


def _along(call: OnnxNode, index: int, axis: int, block: int) -> Tensor:
    """A scale or a zero point in a shape that broadcasts with the first input."""
    t, dims = call.x(index), call.shape()
    if block:
        length = dims[axis % len(dims)]
        if length is None:
            call.needs_shape("the length of the axis must be known for blocks")
        call.check_size(length)
        return tf.gather(t, (np.arange(length) // block).astype(np.int32), axis=axis % len(dims))
    if t.type.rank == 1 and t.type.shape != (1,):
        return tf.reshape(t, [-1] + [1] * (len(dims) - 1 - axis % len(dims)))
    return scalar(t)


def rounded(x: Tensor, zero: Tensor | None, dtype: DType) -> Tensor:
    """round(x) + zero, clipped to the range of `dtype`; for a floating-point dtype, the nearest number."""
    y = tf.cast(x if "float" in dtype.name else tf.round(x), tf.float64)
    if zero is not None:
        y = y + tf.cast(zero, tf.float64)
    low, high = (np.float64(v) for v in limits(dtype))
    cut = tf.clip_by_value(y, low, high)
    return tf.cast(tf.cast(cut, tf.float32) if dtype.size == 1 else cut, dtype)


def _quantize(call: OnnxNode) -> Result:
    axis, block = call.attr("axis", 1), call.attr("block_size", 0)
    if call.has(2):
        dtype = call.type(2).dtype
    else:
        number = call.attr("output_dtype", 0)
        dtype = from_onnx_dtype(number) if number else uint8
    x = call.x() / tf.cast(_along(call, 1, axis, block), call.type().dtype)
    return rounded(x, _along(call, 2, axis, block) if call.has(2) else None, dtype)


def _dequantize(call: OnnxNode) -> Result:
    axis, block = call.attr("axis", 1), call.attr("block_size", 0)
    scale = _along(call, 1, axis, block)
    exact = tf.float32 if "float" in call.type().dtype.name else tf.int32
    x = tf.cast(call.x(), exact)
    if call.has(2):
        x = x - tf.cast(_along(call, 2, axis, block), exact)
    number = call.attr("output_dtype", 0)
    y = tf.cast(x, tf.float32) * tf.cast(scale, tf.float32)
    return tf.cast(y, from_onnx_dtype(number) if number else scale.dtype)


def _q_matmul(call: OnnxNode) -> Result:
    """Inputs: a, b and the result's parameters: a, scale, zero point; b, scale, zero point; scale, zero point."""

    def real(i: int) -> Any:
        scale, zero = (tf.cast(_row_wise(call, i, i + j), tf.float64) for j in (1, 2))
        return (tf.cast(call.x(i), tf.float64) - zero) * scale

    y = multiply(call, real(0), real(3)) / tf.cast(call.x(6), tf.float64)
    return rounded(y, call.x(7), call.type(7).dtype)


def _row_wise(call: OnnxNode, index: int, scale: int) -> Tensor:
    t = call.x(scale)
    if t.type.rank == 1 and t.type.shape != (1,) and index == 0:
        return tf.expand_dims(t, -1)
    return scalar(t)


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "DequantizeLinear": _dequantize,
    "QLinearMatMul": _q_matmul,
    "QuantizeLinear": _quantize,
}
