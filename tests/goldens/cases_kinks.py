"""NaN, ties and kinks, and gradients where rules are easily wrong: see ``cases.py`` for the rules of these files."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases_ops import add, f32, normal, positive

_NAN, _INF = np.nan, np.inf
_KINKS = f32([-_INF, -7, -6, -1, -1e-30, -0.0, 0, 1e-30, 1, 5.999, 6, 6.001, 7, _INF, -2, -2.5, 2.5, 3, 20, -20, 0.5])

# Kinks of activations and clips.

for _name in ("relu", "relu6", "elu", "selu", "leaky_relu", "crelu"):
    add("kinks_" + _name, lambda tf, x, n=_name: getattr(tf.nn, n)(x), _KINKS)
for _name in ("softplus", "softsign", "sigmoid", "tanh"):
    add("kinks_" + _name, lambda tf, x, n=_name: getattr(tf.nn, n)(x), _KINKS[1:13])
add("kinks_log_sigmoid", lambda tf, x: tf.log_sigmoid(x), _KINKS[1:13])
add("kinks_abs", lambda tf, x: [tf.abs(x), tf.sign(x), tf.square(x)], _KINKS)
add("kinks_clip", lambda tf, x: [tf.clip_by_value(x, -1.0, 6.0), tf.minimum(tf.maximum(x, -1.0), 6.0)], _KINKS)
add("kinks_clip_tensors", lambda tf, x, a, b: tf.clip_by_value(x, a, b), _KINKS, f32(-1) * np.ones(21, np.float32),
    np.linspace(-1, 6, 21).astype(np.float32))  # fmt: skip
add("kinks_huber", lambda tf, x: tf.losses.huber_loss(tf.zeros([5]), x, reduction="none"), f32([-1, 0, 1, 0.999, 1.5]))
add("kinks_hinge", lambda tf, x: tf.losses.hinge_loss(f32([1, 1, 0, 0]), x, reduction="none"), f32([1, 0.5, -1, 2]))
add("kinks_absolute", lambda tf, x: tf.losses.absolute_difference(f32([1, 2, 3]), x, reduction="none"), f32([1, 5, 2]))
add("kinks_relu_second", lambda tf, x: tf.nn.relu(x) * x, f32([-1, -0.0, 0, 2]), second=True)
add("kinks_sigmoid_xent", lambda tf, z, x: tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x),
    f32([0, 1, 0.5, 0, 1]), f32([0, 0, 0, -0.0, -0.0]))  # fmt: skip

# Ties.

_PAIRS = f32([1, 2, 0, -0.0, 3, -1]), f32([1, 1, -0.0, 0, 4, -1])
for _name in ("maximum", "minimum"):
    add("ties_" + _name, lambda tf, x, y, n=_name: [getattr(tf, n)(x, y), getattr(tf, n)(x, 1.0), getattr(tf, n)(1.0, x)],
        *_PAIRS)  # fmt: skip
    add("ties_broadcast_" + _name, lambda tf, x, y, n=_name: getattr(tf, n)(x, y), f32([[1, 2], [2, 1]]), f32([1, 2]))
_TABLE = f32([[3, 1, 3, 3], [0, 0, -0.0, 0], [5, 4, 4, 1], [-2, -2, -2, -1]])
for _name in ("max", "min"):
    add("ties_reduce_" + _name, lambda tf, x, n=_name: [getattr(tf, "reduce_" + n)(x), getattr(tf, "reduce_" + n)(x, [0]),
        getattr(tf, "reduce_" + n)(x, 1, keepdims=True)], _TABLE)  # fmt: skip
add("ties_arg", lambda tf, x: [tf.argmax(x, 1), tf.argmin(x, 1), tf.argmax(x, 0), tf.argmin(x, 0)], _TABLE)
add("ties_top_k", lambda tf, x: list(tf.nn.top_k(x, 3)), _TABLE)
add("ties_sort", lambda tf, x: [tf.sort(x), tf.argsort(x, stable=True), tf.sort(x, direction="DESCENDING")], _TABLE)
add("ties_pool_rows", lambda tf, x: tf.nn.max_pool(x, [1, 1, 3, 1], [1, 1, 1, 1], "SAME"), _TABLE.reshape(1, 4, 4, 1))
add("ties_pool_channels", lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 1, 1, 1], "VALID"),
    np.tile(_TABLE.reshape(1, 4, 4, 1), [2, 1, 1, 3]))  # fmt: skip
add("ties_pool_argmax", lambda tf, x: list(tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")),
    _TABLE.reshape(1, 4, 4, 1))  # fmt: skip
add("ties_pool_relu", lambda tf, x: tf.nn.max_pool(tf.nn.relu(x), [1, 2, 2, 1], [1, 2, 2, 1], "VALID"),
    f32([[-1, -2, 0, -3], [-4, -1, -0.0, 0], [1, 1, -1, 2], [0, 1, 2, 2]]).reshape(1, 4, 4, 1))  # fmt: skip
add("ties_pool3d", lambda tf, x: tf.nn.max_pool3d(x, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "VALID"),
    np.tile(_TABLE.reshape(1, 4, 4, 1, 1), [1, 1, 1, 2, 1]))  # fmt: skip

# NaN.

_HOLES = f32([[1, _NAN, 2, 0], [_NAN, 5, _NAN, _INF], [3, 4, 1, 0]])
add(
    "nan_pointwise",
    lambda tf, x: [tf.nn.relu6(x), tf.nn.elu(x), tf.nn.selu(x), tf.abs(x), tf.sign(x), tf.square(x)],
    _HOLES,
)
add("nan_leaky_relu", lambda tf, x: tf.nn.leaky_relu(x), _HOLES)
add("nan_clip", lambda tf, x: tf.clip_by_value(x, -1.0, 2.0), _HOLES)
add(
    "nan_maximum",
    lambda tf, x, y: [tf.maximum(x, y), tf.minimum(x, y)],
    f32([_NAN, 1, _NAN, 2]),
    f32([1, _NAN, _NAN, 3]),
)
add("nan_sums", lambda tf, x: [tf.reduce_sum(x, 1), tf.reduce_mean(x, 1), tf.reduce_prod(x, 1)], _HOLES)
for _name in ("max", "min"):
    add("nan_reduce_" + _name, lambda tf, x, n=_name: getattr(tf, "reduce_" + n)(x, 1), _HOLES)
for _name in ("argmax", "argmin"):
    add("nan_" + _name, lambda tf, x, n=_name: getattr(tf, n)(x, 1), _HOLES)
add("nan_max_pool", lambda tf, x: tf.nn.max_pool(x, [1, 1, 2, 1], [1, 1, 2, 1], "VALID"), _HOLES.reshape(1, 3, 4, 1))
add("nan_softmax", lambda tf, x: [tf.nn.softmax(x), tf.nn.log_softmax(x)], f32([[1, _NAN, 2], [0, 1, 2]]))
add("nan_compare", lambda tf, x, y: [x < y, x >= y, tf.equal(x, x), tf.not_equal(x, x), tf.is_nan(x), tf.is_finite(x)],
    _HOLES, _HOLES[:, ::-1].copy())  # fmt: skip
add("nan_where", lambda tf, x: tf.where(tf.is_nan(x), tf.zeros_like(x), x * 2.0), f32([1, _NAN, 2]))
add("nan_unselected", lambda tf, x: tf.where(x > 0, tf.log(x), x), f32([1, 0, -2]))
add("inf_softmax", lambda tf, x: [tf.nn.softmax(x), tf.reduce_logsumexp(x, 1)], f32([[1, -_INF, 2], [300, 0, -300]]))

# Gradients at zero.

_ZERO = f32([[2, 0, 3, 4], [0, 0, 5, 1], [1, 2, 3, 4], [0, 1, 0, 2]])
add("zero_cumprod", lambda tf, x: tf.cumprod(x, 1), f32([[2, 3, 4], [1, -2, 5]]), second=True)
add("zero_cumprod_exclusive", lambda tf, x: [tf.cumprod(x, 1, exclusive=True), tf.cumprod(x, 0, reverse=True),
    tf.cumprod(x, 1, exclusive=True, reverse=True)], positive(3, 4))  # fmt: skip
add("zero_reduce_prod", lambda tf, x: [tf.reduce_prod(x, 1), tf.reduce_prod(x), tf.reduce_prod(x, [0], keepdims=True)], _ZERO,
    second=True)  # fmt: skip
add("zero_reduce_prod_ranks", lambda tf, x: [tf.reduce_prod(x, [0, 2]), tf.reduce_prod(x, -1)],
    f32(np.arange(24) % 5 - 1).reshape(2, 3, 4), second=True)  # fmt: skip
add("zero_powers", lambda tf, x: [tf.pow(x, 2.0), tf.pow(x, 3.0), x**1], f32([0, -0.0, 1, -2]), second=True)
add("zero_power_zero", lambda tf, x: [tf.pow(x, 0.0), x**0], f32([0, 1, -2, 3]), second=True)
add("zero_power_both", lambda tf, x, y: tf.pow(x, y), f32([0, 0, 1, 2, 4]), f32([0, 2, 0, 3, 0.5]))
add("zero_power_half", lambda tf, x: tf.pow(x, 0.5), f32([0, 1, 4]))
add("zero_sqrt", lambda tf, x: tf.sqrt(x), f32([0, 1, 4, 1e-20]))
add("zero_rsqrt", lambda tf, x: [tf.rsqrt(x), tf.reciprocal(x)], f32([0, 1, 4]))
add("zero_log", lambda tf, x: [tf.log(x), tf.log1p(x)], f32([0, 1, 2.5]))
add("zero_norm", lambda tf, x: [tf.norm(x), tf.norm(x, axis=1)], f32([[0, 0], [3, 4]]))
add("zero_norm_all", lambda tf, x: tf.norm(x), f32([0, 0, 0]))
add("zero_norm_orders", lambda tf, x: [tf.norm(x, 1, axis=1), tf.norm(x, np.inf, axis=1)], f32([[0, 0], [3, -3]]))
add("zero_global_norm", lambda tf, x: tf.global_norm([x]), f32([0, 0]))
add("zero_l2_normalize", lambda tf, x: tf.nn.l2_normalize(x, 1), f32([[0, 0], [3, 4], [1e-10, 0]]))
add(
    "zero_clip_by_norm",
    lambda tf, x: [tf.clip_by_norm(x, 1.0), tf.clip_by_norm(x, 1.0, axes=[1])],
    f32([[0, 0], [3, 4]]),
)
add("zero_clip_by_norm_all", lambda tf, x: tf.clip_by_norm(x, 2.0), f32([0, 0]))
add("zero_clip_by_average_norm", lambda tf, x: tf.stop_gradient(tf.clip_by_average_norm(x, 2.0)), f32([0, 1]))
add("zero_clip_by_global_norm", lambda tf, x, y: tf.clip_by_global_norm([x, y], 1.0)[0], f32([0, 0]), f32([0]))
add("zero_std", lambda tf, x: [tf.math.reduce_std(x, 1), tf.math.reduce_variance(x, 1)], f32([[2, 2, 2], [1, 2, 4]]))
add(
    "zero_divisions",
    lambda tf, x, y: [tf.div_no_nan(x, y), tf.stop_gradient(x / y)],
    f32([0, 1, -1, 2]),
    f32([0, 0, 0, 4]),
)
add("zero_batch_norm", lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o)[0], 2 * np.ones((2, 3, 2, 2), np.float32),
    f32([1, 2]), f32([0.5, -1]))  # fmt: skip
add("zero_moments", lambda tf, x: tf.nn.moments(x, [0]), f32([[1, 0], [1, 0], [1, 0]]))
add("zero_softmax_xent", lambda tf, y, x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x),
    f32([[0, 0, 0], [0, 1, 0], [0.2, 0.3, 0.5]]), f32([[0, 200, 0], [0, 200, 0], [-200, 0, 0]]), second=True)  # fmt: skip
add(
    "zero_cosine",
    lambda tf, x, y: tf.losses.cosine_distance(x, y, axis=1),
    f32([[0, 0], [1, 0]]),
    f32([[1, 2], [0, 0]]),
)

# Gradients of selections and of what is empty.

add("where_both", lambda tf, c, x: [tf.where(c, x, x * x), tf.where(c, x * 3.0, tf.ones_like(x))],
    np.array([True, False, True, False]), f32([1, 2, 3, 4]), second=True)  # fmt: skip
add("where_inner_rows", lambda tf, c, x, y: tf.where(c, x, y), np.array([True, False, True]), normal(3, 2, 2),
    normal(3, 2, 2, seed=1), second=True)  # fmt: skip
add("gather_repeated", lambda tf, x, i: [tf.gather(x, i), tf.gather(x, i, axis=1)], normal(3, 3), np.array([2, 0, 2, 2]),
    second=True)  # fmt: skip
add("segments_negative_last", lambda tf, x: tf.unsorted_segment_sum(x, [0, 1, -1], 2) * tf.reduce_sum(x), normal(3, 2),
    second=True)  # fmt: skip
add("empty_filters", lambda tf, x, w: tf.nn.conv2d(tf.stop_gradient(x), w, [1, 1, 1, 1], "SAME"), normal(2, 4, 4, 3),
    np.zeros((3, 3, 3, 0), np.float32))  # fmt: skip
add("empty_batch_conv", lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 2, 1], "VALID"), np.zeros((0, 5, 5, 2), np.float32),
    normal(3, 3, 2, 4))  # fmt: skip
add("empty_batch_pool", lambda tf, x: [tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), tf.nn.relu(x)],
    np.zeros((0, 5, 5, 2), np.float32))  # fmt: skip
add("empty_rows", lambda tf, x, y: [tf.matmul(x, y), tf.reduce_sum(x, 0), tf.nn.softmax(x), tf.concat([x, x], 0)],
    np.zeros((0, 3), np.float32), normal(3, 2))  # fmt: skip
add("empty_xent", lambda tf, y, x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x),
    np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))  # fmt: skip
add(
    "empty_slices",
    lambda tf, x: [x[:, 2:2], tf.reshape(x[:0], [0, 6]), tf.pad(x[:, :0], [[0, 0], [1, 2]])],
    normal(2, 3),
)
add("batch_norm_channels_last", lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o, data_format="NHWC")[0],
    normal(2, 3, 4, 2), f32([1, 2]), f32([0, 1]), second=True)  # fmt: skip
