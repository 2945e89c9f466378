"""Importers of com.microsoft's operators, which ONNX Runtime's tools write: fused, or on quantised numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.conv import FILTER, convolve, multiply
from minigraph.formats.onnx.elementwise import gelu, hard_sigmoid, like
from minigraph.formats.onnx.quantise import requantized, rounded, scalar, symmetric_zero
from minigraph.formats.onnx.values import Last, OnnxValue
from minigraph.formats.onnx.windows import windows
from minigraph.ops.builder import apply
from minigraph.ops.nn.integer_products import IntegerConv2D


def _activated(call: OnnxNode, x: Any) -> Any:
    kind, parameters = call.attr("activation", ""), list(call.attr("activation_params", []))
    if kind == "Clip":
        return tf.clip_by_value(x, like(x, parameters[0]), like(x, parameters[1]))
    if kind == "LeakyRelu":
        return tf.nn.leaky_relu(x, parameters[0] if parameters else 0.01)
    if kind == "HardSigmoid":
        return hard_sigmoid(x, *(parameters or (0.2, 0.5)))
    plain = {"": lambda x: x, "Relu": tf.nn.relu, "Sigmoid": tf.sigmoid, "Tanh": tf.tanh}
    if kind not in plain:
        call.unsupported(f"the activation {kind} is unknown")
    return plain[kind](x)


def _fused_conv(call: OnnxNode) -> Result:
    """Convolution, bias, a summand, and an activation."""
    w = windows(call, call.static(1)[2:], call.shape()[2:])
    y: Any = convolve(call, call.value(0), call.value(1), w)
    y = tf.nn.bias_add(y, call.x(2)) if call.has(2) else y
    return Last(_activated(call, y + call.last(3) if call.has(3) else y))


def _fused_matmul(call: OnnxNode) -> Result:
    if call.attr("transBatchA", 0) or call.attr("transBatchB", 0):
        call.unsupported("transposes of the batch are not supported")
    a, b = (_turned(call.x(i), call.attr(name, 0)) for i, name in enumerate(("transA", "transB")))
    y = multiply(call, a, b)
    alpha = call.attr("alpha", 1.0)
    return y if alpha == 1 else y * like(y, alpha)


def _turned(x: Tensor, turn: int) -> Tensor:
    return tf.matrix_transpose(x) if turn and (x.type.rank or 0) > 1 else x


def _fast_gelu(call: OnnxNode) -> Result:
    x: Any = call.x(0) + call.x(1) if call.has(1) else call.x(0)
    return like(x, 0.5) * x * (like(x, 1) + tf.tanh(x * (like(x, 0.7978845608) + like(x, 0.035677408137) * x * x)))


def _quick_gelu(call: OnnxNode) -> Result:
    x = call.x()
    return x * tf.sigmoid(x * like(x, call.attr("alpha", 1.702)))


def _skip_layer_norm(call: OnnxNode) -> Result:
    """Inputs: two summands, scale, offset, bias. Outputs: the normalised sum, its statistics, and the sum."""
    if call.wants(1) or call.wants(2):
        call.unsupported("its mean and deviation are not given")
    x: Any = call.x(0) + call.x(1)
    x = x + call.x(4) if call.has(4) else x
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    y: Any = (x - mean) * tf.rsqrt(variance + like(x, call.attr("epsilon", 1e-12))) * call.x(2)
    return [y + call.x(3) if call.has(3) else y, None, None, x][: len(call.outputs)]


def _dynamic_matmul(call: OnnxNode) -> Result:
    """The left side is quantised to bytes by its range; the right side is quantised already."""
    a = call.x(0)
    low, high = tf.minimum(tf.reduce_min(a), like(a, 0)), tf.maximum(tf.reduce_max(a), like(a, 0))
    step: Any = tf.maximum((high - low) / like(a, 255), like(a, 1e-30))
    middle = tf.round(-low / step)
    whole = tf.clip_by_value(tf.round(a / step) + middle, like(a, 0), like(a, 255)) - middle
    b = tf.cast(call.x(1), a.dtype)
    b = b - tf.cast(call.x(3), a.dtype) if call.has(3) else b
    y: Any = multiply(call, whole, b) * (step * call.x(2))
    return y + call.x(4) if call.has(4) else y


def _integer_matmul(call: OnnxNode) -> Result:
    """MatMulIntegerToFloat: A, B, their scales, their zero points, a bias."""
    a, b = (tf.cast(call.x(i), tf.float32) for i in (0, 1))
    a = a - tf.cast(call.x(4), tf.float32) if call.has(4) else a
    b = b - tf.cast(call.x(5), tf.float32) if call.has(5) else b
    y: Any = multiply(call, a, b) * (call.x(2) * call.x(3))
    return y + call.x(6) if call.has(6) else y


def _real(call: OnnxNode, index: int) -> Any:
    """A quantised input, with its scale and zero point behind it, as real numbers."""
    x = tf.cast(call.x(index), tf.float32)
    if call.has(index + 2):
        x = x - tf.cast(scalar(call.x(index + 2)), tf.float32)
    return x * scalar(call.x(index + 1))


def _quantised(call: OnnxNode, y: Any, index: int) -> Any:
    """A result in the scale and zero point at an input."""
    zero = call.x(index + 1) if call.has(index + 1) else None
    dtype = call.type().dtype if zero is None else zero.dtype
    return rounded(y / call.x(index), zero, dtype)


def _quantised_pair(function: Callable[..., Any]) -> Callable[[OnnxNode], Result]:
    return lambda call: _quantised(call, function(_real(call, 0), _real(call, 3)), 6)


def _quantised_pointwise(function: Callable[[OnnxNode, Any], Any]) -> Callable[[OnnxNode], Result]:
    return lambda call: _quantised(call, function(call, _real(call, 0)), 3)


def _quantised_mean(call: OnnxNode) -> Result:
    axes = list(range(1, call.rank() - 1)) if call.attr("channels_last", 0) else list(range(2, call.rank()))
    return _quantised(call, tf.reduce_mean(_real(call, 0), axes, keepdims=True), 3)


def _quantised_concat(call: OnnxNode) -> Result:
    """Inputs: scale and zero point of the result, then each part with its own."""
    parts = [_real(call, i) for i in range(2, len(call.inputs), 3)]
    zero = call.x(1)
    return rounded(tf.concat(parts, call.attr("axis")) / call.x(0), zero, zero.dtype)


def quantised_conv(call: OnnxNode) -> Result:
    """QLinearConv: a product of integers where there is one, else in float64, which represents the sums exactly."""
    w = windows(call, call.static(3)[2:], call.shape()[2:])
    zero = symmetric_zero(call)
    if zero is not None and w.rank == 2 and call.attr("group", 1) == 1:
        op = IntegerConv2D(tuple(w.strides), tuple(w.pads), tuple(w.dilations), zero=zero)  # type: ignore[arg-type]
        sums = apply(op, call.last(), call.value(3).form(FILTER))
        return Last(requantized(call, sums + call.x(8) if call.has(8) else sums))
    image = tf.cast(call.x(0), tf.float64) - tf.cast(tf.reshape(call.x(2), []), tf.float64)
    filters = tf.cast(call.x(3), tf.float64)
    own = tf.cast(call.x(5), tf.float64)
    filters = filters - (own if own.type.rank == 0 else tf.reshape(own, [-1] + [1] * (call.rank(3) - 1)))
    y: Any = convolve(call, OnnxValue("", forms={None: image}), OnnxValue("", forms={None: filters}), w)
    y = y + tf.cast(call.x(8), tf.float64) if call.has(8) else y
    scale = tf.reshape(call.x(1), []) * call.x(4) / tf.reshape(call.x(6), [])
    return Last(rounded(y * tf.cast(scale, tf.float64), call.x(7), call.type(7).dtype))


FUSED: dict[str, Callable[[OnnxNode], Result]] = {
    "BiasGelu": lambda call: gelu(call.x(0) + call.x(1)),
    "DynamicQuantizeMatMul": _dynamic_matmul,
    "FastGelu": _fast_gelu,
    "FusedConv": _fused_conv,
    "FusedMatMul": _fused_matmul,
    "Gelu": lambda call: call.spread(gelu),
    "MatMulIntegerToFloat": _integer_matmul,
    "QuickGelu": _quick_gelu,
    "SkipLayerNormalization": _skip_layer_norm,
}
QUANTISED: dict[str, Callable[[OnnxNode], Result]] = {
    "QLinearAdd": _quantised_pair(tf.add),
    "QLinearConcat": _quantised_concat,
    "QLinearGlobalAveragePool": _quantised_mean,
    "QLinearLeakyRelu": _quantised_pointwise(lambda call, x: tf.nn.leaky_relu(x, call.attr("alpha", 0.01))),
    "QLinearMul": _quantised_pair(tf.multiply),
    "QLinearSigmoid": _quantised_pointwise(lambda call, x: tf.sigmoid(x)),
    "QLinearSoftmax": _quantised_pointwise(lambda call, x: tf.nn.softmax(x, call.attr("axis", -1))),
}
IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"QLinearConv": quantised_conv}
