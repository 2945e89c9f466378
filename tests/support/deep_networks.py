"""Deep training graphs for tests and benchmarks: real in structure, small in size."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf

RESNET = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # blocks a stage, by layers (He et al. 2016)


class Network(NamedTuple):
    """A graph with a training step, and what it wants to be fed."""

    graph: tf.Graph
    train: tf.Operation
    loss: tf.Tensor
    images: tf.Tensor
    labels: tf.Tensor

    @property
    def fetches(self) -> list[Any]:
        return [self.train, self.loss]

    def feeds(self, batch: int, seed: int = 1) -> dict[Any, np.ndarray]:
        rng = np.random.default_rng(seed)
        shape = (batch, *self.images.get_shape().as_list()[1:])
        labels = np.eye(self.labels.get_shape().as_list()[1])[rng.integers(0, self.labels.shape[1], batch)]
        return {self.images: rng.normal(size=shape).astype(np.float32), self.labels: labels.astype(np.float32)}


def conv(x: tf.Tensor, maps: int, size: int = 1, stride: int = 1) -> tf.Tensor:
    depth = x.get_shape().as_list()[-1]
    weights = tf.Variable(tf.truncated_normal([size, size, depth, maps], stddev=(2 / (size * size * depth)) ** 0.5))
    return tf.nn.conv2d(x, weights, [1, stride, stride, 1], "SAME")


def norm(x: tf.Tensor) -> tf.Tensor:
    """Batch normalisation in training, with moving averages updated as the batch goes by."""
    depth = x.get_shape().as_list()[-1]
    scale, offset = tf.Variable(tf.ones([depth])), tf.Variable(tf.zeros([depth]))
    mean, variance = tf.nn.moments(x, [0, 1, 2])
    for moving, now in ((tf.zeros([depth]), mean), (tf.ones([depth]), variance)):
        average = tf.Variable(moving, trainable=False)
        tf.add_to_collection("update_ops", average.assign_sub(0.1 * (average - now)))
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)


def conv_norm(x: tf.Tensor, maps: int, size: int = 1, stride: int = 1) -> tf.Tensor:
    return tf.nn.relu(norm(conv(x, maps, size, stride)))


def bottleneck(x: tf.Tensor, width: int, stride: int) -> tf.Tensor:
    y = conv_norm(x, width)
    y = conv_norm(y, width, 3, stride)
    y = norm(conv(y, 4 * width))
    if stride > 1 or x.get_shape().as_list()[-1] != 4 * width:
        x = norm(conv(x, 4 * width, 1, stride))
    return tf.nn.relu(x + y)


def inception(x: tf.Tensor, width: int) -> tf.Tensor:
    """Four branches side by side, joined along the maps (Szegedy et al. 2015)."""
    pooled = tf.nn.max_pool(x, [1, 3, 3, 1], [1, 1, 1, 1], "SAME")
    return tf.concat(
        [
            conv_norm(x, width),
            conv_norm(conv_norm(x, width), 2 * width, 3),
            conv_norm(conv_norm(conv_norm(x, width // 2), width, 3), width, 3),
            conv_norm(pooled, width),
        ],
        3,
    )


def _trained(body: Callable[[tf.Tensor], tf.Tensor], side: int, seed: int = 3) -> Network:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(seed)
        images = tf.placeholder(tf.float32, [None, side, side, 3])
        labels = tf.placeholder(tf.float32, [None, 10])
        x = tf.reduce_mean(body(images), [1, 2])
        depth = x.get_shape().as_list()[-1]
        logits = tf.matmul(x, tf.Variable(tf.truncated_normal([depth, 10], stddev=depth**-0.5)))
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        step = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
        return Network(graph, tf.group(step, *tf.get_collection("update_ops")), loss, images, labels)


def resnet(
    layers: int, side: int = 16, width: int = 4, scope: Callable[[str], AbstractContextManager[Any]] = tf.name_scope
) -> Network:
    """A residual network of bottleneck blocks, each made in a `scope`."""

    def body(x: tf.Tensor) -> tf.Tensor:
        x = tf.nn.max_pool(conv_norm(x, width, 7, 2), [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
        for stage, blocks in enumerate(RESNET[layers]):
            for block in range(blocks):
                with scope(f"block{stage}_{block}"):
                    x = bottleneck(x, width << stage, 2 if stage and not block else 1)
        return x

    return _trained(body, side)


def googlenet(modules: int = 9, side: int = 16, width: int = 8) -> Network:
    """Inception modules one after the other, with a pooling after every third."""

    def body(x: tf.Tensor) -> tf.Tensor:
        x = conv_norm(x, width, 3)
        for i in range(modules):
            with tf.name_scope(f"module{i}"):
                x = inception(x, width)
            if i % 3 == 2:
                x = tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
        return x

    return _trained(body, side)


def residual_chain(
    blocks: int, scope: Callable[[str], AbstractContextManager[Any]] = tf.name_scope, side: int = 16, width: int = 16
) -> Network:
    """Residual blocks of two convolutions of one size, each made in a `scope`."""

    def body(x: tf.Tensor) -> tf.Tensor:
        x = conv_norm(x, width, 3)
        for i in range(blocks):
            with scope(f"block{i}"):
                x = tf.nn.relu(x + norm(conv(conv_norm(x, width, 3), width, 3)))
        return x

    return _trained(body, side)
