"""Cropping and padding images [H,W,C] or [N,H,W,C]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float64, int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Sample
from minigraph.core.scalar import Scalar
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import format_shape
from minigraph.core.typing import NumberLike, TensorLike
from minigraph.ops.array.dynamic import pad, slice_
from minigraph.ops.array.joining import is_packed, stack
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import packed, shape
from minigraph.ops.builder import apply, composed
from minigraph.ops.image.operand import as_image, side_axis, sides
from minigraph.ops.math.extremes import maximum, minimum
from minigraph.ops.math.integer_division import floormod
from minigraph.ops.pointwise import Pointwise
from minigraph.ops.random.distributions import random_uniform

__all__ = [
    "central_crop",
    "crop_to_bounding_box",
    "pad_to_bounding_box",
    "random_crop",
    "resize_image_with_crop_or_pad",
]


class Margin(Pointwise):
    """The margin on either side of a length that keeps `fraction` of it."""

    fraction: float = 1.0
    differentiable = False
    kinds = "iu"

    def expr(self, *operands: Scalar) -> Scalar:
        length = cast_scalar(operands[0], float64)
        return cast_scalar((length - length * self.fraction) / 2, operands[0].dtype)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(0.6), (np.array(11, np.int32),))


def crop_to_bounding_box(
    image: TensorLike, offset_height: NumberLike, offset_width: NumberLike, target_height: NumberLike,
    target_width: NumberLike,
) -> Tensor:  # fmt: skip
    """Cut a rectangle out of images. Numbers may come from the graph.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        offset_height: First row of the rectangle.
        offset_width: First column of the rectangle.
        target_height: Number of rows of the result.
        target_width: Number of columns of the result.

    Returns:
        A tensor [target_height,target_width,C] or [N,target_height,target_width,C] of the dtype of `image`.

    Raises:
        ShapeError: `image` has another rank.
        ValueError: The rectangle does not lie in the image.

    Example:
        >>> image = tf.reshape(tf.range(9), [3, 3, 1])
        >>> tf.Session().run(tf.image.crop_to_bounding_box(image, 1, 1, 2, 2))[:, :, 0]
        array([[4, 5],
               [7, 8]], dtype=int32)
    """
    with composed(None, "crop_to_bounding_box", image):
        x = as_image(image)
        height, width = sides(x)
        _check(offset_width >= 0, "offset_width must be >= 0.")
        _check(offset_height >= 0, "offset_height must be >= 0.")
        _check(target_width > 0, "target_width must be > 0.")
        _check(target_height > 0, "target_height must be > 0.")
        _check(width >= target_width + offset_width, "width must be >= target + offset.")
        _check(height >= target_height + offset_height, "height must be >= target + offset.")
        lead = [0] * (side_axis(x, 0))
        begin = [*lead, offset_height, offset_width, 0]
        size = [*[-1] * len(lead), target_height, target_width, -1]
        return _sized(slice_(x, packed(begin), packed(size)), x, target_height, target_width)


def _check(holds: Any, message: str) -> None:
    """ValueError if a condition on numbers does not hold. A condition on tensors is not checked here."""
    if not isinstance(holds, Tensor) and not holds:
        raise ValueError(message)


def _sized(result: Tensor, x: Tensor, height: Any, width: Any) -> Tensor:
    """`result` with the known static sizes: `height` and `width` if numbers, and the batch and channels of `x`."""
    dims = x.type.shape or ()
    known = [v if isinstance(v, int) else None for v in (height, width)]
    result.set_shape([*dims[:-3], *known, dims[-1]])
    return result


def pad_to_bounding_box(
    image: TensorLike, offset_height: NumberLike, offset_width: NumberLike, target_height: NumberLike,
    target_width: NumberLike,
) -> Tensor:  # fmt: skip
    """Put images into a larger rectangle of zeros. Numbers may come from the graph.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        offset_height: Number of rows of zeros above the image.
        offset_width: Number of columns of zeros to the left of the image.
        target_height: Number of rows of the result.
        target_width: Number of columns of the result.

    Returns:
        A tensor [target_height,target_width,C] or [N,target_height,target_width,C] of the dtype of `image`.

    Raises:
        ShapeError: `image` has another rank.
        ValueError: The image does not fit into the rectangle.

    Example:
        >>> image = tf.ones([1, 1, 1])
        >>> tf.Session().run(tf.image.pad_to_bounding_box(image, 1, 0, 2, 2))[:, :, 0]
        array([[0., 0.],
               [1., 0.]], dtype=float32)
    """
    with composed(None, "pad_to_bounding_box", image):
        x = as_image(image)
        height, width = sides(x)
        below, right = target_height - offset_height - height, target_width - offset_width - width
        _check(offset_height >= 0, "offset_height must be >= 0")
        _check(offset_width >= 0, "offset_width must be >= 0")
        _check(right >= 0, "width must be <= target - offset")
        _check(below >= 0, "height must be <= target - offset")
        flat = [0, 0] * side_axis(x, 0) + [offset_height, below, offset_width, right, 0, 0]
        count = len(flat) // 2
        if is_packed(flat):
            padded = pad(x, reshape(stack(flat), [count, 2]))
        else:
            padded = pad(x, [flat[2 * i : 2 * i + 2] for i in range(count)])
        return _sized(padded, x, target_height, target_width)


def resize_image_with_crop_or_pad(image: TensorLike, target_height: int, target_width: int) -> Tensor:
    """Crop images around their centre, or pad them with zeros on all sides, to a given size.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        target_height: Number of rows of the result.
        target_width: Number of columns of the result.

    Returns:
        A tensor [target_height,target_width,C] or [N,target_height,target_width,C] of the dtype of `image`.

    Raises:
        ShapeError: `image` has another rank.
        ValueError: A size is not positive.

    Example:
        >>> image = tf.reshape(tf.range(1, 4), [1, 3, 1])
        >>> tf.Session().run(tf.image.resize_image_with_crop_or_pad(image, 3, 1))[:, :, 0]
        array([[0],
               [2],
               [0]], dtype=int32)
    """
    with composed(None, "resize_image_with_crop_or_pad", image):
        x = as_image(image)
        _check(target_width > 0, "target_width must be > 0.")
        _check(target_height > 0, "target_height must be > 0.")
        count = (14 if x.type.is_static else 176) if x.type.rank == 3 else 11 if x.type.is_static else 85
        with x.graph.counted_as(count):  # most are TensorFlow's checks
            return _crop_or_pad(x, target_height, target_width)


def _crop_or_pad(x: Tensor, height: int, width: int) -> Tensor:
    cut: list[Any] = []
    put: list[Any] = []
    sizes: list[Any] = []
    for side, target in zip(sides(x), (height, width), strict=True):
        more = target - side
        dynamic = isinstance(side, Tensor)
        cut.append(maximum(-more // 2, 0) if dynamic else max(-more // 2, 0))
        put.append(maximum(more // 2, 0) if dynamic else max(more // 2, 0))
        sizes.append(minimum(target, side) if dynamic else min(target, side))
    cropped = crop_to_bounding_box(x, cut[0], cut[1], sizes[0], sizes[1])
    return pad_to_bounding_box(cropped, put[0], put[1], height, width)


def central_crop(image: TensorLike, central_fraction: float) -> Tensor:
    """Cut the central part out of images.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        central_fraction: Share of the rows and of the columns to keep, in (0, 1].

    Returns:
        A tensor of the rank and dtype of `image`.

    Raises:
        ShapeError: `image` has another rank.
        ValueError: `central_fraction` is not in (0, 1].

    Example:
        >>> image = tf.reshape(tf.range(16), [4, 4, 1])
        >>> tf.Session().run(tf.image.central_crop(image, 0.5))[:, :, 0]
        array([[ 5,  6],
               [ 9, 10]], dtype=int32)
    """
    if not 0.0 < central_fraction <= 1.0:
        raise ValueError("central_fraction must be within (0, 1]")
    with composed(None, "central_crop", image):
        x = as_image(image)
        if central_fraction == 1.0:
            return x
        starts = [_margin(side, central_fraction) for side in sides(x)]
        sizes = [side - start * 2 for side, start in zip(sides(x), starts, strict=True)]
        lead = side_axis(x, 0)
        cropped = slice_(x, packed([0] * lead + [*starts, 0]), packed([-1] * lead + [*sizes, -1]))
        return _sized(cropped, x, *sizes)


def _margin(side: Any, fraction: float) -> Any:
    return apply(Margin(fraction), side) if isinstance(side, Tensor) else int((side - side * fraction) / 2)


def random_crop(value: TensorLike, size: Sequence[int], seed: int | None = None, name: str | None = None) -> Tensor:
    """Cut a part of a given shape out of a tensor at a random position.

    Args:
        value: A tensor of any rank.
        size: Shape of the part; at most that of `value`.
        seed: Seed of this operation; None to take it from the graph's seed.
        name: Name scope of the nodes.

    Returns:
        A tensor of the shape `size` and the dtype of `value`.

    Raises:
        ShapeError: `size` exceeds the shape of `value`, or has another rank.

    Example:
        >>> crop = tf.Session().run(tf.random_crop(tf.range(10), [3]))
        >>> np.diff(crop)
        array([1, 1], dtype=int32)
    """
    with composed(name, "random_crop", value, size) as scope:
        x = convert_to_tensor(value, name="value")
        sizes = [int(s) for s in size]
        dims = x.type.shape
        if dims is not None and (
            len(dims) != len(sizes) or any(d is not None and d < s for d, s in zip(dims, sizes, strict=True))
        ):
            raise ShapeError(f"Need value.shape >= size, got {format_shape(dims)} and {sizes}")
        limit = shape(x) - sizes + 1
        x.graph.reserve_ids(7)  # TensorFlow's check of the size, before the random numbers
        offset = floormod(random_uniform([len(sizes)], maxval=int32.max, dtype=int32, seed=seed), limit)
        x.graph.reserve_ids(-1)
        return slice_(x, offset, sizes, name=scope)
