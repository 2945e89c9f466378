"""Activations and their kin: what their nodes are called."""

from __future__ import annotations

from typing import Any

import pytest

import minigraph as tf

NAMES = {
    "relu": "Relu", "relu6": "Relu6", "elu": "Elu", "selu": "Selu", "softplus": "Softplus", "softsign": "Softsign",
    "sigmoid": "Sigmoid", "tanh": "Tanh", "swish": "swish/mul", "crelu": "CRelu/Relu", "leaky_relu": "LeakyRelu",
    "softmax": "Softmax", "log_softmax": "LogSoftmax", "l2_loss": "L2Loss", "zero_fraction": "zero_fraction/fraction",
}  # fmt: skip


@pytest.mark.parametrize("function", NAMES)
def test_nodes_have_the_name_that_is_given_or_the_functions(function: str) -> None:
    call: Any = getattr(tf.nn, function)
    scope, *inner = NAMES[function].split("/")
    x = tf.placeholder(tf.float32, [2, 4])
    found = [call(x).op.name, call(x).op.name, call(x, name="given").op.name]
    assert found == ["/".join((name, *inner)) for name in (scope, f"{scope}_1", "given")]
