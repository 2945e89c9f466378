"""A pretrained network with a new last layer, trained partly or completely."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError
from minigraph.models.record import EndPoints, Model

SCOPE = "final_training_ops"
_STDDEV = 0.001  # of the new weights


class RetrainPlan(NamedTuple):
    """The part to train and the optimizer.

    cut: the end point up to which the network is frozen; None trains all of it. from_scratch: start from initial
    instead of pretrained values, with dropout and batch normalisation by the batch.
    """

    cut: str | None
    from_scratch: bool
    optimizer: str
    learning_rate: float


class RetrainNetwork(NamedTuple):
    """cut: the tensor that training feeds, [N, …]: the end point or the images. logits: for inference.

    trained: the variables that change; the last two belong to the new layer.
    """

    graph: tf.Graph
    images: tf.Tensor
    cut: tf.Tensor
    labels: tf.Tensor
    logits: tf.Tensor
    predictions: tf.Tensor
    loss: tf.Tensor
    train: tf.Operation
    initialise: tf.Operation
    trained: list[tf.Variable]
    saver: tf.train.Saver


def build_network(model: Model, classes: int, plan: RetrainPlan, name: str, seed: int) -> RetrainNetwork:
    """Build the model with a new layer of `classes` units on its bottleneck, and a training step.

    name: of the tensor of the new classes' probabilities. Raises InvalidArgumentError for an unknown end point or one
    that is not before the bottleneck.
    """
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(seed)
        images = tf.placeholder(tf.float32, [None, *model.image_shape], name="images")
        labels = tf.placeholder(tf.float32, [None, classes], name="labels")
        towers = [_tower(model, images, classes, True, reuse=False)] if plan.from_scratch else []
        ends, logits = _tower(model, images, classes, False, reuse=plan.from_scratch)
        training = towers[0][1] if towers else logits
        bottleneck = ends[model.bottleneck]
        cut = images if plan.cut is None else _end_point(model, ends, plan.cut)
        if plan.cut is not None and cut.node not in _needed(bottleneck, ()):
            raise InvalidArgumentError(f"{plan.cut} comes after {model.bottleneck}, the end point below the new layer")
        predictions = tf.nn.softmax(logits, name=name)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=training), name="loss")
        needed = _needed(training, (cut,))
        variables = [v for v in tf.trainable_variables() if v.op in needed]
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS) if plan.from_scratch else []):
            train = _optimizer(plan).minimize(loss, var_list=variables)
        kept = tf.global_variables() if plan.from_scratch else _changing(variables)
        return RetrainNetwork(
            graph, images, cut, labels, logits, predictions, loss, train, tf.global_variables_initializer(),
            variables, tf.train.Saver(kept, max_to_keep=2),
        )  # fmt: skip


def end_points(model: Model) -> list[str]:
    """The names of the end points before the bottleneck, in order."""
    with tf.Graph().as_default():
        _, ends = model.build(tf.placeholder(tf.float32, [None, *model.image_shape]), num_classes=model.classes)
    names = list(ends)
    return names[: names.index(model.bottleneck)]


def _end_point(model: Model, ends: EndPoints, name: str) -> tf.Tensor:
    if name not in ends:
        raise InvalidArgumentError(f"{model.name} has no end point {name!r}; it has {', '.join(ends)}")
    return ends[name]


def _tower(
    model: Model, images: tf.Tensor, classes: int, is_training: bool, reuse: bool
) -> tuple[EndPoints, tf.Tensor]:
    """The model's end points, and the logits of a new layer on its bottleneck. The first has all variables."""
    more = {"reuse": True} if reuse else {}
    _, ends = model.build(images, num_classes=model.classes, is_training=is_training, **more)
    return ends, _new_layer(ends[model.bottleneck], classes, reuse)


def _new_layer(bottleneck: tf.Tensor, classes: int, reuse: bool) -> tf.Tensor:
    """x W + b on a bottleneck of any rank: [N, classes]."""
    size = math.prod(d or 0 for d in bottleneck.get_shape().as_list()[1:])
    with tf.variable_scope(SCOPE, reuse=reuse):
        start = tf.truncated_normal_initializer(stddev=_STDDEV)
        weights = tf.get_variable("weights/final_weights", [size, classes], initializer=start)
        biases = tf.get_variable("biases/final_biases", [classes], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(tf.reshape(bottleneck, [-1, size]), weights), biases)


def _optimizer(plan: RetrainPlan) -> Any:
    if plan.optimizer == "adam":
        return tf.train.AdamOptimizer(plan.learning_rate)
    if plan.optimizer == "momentum":
        return tf.train.MomentumOptimizer(plan.learning_rate, 0.9)
    return tf.train.GradientDescentOptimizer(plan.learning_rate)


def _changing(trained: Iterable[tf.Variable]) -> list[tf.Variable]:
    """The trained variables and the optimizer's: all that do not belong to the frozen network."""
    names = {v.op.name for v in trained}
    return [v for v in tf.global_variables() if v.op.name in names or not (v.trainable or _is_statistic(v))]


def _is_statistic(variable: tf.Variable) -> bool:
    return str(variable.op.name).rpartition("/")[2].startswith("moving_")


def _needed(tensor: tf.Tensor, stop: Iterable[tf.Tensor]) -> set[Any]:
    """The nodes that a tensor needs, without those behind `stop`."""
    ends = {t.node for t in stop}
    found: set[Any] = set()
    waiting = [tensor.node]
    while waiting:
        node = waiting.pop()
        if node not in found and node not in ends:
            found.add(node)
            waiting += [t.node for t in node.inputs]
    return found
