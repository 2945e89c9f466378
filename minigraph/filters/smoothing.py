"""Convolution with a kernel; smoothing and sharpening filters."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.filters.kernels import CHAPTER_AMOUNT, CHAPTER_SIGMA, Kernel, gaussian_line, odd_size
from minigraph.ops.array.slicing import pad
from minigraph.ops.nn.convolve import convolve2d

__all__ = ["Border", "convolve", "gaussian", "high_pass", "mean", "sharpen"]


Border: TypeAlias = Literal["zero", "symmetric", "reflect"]


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
    x = as_images(images)
    h = np.asarray(kernel)
    check_fit(x, h.shape)
    with x.graph.as_default(), x.graph.name_scope(name or "convolve"):
        return convolve_within(x, [h], border)


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
    return separable(images, np.full((1, odd_size(size)), 1 / size), border, name or "mean")


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
    return separable(images, gaussian_line(sigma, size), border, name or "gaussian")


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
    x = as_images(images)
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
    x = as_images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "sharpen"):
        result: Tensor = x + amount * high_pass(x, sigma, size, border)
        return result


def as_images(images: Any) -> Tensor:
    x = convert_to_tensor(images)
    if not x.dtype.is_floating:
        raise DTypeError(f"filters take floating-point images, not {x.dtype.name}")
    if x.type.rank != 4 or x.type.shape[3] is None:  # type: ignore[index]
        raise ShapeError(f"filters take images [N,H,W,C] with a known C, not {format_shape(x.type.shape)}")
    return x


def check_fit(x: Tensor, kernel: tuple[int, ...]) -> None:
    for length, needed in zip(x.type.shape[1:3], kernel, strict=True):  # type: ignore[index]
        if length is not None and needed > length:
            raise ShapeError(f"a kernel of {kernel[0]}x{kernel[1]} is larger than images {format_shape(x.type.shape)}")


def separable(images: Any, line: Kernel, border: Border, name: str) -> Tensor:
    """Convolution with the product of `line` [1,K] along the rows and along the columns: 2K products, not K²."""
    return convolve_in_turn(images, [line.T, line], border, name)


def convolve_in_turn(images: Any, kernels: list[Kernel], border: Border, name: str) -> Tensor:
    x = as_images(images)
    size = max(k.shape[0] for k in kernels), max(k.shape[1] for k in kernels)
    check_fit(x, size)
    with x.graph.as_default(), x.graph.name_scope(name):
        return convolve_within(x, kernels, border)


def convolve_within(x: Tensor, kernels: list[Kernel], border: Border) -> Tensor:
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
