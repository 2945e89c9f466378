"""Noise, and filters against it: median and Wiener."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from minigraph.core.dtypes import float64
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.filters.kernels import odd_size
from minigraph.filters.smoothing import Border, as_images, check_fit, mean
from minigraph.ops.array.shape import shape
from minigraph.ops.filling import ones_like
from minigraph.ops.image import median as M
from minigraph.ops.math.casting import cast
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.reduce import reduce_mean
from minigraph.ops.math.selection import where
from minigraph.ops.random.distributions import random_normal, random_uniform

__all__ = ["add_gaussian_noise", "add_salt_and_pepper", "local_moments", "median", "wiener"]


def median(
    images: TensorLike, size: int = 3, border: Literal["replicate", "shrink"] = "replicate", name: str | None = None
) -> Tensor:
    """Take the median of the window around each pixel. Not linear.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        size: Rows and columns of the window, an odd number.
        border: "replicate" to repeat the edge pixels outside, "shrink" to cut the window to the image.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `size` is even or below 1, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> image = np.ones([1, 5, 5, 1], np.float32)
        >>> image[0, 2, 2, 0] = 255
        >>> tf.Session().run(tf.filters.median(image)).max().item()
        1.0
    """
    x = as_images(images)
    check_fit(x, (odd_size(size), size))
    return M.median2d(x, size, border, name)


def local_moments(
    images: TensorLike, size: int = 3, border: Border = "symmetric", name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Compute mean and biased variance of the window around each pixel.

    They are computed in float64, because the variance is a difference of large numbers, E[x²] − E[x]².

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        size: Rows and columns of the window, an odd number.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Mean and variance, images of the same shape and dtype.

    Raises:
        ValueError: `size` is even or below 1, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> mean, variance = tf.filters.local_moments(ramp)
        >>> print(np.round(tf.Session().run([mean, variance])[1][0, 2, 2, 0], 4))
        0.6667
    """
    x = as_images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "local_moments"):
        wide = cast(x, float64)
        middle = mean(wide, size, border)
        variance = maximum(mean(wide * wide, size, border) - middle * middle, 0.0)
        return cast(middle, x.dtype), cast(variance, x.dtype)


def wiener(
    images: TensorLike, size: int = 3, noise: float | None = None, border: Border = "symmetric", name: str | None = None
) -> Tensor:
    """Remove noise by Wiener's filter: μ + max(σ² − ν, 0)/max(σ², ν)·(x − μ). Not linear.

    μ and σ² are the local mean and variance, ν is the variance of the noise. (The chapter spells the name Weiner.)

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        size: Rows and columns of the window, an odd number.
        noise: ν; by default the mean of σ² over each channel of each image.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `noise` is negative, `size` is even or below 1, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> y = tf.filters.wiener(tf.ones([1, 5, 5, 1]), noise=0.1)
        >>> print(np.allclose(tf.Session().run(y), 1))
        True

    Source: Lim, *Two-Dimensional Signal and Image Processing*, 1990.
    """
    if noise is not None and not noise >= 0:
        raise ValueError(f"the variance of noise cannot be {noise}")
    x = as_images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "wiener"):
        middle, variance = local_moments(x, size, border)
        level: Any = reduce_mean(variance, [1, 2], keepdims=True) if noise is None else noise
        above = maximum(variance, level)
        gain = where(above > 0.0, (above - level) / maximum(above, np.finfo(x.dtype.np_dtype).tiny), ones_like(x))
        result: Tensor = middle + gain * (x - middle)
        return result


def add_gaussian_noise(images: TensorLike, variance: float, seed: int | None = None, name: str | None = None) -> Tensor:
    """Add independent normal noise to images.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        variance: Variance of the noise, in the images' units squared.
        seed: Seed of the op; see `tf.set_random_seed`.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `variance` is negative.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, or C is unknown.

    Example:
        >>> noisy = tf.filters.add_gaussian_noise(tf.zeros([1, 100, 100, 1]), variance=4.0)
        >>> print(f"{tf.Session().run(noisy).std():.1f}")
        2.0
    """
    if not variance >= 0:
        raise ValueError(f"the variance of noise cannot be {variance}")
    x = as_images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "gaussian_noise"):
        result: Tensor = x + random_normal(shape(x), 0.0, math.sqrt(variance), x.dtype, seed)
        return result


def add_salt_and_pepper(
    images: TensorLike, fraction: float, black: float = 0.0, white: float = 255.0, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Replace a share of an image's numbers, one half by `black`, the other by `white`.

    (The chapter draws randint(0, 21) and replaces 0 and 20: a share of 2/21.)

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        fraction: The share, from 0 to 1.
        black: Value of the one half.
        white: Value of the other half.
        seed: Seed of the op; see `tf.set_random_seed`.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `fraction` is out of range.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, or C is unknown.

    Example:
        >>> noisy = tf.filters.add_salt_and_pepper(tf.fill([1, 100, 100, 1], 7.0), fraction=0.5)
        >>> np.unique(tf.Session().run(noisy)).tolist()
        [0.0, 7.0, 255.0]
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"the fraction of pixels must be from 0 to 1, not {fraction}")
    x = as_images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "salt_and_pepper"):
        draw = random_uniform(shape(x), dtype=x.dtype, seed=seed)
        draw.set_shape(x.type.shape)
        salted = where(draw >= 1 - fraction / 2, ones_like(x) * white, x)
        return where(draw < fraction / 2, ones_like(x) * black, salted)
