"""Whole TensorFlow 1 programs on real digits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.errors import NotFoundError
from minigraph.data import Dataset, load


@pytest.fixture(autouse=True)
def _seed(graph: tf.Graph) -> None:
    tf.set_random_seed(1)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("sample")


class Network(NamedTuple):
    x: Any
    y: Any
    keep_prob: Any
    cost: Any
    accuracy: Any
    predictions: Any
    train: Any


def network(maps: tuple[int, int], hidden: int, stddev: float, rate: float) -> Network:
    """Two convolutions, each with max-pooling, and two full connections, as a TensorFlow 1 program has them."""
    x = tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.float32, [None, 10])
    keep_prob = tf.placeholder(tf.float32)

    def conv2d(image: Any, inputs: int, outputs: int) -> Any:
        weights = tf.Variable(tf.random_normal([5, 5, inputs, outputs], stddev=stddev))
        biases = tf.Variable(tf.random_normal([outputs], stddev=stddev))
        image = tf.nn.conv2d(image, weights, strides=[1, 1, 1, 1], padding="SAME")
        image = tf.nn.relu(tf.nn.bias_add(image, biases))
        return tf.nn.max_pool(image, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

    def dense(rows: Any, inputs: int, outputs: int) -> Any:
        weights = tf.Variable(tf.random_normal([inputs, outputs], stddev=stddev))
        return tf.add(tf.matmul(rows, weights), tf.Variable(tf.random_normal([outputs], stddev=stddev)))

    image = tf.reshape(x, shape=[-1, 28, 28, 1])
    image = conv2d(conv2d(image, 1, maps[0]), *maps)
    rows = tf.reshape(image, [-1, 7 * 7 * maps[1]])
    rows = tf.nn.dropout(tf.nn.relu(dense(rows, 7 * 7 * maps[1], hidden)), keep_prob)
    logits = dense(rows, hidden, 10)
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y))
    train = tf.train.AdamOptimizer(learning_rate=rate).minimize(cost)
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    return Network(x, y, keep_prob, cost, accuracy, tf.argmax(logits, 1), train)


def batches(data: Dataset, size: int, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    order = np.random.default_rng(epoch).permutation(len(data.train_images))
    for start in range(0, len(order) - size + 1, size):
        chosen = order[start : start + size]
        yield data.train_images[chosen], data.train_labels[chosen]


def test_a_linear_softmax_regression(digits: Dataset) -> None:
    x = tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.float32, [None, 10])
    w, b = tf.Variable(tf.zeros([784, 10])), tf.Variable(tf.zeros([10]))
    predicted = tf.nn.softmax(tf.matmul(x, w) + b)
    cost = tf.reduce_mean(-tf.reduce_sum(y * tf.log(predicted), 1))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(cost)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(predicted, 1), tf.argmax(y, 1)), tf.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(3):
            for images, labels in batches(digits, 100, epoch):
                sess.run(train, feed_dict={x: images, y: labels})
        assert sess.run(accuracy, {x: digits.test_images, y: digits.test_labels}) > 0.8


def test_a_small_convolutional_network(digits: Dataset) -> None:
    net = network((6, 12), 48, stddev=0.1, rate=0.01)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = []
        for epoch in range(2):
            for images, labels in batches(digits, 125, epoch):
                feeds = {net.x: images, net.y: labels, net.keep_prob: 0.75}
                losses.append(sess.run([net.train, net.cost], feed_dict=feeds)[1])
        tests = {net.x: digits.test_images, net.y: digits.test_labels, net.keep_prob: 1.0}
        cost, accuracy = sess.run([net.cost, net.accuracy], feed_dict=tests)
        assert sess.stats.compiled == 3
    assert np.mean(losses[:3]) > 2
    assert np.mean(losses[-10:]) < 0.5
    assert cost < 0.4
    assert accuracy > 0.92  # a linear classifier stays below


def test_dropout_is_off_with_everything_kept(digits: Dataset) -> None:
    net = network((2, 3), 8, stddev=0.3, rate=0.01)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = {net.x: digits.test_images[:20], net.y: digits.test_labels[:20], net.keep_prob: 1.0}
        assert sess.run(net.cost, feeds) == sess.run(net.cost, feeds)
        feeds[net.keep_prob] = 0.5
        assert sess.run(net.cost, feeds) != sess.run(net.cost, feeds)


def test_equal_seeds_train_equally(digits: Dataset) -> None:
    histories = []
    for _ in range(2):
        with tf.Graph().as_default():
            tf.set_random_seed(7)
            net = network((2, 3), 8, stddev=0.3, rate=0.01)
            with tf.Session() as sess:
                sess.run(tf.global_variables_initializer())
                feeds = {net.x: digits.train_images[:50], net.y: digits.train_labels[:50], net.keep_prob: 0.5}
                histories.append([sess.run([net.cost, net.train], feeds)[0] for _ in range(5)])
    assert histories[0] == histories[1]


@pytest.mark.slow
def test_the_full_network_on_the_full_set() -> None:
    if not os.environ.get("MINIGRAPH_DATA"):
        pytest.skip("MINIGRAPH_DATA names no folder with the full MNIST set")
    try:
        data = load("mnist")
    except NotFoundError as error:
        pytest.skip(str(error))
    net = network((64, 128), 1024, stddev=1.0, rate=0.01)
    assert sum(np.prod(v.get_shape().as_list()) for v in tf.trainable_variables()) == 6_640_394
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(5):
            for images, labels in batches(data, 256, epoch):
                sess.run(net.train, feed_dict={net.x: images, net.y: labels, net.keep_prob: 0.75})
            parts = np.split(data.test_images, 40)
            found = np.concatenate([sess.run(net.predictions, {net.x: p, net.keep_prob: 1.0}) for p in parts])
            right = found == data.test_labels.argmax(1)
            if right[:256].sum() >= 250 and right.mean() >= 0.976:
                return
    pytest.fail(f"after 5 epochs: {right[:256].sum()} of the first 256, {right.mean():.4f} of all")
