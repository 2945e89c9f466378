"""Custom gradients (`custom_gradients`) hold in the bodies of loops, and draws that a loop cannot make are refused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf

VALUES = np.array([0.5, -1.0, 2.0], np.float32)


@tf.custom_gradient
def tripled(x: Any) -> Any:
    """exp(x), with a gradient three times as large, of a tensor that the function makes."""
    y = tf.exp(x)
    return y, lambda dy: 3.0 * dy * y


def doubled(x: Any) -> Any:
    """exp(x) by an op whose registered gradient is three times as large."""
    with tf.get_default_graph().gradient_override_map({"Exp": "Tripled"}):
        return tf.exp(x)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigraph.autodiff.registry._REGISTERED", {})
    tf.RegisterGradient("Tripled")(lambda op, grad: 3.0 * grad * op.outputs[0])


LOOPS: dict[str, Callable[[Any, Any], Any]] = {
    "none": lambda f, x: f(x),
    "map": lambda f, x: tf.map_fn(f, x),
    "nested map": lambda f, x: tf.map_fn(lambda row: tf.map_fn(f, row), x[:, None]),
    "scan": lambda f, x: tf.scan(lambda total, a: total + f(a), x, tf.constant(0.0))[-1],
    "while": lambda f, x: tf.while_loop(lambda i, _: i < 1, lambda i, a: (i + 1, f(a)), [0, x])[1],
    "cond": lambda f, x: tf.cond(tf.constant(True), lambda: f(x), lambda: x),
}


@pytest.mark.parametrize("function", [tripled, doubled])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_custom_gradient_is_that_of_each_step(loop: str, function: Any) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(VALUES)
        slope = session.run(tf.gradients(LOOPS[loop](function, x), x)[0])
    np.testing.assert_allclose(slope, 3 * np.exp(VALUES), rtol=1e-5)


@pytest.mark.parametrize("function", [tripled, doubled])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_custom_gradient_holds_in_a_graph_that_was_written(loop: str, function: Any) -> None:
    """Also when the graph that was written is gone."""

    def written() -> Any:
        with tf.Graph().as_default() as graph:
            tf.identity(LOOPS[loop](function, tf.placeholder(tf.float32, [3], name="x")), name="y")
            return graph.as_graph_def()

    message = written()
    gc.collect()
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        x = tf.constant(VALUES)
        (y,) = tf.import_graph_def(message, {"x": x}, ["y:0"])
        slope = session.run(tf.gradients(y, x)[0])
    np.testing.assert_allclose(slope, 3 * np.exp(VALUES), rtol=1e-5)


def test_a_gradient_in_a_loop_reads_no_other_graph_and_draws_nothing() -> None:
    with tf.Graph().as_default():
        x, outside = tf.constant(VALUES), tf.constant(2.0)
        scaled = tf.custom_gradient(lambda a: (a * outside, lambda dy: dy * outside))

        @tf.custom_gradient
        def noisy(a: Any) -> Any:
            noise = tf.random_uniform([])
            return a * noise, lambda dy: dy * noise

        with pytest.raises(tf.errors.UnimplementedError, match="all tensors as arguments"):
            tf.gradients(tf.map_fn(scaled, x), x)
        with pytest.raises(tf.errors.UnimplementedError, match="random numbers"):
            tf.gradients(tf.map_fn(noisy, x), x)


def test_a_graph_with_custom_gradients_is_freed() -> None:
    graph = tf.Graph()
    with graph.as_default():
        tripled(tf.constant(1.0))
    alive = weakref.ref(graph)
    del graph
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    "draw",
    [
        lambda row: tf.multinomial(row, 2),
        tf.random_shuffle,
        lambda row: tf.nn.uniform_candidate_sampler(tf.zeros([2, 1], tf.int64), 1, 2, True, 5)[0],
    ],
)
def test_draws_that_are_not_of_a_shape_are_refused_in_loops(draw: Any) -> None:
    with tf.Graph().as_default(), pytest.raises(tf.errors.UnimplementedError, match="cannot draw random numbers"):
        tf.map_fn(draw, tf.zeros([3, 4, 5]))
