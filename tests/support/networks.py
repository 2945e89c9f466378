"""Large networks for tests of pictures, passes and plans: as published, but for the sizes, which can be made small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import minigraph as tf


class Network(NamedTuple):
    """A classifier with its training step, in a graph of its own. images: [N, size, size, 3]; labels: [N, classes]."""

    graph: tf.Graph
    images: tf.Tensor
    labels: tf.Tensor
    logits: tf.Tensor
    loss: tf.Tensor
    train: tf.Operation


def classifier(
    body: Callable[[tf.Tensor], tf.Tensor], size: int = 224, classes: int = 1000, optimizer: Any = None
) -> Network:
    """Softmax cross-entropy on the logits that `body` makes of images, and a step of an optimizer (default: momentum).

    Updates of batch normalisation's moving averages run with the step.
    """
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        images = tf.placeholder(tf.float32, [None, size, size, 3], name="images")
        labels = tf.placeholder(tf.float32, [None, classes], name="labels")
        logits = body(images)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits), name="loss")
        chosen = tf.train.MomentumOptimizer(0.01, 0.9) if optimizer is None else optimizer()
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            train = chosen.minimize(loss, tf.train.get_or_create_global_step())
    return Network(graph, images, labels, logits, loss, train)


def vgg16(width: int = 64, size: int = 224, classes: int = 1000) -> Network:
    """VGG16 (Simonyan and Zisserman, 2014): 13 convolutions, three full connections. size: a multiple of 32."""

    def body(x: tf.Tensor) -> tf.Tensor:
        with tf.variable_scope("vgg_16"):
            for block, (count, factor) in enumerate([(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)], 1):
                with tf.variable_scope(f"conv{block}"):
                    for i in range(1, count + 1):
                        x = convolution(x, factor * width, 3, name=f"conv{block}_{i}")
                x = max_pool(x, 2, 2, name=f"pool{block}")
            x = tf.reshape(x, [-1, (size // 32) ** 2 * 8 * width], name="flatten")
            x = tf.nn.dropout(full(x, 64 * width, "fc6"), 0.5)
            x = tf.nn.dropout(full(x, 64 * width, "fc7"), 0.5)
            return full(x, classes, "fc8", relu=False)

    return classifier(body, size, classes)


def resnet50(
    width: int = 64, size: int = 224, classes: int = 1000, units: Sequence[int] = (3, 4, 6, 3), train: bool = True
) -> Network:
    """ResNet-50 (He et al., 2015): bottlenecks with batch normalisation, `units` of them in each of four blocks."""

    def body(x: tf.Tensor) -> tf.Tensor:
        with tf.variable_scope("resnet_v1_50"):
            x = normalised(x, width, 7, 2, "conv1", train)
            x = max_pool(x, 3, 2, name="pool1")
            for block, count in enumerate(units, 1):
                for unit in range(1, count + 1):
                    stride = 2 if unit == 1 and block > 1 else 1
                    with tf.variable_scope(f"block{block}/unit_{unit}"):
                        x = _bottleneck(x, width * 2 ** (block - 1), stride, train)
            x = tf.reduce_mean(x, [1, 2], name="pool5")
            return full(x, classes, "logits", relu=False)

    return classifier(body, size, classes)


def _bottleneck(x: tf.Tensor, depth: int, stride: int, train: bool) -> tf.Tensor:
    shortcut = x
    if x.get_shape().as_list()[-1] != 4 * depth:
        shortcut = normalised(x, 4 * depth, 1, stride, "shortcut", train, relu=False)
    y = normalised(x, depth, 1, 1, "conv1", train)
    y = normalised(y, depth, 3, stride, "conv2", train)
    y = normalised(y, 4 * depth, 1, 1, "conv3", train, relu=False)
    return tf.nn.relu(shortcut + y, name="relu")


def inception(width: int = 64, size: int = 224, classes: int = 1000) -> Network:
    """Inception v1 (Szegedy et al., 2014), the branches' widths in proportion to `width` instead of tuned."""

    def body(x: tf.Tensor) -> tf.Tensor:
        with tf.variable_scope("InceptionV1"):
            x = convolution(x, width, 7, 2, "Conv2d_1a_7x7")
            x = max_pool(x, 3, 2, name="MaxPool_2a_3x3")
            x = convolution(x, width, 1, name="Conv2d_2b_1x1")
            x = max_pool(convolution(x, 3 * width, 3, name="Conv2d_2c_3x3"), 3, 2, name="MaxPool_3a_3x3")
            for stage, blocks, factor in [(3, "bc", 1), (4, "bcdef", 2), (5, "bc", 4)]:
                for block in blocks:
                    with tf.variable_scope(f"Mixed_{stage}{block}"):
                        x = _mixed(x, factor * width)
                if stage < 5:
                    x = max_pool(x, 3, 2, name=f"MaxPool_{stage + 1}a")
            x = tf.nn.dropout(tf.reduce_mean(x, [1, 2], name="AvgPool_0a"), 0.8)
            return full(x, classes, "Logits", relu=False)

    return classifier(body, size, classes)


def _mixed(x: tf.Tensor, width: int) -> tf.Tensor:
    with tf.variable_scope("Branch_0"):
        a = convolution(x, width, 1, name="Conv2d_0a_1x1")
    with tf.variable_scope("Branch_1"):
        b = convolution(convolution(x, width, 1, name="Conv2d_0a_1x1"), 2 * width, 3, name="Conv2d_0b_3x3")
    with tf.variable_scope("Branch_2"):
        c = convolution(convolution(x, width // 4, 1, name="Conv2d_0a_1x1"), width // 2, 3, name="Conv2d_0b_3x3")
    with tf.variable_scope("Branch_3"):
        d = convolution(max_pool(x, 3, 1, name="MaxPool_0a_3x3"), width // 2, 1, name="Conv2d_0b_1x1")
    return tf.concat([a, b, c, d], 3)


# layers


def _filters(x: tf.Tensor, outputs: int, size: int) -> tf.Variable:
    shape = [size, size, x.get_shape().as_list()[-1], outputs]
    return tf.get_variable("weights", shape, initializer=tf.variance_scaling_initializer(2.0))


def convolution(x: tf.Tensor, outputs: int, size: int, stride: int = 1, name: str = "conv") -> tf.Tensor:
    """A convolution with bias and ReLU: [N, H, W, C] -> [N, ⌈H/stride⌉, ⌈W/stride⌉, outputs]."""
    with tf.variable_scope(name):
        y = tf.nn.conv2d(x, _filters(x, outputs, size), [1, stride, stride, 1], "SAME")
        biases = tf.get_variable("biases", [outputs], initializer=tf.zeros_initializer())
        return tf.nn.relu(tf.nn.bias_add(y, biases))


def normalised(
    x: tf.Tensor, outputs: int, size: int, stride: int, name: str, train: bool, relu: bool = True
) -> tf.Tensor:
    """A convolution with batch normalisation, by the batch's moments in training and moving averages else, and ReLU."""
    with tf.variable_scope(name):
        y = batch_norm(tf.nn.conv2d(x, _filters(x, outputs, size), [1, stride, stride, 1], "SAME"), train)
        return tf.nn.relu(y) if relu else y


def batch_norm(x: tf.Tensor, train: bool, decay: float = 0.997) -> tf.Tensor:
    """x with mean β and variance γ² in each channel; what updates the moving averages goes to UPDATE_OPS."""
    depth = [x.get_shape().as_list()[-1]]
    with tf.variable_scope("BatchNorm"):
        gamma = tf.get_variable("gamma", depth, initializer=tf.ones_initializer())
        beta = tf.get_variable("beta", depth, initializer=tf.zeros_initializer())
        averages = [
            tf.get_variable(name, depth, initializer=start(), trainable=False)
            for name, start in (("moving_mean", tf.zeros_initializer), ("moving_variance", tf.ones_initializer))
        ]
        if not train:
            return tf.nn.batch_normalization(x, averages[0], averages[1], beta, gamma, 1e-5)
        moments = tf.nn.moments(x, [0, 1, 2])
        for average, now in zip(averages, moments, strict=True):
            update = average.assign_sub((average.value() - now) * (1 - decay))
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
        return tf.nn.batch_normalization(x, moments[0], moments[1], beta, gamma, 1e-5)


def max_pool(x: tf.Tensor, size: int, stride: int, name: str) -> tf.Tensor:
    return tf.nn.max_pool(x, [1, size, size, 1], [1, stride, stride, 1], "SAME", name=name)


def full(x: tf.Tensor, outputs: int, name: str, relu: bool = True) -> tf.Tensor:
    """x W + b, and ReLU: [N, C] -> [N, outputs]."""
    with tf.variable_scope(name):
        shape = [x.get_shape().as_list()[-1], outputs]
        weights = tf.get_variable("weights", shape, initializer=tf.variance_scaling_initializer(2.0))
        biases = tf.get_variable("biases", [outputs], initializer=tf.zeros_initializer())
        y = tf.nn.bias_add(tf.matmul(x, weights), biases)
        return tf.nn.relu(y) if relu else y


NETWORKS: dict[str, Callable[..., Network]] = {"vgg16": vgg16, "resnet50": resnet50, "inception": inception}


def two_sets() -> tuple[tf.Graph, tf.Operation]:
    """Five nodes `first0` … that run before all of five others, and these before the last; the graph and that one."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        first = [tf.add(x, 10.0 + i, name=f"first{i}") for i in range(5)]
        with tf.control_dependencies(first):
            last = [tf.multiply(x, 20.0 + i, name=f"last{i}") for i in range(5)]
        with tf.control_dependencies(last):
            return graph, tf.no_op(name="end")
