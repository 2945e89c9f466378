"""What layers as objects tell about themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf


def test_updates_and_losses_are_those_of_the_layer() -> None:
    norm, other = tf.layers.BatchNormalization(gamma_regularizer=tf.nn.l2_loss), tf.layers.BatchNormalization()
    x = tf.zeros([2, 3])
    norm(x, training=True)
    other(x, training=True)
    assert norm.updates + other.updates == tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert norm.losses == tf.losses.get_regularization_losses()
    assert other.losses == []
    assert [v.name for v in norm.non_trainable_variables] == [
        "batch_normalization/moving_mean:0",
        "batch_normalization/moving_variance:0",
    ]


class Scale(tf.layers.Layer):
    """A layer of a user's."""

    def build(self, input_shape: tf.TensorShape) -> None:
        self.factor = self.add_weight("factor", [input_shape[-1]], initializer=tf.ones_initializer(),
                                        regularizer=tf.nn.l2_loss)  # fmt: skip
        super().build(input_shape)

    def call(self, inputs: Any, by: float = 1.0) -> Any:
        return inputs * self.factor * by


def test_layers_of_users_make_their_variables_once() -> None:
    x = tf.constant([[1.0, 2.0]])
    layer, other = Scale(), Scale(name="mine", trainable=False)
    results = [layer(x), layer.apply(x, by=3.0), other(x)]
    assert [v.name for v in tf.global_variables()] == ["scale/factor:0", "mine/factor:0"]
    assert tf.trainable_variables() == layer.trainable_variables == [layer.factor]
    assert (other.variables, other.trainable_variables) == ([other.factor], [])
    assert layer.losses + other.losses == tf.losses.get_regularization_losses()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert [r.tolist() for r in session.run(results)] == [[[1, 2]], [[3, 6]], [[1, 2]]]
    assert (layer.name, layer.scope_name, layer.dtype, layer.built) == ("scale", "scale", tf.float32, True)
    layer.add_update(tf.no_op())
    layer.add_loss(tf.constant(1.0))
    assert layer.updates == tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert len(layer.losses) == 2


def test_arguments_of_layers_can_be_read_and_wrong_sizes_are_named() -> None:
    dense = tf.layers.Dense(7, use_bias=False)
    assert (dense.units, dense.use_bias, dense.activation) == (7, False, None)
    dense(tf.zeros([1, 2]))
    assert dense.bias is None
    for options, name in (
        ({"kernel_size": (1, 2, 3)}, "kernel_size"),
        ({"kernel_size": 3, "strides": None}, "strides"),
    ):
        with pytest.raises(ValueError, match=name):
            tf.layers.conv2d(tf.zeros([1, 4, 4, 1]), 2, **options)


def test_default_names_are_those_of_tensorflow() -> None:
    """Recorded from TensorFlow 1.15.5, which adds numbers."""
    names = {"Conv2DBlock": "conv2d_block", "MyHTTPLayer": "my_http_layer", "_Hidden": "private__hidden", "A1b": "a1b"}
    for name, want in names.items():
        assert type(name, (tf.layers.Layer,), {})().name == want


def test_layers_within_a_layer_and_what_is_set_later() -> None:
    class Outer(tf.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = [Scale(name="inner")]

        def call(self, inputs: Any) -> Any:
            return self.inner[0](inputs.shape[-1].value * inputs)

    outer = Outer()
    outer(np.array([[1.0, 2.0]]))
    assert outer.losses == outer.inner[0].losses == tf.losses.get_regularization_losses()
    outer.add_loss(lambda: 2.0)
    assert len(outer.losses) == 2
    layer = outer.inner[0]
    assert layer.count_params() == 2
    layer.trainable = False
    assert (layer.trainable_variables, layer.non_trainable_variables) == ([], [layer.factor])
    with pytest.raises(ValueError, match="without inputs"):
        layer([])
    dense = tf.layers.Dense(2, trainable=False)
    dense(tf.zeros([1, 2]))
    assert (dense.trainable, dense.dtype) == (False, tf.float32)
