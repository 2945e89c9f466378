"""How alike two images are, and the patches of an image: composed of other ops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigraph.core.dtypes import float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import compatible, format_shape
from minigraph.ops.array.dynamic import pad
from minigraph.ops.array.joining import concat
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.identity import identity
from minigraph.ops.image.colour import convert_image_dtype
from minigraph.ops.math.arithmetic import square, squared_difference, subtract
from minigraph.ops.math.exponential import log
from minigraph.ops.math.reduce import reduce_mean
from minigraph.ops.nn.conv3d import known_dims, reshaped
from minigraph.ops.nn.depthwise import depthwise_conv2d
from minigraph.ops.window import explicit_padding, output_size, reach

__all__ = ["extract_image_patches", "psnr", "ssim"]


def _pair(a: Any, b: Any, max_val: Any) -> tuple[Tensor, Tensor, float]:
    """Both images, and what is the largest value they can have, as float32. ShapeError where they do not fit."""
    first = convert_to_tensor(as_tensor_like(a))
    second = convert_to_tensor(as_tensor_like(b), first.dtype)
    one, two = first.type.shape, second.type.shape
    if one is None or two is None or min(len(one), len(two)) < 3 or not compatible(one[-3:], two[-3:]):
        raise ShapeError(f"Two images are not compatible: {format_shape(one)} and {format_shape(two)}")
    top = float(max_val) if first.dtype.is_floating else float(max_val) / np.iinfo(first.dtype.np_dtype).max
    return convert_image_dtype(first, float32), convert_image_dtype(second, float32), top


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio of images [..., H, W, C], as [...]: 10·log₁₀(max_val²/mean (a − b)²) decibels."""
    with composed(name, "PSNR", a, b):
        x, y, top = _pair(a, b, max_val)
        error = reduce_mean(squared_difference(x, y), [-3, -2, -1])
        return subtract(20.0 * math.log(top) / math.log(10.0), log(error) * (10.0 / math.log(10.0)), name="Identity_3")


def _gauss(size: int, sigma: float) -> np.ndarray:
    """A normal distribution's weights over size × size points, which sum to 1."""
    line = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return np.outer(line / line.sum(), line / line.sum())


def ssim(
    img1: Any, img2: Any, max_val: Any, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:  # fmt: skip
    """The structural similarity of images [..., H, W, C] whose sides are at least `filter_size`, the mean over all
    windows and channels, as [...]: 1 for equal ones. Source: Wang, Bovik, Sheikh and Simoncelli 2004."""
    with composed(None, "SSIM", img1, img2):
        x, y, top = _pair(img1, img2, max_val)
        channels, size = (x.type.shape or ())[-1], int(filter_size)
        if channels is None or any(d is not None and d < size for d in (x.type.shape or ())[-3:-1]):
            raise ShapeError(f"ssim takes images of known channels and sides from {size}, not {x.type}")
        weights = np.repeat(_gauss(size, filter_sigma)[:, :, None, None], channels, 2).astype(np.float32)

        def local_mean(value: Tensor) -> Tensor:
            rank = value.type.rank or 0
            flat = reshaped(value, [-1, *known_dims(value, range(rank - 3, rank))])
            made = depthwise_conv2d(flat, weights, [1, 1, 1, 1], "VALID")
            return reshaped(made, [*known_dims(value, range(rank - 3)), *known_dims(made, (1, 2, 3))])

        c1, c2 = (k1 * top) ** 2, (k2 * top) ** 2
        mean1, mean2 = local_mean(x), local_mean(y)
        product, squares = mean1 * mean2 * 2.0, square(mean1) + square(mean2)
        covariance = local_mean(x * y) * 2.0 - product
        variances = local_mean(square(x) + square(y)) - squares
        similar = (product + c1) / (squares + c1) * ((covariance + c2) / (variances + c2))
        return reduce_mean(reduce_mean(similar, [-3, -2]), [-1])


def extract_image_patches(
    images: Any, ksizes: Any = None, strides: Any = None, rates: Any = None, padding: Any = None,
    name: str | None = None, sizes: Any = None,
) -> Tensor:  # fmt: skip
    """The windows of images [N,H,W,C] as [N,P,Q,rows·columns·C], by rows, then columns, then channels.

    ksizes, strides, rates: [1, rows, columns, 1]. padding: SAME or VALID. H and W must be known with SAME.
    """
    window, steps, spread = _inner(ksizes or sizes, "ksizes"), _inner(strides, "strides"), _inner(rates, "rates")
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be SAME or VALID, not {padding!r}")
    with composed(name, "ExtractImagePatches", images) as scope:
        x = convert_to_tensor(as_tensor_like(images))
        dims = x.type.shape
        if dims is None or len(dims) != 4 or (padding == "SAME" and None in dims[1:3]):
            raise ShapeError(f"extract_image_patches takes images [N,H,W,C] of known size, not {format_shape(dims)}")
        how = list(zip(dims[1:3], window, steps, spread, strict=True))
        for each in how:
            output_size(*each, padding)
        with x.graph.counted_as(1):  # TensorFlow has an op for this
            around = [explicit_padding(d or 0, k, s, r, padding) for d, k, s, r in how]
            padded = pad(x, [(0, 0), *around, (0, 0)]) if any(map(any, around)) else x
            pieces = []
            for places in np.ndindex(*window):
                cut = [_every(p * r, reach(k, r) - 1, s) for p, (_, k, s, r) in zip(places, how, strict=True)]
                pieces.append(getitem(padded, (slice(None), *cut)))
            return concat(pieces, 3, name=scope) if len(pieces) > 1 else identity(pieces[0], name=scope)


def _every(first: int, last: int, step: int) -> slice:
    """Every step-th element from `first` on, as far as windows whose last element is `last` after their first fit."""
    return slice(first, first - last if first < last else None, step)


def _inner(value: Any, what: str) -> tuple[int, int]:
    sizes = list(value or ())
    if len(sizes) != 4 or (sizes[0], sizes[3]) != (1, 1) or any(int(s) < 1 for s in sizes):
        raise ValueError(f"{what} must be 4 positive numbers, [1, rows, columns, 1], not {value!r}")
    return int(sizes[1]), int(sizes[2])
