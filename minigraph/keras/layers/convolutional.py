"""Convolutions."""

from __future__ import annotations

from typing import Any, ClassVar

from minigraph import nn
from minigraph.core.graph import Tensor
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.layers.core import KernelLayer
from minigraph.keras.shapes import InputSpec
from minigraph.keras.state import data_format_of
from minigraph.layers.common import padding_of, sizes
from minigraph.layers.transposed import transposed
from minigraph.ops.array.dynamic import pad

__all__ = [
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
]


class ImageLayer(FieldLayer):
    """A layer of sequences, images or volumes of `rank` spatial axes."""

    fields: ClassVar[tuple[str, ...]] = ()
    rank: ClassVar[int] = 2
    data_format: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.data_format = data_format_of(self.data_format)
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
        self.padding = padding_of(self.padding, *["causal"] * (self.rank == 1))

    def channels_of(self, input_shape: Any) -> int:
        """The number of channels of the input, which the layer takes from here on. ValueError if it is unknown."""
        channels: int | None = input_shape[self.channel_axis].value
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        return channels

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_kernel([*self.kernel_size, self.channels_of(input_shape), self.filters])
        self.add_bias(self.filters)

    def padded(self, x: Tensor) -> tuple[Tensor, Any]:
        """The input, behind zeros if the padding is "causal", and the padding of the op."""
        if self.padding != "causal":
            return x, self.padding.upper()
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return pad(x, self.on_axes([(before, 0)], (0, 0))), "VALID"

    def convolved(self, x: Tensor) -> Tensor:
        """The convolution, without the bias and the activation.

        Args:
            x: The input tensor.

        Returns:
            The result.
        """
        x, padding = self.padded(x)
        return nn.convolution(x, self.kernel, padding, self.strides, self.dilation_rate, self._op_name, self.form)

    @property
    def _op_name(self) -> str:
        return f"Conv{self.rank}D"

    def call(self, inputs: Any) -> Any:
        y = self.convolved(inputs)
        if self.bias is not None:
            y = nn.bias_add(y, self.bias, "NCHW" if self.data_format == "channels_first" else "NHWC")
        return self.activation(y)


class Conv1D(ConvLayer):
    """Convolution of sequences [N,L,C].

    Args:
        filters: The number of kernels, the channels of the result.
        kernel_size: Length of the kernels.
        strides: Steps along the sequence.
        padding: "valid" for no padding, "same" to keep the length at stride 1, or "causal" for zeros in front only, so
            that no result depends on what comes later.
        data_format: "channels_last" for sequences [N,L,C], "channels_first" for [N,C,L].
        dilation_rate: Distance between the elements of a kernel, in elements.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer: Initializers of the weights, or their names.
        kernel_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        kernel_constraint, bias_constraint: Constraints of the weights after each step of training; None for none.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value, or, at the first call, the input's channels are unknown.

    Example:
        >>> layer = tf.keras.layers.Conv1D(8, 3, padding="causal")
        >>> layer(tf.zeros([4, 100, 2])).shape.as_list()
        [4, 100, 8]
    """

    rank = 1
    data_format: Any = "channels_last"


class Conv2D(ConvLayer):
    """Convolution of images [N,H,W,C].

    Args:
        filters: The number of kernels, the channels of the result.
        kernel_size: Rows and columns of the kernels: one number, or a pair.
        strides: Steps along rows and columns: one number, or a pair.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        dilation_rate: Distance between the elements of a kernel, in rows and columns: one number, or a pair.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer: Initializers of the weights, or their names.
        kernel_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        kernel_constraint, bias_constraint: Constraints of the weights after each step of training; None for none.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value, or, at the first call, the input's channels are unknown.

    Example:
        >>> layer = tf.keras.layers.Conv2D(8, 3, strides=2, activation="relu")
        >>> layer(tf.zeros([4, 28, 28, 1])).shape.as_list(), layer.kernel.shape.as_list()
        ([4, 13, 13, 8], [3, 3, 1, 8])
    """

    strides: Any = (1, 1)
    dilation_rate: Any = (1, 1)


class Conv3D(ConvLayer):
    """Convolution of volumes [N,D,H,W,C].

    Args:
        filters: The number of kernels, the channels of the result.
        kernel_size: Sizes of the kernels: one number, or three.
        strides: Steps along the three axes: one number, or three.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        dilation_rate: Distance between the elements of a kernel, along the three axes: one number, or three.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer: Initializers of the weights, or their names.
        kernel_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        kernel_constraint, bias_constraint: Constraints of the weights after each step of training; None for none.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value, or, at the first call, the input's channels are unknown.

    Example:
        >>> tf.keras.layers.Conv3D(8, 3)(tf.zeros([1, 8, 8, 8, 1])).shape.as_list()
        [1, 6, 6, 6, 8]
    """

    rank = 3
    strides: Any = (1, 1, 1)
    dilation_rate: Any = (1, 1, 1)


class ConvTranspose(ConvLayer):
    """A transposed convolution."""

    fields = (*ConvLayer.fields[:4], "output_padding", *ConvLayer.fields[4:])
    output_padding: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if any(d != 1 for d in self.dilation_rate):
            raise ValueError(f"{type(self).__name__}: dilation_rate must be 1, not {self.dilation_rate}")
        if self.output_padding is None:
            return
        self.output_padding = sizes(self.output_padding, self.rank, "output_padding")
        if any(o >= s for o, s in zip(self.output_padding, self.strides, strict=True)):
            raise ValueError(f"Strides {self.strides} must be greater than output padding {self.output_padding}")

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_kernel([*self.kernel_size, self.filters, self.channels_of(input_shape)])
        self.add_bias(self.filters)

    def convolved(self, x: Tensor) -> Tensor:
        padding: Any = self.padding
        return transposed(
            x, self.kernel, self.kernel_size, self.filters, self.strides, padding, self.data_format, self.output_padding
        )


class Conv2DTranspose(ConvTranspose, Conv2D):
    """Transposed convolution of images, which makes them larger: the gradient of `Conv2D` by its input.

    Args:
        filters: The number of kernels, the channels of the result.
        kernel_size: Rows and columns of the kernels: one number, or a pair.
        strides: Factors by which rows and columns become more: one number, or a pair.
        padding: "same" for a result of exactly `strides` times the size, or "valid" for what all kernels cover.
        output_padding: One number or a pair. A length L becomes S·(L − 1) + K − 2·pad + output_padding, with
            stride S, kernel size K, and pad ⌊K/2⌋ for "same", 0 for "valid". None gives the lengths of `padding`.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        dilation_rate: TensorFlow's argument, which must be 1.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer: Initializers of the weights, or their names.
        kernel_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        kernel_constraint, bias_constraint: Constraints of the weights after each step of training; None for none.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value, or, at the first call, the input's channels are unknown.

    Example:
        >>> tf.keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same")(tf.zeros([1, 7, 7, 8])).shape.as_list()
        [1, 14, 14, 3]
    """


class Conv3DTranspose(ConvTranspose, Conv3D):
    """Transposed convolution of volumes, which makes them larger: the gradient of `Conv3D` by its input.

    Args:
        filters: The number of kernels, the channels of the result.
        kernel_size: Sizes of the kernels: one number, or three.
        strides: Factors by which the three axes grow: one number, or three.
        padding: "same" for a result of exactly `strides` times the size, or "valid" for what all kernels cover.
        output_padding: One number or three. A length L becomes S·(L − 1) + K − 2·pad + output_padding, with
            stride S, kernel size K, and pad ⌊K/2⌋ for "same", 0 for "valid". None gives the lengths of `padding`.
        data_format: "channels_last", the only supported one, or None.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer: Initializers of the weights, or their names.
        kernel_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        kernel_constraint, bias_constraint: Constraints of the weights after each step of training; None for none.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has an unknown value.
        ShapeError: At the first call, a size of the input but N is unknown.

    Example:
        >>> tf.keras.layers.Conv3DTranspose(3, 4, 2, "same")(tf.zeros([1, 2, 7, 7, 8])).shape.as_list()
        [1, 4, 14, 14, 3]
    """

    fields = tuple(name for name in ConvTranspose.fields if name != "dilation_rate")

    def convolved(self, x: Tensor) -> Tensor:
        if self.data_format != "channels_last":
            raise ValueError(f"Conv3DTranspose: data_format must be channels_last, not {self.data_format!r}")
        return super().convolved(x)


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution2DTranspose, Convolution3DTranspose = Conv2DTranspose, Conv3DTranspose
