"""Measures of images and of their similarity, and patches of images: composed of other ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import compatible, format_shape
from minigraph.core.typing import Padding, TensorLike
from minigraph.ops.array.dynamic import pad
from minigraph.ops.array.joining import concat
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import known_dims
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import composed
from minigraph.ops.identity import identity
from minigraph.ops.image.colour import convert_image_dtype
from minigraph.ops.image.operand import as_image, side_axis
from minigraph.ops.math.arithmetic import abs, square, squared_difference, subtract
from minigraph.ops.math.exponential import log
from minigraph.ops.math.reduce import reduce_mean, reduce_sum
from minigraph.ops.nn.depthwise import depthwise_conv2d
from minigraph.ops.window import explicit_padding, output_size, reach

__all__ = ["extract_image_patches", "psnr", "ssim", "total_variation"]


def _pair(a: Any, b: Any, max_val: Any) -> tuple[Tensor, Tensor, float]:
    """Both images as float32, and their largest possible value. ShapeError if the images differ in size."""
    first = convert_to_tensor(a)
    second = convert_to_tensor(b, first.dtype)
    one, two = first.type.shape, second.type.shape
    if one is None or two is None or min(len(one), len(two)) < 3 or not compatible(one[-3:], two[-3:]):
        raise ShapeError(f"Two images are not compatible: {format_shape(one)} and {format_shape(two)}")
    top = float(max_val) if first.dtype.is_floating else float(max_val) / np.iinfo(first.dtype.np_dtype).max
    return convert_image_dtype(first, float32), convert_image_dtype(second, float32), top


def psnr(a: TensorLike, b: TensorLike, max_val: float, name: str | None = None) -> Tensor:
    """Compute the peak signal-to-noise ratio of images in decibels: 10·log₁₀(max_val²/mean (a − b)²).

    Args:
        a: Images [..., H, W, C] of a numeric dtype.
        b: Images of the dtype of `a` and a shape that broadcasts with its own.
        max_val: Largest value an image can have: 1.0 for floats in [0, 1], 255 for uint8.
        name: Name scope of the nodes.

    Returns:
        A float32 tensor [...], one number per image; infinity for equal images.

    Raises:
        ShapeError: An image has fewer than 3 dimensions, or the images differ in size.
        DTypeError: The dtypes differ.

    Example:
        >>> a, b = tf.zeros([1, 4, 4, 3]), tf.ones([1, 4, 4, 3]) * 0.1
        >>> tf.Session().run(tf.image.psnr(a, b, max_val=1.0)).round(3)
        array([20.], dtype=float32)
    """
    with composed(name, "PSNR", a, b):
        x, y, top = _pair(a, b, max_val)
        error = reduce_mean(squared_difference(x, y), [-3, -2, -1])
        return subtract(20.0 * math.log(top) / math.log(10.0), log(error) * (10.0 / math.log(10.0)), name="Identity_3")


def _gauss(size: int, sigma: float) -> np.ndarray:
    """Weights of a normal distribution on size × size points; their sum is 1."""
    line = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return np.outer(line / line.sum(), line / line.sum())


def ssim(
    img1: TensorLike, img2: TensorLike, max_val: float, filter_size: int = 11, filter_sigma: float = 1.5,
    k1: float = 0.01, k2: float = 0.03,
) -> Tensor:  # fmt: skip
    """Compute the structural similarity index of images.

    SSIM = (2·μ₁·μ₂ + c₁)(2·σ₁₂ + c₂) / ((μ₁² + μ₂² + c₁)(σ₁² + σ₂² + c₂)) with c = (k·max_val)², in Gaussian windows,
    averaged over all windows and channels. Source: Wang, Bovik, Sheikh and Simoncelli 2004, Image Quality Assessment:
    From Error Visibility to Structural Similarity.

    Args:
        img1: Images [..., H, W, C] of a numeric dtype, with known C and sides of at least `filter_size` pixels.
        img2: Images of the dtype and shape of `img1`.
        max_val: Largest value an image can have: 1.0 for floats in [0, 1], 255 for uint8.
        filter_size: Side of the window in pixels.
        filter_sigma: Standard deviation of the window in pixels.
        k1, k2: Constants of the formula, which avoid a division by 0.

    Returns:
        A float32 tensor [...], one number per image, at most 1; 1 for equal images.

    Raises:
        ShapeError: The images are too small, differ in size, or their number of channels is unknown.
        DTypeError: The dtypes differ.

    Example:
        >>> image = tf.random_uniform([1, 16, 16, 3], seed=1)
        >>> tf.Session().run(tf.image.ssim(image, image, max_val=1.0))
        array([1.], dtype=float32)
    """
    with composed(None, "SSIM", img1, img2):
        x, y, top = _pair(img1, img2, max_val)
        channels, size = (x.type.shape or ())[-1], int(filter_size)
        if channels is None or any(d is not None and d < size for d in (x.type.shape or ())[-3:-1]):
            raise ShapeError(f"ssim takes images of known channels and sides from {size}, not {x.type}")
        weights = np.repeat(_gauss(size, filter_sigma)[:, :, None, None], channels, 2).astype(np.float32)

        def local_mean(value: Tensor) -> Tensor:
            rank = value.type.rank or 0
            flat = reshape(value, [-1, *known_dims(value, range(rank - 3, rank))])
            made = depthwise_conv2d(flat, weights, [1, 1, 1, 1], "VALID")
            return reshape(made, [*known_dims(value, range(rank - 3)), *known_dims(made, (1, 2, 3))])

        c1, c2 = (k1 * top) ** 2, (k2 * top) ** 2
        mean1, mean2 = local_mean(x), local_mean(y)
        product, squares = mean1 * mean2 * 2.0, square(mean1) + square(mean2)
        covariance = local_mean(x * y) * 2.0 - product
        variances = local_mean(square(x) + square(y)) - squares
        similar = (product + c1) / (squares + c1) * ((covariance + c2) / (variances + c2))
        return reduce_mean(reduce_mean(similar, [-3, -2]), [-1])


def extract_image_patches(
    images: TensorLike, ksizes: Sequence[int] | None = None, strides: Sequence[int] | None = None,
    rates: Sequence[int] | None = None, padding: Padding | None = None, name: str | None = None,
    sizes: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Lay the pixels under each window side by side as channels.

    Channel (r·columns + s)·C + c holds channel c of the window's pixel in row r and column s.

    Args:
        images: Images [N,H,W,C] of a numeric dtype. With SAME padding H and W must be known.
        ksizes: Size of the window, [1, rows, columns, 1].
        strides: Steps between windows, [1, rows, columns, 1].
        rates: Distances between the pixels of a window, [1, rows, columns, 1].
        padding: SAME to pad with zeros as `conv2d` does, VALID for windows inside the image only.
        name: Name of the operation.
        sizes: TensorFlow 2's name of `ksizes`.

    Returns:
        A tensor [N,P,Q,rows·columns·C] of the dtype of `images`.

    Raises:
        ShapeError: `images` is not 4-dimensional, a size that must be known is unknown, or a window does not fit.
        ValueError: `ksizes`, `strides`, `rates` or `padding` has an invalid value.

    Example:
        >>> image = tf.reshape(tf.range(9.0), [1, 3, 3, 1])
        >>> y = tf.image.extract_image_patches(image, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")
        >>> tf.Session().run(y)[0, 0]
        array([[0., 1., 3., 4.],
               [1., 2., 4., 5.]], dtype=float32)
    """
    window, steps, spread = _inner(ksizes or sizes, "ksizes"), _inner(strides, "strides"), _inner(rates, "rates")
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be SAME or VALID, not {padding!r}")
    with composed(name, "ExtractImagePatches", images) as scope:
        x = convert_to_tensor(images)
        dims = x.type.shape
        if dims is None or len(dims) != 4 or (padding == "SAME" and None in dims[1:3]):
            raise ShapeError(f"extract_image_patches takes images [N,H,W,C] of known size, not {format_shape(dims)}")
        how = list(zip(dims[1:3], window, steps, spread, strict=True))
        for each in how:
            output_size(*each, padding)
        with x.graph.counted_as(1):  # TensorFlow uses one op
            around = [explicit_padding(d or 0, k, s, r, padding) for d, k, s, r in how]
            padded = pad(x, [(0, 0), *around, (0, 0)]) if any(map(any, around)) else x
            pieces = []
            for places in np.ndindex(*window):
                cut = [_every(p * r, reach(k, r) - 1, s) for p, (_, k, s, r) in zip(places, how, strict=True)]
                pieces.append(getitem(padded, (slice(None), *cut)))
            return concat(pieces, 3, name=scope) if len(pieces) > 1 else identity(pieces[0], name=scope)


def _every(first: int, last: int, step: int) -> slice:
    """Every `step`-th element from `first` on, as long as windows that end `last` elements after their start fit."""
    return slice(first, first - last if first < last else None, step)


def _inner(value: Any, what: str) -> tuple[int, int]:
    sizes = list(value or ())
    if len(sizes) != 4 or (sizes[0], sizes[3]) != (1, 1) or any(int(s) < 1 for s in sizes):
        raise ValueError(f"{what} must be 4 positive numbers, [1, rows, columns, 1], not {value!r}")
    return int(sizes[1]), int(sizes[2])


def total_variation(images: TensorLike, name: str | None = None) -> Tensor:
    """Sum the absolute differences between neighbouring pixels of each image: the anisotropic total variation.

    Args:
        images: Images [H,W,C] or [N,H,W,C] of a numeric dtype.
        name: Name scope of the nodes.

    Returns:
        A scalar, or a tensor [N], of the dtype of `images`.

    Raises:
        ShapeError: `images` has another rank.

    Example:
        >>> image = tf.reshape([1.0, 2.0, 4.0, 8.0], [2, 2, 1])
        >>> tf.Session().run(tf.image.total_variation(image)).item()
        14.0
    """
    with composed(name, "total_variation", images):
        x = as_image(images)
        axes = None if x.type.rank == 3 else [1, 2, 3]
        lead = (slice(None),) * side_axis(x, 0)
        down = getitem(x, (*lead, slice(1, None))) - getitem(x, (*lead, slice(None, -1)))
        along = (*lead, slice(None))
        right = getitem(x, (*along, slice(1, None))) - getitem(x, (*along, slice(None, -1)))
        result: Tensor = reduce_sum(abs(down), axes) + reduce_sum(abs(right), axes)
        return result
