"""Convolutions."""

from __future__ import annotations

from typing import Any, ClassVar

from minigraph import nn
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras.base_layer import FieldLayer, InputSpec
from minigraph.keras.layers.core import KernelLayer
from minigraph.keras.state import image_data_format
from minigraph.layers.other_ranks import transposed
from minigraph.ops.array.dynamic import pad

__all__ = [
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
]


def sizes(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """A number, or one for each axis, as numbers. ValueError for another number of them."""
    found = (value,) * rank if isinstance(value, int) else tuple(int(v) for v in value)
    if len(found) != rank:
        raise ValueError(f"The `{name}` argument must be a tuple of {rank} integers. Received: {value}")
    return found


class ImageLayer(FieldLayer):
    """A layer of sequences, images or volumes of `rank` spatial axes."""

    fields: ClassVar[tuple[str, ...]] = ()
    rank: ClassVar[int] = 2
    data_format: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.data_format = (self.data_format or image_data_format()).lower()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                'The `data_format` argument must be one of "channels_first", "channels_last". '
                f"Received: {self.data_format}"
            )
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def channel_axis(self) -> int:
        """The axis of the channels."""
        return 1 if self.data_format == "channels_first" else self.rank + 1

    @property
    def form(self) -> Any:
        """The ops' name of the data format."""
        letters = "DHW"[3 - self.rank :] if self.rank > 1 else "W"
        return f"NC{letters}" if self.data_format == "channels_first" else f"N{letters}C"

    def on_axes(self, values: Any, rest: Any = 1) -> list[Any]:
        """Values for the spatial axes, with `rest` for the two others."""
        return [rest, rest, *values] if self.data_format == "channels_first" else [rest, *values, rest]


class ConvLayer(ImageLayer, KernelLayer):
    """A convolution: kernels, a bias and an activation function."""

    fields: ClassVar[tuple[str, ...]] = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", *KernelLayer.fields
    )  # fmt: skip
    filters: int
    kernel_size: Any
    strides: Any = 1
    padding: str = "valid"
    dilation_rate: Any = 1

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, sizes(getattr(self, name), self.rank, name))
        self.padding = self.padding.lower()
        allowed = ("valid", "same", "causal") if self.rank == 1 else ("valid", "same")
        if self.padding not in allowed:
            raise ValueError(f"The `padding` argument must be one of {allowed}. Received: {self.padding}")

    def channels_of(self, input_shape: Any) -> int:
        """The number of channels of the input, which the layer takes from here on. ValueError if it is unknown."""
        channels: int | None = input_shape[self.channel_axis].value
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        return channels

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the bias."""
        self.kernel = self.add_kernel([*self.kernel_size, self.channels_of(input_shape), self.filters])
        self.add_bias(self.filters)

    def padded(self, x: Tensor) -> tuple[Tensor, Any]:
        """The input, behind zeros if the padding is "causal", and the padding of the op."""
        if self.padding != "causal":
            return x, self.padding.upper()
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return pad(x, self.on_axes([(before, 0)], (0, 0))), "VALID"

    def convolved(self, x: Tensor) -> Tensor:
        """The convolution."""
        x, padding = self.padded(x)
        return nn.convolution(x, self.kernel, padding, self.strides, self.dilation_rate, self._op_name, self.form)

    @property
    def _op_name(self) -> str:
        return f"Conv{self.rank}D"

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        y = self.convolved(inputs)
        if self.bias is not None:
            y = nn.bias_add(y, self.bias, "NCHW" if self.data_format == "channels_first" else "NHWC")
        return self.activation(y)


class Conv1D(ConvLayer):
    """A convolution of sequences [N,L,C]. With the padding "causal" no result depends on what comes later."""

    rank = 1
    data_format: Any = "channels_last"


class Conv2D(ConvLayer):
    """A convolution of images [N,H,W,C]."""

    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


class Conv3D(ConvLayer):
    """A convolution of volumes [N,D,H,W,C]."""

    rank = 3
    strides: Any = (1, 1, 1)
    dilation_rate: Any = (1, 1, 1)


class Conv2DTranspose(Conv2D):
    """The transposed convolution, which makes images larger."""

    fields = (*ConvLayer.fields[:4], "output_padding", *ConvLayer.fields[4:])
    output_padding: Any = None

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the bias."""
        if self.output_padding is not None or self.dilation_rate != (1, 1):
            raise NotImplementedError("Conv2DTranspose: output_padding and dilation_rate are not supported")
        self.kernel = self.add_kernel([*self.kernel_size, self.filters, self.channels_of(input_shape)])
        self.add_bias(self.filters)

    def convolved(self, x: Tensor) -> Tensor:
        """The convolution."""
        size: Any = self.kernel_size
        padding: Any = self.padding
        return transposed(x, self.kernel, size, self.filters, self.strides, padding, self.data_format)


class DepthwiseConv2D(Conv2D):
    """A convolution of each channel of images with kernels of its own."""

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
        """Make the kernel and the bias."""
        channels = self.channels_of(input_shape)
        self.depthwise_kernel = self.add_kernel([*self.kernel_size, channels, self.depth_multiplier], "depthwise")
        self.add_bias(channels * self.depth_multiplier)

    def convolved(self, x: Tensor) -> Tensor:
        """The convolution."""
        padding: Any = self.padding.upper()
        strides = self.on_axes(self.strides)
        return nn.depthwise_conv2d(x, self.depthwise_kernel, strides, padding, data_format=self.form)


class SeparableConv2D(Conv2D):
    """A convolution of each channel of images, followed by one of size 1 across the channels."""

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
        """Make the kernels and the bias."""
        channels, ones = self.channels_of(input_shape), [1] * self.rank
        self.depthwise_kernel = self.add_kernel([*self.kernel_size, channels, self.depth_multiplier], "depthwise")
        self.pointwise_kernel = self.add_kernel([*ones, channels * self.depth_multiplier, self.filters], "pointwise")
        self.add_bias(self.filters)

    def convolved(self, x: Tensor) -> Tensor:
        """The convolution."""
        padding: Any = self.padding.upper()
        kernels = self.depthwise_kernel, self.pointwise_kernel
        strides, rate = self.on_axes(self.strides), list(self.dilation_rate)
        return nn.separable_conv2d(x, *kernels, strides, padding, rate=rate, data_format=self.form)


class SeparableConv1D(SeparableConv2D):
    """A convolution of each channel of sequences, followed by one of size 1 across the channels."""

    rank = 1
    strides: Any = 1
    dilation_rate: Any = 1

    def convolved(self, x: Tensor) -> Tensor:
        """The convolution, as one of images of one row."""
        if self.data_format == "channels_first":
            raise NotImplementedError("SeparableConv1D takes channels_last only")
        x, padding = self.padded(x)
        kernels = K.expand_dims(self.depthwise_kernel, 0), K.expand_dims(self.pointwise_kernel, 0)
        strides, rate = [1, *self.strides * 2, 1], [1, *self.dilation_rate]
        y = nn.separable_conv2d(K.expand_dims(x, 1), *kernels, strides, padding, rate=rate)
        return K.squeeze(y, 1)


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution2DTranspose = Conv2DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
