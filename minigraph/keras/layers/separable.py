"""Convolutions of each channel by itself."""

from __future__ import annotations

from typing import Any

from minigraph import nn
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras.layers.convolutional import Conv2D, ConvLayer

__all__ = ["DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D"]


class DepthwiseConv2D(Conv2D):
    """Convolution of each channel of images with kernels of its own.

    Args:
        kernel_size: Rows and columns of the kernels: one number, or a pair.
        strides: Steps along rows and columns, which must be equal: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        depth_multiplier: The number of kernels for each channel.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        depthwise_initializer, bias_initializer: Initializers of the weights, or their names.
        depthwise_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        depthwise_constraint, bias_constraint: Constraints of the weights after each step of training; None for none.
        dilation_rate: TensorFlow's argument.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value, or, at the first call, the input's channels are unknown.

    Example:
        >>> tf.keras.layers.DepthwiseConv2D(3, depth_multiplier=2)(tf.zeros([1, 8, 8, 3])).shape.as_list()
        [1, 6, 6, 6]
    """

    fields = (
        "kernel_size", "strides", "padding", "depth_multiplier", "data_format", "activation", "use_bias",
        "depthwise_initializer", "bias_initializer", "depthwise_regularizer", "bias_regularizer",
        "activity_regularizer", "depthwise_constraint", "bias_constraint", "dilation_rate",
    )  # fmt: skip
    depth_multiplier: int = 1
    depthwise_initializer: Any = "glorot_uniform"
    depthwise_regularizer: Any = None
    depthwise_constraint: Any = None

    def build(self, input_shape: Any) -> None:
        channels = self.channels_of(input_shape)
        self.depthwise_kernel = self.add_kernel([*self.kernel_size, channels, self.depth_multiplier], "depthwise")
        self.add_bias(channels * self.depth_multiplier)

    def convolved(self, x: Tensor) -> Tensor:
        padding: Any = self.padding.upper()
        strides = self.on_axes(self.strides)
        return nn.depthwise_conv2d(x, self.depthwise_kernel, strides, padding, data_format=self.form)


class SeparableConv2D(Conv2D):
    """Convolution of each channel of images with kernels of its own, followed by a 1×1 convolution across the channels.

    Args:
        filters: The channels of the result.
        kernel_size: Rows and columns of the kernels: one number, or a pair.
        strides: Steps along rows and columns, which must be equal: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        dilation_rate: Distance between the elements of a kernel, in rows and columns: one number, or a pair.
        depth_multiplier: The number of kernels for each channel.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        depthwise_initializer, pointwise_initializer, bias_initializer: Initializers of the weights, or their names.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        depthwise_constraint, pointwise_constraint, bias_constraint: Constraints of the weights after each step of
            training; None for none.
        kernel_initializer, kernel_regularizer, kernel_constraint: Names in TensorFlow's files, which have no effect.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value, or, at the first call, the input's channels are unknown.

    Example:
        >>> layer = tf.keras.layers.SeparableConv2D(16, 3)
        >>> layer(tf.zeros([1, 8, 8, 3])).shape.as_list(), layer.count_params()
        ([1, 6, 6, 16], 91)
    """

    fields = (
        *ConvLayer.fields[:6], "depth_multiplier", "activation", "use_bias", "depthwise_initializer",
        "pointwise_initializer", "bias_initializer", "depthwise_regularizer", "pointwise_regularizer",
        "bias_regularizer", "activity_regularizer", "depthwise_constraint", "pointwise_constraint", "bias_constraint",
        *(n for n in ConvLayer.fields if n.startswith("kernel_") and n != "kernel_size"),  # in TensorFlow's files
    )  # fmt: skip
    depth_multiplier: int = 1
    depthwise_initializer: Any = "glorot_uniform"
    pointwise_initializer: Any = "glorot_uniform"
    depthwise_regularizer: Any = None
    pointwise_regularizer: Any = None
    depthwise_constraint: Any = None
    pointwise_constraint: Any = None

    def build(self, input_shape: Any) -> None:
        channels, ones = self.channels_of(input_shape), [1] * self.rank
        self.depthwise_kernel = self.add_kernel([*self.kernel_size, channels, self.depth_multiplier], "depthwise")
        self.pointwise_kernel = self.add_kernel([*ones, channels * self.depth_multiplier, self.filters], "pointwise")
        self.add_bias(self.filters)

    def convolved(self, x: Tensor) -> Tensor:
        padding: Any = self.padding.upper()
        kernels = self.depthwise_kernel, self.pointwise_kernel
        strides, rate = self.on_axes(self.strides), list(self.dilation_rate)
        return nn.separable_conv2d(x, *kernels, strides, padding, rate=rate, data_format=self.form)


class SeparableConv1D(SeparableConv2D):
    """Convolution of each channel of sequences by itself, followed by one of length 1 across the channels.

    Args:
        filters: The channels of the result.
        kernel_size: Length of the kernels.
        strides: Steps along the sequence.
        padding: "valid" for no padding, "same" to keep the length at stride 1, or "causal" for zeros in front only.
        data_format: "channels_last" for sequences [N,L,C], the only one; None for that of
            `keras.backend.image_data_format`.
        dilation_rate: Distance between the elements of a kernel, in elements.
        depth_multiplier: The number of kernels for each channel.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        depthwise_initializer, pointwise_initializer, bias_initializer: Initializers of the weights, or their names.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        depthwise_constraint, pointwise_constraint, bias_constraint: Constraints of the weights after each step of
            training; None for none.
        kernel_initializer, kernel_regularizer, kernel_constraint: Names in TensorFlow's files, which have no effect.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value, or, at the first call, the input's channels are unknown.
        NotImplementedError: In a call, the format is "channels_first".

    Example:
        >>> tf.keras.layers.SeparableConv1D(16, 3)(tf.zeros([1, 8, 3])).shape.as_list()
        [1, 6, 16]
    """

    rank = 1
    strides: Any = 1
    dilation_rate: Any = 1

    def convolved(self, x: Tensor) -> Tensor:
        if self.data_format == "channels_first":
            raise NotImplementedError("SeparableConv1D takes channels_last only")
        x, padding = self.padded(x)
        kernels = K.expand_dims(self.depthwise_kernel, 0), K.expand_dims(self.pointwise_kernel, 0)
        strides, rate = [1, *self.strides * 2, 1], [1, *self.dilation_rate]
        y = nn.separable_conv2d(K.expand_dims(x, 1), *kernels, strides, padding, rate=rate)
        return K.squeeze(y, 1)


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
