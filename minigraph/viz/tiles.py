"""Small pictures of arrays: feature maps, filters and vectors as tiles of bytes, in a bounded number of bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST = 16  # tiles of a picture
_SIDE = 32  # pixels of a tile, if the budget allows
_IMAGE_SIDE = 96  # of an image that is fed
_LEAST = 6  # pixels of a tile below which there are fewer tiles instead
_LINE = 32  # numbers in a line of a vector
_FLAT = 8  # pixels of the least side of a flat image
BAD = 0  # the byte of a number that is not finite; the others have the bytes from 1 to 255
_TOP = 255


class TilePicture(NamedTuple):
    """A picture of an array.

    shape: tiles, rows, columns, and colours (1 or 3). content: bytes, in this order. limits: the numbers of the bytes
    1 and 255; numbers beyond them are clipped. total: the number of maps or filters; some of them are drawn.
    kind: "maps", "filters", "matrix", "vector" or "image".
    """

    kind: str
    shape: tuple[int, int, int, int]
    content: bytes
    limits: tuple[float, float]
    total: int


def kind_of(shape: Sequence[int], filters: bool, fed: bool) -> str:
    """The kind of picture for an array; "" if there is none. filters: of weights or their gradients."""
    if filters:
        return {4: "filters", 2: "matrix"}.get(len(shape), "") if 0 not in shape else ""
    if len(shape) == 4 and shape[1] * shape[2] > 1 and 0 not in shape:
        return "image" if fed and (shape[3] in (1, 3) or shape[1] in (1, 3)) else "maps"
    if len(shape) < 2 or 0 in shape:  # a number, or one for each example
        return ""
    side = math.isqrt(math.prod(shape[1:]))
    if fed and len(shape) == 2 and side**2 == shape[1] and side >= _FLAT:
        return "image"  # a flat one
    return "vector" if math.prod(shape[1:-1]) == 1 < shape[-1] else ""


def tiles(array: NDArray[Any], kind: str, budget: int) -> TilePicture:
    """The picture of an array, of its first example, in at most `budget` bytes."""
    stack, total = _stack(np.asarray(array, np.float32), kind)
    count, side = _size(stack.shape, budget, _IMAGE_SIDE if kind == "image" else _SIDE)
    stack = _shrunk(stack[:count], side)
    low, high = _limits(stack, symmetric=kind in ("filters", "matrix"))
    with np.errstate(all="ignore"):
        levels = 1 + np.clip((stack - low) / (high - low or 1), 0, 1) * (_TOP - 1)
    content = np.where(np.isfinite(stack), levels.round(), BAD).astype(np.uint8)
    tiles_, rows, columns, colours = content.shape
    return TilePicture(kind, (tiles_, rows, columns, colours), content.tobytes(), (low, high), total)


def shares(needs: Mapping[Any, tuple[int, int]], budget: int) -> dict[Any, int]:
    """A part of the budget for each key, at most what it needs: (bytes, weight). Nothing that is needed stays unused.

    >>> shares({"a": (10, 1), "b": (1000, 1), "c": (1000, 3)}, 410)
    {'a': 10, 'b': 100, 'c': 300}
    """
    found: dict[Any, int] = {}
    left, weights = budget, sum(weight for _, weight in needs.values())
    for key, (need, weight) in sorted(needs.items(), key=lambda item: item[1][0] / item[1][1]):
        found[key] = min(need, left * weight // weights)
        left -= found[key]
        weights -= weight
    return found


def most_bytes(shape: Sequence[int], kind: str) -> int:
    """The bytes of the largest picture of an array of this shape."""
    if kind == "image":
        return 3 * _IMAGE_SIDE**2
    if kind == "vector":
        return min(math.prod(shape[1:]), _SIDE * _LINE)
    if kind == "matrix":
        return _SIDE**2
    rows, columns = (shape[0], shape[1]) if kind == "filters" else (shape[1], shape[2])
    colours = 3 if kind == "filters" and shape[2] == 3 else 1
    return min(shape[3], MOST) * min(rows, _SIDE) * min(columns, _SIDE) * colours


def _stack(array: NDArray[np.float32], kind: str) -> tuple[NDArray[np.float32], int]:
    """The tiles in full size, [tiles, rows, columns, colours], and how many maps or filters there are in all."""
    if kind == "filters":
        total = array.shape[3]
        colours = array.shape[2] == 3
        chosen = array[..., :MOST] if colours else array[:, :, :1, :MOST]
        return chosen.transpose(3, 0, 1, 2), total
    if kind == "maps":
        return array[0, :, :, :MOST].transpose(2, 0, 1)[..., None], array.shape[3]
    if kind == "matrix":
        return array[None, :, :, None], 1
    first = array[0]
    if kind == "image":
        side = math.isqrt(first.size)
        first = first if first.ndim == 3 else first.reshape(side, side, 1)
        return (first if first.shape[2] in (1, 3) else first.transpose(1, 2, 0))[None], 1
    numbers = first.ravel()
    line = min(numbers.size, _LINE)
    lines = min(numbers.size // line, _SIDE)
    return numbers[: line * lines].reshape(1, lines, line, 1), numbers.size


def _size(shape: Sequence[int], budget: int, most: int) -> tuple[int, int]:
    """How many tiles, and the longest side of each."""
    count, rows, columns, colours = shape
    longest = max(rows, columns)
    side = min(longest, most)

    def pixels() -> int:
        return colours * math.prod(_scaled(size, side, longest) for size in (rows, columns))

    while side > _LEAST and count * pixels() > budget:
        side -= 1
    return max(1, min(count, budget // pixels())), side


def _scaled(size: int, side: int, longest: int) -> int:
    """A side of a tile whose longest one becomes `side`."""
    return max(1, size * min(side, longest) // longest)


def _shrunk(stack: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Tiles whose longer side is at most `side`: means over rectangles."""
    longest = max(stack.shape[1:3])
    for axis in (1, 2):
        size = stack.shape[axis]
        wanted = _scaled(size, side, longest)
        if wanted < size:
            edges = np.arange(wanted) * size // wanted
            sums = np.add.reduceat(stack, edges, axis)
            counts = np.diff(np.append(edges, size)).astype(np.float32)
            stack = (sums / counts.reshape([-1 if a == axis else 1 for a in range(4)])).astype(np.float32, copy=False)
    return stack


def _limits(stack: NDArray[np.float32], symmetric: bool) -> tuple[float, float]:
    """The numbers to draw with the least and the greatest byte, without the few farthest ones.

    Numbers of both signs have limits that are symmetric to zero.
    """
    finite = stack[np.isfinite(stack)]
    if not finite.size:
        return 0.0, 0.0
    if symmetric or float(finite.min()) < 0:
        limit = float(np.quantile(np.abs(finite), 0.995)) or float(np.abs(finite).max())
        return -limit, limit
    low, high = (float(q) for q in np.quantile(finite, (0.0, 0.995)))
    return min(low, 0.0) if low < 0.5 * high else low, high or float(finite.max())
