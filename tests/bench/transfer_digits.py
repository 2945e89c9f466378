"""Transfer from the digits 0-4 to 5-9 with few labelled examples: frozen layers against training from scratch.

    python tests/bench/transfer_digits.py [--examples 100] [--seeds 5] [--data sample] [--stddev 0.05] [--rate 0.001]
        [--source-steps 5000]

The textbook's network for digits, a quarter as wide, learns the digits 0 to 4. Then it learns 5 to 9 from `examples`
images, as many of each: once with the convolutions it has, frozen, and new full connections; once all of it from
initial values. Both see the same examples for the same number of steps. Prints the accuracy on all test images of 5 to
9, for each seed. The textbook's own initial values and learning rate are 1.0 and 0.01.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.data import Batches, Dataset, load
from minigraph.data.order import permutation
from minigraph.models.mnist_cnn import mnist_cnn

WIDTH = 0.25
STDDEV = 0.05
RATE = 0.001
BATCH = 50
SOURCE_STEPS = 5000
STEPS = 300
CLASSES = 5

Arrays = tuple[NDArray[np.float32], NDArray[np.float32]]


class Network(NamedTuple):
    graph: tf.Graph
    images: tf.Tensor
    labels: tf.Tensor
    keep_prob: tf.Tensor
    logits: tf.Tensor
    train_all: tf.Operation
    train_dense: tf.Operation
    initialise: tf.Operation


def build(seed: int, stddev: float, rate: float) -> Network:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(seed)
        images = tf.placeholder(tf.float32, [None, 784])
        labels = tf.placeholder(tf.float32, [None, CLASSES])
        keep_prob = tf.placeholder(tf.float32, [])
        logits, _ = mnist_cnn(images, CLASSES, True, WIDTH, keep_prob, stddev)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        train_all = tf.train.AdamOptimizer(rate).minimize(loss)
        train_dense = tf.train.AdamOptimizer(rate).minimize(loss, var_list=_dense(graph))
        return Network(
            graph, images, labels, keep_prob, logits, train_all, train_dense, tf.global_variables_initializer()
        )


def digits(images: NDArray[np.float32], labels: NDArray[np.float32], first: int) -> Arrays:
    """Those from `first` to `first` + 4, with labels of five classes."""
    rows = labels[:, first : first + CLASSES].any(1)
    return images[rows], labels[rows, first : first + CLASSES]


def few(data: Arrays, count: int, seed: int) -> Arrays:
    """`count` examples drawn with the seed, as many of each class."""
    images, labels = data
    order = permutation(len(images), seed)
    each = count // CLASSES
    rows = np.concatenate([order[labels[order, c] == 1][:each] for c in range(CLASSES)])
    return images[rows], labels[rows]


def fit(session: tf.Session, network: Network, train: tf.Operation, data: Arrays, steps: int, seed: int) -> None:
    batches = Batches(*data, batch_size=BATCH, seed=seed)
    for _ in range(steps):
        images, labels = batches.next_batch()
        session.run(train, {network.images: images, network.labels: labels, network.keep_prob: 0.75})


def accuracy(session: tf.Session, network: Network, data: Arrays) -> float:
    logits = session.run(network.logits, {network.images: data[0], network.keep_prob: 1.0})
    return float(np.mean(logits.argmax(1) == data[1].argmax(1)))


def compare(
    data: Dataset, examples: int, seed: int, stddev: float, rate: float, source_steps: int, backend: str | None = None
) -> tuple[float, float]:
    """Accuracy on the test digits 5 to 9: frozen, and from scratch."""
    source = digits(data.train_images, data.train_labels, 0)
    target = few(digits(data.train_images, data.train_labels, CLASSES), examples, seed)
    test = digits(data.test_images, data.test_labels, CLASSES)
    network = build(seed, stddev, rate)
    with tf.Session(graph=network.graph, backend=backend) as session:
        session.run(network.initialise)
        fit(session, network, network.train_all, source, source_steps, seed)
        session.run([variable.initializer for variable in _dense(network.graph)])
        fit(session, network, network.train_dense, target, STEPS, seed)
        frozen = accuracy(session, network, test)
        session.run(network.initialise)
        fit(session, network, network.train_all, target, STEPS, seed)
        return frozen, accuracy(session, network, test)


def _dense(graph: tf.Graph) -> list[tf.Variable]:
    """The weights and biases of the two full connections."""
    with graph.as_default():
        return tf.trainable_variables()[-4:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", choices=["sample", "mnist"], default="sample")
    parser.add_argument("--stddev", type=float, default=STDDEV, help="of the initial weights and biases")
    parser.add_argument("--rate", type=float, default=RATE, help="Adam's step size")
    parser.add_argument("--source-steps", type=int, default=SOURCE_STEPS, help="on the digits 0 to 4")
    parser.add_argument("--backend")
    options = parser.parse_args()
    data = load(options.data)
    found = []
    for seed in range(options.seeds):
        found.append(
            compare(data, options.examples, seed, options.stddev, options.rate, options.source_steps, options.backend)
        )
        print(f"seed {seed}: frozen {found[-1][0]:.1%}, from scratch {found[-1][1]:.1%}", flush=True)
    frozen, scratch = np.array(found).T
    print(
        f"mean of {len(found)}: frozen {frozen.mean():.1%} (± {frozen.std():.1%}), from scratch {scratch.mean():.1%}"
        f" (± {scratch.std():.1%}): {100 * (frozen - scratch).mean():.1f} points"
    )


if __name__ == "__main__":
    main()
