"""Number conversions, integers and small dtypes: see ``cases.py`` for the rules of these files.

Inputs have 19 elements or more, so that a vectorised loop has a body and a tail.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results
from cases_ops import add, f32, normal

_FRACTIONS = np.concatenate([np.linspace(-9.75, 9.75, 27), [-0.0, 0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 100.9, -100.9]])
_POSITIVE = np.abs(_FRACTIONS) + 20.25
_SIGNED, _UNSIGNED = ("int8", "int16", "int32", "int64"), ("uint8", "uint16")


def _casts(name: str, values: Any, targets: Any) -> None:
    add("cast_" + name, lambda tf, x: [tf.stop_gradient(tf.cast(x, getattr(tf, t))) for t in targets], values)


for _from in ("float16", "float32", "float64"):
    _casts(_from + "_to_signed", _FRACTIONS.astype(_from), _SIGNED)
    _casts(_from + "_to_unsigned", _POSITIVE.astype(_from), _UNSIGNED)
    _casts(_from + "_to_floats", _FRACTIONS.astype(_from), ("float16", "float32", "float64", "bool"))
_casts("int32_to_small", np.arange(-700, 700, 53).astype(np.int32), ("int8", "uint8", "int16", "uint16", "int64"))
_casts("int64_to_small", 2**33 + np.arange(-700, 700, 53), ("int8", "uint8", "int16", "int32"))
_casts("uint8_to_all", np.arange(0, 256, 11).astype(np.uint8), _SIGNED + ("uint16", "float16", "float32", "bool"))
_casts("int8_to_all", np.arange(-128, 128, 11).astype(np.int8), _UNSIGNED + ("int16", "int64", "float16", "bool"))
_casts("int32_to_floats", np.int32([2**24 + 1, 2**24 + 3, -(2**24) - 1, 2**31 - 1, -(2**31), 65519, 2049, 2051] * 3),
    ("float16", "float32", "float64"))  # fmt: skip
_casts("int64_to_floats", np.int64([2**53 + 1, 2**62 + 1, -(2**63), 2**40 + 2**15 + 1, 7] * 5), ("float32", "float64"))
_casts("bool_to_all", np.arange(21) % 3 == 0, _SIGNED + _UNSIGNED + ("float16", "float64"))
_casts("float64_to_small_floats", np.array([1e-50, 1e-40, 65519.9, 65520.0, 1e39, -1e39, np.inf, np.nan, 1 + 2**-11] * 3),
    ("float16", "float32"))  # fmt: skip
_casts(
    "float32_to_half_ties",
    f32([1 + 2**-11, 1 + 3 * 2**-11, 2**-24, 2**-25, 3 * 2**-25, 6e-8, 65504, -65520] * 3),
    ("float16",),
)

add("cast_gradients", lambda tf, x: [tf.cast(tf.cast(x, tf.float16), tf.float32) * 3.0, tf.cast(x, tf.float64) * 2.0],
    normal(21))  # fmt: skip
add("saturate_cast_floats", lambda tf, x: [tf.stop_gradient(tf.saturate_cast(x, getattr(tf, t))) for t in (
    "int8", "uint8", "int16", "uint16")], f32([-1e9, -40000, -200.5, -128, -1.5, -0.5, 0.5, 127.5, 254.9, 256, 7e4, 1e9] * 2))  # fmt: skip
add("saturate_cast_ints", lambda tf, x: [tf.saturate_cast(x, getattr(tf, t)) for t in ("int8", "uint8", "int16", "uint16")],
    np.int32([-(2**31), -40000, -129, -128, -1, 0, 127, 128, 255, 256, 40000, 70000, 2**31 - 1] * 2))  # fmt: skip
add("saturate_cast_double", lambda tf, x: tf.stop_gradient(tf.saturate_cast(x, tf.float32)),
    np.array([1e300, -1e300, 1e38, 1.5, -0.0] * 5))  # fmt: skip
add("convert_image_small", lambda tf, x: [tf.image.convert_image_dtype(x, t) for t in (tf.uint8, tf.float32, tf.int16)],
    np.arange(0, 60000, 2500).astype(np.uint16))  # fmt: skip
add("convert_image_brightness", lambda tf, x: tf.stop_gradient(tf.image.convert_image_dtype(x, tf.uint8, saturate=True)),
    f32(np.linspace(-0.2, 1.2, 37)))  # fmt: skip
add("adjust_brightness_bytes", lambda tf, x: [tf.image.adjust_brightness(x, 0.1), tf.image.adjust_contrast(x, 1.5)],
    np.arange(0, 240, 5).reshape(4, 4, 3).astype(np.uint8))  # fmt: skip

# Integers.

_NUMBERS = np.array([-9, -8, -7, -5, -3, -2, -1, 0, 1, 2, 3, 5, 7, 8, 9, 100, -100, 127, -127, 64, -64])
_DIVISORS = np.array([2, 3, -2, -3, 4, -4, 7])


def _divisions(tf: Any, x: Any, y: Any) -> Any:
    x, y = tf.expand_dims(x, 1), tf.expand_dims(y, 0)
    return [tf.floordiv(x, y), tf.mod(x, y), x // y, x % y, tf.floormod(x, y), tf.div(x, y)]


for _type in ("int32", "int64"):
    add("divisions_" + _type, _divisions, _NUMBERS.astype(_type), _DIVISORS.astype(_type))
for _type in ("int8", "int16", "uint8", "uint16"):
    _first = _NUMBERS if _type[0] == "i" else np.abs(_NUMBERS)
    _second = _DIVISORS if _type[0] == "i" else np.abs(_DIVISORS)
    add("divisions_" + _type, lambda tf, x, y: [tf.div(tf.expand_dims(x, 1), y), tf.expand_dims(x, 1) / y],
        _first.astype(_type), _second.astype(_type))  # fmt: skip
add("divisions_float32", lambda tf, x, y: [tf.stop_gradient(v) for v in _divisions(tf, x, y)],
    f32(_FRACTIONS), f32([2, -2, 0.75, -0.75, 3, np.inf, -np.inf]))  # fmt: skip
add("divisions_float64", lambda tf, x, y: [tf.stop_gradient(v) for v in _divisions(tf, x, y)],
    _FRACTIONS, np.array([2, -2, 0.75, -0.75, 3, np.inf, -np.inf]))  # fmt: skip
add("floors_of_quotients", lambda tf, x, y: [tf.stop_gradient(v) for v in (x // y, tf.floordiv(x, y), x % y, tf.floor(x / y))],
    f32([1, 0.3, 0.6, 6, -1, -0.3, 5, 0.7, 1e9, -0.0, 0, 3] * 2), f32([0.1, 0.1, 0.2, 0.1, 0.1, -0.1, 0, 0.1, 0.3, 2, -2, 0.3] * 2))  # fmt: skip
add(
    "floor_gradients",
    lambda tf, x, y: [x % y, tf.floordiv(x, y), tf.floor(x) * y],
    f32([-7.5, -2, 2.5, 7]),
    f32([2, 3, -2, 4]),
)
for _type in ("int32", "int64"):
    add("rounds_" + _type, lambda tf, x: [tf.round(x), tf.abs(x), tf.sign(x), tf.negative(x), tf.square(x)],
        np.concatenate([_NUMBERS, [2**30, -(2**30)]]).astype(_type) // (1 if _type == "int64" else 1))  # fmt: skip
add("rounds_float", lambda tf, x: [tf.round(x), tf.rint(x), tf.floor(x), tf.ceil(x), tf.sign(x)],
    np.concatenate([_FRACTIONS, [2**23 + 1, -(2**23) - 1, 0.49999997, 8388609.5]]).astype(np.float32))  # fmt: skip
add("rounds_half", lambda tf, x: [tf.round(x), tf.floor(x), tf.ceil(x), tf.rint(x)][:3], _FRACTIONS.astype(np.float16))
add("powers_of_ints", lambda tf, x: [tf.pow(x, 2), tf.pow(x, 3), tf.pow(2, tf.abs(x) // 10), x * x * x],
    _NUMBERS.astype(np.int32))  # fmt: skip
add("int_limits", lambda tf, x, y: [x + y, x - y, x * y, tf.maximum(x, y), tf.minimum(x, y)],
    np.int32([2**31 - 1, -(2**31), 2**30, -5, 0] * 5), np.int32([1, -1, 2, 7, -(2**31)] * 5))  # fmt: skip
add("byte_limits", lambda tf, x, y: [x + y, x * y, tf.expand_dims(x, 0) // y if False else x - y],
    np.uint8([255, 250, 128, 3, 0] * 5), np.uint8([1, 10, 2, 100, 0] * 5))  # fmt: skip
for _type in ("int32", "int64", "uint8", "int8", "int16"):
    add("reduced_" + _type, lambda tf, x: [tf.reduce_sum(x, 1), tf.reduce_max(x, 0), tf.reduce_min(x), tf.reduce_prod(x, 0),
        tf.reduce_mean(x, 1)], (np.arange(20).reshape(2, 10) % 7 - (3 if _type[0] == "i" else 0)).astype(_type))  # fmt: skip
add("cumulated_ints", lambda tf, x: [tf.cumsum(x), tf.cumsum(x, exclusive=True), tf.cumprod(x, reverse=True)],
    np.int32([3, -1, 2, 0, 5, -4, 1]))  # fmt: skip
add("ranges_of_types", lambda tf: [tf.range(5, dtype=tf.float64), tf.range(1, 2, 0.3), tf.range(10, 0, -3), tf.range(3, 3),
    tf.range(tf.constant(4, tf.int64)), tf.range(0.5, 3)])  # fmt: skip
add("compared_bytes", lambda tf, x, y: [x < y, x >= y, tf.equal(x, y), tf.argmax(x), tf.argmin(y)],
    np.uint8([200, 3, 128, 127, 255] * 5), np.uint8([3, 200, 128, 128, 0] * 5))  # fmt: skip

# float16: sums that stay in range. TensorFlow adds in float16, minigraph in float32: they differ by a few roundings.


def _half(name: str, build: Any, *inputs: Any) -> None:
    add("half_" + name, build, *inputs)
    CASES["op_half_" + name] = CASES["op_half_" + name]._replace(rtol=4e-3, atol=8e-3)


_HALF = normal(23, 7).astype(np.float16)
_half("sums", lambda tf, x: [tf.reduce_sum(x, 1), tf.reduce_mean(x, 0), tf.reduce_max(x), tf.cumsum(x)], _HALF)
_half("products", lambda tf, x, y: tf.matmul(x, y), _HALF, normal(7, 5).astype(np.float16))
_half("softmax", lambda tf, x: [tf.nn.softmax(x), tf.nn.log_softmax(x)], _HALF)
_half("pointwise", lambda tf, x: [tf.exp(x), tf.tanh(x), tf.sigmoid(x), tf.sqrt(tf.abs(x) + 1.0), x * x, x / 3.0, x - 1.0,
    tf.nn.relu6(x), tf.nn.elu(x)], _HALF)  # fmt: skip
_half("conv", lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 1, 1], "SAME"), normal(1, 5, 6, 2).astype(np.float16),
    normal(3, 3, 2, 3).astype(np.float16))  # fmt: skip
_half("pools", lambda tf, x: [tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 1, 1, 1],
    "VALID")], normal(1, 5, 6, 2).astype(np.float16))  # fmt: skip
_half("losses", lambda tf, y, x: [tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x), tf.nn.l2_loss(x)],
    np.array([0, 3, 6] + [1] * 20, np.int32), _HALF)  # fmt: skip
_half("batch_norm", lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o)[0], normal(2, 5, 4, 3).astype(np.float16),
    f32([1, 2, 3]), f32([0, 1, -1]))  # fmt: skip

# The sign of zero.


def _signs(name: str, build: Any, *inputs: Any) -> None:
    """Values of named results, and whether they have a minus sign."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            xs = [tf.placeholder(tf.as_dtype(v.dtype), v.shape) for v in inputs]
            results = session.run(build(tf, *xs), dict(zip(xs, inputs)))
            results.update({"minus " + k: np.signbit(v) for k, v in results.items()})
            return results

    CASES["signs_" + name] = Case(run, 2e-6, 2e-7)


def _odd(tf: Any, x: Any) -> Any:
    small = tf.clip_by_value(x, -2.0, 2.0)
    return dict(negative=tf.negative(x), sign=tf.sign(x), sin=tf.sin(small), tanh=tf.tanh(x), erf=tf.erf(x),
        expm1=tf.expm1(x), round=tf.round(x), floor=tf.floor(x), ceil=tf.ceil(x), rint=tf.rint(x))  # fmt: skip


_ZEROS = [0.0, -0.0, 1e-30, -1e-30, 1.5, -1.5, np.inf, -np.inf] * 3
for _type in ("float32", "float64"):
    _zeros = np.array(_ZEROS, _type)
    _signs(
        "even_" + _type,
        lambda tf, x: dict(abs=tf.abs(x), square=tf.square(x), relu=tf.nn.relu(-tf.abs(x) - 1.0)),
        _zeros,
    )
    _signs("odd_" + _type, _odd, _zeros)
    _signs("activations_" + _type, lambda tf, x: dict(relu=tf.nn.relu(x), relu6=tf.nn.relu6(x), elu=tf.nn.elu(x),
        selu=tf.nn.selu(x), leaky_relu=tf.nn.leaky_relu(x)), _zeros)  # fmt: skip
    _signs("arithmetic_" + _type, lambda tf, x: {"x + 0": x + 0.0, "x - 0": x - 0.0, "0 - x": 0.0 - x, "x * 1": x * 1.0,
        "x / 2": x / 2.0, "0 + x": 0.0 + x, "x * 2": x * 2.0}, _zeros)  # fmt: skip
    _signs("roots_" + _type, lambda tf, x: {"sqrt": tf.sqrt(x), "1 / x": 1.0 / x, "reciprocal": tf.reciprocal(x),
        "rsqrt": tf.rsqrt(tf.abs(x))}, _zeros)  # fmt: skip
_signs("products", lambda tf, x, y: {"x * y": x * y, "x + y": x + y, "x - y": x - y, "x / (y + 1)": x / (y + 1.0)},
    f32([0, -0.0, 0, -0.0] * 5), f32([0, 0, -0.0, -0.0] * 5))  # fmt: skip
_signs("moved", lambda tf, x: dict(reverse=tf.reverse(x, [0]), concat=tf.concat([x[3:], x[:3]], 0), where=tf.where(x < 0, -x, x),
    identity=tf.identity(x), transpose=tf.transpose(tf.reshape(x, [6, 4]))), f32(_ZEROS))  # fmt: skip
_signs("constants", lambda tf, x: dict(mixed=x * tf.constant([0.0, -0.0] * 12), minus=tf.constant([-0.0] * 24),
    added=x * 0.0 + tf.constant(-0.0)), f32([1, -1, 2, -2] * 6))  # fmt: skip
