"""LeNet-5 in its original form of 1998 (LeCun, Bottou, Bengio and Haffner) and in a modern form."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.models.layers import channels, conv, dense, finish, flatten, max_pool, scaled
from minigraph.models.record import EndPoints, Model, Preprocessing, Recipe

# Table I of the paper: which maps of S2 each map of C3 sees.
C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip

# Each digit as 12 rows of 7 pixels, in octal three digits a row. The paper's own pictures are not given as numbers:
# these are drawn in its manner.
_GLYPHS = """
000 034 042 101 101 101 101 101 101 042 034 000
000 010 030 050 010 010 010 010 010 010 076 000
000 074 102 001 001 002 014 020 040 100 177 000
000 076 101 001 001 036 001 001 001 101 076 000
000 002 006 012 022 042 102 177 002 002 002 000
000 177 100 100 174 002 001 001 001 102 074 000
000 036 040 100 100 174 102 101 101 042 034 000
000 177 001 002 002 004 004 010 010 020 020 000
000 076 101 101 101 076 101 101 101 101 076 000
000 034 042 101 101 041 037 001 001 002 074 000
"""


def codes() -> np.ndarray[Any, Any]:
    """The fixed codes of the ten classes: float32 [10, 84], 1 for ink and −1 for paper."""
    rows = np.array([[int(row, 8) for row in line.split()] for line in _GLYPHS.split("\n") if line])
    bits = rows[:, :, None] >> np.arange(6, -1, -1) & 1
    return (2 * bits - 1).reshape(len(rows), -1).astype(np.float32)


def lenet5(
    images: tf.Tensor, num_classes: int = 10, is_training: bool = False, width: float = 1.0, full_c3: bool = False,
    reuse: bool | None = None, scope: str = "lenet5",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build LeNet-5 of 1998: trainable sub-sampling, sparse connections, and radial basis functions.

    The logits are −d for the squared distances d = ‖x − code‖² of the last layer's output x from the classes' fixed
    codes, so the predictions are in proportion to e^−d. The network has 60,000 trainable parameters. End point for
    transfer learning: f6 [N,84].

    Args:
        images: float32 [N,32,32,1], −0.1 for paper and 1.175 for ink.
        num_classes: Number of classes. There are codes for at most ten.
        is_training: It has no effect: the network has no dropout.
        width: A factor of the number of C5's maps. All else is fixed by the connections and the codes.
        full_c3: Whether each map of C3 sees all maps of S2, which takes 60,900 parameters.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Raises:
        ValueError: `num_classes` is not 1 to 10.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 32, 32, 1])
        >>> logits, end_points = models.lenet5(images, num_classes=10, width=1.0)
        >>> logits.shape.as_list()
        [None, 10]

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998.
    """
    if not 1 <= num_classes <= 10:
        raise ValueError(f"lenet5 has codes for ten classes, not {num_classes}; lenet5_modern takes any number")
    ends: EndPoints = {}
    with tf.variable_scope(scope, reuse=reuse):
        x = ends["c1"] = conv(images, 6, 5, padding="VALID", activation=squash, name="c1")
        x = ends["s2"] = _subsample(x, "s2")
        if full_c3:
            x = ends["c3"] = conv(x, 16, 5, padding="VALID", activation=squash, name="c3")
        else:
            x = ends["c3"] = _sparse_conv(x, "c3")
        x = ends["s4"] = _subsample(x, "s4")
        x = conv(x, scaled(120, width), 5, padding="VALID", activation=squash, name="c5")
        x = ends["c5"] = flatten(x)
        x = ends["f6"] = dense(x, 84, squash, "f6")
        difference = tf.expand_dims(x, 1) - tf.constant(codes()[:num_classes], name="codes")
        return finish(-tf.reduce_sum(tf.square(difference), 2, name="distances"), ends)


def squash(x: tf.Tensor) -> tf.Tensor:
    """1.7159·tanh(2x/3), which is ±1 at ±1 (appendix A of the paper)."""
    result: tf.Tensor = 1.7159 * tf.tanh(x * (2.0 / 3.0))
    return result


def _subsample(x: tf.Tensor, name: str) -> tf.Tensor:
    """σ(coefficient·(sum of 2x2 pixels) + bias), with both per map: [N,H,W,C] -> [N,H/2,W/2,C]."""
    with tf.variable_scope(name):
        coefficient = tf.get_variable("coefficients", [channels(x)], initializer=tf.constant_initializer(0.25))
        bias = tf.get_variable("biases", [channels(x)], initializer=tf.zeros_initializer())
        sums = 4.0 * tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
        return tf.sigmoid(tf.nn.bias_add(sums * coefficient, bias))


def _sparse_conv(x: tf.Tensor, name: str) -> tf.Tensor:
    """A 5x5 convolution with the connections of C3_TABLE. Variables: weights [5,5,60] and biases."""
    pairs = [(i, o) for o, seen in enumerate(C3_TABLE) for i in seen]
    place = np.full(
        (channels(x), len(C3_TABLE)), len(pairs)
    )  # the number of the zero after the weights, for no connection
    for number, pair in enumerate(pairs):
        place[pair] = number
    with tf.variable_scope(name):
        init = tf.truncated_normal_initializer(stddev=(25 * len(pairs) / len(C3_TABLE)) ** -0.5)
        weights = tf.get_variable("weights", [5, 5, len(pairs)], initializer=init)
        biases = tf.get_variable("biases", [len(C3_TABLE)], initializer=tf.zeros_initializer())
        filters = tf.gather(tf.concat([weights, tf.zeros([5, 5, 1])], 2), place, axis=2)
        return squash(tf.nn.bias_add(tf.nn.conv2d(x, filters, [1, 1, 1, 1], "VALID"), biases))


def lenet5_modern(
    images: tf.Tensor, num_classes: int = 10, is_training: bool = False, width: float = 1.0,
    reuse: bool | None = None, scope: str = "lenet5_modern",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Build LeNet-5 with ReLU, max-pooling, and softmax over linear units.

    The network has 61,706 parameters. End point for transfer learning: f6 [N,84].

    Args:
        images: float32 [N,H,W,1], 0 to 1; the size is known, at least 16, and 32 by design.
        num_classes: Number of classes.
        is_training: It has no effect: the network has no dropout.
        width: A factor of the numbers of maps and units.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 32, 32, 1])
        >>> logits, end_points = models.lenet5_modern(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]
    """
    ends: EndPoints = {}
    with tf.variable_scope(scope, reuse=reuse):
        x = images
        for i, maps in ((1, 6), (3, 16)):
            x = ends[f"c{i}"] = conv(x, scaled(maps, width), 5, padding="VALID", name=f"c{i}")
            x = ends[f"s{i + 1}"] = max_pool(x, 2, 2, name=f"s{i + 1}")
        x = ends["c5"] = dense(flatten(x), scaled(120, width), name="c5")
        x = ends["f6"] = dense(x, scaled(84, width), name="f6")
        return finish(dense(x, num_classes, None, "output"), ends)


RECIPE = Recipe(
    dataset="sample",
    image_shape=(32, 32, 1),
    batch_size=64,
    learning_rate=0.002,
    keep_prob=None,
    stddev=None,
    epochs=MappingProxyType({"cifar10": 20, "fashion-mnist": 10}),
    other_epochs=5,
)


def _model(name: str, summary: str, build: Callable[..., Any], preprocessing: Preprocessing, trainable: int) -> Model:
    return Model(name, summary, "lenet", build, 32, 10, "f6", preprocessing, trainable=trainable, recipe=RECIPE)


MODELS = (
    _model(
        "lenet5",
        "1998: trainable sub-sampling, a table of connections, radial basis functions",
        lenet5,
        Preprocessing("L", (20.0,), (200.0,)),
        60_000,
    ),
    _model(
        "lenet5-modern",
        "LeNet-5 with ReLU, max-pooling and softmax",
        lenet5_modern,
        Preprocessing("L", (0.0,), (255.0,)),
        61_706,
    ),
)
