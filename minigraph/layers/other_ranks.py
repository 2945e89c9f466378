"""The rarer layers of TensorFlow 1's `tf.layers`."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.layers.functions import (
    Activation,
    channels_of,
    finished,
    image_format,
    last_size,
    pair,
    refuse,
    require_channels_last,
)
from minigraph.ops.array.joining import stack
from minigraph.ops.data_format import NHWC
from minigraph.ops.nn.conv3d import conv3d as nn_conv3d
from minigraph.ops.nn.conv3d import known_dims
from minigraph.ops.nn.conv_transpose import conv2d_transpose as nn_conv2d_transpose
from minigraph.ops.nn.convolve import conv1d as nn_conv1d
from minigraph.ops.nn.depthwise import separable_conv2d as nn_separable_conv2d
from minigraph.ops.nn.pool_nd import avg_pool1d, avg_pool3d, max_pool1d, max_pool3d
from minigraph.run.initializers import zeros_initializer
from minigraph.run.variables import get_variable, variable_scope


def conv2d_transpose(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str = "channels_last", activation: Activation = None, use_bias: bool = True,
    kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer, kernel_regularizer: Any = None,
    bias_regularizer: Any = None, trainable: bool = True, name: str | None = None, reuse: Any = None,
    **unsupported: Any,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution over images [N,H,W,C]: [N,H·S,W·S,filters] with padding "same"; with "valid" each
    side is longer by the kernel's size less the stride, if that is more than 0. Variables: kernel [KH,KW,filters,C],
    bias."""
    refuse(unsupported, "conv2d_transpose")
    form, axes = image_format(data_format)
    x = convert_to_tensor(inputs)
    channels = channels_of(x, data_format, "conv2d_transpose")
    size, step = pair(kernel_size), pair(strides)
    more = [0 if padding.lower() == "same" else max(k - s, 0) for k, s in zip(size, step, strict=True)]
    with x.graph.as_default(), variable_scope(name, default_name="conv2d_transpose", reuse=reuse):
        dims = [*size, filters, channels]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable)
        with x.graph.counted_as(24):
            n, height, width = known_dims(x, (0, 1, 2) if form == NHWC else (0, 2, 3))
            sides = [height * step[0] + more[0], width * step[1] + more[1]]
            target = [n, *sides, filters] if form == NHWC else [n, filters, *sides]
            shape = stack(target) if any(isinstance(d, Tensor) for d in target) else target
            y = nn_conv2d_transpose(x, kernel, shape, axes(step), padding.upper(), data_format=form)
            y.set_shape([None if isinstance(d, Tensor) else d for d in target])
        bias = (bias_initializer, bias_regularizer, trainable) if use_bias else None
        return finished(y, filters, bias, activation, form)


def separable_conv2d(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str = "channels_last", dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
    activation: Activation = None, use_bias: bool = True, depthwise_initializer: Any = None,
    pointwise_initializer: Any = None, bias_initializer: Any = zeros_initializer, depthwise_regularizer: Any = None,
    pointwise_regularizer: Any = None, bias_regularizer: Any = None, trainable: bool = True, name: str | None = None,
    reuse: Any = None, **unsupported: Any,
) -> Tensor:  # fmt: skip
    """A depthwise convolution, then a pointwise one, plus a bias. Variables: depthwise_kernel [KH,KW,C,multiplier],
    pointwise_kernel [1,1,C·multiplier,filters], bias."""
    refuse(unsupported, "separable_conv2d")
    form, axes = image_format(data_format)
    x = convert_to_tensor(inputs)
    channels = channels_of(x, data_format, "separable_conv2d")
    with x.graph.as_default(), variable_scope(name, default_name="separable_conv2d", reuse=reuse):
        deep = [*pair(kernel_size), channels, depth_multiplier]
        wide = [1, 1, channels * depth_multiplier, filters]
        spatial = get_variable(
            "depthwise_kernel", deep, x.dtype, depthwise_initializer, depthwise_regularizer, trainable
        )
        mixing = get_variable(
            "pointwise_kernel", wide, x.dtype, pointwise_initializer, pointwise_regularizer, trainable
        )
        rate = list(pair(dilation_rate))
        y = nn_separable_conv2d(x, spatial, mixing, axes(strides), padding.upper(), rate=rate, data_format=form)
        bias = (bias_initializer, bias_regularizer, trainable) if use_bias else None
        return finished(y, filters, bias, activation, form)


def conv1d(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
    data_format: str = "channels_last", dilation_rate: Any = 1, activation: Activation = None, use_bias: bool = True,
    kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer, kernel_regularizer: Any = None,
    bias_regularizer: Any = None, trainable: bool = True, name: str | None = None, reuse: Any = None,
    **unsupported: Any,
) -> Tensor:  # fmt: skip
    """Cross-correlation of sequences [N,L,C] with `filters` filters, plus a bias. Variables: kernel [K,C,filters],
    bias."""
    refuse(unsupported, "conv1d")
    require_channels_last(data_format)
    x = convert_to_tensor(inputs)
    channels = last_size(x, 3, "conv1d")
    size, step, spread = (_one(v) for v in (kernel_size, strides, dilation_rate))
    with x.graph.as_default(), variable_scope(name, default_name="conv1d", reuse=reuse):
        dims = [size, channels, filters]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable)
        x.graph.reserve_ids(1)  # the dilation rate, a constant
        y = nn_conv1d(x, kernel, step, padding.upper(), dilations=spread)
        bias = (bias_initializer, bias_regularizer, trainable) if use_bias else None
        return finished(y, filters, bias, activation)


def conv3d(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid",
    data_format: str = "channels_last", dilation_rate: Any = (1, 1, 1), activation: Activation = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer,
    kernel_regularizer: Any = None, bias_regularizer: Any = None, trainable: bool = True, name: str | None = None,
    reuse: Any = None, **unsupported: Any,
) -> Tensor:  # fmt: skip
    """Cross-correlation of volumes [N,D,H,W,C] with `filters` filters, plus a bias. Variables: kernel
    [KD,KH,KW,C,filters], bias."""
    refuse(unsupported, "conv3d")
    require_channels_last(data_format)
    x = convert_to_tensor(inputs)
    channels = last_size(x, 5, "conv3d")
    with x.graph.as_default(), variable_scope(name, default_name="conv3d", reuse=reuse):
        dims = [*_box(kernel_size)[1:4], channels, filters]
        kernel = get_variable("kernel", dims, x.dtype, kernel_initializer, kernel_regularizer, trainable)
        with x.graph.counted_as(2):  # the dilation rate, a constant, and the op
            y = nn_conv3d(x, kernel, _box(strides), padding.upper(), dilations=_box(dilation_rate))
        bias = (bias_initializer, bias_regularizer, trainable) if use_bias else None
        return finished(y, filters, bias, activation)


def _one(value: Any) -> int:
    return int(value if isinstance(value, int) else value[0])


def max_pooling1d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The maximum of each window of sequences [N,L,C]."""
    require_channels_last(data_format)
    return max_pool1d(inputs, _one(pool_size), _one(strides), padding.upper(), name=name or "max_pooling1d")


def average_pooling1d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of sequences [N,L,C]."""
    require_channels_last(data_format)
    return avg_pool1d(inputs, _one(pool_size), _one(strides), padding.upper(), name=name or "average_pooling1d")


def _box(value: Any) -> list[int]:
    return [1, *([value] * 3 if isinstance(value, int) else [int(v) for v in value]), 1]


def max_pooling3d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The maximum of each window of volumes [N,D,H,W,C]."""
    require_channels_last(data_format)
    return max_pool3d(inputs, _box(pool_size), _box(strides), padding.upper(), name=name or "max_pooling3d")


def average_pooling3d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of volumes [N,D,H,W,C]."""
    require_channels_last(data_format)
    return avg_pool3d(inputs, _box(pool_size), _box(strides), padding.upper(), name=name or "average_pooling3d")
