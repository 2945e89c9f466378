"""The kernels of filters, as arrays."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

__all__ = [
    "BACKWARD",
    "CENTRAL",
    "CHAPTER_AMOUNT",
    "CHAPTER_SIGMA",
    "FORWARD",
    "SMOOTHING",
    "SOBEL_X",
    "SOBEL_Y",
    "gaussian_kernel",
    "identity_kernel",
    "mean_kernel",
]


Kernel: TypeAlias = np.ndarray[Any, Any]

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
    kernel = np.zeros((odd_size(size), size))
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
    return np.full((odd_size(size), size), 1 / size**2)


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
    line = gaussian_line(sigma, size)
    return line.T * line


def odd_size(size: int) -> int:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a filter's size must be odd, so that it has a centre; got {size}")
    return size


def gaussian_line(sigma: float, size: int | None) -> Kernel:
    if not (sigma > 0 and math.isfinite(sigma)):
        raise ValueError(f"sigma must be a positive number, not {sigma}")
    half = int(4 * sigma + 0.5) if size is None else odd_size(size) // 2
    line = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * sigma**2))[None]
    return np.asarray(line / line.sum())
