"""Matrices, blocks and grids, composed of reshapes, slices and constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, bool_, float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import AxisLike, DTypeLike, ShapeLike, TensorLike
from minigraph.ops.array.known import in_graph
from minigraph.ops.array.reshape import expand_dims, reshape, transpose
from minigraph.ops.array.reversal import SwapLastAxes
from minigraph.ops.array.shape import fill, known_dims, shape_operand
from minigraph.ops.broadcast import BroadcastLike
from minigraph.ops.builder import apply, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.ops.host.host_ops import range_of
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import less
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.reduce_extremes import reduce_max

__all__ = [
    "broadcast_to",
    "count_nonzero",
    "depth_to_space",
    "eye",
    "linspace",
    "matrix_transpose",
    "meshgrid",
    "sequence_mask",
    "space_to_depth",
]


def linspace(start: float, stop: float, num: int, name: str | None = None) -> Tensor:
    """Space numbers evenly over an interval, both ends included.

    Args:
        start: The first number.
        stop: The last number.
        num: How many numbers.
        name: Name of the node.

    Returns:
        A constant [num]; float32 for Python numbers, else of the dtype of the NumPy numbers.

    Example:
        >>> tf.Session().run(tf.linspace(0.0, 1.0, 5))
        array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    kind = np.result_type(*(np.float32 if isinstance(v, int | float) else np.asarray(v).dtype for v in (start, stop)))
    get_default_graph().reserve_ids(3)  # start, stop and num, constants of their own
    return constant(np.linspace(start, stop, int(num), dtype=kind), name=name or "LinSpace")


def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: Sequence[int] | None = None,
    dtype: DTypeLike = float32,
    name: str | None = None,
) -> Tensor:
    """Make an identity matrix, or a batch of them.

    Args:
        num_rows: The number of rows.
        num_columns: The number of columns; by default `num_rows`. The matrix is cut, or filled up with zeros.
        batch_shape: Leading dimensions.
        dtype: The dtype of the result.
        name: Name of the node.

    Returns:
        A constant [*batch_shape, num_rows, num_columns].

    Example:
        >>> tf.Session().run(tf.eye(2, num_columns=3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """
    one = np.eye(num_rows, num_columns, dtype=as_dtype(dtype).np_dtype)
    lead = () if batch_shape is None else tuple(int(d) for d in batch_shape)
    get_default_graph().reserve_ids(1)  # the diagonal, a constant of its own
    return constant(np.broadcast_to(one, (*lead, *one.shape)), name=name or "eye")


def broadcast_to(input: TensorLike, shape: ShapeLike | TensorLike, name: str | None = None) -> Tensor:
    """Repeat a tensor to a shape by NumPy's rules.

    Args:
        input: A tensor of any dtype.
        shape: The shape of the result, to which that of `input` broadcasts. It may be an integer vector of the graph.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `input` and shape `shape`.

    Example:
        >>> tf.Session().run(tf.broadcast_to([1, 2], [2, 2]))
        array([[1, 2],
               [1, 2]], dtype=int32)
    """
    with composed(name, "BroadcastTo", input) as scope:
        x = convert_to_tensor(input)
        target = shape_operand(shape)
        with x.graph.counted_as(1 if in_graph(shape) else 2):
            like = fill(target, x.dtype.np_dtype.type(0), name="shape")
            return x.graph.add(BroadcastLike(), (x, like), scope).outputs[0]


def matrix_transpose(a: TensorLike, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """Swap the last two axes.

    Args:
        a: A tensor [..., M, N].
        name: Name scope of the nodes.
        conjugate: Not supported for complex numbers; real ones are their own conjugates.

    Returns:
        A tensor [..., N, M] of the dtype of `a`.

    Raises:
        ValueError: The rank of `a` is below 2, or `conjugate` is not supported.

    Example:
        >>> tf.Session().run(tf.matrix_transpose([[1, 2], [3, 4]]))
        array([[1, 3],
               [2, 4]], dtype=int32)
    """
    with composed(name, "matrix_transpose", a):
        x = convert_to_tensor(a, name="a")
        count = x.type.rank
        if conjugate and x.dtype.is_complex:
            raise ValueError("matrix_transpose: conjugate=True is not supported for complex numbers")
        if count is None:
            return apply(SwapLastAxes(), x)
        if count < 2:
            raise ValueError(f"Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: {x.shape}")
        return transpose(x, [*range(count - 2), count - 1, count - 2])


def sequence_mask(
    lengths: TensorLike, maxlen: int | Tensor | None = None, dtype: DTypeLike = bool_, name: str | None = None
) -> Tensor:
    """Make masks that are True at the first `lengths` places: mask[..., j] = j < lengths[...].

    Args:
        lengths: An integer tensor [...].
        maxlen: The length of each mask, an integer or a scalar integer tensor; by default the largest of `lengths`.
        dtype: The dtype of the result.
        name: Name scope of the nodes.

    Returns:
        A tensor [..., maxlen] of dtype `dtype`.

    Example:
        >>> tf.Session().run(tf.sequence_mask([1, 3], maxlen=3, dtype=tf.int32))
        array([[1, 0, 0],
               [1, 1, 1]], dtype=int32)
    """
    with composed(name, "SequenceMask", lengths):
        ends = convert_to_tensor(lengths)
        length = maximum(reduce_max(ends), 0) if maxlen is None else maxlen
        ends.graph.reserve_ids(1 if isinstance(length, Tensor) else 4)  # TensorFlow makes the range of parts
        if isinstance(length, Tensor):
            places = range_of(cast(length, ends.dtype), dtype=ends.dtype)
        else:
            places = constant(np.arange(length, dtype=ends.dtype.np_dtype))
        return cast(less(places, expand_dims(ends, -1)), dtype)


def meshgrid(*args: TensorLike, indexing: Literal["xy", "ij"] = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Make the coordinates of all points of a grid.

    Args:
        args: One vector of coordinates for each axis of the grid.
        indexing: "ij" for axes in the order of `args`; "xy" swaps the first two.
        name: Name scope of the nodes.

    Returns:
        For each vector a tensor of the shape of the grid.

    Raises:
        ValueError: `indexing` is unknown.

    Example:
        >>> x, y = tf.meshgrid([1, 2, 3], [10, 20])
        >>> tf.Session().run(x + y)
        array([[11, 12, 13],
               [21, 22, 23]], dtype=int32)
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with composed(name, "meshgrid", *args):
        vectors = [convert_to_tensor(a) for a in args]
        places = list(range(len(vectors)))
        if indexing == "xy" and len(vectors) > 1:
            places[:2] = [1, 0]
        dims = [-1 if a == b else 1 for a in places for b in range(len(places))]
        count = len(vectors)
        with vectors[0].graph.counted_as(4 + 5 * count + 4 * (places[0] == 1)):
            spread = [reshape(v, dims[i * count : (i + 1) * count]) for i, v in enumerate(vectors)]
            whole = zeros_like(spread[0])
            for each in spread[1:]:
                whole = whole + zeros_like(each)
            return [each + whole for each in spread]


def space_to_depth(
    input: TensorLike, block_size: int, name: str | None = None, data_format: Literal["NHWC"] = "NHWC"
) -> Tensor:
    """Move blocks of pixels into the channels: [N, H, W, C] → [N, H/b, W/b, b²·C].

    Args:
        input: A tensor [N, H, W, C] whose H and W are multiples of `block_size`.
        block_size: The side b of a block.
        name: Name scope of the nodes.
        data_format: The order of the axes; only NHWC is supported.

    Returns:
        A tensor [N, H/b, W/b, b²·C] of the dtype of `input`.

    Raises:
        ShapeError: `input` does not have four axes, H or W is no multiple of `block_size`, or the format is not NHWC.

    Example:
        >>> image = tf.constant([[[[1], [2]], [[3], [4]]]])
        >>> tf.Session().run(tf.space_to_depth(image, 2))
        array([[[[1, 2, 3, 4]]]], dtype=int32)
    """
    with composed(name, "SpaceToDepth", input) as scope:
        x, (n, h, w, c), b = *_image(input, data_format), int(block_size)
        if any(isinstance(d, int) and d % b for d in (h, w)):
            raise ShapeError(f"{format_shape(x.type.shape)} cannot be cut into blocks of {b} by {b}")
        cut = reshape(x, [n, h // b, b, w // b, b, c])
        return reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [n, h // b, w // b, b * b * c], scope)


def depth_to_space(
    input: TensorLike, block_size: int, name: str | None = None, data_format: Literal["NHWC"] = "NHWC"
) -> Tensor:
    """Move channels into blocks of pixels: [N, H, W, b²·C] → [N, b·H, b·W, C]. The inverse of `tf.space_to_depth`.

    Args:
        input: A tensor [N, H, W, D] whose D is a multiple of `block_size`².
        block_size: The side b of a block.
        name: Name scope of the nodes.
        data_format: The order of the axes; only NHWC is supported.

    Returns:
        A tensor [N, b·H, b·W, D/b²] of the dtype of `input`.

    Raises:
        ShapeError: `input` does not have four axes, D is no multiple of `block_size`², or the format is not NHWC.

    Example:
        >>> tf.Session().run(tf.depth_to_space([[[[1, 2, 3, 4]]]], 2))[0, :, :, 0]
        array([[1, 2],
               [3, 4]], dtype=int32)
    """
    with composed(name, "DepthToSpace", input) as scope:
        x, (n, h, w, c), b = *_image(input, data_format), int(block_size)
        if isinstance(c, int) and c % (b * b):
            raise ShapeError(f"{c} channels of {format_shape(x.type.shape)} cannot make blocks of {b} by {b}")
        laid = transpose(reshape(x, [n, h, w, b, b, c // (b * b)]), [0, 1, 3, 2, 4, 5])
        return reshape(laid, [n, h * b, w * b, c // (b * b)], scope)


def _image(value: Any, data_format: str) -> tuple[Tensor, list[Any]]:
    x = convert_to_tensor(value)
    if data_format != "NHWC" or x.type.rank != 4:
        raise ShapeError(f"expected [N,H,W,C] in NHWC, not {format_shape(x.type.shape)} in {data_format}")
    n, *rest = known_dims(x, (0, 1, 2, 3))
    return x, [n if isinstance(n, int) else -1, *rest]


def count_nonzero(
    input_tensor: TensorLike | None = None, axis: AxisLike = None, keepdims: bool | None = None,
    dtype: DTypeLike = "int64", name: str | None = None, reduction_indices: AxisLike = None,
    keep_dims: bool | None = None, input: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Count the elements that are not 0.

    Args:
        input_tensor: A tensor of numeric or bool dtype.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        dtype: The dtype of the result.
        name: Name scope of the nodes.
        reduction_indices: Older name of `axis`.
        keep_dims: Older name of `keepdims`.
        input: Another name of `input_tensor`.

    Returns:
        A tensor of dtype `dtype`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.

    Example:
        >>> tf.Session().run(tf.count_nonzero([[0, 1, 0], [1, 1, 0]], axis=1))
        array([1, 2])
    """
    given: Any = renamed("input", input, "input_tensor", input_tensor)
    with composed(name, "count_nonzero", given):
        x = convert_to_tensor(given)
        some = cast(cast(x, bool_), dtype)
        return reduce_sum(
            some,
            renamed("axis", axis, "reduction_indices", reduction_indices),
            keepdims=renamed("keepdims", keepdims, "keep_dims", keep_dims),
        )
