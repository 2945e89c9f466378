"""Images [H,W,C] or [N,H,W,C] as operands: their check, and where their rows and columns are."""

from __future__ import annotations

from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.shape import known_dims


def as_image(value: TensorLike, name: str = "image") -> Tensor:
    """An image or a batch of images."""
    x = convert_to_tensor(value, name=name)
    if x.type.rank not in (3, 4):
        raise ShapeError(f"'{name}' must have either 3 or 4 dimensions, not shape {format_shape(x.type.shape)}")
    return x


def sides(x: Tensor) -> tuple[Any, Any]:
    """Height and width: numbers where they are known, else tensors."""
    height, width = known_dims(x, (0, 1) if x.type.rank == 3 else (1, 2))
    return height, width


def side_axis(x: Tensor, axis: int) -> int:
    """The axis of rows (0) or columns (1)."""
    return axis + (x.type.rank or 3) - 3
