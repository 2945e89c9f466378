"""Pooling, padding, cropping and repetition of rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from minigraph import image, math
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras.layers.convolutional import ImageLayer, sizes
from minigraph.ops.array.dynamic import pad
from minigraph.ops.array.shape import known_dims, packed
from minigraph.ops.array.slicing import getitem
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
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
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
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
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
        self.pool_size = sizes(self.pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if self.strides is None else sizes(self.strides, self.rank, "strides")

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        name = "MaxPool" if self.functions is _MAX else "AvgPool"
        window, steps = self.on_axes(self.pool_size), self.on_axes(self.strides)
        return self.functions[self.rank](inputs, window, steps, self.padding.upper(), self.form, name=name)


class MaxPooling1D(_Pooling):
    """The maximum of each window of sequences."""

    rank = 1
    data_format: Any = "channels_last"


class MaxPooling2D(_Pooling):
    """The maximum of each window of images."""

    pool_size: Any = (2, 2)


class MaxPooling3D(_Pooling):
    """The maximum of each window of volumes."""

    rank = 3
    pool_size: Any = (2, 2, 2)


class AveragePooling1D(MaxPooling1D):
    """The mean of each window of sequences."""

    functions = _MEAN


class AveragePooling2D(MaxPooling2D):
    """The mean of each window of images."""

    functions = _MEAN


class AveragePooling3D(MaxPooling3D):
    """The mean of each window of volumes."""

    functions = _MEAN


class _GlobalPooling(ImageLayer):
    fields: ClassVar[tuple[str, ...]] = ("data_format",)
    over: ClassVar[Callable[..., Tensor]] = staticmethod(math.reduce_max)

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return self.over(inputs, [a for a in range(1, self.rank + 2) if a != self.channel_axis])


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum of each channel of sequences."""

    rank = 1
    data_format: Any = "channels_last"


class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum of each channel of images."""


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum of each channel of volumes."""

    rank = 3


class GlobalAveragePooling1D(GlobalMaxPooling1D):
    """The mean of each channel of sequences."""

    over = staticmethod(math.reduce_mean)


class GlobalAveragePooling2D(GlobalMaxPooling2D):
    """The mean of each channel of images."""

    over = staticmethod(math.reduce_mean)


class GlobalAveragePooling3D(GlobalMaxPooling3D):
    """The mean of each channel of volumes."""

    over = staticmethod(math.reduce_mean)


def _pairs(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """Numbers before and after, for each axis, of one number, one for each axis, or pairs."""
    if rank == 1 and not isinstance(value, int):
        value = (value,) if isinstance(value[0], int) else value
    given = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(given) != rank:
        raise ValueError(f"`{name}` should have {rank} elements. Found: {value}")
    return tuple((v, v) if isinstance(v, int) else (int(v[0]), int(v[1])) for v in given)


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
        """Compute the results."""
        return pad(inputs, self.on_axes(self.borders, (0, 0)))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after sequences."""

    fields = ("padding",)
    rank = 1
    data_format: Any = "channels_last"


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images."""

    fields = ("padding", "data_format")
    padding: Any = (1, 1)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes."""

    fields = ("padding", "data_format")
    padding: Any = (1, 1, 1)
    rank = 3


class _Cropping(_Bordered):
    cropping: Any = 1
    what = "cropping"

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        slices = [slice(first, -last if last else None) for first, last in self.borders]
        return getitem(inputs, tuple(self.on_axes(slices, slice(None))))


class Cropping1D(_Cropping):
    """Sequences without their first and last elements."""

    fields = ("cropping",)
    cropping: Any = (1, 1)
    rank = 1
    data_format: Any = "channels_last"

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping if isinstance(cropping, int) else (tuple(cropping),), **kwargs)


class Cropping2D(_Cropping):
    """Images without their borders."""

    fields = ("cropping", "data_format")
    cropping: Any = ((0, 0), (0, 0))


class Cropping3D(_Cropping):
    """Volumes without their borders."""

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
        """Compute the results."""
        for axis, factor in enumerate(self.factors, 2 if self.data_format == "channels_first" else 1):
            inputs = K.repeat_elements(inputs, factor, axis)
        return inputs


class UpSampling1D(_UpSampling):
    """Each element of sequences several times."""

    fields = ("size",)
    rank = 1
    data_format: Any = "channels_last"


class UpSampling2D(_UpSampling):
    """Images made larger: each pixel several times, or by linear interpolation ("bilinear")."""

    fields = ("size", "data_format", "interpolation")
    size: Any = (2, 2)
    interpolation: str = "nearest"

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
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
    """Each element of volumes several times."""

    fields = ("size", "data_format")
    size: Any = (2, 2, 2)
    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
