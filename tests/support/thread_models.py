"""Trains small networks and prints a digest of every loss and variable: `python thread_models.py BACKEND CASES [TEAM]`.

Run with different numbers of threads, the lines must be the same. CASES: how many of the cases. TEAM: the size of the
NumPy backend's team, where BLAS itself would not take as many threads as wanted.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf

CASES = (("O3", tf.float32, 16), ("O0", tf.float32, 16), ("O3", tf.float32, 1), ("O3", tf.float64, 8))


def dense(x: Any) -> Any:
    """Wide full connections with an orthogonal initial value."""
    x = tf.layers.flatten(x)
    x = tf.layers.dense(x, 700, tf.nn.relu, kernel_initializer=tf.orthogonal_initializer(seed=3))
    return tf.layers.dense(x, 10)


def convolutions(x: Any) -> Any:
    """Convolutions of several kinds: Winograd's, strided, grouped by depth, 1×1; pooling and batch normalisation."""
    x = tf.layers.conv2d(x, 24, 3, padding="same", activation=tf.nn.relu)
    x = tf.layers.conv2d(x, 32, 3, padding="same", use_bias=False)
    x = tf.nn.relu(tf.layers.batch_normalization(x, training=True))
    x = tf.layers.conv2d(x, 48, 5, strides=2, padding="same", activation=tf.nn.relu)
    x = tf.layers.separable_conv2d(x, 64, 3, padding="same", activation=tf.nn.relu)
    x = tf.layers.conv2d(x, 128, 1, activation=tf.nn.relu)
    x = tf.layers.max_pooling2d(x, 2, 2)
    return tf.layers.dense(tf.layers.flatten(x), 10)


def resized(x: Any) -> Any:
    """Resized images, a mean over pixels, and a penalty on the weights."""
    x = tf.image.resize_bilinear(x, [48, 40])
    x = tf.layers.conv2d(x, 16, 5, padding="valid", activation=tf.tanh)
    return tf.layers.dense(tf.reduce_mean(x, [1, 2]), 10)


def digest(build: Callable[[Any], Any], level: Any, backend: str, dtype: Any, batch: int) -> str:
    """The digest of two training steps with momentum, and of the values that a larger batch gives afterwards."""
    random = np.random.RandomState(1)
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        images = tf.placeholder(dtype, [None, 32, 32, 3])
        labels = tf.placeholder(tf.int32, [None])
        logits = build(images)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        loss += 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
        step = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
        found = hashlib.sha256()
        with tf.Session(backend=backend, optimize=level) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                feed = {images: random.randn(batch, 32, 32, 3), labels: random.randint(0, 10, batch)}
                found.update(session.run([loss, step], feed)[0].tobytes())
            found.update(session.run(logits, {images: random.randn(1, 32, 32, 3)}).tobytes())
            for name, value in sorted(session.read_state().items()):
                found.update(name.encode() + value.tobytes())
        return found.hexdigest()


def main(backend: str, cases: str, team: str = "") -> None:
    if team:
        from minigraph.backends.numpy.threads import TEAM

        TEAM.fixed_size = int(team)
    for build in (dense, convolutions, resized):
        for level, dtype, batch in CASES[: int(cases)]:
            print(build.__name__, level, dtype.name, batch, digest(build, level, backend, dtype, batch), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
