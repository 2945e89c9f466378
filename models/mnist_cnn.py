"""A convolutional network for the MNIST digits, written as a TensorFlow 1 program: 6,640,394 parameters."""

from __future__ import annotations

from types import MappingProxyType

import minigraph as tf
from minigraph.models.layers import dropout, finish, scaled
from minigraph.models.record import EndPoints, Model, Preprocessing, Recipe


def mnist_cnn(
    images: tf.Tensor, num_classes: int = 10, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.75, stddev: float = 1.0,
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build a network for the MNIST digits: two convolutions with max-pooling, two fully connected layers.

    The network has 6,640,394 parameters. End point for transfer learning: fc1 [N,1024].

    Args:
        images: float32 [N,784] or [N,28,28,1], 0 to 1.
        num_classes: Number of classes.
        is_training: Whether dropout works as in training.
        width: A factor of the numbers of maps and units.
        dropout_keep_prob: The share of units that dropout keeps, a number or a float32 scalar tensor.
        stddev: Standard deviation of the initial weights and biases, which are normal.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 784])
        >>> logits, end_points = models.mnist_cnn(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]
    """
    ends: EndPoints = {}
    maps, units = scaled(64, width), scaled(1024, width)
    x = tf.reshape(images, [-1, 28, 28, 1])
    with tf.name_scope("conv1"):
        x = ends["conv1"] = _convolution(x, 1, maps, stddev)  # [N, 14, 14, 64]
    with tf.name_scope("conv2"):
        x = ends["conv2"] = _convolution(x, maps, 2 * maps, stddev)  # [N, 7, 7, 128]
    x = tf.reshape(x, [-1, 7 * 7 * 2 * maps])
    with tf.name_scope("fc1"):
        x = ends["fc1"] = tf.nn.relu(_full(x, 7 * 7 * 2 * maps, units, stddev))
    x = dropout(x, dropout_keep_prob, is_training)
    with tf.name_scope("fc2"):
        x = _full(x, units, num_classes, stddev)
    return finish(x, ends)


def _convolution(x: tf.Tensor, inputs: int, outputs: int, stddev: float) -> tf.Tensor:
    """5x5 convolution, bias, ReLU, 2x2 max-pooling: [N, H, W, inputs] -> [N, H/2, W/2, outputs]."""
    weights = tf.Variable(tf.random_normal([5, 5, inputs, outputs], stddev=stddev), name="weights")
    biases = tf.Variable(tf.random_normal([outputs], stddev=stddev), name="biases")
    x = tf.nn.conv2d(x, weights, strides=[1, 1, 1, 1], padding="SAME")
    x = tf.nn.relu(tf.nn.bias_add(x, biases))
    return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def _full(x: tf.Tensor, inputs: int, outputs: int, stddev: float) -> tf.Tensor:
    """x W + b: [N, inputs] -> [N, outputs]."""
    weights = tf.Variable(tf.random_normal([inputs, outputs], stddev=stddev), name="weights")
    biases = tf.Variable(tf.random_normal([outputs], stddev=stddev), name="biases")
    return tf.add(tf.matmul(x, weights), biases)


MODEL = Model(
    name="mnist-cnn",
    summary="Handwritten digits: two 5x5 convolutions, two full connections, dropout",
    family="mnist-cnn",
    build=mnist_cnn,
    image_size=28,
    classes=10,
    bottleneck="fc1",
    trainable=6_640_394,
    preprocessing=Preprocessing("L", (0.0,), (255.0,)),
    recipe=Recipe(
        dataset="sample",
        image_shape=(784,),
        batch_size=256,
        learning_rate=0.002,
        keep_prob=0.75,
        stddev=0.03,
        epochs=MappingProxyType({"sample": 2}),
        other_epochs=5,
        chapter=MappingProxyType({"learning_rate": 0.01, "stddev": 1.0}),
    ),
)
