"""Matrices, diagonals, blocks and grids, composed of reshapes, slices and constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.dtypes import as_dtype, bool_, float32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor, get_default_graph
from minigraph.core.types import format_shape
from minigraph.ops.array.shape import expand_dims, fill, reshape, shape_operand, transpose
from minigraph.ops.array.slicing import getitem, pad
from minigraph.ops.broadcast import BroadcastLike
from minigraph.ops.builder import apply, composed
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import less
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where
from minigraph.ops.nn.conv3d import known_dims, reshaped

__all__ = [
    "broadcast_to",
    "count_nonzero",
    "depth_to_space",
    "diag",
    "diag_part",
    "eye",
    "linspace",
    "matrix_band_part",
    "matrix_diag",
    "matrix_diag_part",
    "matrix_transpose",
    "meshgrid",
    "sequence_mask",
    "space_to_depth",
    "trace",
]


def linspace(start: Any, stop: Any, num: int, name: str | None = None) -> Tensor:
    """`num` Python numbers in even steps from `start` to `stop`, both included."""
    kind = np.result_type(*(np.float32 if isinstance(v, int | float) else np.asarray(v).dtype for v in (start, stop)))
    get_default_graph().reserve_ids(3)  # start, stop and num, constants of their own
    return constant(np.linspace(start, stop, int(num), dtype=kind), name=name or "LinSpace")


def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: Any = None,
    dtype: Any = float32,
    name: str | None = None,
) -> Tensor:
    """The identity matrix, or one cut or filled up with zeros to num_rows × num_columns; one for each of a batch."""
    one = np.eye(num_rows, num_columns, dtype=as_dtype(dtype).np_dtype)
    lead = () if batch_shape is None else tuple(int(d) for d in batch_shape)
    get_default_graph().reserve_ids(1)  # the diagonal, a constant of its own
    return constant(np.broadcast_to(one, (*lead, *one.shape)), name=name or "eye")


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated to `shape` by NumPy's rules."""
    with composed(name, "BroadcastTo", input) as scope:
        x = convert_to_tensor(input)
        like = fill(shape_operand(shape), x.dtype.np_dtype.type(0), name="shape")
        return x.graph.add(BroadcastLike(), (x, like), scope).outputs[0]


def _matrix(x: Tensor, what: str) -> tuple[int, int]:
    """The sizes of the last two axes, which must be known."""
    dims = x.type.shape
    if dims is None or len(dims) < 2 or dims[-1] is None or dims[-2] is None:
        raise ShapeError(f"{what} takes matrices of known size, not {format_shape(dims)}")
    return dims[-2], dims[-1]


def _lead(x: Tensor, keep: int) -> list[Any]:
    """All dimensions but the last `keep`."""
    return known_dims(x, range((x.type.rank or 0) - keep))


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes swapped."""
    with composed(name, "matrix_transpose", a):
        x = convert_to_tensor(a, name="a")
        count = x.type.rank
        if count is None or count < 2:
            raise ValueError(f"Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: {x.shape}")
        return transpose(x, [*range(count - 2), count - 1, count - 2])


def matrix_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Square matrices with the last axis of `diagonal`, of known size, as their diagonals."""
    with composed(name, "diag", diagonal) as scope:
        x = convert_to_tensor(diagonal)
        n = (x.type.shape or (None,))[-1]
        if n is None:
            raise ShapeError(f"matrix_diag needs to know the size of the last axis of {format_shape(x.type.shape)}")
        lead = _lead(x, 1)
        # Element i of n rows of n + 1 numbers is number i of row i of n rows of n.
        wide = pad(expand_dims(x, -1), [[0, 0]] * len(lead) + [[0, 0], [0, n]])
        flat = getitem(reshaped(wide, [*lead, n * (n + 1)]), (..., slice(0, n * n)))
        return reshaped(flat, [*lead, n, n], scope)


def matrix_diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonals of the matrices on the last two axes, whose sizes must be known."""
    with composed(name, "MatrixDiagPart", input) as scope:
        x = convert_to_tensor(input)
        m, n = _matrix(x, "matrix_diag_part")
        lead = _lead(x, 2)
        part = getitem(reshaped(x, [*lead, m * n]), (..., slice(0, min(m, n) * (n + 1), n + 1)))
        return reshaped(part, [*lead, min(m, n)], scope)


def matrix_band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Tensor:
    """Matrices with zeros but for the diagonal, `num_lower` below it and `num_upper` above it (negative: all)."""
    with composed(name, "MatrixBandPart", input) as scope:
        x = convert_to_tensor(input)
        m, n = _matrix(x, "matrix_band_part")
        below = np.arange(m)[:, None] - np.arange(n)
        band = ((num_lower < 0) | (below <= num_lower)) & ((num_upper < 0) | (-below <= num_upper))
        mask = apply(BroadcastLike(), constant(band), x)
        return where(mask, x, zeros_like(x), name=scope)


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """The matrix of the vector `diagonal`."""
    return matrix_diag(diagonal, name or "Diag")


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonal of a matrix."""
    return matrix_diag_part(input, name or "DiagPart")


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of each matrix's diagonal."""
    with composed(name, "Trace", x) as scope:
        return reduce_sum(matrix_diag_part(x), [-1], name=scope)


def sequence_mask(lengths: Any, maxlen: int | None = None, dtype: Any = bool_, name: str | None = None) -> Tensor:
    """mask[…, j] = j < lengths[…], for j below `maxlen`, which must be given."""
    if maxlen is None or isinstance(maxlen, Tensor):
        raise ValueError("tf.sequence_mask needs maxlen as a number: its shape would depend on values without")
    with composed(name, "SequenceMask", lengths):
        ends = convert_to_tensor(lengths)
        mask = less(constant(np.arange(maxlen, dtype=ends.dtype.np_dtype)), expand_dims(ends, -1))
        return cast(mask, dtype)


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """The coordinates of a grid, one tensor for each vector; with "xy" the first two axes are swapped."""
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with composed(name, "meshgrid", *args):
        vectors = [convert_to_tensor(a) for a in args]
        places = list(range(len(vectors)))
        if indexing == "xy" and len(vectors) > 1:
            places[:2] = [1, 0]
        dims = [-1 if a == b else 1 for a in places for b in range(len(places))]
        count = len(vectors)
        spread = [reshape(v, dims[i * count : (i + 1) * count]) for i, v in enumerate(vectors)]
        whole = zeros_like(spread[0])
        for each in spread[1:]:
            whole = whole + zeros_like(each)
        return [each + whole for each in spread]


def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """[N,H,W,C] → [N,H/b,W/b,b²·C]: the pixels of each block side by side."""
    with composed(name, "SpaceToDepth", input) as scope:
        x, (n, h, w, c), b = *_image(input, data_format), int(block_size)
        if any(isinstance(d, int) and d % b for d in (h, w)):
            raise ShapeError(f"{format_shape(x.type.shape)} cannot be cut into blocks of {b} by {b}")
        cut = reshaped(x, [n, h // b, b, w // b, b, c])
        return reshaped(transpose(cut, [0, 1, 3, 2, 4, 5]), [n, h // b, w // b, b * b * c], scope)


def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """[N,H,W,b²·C] → [N,b·H,b·W,C]: the inverse of space_to_depth."""
    with composed(name, "DepthToSpace", input) as scope:
        x, (n, h, w, c), b = *_image(input, data_format), int(block_size)
        if isinstance(c, int) and c % (b * b):
            raise ShapeError(f"{c} channels of {format_shape(x.type.shape)} cannot make blocks of {b} by {b}")
        laid = transpose(reshaped(x, [n, h, w, b, b, c // (b * b)]), [0, 1, 3, 2, 4, 5])
        return reshaped(laid, [n, h * b, w * b, c // (b * b)], scope)


def _image(value: Any, data_format: str) -> tuple[Tensor, list[Any]]:
    x = convert_to_tensor(value)
    if data_format != "NHWC" or x.type.rank != 4:
        raise ShapeError(f"expected [N,H,W,C] in NHWC, not {format_shape(x.type.shape)} in {data_format}")
    n, *rest = known_dims(x, (0, 1, 2, 3))
    return x, [n if isinstance(n, int) else -1, *rest]


def count_nonzero(
    input_tensor: Any = None, axis: Any = None, keepdims: Any = None, dtype: Any = "int64", name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None, input: Any = None,
) -> Tensor:  # fmt: skip
    """How many elements are not 0, over `axis` (None: all)."""
    with composed(name, "count_nonzero", input_tensor if input is None else input):
        x = convert_to_tensor(input_tensor if input is None else input)
        some = cast(cast(x, bool_), dtype)
        return reduce_sum(some, reduction_indices if axis is None else axis, keepdims=keepdims or keep_dims)
