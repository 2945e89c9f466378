"""Layers that the networks share. Variables: `weights` and `biases`, or those of batch normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.errors import ShapeError
from minigraph.core.provenance import count_as_internal
from minigraph.core.types import format_shape
from minigraph.models.record import EndPoints, Stored
from minigraph.ops.nn.conv2d import grouped_conv2d

count_as_internal(__file__)  # a node's line is that of the network

Activation = Callable[[tf.Tensor], tf.Tensor] | None


def scaled(count: int, width: float, multiple: int = 1) -> int:
    """`count` times `width`, rounded to a multiple of `multiple` and at least `multiple`."""
    return max(multiple, multiple * round(count * width / multiple))


def conv(
    x: tf.Tensor, maps: int, size: int | tuple[int, int], stride: int = 1, padding: Any = "SAME", groups: int = 1,
    activation: Activation = tf.nn.relu, name: str = "conv",
) -> tf.Tensor:  # fmt: skip
    """A convolution, bias, and activation: [N, H, W, C] -> [N, H', W', maps].

    size: of the filter, a number or rows and columns. padding: SAME, VALID, or a number of zeros on each side.
    """
    with tf.variable_scope(name):
        y = tf.nn.bias_add(_convolve(x, maps, size, stride, padding, groups), _biases(maps))
        return y if activation is None else activation(y)


def conv_norm(
    x: tf.Tensor, maps: int, size: int | tuple[int, int], stride: int = 1, padding: Any = "SAME", groups: int = 1,
    activation: Activation = tf.nn.relu, is_training: bool = False, name: str = "conv", **norm: Any,
) -> tf.Tensor:  # fmt: skip
    """A convolution without bias, batch normalisation, activation. norm: arguments of the normalisation."""
    with tf.variable_scope(name):
        y = _convolve(x, maps, size, stride, padding, groups)
        y = tf.layers.batch_normalization(y, training=is_training, name="norm", **norm)
        return y if activation is None else activation(y)


def dense(x: tf.Tensor, units: int, activation: Activation = tf.nn.relu, name: str = "dense") -> tf.Tensor:
    """x W + b, and activation: [N, C] -> [N, units]."""
    with tf.variable_scope(name):
        y = tf.nn.bias_add(tf.matmul(x, _weights([channels(x), units])), _biases(units))
        return y if activation is None else activation(y)


def max_pool(x: tf.Tensor, size: int, stride: int, padding: Any = "VALID", name: str = "pool") -> tf.Tensor:
    return tf.nn.max_pool(x, [1, size, size, 1], [1, stride, stride, 1], _sides(padding), name=name)


def avg_pool(x: tf.Tensor, size: int, stride: int, padding: Any = "VALID", name: str = "pool") -> tf.Tensor:
    """Average pooling of x; padding is excluded from the means."""
    return tf.nn.avg_pool(x, [1, size, size, 1], [1, stride, stride, 1], padding, name=name)


def global_mean(x: tf.Tensor, name: str = "pool") -> tf.Tensor:
    """The mean of each map: [N, H, W, C] -> [N, C]."""
    return tf.reduce_mean(x, [1, 2], name=name)


def flatten(x: tf.Tensor, name: str = "flatten") -> tf.Tensor:
    """[N, H, W, C] -> [N, H·W·C]."""
    return tf.reshape(x, [-1, x.get_shape()[1:].num_elements()], name=name)


def dropout(x: tf.Tensor, keep_prob: Any, is_training: bool, name: str = "dropout") -> tf.Tensor:
    """Dropout in training: keep the fraction `keep_prob` (a number or a tensor) of x, divided by `keep_prob`."""
    return tf.nn.dropout(x, keep_prob, name=name) if is_training else x


def finish(logits: tf.Tensor, ends: EndPoints) -> tuple[tf.Tensor, EndPoints]:
    """The result of a builder: the logits, and the end points with "logits" and "predictions" added."""
    ends["logits"] = logits
    ends["predictions"] = tf.nn.softmax(logits, name="predictions")
    return logits, ends


def channels(x: tf.Tensor) -> int:
    """The size of the last axis. Raises ShapeError if it is unknown."""
    size = x.type.shape[-1] if x.type.shape else None
    if size is None:
        raise ShapeError(f"expected a tensor whose last size is known, got shape {format_shape(x.type.shape)}")
    return size


TORCH = {
    "weights": "weight", "biases": "bias", "gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var",
}  # fmt: skip


def torch_stored(name: str, shape: tuple[int, ...]) -> Stored:
    """torch's layout of a variable of this shape: filters as [O, I, H, W], matrices as [out, in]."""
    return Stored(name, {4: (2, 3, 1, 0), 2: (1, 0)}.get(len(shape)))


def _convolve(
    x: tf.Tensor, maps: int, size: int | tuple[int, int], stride: int, padding: Any, groups: int
) -> tf.Tensor:
    rows, columns = (size, size) if isinstance(size, int) else size
    filters = _weights([rows, columns, channels(x) // groups, maps])
    return grouped_conv2d(x, filters, groups, [1, stride, stride, 1], _sides(padding))


def _weights(shape: list[int]) -> tf.Variable:
    return tf.get_variable("weights", shape, initializer=tf.variance_scaling_initializer(2.0))


def _biases(count: int) -> tf.Variable:
    return tf.get_variable("biases", [count], initializer=tf.zeros_initializer())


def _sides(padding: Any) -> Any:
    return [[0, 0], [padding, padding], [padding, padding], [0, 0]] if isinstance(padding, int) else padding
