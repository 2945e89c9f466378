"""Diagonals of matrices, composed of reshapes, slices and constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.reshape import expand_dims, reshape
from minigraph.ops.array.shape import fill, known_dims, packed
from minigraph.ops.array.slicing import getitem, pad
from minigraph.ops.broadcast import BroadcastLike
from minigraph.ops.builder import apply, composed, require_shape
from minigraph.ops.constant import constant
from minigraph.ops.filling import zeros_like
from minigraph.ops.host.host_ops import range_of
from minigraph.ops.math.comparison import equal
from minigraph.ops.math.reduce import reduce_sum
from minigraph.ops.math.selection import where

__all__ = ["diag", "diag_part", "matrix_band_part", "matrix_diag", "matrix_diag_part", "matrix_set_diag", "trace"]


def _matrix(x: Tensor, what: str) -> tuple[int, int]:
    """The sizes of the last two axes. ShapeError if one is unknown."""
    dims = x.type.shape
    if dims is None or len(dims) < 2 or dims[-1] is None or dims[-2] is None:
        raise ShapeError(f"{what} takes matrices of known size, not {format_shape(dims)}")
    return dims[-2], dims[-1]


def _lead(x: Tensor, keep: int) -> list[Any]:
    """All dimensions but the last `keep`."""
    return known_dims(x, range((x.type.rank or 0) - keep))


def matrix_diag(
    diagonal: TensorLike, name: str | None = None, k: int = 0, num_rows: int = -1, num_cols: int = -1,
    padding_value: float = 0,
) -> Tensor:  # fmt: skip
    """Make square matrices from their diagonals.

    Args:
        diagonal: A tensor [..., N] of numeric dtype.
        name: Name scope of the nodes.
        k, num_rows, num_cols, padding_value: Not supported; they must be 0, −1, −1 and 0.

    Returns:
        A tensor [..., N, N] of the dtype of `diagonal`, 0 off the diagonal.

    Raises:
        ShapeError: The rank is unknown.
        ValueError: An argument that is not supported is given.

    Example:
        >>> tf.Session().run(tf.matrix_diag([1, 2]))
        array([[1, 0],
               [0, 2]], dtype=int32)
    """
    refuse("tf.matrix_diag", k=k, num_rows=num_rows + 1, num_cols=num_cols + 1, padding_value=padding_value)
    with composed(name, "diag", diagonal) as scope:
        x = convert_to_tensor(diagonal)
        if not x.type.rank:
            raise ShapeError(f"matrix_diag takes a tensor of rank 1 or more, not {format_shape(x.type.shape)}")
        *lead, n = known_dims(x, range(x.type.rank))
        return _square(x, lead, n, scope)


def _square(x: Tensor, lead: list[Any], n: Any, name: str | None) -> Tensor:
    """Square matrices with the diagonals x [*lead, n]; n may be a tensor."""
    if isinstance(n, Tensor):
        zeros = fill(packed([*lead, n, n]), x.dtype.np_dtype.type(0))
        i = range_of(n)
        inside = apply(BroadcastLike(), equal(expand_dims(i, 1), i), zeros)
        return where(inside, apply(BroadcastLike(), expand_dims(x, -1), zeros), zeros, name=name)
    # Element i of n rows of n + 1 numbers is number i of row i of n rows of n.
    wide = pad(expand_dims(x, -1), [[0, 0]] * len(lead) + [[0, 0], [0, n]])
    flat = getitem(reshape(wide, [*lead, n * (n + 1)]), (..., slice(0, n * n)))
    return reshape(flat, [*lead, n, n], name)


def matrix_diag_part(input: TensorLike, name: str | None = None, k: int = 0, padding_value: float = 0) -> Tensor:
    """Take the diagonals of matrices.

    Args:
        input: A tensor [..., M, N], with M and N known.
        name: Name scope of the nodes.
        k, padding_value: Not supported; they must be 0.

    Returns:
        A tensor [..., min(M, N)] of the dtype of `input`.

    Raises:
        ShapeError: M or N is unknown, or the rank is below 2.
        ValueError: An argument that is not supported is given.

    Example:
        >>> tf.Session().run(tf.matrix_diag_part([[1, 2], [3, 4]]))
        array([1, 4], dtype=int32)
    """
    refuse("tf.matrix_diag_part", k=k, padding_value=padding_value)
    with composed(name, "MatrixDiagPart", input) as scope:
        x = convert_to_tensor(input)
        m, n = _matrix(x, "matrix_diag_part")
        lead = _lead(x, 2)
        part = getitem(reshape(x, [*lead, m * n]), (..., slice(0, min(m, n) * (n + 1), n + 1)))
        return reshape(part, [*lead, min(m, n)], scope)


def matrix_band_part(input: TensorLike, num_lower: int, num_upper: int, name: str | None = None) -> Tensor:
    """Keep a band around the diagonal of matrices, and set the other elements to 0.

    Args:
        input: A tensor [..., M, N] of numeric dtype, with M and N known.
        num_lower: The number of diagonals to keep below the main one; negative for all.
        num_upper: The number of diagonals to keep above the main one; negative for all.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `input`.

    Raises:
        ShapeError: M or N is unknown, or the rank is below 2.

    Example:
        >>> tf.Session().run(tf.matrix_band_part([[1, 2, 3], [4, 5, 6], [7, 8, 9]], 0, 1))
        array([[1, 2, 0],
               [0, 5, 6],
               [0, 0, 9]], dtype=int32)
    """
    with composed(name, "MatrixBandPart", input) as scope:
        x = convert_to_tensor(input)
        m, n = _matrix(x, "matrix_band_part")
        below = np.arange(m)[:, None] - np.arange(n)
        band = ((num_lower < 0) | (below <= num_lower)) & ((num_upper < 0) | (-below <= num_upper))
        mask = apply(BroadcastLike(), constant(band), x)
        return where(mask, x, zeros_like(x), name=scope)


def matrix_set_diag(input: TensorLike, diagonal: TensorLike, name: str | None = None, k: int = 0) -> Tensor:
    """Replace the diagonals of matrices.

    Args:
        input: A tensor [..., M, N] of numeric dtype, with M and N known.
        diagonal: The new diagonals, a tensor [..., min(M, N)] of the dtype of `input`.
        name: Name scope of the nodes.
        k: Not supported; it must be 0.

    Returns:
        A tensor of the dtype and shape of `input`.

    Raises:
        ShapeError: M or N is unknown, the rank is below 2, or the shapes do not fit.
        ValueError: An argument that is not supported is given.

    Example:
        >>> tf.Session().run(tf.matrix_set_diag([[1, 2], [3, 4]], [8, 9]))
        array([[8, 2],
               [3, 9]], dtype=int32)
    """
    refuse("tf.matrix_set_diag", k=k)
    with composed(name, "MatrixSetDiag", input, diagonal) as scope:
        x = convert_to_tensor(input)
        m, n = _matrix(x, "matrix_set_diag")
        values = convert_to_tensor(diagonal, x.dtype)
        require_shape("matrix_set_diag: the diagonal", values.type.shape, (*(x.type.shape or ())[:-2], min(m, n)))
        beside = apply(BroadcastLike(), expand_dims(values, -1 if m <= n else -2), x)
        mask = apply(BroadcastLike(), constant(np.eye(m, n, dtype=np.bool_)), x)
        return where(mask, beside, x, name=scope)


def diag(diagonal: TensorLike, name: str | None = None) -> Tensor:
    """Make a tensor of twice the rank from its diagonal: y[i, …, i, …] = diagonal[i, …], 0 elsewhere.

    Args:
        diagonal: A tensor of numeric dtype and of rank 1 or more.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `diagonal`. Its shape is that of `diagonal`, twice.

    Raises:
        ShapeError: The rank is 0 or unknown.

    Example:
        >>> tf.Session().run(tf.diag([1, 2]))
        array([[1, 0],
               [0, 2]], dtype=int32)
    """
    with composed(name, "Diag", diagonal) as scope:
        x = convert_to_tensor(diagonal)
        if not x.type.rank:
            raise ShapeError(f"diag takes a tensor of rank 1 or more, not {format_shape(x.type.shape)}")
        dims = known_dims(x, range(x.type.rank))
        if x.type.rank == 1:
            return _square(x, [], dims[0], scope)
        count = math.prod(dims)
        return reshape(_square(reshape(x, [count]), [], count, None), [*dims, *dims], name=scope)


def diag_part(input: TensorLike, name: str | None = None) -> Tensor:
    """Take the diagonal of a tensor of even rank: y[i, …] = input[i, …, i, …].

    Args:
        input: A tensor of numeric dtype, even rank and known shape. The second half of its shape equals the first.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `input`, with the first half of its shape.

    Raises:
        ShapeError: The shape is not known, the rank is odd or 0, or the halves of the shape differ.

    Example:
        >>> tf.Session().run(tf.diag_part([[1, 2], [3, 4]]))
        array([1, 4], dtype=int32)
    """
    with composed(name, "DiagPart", input) as scope:
        x = convert_to_tensor(input)
        dims, half = x.type.shape or (), (x.type.rank or 0) // 2
        if not half or None in dims or dims[:half] != dims[half:]:
            raise ShapeError(
                f"diag_part takes a tensor of known shape and even rank, whose second half of dimensions equals the "
                f"first, not {format_shape(x.type.shape)}"
            )
        count = math.prod(x.type.static[:half])
        part = getitem(reshape(x, [count * count]), slice(None, None, count + 1))
        return reshape(part, [*x.type.static[:half]], name=scope)


def trace(x: TensorLike, name: str | None = None) -> Tensor:
    """Sum the diagonals of matrices.

    Args:
        x: A tensor [..., M, N] of numeric dtype, with M and N known.
        name: Name scope of the nodes.

    Returns:
        A tensor [...] of the dtype of `x`.

    Raises:
        ShapeError: M or N is unknown, or the rank is below 2.

    Example:
        >>> tf.Session().run(tf.trace([[1.0, 2.0], [3.0, 4.0]])).item()
        5.0
    """
    with composed(name, "Trace", x) as scope:
        return reduce_sum(matrix_diag_part(x), [-1], name=scope)
