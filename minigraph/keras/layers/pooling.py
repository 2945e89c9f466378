"""Pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from minigraph import math
from minigraph.core.graph import Tensor
from minigraph.keras.layers.convolutional import ImageLayer
from minigraph.layers.common import padding_of, sizes
from minigraph.ops.array.reshape import expand_dims
from minigraph.ops.math.casting import cast
from minigraph.ops.nn.avg_pool import avg_pool
from minigraph.ops.nn.max_pool import max_pool
from minigraph.ops.nn.pool_nd import avg_pool1d, avg_pool3d, max_pool1d, max_pool3d

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]

Pool = Callable[..., Tensor]
_MAX: Mapping[int, Pool] = {1: max_pool1d, 2: max_pool, 3: max_pool3d}
_MEAN: Mapping[int, Pool] = {1: avg_pool1d, 2: avg_pool, 3: avg_pool3d}


class _Pooling(ImageLayer):
    fields: ClassVar[tuple[str, ...]] = ("pool_size", "strides", "padding", "data_format")
    functions: ClassVar[Mapping[int, Pool]] = _MAX
    pool_size: Any = 2
    strides: Any = None
    padding: str = "valid"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.padding = padding_of(self.padding)
        self.pool_size = sizes(self.pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if self.strides is None else sizes(self.strides, self.rank, "strides")

    def call(self, inputs: Any) -> Any:
        name = "MaxPool" if self.functions is _MAX else "AvgPool"
        window, steps = self.on_axes(self.pool_size), self.on_axes(self.strides)
        return self.functions[self.rank](inputs, window, steps, self.padding.upper(), self.form, name=name)


class MaxPooling1D(_Pooling):
    """The maximum of each window of sequences.

    Args:
        pool_size: Length of the window.
        strides: Steps from window to window; None for the window's length.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for sequences [N,L,C], "channels_first" for [N,C,L].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.MaxPooling1D(2)(tf.zeros([1, 8, 3])).shape.as_list()
        [1, 4, 3]
    """

    rank = 1
    data_format: Any = "channels_last"


class MaxPooling2D(_Pooling):
    """The maximum of each window of images.

    Args:
        pool_size: Sizes of the window: one number, or a pair.
        strides: Steps from window to window: one number, or a pair; None for the window's sizes.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.MaxPooling2D(3, strides=2)(tf.zeros([1, 9, 9, 3])).shape.as_list()
        [1, 4, 4, 3]
    """

    pool_size: Any = (2, 2)


class MaxPooling3D(_Pooling):
    """The maximum of each window of volumes.

    Args:
        pool_size: Sizes of the window: one number, or three.
        strides: Steps from window to window: one number, or three; None for the window's sizes.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.MaxPooling3D()(tf.zeros([1, 8, 8, 8, 3])).shape.as_list()
        [1, 4, 4, 4, 3]
    """

    rank = 3
    pool_size: Any = (2, 2, 2)


class AveragePooling1D(MaxPooling1D):
    """The mean of each window of sequences.

    Args:
        pool_size: Length of the window.
        strides: Steps from window to window; None for the window's length.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" for sequences [N,L,C], "channels_first" for [N,C,L].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has another form, or the format is unknown.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.AveragePooling1D()(tf.constant([[[1.0], [3.0]]]))))
        [[[2.]]]
    """

    functions = _MEAN


class AveragePooling2D(MaxPooling2D):
    """The mean of each window of images.

    Args:
        pool_size: Sizes of the window: one number, or a pair.
        strides: Steps from window to window: one number, or a pair; None for the window's sizes.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.AveragePooling2D()(tf.zeros([1, 8, 8, 3])).shape.as_list()
        [1, 4, 4, 3]
    """

    functions = _MEAN


class AveragePooling3D(MaxPooling3D):
    """The mean of each window of volumes.

    Args:
        pool_size: Sizes of the window: one number, or three.
        strides: Steps from window to window: one number, or three; None for the window's sizes.
        padding: "valid" for no padding, or "same" to keep the size at stride 1.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: An argument has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.AveragePooling3D()(tf.zeros([1, 8, 8, 8, 3])).shape.as_list()
        [1, 4, 4, 4, 3]
    """

    functions = _MEAN


class _GlobalPooling(ImageLayer):
    fields: ClassVar[tuple[str, ...]] = ("data_format",)
    over: ClassVar[Callable[..., Tensor]] = staticmethod(math.reduce_max)

    def call(self, inputs: Any) -> Any:
        return self.over(inputs, [a for a in range(1, self.rank + 2) if a != self.channel_axis])


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum of each channel of sequences.

    Args:
        data_format: "channels_last" for sequences [N,L,C], "channels_first" for [N,C,L].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.GlobalMaxPooling1D()(tf.zeros([4, 8, 3])).shape.as_list()
        [4, 3]
    """

    rank = 1
    data_format: Any = "channels_last"


class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum of each channel of images.

    Args:
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.GlobalMaxPooling2D()(tf.zeros([4, 8, 8, 3])).shape.as_list()
        [4, 3]
    """


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum of each channel of volumes.

    Args:
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.GlobalMaxPooling3D()(tf.zeros([4, 8, 8, 8, 3])).shape.as_list()
        [4, 3]
    """

    rank = 3


class GlobalAveragePooling1D(GlobalMaxPooling1D):
    """The mean of each channel of sequences.

    Args:
        data_format: "channels_last" for sequences [N,L,C], "channels_first" for [N,C,L].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.GlobalAveragePooling1D()(tf.constant([[[1.0], [3.0]]]))))
        [[2.]]
    """

    over = staticmethod(math.reduce_mean)
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the means.

        Args:
            inputs: Sequences [N,L,C].
            mask: The steps that count, a bool tensor [N,L]; None for all.

        Returns:
            The means [N,C].
        """
        if mask is None:
            return super().call(inputs)
        steps = 3 - self.channel_axis
        counts = cast(expand_dims(mask, self.channel_axis), inputs.dtype)
        return math.reduce_sum(inputs * counts, steps) / math.reduce_sum(counts, steps)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(GlobalMaxPooling2D):
    """The mean of each channel of images.

    Args:
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.GlobalAveragePooling2D()(tf.zeros([4, 8, 8, 3])).shape.as_list()
        [4, 3]
    """

    over = staticmethod(math.reduce_mean)


class GlobalAveragePooling3D(GlobalMaxPooling3D):
    """The mean of each channel of volumes.

    Args:
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.GlobalAveragePooling3D()(tf.zeros([4, 8, 8, 8, 3])).shape.as_list()
        [4, 3]
    """

    over = staticmethod(math.reduce_mean)


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
