"""Blocks of pixels moved to the batch and back: TensorFlow's form of convolutions with dilations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.dynamic import pad, slice_
from minigraph.ops.array.joining import concat, stack
from minigraph.ops.array.known import static_value
from minigraph.ops.array.reshape import reshape, transpose
from minigraph.ops.array.shape import known_dims, packed, zeros
from minigraph.ops.array.slicing import strided_slice
from minigraph.ops.builder import composed
from minigraph.ops.math.casting import cast

__all__ = [
    "batch_to_space", "batch_to_space_nd", "required_space_to_batch_paddings", "space_to_batch", "space_to_batch_nd",
]  # fmt: skip


def _known(value: Any) -> np.ndarray | None:
    return static_value(value) if isinstance(value, Tensor) else np.asarray(value)


def _blocks(block_shape: Any) -> list[int]:
    """The lengths of a block. ShapeError if they are unknown, no vector, or not positive."""
    known = _known(block_shape)
    if known is None:
        raise ShapeError("block_shape must be known when the graph is built")
    if known.ndim != 1 or (known < 1).any():
        raise ShapeError(f"block_shape must be a vector of positive integers, not {known.tolist()}")
    return [int(n) for n in known]


def _margins(what: str, value: Any, axes: int) -> np.ndarray | Tensor:
    """A pair for each blocked axis: numbers if they are known, else a tensor."""
    known = _known(value)
    shape = value.type.shape if known is None else known.shape
    if shape is not None and tuple(shape) != (axes, 2) and not (axes == 0 and 0 in shape):
        raise ShapeError(
            f"{what} must have shape [{axes},2], one pair for each block dimension, not {format_shape(shape)}"
        )
    if known is None:
        return cast(value, int32)
    if (known < 0).any():
        raise ShapeError(f"{what} must not be negative: {known.tolist()}")
    return known.astype(np.int64).reshape(axes, 2)


def _operand(value: Any, axes: int) -> tuple[Tensor, int]:
    """The tensor and its rank. ShapeError unless it has a batch and `axes` more."""
    x = convert_to_tensor(value)
    if x.type.rank is None or x.type.rank < axes + 1:
        raise ShapeError(f"expected at least {axes + 1} axes, the batch and {axes}, not {format_shape(x.type.shape)}")
    return x, x.type.rank


def _nodes(*values: Any) -> int:
    """How many nodes TensorFlow makes for an op with these attributes: constants, and the op."""
    return 1 + sum(not isinstance(v, Tensor) for v in values)


def space_to_batch_nd(
    input: TensorLike, block_shape: Sequence[int] | TensorLike, paddings: Sequence[Sequence[int]] | TensorLike,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Pad, and move the places within each block to the batch: [N, d₁, …, dₘ, …] → [N·Πbᵢ, d₁/b₁, …, dₘ/bₘ, …].

    Args:
        input: A tensor [N, d₁, …, dₘ, …] of known rank and any dtype.
        block_shape: The lengths b₁, …, bₘ of a block, known when the graph is built.
        paddings: The zeros before and after each of the m axes: integers [m, 2].
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `input`; dᵢ counts the zeros.

    Raises:
        ShapeError: A padded axis is no multiple of its block, or the arguments do not fit each other.

    Example:
        >>> tf.Session().run(tf.space_to_batch_nd([[1, 2, 3]], [2], [[1, 0]]))
        array([[0, 2],
               [1, 3]], dtype=int32)
    """
    with composed(name, "SpaceToBatchND", input) as scope:
        block = _blocks(block_shape)
        m = len(block)
        x, rank = _operand(input, m)
        with x.graph.counted_as(_nodes(block_shape, paddings)):
            margins = _margins("paddings", paddings, m)
            if isinstance(margins, Tensor):
                first, *others = x.type.shape or ()
                x = pad(x, concat([zeros([1, 2], int32), margins, zeros([rank - 1 - m, 2], int32)], 0))
                x.set_shape([first, *[None] * m, *others[m:]])
            elif margins.any():
                x = pad(x, [(0, 0), *[(int(a), int(b)) for a, b in margins], *[(0, 0)] * (rank - 1 - m)])
            batch, *dims = known_dims(x, range(rank))
            for axis, (length, size) in enumerate(zip(dims, block, strict=False)):
                if isinstance(length, int) and length % size:
                    raise ShapeError(f"axis {axis + 1} of padded length {length} is no multiple of its block, {size}")
            lengths = [length // size for length, size in zip(dims, block, strict=False)]
            cut = [n for pair in zip(lengths, block, strict=True) for n in pair]
            apart = reshape(x, packed([batch, *cut, *dims[m:]]))
            inner, outer = [2 + 2 * i for i in range(m)], [1 + 2 * i for i in range(m)]
            turned = transpose(apart, [*inner, 0, *outer, *range(1 + 2 * m, rank + m)])
            return reshape(turned, packed([batch * int(np.prod(block)), *lengths, *dims[m:]]), scope)


def batch_to_space_nd(
    input: TensorLike, block_shape: Sequence[int] | TensorLike, crops: Sequence[Sequence[int]] | TensorLike,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Move images of the batch to the places within blocks, and cut margins off. The inverse of `space_to_batch_nd`.

    Args:
        input: A tensor [N·Πbᵢ, d₁, …, dₘ, …] of known rank and any dtype.
        block_shape: The lengths b₁, …, bₘ of a block, known when the graph is built.
        crops: How much to cut off before and after each of the m axes: integers [m, 2].
        name: Name scope of the nodes.

    Returns:
        A tensor [N, d₁·b₁ − crops₁, …, dₘ·bₘ − cropsₘ, …] of the dtype of `input`.

    Raises:
        ShapeError: The batch is no multiple of Πbᵢ, more is cut off than there is, or the arguments do not fit each
            other.

    Example:
        >>> tf.Session().run(tf.batch_to_space_nd([[0, 2], [1, 3]], [2], [[1, 0]]))
        array([[1, 2, 3]], dtype=int32)
    """
    with composed(name, "BatchToSpaceND", input) as scope:
        block = _blocks(block_shape)
        m, places = len(block), int(np.prod(block))
        x, rank = _operand(input, m)
        with x.graph.counted_as(_nodes(block_shape, crops)):
            cut = _margins("crops", crops, m)
            whole, *dims = known_dims(x, range(rank))
            if isinstance(whole, int) and whole % places:
                raise ShapeError(f"a batch of {whole} cannot be divided into blocks of {block}, that is by {places}")
            batch, lengths = whole // places, [n * size for n, size in zip(dims, block, strict=False)]
            apart = reshape(x, packed([*block, batch, *dims]))
            woven = [axis for i in range(m) for axis in (m + 1 + i, i)]
            turned = transpose(apart, [m, *woven, *range(2 * m + 1, rank + m)])
            result = packed([batch, *lengths, *dims[m:]])
            if not isinstance(cut, Tensor) and not cut.any():
                return reshape(turned, result, scope)
            return _cropped(reshape(turned, result), lengths, cut, scope)


def _cropped(x: Tensor, lengths: Sequence[Any], cut: np.ndarray | Tensor, name: str) -> Tensor:
    m, rest = len(lengths), (x.type.rank or 0) - 1 - len(lengths)
    if isinstance(cut, Tensor):
        begin = concat([[0], cut[:, 0], [0] * rest], 0)
        return slice_(x, begin, concat([[-1], stack(lengths) - cut[:, 0] - cut[:, 1], [-1] * rest], 0), name)
    for axis, (length, (before, after)) in enumerate(zip(lengths, cut, strict=True)):
        if isinstance(length, int) and before + after > length:
            raise ShapeError(f"crops cut {before} and {after} off axis {axis + 1}, which has {length}")
    to_the_end = sum(1 << axis + 1 for axis in range(m) if not cut[axis, 1])
    starts, ends = [0, *map(int, cut[:, 0])], [0, *(-int(n) for n in cut[:, 1])]
    return strided_slice(x, starts, ends, end_mask=1 | to_the_end, name=name)


def _square(block_size: int | None, block_shape: int | None) -> np.ndarray:
    given: Any = renamed("block_shape", block_shape, "block_size", block_size)
    return np.array([given, given])


def _four_axes(x: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    if tensor.type.rank != 4:
        raise ShapeError(f"expected [N,H,W,C], not {format_shape(tensor.type.shape)}")
    return tensor


def space_to_batch(
    input: TensorLike, paddings: Sequence[Sequence[int]] | TensorLike, block_size: int | None = None,
    name: str | None = None, block_shape: int | None = None,
) -> Tensor:  # fmt: skip
    """Pad images, and move the pixels within each block to the batch: [N, H, W, C] → [N·b², H/b, W/b, C].

    Args:
        input: A tensor [N, H, W, C].
        paddings: The zeros before and after H and W: integers [2, 2].
        block_size: The side b of a block.
        name: Name scope of the nodes.
        block_shape: Newer name of `block_size`.

    Returns:
        A tensor of the dtype of `input`; H and W count the zeros.

    Raises:
        ShapeError: `input` does not have four axes, or a padded side is no multiple of the block.

    Example:
        >>> tf.Session().run(tf.space_to_batch([[[[1], [2]], [[3], [4]]]], [[0, 0], [0, 0]], 2)).shape
        (4, 1, 1, 1)
    """
    return space_to_batch_nd(_four_axes(input), _square(block_size, block_shape), paddings, name)


def batch_to_space(
    input: TensorLike, crops: Sequence[Sequence[int]] | TensorLike, block_size: int | None = None,
    name: str | None = None, block_shape: int | None = None,
) -> Tensor:  # fmt: skip
    """Move images of the batch to the pixels within blocks: [N·b², H, W, C] → [N, H·b, W·b, C], less `crops`.

    Args:
        input: A tensor [N·b², H, W, C].
        crops: How much to cut off before and after H·b and W·b: integers [2, 2].
        block_size: The side b of a block.
        name: Name scope of the nodes.
        block_shape: Newer name of `block_size`.

    Returns:
        A tensor of the dtype of `input`.

    Raises:
        ShapeError: `input` does not have four axes, or the batch is no multiple of b².

    Example:
        >>> x = tf.constant([[[[1]]], [[[2]]], [[[3]]], [[[4]]]])
        >>> tf.Session().run(tf.batch_to_space(x, [[0, 0], [0, 0]], 2))[0, :, :, 0]
        array([[1, 2],
               [3, 4]], dtype=int32)
    """
    return batch_to_space_nd(_four_axes(input), _square(block_size, block_shape), crops, name)


def required_space_to_batch_paddings(
    input_shape: TensorLike, block_shape: TensorLike, base_paddings: TensorLike | None = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Find how much `space_to_batch_nd` has to pad so that lengths are multiples of blocks, and what to cut off after.

    Args:
        input_shape: The lengths of m axes: an int32 vector.
        block_shape: The lengths of a block: an int32 vector of m.
        base_paddings: What is padded in any case, before and after each axis: int32 [m, 2]; by default nothing.
        name: Name scope of the nodes.

    Returns:
        (paddings, crops): int32 tensors [m, 2]. Padding grows after an axis only.

    Example:
        >>> tf.Session().run(tf.required_space_to_batch_paddings([5, 4], [3, 2]))
        (array([[0, 1],
               [0, 0]], dtype=int32), array([[0, 1],
               [0, 0]], dtype=int32))
    """
    given = [v for v in (input_shape, block_shape, base_paddings) if v is not None]
    with composed(name, "required_space_to_batch_paddings", *given):
        values = [_known(v) for v in given]
        count = 2 + sum(not isinstance(v, Tensor) for v in (input_shape, block_shape, base_paddings))
        if all(v is not None for v in values):
            lengths, block, *base = (np.asarray(v, np.int32) for v in values)
            before, after = base[0].reshape(-1, 2).T if base else np.zeros((2, len(block)), np.int32)
            more = -(lengths + before + after) % block
            pairs = (before, after + more), (0 * more, more)
            with get_default_graph().counted_as(count):
                paddings, crops = (convert_to_tensor(np.stack(p, 1).astype(np.int32)) for p in pairs)
            return paddings, crops
        size, part, *margins = (cast(convert_to_tensor(v), int32) for v in given)
        first, last = (margins[0][:, i] for i in (0, 1)) if margins else (size * 0, size * 0)
        extra = (part - (size + first + last) % part) % part
        return stack([first, last + extra], 1), stack([extra * 0, extra], 1)
