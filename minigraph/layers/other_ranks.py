"""The other layers of TensorFlow 1's `tf.layers`: one and three dimensions, and separable convolutions."""

from __future__ import annotations

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import LayerDataFormat, LayerPadding, Size, TensorLike
from minigraph.layers.common import (
    Activation,
    channels_of,
    finished,
    image_format,
    last_size,
    layer_scope,
    op_padding,
    require_channels_last,
    sizes,
)
from minigraph.ops.nn.conv3d import conv3d as nn_conv3d
from minigraph.ops.nn.convolve import conv1d as nn_conv1d
from minigraph.ops.nn.depthwise import separable_conv2d as nn_separable_conv2d
from minigraph.ops.nn.pool_nd import avg_pool1d, avg_pool3d, max_pool1d, max_pool3d
from minigraph.run.initializers import InitializerLike, zeros_initializer
from minigraph.run.variable_scope import Regularizer, Reuse, get_variable
from minigraph.run.variables import Constraint

__all__ = [
    "average_pooling1d",
    "average_pooling3d",
    "conv1d",
    "conv3d",
    "max_pooling1d",
    "max_pooling3d",
    "separable_conv2d",
]


def separable_conv2d(
    inputs: TensorLike, filters: int, kernel_size: Size, strides: Size = (1, 1), padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", dilation_rate: Size = (1, 1), depth_multiplier: int = 1,
    activation: Activation = None, use_bias: bool = True, depthwise_initializer: InitializerLike | None = None,
    pointwise_initializer: InitializerLike | None = None, bias_initializer: InitializerLike = zeros_initializer,
    depthwise_regularizer: Regularizer | None = None, pointwise_regularizer: Regularizer | None = None,
    bias_regularizer: Regularizer | None = None, activity_regularizer: None = None,
    depthwise_constraint: Constraint | None = None, pointwise_constraint: Constraint | None = None,
    bias_constraint: Constraint | None = None, trainable: bool = True, name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Convolve each channel of images on its own, mix the channels, and add a bias.

    Variables: depthwise_kernel [KH,KW,C,multiplier], pointwise_kernel [1,1,C·multiplier,filters], bias [filters].

    Args:
        inputs: Floating-point images [N,H,W,C], with C known.
        filters: Number of channels of the result.
        kernel_size: Rows and columns of the filters: one number, or a pair.
        strides: Steps along rows and columns: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
        dilation_rate: Distance between the kernel's elements: one number, or a pair.
        depth_multiplier: Number of filters for each channel of `inputs`.
        activation: Function applied to the result, such as `tf.nn.relu`; None for none.
        use_bias: Whether a bias is added.
        depthwise_initializer, pointwise_initializer: Initializers of the kernels; by default the scope's, or else
            Glorot's uniform one.
        bias_initializer: Initializer of the bias.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: Functions from a variable to its penalty, which
            is added to `tf.GraphKeys.REGULARIZATION_LOSSES`.
        trainable: Whether the variables are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default `separable_conv2d`, `separable_conv2d_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.
        activity_regularizer: Not supported; it must be None.
        depthwise_constraint, pointwise_constraint, bias_constraint: Functions from a variable to the value that
            optimizers assign to it after each update.

    Returns:
        Images [N,H',W',filters].

    Raises:
        ValueError: An argument has an unknown value, or is not supported.
        ShapeError: The rank of `inputs` is wrong, or the number of channels is unknown.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 28, 28, 16])
        >>> tf.layers.separable_conv2d(x, filters=32, kernel_size=3).shape.as_list()
        [None, 26, 26, 32]

    Source: Chollet, "Xception", 2016.
    """
    refuse("tf.layers.separable_conv2d", activity_regularizer=activity_regularizer)
    form, axes = image_format(data_format)
    x = convert_to_tensor(inputs)
    channels = channels_of(x, data_format, "separable_conv2d")
    with layer_scope(x, name, "separable_conv2d", reuse):
        deep = [*sizes(kernel_size, 2, "kernel_size"), channels, depth_multiplier]
        wide = [1, 1, channels * depth_multiplier, filters]
        spatial = get_variable(
            "depthwise_kernel",
            deep,
            x.dtype,
            depthwise_initializer,
            depthwise_regularizer,
            trainable,
            constraint=depthwise_constraint,
        )
        mixing = get_variable(
            "pointwise_kernel",
            wide,
            x.dtype,
            pointwise_initializer,
            pointwise_regularizer,
            trainable,
            constraint=pointwise_constraint,
        )
        rate = list(sizes(dilation_rate, 2, "dilation_rate"))
        y = nn_separable_conv2d(
            x, spatial, mixing, axes(strides, "strides"), op_padding(padding), rate=rate, data_format=form
        )
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, filters, bias, activation, form)


def conv1d(
    inputs: TensorLike, filters: int, kernel_size: Size, strides: Size = 1, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", dilation_rate: Size = 1, activation: Activation = None,
    use_bias: bool = True, kernel_initializer: InitializerLike | None = None,
    bias_initializer: InitializerLike = zeros_initializer, kernel_regularizer: Regularizer | None = None,
    bias_regularizer: Regularizer | None = None, activity_regularizer: None = None,
    kernel_constraint: Constraint | None = None, bias_constraint: Constraint | None = None, trainable: bool = True,
    name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Convolve sequences with trained filters and add a bias.

    Variables: kernel [K,C,filters], bias [filters].

    Args:
        inputs: Floating-point sequences [N,L,C], with C known.
        filters: Number of filters, the channels of the result.
        kernel_size: Length of the filters.
        strides: Step along the sequence.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last", the only supported one.
        dilation_rate: Distance between the kernel's elements.
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
        name: Variable scope of the layer; by default `conv1d`, `conv1d_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        Sequences [N,L',filters].

    Raises:
        ValueError: An argument has an unknown value, or is not supported.
        ShapeError: The rank of `inputs` is wrong, or the number of channels is unknown.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 100, 8])
        >>> tf.layers.conv1d(x, filters=16, kernel_size=5, strides=2).shape.as_list()
        [None, 48, 16]
    """
    refuse("tf.layers.conv1d", activity_regularizer=activity_regularizer)
    require_channels_last(data_format)
    x = convert_to_tensor(inputs)
    channels = last_size(x, 3, "conv1d")
    given = {"kernel_size": kernel_size, "strides": strides, "dilation_rate": dilation_rate}
    (size,), (step,), (spread,) = (sizes(value, 1, what) for what, value in given.items())
    with layer_scope(x, name, "conv1d", reuse):
        dims = [size, channels, filters]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable,
                              constraint=kernel_constraint)  # fmt: skip
        x.graph.reserve_ids(1)  # the dilation rate, a constant
        y = nn_conv1d(x, kernel, step, op_padding(padding), dilations=spread)
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, filters, bias, activation)


def conv3d(
    inputs: TensorLike, filters: int, kernel_size: Size, strides: Size = (1, 1, 1), padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", dilation_rate: Size = (1, 1, 1), activation: Activation = None,
    use_bias: bool = True, kernel_initializer: InitializerLike | None = None,
    bias_initializer: InitializerLike = zeros_initializer, kernel_regularizer: Regularizer | None = None,
    bias_regularizer: Regularizer | None = None, activity_regularizer: None = None,
    kernel_constraint: Constraint | None = None, bias_constraint: Constraint | None = None, trainable: bool = True,
    name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Convolve volumes with trained filters and add a bias.

    Variables: kernel [KD,KH,KW,C,filters], bias [filters].

    Args:
        inputs: Floating-point volumes [N,D,H,W,C], with C known.
        filters: Number of filters, the channels of the result.
        kernel_size: Depth, rows and columns of the filters: one number, or three.
        strides: Steps along depth, rows and columns: one number, or three.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last", the only supported one.
        dilation_rate: Distance between the kernel's elements: one number, or three.
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
        name: Variable scope of the layer; by default `conv3d`, `conv3d_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        Volumes [N,D',H',W',filters].

    Raises:
        ValueError: An argument has an unknown value, or is not supported.
        ShapeError: The rank of `inputs` is wrong, or the number of channels is unknown.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 8, 16, 16, 1])
        >>> tf.layers.conv3d(x, filters=4, kernel_size=3, padding="same").shape.as_list()
        [None, 8, 16, 16, 4]
    """
    refuse("tf.layers.conv3d", activity_regularizer=activity_regularizer)
    require_channels_last(data_format)
    x = convert_to_tensor(inputs)
    channels = last_size(x, 5, "conv3d")
    given = {"kernel_size": kernel_size, "strides": strides, "dilation_rate": dilation_rate}
    size, steps, spread = (sizes(value, 3, what) for what, value in given.items())
    with layer_scope(x, name, "conv3d", reuse):
        dims = [*size, channels, filters]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable,
                              constraint=kernel_constraint)  # fmt: skip
        with x.graph.counted_as(2):  # the dilation rate, a constant, and the op
            y = nn_conv3d(x, kernel, steps, op_padding(padding), dilations=spread)
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, filters, bias, activation)


def max_pooling1d(
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the maximum of each window of sequences, channel by channel.

    Args:
        inputs: Sequences [N,L,C].
        pool_size: Sizes of the window: one number.
        strides: Steps from window to window: one number.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last", the only supported one.
        name: Name scope of the nodes.

    Returns:
        Sequences [N,L,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.max_pooling1d(tf.zeros([1, 6, 1]), pool_size=2, strides=2).shape.as_list()
        [1, 3, 1]
    """
    require_channels_last(data_format)
    window, steps = sizes(pool_size, 1, "pool_size"), sizes(strides, 1, "strides")
    return max_pool1d(inputs, window, steps, op_padding(padding), name=name or "max_pooling1d")


def average_pooling1d(
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the mean of each window of sequences, channel by channel.

    Padding counts neither in the sum nor in the number of elements.

    Args:
        inputs: Sequences [N,L,C].
        pool_size: Sizes of the window: one number.
        strides: Steps from window to window: one number.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last", the only supported one.
        name: Name scope of the nodes.

    Returns:
        Sequences [N,L,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.average_pooling1d(tf.zeros([1, 6, 1]), pool_size=2, strides=2).shape.as_list()
        [1, 3, 1]
    """
    require_channels_last(data_format)
    window, steps = sizes(pool_size, 1, "pool_size"), sizes(strides, 1, "strides")
    return avg_pool1d(inputs, window, steps, op_padding(padding), name=name or "average_pooling1d")


def max_pooling3d(
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the maximum of each window of volumes, channel by channel.

    Args:
        inputs: Volumes [N,D,H,W,C].
        pool_size: Sizes of the window: one number, or three.
        strides: Steps from window to window: one number, or three.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last", the only supported one.
        name: Name scope of the nodes.

    Returns:
        Volumes [N,D,H,W,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.max_pooling3d(tf.zeros([1, 4, 6, 6, 1]), pool_size=2, strides=2).shape.as_list()
        [1, 2, 3, 3, 1]
    """
    require_channels_last(data_format)
    window, steps = sizes(pool_size, 3, "pool_size"), sizes(strides, 3, "strides")
    return max_pool3d(inputs, window, steps, op_padding(padding), name=name or "max_pooling3d")


def average_pooling3d(
    inputs: TensorLike, pool_size: Size, strides: Size, padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the mean of each window of volumes, channel by channel.

    Padding counts neither in the sum nor in the number of elements.

    Args:
        inputs: Volumes [N,D,H,W,C].
        pool_size: Sizes of the window: one number, or three.
        strides: Steps from window to window: one number, or three.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last", the only supported one.
        name: Name scope of the nodes.

    Returns:
        Volumes [N,D,H,W,C] with smaller spatial sizes.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: The rank of `inputs` is wrong, or a window does not fit.

    Example:
        >>> tf.layers.average_pooling3d(tf.zeros([1, 4, 6, 6, 1]), pool_size=2, strides=2).shape.as_list()
        [1, 2, 3, 3, 1]
    """
    require_channels_last(data_format)
    window, steps = sizes(pool_size, 3, "pool_size"), sizes(strides, 3, "strides")
    return avg_pool3d(inputs, window, steps, op_padding(padding), name=name or "average_pooling3d")
