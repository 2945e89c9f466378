"""L3-9: features of a trained VGG16, and one new sigmoid unit that tells two kinds of photographs apart.

Without `--weights` the network is random, which suffices for the two kinds of pictures that are made here.

    python l3_9_vgg_transfer.py [--weights FILE] [--steps 50] [--batch-size 32] [--width 1] [--size 224]
"""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

import minigraph as tf
from minigraph import models
from minigraph.models.pretrained import load_pretrained

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--weights", help="of VGG16, trained on ImageNet")
parser.add_argument("--steps", type=int, default=50)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--width", type=float, default=1.0, help="factor of the numbers of maps and units")
parser.add_argument("--size", type=int, default=224, help="side of the pictures")
options = parser.parse_args()
Array = np.ndarray[Any, Any]


def pictures(size: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Batches without end: pictures that are bright above (0) or below (1)."""
    random = np.random.RandomState(seed)
    half = options.size // 2
    while True:
        labels = random.randint(2, size=[size, 1]).astype(np.float32)
        images = random.uniform(0, 120, [size, options.size, options.size, 3]).astype(np.float32)
        images[labels[:, 0] == 0, :half] += 120
        images[labels[:, 0] == 1, half:] += 120
        yield models.get_model("vgg16").preprocessing.apply(images), labels


tf.set_random_seed(0)
images = tf.placeholder(tf.float32, [None, options.size, options.size, 3], name="images")
labels = tf.placeholder(tf.float32, [None, 1], name="labels")
_, ends = models.vgg16(images, width=options.width)
trained = tf.trainable_variables()

features = tf.nn.l2_normalize(tf.stop_gradient(ends["fc7"]), 1)
logits = tf.layers.dense(features, 1, name="new")
cost = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
new = [v for v in tf.trainable_variables() if v not in trained]
train = tf.train.AdamOptimizer(0.05).minimize(cost, var_list=new)
right = tf.equal(tf.cast(logits > 0, tf.float32), labels)
accuracy = tf.reduce_mean(tf.cast(right, tf.float32))

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    if options.weights:
        load_pretrained(session, models.get_model("vgg16"), options.weights, scope="vgg16")
    training, validation = pictures(options.batch_size, seed=1), pictures(options.batch_size, seed=2)
    for step in range(options.steps):
        batch, kinds = next(training)
        _, loss = session.run([train, cost], {images: batch, labels: kinds})
        if step % 10 == 0:
            print(f"step {step} cost {loss:.4f}")
    batch, kinds = next(validation)
    print(f"validation accuracy {session.run(accuracy, {images: batch, labels: kinds}):.4f}")
