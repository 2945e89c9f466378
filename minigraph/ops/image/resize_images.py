"""Resizing by any of the methods, with the proportions kept if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import Dimension
from minigraph.core.typing import TensorLike
from minigraph.ops.array.reshape import expand_dims, squeeze
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.image.operand import as_image
from minigraph.ops.image.resize import resize_area, resize_bicubic, resize_bilinear, resize_nearest_neighbor

__all__ = ["ResizeMethod", "resize_images"]


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
        x = as_image(images, "images")
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
