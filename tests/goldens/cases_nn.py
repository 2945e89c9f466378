"""The wider tf.nn: see ``cases.py`` for the rules of these files.

Tests `ops/nn/`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of, shape_of
from cases_ops import add, f32, normal, positive

_X = normal(2, 7, 6, 2)

# Activations.

add("crelu", lambda tf, x: tf.nn.crelu(x), normal(2, 3))
add("swish", lambda tf, x: tf.nn.swish(x), normal(2, 3))
add("relu6_ends", lambda tf, x: tf.nn.relu6(x), f32([-1, 0, 3, 6, 6.5]))
add("leaky_relu_alpha", lambda tf, x: tf.nn.leaky_relu(x, alpha=0.01), f32([-2, -0.0, 0, 3]))
add("div_no_nan", lambda tf, x, y: tf.div_no_nan(x, y), f32([1, 2, 0, -3]), f32([2, 0, 0, 4]))

# Convolutions.

for _padding in ("SAME", "VALID"):
    for _stride in (1, 2):
        _name = "%s_%d" % (_padding.lower(), _stride)
        add(
            "depthwise_conv2d_" + _name,
            lambda tf, x, w, s=_stride, p=_padding: tf.nn.depthwise_conv2d(x, w, [1, s, s, 1], p),
            _X,
            normal(3, 2, 2, 3),
        )
        add(
            "conv2d_transpose_" + _name,
            lambda tf, x, w, s=_stride, p=_padding: tf.nn.conv2d_transpose(
                x, w, [2, 7, 6, 2], [1, s, s, 1], padding=p
            ),
            normal(2, *{"SAME_1": (7, 6), "SAME_2": (4, 3), "VALID_1": (5, 5), "VALID_2": (3, 3)}[_name.upper()], 3),
            normal(3, 2, 2, 3),
        )  # fmt: skip
add("depthwise_conv2d_rate", lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", rate=[2, 2]), _X,
    normal(3, 3, 2, 1))  # fmt: skip
add("separable_conv2d_same", lambda tf, x, w, p: tf.nn.separable_conv2d(x, w, p, [1, 2, 2, 1], "SAME"), _X,
    normal(3, 3, 2, 2), normal(1, 1, 4, 3))  # fmt: skip
add("conv2d_transpose_dynamic",
    lambda tf, x, w: tf.nn.conv2d_transpose(x, w, tf.stack([tf.shape(x)[0], 6, 8, 2]), 2), normal(2, 3, 4, 3),
    normal(3, 3, 2, 3))  # fmt: skip
add("conv2d_backprop_input",
    lambda tf, w, g: tf.nn.conv2d_backprop_input([2, 7, 6, 2], w, g, [1, 2, 2, 1], "SAME"), normal(3, 3, 2, 3),
    normal(2, 4, 3, 3))  # fmt: skip
add("conv2d_backprop_filter",
    lambda tf, x, g: tf.nn.conv2d_backprop_filter(x, [3, 3, 2, 3], g, [1, 2, 2, 1], "SAME"), _X,
    normal(2, 4, 3, 3))  # fmt: skip
add("atrous_conv2d_valid", lambda tf, x, w: tf.nn.atrous_conv2d(x, w, 2, "VALID"), _X, normal(3, 2, 2, 3))
add("convolution_strided", lambda tf, x, w: tf.nn.convolution(x, w, "SAME", strides=[2, 1]), _X, normal(3, 2, 2, 3))
add("convolution_dilated", lambda tf, x, w: tf.nn.convolution(x, w, "VALID", dilation_rate=[2, 1]), _X,
    normal(3, 2, 2, 3))  # fmt: skip
add("convolution_1d", lambda tf, x, w: tf.nn.convolution(x, w, "SAME"), normal(2, 7, 3), normal(3, 3, 2))

# Pooling.

add("max_pool_with_argmax", lambda tf, x: list(tf.nn.max_pool_with_argmax(x, [1, 3, 2, 1], [1, 2, 2, 1], "SAME")), _X)
add("max_pool_with_argmax_batch", lambda tf, x: list(tf.nn.max_pool_with_argmax(
    x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID", include_batch_in_index=True)), _X)  # fmt: skip
for _padding in ("SAME", "VALID"):
    _name = _padding.lower()
    add("max_pool3d_" + _name, lambda tf, x, p=_padding: tf.nn.max_pool3d(x, [1, 2, 3, 2, 1], [1, 2, 1, 2, 1], p),
        normal(1, 5, 4, 5, 2))  # fmt: skip
    add("avg_pool3d_" + _name, lambda tf, x, p=_padding: tf.nn.avg_pool3d(x, [1, 2, 3, 2, 1], [1, 2, 1, 2, 1], p),
        normal(1, 5, 4, 5, 2))  # fmt: skip
    add("pool1d_" + _name, lambda tf, x, p=_padding: [tf.nn.max_pool1d(x, 3, 2, p), tf.nn.avg_pool1d(x, 3, 2, p)],
        normal(2, 7, 3))  # fmt: skip
    add("pool_" + _name, lambda tf, x, p=_padding: [
        tf.nn.pool(x, [3, 2], "MAX", p, strides=[2, 1]), tf.nn.pool(x, [2, 2], "AVG", p)], _X)  # fmt: skip

# Losses, statistics, look-ups.

add("weighted_xent", lambda tf, z, x: tf.nn.weighted_cross_entropy_with_logits(labels=z, logits=x, pos_weight=3.0),
    f32([0, 1, 0, 1, 0.5]), f32([0, 0, -30, 30, -3]))  # fmt: skip
add("log_poisson_loss", lambda tf, z, c: [tf.nn.log_poisson_loss(z, c), tf.nn.log_poisson_loss(z, c, True)],
    f32([0, 0.5, 1, 3]), f32([0, 1, -1, 0.5]))  # fmt: skip
add("zero_fraction", lambda tf, x: tf.nn.zero_fraction(x), f32([[0, 1, 0], [2, 0, 3]]))
add("statistics", lambda tf, x: list(tf.nn.sufficient_statistics(x, [0, 2]))[:3], normal(2, 3, 4))
add("statistics_shift", lambda tf, x: list(tf.nn.sufficient_statistics(x, [0, 2], shift=tf.constant(0.5)))[:3],
    normal(2, 3, 4))  # fmt: skip
add("normalize_moments", lambda tf, m, v: list(tf.nn.normalize_moments(6.0, m, v, tf.constant(0.5))), normal(3),
    positive(3) + 20)  # fmt: skip
add("weighted_moments", lambda tf, x, w: list(tf.nn.weighted_moments(x, [0], w)), normal(3, 4), positive(3, 4))
add("batch_norm_global", lambda tf, x, m, v, b, g: tf.nn.batch_norm_with_global_normalization(
    x, m, v, b, g, 1e-3, True), normal(2, 3, 4, 2), normal(2), positive(2), normal(2), positive(2))  # fmt: skip
add("top_k_rows", lambda tf, x: list(tf.nn.top_k(x, 3)), normal(2, 3, 5))
add("in_top_k_ties", lambda tf, x, t: [tf.nn.in_top_k(x, t, 1), tf.nn.in_top_k(x, t, 2)],
    f32([[1, 1, 0], [2, 1, 1], [0, np.inf, 1], [np.nan, 0, 0], [0, 3, 1]]), np.array([1, 2, 1, 2, 5]))  # fmt: skip
add("embedding_lookup_rank", lambda tf, x, i: tf.nn.embedding_lookup(x, i), normal(4, 2), np.array([[0, 3], [1, 1]]))

# Clipping.

add("clip_by_norm_axes", lambda tf, x: tf.clip_by_norm(x, 1.0, axes=[1]), normal(3, 4))
add("clip_by_norm_zero", lambda tf, x: tf.clip_by_norm(x, 1.0), np.zeros(3, np.float32))
add("global_norm", lambda tf, x, y: tf.global_norm([x, None, y]), normal(3, 4), normal(4))
add("clip_by_average_norm", lambda tf, x: tf.clip_by_average_norm(x, 0.1), normal(3, 4))
add("clip_by_global_norm_use", lambda tf, x, y: tf.clip_by_global_norm([x, y], 2.0, use_norm=tf.constant(5.0))[0],
    normal(3, 4), normal(4))  # fmt: skip


@case()
def names_of_nn(tf: Any) -> Results:
    """Names, types and static shapes."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 8, 8, 4])
        w = tf.constant(np.ones((3, 3, 4, 2), np.float32))
        deep = tf.constant(np.ones((1, 1, 8, 5), np.float32))
        logits = tf.placeholder(tf.float32, [None, 10])
        up = tf.constant(np.ones((3, 3, 2, 4), np.float32))
        size = tf.stack([tf.shape(x)[0], 16, 16, 2])
        direct = [
            tf.nn.relu6(x), tf.nn.selu(x), tf.nn.softsign(x), tf.nn.leaky_relu(x), tf.nn.elu(x), tf.nn.crelu(x),
            tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), tf.nn.top_k(logits, 3)[0],
            tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", name="mine"),
            tf.nn.separable_conv2d(x, w, deep, [1, 1, 1, 1], "SAME"),
            tf.nn.conv2d_transpose(x, up, [5, 16, 16, 2], [1, 2, 2, 1]),
            tf.nn.conv2d_transpose(x, up, size, [1, 2, 2, 1], name="up"),
            tf.nn.atrous_conv2d(x, w, 2, "SAME"), tf.nn.convolution(x, w, "SAME"),
            tf.nn.in_top_k(logits, [1, 2], 3), tf.nn.zero_fraction(x),
            tf.nn.weighted_cross_entropy_with_logits(labels=logits, logits=logits, pos_weight=2.0),
            tf.nn.embedding_lookup(deep[0, 0], [1, 2]), tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")[0],
            tf.clip_by_norm(x, 1.0), tf.global_norm([x]), tf.div_no_nan(x, x),
        ]  # fmt: skip
        clipped, norm = tf.clip_by_global_norm([x, logits], 1.0)
        return {
            "names": names_of([*direct, *clipped, norm]),
            "shapes": [shape_of(t) for t in direct],
            "top_k": [tf.nn.top_k(logits, 2).values.name, tf.nn.top_k(logits).indices.name],
        }


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error(
    "depthwise_channels",
    lambda tf: tf.nn.depthwise_conv2d(tf.zeros([1, 5, 5, 3]), tf.zeros([3, 3, 2, 1]), [1, 1, 1, 1], "SAME"),
    "3",
    "2",
)
_error("top_k_columns", lambda tf: tf.nn.top_k(tf.zeros([2, 3]), 4), "last dimension >= k = 4 but is 3")
_error("weighted_xent_shapes",
    lambda tf: tf.nn.weighted_cross_entropy_with_logits(labels=tf.zeros([2]), logits=tf.zeros([3]), pos_weight=2.0),
    "logits and labels must have the same shape")  # fmt: skip
_error("global_norm_no_list", lambda tf: tf.global_norm(tf.zeros([2])), "t_list should be a sequence")
_error("argmax_data_format",
    lambda tf: tf.nn.max_pool_with_argmax(tf.zeros([1, 2, 4, 4]), [1, 1, 2, 2], [1, 1, 2, 2], "SAME", "NCHW"),
    "NHWC")  # fmt: skip
