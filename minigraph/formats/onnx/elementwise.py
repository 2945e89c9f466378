"""Importers of elementwise operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core import types as T
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.library import from_onnx_dtype, limits
from minigraph.ops.broadcast import BroadcastTo
from minigraph.ops.builder import apply
from minigraph.ops.math.integer_division import FloorDiv

Function = Callable[..., Tensor]


def _pointwise(function: Function) -> Callable[[OnnxNode], Result]:
    return lambda call: call.spread(function)


def _binary(function: Function) -> Callable[[OnnxNode], Result]:
    """A function of two operands that broadcast; before operator set 7, only as the attribute `broadcast` says."""
    return lambda call: call.spread(function) if call.opset >= 7 else _aligned(call, function)


def _aligned(call: OnnxNode, function: Function) -> Result:
    """Before operator set 7: the second operand's axes match the first's from `axis` on, by default its last."""
    first, second = call.shape(0), call.shape(1)
    if not call.attr("broadcast", 0):
        if len(first) != len(second) or any(None not in (a, b) and a != b for a, b in zip(first, second, strict=True)):
            call.unsupported(f"broadcast=0 takes operands of one shape, not {call.type(0)} and {call.type(1)}")
        return call.spread(function)
    axis = call.attr("axis", len(first) - len(second))
    y = call.x(1)
    for _ in range(len(first) - len(second) - (axis + len(first) if axis < 0 else axis)):
        y = tf.expand_dims(y, -1)
    return function(call.x(0), y)


def _folded(function: Function) -> Callable[[OnnxNode], Result]:
    """A binary function applied to any number of operands."""
    return lambda call: call.spread(lambda *xs: reduce(function, xs) if len(xs) > 1 else tf.identity(xs[0]))


def like(x: Tensor, value: float) -> Tensor:
    """A scalar of the dtype of `x`."""
    return tf.constant(np.asarray(value, x.dtype.np_dtype))


# activations


def _leaky_relu(call: OnnxNode) -> Result:
    alpha = call.attr("alpha", 0.01)
    return call.spread(lambda x: tf.nn.leaky_relu(x, alpha))


def _prelu(call: OnnxNode) -> Result:
    def prelu(x: Tensor, slope: Tensor) -> Tensor:
        scaled = x * slope
        return select(x < like(x, 0), scaled, x)

    slope = call.shape(1)
    if call.opset < 7 and len(slope) == 1 and slope != (1,):  # one slope per channel
        return prelu(call.x(), tf.reshape(call.x(1), [-1] + [1] * (call.rank() - 2)))
    return call.spread(prelu)


def _elu(call: OnnxNode) -> Result:
    alpha = call.attr("alpha", 1.0)
    return call.spread(lambda x: tf.nn.elu(x) if alpha == 1 else scaled_elu(x, alpha))


def scaled_elu(x: Tensor, alpha: float, inner: float = 1.0) -> Any:
    """x for x ≥ 0, else alpha·(e^(inner·x) − 1)."""
    below = tf.minimum(x, like(x, 0))
    return tf.nn.relu(x) + like(x, alpha) * tf.nn.elu(below * like(x, inner))


def _selu(call: OnnxNode) -> Result:
    alpha, gamma = call.attr("alpha", 1.6732632423543772), call.attr("gamma", 1.0507009873554805)
    return call.spread(lambda x: like(x, gamma) * scaled_elu(x, alpha))


def _celu(call: OnnxNode) -> Result:
    alpha = call.attr("alpha", 1.0)
    return call.spread(lambda x: scaled_elu(x, alpha, 1 / alpha))


def _thresholded_relu(call: OnnxNode) -> Result:
    alpha = call.attr("alpha", 1.0)
    return call.spread(lambda x: select(x > like(x, alpha), x, tf.zeros_like(x)))


def _hard_sigmoid(call: OnnxNode) -> Result:
    return call.spread(lambda x: hard_sigmoid(x, call.attr("alpha", 0.2), call.attr("beta", 0.5)))


def hard_sigmoid(x: Tensor, alpha: float, beta: float) -> Tensor:
    """alpha·x + beta, clipped to [0, 1]."""
    return tf.clip_by_value(x * like(x, alpha) + like(x, beta), like(x, 0), like(x, 1))


def gelu(x: Tensor) -> Any:
    """x·Φ(x), by the error function."""
    return like(x, 0.5) * x * (like(x, 1) + tf.erf(x * like(x, 0.5**0.5)))


def _gelu(call: OnnxNode) -> Result:
    def close(x: Tensor) -> Any:
        inner = like(x, (2 / np.pi) ** 0.5) * (x + like(x, 0.044715) * x * x * x)
        return like(x, 0.5) * x * (like(x, 1) + tf.tanh(inner))

    return call.spread(close if call.attr("approximate", "none") == "tanh" else gelu)


def _shrink(call: OnnxNode) -> Result:
    bias, bound = call.attr("bias", 0.0), call.attr("lambd", 0.5)

    def shrink(x: Tensor) -> Tensor:
        zero = tf.zeros_like(x)
        upper = select(x > like(x, bound), x - like(x, bias), zero)
        return select(x < like(x, -bound), x + like(x, bias), upper)

    return call.spread(shrink)


def _clip(call: OnnxNode) -> Result:
    limits: list[Any] = [call.attr("min", None), call.attr("max", None)] if call.opset < 11 else [None, None]

    def clip(x: Tensor) -> Tensor:
        for i, cut in enumerate((tf.maximum, tf.minimum)):
            if call.has(i + 1):
                x = cut(x, call.x(i + 1))
            elif limits[i] is not None:
                x = cut(x, like(x, limits[i]))
        return x

    return call.spread(clip, 0) if call.has(1) or call.has(2) or limits != [None, None] else call.value()


# arithmetic


def _div(x: Tensor, y: Tensor) -> Any:
    """ONNX divides integers towards zero."""
    if not x.dtype.is_integer:
        return tf.truediv(x, y)
    if x.dtype.np_dtype.kind == "u":
        return apply(FloorDiv(), x, y)
    return apply(FloorDiv(), tf.abs(x), tf.abs(y)) * tf.sign(x) * tf.sign(y)


def _mod(call: OnnxNode) -> Result:
    def fmod(x: Tensor, y: Tensor) -> Any:
        rest = tf.floormod(tf.abs(x), tf.abs(y))
        return rest * tf.sign(x)

    return call.spread(fmod if call.attr("fmod", 0) else tf.floormod)


def _pow(call: OnnxNode) -> Result:
    def power(x: Tensor, y: Tensor) -> Tensor:
        if x.dtype is y.dtype:
            return tf.pow(x, y)
        wide = tf.float64 if y.dtype.is_floating and not x.dtype.is_floating else x.dtype
        return tf.cast(tf.pow(tf.cast(x, wide), tf.cast(y, wide)), x.dtype)

    return _binary(power)(call)


# comparisons and choice


def _is_inf(call: OnnxNode) -> Result:
    signs = [s for s, on in ((1, call.attr("detect_positive", 1)), (-1, call.attr("detect_negative", 1))) if on]

    def is_inf(x: Tensor) -> Tensor:
        if not signs:
            return tf.not_equal(x, x)
        return reduce(tf.logical_or, [tf.equal(x, like(x, s * np.inf)) for s in signs])

    return call.spread(lambda x: tf.logical_and(tf.logical_not(tf.is_nan(x)), is_inf(x)))


def select(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """x where `condition` holds, else y; all broadcast to one shape first."""
    shapes = {t.type.shape for t in (condition, x, y)}
    if len(shapes) > 1 or None in shapes:
        condition, x, y = (_spread_to(t, [condition, x, y]) for t in (condition, x, y))
    return tf.where(condition, x, y)


def _spread_to(tensor: Tensor, others: list[Tensor]) -> Tensor:
    """`tensor`, broadcast with all of `others`."""
    shape: Any = reduce(T.broadcast, (t.type.shape for t in others))
    if shape is not None and None not in shape:
        return tensor if tensor.type.shape == shape else apply(BroadcastTo(shape), tensor)
    if tensor.dtype == tf.bool:
        flags = [tf.equal(tf.zeros_like(t), tf.zeros_like(t)) for t in others if t is not tensor]
        return reduce(tf.logical_and, flags, tensor)
    zeros = [tf.cast(tf.zeros_like(t), tensor.dtype) for t in others if t is not tensor]
    return reduce(tf.add, zeros, tensor)


def _cast(call: OnnxNode) -> Result:
    dtype = from_onnx_dtype(call.attr("to"))
    return _converted(call, dtype)


def _converted(call: OnnxNode, dtype: Any) -> Result:
    """Unless `saturate` is 0, numbers too large for an 8-bit dtype become its largest number; NaN stays NaN."""
    saturates = dtype.name.startswith("float8") and call.attr("saturate", 1)

    def convert(x: Tensor) -> Tensor:
        if saturates:
            low, high = limits(dtype)
            wide = tf.cast(x, tf.float32)
            x = tf.minimum(tf.maximum(wide, like(wide, low)), like(wide, high))
            if dtype.name == "float8_e8m0fnu":
                x = _power_of_two(x, dtype, call.attr("round_mode", "up"))
        if dtype == tf.bool and x.dtype != tf.bool:
            return tf.not_equal(x, like(x, 0))
        return tf.cast(x, dtype)

    return call.spread(convert, 0)


def _power_of_two(x: Tensor, dtype: Any, mode: str) -> Any:
    """`x` rounded to a power of two that the dtype has: up, down, or to the nearest one."""
    nearest = tf.cast(tf.cast(x, dtype), x.dtype)
    if mode == "nearest":
        return nearest
    if mode == "up":
        return select(nearest < x, nearest * like(x, 2), nearest)
    return select(nearest > x, nearest * like(x, 0.5), nearest)


def _cast_like(call: OnnxNode) -> Result:
    array, dtype = call.value(0).array, call.type(1).dtype
    if array is not None and not dtype.name.startswith("float8"):
        return array.astype(dtype.np_dtype)
    return _converted(call, dtype)


def _dropped(call: OnnxNode, ratio: float) -> Result:
    if not call.in_graph:
        call.unsupported("whether it drops elements at random must be known when the graph is built")
    x, seed = call.x(), call.attr("seed", None)
    mask = tf.random_uniform(tf.shape(x), seed=seed) >= np.float32(ratio)
    return [select(mask, x * like(x, 1 / (1 - ratio)), tf.zeros_like(x)), mask]


def _dropout(call: OnnxNode) -> Result:
    """At inference the input and a mask of True; in training a random mask, and the scaled elements that it keeps."""
    training = bool(call.has(2) and call.array(2))
    ratio = float(call.array(1)) if call.has(1) and training else 0.0
    if training and ratio > 0:
        return _dropped(call, ratio)
    if not call.wants(1):
        return call.value()
    mask = tf.equal(tf.zeros_like(call.x()), tf.zeros_like(call.x()))
    return [call.value(), mask]


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "Abs": _pointwise(tf.abs),
    "Acos": _pointwise(tf.acos),
    "Acosh": _pointwise(tf.acosh),
    "Add": _binary(tf.add),
    "And": _binary(tf.logical_and),
    "Asin": _pointwise(tf.asin),
    "Asinh": _pointwise(tf.asinh),
    "Atan": _pointwise(tf.atan),
    "Atanh": _pointwise(tf.atanh),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Ceil": _pointwise(tf.ceil),
    "Celu": _celu,
    "Clip": _clip,
    "Cos": _pointwise(tf.cos),
    "Cosh": _pointwise(tf.cosh),
    "Div": _binary(_div),
    "Dropout": _dropout,
    "Elu": _elu,
    "Equal": _binary(tf.equal),
    "Erf": _pointwise(tf.erf),
    "Exp": _pointwise(tf.exp),
    "Floor": _pointwise(tf.floor),
    "Gelu": _gelu,
    "Greater": _binary(tf.greater),
    "GreaterOrEqual": _pointwise(tf.greater_equal),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _pointwise(lambda x: x * hard_sigmoid(x, 1 / 6, 0.5)),
    "Identity": lambda call: call.value(),
    "IsInf": _is_inf,
    "IsNaN": _pointwise(tf.is_nan),
    "LeakyRelu": _leaky_relu,
    "Less": _binary(tf.less),
    "LessOrEqual": _pointwise(tf.less_equal),
    "Log": _pointwise(tf.log),
    "Max": _folded(tf.maximum),
    "Mean": lambda call: call.spread(lambda *xs: reduce(tf.add, xs) * like(xs[0], 1 / len(xs))),
    "Min": _folded(tf.minimum),
    "Mish": _pointwise(lambda x: x * tf.tanh(tf.nn.softplus(x))),
    "Mod": _mod,
    "Mul": _binary(tf.multiply),
    "Neg": _pointwise(tf.negative),
    "Not": _pointwise(tf.logical_not),
    "Or": _binary(tf.logical_or),
    "PRelu": _prelu,
    "Pow": _pow,
    "Reciprocal": _pointwise(tf.reciprocal),
    "Relu": _pointwise(tf.nn.relu),
    "Round": _pointwise(tf.round),
    "Selu": _selu,
    "Shrink": _shrink,
    "Sigmoid": _pointwise(tf.sigmoid),
    "Sign": _pointwise(tf.sign),
    "Sin": _pointwise(tf.sin),
    "Sinh": _pointwise(tf.sinh),
    "Softplus": _pointwise(tf.nn.softplus),
    "Softsign": _pointwise(tf.nn.softsign),
    "Sqrt": _pointwise(tf.sqrt),
    "Sub": _binary(tf.subtract),
    "Sum": _folded(tf.add),
    "Tan": _pointwise(tf.tan),
    "Tanh": _pointwise(tf.tanh),
    "ThresholdedRelu": _thresholded_relu,
    "Where": _pointwise(select),
    "Xor": _binary(tf.logical_xor),
}
