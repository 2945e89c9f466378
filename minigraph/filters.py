"""Image filters as graphs. Each function takes floating-point images [N,H,W,C], and filters each channel by itself.

Filtering is true convolution, y(n1,n2) = Σ Σ x(k1,k2)·h(n1−k1,n2−k2), as in signal processing. All filters are linear
and shift-invariant but median, Canny, Wiener, and the magnitudes of gradients.
"The chapter" in docstrings is the textbook chapter on convolutional networks that these filters come from. Where it
errs, they follow the corrected statement. (It calls median and Canny linear; for neither is the result of a sum the sum
of the results.)
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from minigraph.core.dtypes import float64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import pad
from minigraph.ops.filling import ones_like
from minigraph.ops.image import median as M
from minigraph.ops.image.edges import hysteresis, non_maximum_suppression
from minigraph.ops.math.casting import cast
from minigraph.ops.math.exponential import sqrt
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.reduce import reduce_mean
from minigraph.ops.math.selection import where
from minigraph.ops.nn.convolve import convolve2d
from minigraph.ops.random.distributions import random_normal, random_uniform

Kernel: TypeAlias = np.ndarray[Any, Any]
Border: TypeAlias = Literal["zero", "symmetric", "reflect"]

# Differences along the columns, under true convolution; their transposes go along the rows. The chapter names
# [0 1 −1] the forward difference: it is the backward one.
BACKWARD = np.array([[0, 1, -1]])  # x(n) − x(n−1)
FORWARD = np.array([[1, -1, 0]])  # x(n+1) − x(n)
CENTRAL = np.array([[1, 0, -1]])  # x(n+1) − x(n−1)
SMOOTHING = np.array([[1, 2, 1]])
SOBEL_X = SMOOTHING.T * CENTRAL  # Sobel 1968: smoothed along the rows, differences along the columns
SOBEL_Y = SOBEL_X.T

CHAPTER_SIGMA = math.sqrt(5)  # of the chapter's kernel exp(−r²/10)
CHAPTER_AMOUNT = 0.025 * 10 * math.pi  # its weight of the high-pass, 0.025, times the sum that its kernel lacks


def identity_kernel(size: int = 3) -> Kernel:
    """Make the kernel of the identity: one in the middle, else 0.

    Args:
        size: Rows and columns of the window, an odd number.

    Returns:
        float64 [size, size].

    Raises:
        ValueError: `size` is even or below 1.

    Example:
        >>> tf.filters.identity_kernel()[1].tolist()
        [0.0, 1.0, 0.0]
    """
    kernel = np.zeros((_odd(size), size))
    kernel[size // 2, size // 2] = 1
    return kernel


def mean_kernel(size: int = 3) -> Kernel:
    """Make the kernel of a mean: size² times 1/size².

    Noise of variance σ² that is independent between pixels keeps the variance σ²/size².

    Args:
        size: Rows and columns of the window, an odd number.

    Returns:
        float64 [size, size].

    Raises:
        ValueError: `size` is even or below 1.

    Example:
        >>> print(f"{tf.filters.mean_kernel(3).sum():.1f}")
        1.0
    """
    return np.full((_odd(size), size), 1 / size**2)


def gaussian_kernel(sigma: float = CHAPTER_SIGMA, size: int | None = None) -> Kernel:
    """Make the kernel exp(−r²/2σ²), with r the distance from the centre, divided by its sum.

    (The chapter's kernel of 20×20 numbers exp(−r²/10) is off the centre, and its sum is 31.42, not 1.)

    Args:
        sigma: Standard deviation in pixels, positive.
        size: Rows and columns of the kernel, an odd number; by default 2·⌊4σ + ½⌋ + 1.

    Returns:
        float64 [size, size].

    Raises:
        ValueError: `sigma` is not positive, or `size` is even.

    Example:
        >>> tf.filters.gaussian_kernel(sigma=1.0).shape
        (9, 9)
    """
    line = _gaussian_line(sigma, size)
    return line.T * line


def convolve(
    images: TensorLike, kernel: npt.ArrayLike, border: Border = "symmetric", name: str | None = None
) -> Tensor:
    """Convolve images with a kernel. The result has the images' size.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        kernel: Numbers [KH,KW]. An even kernel's centre is at (K − 1)//2.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> y = tf.filters.convolve(ramp, [[1, 0, -1]])
        >>> tf.Session().run(y)[0, 2, :, 0].tolist()
        [1.0, 2.0, 2.0, 2.0, 1.0]
    """
    x = _images(images)
    h = np.asarray(kernel)
    _check_fit(x, h.shape)
    with x.graph.as_default(), x.graph.name_scope(name or "convolve"):
        return _within(x, [h], border)


def mean(images: TensorLike, size: int = 3, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Take the mean of the window around each pixel.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        size: Rows and columns of the window, an odd number.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `size` is even or below 1, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> y = tf.filters.mean(ramp, size=3)
        >>> print(np.round(tf.Session().run(y)[0, 2, 1:4, 0], 4))
        [1. 2. 3.]
    """
    return _separable(images, np.full((1, _odd(size)), 1 / size), border, name or "mean")


def gaussian(
    images: TensorLike, sigma: float = CHAPTER_SIGMA, size: int | None = None, border: Border = "symmetric",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Convolve images with `gaussian_kernel`: a low-pass.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        sigma: Standard deviation in pixels, positive.
        size: Rows and columns of the kernel, an odd number; by default 2·⌊4σ + ½⌋ + 1.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `sigma` is not positive, `size` is even, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> y = tf.filters.gaussian(tf.ones([1, 9, 9, 1]), sigma=1.0)
        >>> print(np.allclose(tf.Session().run(y), 1))
        True
    """
    return _separable(images, _gaussian_line(sigma, size), border, name or "gaussian")


def high_pass(
    images: TensorLike, sigma: float = CHAPTER_SIGMA, size: int | None = None, border: Border = "symmetric",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Subtract the low-pass from images: image − gaussian(image).

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        sigma: Standard deviation in pixels, positive.
        size: Rows and columns of the kernel, an odd number; by default 2·⌊4σ + ½⌋ + 1.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `sigma` is not positive, `size` is even, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> y = tf.filters.high_pass(tf.ones([1, 9, 9, 1]), sigma=1.0)
        >>> print(np.allclose(tf.Session().run(y), 0, atol=1e-6))
        True
    """
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "high_pass"):
        result: Tensor = x - gaussian(x, sigma, size, border)
        return result


def sharpen(
    images: TensorLike, sigma: float = CHAPTER_SIGMA, size: int | None = None, amount: float = CHAPTER_AMOUNT,
    border: Border = "symmetric", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Sharpen images by unsharp masking: image + amount·high_pass(image).

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        sigma: Standard deviation in pixels, positive.
        size: Rows and columns of the kernel, an odd number; by default 2·⌊4σ + ½⌋ + 1.
        amount: Weight of the high-pass. The default, 0.785, is the chapter's 0.025 for a kernel that is divided by its
            sum.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `sigma` is not positive, `size` is even, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> y = tf.filters.sharpen(tf.ones([1, 9, 9, 1]), sigma=1.0)
        >>> print(np.allclose(tf.Session().run(y), 1))
        True
    """
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "sharpen"):
        result: Tensor = x + amount * high_pass(x, sigma, size, border)
        return result


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
    x = _images(images)
    _check_fit(x, (_odd(size), size))
    return M.median2d(x, size, border, name)


def gradient(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Compute √(Gx² + Gy²) of the central differences x(n+1) − x(n−1), which are twice the slope per pixel.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.gradient(ramp))[0, 2, 2, 0].item()
        2.0
    """
    return _magnitude(images, [CENTRAL], [CENTRAL.T], border, name or "gradient")


def sobel_x(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Convolve images with SOBEL_X: eight times the slope, positive where it becomes brighter to the right.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.sobel_x(ramp))[0, 2, 2, 0].item()
        8.0

    Source: Sobel and Feldman, "A 3×3 isotropic gradient operator for image processing", 1968.
    """
    return _stages(images, [SMOOTHING.T, CENTRAL], border, name or "sobel_x")


def sobel_y(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Convolve images with SOBEL_Y: eight times the slope, positive where it becomes brighter downwards.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.sobel_y(ramp))[0, 2, 2, 0].item()
        0.0

    Source: Sobel and Feldman, "A 3×3 isotropic gradient operator for image processing", 1968.
    """
    return _stages(images, [SMOOTHING, CENTRAL.T], border, name or "sobel_y")


def sobel(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Compute √(Gx² + Gy²) of `sobel_x` and `sobel_y`.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.sobel(ramp))[0, 2, 2, 0].item()
        8.0
    """
    return _magnitude(images, [SMOOTHING.T, CENTRAL], [SMOOTHING, CENTRAL.T], border, name or "sobel")


def canny(
    images: TensorLike, sigma: float = 1.0, low: float = 25.5, high: float = 51.0, border: Border = "symmetric",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Find edges. Not linear.

    The images are blurred by `gaussian(sigma)`. Of the magnitude of their Sobel gradient, only maxima along the
    gradient remain. Of these, edges are those of at least `low` that are connected to one of at least `high`.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        sigma: Standard deviation of the blur in pixels, positive.
        low, high: Thresholds in units of the Sobel magnitude. The defaults are for images from 0 to 255.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
            With "zero" the blur is divided by that of an image of ones.
        name: Name scope of the nodes.

    Returns:
        bool [N,H,W,C], true on edges.

    Raises:
        ValueError: `low` is negative or above `high`, `sigma` is not positive, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> image = np.zeros([1, 9, 9, 1], np.float32)
        >>> image[:, :, 5:] = 255
        >>> tf.Session().run(tf.filters.canny(image))[0, 4, :, 0].astype(int).tolist()
        [0, 0, 0, 0, 1, 1, 0, 0, 0]

    Source: Canny, "A computational approach to edge detection", 1986.
    """
    if high < low or not low >= 0:
        raise ValueError(f"canny needs 0 <= low <= high, got low {low} and high {high}")
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "canny"):
        smooth = gaussian(x, sigma, border=border)
        if border == "zero":
            smooth = smooth / gaussian(ones_like(x), sigma, border=border)
        down, right = sobel_y(smooth), sobel_x(smooth)
        thin = non_maximum_suppression(sqrt(down * down + right * right), down, right)
        return hysteresis((thin > 0.0) & (thin >= low), (thin > 0.0) & (thin >= high))


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
    x = _images(images)
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
    x = _images(images)
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
    x = _images(images)
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
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "salt_and_pepper"):
        draw = random_uniform(shape(x), dtype=x.dtype, seed=seed)
        draw.set_shape(x.type.shape)
        salted = where(draw >= 1 - fraction / 2, ones_like(x) * white, x)
        return where(draw < fraction / 2, ones_like(x) * black, salted)


def _images(images: Any) -> Tensor:
    x = convert_to_tensor(images)
    if not x.dtype.is_floating:
        raise DTypeError(f"filters take floating-point images, not {x.dtype.name}")
    if x.type.rank != 4 or x.type.shape[3] is None:  # type: ignore[index]
        raise ShapeError(f"filters take images [N,H,W,C] with a known C, not {format_shape(x.type.shape)}")
    return x


def _odd(size: int) -> int:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a filter's size must be odd, so that it has a centre; got {size}")
    return size


def _gaussian_line(sigma: float, size: int | None) -> Kernel:
    if not (sigma > 0 and math.isfinite(sigma)):
        raise ValueError(f"sigma must be a positive number, not {sigma}")
    half = int(4 * sigma + 0.5) if size is None else _odd(size) // 2
    line = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * sigma**2))[None]
    return np.asarray(line / line.sum())


def _check_fit(x: Tensor, kernel: tuple[int, ...]) -> None:
    for length, needed in zip(x.type.shape[1:3], kernel, strict=True):  # type: ignore[index]
        if length is not None and needed > length:
            raise ShapeError(f"a kernel of {kernel[0]}x{kernel[1]} is larger than images {format_shape(x.type.shape)}")


def _separable(images: Any, line: Kernel, border: Border, name: str) -> Tensor:
    """Convolution with the product of `line` [1,K] along the rows and along the columns: 2K products, not K²."""
    return _stages(images, [line.T, line], border, name)


def _stages(images: Any, kernels: list[Kernel], border: Border, name: str) -> Tensor:
    x = _images(images)
    size = max(k.shape[0] for k in kernels), max(k.shape[1] for k in kernels)
    _check_fit(x, size)
    with x.graph.as_default(), x.graph.name_scope(name):
        return _within(x, kernels, border)


def _within(x: Tensor, kernels: list[Kernel], border: Border) -> Tensor:
    """The convolution with one kernel after another, at the positions of the image."""
    if border not in ("zero", "symmetric", "reflect"):
        raise ValueError(f"border must be zero, symmetric or reflect, not {border!r}")
    if border != "zero":
        rows, columns = (sum(k.shape[i] - 1 for k in kernels) for i in (0, 1))
        around = [[0, 0], [rows - rows // 2, rows // 2], [columns - columns // 2, columns // 2], [0, 0]]
        x = pad(x, around, border)
    for kernel in kernels:
        x = convolve2d(x, kernel.astype(x.dtype.np_dtype), "same" if border == "zero" else "valid")
    return x


def _magnitude(images: Any, across: list[Kernel], down: list[Kernel], border: Border, name: str) -> Tensor:
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name):
        gx, gy = (_stages(x, kernels, border, "stages") for kernels in (across, down))
        return sqrt(gx * gx + gy * gy)
