"""Layers on images [N,C,H,W] give what they give for [N,H,W,C], transposed; their gradients, too.

Tests `layers/functions.py`, `layers/common.py` and `ops/data_format.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf

FIRST, LAST = "channels_first", "channels_last"
X = np.random.RandomState(0).randn(2, 6, 5, 3).astype(np.float32)
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
LAYERS: dict[str, Callable[..., Any]] = {
    "conv2d": lambda x, f: tf.layers.conv2d(x, 4, [3, 2], [2, 1], "same", f, activation=tf.nn.elu),
    "dilated": lambda x, f: tf.layers.conv2d(x, 4, 2, data_format=f, dilation_rate=(2, 1)),
    "conv2d_transpose": lambda x, f: tf.layers.conv2d_transpose(x, 2, 3, [2, 1], "same", f),
    "separable_conv2d": lambda x, f: tf.layers.separable_conv2d(x, 2, 3, padding="same", data_format=f),
    "max_pooling2d": lambda x, f: tf.layers.max_pooling2d(x, [2, 3], 2, "same", f),
    "average_pooling2d": lambda x, f: tf.layers.average_pooling2d(x, 2, [2, 1], "same", f),
    "batch_normalization": lambda x, f: tf.layers.batch_normalization(x, 1 if f == FIRST else 3, training=True),
    "contrib conv2d": lambda x, f: tf.contrib.layers.conv2d(
        x, 4, 3, 2, data_format="NCHW" if f == FIRST else "NHWC",
        weights_initializer=tf.glorot_uniform_initializer(seed=3)),
    "contrib max_pool2d": lambda x, f: tf.contrib.layers.max_pool2d(x, 2, data_format="NCHW" if f == FIRST else None),
    "contrib batch_norm": lambda x, f: tf.contrib.layers.batch_norm(
        x, scale=True, updates_collections=None, data_format="NCHW" if f == FIRST else "NHWC"),
}  # fmt: skip


def results(layer: Callable[..., Any], form: str) -> list[np.ndarray]:
    """The output and the gradient of a sum with unequal weights, as [N,H,W,C]; then the gradients of variables."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3, 6, 5] if form == FIRST else [None, 6, 5, 3])
        with tf.variable_scope("", initializer=tf.glorot_uniform_initializer(seed=3)):
            y = layer(x, form)
        last = tf.transpose(y, TO_LAST) if form == FIRST else y
        gradients = tf.gradients(tf.reduce_sum(last * tf.cumsum(last, 3)), [x, *tf.trainable_variables()])
        session.run(tf.global_variables_initializer())
        given = X.transpose(TO_FIRST) if form == FIRST else X
        image, gradient, *others = session.run([last, *gradients], {x: given})
        return [image, gradient.transpose(TO_LAST) if form == FIRST else gradient, *others]


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    for first, last in zip(results(LAYERS[name], FIRST), results(LAYERS[name], LAST), strict=True):
        np.testing.assert_allclose(first, last, rtol=1e-4, atol=1e-5)


def test_flatten_gives_the_same_for_both() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        first = tf.layers.flatten(tf.constant(X.transpose(TO_FIRST)), data_format=FIRST)
        np.testing.assert_array_equal(session.run(first), X.reshape(2, -1))


def test_errors() -> None:
    with pytest.raises(ValueError, match="data_format must be channels_last or channels_first, not 'NCHW'"):
        tf.layers.max_pooling2d(tf.zeros([1, 2, 2, 1]), 2, 2, data_format="NCHW")
    with pytest.raises(ValueError, match="whose channels are defined"):
        tf.layers.conv2d(tf.placeholder(tf.float32, [None, None, 4, 4]), 2, 2, data_format=FIRST)
