"""Cropping, padding, flipping, rotating and sampling images [H,W,C] or [N,H,W,C]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.dtypes import float32, float64, int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.op import Sample
from minigraph.core.scalar import Scalar
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import Dimension, compatible, format_shape
from minigraph.core.typing import NumberLike, TensorLike
from minigraph.ops.array.dynamic import pad, slice_
from minigraph.ops.array.joining import gather, stack
from minigraph.ops.array.reshape import expand_dims, reshape, squeeze
from minigraph.ops.array.reshape import transpose as permute
from minigraph.ops.array.shape import shape, shape_operand
from minigraph.ops.array.slicing import getitem, reverse
from minigraph.ops.builder import apply, as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.control.checks import checked_range
from minigraph.ops.filling import ones_like
from minigraph.ops.image.resize import resize_area, resize_bicubic, resize_bilinear, resize_nearest_neighbor
from minigraph.ops.math.arithmetic import abs
from minigraph.ops.math.casting import cast, to_float
from minigraph.ops.math.clipping import clip_by_value
from minigraph.ops.math.comparison import less, logical_and
from minigraph.ops.math.extremes import maximum, minimum
from minigraph.ops.math.integer_division import floormod
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.rounding import ceil, floor, round
from minigraph.ops.math.selection import where
from minigraph.ops.nn.conv3d import known_dims, reshaped
from minigraph.ops.pointwise import Pointwise
from minigraph.ops.random.distributions import random_uniform

__all__ = [
    "ResizeMethod",
    "central_crop",
    "crop_and_resize",
    "crop_to_bounding_box",
    "flip_left_right",
    "flip_up_down",
    "pad_to_bounding_box",
    "random_crop",
    "random_flip_left_right",
    "random_flip_up_down",
    "resize_image_with_crop_or_pad",
    "resize_images",
    "rot90",
    "total_variation",
    "transpose_image",
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


class ResizeMethod:
    """The methods of `resize_images`.

    BILINEAR interpolates linearly, NEAREST_NEIGHBOR takes the nearest pixel, BICUBIC applies cubic convolution, and
    AREA averages the area that each new pixel covers.

    Example:
        >>> image = tf.reshape([1.0, 2.0], [1, 2, 1])
        >>> y = tf.image.resize_images(image, [1, 4], method=tf.image.ResizeMethod.NEAREST_NEIGHBOR)
        >>> tf.Session().run(y).ravel()
        array([1., 1., 2., 2.], dtype=float32)
    """

    BILINEAR: Final = 0
    NEAREST_NEIGHBOR: Final = 1
    BICUBIC: Final = 2
    AREA: Final = 3


ResizeMethodLike: TypeAlias = Literal[0, 1, 2, 3, "bilinear", "nearest", "bicubic", "area"]

_METHODS = {
    ResizeMethod.BILINEAR: resize_bilinear, ResizeMethod.NEAREST_NEIGHBOR: resize_nearest_neighbor,
    ResizeMethod.BICUBIC: resize_bicubic, ResizeMethod.AREA: resize_area,
    "bilinear": resize_bilinear, "nearest": resize_nearest_neighbor, "bicubic": resize_bicubic, "area": resize_area,
}  # fmt: skip


def _image(value: Any) -> Tensor:
    """An image or a batch of images."""
    x = convert_to_tensor(as_tensor_like(value), name="image")
    if x.type.rank not in (3, 4):
        raise ShapeError(f"'image' must have either 3 or 4 dimensions, not shape {format_shape(x.type.shape)}")
    return x


def _sides(x: Tensor) -> tuple[Any, Any]:
    """Height and width: numbers where they are known, else tensors."""
    height, width = known_dims(x, (0, 1) if x.type.rank == 3 else (1, 2))
    return height, width


def _axis(x: Tensor, axis: int) -> int:
    """The axis of rows (0) or columns (1)."""
    return axis + (x.type.rank or 3) - 3


def resize_images(
    images: TensorLike, size: Sequence[int | Dimension] | Tensor,
    method: ResizeMethodLike = ResizeMethod.BILINEAR, align_corners: bool = False,
    preserve_aspect_ratio: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Resize images by one of the methods of `ResizeMethod`.

    Args:
        images: Images [H,W,C] or [N,H,W,C] of a numeric dtype.
        size: New size (rows, columns).
        method: A member of `ResizeMethod`, or bilinear, nearest, bicubic or area.
        align_corners: Whether the corners' centres of input and output coincide.
        preserve_aspect_ratio: Whether the image keeps its proportions and becomes the largest that fits `size`. The
            size of the image must be known.
        name: Name scope of the nodes.

    Returns:
        A tensor of the rank of `images`: itself if it has that size already, else of float32 (float64 for float64
        images; the dtype of `images` for the nearest neighbour).

    Raises:
        ShapeError: `images` has another rank, or its size must be known and is not.
        ValueError: `method` is unknown, or `size` does not have 2 elements.
        InvalidArgumentError: A size is not positive.

    Example:
        >>> tf.image.resize_images(tf.zeros([8, 4, 3]), [6, 6], preserve_aspect_ratio=True).shape.as_list()
        [6, 3, 3]
    """
    if method not in _METHODS:
        raise ValueError("Resize method is not implemented.")
    with composed(name, "resize", images, size):
        x = convert_to_tensor(as_tensor_like(images), name="images")
        if x.type.rank not in (3, 4):
            raise ShapeError(f"'images' must have either 3 or 4 dimensions, not shape {format_shape(x.type.shape)}")
        batch = x if x.type.rank == 4 else expand_dims(x, 0)
        height, width = (batch.type.shape or (None,) * 4)[1:3]
        target: Any = size
        if not isinstance(as_tensor_like(size), Tensor):
            target = tuple(d.value if isinstance(d, Dimension) else d for d in target)
            if len(target) != 2:
                raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
        if preserve_aspect_ratio:
            if height is None or width is None:
                raise ShapeError("resize_images: preserve_aspect_ratio needs to know the image's size")
            factor = min(np.float32(t) / np.float32(d) for t, d in zip(target, (height, width), strict=True))
            target = tuple(int(np.rint(factor * np.float32(d))) for d in (height, width))
        if isinstance(target, tuple) and target == (height, width):
            return squeeze(batch, [0]) if x.type.rank == 3 else batch
        made = _METHODS[method](batch, target, align_corners)
        return squeeze(made, [0]) if x.type.rank == 3 else made


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
        x = _image(image)
        height, width = _sides(x)
        _check(offset_width >= 0, "offset_width must be >= 0.")
        _check(offset_height >= 0, "offset_height must be >= 0.")
        _check(target_width > 0, "target_width must be > 0.")
        _check(target_height > 0, "target_height must be > 0.")
        _check(width >= target_width + offset_width, "width must be >= target + offset.")
        _check(height >= target_height + offset_height, "height must be >= target + offset.")
        lead = [0] * (_axis(x, 0))
        begin = [*lead, offset_height, offset_width, 0]
        size = [*[-1] * len(lead), target_height, target_width, -1]
        return _sized(slice_(x, _packed(begin), _packed(size)), x, target_height, target_width)


def _check(holds: Any, message: str) -> None:
    """ValueError if a condition on numbers does not hold. A condition on tensors is not checked here."""
    if not isinstance(holds, Tensor) and not holds:
        raise ValueError(message)


def _packed(values: list[Any]) -> Any:
    return stack(values) if any(isinstance(v, Tensor) for v in values) else values


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
        x = _image(image)
        height, width = _sides(x)
        below, right = target_height - offset_height - height, target_width - offset_width - width
        _check(offset_height >= 0, "offset_height must be >= 0")
        _check(offset_width >= 0, "offset_width must be >= 0")
        _check(right >= 0, "width must be <= target - offset")
        _check(below >= 0, "height must be <= target - offset")
        flat = [0, 0] * _axis(x, 0) + [offset_height, below, offset_width, right, 0, 0]
        count = len(flat) // 2
        if any(isinstance(v, Tensor) for v in flat):
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
        x = _image(image)
        _check(target_width > 0, "target_width must be > 0.")
        _check(target_height > 0, "target_height must be > 0.")
        count = (14 if x.type.is_static else 176) if x.type.rank == 3 else 11 if x.type.is_static else 85
        with x.graph.counted_as(count):  # most are TensorFlow's checks
            return _crop_or_pad(x, target_height, target_width)


def _crop_or_pad(x: Tensor, height: int, width: int) -> Tensor:
    cut: list[Any] = []
    put: list[Any] = []
    sizes: list[Any] = []
    for side, target in zip(_sides(x), (height, width), strict=True):
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
        x = _image(image)
        if central_fraction == 1.0:
            return x
        starts = [_margin(side, central_fraction) for side in _sides(x)]
        sizes = [side - start * 2 for side, start in zip(_sides(x), starts, strict=True)]
        lead = _axis(x, 0)
        cropped = slice_(x, _packed([0] * lead + [*starts, 0]), _packed([-1] * lead + [*sizes, -1]))
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
        x = convert_to_tensor(as_tensor_like(value), name="value")
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


def flip_left_right(image: TensorLike) -> Tensor:
    """Reverse the order of the columns of images.

    Args:
        image: Images [H,W,C] or [N,H,W,C].

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [1, 3, 1])
        >>> tf.Session().run(tf.image.flip_left_right(image)).ravel()
        array([3, 2, 1], dtype=int32)
    """
    return _flip(image, 1, "flip_left_right")


def flip_up_down(image: TensorLike) -> Tensor:
    """Reverse the order of the rows of images.

    Args:
        image: Images [H,W,C] or [N,H,W,C].

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [3, 1, 1])
        >>> tf.Session().run(tf.image.flip_up_down(image)).ravel()
        array([3, 2, 1], dtype=int32)
    """
    return _flip(image, 0, "flip_up_down")


def _flip(image: Any, axis: int, name: str) -> Tensor:
    with composed(None, name, image):
        x = _image(image)
        x.graph.reserve_ids(1 if x.type.is_static else 23)  # TensorFlow's checks of the image
        return reverse(x, [_axis(x, axis)])


def random_flip_left_right(image: TensorLike, seed: int | None = None) -> Tensor:
    """Reverse the order of the columns of images with probability ½, each image of a batch by itself.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [1, 3, 1])
        >>> tf.Session().run(tf.image.random_flip_left_right(image)).ravel().tolist() in ([1, 2, 3], [3, 2, 1])
        True
    """
    return _random_flip(image, 1, seed, "random_flip_left_right")


def random_flip_up_down(image: TensorLike, seed: int | None = None) -> Tensor:
    """Reverse the order of the rows of images with probability ½, each image of a batch by itself.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [3, 1, 1])
        >>> tf.Session().run(tf.image.random_flip_up_down(image)).ravel().tolist() in ([1, 2, 3], [3, 2, 1])
        True
    """
    return _random_flip(image, 0, seed, "random_flip_up_down")


def _random_flip(image: Any, axis: int, seed: int | None, name: str) -> Tensor:
    with composed(None, name, image) as scope:
        x = _image(image)
        graph, known = x.graph, x.type.is_static
        if x.type.rank == 3:
            with graph.counted_as(19 if known else 41):
                graph.reserve_ids(1 if known else 23)  # TensorFlow's checks of the image, before the random number
                chance = random_uniform([], 0, 1.0, seed=seed)
                return where(less(chance, 0.5), reverse(x, [_axis(x, axis)]), x, name=scope)
        with graph.counted_as((26 if known else 48) + (x.dtype is not float32)):
            flipped = reverse(x, [_axis(x, axis)])
            graph.reserve_ids(4 if known else 21)
            chances = random_uniform(_packed(known_dims(x, (0,))), 0, 1.0, seed=seed)
            flips = cast(round(reshape(chances, [-1, 1, 1, 1])), x.dtype)
            result: Tensor = flips * flipped + (1 - flips) * x
            return result


def rot90(image: TensorLike, k: int = 1, name: str | None = None) -> Tensor:
    """Rotate images anticlockwise by multiples of 90°.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        k: Number of quarter turns.
        name: Name scope of the nodes.

    Returns:
        A tensor of the rank and dtype of `image`, with H and W exchanged for odd `k`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3, 4], [2, 2, 1])
        >>> tf.Session().run(tf.image.rot90(image))[:, :, 0]
        array([[2, 4],
               [1, 3]], dtype=int32)
    """
    with composed(name, "rot90", image):
        x = _image(image)
        rows, columns = _axis(x, 0), _axis(x, 1)
        turns = int(k) % 4
        if turns == 2:
            return reverse(x, [rows, columns])
        if turns == 1:
            return _swapped(reverse(x, [columns]))
        return reverse(_swapped(x), [columns]) if turns == 3 else x


def _swapped(x: Tensor) -> Tensor:
    """Rows and columns exchanged."""
    return permute(x, [1, 0, 2] if x.type.rank == 3 else [0, 2, 1, 3])


def transpose_image(image: TensorLike, name: str | None = None) -> Tensor:
    """Exchange the rows and the columns of images.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        name: Name scope of the nodes.

    Returns:
        A tensor [W,H,C] or [N,W,H,C] of the dtype of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3, 4], [2, 2, 1])
        >>> tf.Session().run(tf.image.transpose_image(image))[:, :, 0]
        array([[1, 3],
               [2, 4]], dtype=int32)
    """
    with composed(name, "transpose_image", image):
        return _swapped(_image(image))


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
        x = _image(images)
        axes = None if x.type.rank == 3 else [1, 2, 3]
        lead = (slice(None),) * _axis(x, 0)
        down = getitem(x, (*lead, slice(1, None))) - getitem(x, (*lead, slice(None, -1)))
        along = (*lead, slice(None))
        right = getitem(x, (*along, slice(1, None))) - getitem(x, (*along, slice(None, -1)))
        result: Tensor = reduce_sum(abs(down), axes) + reduce_sum(abs(right), axes)
        return result


def crop_and_resize(
    image: TensorLike, boxes: TensorLike | None = None, box_ind: TensorLike | None = None,
    crop_size: Sequence[int] | None = None, method: Literal["bilinear", "nearest"] = "bilinear",
    extrapolation_value: float = 0, name: str | None = None, box_indices: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Cut boxes out of images and resize each to one size. Gradients flow to the images and the boxes.

    Args:
        image: Images [N,H,W,C] of a numeric dtype.
        boxes: Corners (y1, x1, y2, x2) of M boxes as shares of the image, a float32 tensor [M,4]: 0 is the centre of
            the first pixel, 1 that of the last. A box with y1 > y2 or x1 > x2 is flipped.
        box_ind: The image of each box, an integer tensor [M] of values in [0, N).
        crop_size: Size (rows, columns) of the result.
        method: bilinear or nearest interpolation.
        extrapolation_value: Value of the pixels outside of the image.
        name: Name scope of the nodes.
        box_indices: TensorFlow 2's name of `box_ind`.

    Returns:
        A float32 tensor [M,rows,columns,C].

    Raises:
        ValueError: `method` is unknown, or an argument is missing.
        ShapeError: The shapes do not fit, or a crop size is not a positive number.
        InvalidArgumentError: A number in `box_ind` is not in [0, N); found in the run.

    Example:
        >>> image = tf.reshape(tf.range(9.0), [1, 3, 3, 1])
        >>> y = tf.image.crop_and_resize(image, boxes=[[0.0, 0.0, 0.5, 1.0]], box_ind=[0], crop_size=[2, 2])
        >>> tf.Session().run(y)[0, :, :, 0]
        array([[0., 2.],
               [3., 5.]], dtype=float32)
    """
    if method not in ("bilinear", "nearest"):
        raise ValueError(f"method must be bilinear or nearest, not {method!r}")
    of: Any = renamed("box_indices", box_indices, "box_ind", box_ind)
    for argument, value in {"boxes": boxes, "box_ind": of, "crop_size": crop_size}.items():
        if value is None:
            raise ValueError(f"crop_and_resize needs {argument}")
    sizes = shape_operand(crop_size)
    if isinstance(sizes, Tensor) or len(sizes) != 2 or min(sizes) < 1:
        raise ShapeError(f"crop_size must be two positive numbers, not {crop_size}")
    with composed(name, "CropAndResize", image, boxes, of):
        x = to_float(_image(image))
        if x.type.rank != 4:
            raise ShapeError(f"input image must be 4-D, not of shape {format_shape(x.type.shape)}")
        where_from = convert_to_tensor(as_tensor_like(of), name="box_ind")
        corners = convert_to_tensor(as_tensor_like(boxes), float32, name="boxes")
        if not compatible(corners.type.shape, (None, 4)) or not compatible(where_from.type.shape, (None,)):
            shapes = f"{format_shape(corners.type.shape)} and {format_shape(where_from.type.shape)}"
            raise ShapeError(f"boxes and box_ind must have shapes [M,4] and [M], not {shapes}")
        corners = reshaped(corners, [*known_dims(corners, (0,)), 4])
        where_from = reshaped(checked_range("box_ind", where_from, x), known_dims(corners, (0,)))
        rows, columns = sizes
        height, width, depth = known_dims(x, (1, 2, 3))
        y = _sampled(getitem(corners, (slice(None), 0)), getitem(corners, (slice(None), 2)), height, rows)
        z = _sampled(getitem(corners, (slice(None), 1)), getitem(corners, (slice(None), 3)), width, columns)
        inside = logical_and(
            expand_dims(logical_and(y >= 0.0, y <= _last(height)), 2),
            expand_dims(logical_and(z >= 0.0, z <= _last(width)), 1),
        )
        flat = reshaped(x, [-1, depth])
        start = reshape(cast(where_from, int32), [-1, 1, 1]) * height

        def pick(row: Tensor, column: Tensor) -> Tensor:
            """The pixels at whole rows [M,rows] and columns [M,columns]."""
            r, c = (cast(clip_by_value(v, 0.0, _last(n)), int32) for v, n in ((row, height), (column, width)))
            return gather(flat, (start + expand_dims(r, 2)) * width + expand_dims(c, 1))

        if method == "nearest":
            found = pick(floor(y + 0.5), floor(z + 0.5))
        else:
            top, left = floor(y), floor(z)
            down = reshape(y - top, [-1, rows, 1, 1])
            right = reshape(z - left, [-1, 1, columns, 1])
            upper, lower = (pick(v, left) + (pick(v, ceil(z)) - pick(v, left)) * right for v in (top, ceil(y)))
            found = upper + (lower - upper) * down
        mask = logical_and(expand_dims(inside, 3), ones_like(found) > 0.0)
        return where(mask, found, ones_like(found) * float(extrapolation_value))


def _last(size: Any) -> Any:
    return to_float(size - 1) if isinstance(size, Tensor) else float(size - 1)


def _sampled(begin: Tensor, end: Tensor, size: Any, count: int) -> Tensor:
    """[M, count]: the positions of the crops' rows (or columns) in pixels."""
    low, high = expand_dims(begin, 1) * _last(size), expand_dims(end, 1) * _last(size)
    if count == 1:
        middle: Tensor = 0.5 * (low + high)
        return middle
    steps = constant(np.arange(count, dtype=np.float32)[None])
    spread: Tensor = low + steps * ((high - low) / float(count - 1))
    return spread
