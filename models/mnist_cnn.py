"""A convolutional network for the MNIST digits, written as a TensorFlow 1 program."""

from __future__ import annotations

import minigraph as tf


def build(images: tf.Tensor, keep_prob: tf.Tensor, stddev: float = 1.0) -> tf.Tensor:
    """Two convolutions with max-pooling, then two full connections: 6,640,394 parameters.

    images: float32 [N, 784], 0 to 1. keep_prob: float32 scalar, what dropout keeps; feed 1 to evaluate.
    stddev: of the normal distribution that all weights and biases are drawn from.
    Returns the logits, float32 [N, 10].
    """
    x = tf.reshape(images, [-1, 28, 28, 1])
    with tf.name_scope("conv1"):
        x = _convolution(x, 1, 64, stddev)  # [N, 14, 14, 64]
    with tf.name_scope("conv2"):
        x = _convolution(x, 64, 128, stddev)  # [N, 7, 7, 128]
    x = tf.reshape(x, [-1, 7 * 7 * 128])
    with tf.name_scope("fc1"):
        x = tf.nn.relu(_full(x, 7 * 7 * 128, 1024, stddev))
    x = tf.nn.dropout(x, keep_prob)
    with tf.name_scope("fc2"):
        return _full(x, 1024, 10, stddev)


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
