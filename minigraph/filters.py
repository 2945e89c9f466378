"""Image filters as graphs: each function takes images [N,H,W,C] of a floating dtype and gives a tensor of their shape.

Every channel is filtered by itself. Filtering is true convolution, y(n1,n2) = Σ Σ x(k1,k2)·h(n1−k1,n2−k2), as in signal
processing. `border` says what lies outside an image: "zero"; "symmetric", its mirror image, edge pixels included; or
"reflect", the same without them. A kernel larger than the image is a ShapeError.
All are linear and shift-invariant but median, Canny, Wiener, and the magnitudes of gradients.
"The chapter" in docstrings is the textbook chapter on convolutional networks whose filters these are; where it errs,
they follow the corrected statement. (It calls median and Canny linear: for neither is the result of a sum the sum of
the results.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigraph.core.dtypes import float64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import pad
from minigraph.ops.filling import ones_like
from minigraph.ops.image import median as M
from minigraph.ops.image.edges import hysteresis, non_maximum_suppression
from minigraph.ops.math.arithmetic import maximum
from minigraph.ops.math.casting import cast
from minigraph.ops.math.exponential import sqrt
from minigraph.ops.math.reduce import reduce_mean
from minigraph.ops.math.selection import where
from minigraph.ops.nn.convolve import convolve2d
from minigraph.ops.random.distributions import random_normal, random_uniform

Kernel = np.ndarray[Any, Any]

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
    """One in the middle, else 0: convolution with it changes nothing."""
    kernel = np.zeros((_odd(size), size))
    kernel[size // 2, size // 2] = 1
    return kernel


def mean_kernel(size: int = 3) -> Kernel:
    """size² times 1/size². Noise of variance σ² that is independent between pixels keeps σ²/size²."""
    return np.full((_odd(size), size), 1 / size**2)


def gaussian_kernel(sigma: float = CHAPTER_SIGMA, size: int | None = None) -> Kernel:
    """exp(−r²/2σ²) at distance r from the centre, divided by its sum; the size is odd, by default 2·⌊4σ + ½⌋ + 1.

    (The chapter's kernel of 20×20 numbers exp(−r²/10) is off the centre, and its sum is 31.42, not 1.)
    """
    line = _gaussian_line(sigma, size)
    return line.T * line


def convolve(images: Any, kernel: Any, border: str = "symmetric", name: str | None = None) -> Tensor:
    """The convolution with a kernel [KH,KW], in the size of the images. An even kernel's centre is at (K−1)//2."""
    x = _images(images)
    h = np.asarray(kernel)
    _check_fit(x, h.shape)
    with x.graph.as_default(), x.graph.name_scope(name or "convolve"):
        return _within(x, [h], border)


def mean(images: Any, size: int = 3, border: str = "symmetric", name: str | None = None) -> Tensor:
    """The mean of the size×size window around each pixel."""
    return _separable(images, np.full((1, _odd(size)), 1 / size), border, name or "mean")


def gaussian(
    images: Any, sigma: float = CHAPTER_SIGMA, size: int | None = None, border: str = "symmetric",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The convolution with `gaussian_kernel(sigma, size)`: a low-pass."""
    return _separable(images, _gaussian_line(sigma, size), border, name or "gaussian")


def high_pass(
    images: Any, sigma: float = CHAPTER_SIGMA, size: int | None = None, border: str = "symmetric",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """image − gaussian(image)."""
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "high_pass"):
        result: Tensor = x - gaussian(x, sigma, size, border)
        return result


def sharpen(
    images: Any, sigma: float = CHAPTER_SIGMA, size: int | None = None, amount: float = CHAPTER_AMOUNT,
    border: str = "symmetric", name: str | None = None,
) -> Tensor:  # fmt: skip
    """image + amount·high_pass(image): unsharp masking. The default amount, 0.785, is the chapter's 0.025 for a kernel
    that is divided by its sum."""
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "sharpen"):
        result: Tensor = x + amount * high_pass(x, sigma, size, border)
        return result


def median(images: Any, size: int = 3, border: str = "replicate", name: str | None = None) -> Tensor:
    """The median of the size×size window around each pixel. border: "replicate" the edge pixels, or "shrink" the window
    to what lies on the image."""
    x = _images(images)
    _check_fit(x, (_odd(size), size))
    return M.median2d(x, size, border, name)


def gradient(images: Any, border: str = "symmetric", name: str | None = None) -> Tensor:
    """√(Gx² + Gy²) of the central differences x(n+1) − x(n−1), twice the slope per pixel."""
    return _magnitude(images, [CENTRAL], [CENTRAL.T], border, name or "gradient")


def sobel_x(images: Any, border: str = "symmetric", name: str | None = None) -> Tensor:
    """The convolution with SOBEL_X, positive where it becomes brighter to the right: eight times the slope."""
    return _stages(images, [SMOOTHING.T, CENTRAL], border, name or "sobel_x")


def sobel_y(images: Any, border: str = "symmetric", name: str | None = None) -> Tensor:
    """The convolution with SOBEL_Y, positive where it becomes brighter downwards."""
    return _stages(images, [SMOOTHING, CENTRAL.T], border, name or "sobel_y")


def sobel(images: Any, border: str = "symmetric", name: str | None = None) -> Tensor:
    """√(Gx² + Gy²) of sobel_x and sobel_y."""
    return _magnitude(images, [SMOOTHING.T, CENTRAL], [SMOOTHING, CENTRAL.T], border, name or "sobel")


def canny(
    images: Any, sigma: float = 1.0, low: float = 25.5, high: float = 51.0, border: str = "symmetric",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Edges, as a bool tensor: gaussian(sigma); the Sobel gradient; of its magnitude only what is a maximum along the
    gradient; of that what is at least `low` and connected to something that is at least `high`.

    The thresholds are in units of the Sobel magnitude: the defaults are for images from 0 to 255. With border "zero"
    the blur is divided by that of an image of ones. Not linear. Source: Canny 1986. ValueError if high < low.
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


def local_moments(images: Any, size: int = 3, border: str = "symmetric", name: str | None = None) -> Any:
    """Mean and biased variance of the size×size window around each pixel: a pair. Computed in float64, for the
    variance is a difference of large numbers, E[x²] − E[x]²."""
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "local_moments"):
        wide = cast(x, float64)
        middle = mean(wide, size, border)
        variance = maximum(mean(wide * wide, size, border) - middle * middle, 0.0)
        return cast(middle, x.dtype), cast(variance, x.dtype)


def wiener(
    images: Any, size: int = 3, noise: float | None = None, border: str = "symmetric", name: str | None = None
) -> Tensor:
    """Norbert Wiener's filter for noise of variance ν: μ + max(σ² − ν, 0)/max(σ², ν)·(x − μ) with the local mean μ and
    variance σ². noise: ν; by default the mean of σ² over each channel of each image. Not linear.

    Source: Lim, Two-Dimensional Signal and Image Processing, 1990. (The chapter spells the name Weiner.)
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


def add_gaussian_noise(images: Any, variance: float, seed: int | None = None, name: str | None = None) -> Tensor:
    """The images plus independent normal noise of a variance in the images' units squared."""
    if not variance >= 0:
        raise ValueError(f"the variance of noise cannot be {variance}")
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "gaussian_noise"):
        result: Tensor = x + random_normal(shape(x), 0.0, math.sqrt(variance), x.dtype, seed)
        return result


def add_salt_and_pepper(
    images: Any, fraction: float, black: float = 0.0, white: float = 255.0, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The images with a fraction of their numbers replaced, half of it by `black`, half by `white`.

    (The chapter draws randint(0, 21) and replaces 0 and 20: a fraction of 2/21.)
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


def _separable(images: Any, line: Kernel, border: str, name: str) -> Tensor:
    """Convolution with the product of `line` [1,K] along the rows and along the columns: 2K products, not K²."""
    return _stages(images, [line.T, line], border, name)


def _stages(images: Any, kernels: list[Kernel], border: str, name: str) -> Tensor:
    x = _images(images)
    size = max(k.shape[0] for k in kernels), max(k.shape[1] for k in kernels)
    _check_fit(x, size)
    with x.graph.as_default(), x.graph.name_scope(name):
        return _within(x, kernels, border)


def _within(x: Tensor, kernels: list[Kernel], border: str) -> Tensor:
    """The convolution with one kernel after the other, at the positions of the image."""
    if border not in ("zero", "symmetric", "reflect"):
        raise ValueError(f"border must be zero, symmetric or reflect, not {border!r}")
    if border != "zero":
        rows, columns = (sum(k.shape[i] - 1 for k in kernels) for i in (0, 1))
        around = [[0, 0], [rows - rows // 2, rows // 2], [columns - columns // 2, columns // 2], [0, 0]]
        x = pad(x, around, border)
    for kernel in kernels:
        x = convolve2d(x, kernel.astype(x.dtype.np_dtype), "same" if border == "zero" else "valid")
    return x


def _magnitude(images: Any, across: list[Kernel], down: list[Kernel], border: str, name: str) -> Tensor:
    x = _images(images)
    with x.graph.as_default(), x.graph.name_scope(name):
        gx, gy = (_stages(x, kernels, border, "stages") for kernels in (across, down))
        return sqrt(gx * gx + gy * gy)
