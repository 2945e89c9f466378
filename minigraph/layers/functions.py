"""The common layers of TensorFlow 1's `tf.layers`: functions that make their own variables."""

from __future__ import annotations

import math
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.typing import LayerDataFormat, LayerPadding, ShapeLike, Size, TensorLike
from minigraph.layers.common import (
    Activation,
    channels_of,
    finished,
    image_format,
    known,
    last_size,
    layer_scope,
    op_padding,
    sizes,
)
from minigraph.ops.array.reshape import reshape, transpose
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import composed
from minigraph.ops.control.branches import cond
from minigraph.ops.data_format import NCHW
from minigraph.ops.identity import identity
from minigraph.ops.math.algebra import tensordot
from minigraph.ops.math.matmul import matmul
from minigraph.ops.nn import conv2d as conv
from minigraph.ops.nn.avg_pool import avg_pool
from minigraph.ops.nn.dropout import dropout as nn_dropout
from minigraph.ops.nn.max_pool import max_pool
from minigraph.run.initializers import InitializerLike, zeros_initializer
from minigraph.run.variable_scope import Regularizer, Reuse, get_variable
from minigraph.run.variables import Constraint

__all__ = ["average_pooling2d", "conv2d", "dense", "dropout", "flatten", "max_pooling2d"]


def conv2d(
    inputs: TensorLike, filters: int, kernel_size: Size, strides: Size = (1, 1), padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", dilation_rate: Size = (1, 1), activation: Activation = None,
    use_bias: bool = True, kernel_initializer: InitializerLike | None = None,
    bias_initializer: InitializerLike = zeros_initializer, kernel_regularizer: Regularizer | None = None,
    bias_regularizer: Regularizer | None = None, activity_regularizer: None = None,
    kernel_constraint: Constraint | None = None, bias_constraint: Constraint | None = None, trainable: bool = True,
    name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Convolve images with trained filters and add a bias.

    As everywhere in deep learning, this is a cross-correlation: the kernel is not flipped.
    Variables: kernel [KH,KW,C,filters], bias [filters].

    Args:
        inputs: Floating-point images [N,H,W,C], with C known.
        filters: Number of filters, the channels of the result.
        kernel_size: Rows and columns of the filters: one number, or a pair.
        strides: Steps along rows and columns: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
        dilation_rate: Distance between the kernel's elements: one number, or a pair.
        activation: Function applied to the result, such as `tf.nn.relu`; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer: Initializer of the kernel; by default the scope's, or else Glorot's uniform one.
        bias_initializer: Initializer of the bias.
        kernel_regularizer, bias_regularizer: Functions from a variable to its penalty, which is added to
            `tf.GraphKeys.REGULARIZATION_LOSSES`.
        activity_regularizer: Not supported; it must be None.
        kernel_constraint, bias_constraint: Functions from a variable to the value that optimizers assign to it after
            each update.
        trainable: Whether the variables are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default `conv2d`, `conv2d_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        Images [N,H',W',filters]; H' is ⌈H/stride⌉ with "same", ⌈(H − KH + 1)/stride⌉ with "valid" and no dilation.

    Raises:
        ValueError: An argument has an unknown value, or is not supported.
        ShapeError: The rank of `inputs` is wrong, or the number of channels is unknown.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 28, 28, 1])
        >>> tf.layers.conv2d(x, filters=32, kernel_size=5, padding="same", activation=tf.nn.relu).shape.as_list()
        [None, 28, 28, 32]
    """
    refuse("tf.layers.conv2d", activity_regularizer=activity_regularizer)
    form, size = image_format(data_format)
    x = convert_to_tensor(inputs)
    channels = channels_of(x, data_format, "conv2d")
    rows, columns = sizes(kernel_size, 2, "kernel_size")
    with layer_scope(x, name, "conv2d", reuse):
        dims = [rows, columns, channels, filters]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable,
                              constraint=kernel_constraint)  # fmt: skip
        x.graph.reserve_ids(1)  # the dilation rate, a constant
        y = conv.conv2d(
            x,
            kernel,
            size(strides),
            op_padding(padding),
            data_format=form,
            dilations=size(dilation_rate, "dilation_rate"),
        )
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, filters, bias, activation, form)


def dense(
    inputs: TensorLike, units: int, activation: Activation = None, use_bias: bool = True,
    kernel_initializer: InitializerLike | None = None, bias_initializer: InitializerLike = zeros_initializer,
    kernel_regularizer: Regularizer | None = None, bias_regularizer: Regularizer | None = None,
    activity_regularizer: None = None, kernel_constraint: Constraint | None = None,
    bias_constraint: Constraint | None = None, trainable: bool = True, name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Multiply by a trained matrix and add a bias: a fully connected layer.

    Variables: kernel [C,units], bias [units].

    Args:
        inputs: Floating-point tensor […,C], with C known.
        units: Size of the last axis of the result.
        activation: Function applied to the result, such as `tf.nn.relu`; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer: Initializer of the kernel; by default the scope's, or else Glorot's uniform one.
        bias_initializer: Initializer of the bias.
        kernel_regularizer, bias_regularizer: Functions from a variable to its penalty, which is added to
            `tf.GraphKeys.REGULARIZATION_LOSSES`.
        activity_regularizer: Not supported; it must be None.
        kernel_constraint, bias_constraint: Functions from a variable to the value that optimizers assign to it after
            each update.
        trainable: Whether the variables are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default `dense`, `dense_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        A tensor […,units] of the dtype of `inputs`.

    Raises:
        ValueError: An argument is not supported.
        ShapeError: The last dimension of `inputs` is unknown, or there is only one.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 784])
        >>> tf.layers.dense(x, 10).shape.as_list()
        [None, 10]
        >>> [v.name for v in tf.trainable_variables()]
        ['dense/kernel:0', 'dense/bias:0']
    """
    refuse("tf.layers.dense", activity_regularizer=activity_regularizer)
    x = convert_to_tensor(inputs)
    width = last_size(x, max(x.type.rank or 2, 2), "dense")
    with layer_scope(x, name, "dense", reuse):
        kernel = get_variable("kernel", [width, units], x.dtype, kernel_initializer, kernel_regularizer, trainable,
                              constraint=kernel_constraint)  # fmt: skip
        y = product_with(x, kernel)
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, units, bias, activation)


def product_with(x: Tensor, kernel: Any) -> Tensor:
    """x·kernel over the last axis of x [..., C]."""
    if x.type.rank == 2:
        return matmul(x, kernel)
    if x.type.is_static:
        return tensordot(x, kernel, [[-1], [0]])
    with x.graph.counted_as(25):
        return tensordot(x, kernel, [[-1], [0]])


def flatten(inputs: TensorLike, name: str | None = None, data_format: LayerDataFormat = "channels_last") -> Tensor:
    """Join all axes but the first.

    Args:
        inputs: Tensor [N,…] of known rank.
        name: Name scope of the nodes.
        data_format: With "channels_first" the channels become the last axis before the others are joined.

    Returns:
        A tensor [N, product of the other sizes] of the dtype of `inputs`.

    Raises:
        ShapeError: The rank of `inputs` is unknown.
        ValueError: `data_format` is unknown.

    Example:
        >>> tf.layers.flatten(tf.zeros([2, 4, 4, 3])).shape.as_list()
        [2, 48]
    """
    x = convert_to_tensor(inputs)
    if x.type.shape is None:
        raise ShapeError("flatten needs to know the rank of its input")
    with x.graph.as_default(), x.graph.name_scope(name or "flatten"):
        if image_format(data_format)[0] == NCHW and len(x.type.shape) > 2:
            x = transpose(x, [0, *range(2, len(x.type.shape)), 1])
        dims = x.type.shape or ()
        x.graph.reserve_ids(6 if dims[0] is None else 0)  # the nodes that look up the size of the batch
        if None not in dims[1:]:
            size = math.prod(dim for dim in dims[1:] if dim is not None)
            return reshape(x, [-1 if dims[0] is None else dims[0], size])
        return reshape(x, [getitem(shape(x), 0) if dims[0] is None else dims[0], -1])


def dropout(
    inputs: TensorLike, rate: TensorLike = 0.5, noise_shape: ShapeLike | Tensor = None, seed: int | None = None,
    training: TensorLike = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """In training, set a random share of the elements to 0 and divide the others by 1 − rate.

    Args:
        inputs: Floating-point tensor.
        rate: The probability that an element is set to 0, in [0, 1); a number or a scalar tensor.
        noise_shape: Shape of the random mask, which is broadcast to `inputs`; by default that of `inputs`.
        seed: Seed of the mask; see `tf.set_random_seed`.
        training: A bool, or a bool scalar tensor. If False, the result is `inputs`.
        name: Name scope of the nodes.

    Returns:
        A tensor of the shape and dtype of `inputs`.

    Raises:
        ValueError: `rate` is a number outside [0, 1), or `inputs` is not floating-point.

    Example:
        >>> y = tf.layers.dropout(tf.ones([1000]), rate=0.5, training=True)
        >>> print(np.unique(tf.Session().run(y)))
        [0. 2.]

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """
    with composed(name, "dropout", inputs):
        return dropped(convert_to_tensor(inputs), rate, noise_shape, seed, known(training))


def dropped(x: Tensor, rate: Any, noise_shape: Any, seed: int | None, training: Any) -> Tensor:
    """`dropout` in the current name scope."""

    def dropped_out() -> Tensor:
        if noise_shape is not None:  # TensorFlow's layer asks for the shape of x, and default seeds count its nodes
            x.graph.reserve_ids(1) if x.type.is_static else shape(x)
        return nn_dropout(x, noise_shape=noise_shape, seed=seed, rate=rate)

    if isinstance(training, Tensor):  # a branch, so that runs without training draw no random numbers
        chosen: Tensor = cond(training, dropped_out, lambda: identity(x))
        return chosen
    return dropped_out() if training else identity(x)


def max_pooling2d(
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the maximum of each window of images, channel by channel.

    Args:
        inputs: Images [N,H,W,C].
        pool_size: Sizes of the window: one number, or a pair.
        strides: Steps from window to window: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
        name: Name scope of the nodes.

    Returns:
        Images [N,H,W,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.max_pooling2d(tf.zeros([1, 6, 6, 3]), pool_size=2, strides=2).shape.as_list()
        [1, 3, 3, 3]
    """
    form, size = image_format(data_format)
    with composed(name, "max_pooling2d", inputs):
        return max_pool(inputs, size(pool_size, "pool_size"), size(strides), op_padding(padding), form, name="MaxPool")


def average_pooling2d(
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the mean of each window of images, channel by channel.

    Padding counts neither in the sum nor in the number of elements.

    Args:
        inputs: Images [N,H,W,C].
        pool_size: Sizes of the window: one number, or a pair.
        strides: Steps from window to window: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
        name: Name scope of the nodes.

    Returns:
        Images [N,H,W,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.average_pooling2d(tf.zeros([1, 6, 6, 3]), pool_size=2, strides=2).shape.as_list()
        [1, 3, 3, 3]
    """
    form, size = image_format(data_format)
    with composed(name, "average_pooling2d", inputs):
        return avg_pool(inputs, size(pool_size, "pool_size"), size(strides), op_padding(padding), form, name="AvgPool")
