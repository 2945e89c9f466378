"""Colours of images [..., H, W, C]: conversions, adjustments, and their random forms.

Images of integers span their dtype's range; floats span [0, 1]. Adjustments compute in float32 and convert back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from minigraph.core.dtypes import as_dtype, float16, float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.joining import stack, unstack
from minigraph.ops.array.shape import expand_dims, shape, tile
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import identity
from minigraph.ops.math.algebra import reduce_variance, tensordot
from minigraph.ops.math.arithmetic import abs, add, div_no_nan, maximum, multiply, reciprocal
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.clipping import clip_by_value, saturate_cast
from minigraph.ops.math.comparison import equal, greater
from minigraph.ops.math.exponential import sqrt
from minigraph.ops.math.integer_division import div, floordiv
from minigraph.ops.math.reduce import reduce_max, reduce_mean, reduce_min, reduce_prod
from minigraph.ops.math.rounding import floor
from minigraph.ops.math.selection import where
from minigraph.ops.random.distributions import random_uniform

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "convert_image_dtype",
    "grayscale_to_rgb",
    "hsv_to_rgb",
    "per_image_standardization",
    "random_brightness",
    "random_contrast",
    "random_hue",
    "random_saturation",
    "rgb_to_grayscale",
    "rgb_to_hsv",
]


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """`image` in another dtype, scaled from range to range: a float's is [0, 1], an integer's [0, max].

    saturate: what does not fit becomes the smallest or largest number.
    """
    x, kind = convert_to_tensor(image, name="image"), as_dtype(dtype)
    if x.dtype is kind:
        return identity(x, name=name)
    with composed(name, "convert_image", x) as scope:
        if x.dtype.is_floating and kind.is_floating:
            return cast(x, kind, name=scope)
        if kind.is_floating:
            return multiply(cast(x, kind), 1.0 / x.dtype.max, name=scope)
        convert = saturate_cast if saturate else cast
        if x.dtype.is_floating:
            return convert(multiply(x, kind.max + 0.5), kind, name=scope)
        if x.dtype.max > kind.max:
            return convert(floordiv(x, (x.dtype.max + 1) // (kind.max + 1)), kind, name=scope)
        return multiply(convert(x, kind), (kind.max + 1) // (x.dtype.max + 1), name=scope)


def _as_float(x: Tensor) -> Tensor:
    return x if x.dtype in (float16, float32) else convert_image_dtype(x, float32)


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """0.2989·R + 0.587·G + 0.114·B, as images of one channel."""
    with composed(name, "rgb_to_grayscale", images) as scope:
        x = convert_to_tensor(images, name="images")
        grey = tensordot(convert_image_dtype(x, float32), constant([0.2989, 0.587, 0.114]), [[-1], [-1]])
        return convert_image_dtype(expand_dims(grey, -1), x.dtype, name=scope)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The one channel three times."""
    with composed(name, "grayscale_to_rgb", images) as scope:
        x = convert_to_tensor(images, name="images")
        dims = x.type.shape
        if not dims or dims[-1] not in (1, None):
            raise ShapeError(f"Last dimension of a grayscale image should be size 1, not {format_shape(dims)}")
        return tile(x, [1] * (len(dims) - 1) + [3], name=scope)


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value, all in [0, 1], of floats [..., 3] in [0, 1]."""
    with composed(name, "RGBToHSV", images) as scope:
        x = convert_to_tensor(images, name="images")
        red, green, blue = _channels(x)
        value = reduce_max(x, -1)
        spread = value - reduce_min(x, -1)
        saturation = div_no_nan(spread, value)
        sixth = div_no_nan(1.0 / 6.0, spread)
        other = where(equal(green, value), sixth * (blue - red) + 2 / 6, sixth * (red - green) + 4 / 6)
        hue = where(equal(red, value), sixth * (green - blue), other)
        hue = where(greater(spread, 0.0), hue, zeros_like(hue))
        return stack([hue - floor(hue), saturation, value], -1, name=scope)


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The inverse of rgb_to_hsv."""
    with composed(name, "HSVToRGB", images) as scope:
        hue, saturation, value = _channels(convert_to_tensor(images, name="images"))
        sixths = hue * 6.0
        ramps = abs(sixths - 3.0) - 1.0, 2.0 - abs(sixths - 2.0), 2.0 - abs(sixths - 4.0)
        rest = 1.0 - saturation
        return stack([(rest + saturation * clip_by_value(r, 0.0, 1.0)) * value for r in ramps], -1, name=scope)


def _channels(x: Tensor) -> list[Tensor]:
    dims = x.type.shape
    if not dims or dims[-1] not in (3, None):
        raise ShapeError(f"the last dimension of an image in colours must be 3, not {format_shape(dims)}")
    return unstack(x, 3, axis=len(dims) - 1)


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """image + delta, where delta is a share of the range."""
    with composed(None, "adjust_brightness", image, delta) as scope:
        x = convert_to_tensor(image, name="image")
        number = _as_float(x)
        brighter = add(number, cast(as_tensor_like(delta), number.dtype), name=scope)
        return convert_image_dtype(brighter, x.dtype, saturate=True)


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """(x − mean)·contrast_factor + mean, with the mean of each channel of each image."""
    with composed(None, "adjust_contrast", images, contrast_factor) as scope:
        x = convert_to_tensor(images, name="images")
        number = _as_float(x)
        if (number.type.rank or 3) < 3:
            raise ShapeError(f"input must be at least 3-D, got shape {format_shape(x.type.shape)}")
        mean = reduce_mean(number, [-3, -2], keepdims=True)
        x.graph.reserve_ids(-4)  # TensorFlow has an op for this
        sharper = add((number - mean) * cast(as_tensor_like(contrast_factor), number.dtype), mean, name=scope)
        return convert_image_dtype(sharper, x.dtype, saturate=True)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """gain·image^gamma. ValueError for a negative number as gamma."""
    if isinstance(gamma, int | float) and gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    with composed(None, "adjust_gamma", image, gamma, gain):
        x = convert_to_tensor(image, name="image")
        return convert_image_dtype(gain * _as_float(x) ** gamma, x.dtype, saturate=True)


def _counted_as_one(x: Tensor, amount: Any) -> AbstractContextManager[None]:
    """TensorFlow has one op for this, with a constant for a number and casts of images of integers around it."""
    return x.graph.counted_as(2 + (not isinstance(as_tensor_like(amount), Tensor)) + 5 * x.dtype.is_integer)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """The hue moved on by `delta` of the circle, in [−1, 1]."""
    with composed(name, "adjust_hue", image, delta):
        x = convert_to_tensor(image, name="image")
        with _counted_as_one(x, delta):
            hue, saturation, value = _channels(rgb_to_hsv(_as_float(x)))
            turned = hue + cast(as_tensor_like(delta), hue.dtype)
            return convert_image_dtype(hsv_to_rgb(stack([turned - floor(turned), saturation, value], -1)), x.dtype)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """The saturation times `saturation_factor`, up to 1."""
    with composed(name, "adjust_saturation", image, saturation_factor):
        x = convert_to_tensor(image, name="image")
        with _counted_as_one(x, saturation_factor):
            hue, saturation, value = _channels(rgb_to_hsv(_as_float(x)))
            stronger = clip_by_value(saturation * cast(as_tensor_like(saturation_factor), hue.dtype), 0.0, 1.0)
            return convert_image_dtype(hsv_to_rgb(stack([hue, stronger, value], -1)), x.dtype)


def _between(lower: Any, upper: Any, seed: int | None) -> Tensor:
    return random_uniform([], lower, upper, seed=seed)


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """adjust_brightness by a random amount in [−max_delta, max_delta)."""
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, _between(-max_delta, max_delta, seed))


def _check_range(lower: float, upper: float) -> None:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """adjust_contrast by a random factor in [lower, upper)."""
    _check_range(lower, upper)
    return adjust_contrast(image, _between(lower, upper, seed))


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """adjust_saturation by a random factor in [lower, upper)."""
    _check_range(lower, upper)
    return adjust_saturation(image, _between(lower, upper, seed))


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """adjust_hue by a random amount in [−max_delta, max_delta); max_delta is at most ½."""
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, _between(-max_delta, max_delta, seed))


def per_image_standardization(image: Any) -> Tensor:
    """(x − mean)/max(stddev, 1/√N) of each image, where N is its number of elements."""
    with composed(None, "per_image_standardization", image) as scope:
        x = convert_to_tensor(image, name="image")
        number = widened(_as_float(x))
        if (number.type.rank or 3) < 3:
            raise ShapeError(f"'image' must be at least three-dimensional, not {format_shape(x.type.shape)}")
        x.graph.reserve_ids(1 if x.type.is_static else 23)  # TensorFlow's checks of the image
        count = cast(reduce_prod(getitem(shape(number), slice(-3, None))), number.dtype)
        axes = [-1, -2, -3]
        spread = sqrt(maximum(reduce_variance(number, axes, keepdims=True), reciprocal(count)))
        result = div(number - reduce_mean(number, axes, keepdims=True), spread, name=scope)
        return convert_image_dtype(result, x.dtype, saturate=True)
