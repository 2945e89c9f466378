"""Sums of products over any axes, and norms: composed of transposes, reshapes and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import AxisLike, DTypeLike, TensorLike
from minigraph.ops.array.diagonals import trace
from minigraph.ops.array.indexing import scatter_nd
from minigraph.ops.array.joining import stack
from minigraph.ops.array.known import number_or_tensor, whole_number
from minigraph.ops.array.one_hot import one_hot
from minigraph.ops.array.reshape import reshape, squeeze, transpose
from minigraph.ops.array.shape import known_dims, packed, products
from minigraph.ops.builder import composed
from minigraph.ops.control.checks import checked_range
from minigraph.ops.filling import ones_like
from minigraph.ops.math.arithmetic import abs, square
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.exponential import pow, sqrt
from minigraph.ops.math.extremes import maximum
from minigraph.ops.math.matmul import matmul
from minigraph.ops.math.reduce import reduce_mean, reduce_sum
from minigraph.ops.math.reduce_extremes import reduce_max

__all__ = ["confusion_matrix", "einsum", "norm", "reduce_std", "reduce_variance", "tensordot"]


def tensordot(
    a: TensorLike, b: TensorLike, axes: int | Sequence[int | Sequence[int]], name: str | None = None
) -> Tensor:
    """Sum the products of two tensors over pairs of axes.

    Args:
        a: A tensor of known rank.
        b: A tensor of the dtype of `a`, of known rank.
        axes: ([axes of a], [axes of b]) of equal length; or a number n, for the last n axes of `a` and the first n
            of `b`.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `a`: the other axes of `a`, then the other axes of `b`.

    Raises:
        ShapeError: A rank is unknown, or the paired axes differ in size.
        ValueError: `axes` names more axes of one tensor than of the other.
        DTypeError: The dtypes differ.

    Example:
        >>> tf.Session().run(tf.tensordot([[1.0, 2.0], [3.0, 4.0]], [10.0, 100.0], axes=1))
        array([210., 430.], dtype=float32)
    """
    with composed(name, "Tensordot", a, b) as scope:
        x = convert_to_tensor(a, name="a")
        y = convert_to_tensor(b, x.dtype, name="b")
        count, other = x.type.rank, y.type.rank
        if count is None or other is None:
            raise ShapeError("tensordot needs to know the ranks of its operands")
        if isinstance(axes, int):
            pairs = list(range(count - axes, count)), list(range(axes))
        else:
            pairs = tuple([int(v) for v in np.ravel(v)] for v in axes)  # type: ignore[assignment]
        left, right = ([v % n for v in p] for p, n in zip(pairs, (count, other), strict=True))
        if len(left) != len(right):
            raise ValueError(f"Different number of contraction axes 'a' and 'b', {len(left)} != {len(right)}.")
        free = [i for i in range(count) if i not in left], [i for i in range(other) if i not in right]
        start, unknown = x.graph.last_id, sum(not t.type.is_static for t in (x, y))
        outer = known_dims(x, free[0]), known_dims(y, free[1])
        rows = reshape(transpose(x, [*free[0], *left]), products([outer[0], known_dims(x, left)]))
        columns = reshape(transpose(y, [*right, *free[1]]), products([known_dims(y, right), outer[1]]))
        result = reshape(matmul(rows, columns), [*outer[0], *outer[1]], scope)
        if unknown:
            x.graph.last_id = start + 14 + 11 * unknown
        shapes = x.type.shape or (), y.type.shape or ()
        result.set_shape([shapes[0][i] for i in free[0]] + [shapes[1][i] for i in free[1]])
        return result


def einsum(equation: str, *inputs: TensorLike, name: str | None = None) -> Tensor:
    """Sum products of tensors by Einstein's summation convention.

    Letters that `equation` names on the left of "->" but not on the right are summed over. Without "->", the letters
    that occur once are kept, in alphabetical order. A letter may occur once per operand; "ii" alone gives the trace.

    Args:
        equation: The axes of each operand, and of the result, as in "bij,bjk->bik".
        inputs: One tensor per operand, all of one dtype.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of the inputs.

    Raises:
        ValueError: `equation` is invalid, repeats a letter in an operand, or names another number of operands.
        ShapeError: A tensor does not have the rank that `equation` gives it.

    Example:
        >>> tf.Session().run(tf.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [10.0, 100.0]))
        array([210., 430.], dtype=float32)
    """
    with composed(name, "einsum", *inputs):
        tensors = [convert_to_tensor(t) for t in inputs]
        source, _, target = equation.replace(" ", "").partition("->")
        labels = source.split(",")
        if "->" not in equation:
            if len(labels) == 1 and len(source) == 2 and source[0] == source[1]:
                return trace(tensors[0])
            target = "".join(sorted(c for c in set(source) - {","} if source.count(c) == 1))
        _check_equation(equation, labels, target, tensors)
        result, known = tensors[0], labels[0]
        for i, (tensor, others) in enumerate(zip(tensors[1:], labels[1:], strict=True), 2):
            wanted = set(target).union(*labels[i:])
            result, known = _contract(result, known, tensor, others, wanted)
        result, known = _summed(result, known, set(target))
        return transpose(result, [known.index(c) for c in target]) if known != target else result


def _check_equation(equation: str, labels: list[str], target: str, tensors: list[Tensor]) -> None:
    if len(labels) != len(tensors):
        raise ValueError(f'Incorrect number of arguments for equation "{equation}": {len(tensors)}')
    for letters, tensor in zip(labels, tensors, strict=True):
        if len(set(letters)) != len(letters):
            raise ValueError(f"Subscript not supported: an axis appears more than once: {letters}")
        if tensor.type.rank != len(letters):
            raise ShapeError(f'"{letters}" of "{equation}" does not fit the shape {format_shape(tensor.type.shape)}')
    if not set(target) <= set("".join(labels)) or len(set(target)) != len(target):
        raise ValueError(f"Invalid equation: {equation}")


def _summed(x: Tensor, labels: str, keep: set[str]) -> tuple[Tensor, str]:
    """Sum `x` over the axes whose labels are not in `keep`, and drop these labels."""
    gone = [i for i, c in enumerate(labels) if c not in keep]
    return (reduce_sum(x, gone), "".join(c for c in labels if c in keep)) if gone else (x, labels)


def _contract(a: Tensor, left: str, b: Tensor, right: str, wanted: set[str]) -> tuple[Tensor, str]:
    """Products over the letters of both: those that are wanted stay, the other shared ones are summed."""
    a, left = _summed(a, left, wanted | set(right))
    b, right = _summed(b, right, wanted | set(left))
    batch = [c for c in left if c in right and c in wanted]
    inner = [c for c in left if c in right and c not in wanted]
    rows, columns = [c for c in left if c not in right], [c for c in right if c not in left]
    result = "".join([*batch, *rows, *columns])
    if not inner:
        x = _grouped(a, left, [*batch, *rows, *("" for _ in columns)])
        return x * _grouped(b, right, [*batch, *("" for _ in rows), *columns]), result
    x = _grouped(a, left, [*batch, "".join(rows), "".join(inner)])
    product = matmul(x, _grouped(b, right, [*batch, "".join(inner), "".join(columns)]))
    if len(rows) != 1 or len(columns) != 1:
        lead, ends = (known_dims(a, [left.index(c) for c in part]) for part in (batch, rows))
        product = reshape(product, [*lead, *ends, *known_dims(b, [right.index(c) for c in columns])])
    return product, result


def _grouped(x: Tensor, labels: str, groups: Sequence[str]) -> Tensor:
    """The tensor with one axis for each group of its letters, of size 1 for a group without letters."""
    order = [labels.index(c) for c in "".join(groups)]
    moved = x if order == sorted(order) else transpose(x, order)
    if all(len(group) == 1 for group in groups):
        return moved
    return reshape(moved, products([known_dims(x, [labels.index(c) for c in group]) for group in groups]))


def norm(
    tensor: TensorLike, ord: float | str = "euclidean", axis: AxisLike = None, keepdims: bool | None = None,
    name: str | None = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Compute the norm of vectors or matrices.

    Vectors: the p-norm (Σ |x|^p)^(1/p), for p = inf max |x|. Matrices: "euclidean" and "fro" √Σ x², 1 the largest
    sum of |x| of a column, inf the largest sum of |x| of a row. The 2-norm of matrices is not supported.

    Args:
        tensor: A tensor of floating-point dtype.
        ord: "euclidean", or a positive number p; of matrices "euclidean", "fro", 1 or `np.inf`.
        axis: One axis for vectors, two for matrices; None takes the whole tensor as one vector.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name scope of the nodes.
        keep_dims: Older name of `keepdims`.

    Returns:
        A tensor of the dtype of `tensor`, without the axes unless `keepdims` is True.

    Raises:
        ValueError: `ord` is not supported.

    Example:
        >>> tf.Session().run(tf.norm([[3.0, 4.0], [6.0, 8.0]], axis=1))
        array([ 5., 10.], dtype=float32)
    """
    matrix = isinstance(axis, list | tuple) and len(axis) == 2
    allowed = ("euclidean", "fro", 1, np.inf) if matrix else ("euclidean", 1, 2, np.inf)
    if ord not in allowed and (matrix or isinstance(ord, str) or ord <= 0):
        raise ValueError(f"'ord' must be a supported {'matrix' if matrix else 'vector'} norm, got {ord}")
    with composed(name, "norm", tensor):
        given = convert_to_tensor(tensor)
        x = widened(given)
        axes: Any = axis if matrix or axis is None else [axis]
        if ord in ("fro", "euclidean", 2):
            result = sqrt(reduce_sum(square(x), axes, keepdims=True))
        elif ord == 1:
            result = reduce_sum(abs(x), axes[0] if axes else None, keepdims=True)
            result = reduce_max(result, axes[1], keepdims=True) if matrix else result
        elif ord == np.inf:
            result = reduce_sum(abs(x), axes[1], keepdims=True) if matrix else abs(x)
            result = reduce_max(result, axes[0] if axes else None, keepdims=True)
        else:
            result = pow(reduce_sum(pow(abs(x), float(ord)), axes, keepdims=True), 1.0 / float(ord))
        result = cast(result, given.dtype)
        return result if renamed("keepdims", keepdims, "keep_dims", keep_dims) else squeeze(result, axes)


def confusion_matrix(
    labels: TensorLike, predictions: TensorLike, num_classes: TensorLike | None = None, dtype: DTypeLike = "int32",
    name: str | None = None, weights: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Count how often class i was predicted as class j.

    Args:
        labels: True class numbers in [0, num_classes), an integer tensor of any shape.
        predictions: Predicted class numbers, an integer tensor of the shape of `labels`.
        num_classes: The number of classes, an integer; by default one more than the largest class number in the run.
        dtype: The dtype of the result.
        name: Name scope of the nodes.
        weights: A weight for each prediction, in place of 1: a numeric tensor of the shape of `labels`.

    Returns:
        A tensor [num_classes, num_classes] of dtype `dtype`; element [i, j] counts labels i predicted as j.

    Raises:
        InvalidArgumentError: A class number is not in [0, num_classes); found in the run.

    Example:
        >>> tf.Session().run(tf.confusion_matrix([0, 1, 1], [0, 1, 0], num_classes=2))
        array([[1, 0],
               [1, 1]], dtype=int32)
    """
    with composed(name, "confusion_matrix", labels, predictions, weights) as scope:
        given = [reshape(cast(v, "int64"), [-1]) for v in (labels, predictions)]
        each = ones_like(given[0], dtype=dtype) if weights is None else reshape(cast(weights, dtype), [-1])
        if num_classes is None:
            num_classes = maximum(maximum(reduce_max(given[0]), reduce_max(given[1])), -1) + 1
        count = number_or_tensor(num_classes)
        if isinstance(count, Tensor):
            return scatter_nd(stack(given, 1), each, packed([count, count]), name=scope)
        count = whole_number("confusion_matrix", "num_classes", count)
        truth, found = (checked_range(w, v, count) for w, v in zip(("labels", "predictions"), given, strict=True))
        rows, columns = (one_hot(v, count, dtype="float64") for v in (truth, found))
        return cast(matmul(rows * cast(each[:, None], "float64"), columns, transpose_a=True), dtype, scope)


def reduce_variance(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Compute the variance over axes: E[(x − E[x])²].

    Args:
        input_tensor: A tensor of floating-point dtype.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `input_tensor`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.

    Example:
        >>> tf.Session().run(tf.math.reduce_variance([[1.0, 3.0], [2.0, 8.0]], axis=1))
        array([1., 9.], dtype=float32)
    """
    with composed(name, "reduce_variance", input_tensor):
        given = convert_to_tensor(input_tensor)
        x = widened(given)
        variance = reduce_mean(square(x - reduce_mean(x, axis, keepdims=True)), axis, keepdims=keepdims)
        return cast(variance, given.dtype)


def reduce_std(
    input_tensor: TensorLike, axis: AxisLike = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Compute the standard deviation over axes: √E[(x − E[x])²].

    Args:
        input_tensor: A tensor of floating-point dtype.
        axis: The axis or axes to reduce; None for all.
        keepdims: Whether to keep the reduced axes, with size 1.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `input_tensor`, without the reduced axes unless `keepdims` is True.

    Raises:
        ShapeError: An axis is out of range.

    Example:
        >>> tf.Session().run(tf.math.reduce_std([[1.0, 3.0], [2.0, 8.0]], axis=1))
        array([1., 3.], dtype=float32)
    """
    with composed(name, "reduce_std", input_tensor):
        given = convert_to_tensor(input_tensor)
        return cast(sqrt(reduce_variance(widened(given), axis, keepdims)), given.dtype)
