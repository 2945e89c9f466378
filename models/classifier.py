"""A network with a loss and a training step in a new graph."""

from __future__ import annotations

from typing import NamedTuple

import minigraph as tf
from minigraph.models.record import EndPoints, Model


class Classifier(NamedTuple):
    """images: float32 [N, size, size, channels]; labels: float32 [N, classes]; loss: a scalar; train: an operation."""

    graph: tf.Graph
    images: tf.Tensor
    labels: tf.Tensor
    logits: tf.Tensor
    end_points: EndPoints
    loss: tf.Tensor
    train: tf.Operation | None


def classifier(
    model: Model, is_training: bool = True, width: float = 1.0, image_size: int | None = None,
    num_classes: int | None = None, learning_rate: float = 0.01, seed: int = 0,
) -> Classifier:  # fmt: skip
    """Build a network with mean softmax cross-entropy and, if `is_training`, a momentum (0.9) step.

    The losses of auxiliary heads are added with their weights; the updates of batch normalisation run with the step.
    image_size, num_classes: None for the network's.
    """
    size = model.image_size if image_size is None else image_size
    classes = model.classes if num_classes is None else num_classes
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(seed)
        images = tf.placeholder(tf.float32, [None, size, size, model.channels], name="images")
        labels = tf.placeholder(tf.float32, [None, classes], name="labels")
        logits, ends = model.build(images, num_classes=classes, is_training=is_training, width=width)
        loss = _cross_entropy(labels, logits)
        if not is_training:
            return Classifier(graph, images, labels, logits, ends, loss, None)
        for name, weight in model.auxiliary.items():
            loss = loss + weight * _cross_entropy(labels, ends[name])
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            step = tf.train.MomentumOptimizer(learning_rate, 0.9).minimize(loss, tf.train.get_or_create_global_step())
        return Classifier(graph, images, labels, logits, ends, loss, step)


def _cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits), name="loss")
