"""Values computed again for the backward pass: the same numbers, in less memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.deep_networks import Network, residual_chain
from support.verify_graph import verify_graph

import minigraph as tf
from minigraph.compile.plan import Plan
from minigraph.ops.control.recompute import Recompute

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 5)).astype(np.float32)


def weights(*shape: int) -> tf.Variable:
    return tf.Variable(tf.truncated_normal(shape, stddev=0.5))


def layer(x: Any, width: int) -> tf.Tensor:
    return tf.tanh(tf.matmul(x, weights(x.get_shape().as_list()[1], width)) + weights(width))


def chain(x: Any, scope: Any) -> tf.Tensor:
    for i in range(3):
        with scope(f"block{i}"):
            x = x + layer(layer(x, 7), 5)
    return tf.reduce_mean(tf.square(x))


def nested(x: Any, scope: Any) -> tf.Tensor:
    with scope("outer"):
        y = layer(x, 4)
        with scope("first"):
            y = layer(layer(y, 4), 4)
        y = y * tf.sigmoid(y)
        with scope("second"):
            with scope("deep"):
                y = layer(y, 5)
            y = tf.square(layer(y, 5))
    return tf.reduce_sum(y)


def partial_use(x: Any, scope: Any) -> tf.Tensor:
    """Two outputs of the scope are read outside, one of them twice; a third is not read at all."""
    with scope("block"):
        a = layer(x, 5)
        b = tf.exp(-tf.square(a))
        tf.log(b + 1.0)
    return tf.reduce_sum(a * x) + tf.reduce_sum(tf.nn.softmax(b) * a)


def interleaved(x: Any, scope: Any) -> tf.Tensor:
    """A scope that is left and entered again, with a value from outside in between."""
    with scope("block") as name:
        a = layer(x, 5)
    b = tf.sin(a)
    with tf.name_scope(name):
        c = layer(b, 5) * a
    return tf.reduce_sum(tf.square(c))


def noisy(x: Any, scope: Any) -> tf.Tensor:
    """Random numbers, shapes computed in the graph, integers, and constants within the scope."""
    with scope("block"):
        y = tf.nn.dropout(layer(x, 6), 0.7)
        y = tf.reshape(y, tf.stack([tf.shape(y)[0] * 2, 3])) + tf.random_normal([3]) * tf.constant([0.1, 0.2, 0.3])
        y = tf.where(tf.greater(y, 0.1), y, tf.square(y))
        y = tf.gather(y, tf.argmax(y, 0)) * tf.one_hot(tf.argmax(y, 0), 3)
    return tf.reduce_sum(y) + tf.reduce_sum(tf.random_uniform([2]))


def convolution(x: Any, scope: Any) -> tf.Tensor:
    y = tf.reshape(x, [-1, 5, 6, 1])
    with scope("block"):
        y = tf.nn.max_pool(
            tf.nn.relu(tf.nn.conv2d(y, weights(3, 3, 1, 4), [1, 1, 1, 1], "SAME")), *[[1, 2, 2, 1]] * 2, "SAME"
        )
        mean, variance = tf.nn.moments(y, [0, 1, 2])
        y = tf.concat([tf.nn.batch_normalization(y, mean, variance, None, None, 1e-3), y], 3)
    return tf.reduce_mean(tf.nn.relu(y))


def controlled(x: Any, scope: Any) -> tf.Tensor:
    counter = tf.Variable(0.0, trainable=False)
    with scope("block"):
        y = layer(x, 5)
        with tf.control_dependencies([counter.assign_add(1.0)]):
            y = tf.sin(y) * counter.read_value()
        y = layer(y, 5)
    return tf.reduce_sum(tf.square(y))


BODIES = [chain, nested, partial_use, interleaved, noisy, convolution, controlled]


Built = tuple[tf.Graph, list[Any], Any, Any]  # with the fetches, the initialiser, and what is fed


def build(body: Callable[..., tf.Tensor], scope: Any, second_order: bool = False) -> Built:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(11)
        x = tf.placeholder(tf.float32, [None, 5])
        loss = body(x, scope)
        variables = tf.trainable_variables()
        grads = tf.gradients(loss, [x, *variables])
        if second_order:
            total = tf.add_n([tf.reduce_sum(tf.square(g)) for g in grads if g is not None])
            grads += tf.gradients(total + loss, [x, *variables])
        step = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        noise = tf.random_normal([2])
        fetches = [step, loss, noise, *(g for g in grads if g is not None)]
        verify_graph(graph)
        return graph, fetches, tf.global_variables_initializer(), x


def results(built: Built, **options: Any) -> list[bytes]:
    graph, fetches, initialise, x = built
    with tf.Session(graph=graph, **options) as session:
        session.run(initialise)
        out: list[bytes] = []
        for _ in range(2):
            out += [np.asarray(v).tobytes() for v in session.run(fetches, {x: X})[1:]]
        return out + [v.tobytes() for v in session.read_state().values()]


@pytest.mark.parametrize("second_order", [False, True], ids=["first order", "second order"])
@pytest.mark.parametrize("body", BODIES, ids=lambda b: b.__name__)
def test_the_same_numbers_to_the_bit(body: Callable[..., tf.Tensor], second_order: bool) -> None:
    plain = build(body, tf.name_scope, second_order)
    again = build(body, tf.recompute, second_order)
    assert any(isinstance(n.op, Recompute) for n in again[0].nodes)
    for reorder in (False, True):
        assert results(plain, optimize="O0") == results(again, optimize="O0", reorder=reorder)


@pytest.mark.parametrize("body", BODIES, ids=lambda b: b.__name__)
def test_all_passes_keep_the_numbers(body: Callable[..., tf.Tensor]) -> None:
    graph, fetches, initialise, x = build(body, tf.recompute)
    found = []
    for optimize in ("O0", "O3"):
        with tf.Session(graph=graph, optimize=optimize) as session:
            session.run(initialise)
            found.append(session.run(fetches, {x: X})[1:])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def training_plan(network: Network, batch: int, **options: Any) -> Plan:
    return tf.Session(graph=network.graph, **options).plan_for(network.fetches, network.feeds(batch))[0]


@pytest.mark.parametrize("optimize", ["O0", "O3"])
def test_a_deep_residual_chain_takes_less_memory(optimize: str) -> None:
    peaks = [
        training_plan(residual_chain(16, scope), 16, optimize=optimize).peak for scope in (tf.name_scope, tf.recompute)
    ]
    assert peaks[1] < 0.6 * peaks[0]


@pytest.mark.parametrize("optimize", ["O0", "O3"])
def test_a_deep_perceptron_takes_less_memory(optimize: str) -> None:
    peaks = []
    for scope in (tf.name_scope, tf.recompute):
        with tf.Graph().as_default() as graph:
            x = y = tf.placeholder(tf.float32, [None, 32])
            for i in range(8):
                with scope(f"block{i}"):
                    for _ in range(6):
                        y = layer(y, 32)
            step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(tf.square(y)))
            session = tf.Session(graph=graph, optimize=optimize)
            peaks.append(session.plan_for(step, {x: np.zeros((512, 32))})[0].peak)
    assert peaks[1] < 0.6 * peaks[0]


def test_nested_scopes_take_less_than_the_outer_ones_alone() -> None:
    def peak(outer: Any, inner: Any) -> int:
        with tf.Graph().as_default() as graph:
            x = y = tf.placeholder(tf.float32, [None, 16])
            for i in range(4):
                with outer(f"outer{i}"):
                    for j in range(4):
                        with inner(f"inner{j}"):
                            for _ in range(4):
                                y = layer(y, 16)
            grads = tf.gradients(tf.reduce_sum(y), x)
            return tf.Session(graph=graph, optimize="O0").plan_for(grads, {x: np.zeros((256, 16))})[0].peak

    plain, outer, both = (
        peak(tf.name_scope, tf.name_scope),
        peak(tf.recompute, tf.name_scope),
        peak(*[tf.recompute] * 2),
    )
    assert both < 0.75 * outer < 0.5 * plain


def test_two_calls_of_gradients_have_copies_of_their_own() -> None:
    x = tf.placeholder(tf.float32, [5])
    with tf.recompute("block"):
        y = tf.tanh(tf.sin(x) * x)
    first, second = tf.gradients(tf.reduce_sum(y), x)[0], tf.gradients(tf.reduce_sum(y * y), x)[0]
    value = X[0].astype(np.float64)
    t, s, c = np.tanh(np.sin(value) * value), np.sin(value), np.cos(value)
    inner = (1 - t**2) * (c * value + s)
    with tf.Session() as session:
        found = session.run([first, second], {x: value})
    np.testing.assert_allclose(found, [inner, 2 * t * inner], rtol=1e-5)


def test_a_value_fed_inside_the_scope_stands_for_its_copies() -> None:
    x = tf.placeholder(tf.float32, [])
    with tf.recompute("block"):
        default = tf.placeholder_with_default(tf.constant(2.0), [])
        inner = x * default
        y = tf.sin(inner) * inner
    (gradient,) = tf.gradients(y, inner)
    with tf.Session(optimize="O0") as session:
        for feeds, z in (({x: 3.0}, 6.0), ({x: 3.0, default: 5.0}, 15.0), ({inner: 0.5}, 0.5)):
            assert session.run(gradient, feeds) == pytest.approx(np.cos(z) * z + np.sin(z), rel=1e-5)


def test_copies_stand_under_the_gradient_with_the_source_of_the_original() -> None:
    x = tf.placeholder(tf.float32, [])
    with tf.recompute("block") as scope:
        y = tf.exp(tf.sin(x), name="wave")
    assert scope == "block/"
    tf.gradients(y, x, name="back")
    copy = tf.get_default_graph().get_operation_by_name("back/block/wave")
    assert copy.source == y.node.source
    assert isinstance(copy.inputs[0].node.inputs[0].node.op, Recompute)


def test_random_nodes_and_updates_are_not_copied() -> None:
    graph = build(noisy, tf.recompute)[0]
    with graph.as_default():
        kinds = [type(n.op).__name__ for n in graph.nodes if n.op.draws and "gradients" in n.name]
    assert not kinds
    graph = build(controlled, tf.recompute)[0]
    assert not [n for n in graph.nodes if n.op.writes and n.name.startswith("gradients")]


def random_body(seed: int) -> Callable[..., tf.Tensor]:
    """A random network whose scopes are opened, nested and left at random."""

    def body(x: Any, scope: Any) -> tf.Tensor:
        choose = np.random.default_rng(seed)
        values = [x, tf.square(x)]
        with contextlib.ExitStack() as stack:
            for i in range(25):
                if choose.random() < 0.25:
                    stack.enter_context(scope(f"block{i}"))
                elif choose.random() < 0.2:
                    stack.close()
                a, b = (values[choose.integers(len(values))] for _ in range(2))
                made = [tf.tanh(a), a * b, a + tf.sigmoid(b), layer(a, 5), tf.nn.dropout(a, 0.8), tf.maximum(a, -b)]
                values.append(made[choose.integers(len(made))])
            return tf.reduce_mean(layer(x, 5) * tf.add_n([tf.sin(v) for v in values[-3:]]))

    return body


@given(st.integers(0, 2**31), st.booleans())
@settings(max_examples=12)
def test_random_scopes_keep_the_numbers(seed: int, second_order: bool) -> None:
    plain = build(random_body(seed), tf.name_scope, second_order)
    again = build(random_body(seed), tf.recompute, second_order)
    assert results(plain, optimize="O0") == results(again, optimize="O0")
