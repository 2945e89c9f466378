"""Cutting boxes out of images and resizing them to one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float32, int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import compatible, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.reshape import expand_dims, reshape
from minigraph.ops.array.shape import known_dims, shape_operand
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import composed
from minigraph.ops.constant import constant
from minigraph.ops.control.checks import checked_range
from minigraph.ops.filling import ones_like
from minigraph.ops.image.operand import as_image
from minigraph.ops.math.casting import cast, to_float
from minigraph.ops.math.clipping import clip_by_value
from minigraph.ops.math.comparison import logical_and
from minigraph.ops.math.rounding import ceil, floor
from minigraph.ops.math.selection import where

__all__ = ["crop_and_resize"]


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
        x = to_float(as_image(image))
        if x.type.rank != 4:
            raise ShapeError(f"input image must be 4-D, not of shape {format_shape(x.type.shape)}")
        where_from = convert_to_tensor(of, name="box_ind")
        corners = convert_to_tensor(boxes, float32, name="boxes")  # type: ignore[arg-type]
        if not compatible(corners.type.shape, (None, 4)) or not compatible(where_from.type.shape, (None,)):
            shapes = f"{format_shape(corners.type.shape)} and {format_shape(where_from.type.shape)}"
            raise ShapeError(f"boxes and box_ind must have shapes [M,4] and [M], not {shapes}")
        corners = reshape(corners, [*known_dims(corners, (0,)), 4])
        where_from = reshape(checked_range("box_ind", where_from, x), known_dims(corners, (0,)))
        rows, columns = sizes
        height, width, depth = known_dims(x, (1, 2, 3))
        y = _sampled(getitem(corners, (slice(None), 0)), getitem(corners, (slice(None), 2)), height, rows)
        z = _sampled(getitem(corners, (slice(None), 1)), getitem(corners, (slice(None), 3)), width, columns)
        inside = logical_and(
            expand_dims(logical_and(y >= 0.0, y <= _last(height)), 2),
            expand_dims(logical_and(z >= 0.0, z <= _last(width)), 1),
        )
        flat = reshape(x, [-1, depth])
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
