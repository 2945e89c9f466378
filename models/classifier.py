"""A network with a loss and a training step, in its own graph."""

from __future__ import annotations

from typing import NamedTuple

import minigraph as tf
from minigraph.models.record import EndPoints, Model


class Classifier(NamedTuple):
    """The parts of a classifier; `classifier` makes it.

    Args:
        graph: The graph.
        images: Placeholder, float32 [N, size, size, channels].
        labels: Placeholder of one-hot labels, float32 [N, classes].
        logits: float32 [N, classes].
        end_points: Tensors by their names.
        loss: Scalar.
        train: The training step; None for inference.

    Example:
        >>> from minigraph import models
        >>> net = models.classifier(models.get_model("lenet5-modern"))
        >>> net.images.shape.as_list(), net.train.type
        ([None, 32, 32, 1], 'NoOp')
    """

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
    """Build a network with a loss, the mean cross-entropy, and a training step, in its own graph.

    The step is gradient descent with momentum 0.9. It adds the losses of auxiliary heads with their weights, and
    updates batch normalisation.

    Args:
        model: The model.
        is_training: Whether there is a training step, and dropout and batch normalisation work as in training.
        width: A factor of the numbers of maps and units.
        image_size: Number of rows and columns of the images; by default the model's.
        num_classes: Number of classes; by default the model's.
        learning_rate: The learning rate.
        seed: Seed of the graph's random ops.

    Returns:
        The parts.

    Example:
        >>> from minigraph import models
        >>> net = models.classifier(models.get_model("lenet5-modern"), width=0.5)
        >>> batch = {net.images: np.zeros([2, 32, 32, 1]), net.labels: np.eye(10)[:2]}
        >>> with tf.Session(graph=net.graph) as sess:
        ...     with net.graph.as_default():
        ...         sess.run(tf.global_variables_initializer())
        ...     loss, _ = sess.run([net.loss, net.train], batch)
        >>> loss.shape
        ()
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
