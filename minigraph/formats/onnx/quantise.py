"""Quantisation to small integers with a scale and a zero point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.dtypes import DType, uint8
from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.conv import multiply
from minigraph.formats.onnx.library import from_onnx_dtype, limits
from minigraph.formats.onnx.values import Last, Perm, last_perm
from minigraph.ops.builder import apply
from minigraph.ops.math.quantization import INTEGERS, NARROW, DequantizeLinear, QuantizeLinear, quantize_linear
from minigraph.ops.nn.integer_products import IntegerMatMul


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


def _is_linear(call: OnnxNode, zero_dtype: DType) -> bool:
    """Whether the node is one of minigraph's ops: float32 numbers on one side, and on the other integers that have a
    scale for all, or one for each index of an axis."""
    reads = call.kind == "DequantizeLinear"
    plain = not call.attr("block_size", 0) and not (reads and call.attr("output_dtype", 0))
    real = reads or call.type().dtype is tf.float32
    return plain and real and call.type(1).dtype is tf.float32 and zero_dtype in (INTEGERS if reads else NARROW)


def _linear(call: OnnxNode, op: Op, zero_dtype: DType, perm: Perm) -> Tensor:
    """The op on the first input, with axes in the order `perm`."""
    scale, axis = _parameter(call, 1), call.attr("axis", 1)
    zero = _parameter(call, 2) if call.has(2) else tf.zeros(call.static(1), zero_dtype)
    return apply(op, call.value().form(perm), *(_in_form(t, axis, call.rank(), perm) for t in (scale, zero)))


def _parameter(call: OnnxNode, index: int) -> Tensor:
    """A scale or zero point; a known one is a constant, which training does not change."""
    value = call.value(index)
    return value.form() if value.array is None else tf.constant(value.array)


def _linear_result(call: OnnxNode, op: Op, zero_dtype: DType) -> Result:
    if call.value().is_last:
        return Last(_linear(call, op, zero_dtype, last_perm(call.rank())))
    return _linear(call, op, zero_dtype, None)


def dequantizing(call: OnnxNode) -> Callable[[Perm], Tensor] | None:
    """For a node DequantizeLinear that is one of minigraph's ops: makes its result with the axes in some order."""
    dtype = call.type().dtype
    return (lambda perm: _linear(call, DequantizeLinear(), dtype, perm)) if _is_linear(call, dtype) else None


def _in_form(t: Tensor, axis: int, rank: int, perm: Perm) -> Tensor:
    """A scale or zero point in a shape that broadcasts with a tensor whose axes have the order `perm`."""
    if t.type.rank != 1 or t.type.shape == (1,):
        return scalar(t)
    place = (perm or tuple(range(rank))).index(axis % rank)
    return t if place == rank - 1 else tf.reshape(t, [-1] + [1] * (rank - 1 - place))


def _quantize(call: OnnxNode) -> Result:
    axis, block = call.attr("axis", 1), call.attr("block_size", 0)
    if call.has(2):
        dtype = call.type(2).dtype
    else:
        number = call.attr("output_dtype", 0)
        dtype = from_onnx_dtype(number) if number else uint8
    if _is_linear(call, dtype):
        return _linear_result(call, QuantizeLinear(), dtype)
    x = call.x() / tf.cast(_along(call, 1, axis, block), call.type().dtype)
    return rounded(x, _along(call, 2, axis, block) if call.has(2) else None, dtype)


def _dequantize(call: OnnxNode) -> Result:
    axis, block = call.attr("axis", 1), call.attr("block_size", 0)
    number = call.attr("output_dtype", 0)
    if _is_linear(call, call.type().dtype):
        return _linear_result(call, DequantizeLinear(), call.type().dtype)
    scale = _along(call, 1, axis, block)
    exact = tf.float32 if "float" in call.type().dtype.name else tf.int32
    x = tf.cast(call.x(), exact)
    if call.has(2):
        x = x - tf.cast(_along(call, 2, axis, block), exact)
    y = tf.cast(x, tf.float32) * tf.cast(scale, tf.float32)
    return tf.cast(y, from_onnx_dtype(number) if number else scale.dtype)


def symmetric_zero(call: OnnxNode) -> int | None:
    """The zero point of input 0 where input 3 holds int8 with zero points of 0; None elsewhere. Each of the two has its
    scale and zero point behind it, followed by those of the result."""
    if not all(call.value(i).known for i in (2, 5)) or call.type(3).dtype is not tf.int8 or call.type().dtype.size != 1:
        return None
    own, other = call.array(2), call.array(5)
    return None if own.size != 1 or other.any() else int(own.reshape(-1)[0])


def requantized(call: OnnxNode, sums: Any) -> Tensor:
    """Sums of products of integers, with channels last, in the scale and zero point of the result."""
    image, filters, result = (scalar(_parameter(call, i)) for i in (1, 4, 6))
    zero = scalar(_parameter(call, 7))
    return quantize_linear(tf.cast(sums, tf.float32) * (image * filters / result), np.float32(1), zero)


def _q_matmul(call: OnnxNode) -> Result:
    """Inputs: a, b and the result's parameters: a, scale, zero point; b, scale, zero point; scale, zero point."""
    zero = symmetric_zero(call)
    if zero is not None and call.rank(0) == call.rank(3) == 2 and call.type(6).dtype is tf.float32:
        return requantized(call, apply(IntegerMatMul(False, zero), call.x(0), call.x(3)))

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
