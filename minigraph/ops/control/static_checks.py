"""Checks of ranks and dtypes, which are made when the graph is built where they are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType, as_dtype, float32
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.ops.array.joining import stack
from minigraph.ops.array.known import static_value
from minigraph.ops.array.shape import rank as rank_of
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.control.checks import Assert_
from minigraph.ops.math.comparison import equal, greater_equal
from minigraph.ops.math.reduce import reduce_any
from minigraph.ops.state.variable import no_op

__all__ = [
    "assert_integer", "assert_proper_iterable", "assert_rank", "assert_rank_at_least", "assert_rank_in",
    "assert_same_float_dtype", "assert_scalar", "assert_type", "is_numeric_tensor",
]  # fmt: skip


def _rank(value: Any) -> Any:
    """A rank: a number if it is known, else a scalar."""
    known = static_value(value) if isinstance(value, Tensor) else np.asarray(value)
    dtype = value.dtype.np_dtype if isinstance(value, Tensor) else np.asarray(value).dtype
    if (known is None and value.type.rank not in (None, 0)) or (known is not None and known.ndim):
        raise ShapeError(f"Rank must be a scalar, not {value}")
    if dtype.kind not in "iu":
        raise DTypeError(f"rank must be of type int32, not {dtype}")
    return value if known is None else int(known)


def _ranked(
    x: Any, ranks: Sequence[Any], test: Callable[[Any, Any], Any], phrase: str, data: Any, summarize: int | None,
    message: str | None, name: str,
) -> Node:  # fmt: skip
    """Check that the rank stands in a relation, `test`, to one of `ranks`: now if all are known, else in the run."""
    with composed(name, name, x):
        tensor, wanted = convert_to_tensor(x), [_rank(r) for r in ranks]
        text = f"{message or ''}.  Tensor {tensor.name} must have rank {phrase}"
        if tensor.type.rank is not None and not any(isinstance(r, Tensor) for r in wanted):
            if any(_holds(test, tensor.type.rank, r) for r in wanted):
                with tensor.graph.counted_as(2 + 2 * len(ranks)):
                    return no_op("static_checks_determined_all_ok")
            told = wanted[0] if len(ranks) == 1 else tuple(wanted)
            shape = format_shape(tensor.type.shape)
            raise ShapeError(f"{text}{told}.  Received rank {tensor.type.rank}, shape {shape}")
        with tensor.graph.counted_as(8 + 4 * len(ranks)):
            found = rank_of(tensor)
            fits = reduce_any(stack([test(found, r) for r in wanted]))
            if data is None:
                data = [text, *map(convert_to_tensor, wanted), "Received shape: ", shape_of(tensor)]
            return Assert_(fits, [*([message] if message else []), *data], summarize)


def _holds(test: Any, rank: int, wanted: int) -> bool:
    return rank >= wanted if test is greater_equal else rank == wanted


def assert_rank(
    x: TensorLike, rank: int | Tensor, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Check the rank of a tensor: now if it is known, else in runs that depend on the result.

    Args:
        x: A tensor.
        rank: The expected rank.
        data: Texts and tensors for the message of a run.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name of the node.

    Returns:
        An operation. It does nothing if the rank is known; otherwise a run that depends on it fails with
        InvalidArgumentError if the rank is another one.

    Raises:
        ShapeError: The rank of `x` is another one, or `rank` is no scalar.
        DTypeError: `rank` is no integer.

    Example:
        >>> tf.assert_rank(tf.constant([1, 2]), 1).type
        'NoOp'
    """
    return _ranked(x, [rank], equal, "", data, summarize, message, name or "assert_rank")


def assert_rank_at_least(
    x: TensorLike, rank: int | Tensor, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Check that a tensor has `rank` axes or more: now if it is known, else in runs that depend on the result.

    Args:
        x: A tensor.
        rank: The least rank.
        data: Texts and tensors for the message of a run.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name of the node.

    Returns:
        An operation, as `tf.assert_rank` gives it.

    Raises:
        ShapeError: The rank of `x` is smaller, or `rank` is no scalar.
        DTypeError: `rank` is no integer.

    Example:
        >>> tf.assert_rank_at_least(tf.constant([[1, 2]]), 1).type
        'NoOp'
    """
    return _ranked(x, [rank], greater_equal, "at least ", data, summarize, message, name or "assert_rank_at_least")


def assert_rank_in(
    x: TensorLike, ranks: Sequence[int | Tensor], data: Sequence[TensorLike] | None = None,
    summarize: int | None = None, message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Check that the rank of a tensor is one of several: now if it is known, else in runs that depend on the result.

    Args:
        x: A tensor.
        ranks: The ranks that are allowed.
        data: Texts and tensors for the message of a run.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name of the node.

    Returns:
        An operation, as `tf.assert_rank` gives it.

    Raises:
        ShapeError: The rank of `x` is another one, or one of `ranks` is no scalar.
        DTypeError: One of `ranks` is no integer.

    Example:
        >>> tf.assert_rank_in(tf.constant([[1, 2]]), (1, 2)).type
        'NoOp'
    """
    return _ranked(x, list(ranks), equal, "in ", data, summarize, message, name or "assert_rank_in")


def assert_scalar(tensor: TensorLike, name: str | None = None, message: str | None = None) -> Tensor:
    """Check that a tensor is a scalar now, when the graph is built.

    Args:
        tensor: A tensor.
        name: Name scope of the nodes.
        message: The beginning of the error message.

    Returns:
        The tensor.

    Raises:
        ShapeError: It has axes, or its rank is unknown.

    Example:
        >>> tf.Session().run(tf.assert_scalar(3.0)).item()
        3.0
    """
    with composed(name, "assert_scalar", tensor):
        value = convert_to_tensor(tensor)
    if value.type.rank != 0:
        raise ShapeError(
            f"{message or ''}Expected scalar shape for {value.name}, saw shape: {format_shape(value.type.shape)}."
        )
    return value


def assert_type(tensor: TensorLike, tf_type: DTypeLike, message: str | None = None, name: str | None = None) -> Node:
    """Check the dtype of a tensor now, when the graph is built.

    Args:
        tensor: A tensor.
        tf_type: The expected dtype.
        message: The beginning of the error message.
        name: Name of the node.

    Returns:
        An operation that does nothing.

    Raises:
        DTypeError: The dtype of `tensor` is another one.

    Example:
        >>> tf.assert_type(tf.constant([1, 2]), tf.int32).type
        'NoOp'
    """
    kind: DType = as_dtype(tf_type)
    value = convert_to_tensor(tensor)
    if value.dtype is not kind:
        raise DTypeError(f"{message or ''}  {value.name} must be of type {kind.name}")
    return no_op(name or "statically_determined_correct_type")


def assert_integer(x: TensorLike, message: str | None = None, name: str | None = None) -> Node:
    """Check that a tensor is of integer dtype now, when the graph is built.

    Args:
        x: A tensor.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        An operation that does nothing.

    Raises:
        DTypeError: The dtype is no integer one.

    Example:
        >>> tf.assert_integer(tf.constant([1, 2])).type
        'NoOp'
    """
    with composed(name, "assert_integer", x):
        value = convert_to_tensor(x)
        if not value.dtype.is_integer:
            found = f"{value.name} of dtype {value.dtype.name}"
            raise DTypeError(f'{message or ""}  Expected "x" to be integer type.  Found: {found}')
        return no_op("statically_determined_was_integer")


def assert_same_float_dtype(tensors: Iterable[TensorLike] | None = None, dtype: DTypeLike | None = None) -> DType:
    """Check that tensors are of one floating-point dtype.

    Args:
        tensors: The tensors.
        dtype: The expected dtype; by default that of the first tensor.

    Returns:
        The dtype; float32 if there are no tensors.

    Raises:
        ValueError: The dtypes differ, or the dtype is no floating-point one.

    Example:
        >>> tf.assert_same_float_dtype([tf.constant(1.0), tf.constant([2.0])]).name
        'float32'
    """
    wanted = None if dtype is None else as_dtype(dtype)
    for tensor in tensors or ():
        if tensor is None:
            continue
        value = convert_to_tensor(tensor)
        if wanted is not None and value.dtype is not wanted:
            raise ValueError(f"{value.name} must be of type {wanted.name}, not {value.dtype.name}")
        wanted = value.dtype
    if wanted is not None and not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted.name}.")
    return wanted or float32


def is_numeric_tensor(tensor: Any) -> bool:
    """Tell whether a value is a tensor of numbers.

    Args:
        tensor: Any value.

    Returns:
        Whether it is a tensor of integer or floating-point dtype.

    Example:
        >>> tf.is_numeric_tensor(tf.constant(1.0)), tf.is_numeric_tensor(1.0)
        (True, False)
    """
    value = as_tensor_like(tensor)
    return isinstance(value, Tensor) and (value.dtype.is_integer or value.dtype.is_floating)


def assert_proper_iterable(values: Any) -> None:
    """Check that a value is a collection of values, not a single tensor, array or text.

    Args:
        values: Any value.

    Raises:
        TypeError: It is a tensor, an array or a text, or cannot be iterated over.

    Example:
        >>> tf.assert_proper_iterable([tf.constant(1.0)])
    """
    if isinstance(as_tensor_like(values), Tensor | np.ndarray | str | bytes):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')
