"""What layers as objects tell about themselves."""

from __future__ import annotations

import functools
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


def test_arguments_of_layers_can_be_read() -> None:
    dense = tf.layers.Dense(7, use_bias=False)
    assert (dense.units, dense.use_bias, dense.activation) == (7, False, None)
    dense(tf.zeros([1, 2]))
    assert dense.bias is None


WINDOWED: dict[str, tuple[int, Any, str]] = {
    "conv1d": (1, functools.partial(tf.layers.conv1d, filters=2), "kernel_size"),
    "conv2d": (2, functools.partial(tf.layers.conv2d, filters=2), "kernel_size"),
    "conv3d": (3, functools.partial(tf.layers.conv3d, filters=2), "kernel_size"),
    "separable_conv2d": (2, functools.partial(tf.layers.separable_conv2d, filters=2), "kernel_size"),
    "conv2d_transpose": (2, functools.partial(tf.layers.conv2d_transpose, filters=2), "kernel_size"),
    "conv3d_transpose": (3, functools.partial(tf.layers.conv3d_transpose, filters=2), "kernel_size"),
    "max_pooling1d": (1, tf.layers.max_pooling1d, "pool_size"),
    "average_pooling2d": (2, tf.layers.average_pooling2d, "pool_size"),
    "max_pooling3d": (3, tf.layers.max_pooling3d, "pool_size"),
    "Conv1D": (1, lambda x, **o: tf.keras.layers.Conv1D(2, **o)(x), "kernel_size"),
    "Conv3D": (3, lambda x, **o: tf.keras.layers.Conv3D(2, **o)(x), "kernel_size"),
    "Conv2DTranspose": (2, lambda x, **o: tf.keras.layers.Conv2DTranspose(2, **o)(x), "kernel_size"),
    "MaxPooling2D": (2, lambda x, **o: tf.keras.layers.MaxPooling2D(**o)(x), "pool_size"),
}


@pytest.mark.parametrize("name", WINDOWED)
def test_sizes_and_paddings_of_layers(name: str) -> None:
    """One integer, or one for each axis, in any letters. Anything else is refused in the layer's own words."""
    rank, layer, window = WINDOWED[name]
    with tf.Graph().as_default():
        x = tf.zeros([1, *[4] * rank, 1])
        usual = {window: 2, "strides": 2, "padding": "same"}
        shape = layer(x, **usual).shape
        for same in (np.int64(2), [2], (2,) * rank, np.full(rank, 2)):
            assert layer(x, **{**usual, window: same, "strides": same}).shape == shape
        assert layer(x, **{**usual, "padding": "SAME"}).shape == shape
        wrong: list[Any] = [2.9, [2] * (rank + 1), [2] * (rank + 2), [2.9] * rank, "2", [], tf.constant(2)]
        for option in (window, "strides"):
            for bad in wrong:
                with pytest.raises(ValueError, match=f"`{option}` argument must be one integer"):
                    layer(x, **{**usual, option: bad})
        for bad in ("foo", 3, None):
            with pytest.raises(ValueError, match=rf"`padding` argument must be .*'same'.*Received: {bad!r}"):
                layer(x, **{**usual, "padding": bad})


def test_borders_of_layers_are_integers() -> None:
    layers = tf.keras.layers
    for rank, layer in ((1, layers.ZeroPadding1D), (2, layers.Cropping2D), (3, layers.ZeroPadding3D)):
        for same in (np.int64(1), [[1, 1]] * rank, np.ones((rank, 2), int), [1] * max(rank, 2)):
            assert layer(same).borders == ((1, 1),) * rank
        for bad in (1.5, [1.5] * rank, [1] * 5, [[1, 1.5]] * rank, [[1, 1, 1]] * rank, "1"):
            with pytest.raises(ValueError, match="must be one integer"):
                layer(bad)


def test_transposed_convolutions_are_convolutions() -> None:
    """As in TensorFlow 1.15.5."""
    layers = tf.keras.layers
    assert issubclass(layers.Conv2DTranspose, layers.Conv2D)
    assert issubclass(layers.Conv3DTranspose, layers.Conv3D)


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
