"""The network of L3-7, which its two programs share: 9,024,131 parameters for pictures of 64×64 at full width."""

from __future__ import annotations

import math
from typing import NamedTuple

import minigraph as tf


class Network(NamedTuple):
    images: tf.Tensor
    labels: tf.Tensor
    keep_prob: tf.Tensor
    cost: tf.Tensor
    accuracy: tf.Tensor
    train: tf.Operation


def _weights(inputs: int, *shape: int) -> tf.Variable:
    return tf.Variable(tf.truncated_normal(shape, stddev=math.sqrt(2 / inputs)))


def build(size: int, width: float, learning_rate: float) -> Network:
    """Three 3×3 convolutions with ReLU and max-pooling, and three full connections with dropout between."""
    images = tf.placeholder(tf.float32, [None, size, size, 3], name="images")
    labels = tf.placeholder(tf.float32, [None, 3], name="labels")
    keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")
    x = images
    for maps in (64, 128, 256):
        depth, maps = x.shape.as_list()[-1], max(1, round(maps * width))
        x = tf.nn.conv2d(x, _weights(9 * depth, 3, 3, depth, maps), strides=[1, 1, 1, 1], padding="SAME")
        x = tf.nn.relu(tf.nn.bias_add(x, tf.Variable(tf.zeros([maps]))))
        x = tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    x = tf.layers.flatten(x)
    for units in (512, 512):
        inputs, units = x.shape.as_list()[-1], max(1, round(units * width))
        x = tf.nn.relu(tf.matmul(x, _weights(inputs, inputs, units)) + tf.Variable(tf.zeros([units])))
        x = tf.nn.dropout(x, keep_prob)
    units = x.shape.as_list()[-1]
    logits = tf.matmul(x, _weights(units, units, 3)) + tf.Variable(tf.zeros([3]))
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    right = tf.equal(tf.argmax(logits, 1), tf.argmax(labels, 1))
    train = tf.train.AdamOptimizer(learning_rate).minimize(cost)
    return Network(images, labels, keep_prob, cost, tf.reduce_mean(tf.cast(right, tf.float32)), train)
