"""Colours of images [..., H, W, C]: conversions and adjustments.

Integer images span their dtype's range; floats span [0, 1]. Adjustments compute in float32 and convert back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype, float16, float32
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import DTypeLike, NumberLike, TensorLike
from minigraph.ops.array.joining import stack, unstack
from minigraph.ops.array.reshape import expand_dims, tile
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import identity
from minigraph.ops.math.algebra import reduce_variance, tensordot
from minigraph.ops.math.arithmetic import abs, add, div_no_nan, multiply, reciprocal
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.clipping import clip_by_value, saturate_cast
from minigraph.ops.math.comparison import equal, greater
from minigraph.ops.math.exponential import sqrt
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.integer_division import div, floordiv
from minigraph.ops.math.reduce import reduce_mean
from minigraph.ops.math.reduce_extremes import reduce_max, reduce_min
from minigraph.ops.math.reduce_product import reduce_prod
from minigraph.ops.math.rounding import floor
from minigraph.ops.math.selection import where

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
    "rgb_to_grayscale",
    "rgb_to_hsv",
]


def convert_image_dtype(image: TensorLike, dtype: DTypeLike, saturate: bool = False, name: str | None = None) -> Tensor:
    """Convert images to another dtype and scale them from range to range.

    The range of a floating dtype is [0, 1], that of an integer dtype [0, max].

    Args:
        image: Images of any shape and numeric dtype.
        dtype: The new dtype.
        saturate: Whether values out of range become the smallest or largest number of `dtype`; else they overflow.
        name: Name of the operation.

    Returns:
        A tensor of `dtype` and the shape of `image`.

    Raises:
        DTypeError: A dtype is not numeric.

    Example:
        >>> image = tf.constant([0, 51, 255], tf.uint8)
        >>> tf.Session().run(tf.image.convert_image_dtype(image, tf.float32)).round(4)
        array([0. , 0.2, 1. ], dtype=float32)
    """
    x, kind = convert_to_tensor(image, name="image"), as_dtype(dtype)
    for given in (x.dtype, kind):
        if not given.is_floating and not given.is_integer:
            raise DTypeError(f"convert_image_dtype converts between numeric dtypes, not {x.dtype.name} to {kind.name}")
    if x.dtype is kind:
        return identity(x, name=name)
    with composed(name, "convert_image", x) as scope:
        if x.dtype.is_floating and kind.is_floating:
            return cast(x, kind, name=scope)
        if kind.is_floating:
            if kind is float16:  # which holds no number above 65504
                return cast(multiply(cast(x, float32), 1.0 / x.dtype.max), kind, name=scope)
            return multiply(cast(x, kind), 1.0 / x.dtype.max, name=scope)
        convert = saturate_cast if saturate else cast
        if x.dtype.is_floating:
            return convert(multiply(widened(x), kind.max + 0.5), kind, name=scope)
        if x.dtype.max > kind.max:
            return convert(floordiv(x, (x.dtype.max + 1) // (kind.max + 1)), kind, name=scope)
        return multiply(convert(x, kind), (kind.max + 1) // (x.dtype.max + 1), name=scope)


def _as_float(x: Tensor) -> Tensor:
    return x if x.dtype in (float16, float32) else convert_image_dtype(x, float32)


def rgb_to_grayscale(images: TensorLike, name: str | None = None) -> Tensor:
    """Convert colour images to grey: 0.2989·R + 0.587·G + 0.114·B, the luma of ITU-R BT.601.

    Args:
        images: Images [..., 3] of a numeric dtype; integers span the range of their dtype.
        name: Name of the operation.

    Returns:
        A tensor [..., 1] of the dtype of `images`.

    Raises:
        ShapeError: The last dimension of `images` is not 3.

    Example:
        >>> tf.Session().run(tf.image.rgb_to_grayscale([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]))
        array([[[0.2989],
                [0.114 ]]], dtype=float32)
    """
    with composed(name, "rgb_to_grayscale", images) as scope:
        x = convert_to_tensor(images, name="images")
        grey = tensordot(convert_image_dtype(x, float32), constant([0.2989, 0.587, 0.114]), [[-1], [-1]])
        return convert_image_dtype(expand_dims(grey, -1), x.dtype, name=scope)


def grayscale_to_rgb(images: TensorLike, name: str | None = None) -> Tensor:
    """Repeat the one channel of grey images three times.

    Args:
        images: Images [..., 1] of known rank.
        name: Name of the operation.

    Returns:
        A tensor [..., 3] of the dtype of `images`.

    Raises:
        ShapeError: The last dimension of `images` is not 1.

    Example:
        >>> tf.Session().run(tf.image.grayscale_to_rgb([[[0.5]]]))
        array([[[0.5, 0.5, 0.5]]], dtype=float32)
    """
    with composed(name, "grayscale_to_rgb", images) as scope:
        x = convert_to_tensor(images, name="images")
        dims = x.type.shape
        if not dims or dims[-1] not in (1, None):
            raise ShapeError(f"Last dimension of a grayscale image should be size 1, not {format_shape(dims)}")
        return tile(x, [1] * (len(dims) - 1) + [3], name=scope)


def rgb_to_hsv(images: TensorLike, name: str | None = None) -> Tensor:
    """Convert colours from RGB to hue, saturation and value.

    With v = max(R, G, B) and d = v − min(R, G, B), the saturation is d/v and the hue the angle in units of the circle:
    0 for red, 1/3 for green, 2/3 for blue. Source: Smith 1978, Color Gamut Transform Pairs.

    Args:
        images: Images [..., 3] of a floating dtype, with values in [0, 1].
        name: Name of the operation.

    Returns:
        A tensor of the dtype and shape of `images`, with values in [0, 1].

    Raises:
        ShapeError: The last dimension of `images` is not 3.
        DTypeError: The dtype of `images` is not floating.

    Example:
        >>> tf.Session().run(tf.image.rgb_to_hsv([[[1.0, 0.0, 0.0], [0.25, 0.5, 0.25]]])).round(4)
        array([[[0.    , 1.    , 1.    ],
                [0.3333, 0.5   , 0.5   ]]], dtype=float32)
    """
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


def hsv_to_rgb(images: TensorLike, name: str | None = None) -> Tensor:
    """Convert colours from hue, saturation and value to RGB: the inverse of `rgb_to_hsv`.

    Source: Smith 1978, Color Gamut Transform Pairs.

    Args:
        images: Images [..., 3] of a floating dtype, with values in [0, 1].
        name: Name of the operation.

    Returns:
        A tensor of the dtype and shape of `images`.

    Raises:
        ShapeError: The last dimension of `images` is not 3.

    Example:
        >>> tf.Session().run(tf.image.hsv_to_rgb([[[0.0, 1.0, 1.0], [0.5, 0.5, 0.5]]]))
        array([[[1.  , 0.  , 0.  ],
                [0.25, 0.5 , 0.5 ]]], dtype=float32)
    """
    with composed(name, "HSVToRGB", images) as scope:
        hue, saturation, value = _channels(convert_to_tensor(images, name="images"))
        sixths = hue * 6.0
        ramps = abs(sixths - 3.0) - 1.0, 2.0 - abs(sixths - 2.0), 2.0 - abs(sixths - 4.0)
        rest = 1.0 - saturation
        return stack([(rest + saturation * clip_by_value(r, 0.0, 1.0)) * value for r in ramps], -1, name=scope)


def _channels(x: Tensor) -> list[Tensor]:
    dims = x.type.shape
    if not dims or dims[-1] not in (3, None):
        raise ShapeError(f"the last dimension of a colour image must be 3, not {format_shape(dims)}")
    return unstack(x, 3, axis=len(dims) - 1)


def adjust_brightness(image: TensorLike, delta: NumberLike) -> Tensor:
    """Add a number to all values of images.

    Args:
        image: Images of any shape and numeric dtype; integers span the range of their dtype.
        delta: The summand, as a share of the range: in [−1, 1].

    Returns:
        A tensor of the dtype and shape of `image`. Integers saturate at the ends of the range.

    Example:
        >>> tf.Session().run(tf.image.adjust_brightness(tf.constant([0, 100, 250], tf.uint8), 0.2))
        array([ 51, 151, 255], dtype=uint8)
    """
    with composed(None, "adjust_brightness", image, delta) as scope:
        x = convert_to_tensor(image, name="image")
        number = _as_float(x)
        brighter = add(number, cast(as_tensor_like(delta), number.dtype), name=scope)
        return convert_image_dtype(brighter, x.dtype, saturate=True)


def adjust_contrast(images: TensorLike, contrast_factor: NumberLike) -> Tensor:
    """Scale the differences to the mean: (x − mean)·contrast_factor + mean.

    Args:
        images: Images [..., H, W, C] of a numeric dtype; integers span the range of their dtype.
        contrast_factor: The factor.

    Returns:
        A tensor of the dtype and shape of `images`. The mean is that of each channel of each image; integers saturate
        at the ends of the range.

    Raises:
        ShapeError: `images` has fewer than 3 dimensions.

    Example:
        >>> image = tf.reshape([0.0, 2.0], [1, 2, 1])
        >>> tf.Session().run(tf.image.adjust_contrast(image, 3.0)).ravel()
        array([-2.,  4.], dtype=float32)
    """
    with composed(None, "adjust_contrast", images, contrast_factor) as scope:
        x = convert_to_tensor(images, name="images")
        number = _as_float(x)
        if (number.type.rank or 3) < 3:
            raise ShapeError(f"input must be at least 3-D, got shape {format_shape(x.type.shape)}")
        mean = reduce_mean(number, [-3, -2], keepdims=True)
        x.graph.reserve_ids(-4)  # TensorFlow uses one op for all of this
        sharper = add((number - mean) * cast(as_tensor_like(contrast_factor), number.dtype), mean, name=scope)
        return convert_image_dtype(sharper, x.dtype, saturate=True)


def adjust_gamma(image: TensorLike, gamma: NumberLike = 1, gain: NumberLike = 1) -> Tensor:
    """Apply a power law to images: gain·image^gamma.

    Args:
        image: Images of any shape and numeric dtype; integers span the range of their dtype.
        gamma: The exponent, at least 0: above 1 it darkens the image, below 1 it brightens it.
        gain: The factor.

    Returns:
        A tensor of the dtype and shape of `image`. Integers saturate at the ends of the range.

    Raises:
        ValueError: `gamma` is a negative number.

    Example:
        >>> tf.Session().run(tf.image.adjust_gamma([0.0, 0.5, 1.0], gamma=2.0))
        array([0.  , 0.25, 1.  ], dtype=float32)
    """
    if isinstance(gamma, int | float) and gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    with composed(None, "adjust_gamma", image, gamma, gain):
        x = convert_to_tensor(image, name="image")
        return convert_image_dtype(gain * _as_float(x) ** gamma, x.dtype, saturate=True)


def _counted_as_one(x: Tensor, amount: Any) -> AbstractContextManager[None]:
    """Count the nodes as TensorFlow's one op, its constant for a number, and its casts of integer images."""
    return x.graph.counted_as(2 + (not isinstance(as_tensor_like(amount), Tensor)) + 5 * x.dtype.is_integer)


def adjust_hue(image: TensorLike, delta: NumberLike, name: str | None = None) -> Tensor:
    """Rotate the hue of images.

    Args:
        image: Images [..., 3] of a numeric dtype; integers span the range of their dtype.
        delta: The angle, as a share of the circle: in [−1, 1].
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: The last dimension of `image` is not 3.

    Example:
        >>> red = [[[1.0, 0.0, 0.0]]]
        >>> tf.Session().run(tf.image.adjust_hue(red, 0.5))
        array([[[0., 1., 1.]]], dtype=float32)
    """
    with composed(name, "adjust_hue", image, delta):
        x = convert_to_tensor(image, name="image")
        with _counted_as_one(x, delta):
            hue, saturation, value = _channels(rgb_to_hsv(_as_float(x)))
            turned = hue + cast(as_tensor_like(delta), hue.dtype)
            return convert_image_dtype(hsv_to_rgb(stack([turned - floor(turned), saturation, value], -1)), x.dtype)


def adjust_saturation(image: TensorLike, saturation_factor: NumberLike, name: str | None = None) -> Tensor:
    """Multiply the saturation of images, up to 1.

    Args:
        image: Images [..., 3] of a numeric dtype; integers span the range of their dtype.
        saturation_factor: The factor: 0 gives grey images.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: The last dimension of `image` is not 3.

    Example:
        >>> tf.Session().run(tf.image.adjust_saturation([[[0.5, 0.25, 0.25]]], 2.0))
        array([[[0.5, 0. , 0. ]]], dtype=float32)
    """
    with composed(name, "adjust_saturation", image, saturation_factor):
        x = convert_to_tensor(image, name="image")
        with _counted_as_one(x, saturation_factor):
            hue, saturation, value = _channels(rgb_to_hsv(_as_float(x)))
            stronger = clip_by_value(saturation * cast(as_tensor_like(saturation_factor), hue.dtype), 0.0, 1.0)
            return convert_image_dtype(hsv_to_rgb(stack([hue, stronger, value], -1)), x.dtype)


def per_image_standardization(image: TensorLike) -> Tensor:
    """Standardise each image to mean 0 and variance 1: (x − mean)/max(stddev, 1/√n).

    The bound 1/√n, with n the number of elements of an image, avoids a division by 0 for uniform images.

    Args:
        image: Images [..., H, W, C] of a numeric dtype.

    Returns:
        A tensor of the dtype and shape of `image`; pass floats, because integers cannot hold the result.

    Raises:
        ShapeError: `image` has fewer than 3 dimensions.

    Example:
        >>> image = tf.reshape([1.0, 2.0, 3.0, 2.0], [2, 2, 1])
        >>> tf.Session().run(tf.image.per_image_standardization(image)).ravel().round(4)
        array([-1.4142,  0.    ,  1.4142,  0.    ], dtype=float32)
    """
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
