"""The convolutional LSTM: its states are images, its products convolutions."""

from __future__ import annotations

from typing import Any, ClassVar

from minigraph import nn
from minigraph.core.graph import Tensor
from minigraph.keras.layers.recurrent import CellLayer
from minigraph.keras.layers.recurrent_cells import LSTMCell, by_parts
from minigraph.keras.state import data_format_of
from minigraph.layers.common import padding_of, sizes
from minigraph.ops.array.shape import packed, zeros
from minigraph.ops.array.shape import shape as shape_of

__all__ = ["ConvLSTM2D"]


class ConvLSTM2DCell(LSTMCell):
    """A step of a convolutional LSTM."""

    fields = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate",
              *(n for n in LSTMCell.fields if n not in ("units", "implementation")))  # fmt: skip
    filters: int
    kernel_size: Any
    strides: Any = (1, 1)
    padding: str = "valid"
    data_format: Any = None
    dilation_rate: Any = (1, 1)
    implementation: ClassVar[int] = 1  # type: ignore[misc]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, sizes(getattr(self, name), 2, name))
        self.data_format = data_format_of(self.data_format)
        self.units, self.padding = self.filters, padding_of(self.padding)
        self.channel_axis = 1 if self.data_format == "channels_first" else 3

    def kernel_shapes(self, input_shape: Any) -> tuple[list[int], list[int]]:
        channels = input_shape[self.channel_axis].value
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        size, columns = self.kernel_size, 4 * self.filters
        return [*size, channels, columns], [*size, self.filters, columns]

    @property
    def _form(self) -> Any:
        return "NCHW" if self.channel_axis == 1 else "NHWC"

    def first_states(self, x: Tensor) -> list[Tensor]:
        """Zeros of the shape of the results of a step."""
        like = self._of_input(x, [])
        dims = like.shape.as_list()
        dims[self.channel_axis] = self.filters
        shape = packed([shape_of(like)[i] if n is None else n for i, n in enumerate(dims)]) if None in dims else dims
        return [zeros(shape, x.dtype) for _ in range(2)]

    def _of_input(self, x: Tensor, masks: list[Tensor]) -> Tensor:
        padding: Any = self.padding.upper()

        def convolved(x: Tensor, kernel: Any) -> Tensor:
            return nn.convolution(x, kernel, padding, self.strides, self.dilation_rate, "Conv2D", self._form)

        y = by_parts(convolved, x, masks, self.kernel, self.channel_axis)
        return y if self.bias is None else nn.bias_add(y, self.bias, self._form)

    def _of_state(self, h: Tensor, masks: list[Tensor]) -> Tensor:
        def convolved(x: Tensor, kernel: Any) -> Tensor:
            return nn.convolution(x, kernel, "SAME", [1, 1], [1, 1], "Conv2D", self._form)

        return by_parts(convolved, h, masks, self.recurrent_kernel, self.channel_axis)


class ConvLSTM2D(CellLayer):
    """A convolutional LSTM over sequences of images [batch, time, height, width, channels].

    Args:
        filters: The number of channels of the results.
        kernel_size: Height and width of the kernels.
        strides: Strides of the convolutions of the inputs.
        padding: "valid" or "same", for the convolutions of the inputs.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        dilation_rate: Dilation of the convolutions of the inputs.
        activation: The activation function of the results.
        recurrent_activation: The activation function of the gates.
        use_bias: Whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: The initial weights.
        unit_forget_bias: Whether the bias of the gate of forgetting begins with ones.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties of the weights.
        activity_regularizer: A penalty of the results.
        kernel_constraint, recurrent_constraint, bias_constraint: What the weights are set to after each step.
        return_sequences: Whether the results of all steps are given, not only that of the last one.
        go_backwards: Whether the last step comes first.
        stateful: Whether each batch goes on from the states of the one before. The sizes of the batch must be known.
        dropout, recurrent_dropout: The shares of the inputs and of the states that are 0 in training.
        return_state: Whether the last states are given, too.
        unroll: TensorFlow's; it has no effect.
        time_major: Whether sequences are [time, batch, …].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: In a call, the number of channels is unknown.

    Example:
        >>> tf.keras.layers.ConvLSTM2D(3, 2, padding="same")(tf.zeros([2, 5, 8, 8, 1])).shape.as_list()
        [2, 8, 8, 3]

    Source: Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015.
    """

    of = ConvLSTM2DCell
    rank = 5
    fields = (
        *ConvLSTM2DCell.fields[:16], "activity_regularizer", *ConvLSTM2DCell.fields[16:19], "return_sequences",
        "go_backwards", "stateful", *ConvLSTM2DCell.fields[19:], "return_state", "unroll", "time_major",
    )  # fmt: skip
    filters: int
    kernel_size: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("kernel_size", "strides", "padding", "data_format", "dilation_rate"):
            setattr(self, name, getattr(self.cell, name))
