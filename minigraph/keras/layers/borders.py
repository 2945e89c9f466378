"""Padding, cropping and repetition of rows and columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from minigraph import image
from minigraph.core.arguments import integers
from minigraph.keras import backend as K
from minigraph.keras.layers.convolutional import ImageLayer
from minigraph.layers.common import sizes
from minigraph.ops.array.dynamic import pad
from minigraph.ops.array.shape import known_dims, packed
from minigraph.ops.array.slicing import getitem

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]


def _pairs(given: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """Numbers before and after, for each axis, of one number, one for each axis, or pairs."""
    value, flat = given, integers(given)
    if flat is not None:
        value = flat * rank if len(flat) == 1 else [flat] if rank == 1 else flat
    pairs = [integers(v) or () for v in value] if isinstance(value, Iterable) else []
    pairs = [p * 2 if len(p) == 1 else p for p in pairs]
    if len(pairs) != rank or any(len(p) != 2 for p in pairs):
        raise ValueError(f"`{name}` must be one integer, {rank}, or {rank} pairs of integers. Received: {given!r}")
    return tuple((before, after) for before, after in pairs)


class _Bordered(ImageLayer):
    what: ClassVar[str] = "padding"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.borders = self.on_borders(_pairs(getattr(self, self.what), self.rank, self.what))
        setattr(self, self.what, self.borders[0] if self.rank == 1 else self.borders)

    def on_borders(self, pairs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """The borders as the layer uses them."""
        return pairs


class _ZeroPadding(_Bordered):
    padding: Any = 1

    def call(self, inputs: Any) -> Any:
        return pad(inputs, self.on_axes(self.borders, (0, 0)))


class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and after sequences [N,L,C].

    Args:
        padding: How many: one number for both, or a pair.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.ZeroPadding1D((2, 0))(tf.zeros([1, 8, 3])).shape.as_list()
        [1, 10, 3]
    """

    fields = ("padding",)
    rank = 1
    data_format: Any = "channels_last"


class ZeroPadding2D(_ZeroPadding):
    """Puts zeros around images.

    Args:
        padding: How many: one number for all sides, a pair for rows and columns, or a pair of pairs, (before, after).
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: `padding` has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.ZeroPadding2D((1, 3))(tf.zeros([1, 8, 8, 3])).shape.as_list()
        [1, 10, 14, 3]
    """

    fields = ("padding", "data_format")
    padding: Any = (1, 1)


class ZeroPadding3D(_ZeroPadding):
    """Puts zeros around volumes.

    Args:
        padding: How many: one number for all sides, three for the axes, or three pairs, (before, after).
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: `padding` has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.ZeroPadding3D()(tf.zeros([1, 8, 8, 8, 3])).shape.as_list()
        [1, 10, 10, 10, 3]
    """

    fields = ("padding", "data_format")
    padding: Any = (1, 1, 1)
    rank = 3


class _Cropping(_Bordered):
    cropping: Any = 1
    what = "cropping"

    def call(self, inputs: Any) -> Any:
        slices = [slice(first, -last if last else None) for first, last in self.borders]
        return getitem(inputs, tuple(self.on_axes(slices, slice(None))))


class Cropping1D(_Cropping):
    """Takes the first and last elements of sequences [N,L,C] away.

    Args:
        cropping: How many: one number for both, or a pair.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.Cropping1D((2, 1))(tf.zeros([1, 8, 3])).shape.as_list()
        [1, 5, 3]
    """

    fields = ("cropping",)
    cropping: Any = (1, 1)
    rank = 1
    data_format: Any = "channels_last"

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping if isinstance(cropping, int) else (tuple(cropping),), **kwargs)


class Cropping2D(_Cropping):
    """Takes the borders of images away.

    Args:
        cropping: How many: one number for all sides, a pair for rows and columns, or a pair of pairs, (before, after).
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: `cropping` has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.Cropping2D(((1, 2), (0, 3)))(tf.zeros([1, 8, 8, 3])).shape.as_list()
        [1, 5, 5, 3]
    """

    fields = ("cropping", "data_format")
    cropping: Any = ((0, 0), (0, 0))


class Cropping3D(_Cropping):
    """Takes the borders of volumes away.

    Args:
        cropping: How many: one number for all sides, three for the axes, or three pairs, (before, after).
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: `cropping` has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.Cropping3D(2)(tf.zeros([1, 8, 8, 8, 3])).shape.as_list()
        [1, 4, 4, 4, 3]
    """

    fields = ("cropping", "data_format")
    cropping: Any = ((1, 1), (1, 1), (1, 1))
    rank = 3


class _UpSampling(ImageLayer):
    size: Any = 2

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.factors = sizes(self.size, self.rank, "size")
        self.size = self.factors[0] if self.rank == 1 else self.factors

    def call(self, inputs: Any) -> Any:
        for axis, factor in enumerate(self.factors, 2 if self.data_format == "channels_first" else 1):
            inputs = K.repeat_elements(inputs, factor, axis)
        return inputs


class UpSampling1D(_UpSampling):
    """Repeats each element of sequences [N,L,C].

    Args:
        size: How often.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.UpSampling1D(2)(tf.constant([[[1.0], [3.0]]]))).ravel())
        [1. 1. 3. 3.]
    """

    fields = ("size",)
    rank = 1
    data_format: Any = "channels_last"


class UpSampling2D(_UpSampling):
    """Makes images larger.

    Args:
        size: Factors of rows and columns: one number, or a pair.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        interpolation: "nearest" to repeat each pixel, or "bilinear".
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: `size` has another form, or the format is unknown; in a call, the interpolation is unknown.

    Example:
        >>> tf.keras.layers.UpSampling2D((2, 3))(tf.zeros([1, 8, 8, 3])).shape.as_list()
        [1, 16, 24, 3]
    """

    fields = ("size", "data_format", "interpolation")
    size: Any = (2, 2)
    interpolation: str = "nearest"

    def call(self, inputs: Any) -> Any:
        if self.interpolation not in ("nearest", "bilinear"):
            raise ValueError('`interpolation` argument should be one of `"nearest"` or `"bilinear"`.')
        first = self.data_format == "channels_first"
        x = K.permute_dimensions(inputs, [0, 2, 3, 1]) if first else inputs
        sides = [n * f for n, f in zip(known_dims(x, (1, 2)), self.factors, strict=True)]
        size = packed(sides)
        if self.interpolation == "nearest":
            y = image.resize_nearest_neighbor(x, size)
        else:
            y = image.resize_bilinear(x, size, half_pixel_centers=True)
        return K.permute_dimensions(y, [0, 3, 1, 2]) if first else y


class UpSampling3D(_UpSampling):
    """Repeats each element of volumes along the three axes.

    Args:
        size: How often: one number, or three.
        data_format: "channels_last" or "channels_first"; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: `size` has another form, or the format is unknown.

    Example:
        >>> tf.keras.layers.UpSampling3D()(tf.zeros([1, 4, 4, 4, 3])).shape.as_list()
        [1, 8, 8, 8, 3]
    """

    fields = ("size", "data_format")
    size: Any = (2, 2, 2)
    rank = 3
