"""Small networks, and convolutions of all kinds, for tests on a GPU and on what stands in for one."""

from __future__ import annotations

from typing import Any

import numpy as np
from support.kernel_cases import randn

import minigraph as tf
from minigraph.ops.nn import conv2d as C

InputGrad: Any = C.Conv2DInputGrad
FilterGrad: Any = C.Conv2DFilterGrad


def network() -> tuple[Any, Any, Any, Any]:
    """x, y, the loss and a training step of a small network with all that a step has."""
    x = tf.placeholder(tf.float32, [8, 6, 6, 1])
    y = tf.placeholder(tf.float32, [8, 4])
    filters = tf.Variable(tf.truncated_normal([3, 3, 1, 4], stddev=0.3, seed=1))
    maps = tf.nn.relu(tf.nn.conv2d(x, filters, [1, 1, 1, 1], "SAME") + tf.Variable(tf.zeros([4])))
    maps = tf.nn.max_pool(maps, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    flat = tf.nn.dropout(tf.reshape(maps, [8, 36]), 0.5, seed=2)
    logits = tf.matmul(flat, tf.Variable(tf.random_normal([36, 4], seed=3))) + tf.Variable(tf.zeros([4]))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    return x, y, loss, tf.train.AdamOptimizer(0.01).minimize(loss)


def batch() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    return random.rand(8, 6, 6, 1).astype(np.float32), np.eye(4, dtype=np.float32)[random.randint(0, 4, 8)]


def forms(dtype: Any) -> list[tuple[C.Convolution, list[np.ndarray]]]:
    """The cases of the op and of its gradients: strides, dilations, uneven padding and groups among them."""
    found: list[tuple[C.Convolution, list[np.ndarray]]] = []
    for attributes, x, w in C.CASES:
        op = C.Conv2D(**C.Conv2D(**attributes).with_numbers(x, w))
        image, filters = randn(*x).astype(dtype), randn(*w).astype(dtype)
        grad = randn(*op.out_shape(x, w)).astype(dtype)
        found.append((op, [image, filters]))
        found.append((InputGrad(*op.attributes, x), [filters, grad]))
        found.append((FilterGrad(*op.attributes, w), [image, grad]))
    return found


def residual_block(x: Any) -> Any:
    """A convolution with bias, residual and ReLU after it."""
    filters = tf.Variable(tf.truncated_normal([3, 3, 4, 4], stddev=0.3, seed=1, dtype=x.dtype))
    y = tf.nn.bias_add(tf.nn.conv2d(x, filters, [1, 1, 1, 1], "SAME"), tf.Variable(tf.ones([4], x.dtype)))
    return tf.nn.relu(y + x)


def evaluate(backend: str, precision: str = "float32", **options: Any) -> tuple[np.ndarray, Any]:
    image = np.random.RandomState(0).randn(2, 5, 6, 4).astype(np.float32)
    with tf.Graph().as_default(), tf.Session(backend=backend, precision=precision, **options) as session:
        x = tf.placeholder(tf.float32, [2, 5, 6, 4])
        y = residual_block(x)
        session.run(tf.global_variables_initializer())
        return session.run(y, {x: image}), session.plan_for(y, {x: image})[0]
