"""Inputs and results of the calls of layer objects (`calls`, `structures`), of `tf.layers` and of `tf.keras`.

The texts of the errors are TensorFlow 1.15's.
"""

from __future__ import annotations

from typing import Any

import pytest

import minigraph as tf

WHATS = ("input", "output", "input_shape", "output_shape")


@pytest.fixture(params=["layers", "keras"])
def dense(request: Any) -> Any:
    module = tf.layers if request.param == "layers" else tf.keras.layers
    with tf.Graph().as_default():
        yield module.Dense(3, name="d")


def x(*shape: int | None) -> tf.Tensor:
    return tf.placeholder(tf.float32, shape)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("input", "Layer d is not connected, no input to return."),
        ("output", "Layer d has no inbound nodes."),
        ("input_shape", "The layer has never been called and thus has no defined input shape."),
        ("output_shape", "The layer has never been called and thus has no defined output shape."),
    ],
)
def test_a_layer_that_was_not_called(dense: Any, what: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said):
        getattr(dense, what)
    with pytest.raises(RuntimeError, match=f"The layer has never been called and thus has no defined {what[:5]}"):
        getattr(dense, f"get_{what}_at")(0)


def test_calls_are_numbered(dense: Any) -> None:
    given = [x(None, 4), x(None, 4), x(2, 4)]
    made = [dense(v) for v in given]
    assert [dense.get_input_at(i) for i in range(3)] == given
    assert [dense.get_output_at(i) for i in range(3)] == made
    assert (dense.input, dense.output) == (given[0], made[0])
    assert dense.get_input_shape_at(2) == (2, 4)
    assert dense.get_output_shape_at(1) == (None, 3)
    with pytest.raises(ValueError, match="Asked to get output at node 3, but the layer has only 3 inbound nodes"):
        dense.get_output_at(3)


@pytest.mark.parametrize("what", ["input", "output"])
def test_shapes_must_agree(dense: Any, what: str) -> None:
    dense(x(None, 4))
    dense(x(None, 4))
    assert getattr(dense, f"{what}_shape") == (None, {"input": 4, "output": 3}[what])
    dense(x(2, 4))
    with pytest.raises(AttributeError, match=f"multiple inbound nodes, with different {what} shapes"):
        getattr(dense, f"{what}_shape")


def test_several_inputs() -> None:
    with tf.Graph().as_default():
        layer, given = tf.keras.layers.Add(), [x(None, 4), x(None, 1, 4)]
        layer(given)
        assert layer.input == given
        assert layer.input_shape == [(None, 4), (None, 1, 4)]
