"""Gradients that a program registers, and their errors. Values are compared with TensorFlow's in the goldens."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest

import minigraph as tf
from minigraph.autodiff.registry import overriding

tf.NotDifferentiable("Flat")


def test_a_name_is_registered_once() -> None:
    tf.RegisterGradient("RegisteredOnce")(lambda op, grad: grad)
    with pytest.raises(KeyError, match="RegisteredOnce"):
        tf.RegisterGradient("RegisteredOnce")(lambda op, grad: grad)
    with pytest.raises(TypeError, match="string"):
        tf.NotDifferentiable(3)  # type: ignore[arg-type]


def test_a_function_gives_one_gradient_for_each_input() -> None:
    tf.RegisterGradient("TooFew")(lambda op, grad: [grad])
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0)
        with graph.gradient_override_map({"Mul": "TooFew"}):
            y = x * x
        assert overriding(y.op) is not None
        assert overriding(x.op) is None
        with pytest.raises(ValueError, match=r"Num gradients 1 generated .* do not match num inputs 2"):
            tf.gradients(y, x)


@pytest.mark.parametrize("inner", [lambda z: tf.exp(z), lambda z: tf.stop_gradient(z)])
def test_an_x_without_gradient_passes_none_on(inner: Callable[[tf.Tensor], tf.Tensor]) -> None:
    """y = x·z for an x computed from z: the gradient for z is x alone, also if both are asked for."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        z = tf.constant(3.0)
        with graph.gradient_override_map({"Exp": "Flat"}):
            x = inner(z)
        found = tf.gradients(x * z, [x, z])
        assert tf.gradients(x, [x, z])[1] is None
        values = session.run([*found, z, x])
    assert values[:2] == values[2:]


def test_a_name_off_the_path_need_not_be_registered() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0)
        with graph.gradient_override_map({"Exp": "NeverRegistered"}):
            aside = tf.exp(x)
        y = x * x
        assert tf.gradients(y, x) != [None]
        with pytest.raises(LookupError, match=r"operation 'Exp' .*'NeverRegistered'"):
            tf.gradients(y + aside, x)


def test_nodes_of_other_threads_keep_their_gradients() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0)
        made: list[tf.Tensor] = []
        with graph.gradient_override_map({"Exp": "Flat"}):
            thread = Thread(target=lambda: made.append(tf.exp(x)))
            thread.start()
            thread.join()
        assert tf.gradients(made[0], x) != [None]
