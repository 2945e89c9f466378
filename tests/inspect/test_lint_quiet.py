"""No warning where there is nothing to warn of: each network of the table, trained and evaluated as it should be.

The lints are told of runs that are not made, so that all networks are here in full.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph import models
from minigraph.inspect.lint import WATCHED, Lints, ObservedRun
from minigraph.models import MODELS, Model

every = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


class Form:
    """Stands for one form of call of `Session.run`."""


class Watched:
    """The lints of the default graph, and runs for them."""

    def __init__(self) -> None:
        self._lints = Lints(tf.get_default_graph())
        self._forms: dict[Any, Form] = {}

    def run(self, ends: Sequence[Any], feeds: dict[Any, np.ndarray]) -> None:
        """One run of tensors and operations, which gives back the tensors."""
        ends = [getattr(e, "ref", e) for e in ends]
        new = tuple(ends) not in self._forms
        run = ObservedRun(
            self._forms.setdefault(tuple(ends), Form()), ends, [e for e in ends if isinstance(e, tf.Tensor)], feeds
        )
        if new:
            self._lints.at_compile(run)
        self._lints.after_run(run)


def batches(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Two rows of sixteen at a time, over and over."""
    whole = np.empty((16, *shape), np.float32)
    while True:
        for start in range(0, 16, 2):
            yield whole[start : start + 2]


def quiet(program: Callable[[], None]) -> None:
    with warnings.catch_warnings(), tf.Graph().as_default():
        warnings.simplefilter("error")
        program()


def training_step(loss: Any) -> Any:
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        return tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, global_step=step)


def train_and_evaluate(build: Any, shape: tuple[int, ...], **options: Any) -> None:
    """A network, and the same for evaluation with its variables, where its builder can share them."""
    takes = signature(build).parameters
    images = tf.placeholder(tf.float32, [None, *shape])
    labels = tf.placeholder(tf.int64, [None])
    keep = tf.placeholder(tf.float32, [])
    dropout = {"dropout_keep_prob": keep} if "dropout_keep_prob" in takes else {}
    logits, ends = build(images, is_training=True, **dropout, **options)
    others = [value for name, value in ends.items() if name.startswith("aux") and name.endswith("logits")]
    heads = [tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=z) for z in [logits, *others]]
    loss = tf.add_n([tf.reduce_mean(head) for head in heads])
    train = training_step(loss)
    evaluated, found = build(images, reuse=True, **options) if "reuse" in takes else (logits, ends)
    right = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(evaluated, 1), labels), tf.float32))
    watched, data, one = Watched(), batches(shape), np.float32(1)
    for step in range(WATCHED + 5):
        xs, ys = next(data), np.zeros(2, np.int64)
        watched.run([train, loss, tf.train.get_global_step()], {images: xs, labels: ys, keep: one / 2})
        if step % 4 == 0:
            watched.run([right, found["predictions"]], {images: xs, labels: ys, keep: one})
            if not others:  # these drop out at a rate of their own
                watched.run([loss], {images: xs, labels: ys, keep: one})


@every
def test_networks_in_training_and_evaluation(model: Model) -> None:
    quiet(lambda: train_and_evaluate(model.build, model.image_shape))


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_with_more_than_one_head(name: str) -> None:
    size, option = {"googlenet": (224, "aux_heads"), "inception_v3": (299, "aux_head")}[name]
    quiet(lambda: train_and_evaluate(getattr(models, name), (size, size, 3), **{option: True}))


@every
def test_a_new_classifier_on_a_network_that_stays(model: Model) -> None:
    def program() -> None:
        images = tf.placeholder(tf.float32, [None, *model.image_shape])
        labels = tf.placeholder(tf.float32, [None, 3])
        _, ends = model.build(images)
        logits = tf.layers.dense(ends[model.bottleneck], 3, name="new")
        loss = tf.losses.softmax_cross_entropy(labels, logits)
        own = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="new")
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=own)
        watched, data = Watched(), batches(model.image_shape)
        for _ in range(WATCHED + 5):
            feeds = {images: next(data), labels: np.zeros((2, 3), np.float32)}
            watched.run([train, loss], feeds)
            watched.run([tf.get_collection(tf.GraphKeys.LOSSES)[0], ends["predictions"]], feeds)

    quiet(program)
