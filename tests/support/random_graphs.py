"""Random graphs for the tests of passes: several consumers, broadcasts, shared weights, state, control, gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import minigraph as tf

SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (4, 2, 3)]
UNARY = [
    tf.negative,
    tf.abs,
    tf.square,
    tf.tanh,
    tf.sigmoid,
    tf.nn.relu,
    tf.nn.softplus,
    tf.identity,
    tf.stop_gradient,
    lambda x: tf.log(tf.abs(x) + 1.0),
    lambda x: tf.sqrt(tf.square(x) + 0.5),
    lambda x: x * 1.0,
    lambda x: x - 0.0,
    lambda x: x + 0.0,
    lambda x: x / 1.0,
    lambda x: tf.negative(tf.negative(x)),
    lambda x: tf.reduce_mean(x),
    lambda x: tf.reduce_sum(x, axis=-1, keepdims=True) if x.shape.ndims else x,
    lambda x: tf.reshape(tf.reshape(x, [-1]), x.get_shape().as_list()),
    lambda x: tf.transpose(tf.transpose(x)),
    lambda x: tf.transpose(x),
    lambda x: tf.matmul(tf.transpose(x), x) if x.shape.ndims == 2 else x,
    lambda x: tf.concat([tf.transpose(x), tf.transpose(x)], 0) if x.shape.ndims else x,
    lambda x: tf.reduce_max(tf.transpose(x), axis=0) if x.shape.ndims else x,
    lambda x: tf.nn.softmax(x) if x.shape.ndims else x,
    lambda x: tf.log(tf.nn.softmax(x)) if x.shape.ndims else x,
    lambda x: tf.nn.bias_add(x, tf.constant([0.5, -1.0, 2.0])) if x.get_shape().as_list()[1:] == [3] else x,
]
BINARY = [tf.add, tf.subtract, tf.multiply, tf.maximum, tf.minimum, lambda a, b: a / (tf.square(b) + 1.0)]


class Case(NamedTuple):
    """A graph, what to fetch of it, and what to feed."""

    graph: tf.Graph
    fetches: list[Any]
    feeds: dict[Any, np.ndarray]
    initialise: Any


def _compatible(a: Any, b: Any) -> bool:
    try:
        np.broadcast_shapes(tuple(a.get_shape().as_list()), tuple(b.get_shape().as_list()))
    except ValueError:
        return False
    return True


@st.composite
def random_graphs(draw: st.DrawFn, stateful: bool = True) -> Case:
    """A graph of up to 14 random ops on placeholders, constants and variables, with gradients and updates."""
    graph = tf.Graph()
    random = np.random.RandomState(draw(st.integers(0, 2**31 - 1)))
    with graph.as_default():
        tf.set_random_seed(3)
        shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=2, max_size=4))
        holders = [tf.placeholder(tf.float32, shape) for shape in shapes]
        feeds = {h: np.asarray(random.randn(*shape), np.float32) for h, shape in zip(holders, shapes, strict=True)}
        variables = [tf.Variable(random.randn(*shapes[0]).astype(np.float32) if shapes[0] else 0.5)]
        values: list[Any] = [*holders, *variables, tf.constant(draw(st.sampled_from([0.0, -0.0, 1.0, 2.5])))]
        if stateful and draw(st.booleans()):
            values.append(tf.random_uniform([3]))
        for _ in range(draw(st.integers(1, 14))):
            values.append(_grow(draw, values))
        fetches = list(dict.fromkeys(draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))))
        total = tf.add_n([tf.reduce_sum(tf.convert_to_tensor(f)) for f in fetches])
        targets = [*holders, *variables]
        fetches += [g for g in tf.gradients(total, targets) if g is not None]
        if stateful and draw(st.booleans()):
            update = variables[0].assign_sub(0.1 * (variables[0] + tf.tanh(total)))
            fetches.append(update)
            with tf.control_dependencies([update]):
                fetches.append(tf.identity(total) + tf.reduce_sum(variables[0].read_value()))
        return Case(graph, fetches, feeds, tf.global_variables_initializer())


def _grow(draw: st.DrawFn, values: list[Any]) -> Any:
    x = values[draw(st.integers(0, len(values) - 1))]
    if draw(st.booleans()):
        return draw(st.sampled_from(UNARY))(tf.convert_to_tensor(x))
    partners = [v for v in values if _compatible(x, v)]
    return draw(st.sampled_from(BINARY))(x, draw(st.sampled_from(partners)))


def evaluate(case: Case, **options: Any) -> list[np.ndarray]:
    """The fetches of two runs in a fresh session."""
    with tf.Session(graph=case.graph, **options) as session:
        session.run(case.initialise)
        out: list[np.ndarray] = []
        for _ in range(2):
            out += session.run(case.fetches, case.feeds)
        return out
