"""More of tf.layers, as functions and as objects; initializers: see ``cases.py`` for the rules of these files.

Tests `layers/`, `initializers.py` and `run/initializers.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, _add_random, drawn_after
from cases_api import names_of, shape_of
from cases_ops import normal


def _ramp(tf: Any) -> Any:
    """An initializer with other numbers in each place."""

    def make(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        dims = [int(d) for d in shape]
        return tf.constant(np.cos(np.arange(int(np.prod(dims)), dtype=np.float32)).reshape(dims))

    return make


def _layer(name: str, build: Any, image: Any, dynamic: bool = False) -> None:
    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [None] * (image.ndim - 1) + [image.shape[-1]] if dynamic else image.shape)
            with tf.variable_scope("net", initializer=_ramp(tf)):
                y = build(tf, x)
            grads = tf.gradients(tf.reduce_sum(y * y), [x] + tf.trainable_variables())
            session.run(tf.global_variables_initializer())
            values = session.run([y] + grads, {x: image})
            results: Results = {"v%d" % i: v for i, v in enumerate(values)}
            results["variables"] = names_of(tf.global_variables())
            results["shape"] = shape_of(y)
            results["shapes"] = [shape_of(v) for v in tf.global_variables()]
            return results

    CASES["layer_" + name] = Case(run, 1e-4, 5e-4)  # of sums up to 1e3


_X = normal(2, 5, 6, 3)
for _padding in ("same", "valid"):
    _layer("conv2d_transpose_" + _padding, lambda tf, x, p=_padding: tf.layers.conv2d_transpose(x, 2, [3, 2], 2, p), _X)
    _layer("separable_conv2d_" + _padding, lambda tf, x, p=_padding: tf.layers.separable_conv2d(
        x, 4, 3, padding=p, depth_multiplier=2, activation=tf.nn.relu), _X)  # fmt: skip
    _layer("conv1d_" + _padding, lambda tf, x, p=_padding: tf.layers.conv1d(x, 4, 3, 2, p), normal(2, 7, 3))
_layer("conv2d_transpose_dynamic", lambda tf, x: tf.layers.conv2d_transpose(x, 2, 3, 2, "same"), _X, dynamic=True)
_layer("dense_rank3", lambda tf, x: tf.layers.dense(x, 4, use_bias=True), normal(2, 5, 3))
_layer(
    "pools1d", lambda tf, x: tf.layers.max_pooling1d(x, 3, 2) + tf.layers.average_pooling1d(x, 3, 2), normal(2, 7, 3)
)
_layer("pools3d", lambda tf, x: tf.layers.max_pooling3d(x, 2, 2) * tf.layers.average_pooling3d(x, 2, [2, 2, 2]),
    normal(1, 4, 5, 6, 2))  # fmt: skip


def _objects(tf: Any, x: Any) -> Any:
    conv = tf.layers.Conv2D(3, 3, padding="same", activation=tf.nn.relu)
    pool = tf.layers.MaxPooling2D(2, 2)
    dense = tf.layers.Dense(4, name="head")
    y = pool(conv(conv(x)))
    y = tf.layers.Flatten()(y)
    return dense(y) + dense(2.0 * y) + tf.layers.Dense(units=4, use_bias=False)(y)


_layer("objects", _objects, _X)
_layer("objects_names", lambda tf, x: tf.layers.Conv2DTranspose(2, 3, strides=2)(tf.layers.Dense(3)(x)), _X)
_layer("objects_separable", lambda tf, x: tf.layers.SeparableConv2D(4, [3, 3])(x), _X)


def _initial(name: str, make: Any, shape: Any = (6, 4)) -> None:
    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(5)
            return {"values": session.run(make(tf)(shape, dtype=tf.float32))}

    CASES["initializer_" + name] = Case(run, 2e-5, 2e-6)


for _name in ("he_normal", "he_uniform", "lecun_normal", "lecun_uniform"):
    _initial(_name, lambda tf, n=_name: getattr(tf.initializers, n)(seed=3))
for _name in ("zeros", "ones", "glorot_uniform", "glorot_normal", "identity"):
    _initial(_name, lambda tf, n=_name: getattr(tf.initializers, n)())
_initial("variance_scaling", lambda tf: tf.initializers.variance_scaling(2.0, "fan_out", "uniform", seed=4))
_initial("orthogonal", lambda tf: tf.orthogonal_initializer(1.5, seed=3))
_initial("orthogonal_wide", lambda tf: tf.initializers.orthogonal(seed=3), (2, 2, 9))
_initial("constant", lambda tf: tf.initializers.constant([1.0, 2.0, 3.0]), (2, 3))

_add_random("shuffle", 7, lambda tf: tf.random_shuffle(tf.range(11), seed=3))
_add_random("shuffle_rows", 7, lambda tf: tf.random_shuffle(tf.constant(normal(6, 2)), seed=4))
_add_random("multinomial", 7, lambda tf: tf.multinomial(tf.constant(normal(3, 5)), 7, seed=5))
_add_random("multinomial_one", 7, lambda tf: tf.multinomial([[0.0, -1e30, 2.0]], 1, seed=6, output_dtype=tf.int32))


def counting_layers(tf: Any) -> Results:
    """A random number after each of many calls: each value pins the number of ops that the call before it builds."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [None, 8, 8, 4])
        rows = tf.placeholder(tf.float32, [None, 10])
        kernel = tf.constant(np.ones((3, 3, 4, 2), np.float32))
        mixing = tf.constant(np.ones((1, 1, 8, 5), np.float32))
        up = tf.constant(np.ones((3, 3, 2, 4), np.float32))
        calls = [
            ("depthwise", lambda: tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME")),
            ("separable", lambda: tf.nn.separable_conv2d(x, kernel, mixing, [1, 1, 1, 1], "SAME")),
            ("transpose", lambda: tf.nn.conv2d_transpose(x, up, [5, 16, 16, 2], [1, 2, 2, 1])),
            ("relu6", lambda: tf.nn.relu6(x)),
            ("leaky_relu", lambda: tf.nn.leaky_relu(x)),
            ("selu", lambda: tf.nn.selu(x)),
            ("crelu", lambda: tf.nn.crelu(x)),
            ("swish", lambda: tf.nn.swish(x)),
            ("layer_transpose", lambda: tf.layers.conv2d_transpose(x, 2, 3, 2, "same")),
            ("layer_separable", lambda: tf.layers.separable_conv2d(x, 2, 3)),
            ("layer_conv1d", lambda: tf.layers.conv1d(x[:, 0], 3, 3)),
            ("layer_dense", lambda: tf.layers.Dense(3)(rows)),
            ("layer_conv2d", lambda: tf.layers.Conv2D(3, 3)(x)),
            ("lrn", lambda: tf.nn.lrn(x)),
            ("top_k", lambda: tf.nn.top_k(rows, 2)),
            ("clip_by_norm", lambda: tf.clip_by_norm(rows, 1.0)),
            ("resize", lambda: tf.image.resize_images(x, [4, 4])),
            ("brightness", lambda: tf.image.random_brightness(x, 0.1)),
            ("contrast", lambda: tf.image.random_contrast(x, 0.1, 0.5)),
            ("decay", lambda: tf.train.exponential_decay(0.1, tf.constant(1), 10, 0.9)),
        ]
        return drawn_after(tf, session, calls)


CASES["counting_layers"] = Case(counting_layers, 5e-7, 1e-7)
