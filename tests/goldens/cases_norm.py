"""Batch normalisation, and convolution in one and three dimensions: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_ops import add, f32, normal, positive

for _padding in ("SAME", "VALID"):
    for _stride in (1, 2):
        _name = "%s_%d" % (_padding.lower(), _stride)
        add("conv1d_" + _name, lambda tf, x, w, s=_stride, p=_padding: tf.nn.conv1d(x, w, s, p), normal(2, 7, 2),
            normal(3, 2, 3), second=_stride == 2)  # fmt: skip
        add("conv3d_" + _name, lambda tf, x, w, s=_stride, p=_padding: tf.nn.conv3d(x, w, [1, s, s, 1, 1], p),
            normal(2, 5, 4, 3, 2), normal(3, 2, 3, 2, 2))  # fmt: skip

for _padding, _sizes in (("SAME", [2, 3, 4, 5, 2]), ("VALID", [2, 7, 5, 6, 2]), ("VALID", [2, 8, 5, 6, 2])):
    add("conv3d_transpose_%s_%d" % (_padding.lower(), _sizes[1]), lambda tf, x, w, s=_sizes, p=_padding: (
        tf.nn.conv3d_transpose(x, w, s, [1, 2, 2, 1, 1], p)), normal(2, 2 + (_sizes[1] > 3), 2, 5, 3),
        normal(3, 2, 1 if _padding == "SAME" else 2, 2, 3), second=_padding == "SAME")  # fmt: skip

_X = normal(2, 3, 4, 2)
_MEAN, _VARIANCE = f32([0.5, -1]), positive(2)
add("fused_batch_norm_y", lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o)[0], _X, f32([1, 2]), f32([0, 1]),
    second=True)  # fmt: skip
add("fused_batch_norm_small_epsilon", lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o, epsilon=1e-7)[0],
    normal(2, 2, 2, 1) * np.float32(1e-3), f32([1]), f32([0]))  # fmt: skip
add("fused_batch_norm_inference",
    lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o, _MEAN, _VARIANCE, is_training=False)[0],
    _X, f32([1, 2]), f32([0, 1]))  # fmt: skip
add("fused_batch_norm_one_number",
    lambda tf, x, s, o: [tf.stop_gradient(v) for v in list(tf.nn.fused_batch_norm(x, s, o))[1:3]],
    normal(1, 1, 1, 2), f32([1, 2]), f32([0, 1]))  # fmt: skip


def layer(tf: Any, shape: Any, mode: Any, **options: Any) -> Results:
    """Three steps with updates, then inference; and a random number, whose seed counts the layer's nodes."""
    batches = [normal(*shape, seed=i) * np.float32(2) + np.float32(i) for i in range(4)]
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, (None,) + tuple(shape[1:]))
        training = tf.placeholder(tf.bool, []) if mode == "tensor" else mode
        y = tf.layers.batch_normalization(x, training=training, **options)
        after = tf.random_uniform([3])
        trained = tf.trainable_variables()
        gradients = tf.gradients(tf.reduce_sum(y * y * y), [x] + trained)
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        results = {
            "variables": [v.name for v in tf.global_variables()],
            "trainable": [v.name for v in trained],
            "updates": len(updates),
            "shape": y.get_shape().as_list(),
        }
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            results["after"] = session.run(after)
            for i, batch in enumerate(batches):
                feed = {x: batch}
                if mode == "tensor":
                    feed[training] = i < 3
                values = session.run([y] + gradients, feed)
                for j, value in enumerate(values):
                    results["value%d_%d" % (i, j)] = value
                session.run(updates, feed)
            for v in tf.global_variables():
                results[v.name] = session.run(v)
    return results


for _name, _shape, _options in (
    ("images", (2, 3, 4, 2), {}),
    ("images_unfused", (2, 3, 4, 2), {"fused": False}),
    ("rows", (5, 3), {"momentum": 0.5, "epsilon": 1e-2}),
    ("sequence", (4, 3, 2), {"center": False}),
    ("no_scale", (2, 3, 4, 2), {"scale": False, "name": "bn"}),
    ("first_axis", (4, 2, 3), {"axis": 1}),
):
    for _mode in (True, False, "tensor"):
        CASES["batch_normalization_%s_%s" % (_name, str(_mode).lower())] = Case(
            lambda tf, s=_shape, m=_mode, o=_options: layer(tf, s, m, **o),
            1e-4,
            2e-5,  # type: ignore[misc]
        )


@case()
def batch_normalization_twice(tf: Any) -> Results:
    """The names of a second layer, and of one that reuses the first one's variables."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3])
        tf.layers.batch_normalization(x, training=True)
        tf.layers.batch_normalization(x, training=True)
        with tf.variable_scope("block"):
            tf.layers.batch_normalization(x, training=True)
            tf.layers.batch_normalization(x, training=True, name="norm")
        with tf.variable_scope("block", reuse=True):
            tf.layers.batch_normalization(x, training=False, name="norm")
        return {
            "variables": [v.name for v in tf.global_variables()],
            "trainable": [v.name for v in tf.trainable_variables()],
            "updates": len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)),
        }
