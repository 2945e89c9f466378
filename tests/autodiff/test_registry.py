"""Gradients that a program registers, and their errors. Values are compared with TensorFlow's in the goldens."""

from __future__ import annotations

import pytest

import minigraph as tf
from minigraph.autodiff.registry import overriding


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
