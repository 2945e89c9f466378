"""Layers of transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
from minigraph.ops.array.shape import known_dims, packed
from minigraph.ops.nn.conv3d_transpose import conv3d_transpose as nn_conv3d_transpose
from minigraph.ops.nn.conv_transpose import conv2d_transpose as nn_conv2d_transpose
from minigraph.run.initializers import InitializerLike, zeros_initializer
from minigraph.run.variable_scope import Regularizer, Reuse, get_variable
from minigraph.run.variables import Constraint

__all__ = ["conv2d_transpose", "conv3d_transpose"]


def conv2d_transpose(
    inputs: TensorLike, filters: int, kernel_size: Size, strides: Size = (1, 1), padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", activation: Activation = None, use_bias: bool = True,
    kernel_initializer: InitializerLike | None = None, bias_initializer: InitializerLike = zeros_initializer,
    kernel_regularizer: Regularizer | None = None, bias_regularizer: Regularizer | None = None,
    activity_regularizer: None = None, kernel_constraint: Constraint | None = None,
    bias_constraint: Constraint | None = None, trainable: bool = True, name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Apply the transpose of a trained convolution to images and add a bias.

    Variables: kernel [KH,KW,filters,C], bias [filters].

    Args:
        inputs: Floating-point images [N,H,W,C], with C known.
        filters: Number of channels of the result.
        kernel_size: Rows and columns of the filters: one number, or a pair.
        strides: Factors by which rows and columns grow: one number, or a pair.
        padding: "same" for S·H rows, "valid" for S·H + max(KH − S, 0) rows, with stride S; columns likewise.
        data_format: "channels_last" for images [N,H,W,C] or "channels_first" for [N,C,H,W].
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
        name: Variable scope of the layer; by default `conv2d_transpose`, `conv2d_transpose_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        Images [N,H',W',filters].

    Raises:
        ValueError: An argument has an unknown value, or is not supported.
        ShapeError: The rank of `inputs` is wrong, or the number of channels is unknown.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 8, 8, 64])
        >>> tf.layers.conv2d_transpose(x, filters=32, kernel_size=4, strides=2, padding="same").shape.as_list()
        [None, 16, 16, 32]

    Source: Zeiler et al., "Deconvolutional networks", 2010.
    """
    refuse("tf.layers.conv2d_transpose", activity_regularizer=activity_regularizer)
    form, _ = image_format(data_format)
    x = convert_to_tensor(inputs)
    channels = channels_of(x, data_format, "conv2d_transpose")
    with layer_scope(x, name, "conv2d_transpose", reuse):
        size = sizes(kernel_size, 2, "kernel_size")
        kernel = get_variable("kernel", [*size, filters, channels], x.dtype, kernel_initializer, kernel_regularizer,
                              trainable, constraint=kernel_constraint)  # fmt: skip
        y = transposed(x, kernel, size, filters, sizes(strides, 2, "strides"), padding, data_format)
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, filters, bias, activation, form)


def conv3d_transpose(
    inputs: TensorLike, filters: int, kernel_size: Size, strides: Size = (1, 1, 1), padding: LayerPadding = "valid",
    data_format: LayerDataFormat = "channels_last", activation: Activation = None, use_bias: bool = True,
    kernel_initializer: InitializerLike | None = None, bias_initializer: InitializerLike = zeros_initializer,
    kernel_regularizer: Regularizer | None = None, bias_regularizer: Regularizer | None = None,
    activity_regularizer: None = None, kernel_constraint: Constraint | None = None,
    bias_constraint: Constraint | None = None, trainable: bool = True, name: str | None = None, reuse: Reuse = None,
) -> Tensor:  # fmt: skip
    """Apply the transpose of a trained convolution to volumes and add a bias.

    Variables: kernel [KD,KH,KW,filters,C], bias [filters].

    Args:
        inputs: Floating-point volumes [N,D,H,W,C], with all sizes but N known.
        filters: Number of channels of the result.
        kernel_size: Depth, rows and columns of the filters: one number, or three.
        strides: Factors by which depth, rows and columns grow: one number, or three.
        padding: "same" for S·H rows, "valid" for S·H + max(KH − S, 0) rows, with stride S; the other axes likewise.
        data_format: "channels_last", the only supported one.
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
        name: Variable scope of the layer; by default `conv3d_transpose`, `conv3d_transpose_1`, …
        reuse: True to use the variables of an earlier layer of this name, `tf.AUTO_REUSE` to use or make them.

    Returns:
        Volumes [N,D',H',W',filters].

    Raises:
        ValueError: An argument has an unknown value, or is not supported.
        ShapeError: The rank of `inputs` is wrong, or a size that must be known is unknown.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 4, 8, 8, 64])
        >>> tf.layers.conv3d_transpose(x, filters=32, kernel_size=4, strides=2, padding="same").shape.as_list()
        [None, 8, 16, 16, 32]

    Source: Zeiler et al., "Deconvolutional networks", 2010.
    """
    refuse("tf.layers.conv3d_transpose", activity_regularizer=activity_regularizer)
    require_channels_last(data_format)
    x = convert_to_tensor(inputs)
    channels = last_size(x, 5, "conv3d_transpose")
    size = sizes(kernel_size, 3, "kernel_size")
    with layer_scope(x, name, "conv3d_transpose", reuse):
        kernel = get_variable("kernel", [*size, filters, channels], x.dtype, kernel_initializer, kernel_regularizer,
                              trainable, constraint=kernel_constraint)  # fmt: skip
        y = transposed(x, kernel, size, filters, sizes(strides, 3, "strides"), padding)
        bias = (bias_initializer, bias_regularizer, trainable, bias_constraint) if use_bias else None
        return finished(y, filters, bias, activation)


def transposed(
    x: Tensor, kernel: Any, size: Sequence[int], filters: int, strides: Sequence[int], padding: LayerPadding,
    data_format: Any = "channels_last", output_padding: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The transposed convolution with a kernel [KH,KW,filters,C], or one of volumes, whose spatial sizes are `size`.

    output_padding: how much longer than S·(L − 1) + K − 2·pad each axis becomes; None for `padding`'s own lengths.
    """
    rank, how = len(size), op_padding(padding)
    same = how == "SAME"
    first = 2 if data_format == "channels_first" else 1
    if output_padding is None:
        more = [0 if same else max(k - s, 0) for k, s in zip(size, strides, strict=True)]
        constants = rank * (not same)
    else:
        around = [k // 2 if same else 0 for k in size]
        more = [k - s - 2 * a + o for k, s, a, o in zip(size, strides, around, output_padding, strict=True)]
        constants = 4 * rank
    with x.graph.counted_as(20 + 2 * rank + 2 * constants):
        n, *lengths = known_dims(x, (0, *range(first, first + rank)))
        sides = [length * s + m for length, s, m in zip(lengths, strides, more, strict=True)]
        target = [n, *sides, filters] if first == 1 else [n, filters, *sides]
        shape = packed(target)
        if rank == 3:
            y = nn_conv3d_transpose(x, kernel, shape, strides, how)
        else:
            form, axes = image_format(data_format)
            y = nn_conv2d_transpose(x, kernel, shape, axes(strides), how, data_format=form)
        y.set_shape([None if isinstance(d, Tensor) else d for d in target])
    return y
