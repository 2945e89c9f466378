"""Assertions that compare tensors: tf.assert_equal and the others. tf.Assert is in `checks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType, as_dtype
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op
from minigraph.core.types import format_shape
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.ops.array.shape import static_value
from minigraph.ops.builder import apply, as_tensor_like, composed
from minigraph.ops.control.checks import Assert_
from minigraph.ops.math.comparison import Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual
from minigraph.ops.math.reduce import All
from minigraph.ops.state.variable import no_op

__all__ = [
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_less",
    "assert_less_equal",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_rank",
    "assert_type",
]


def _compared(sign: str, op: Op, x: Any, y: Any, data: Any, summarize: int | None, message: Any, name: str) -> Node:
    with composed(name, name, x, y):
        given = [as_tensor_like(v) for v in (x, y)]
        like = next((v.dtype for v in given if isinstance(v, Tensor)), None)
        a, b = (v if isinstance(v, Tensor) else convert_to_tensor(v, like) for v in given)
        if data is None:
            head = f"Condition x {sign} y did not hold element-wise:"
            data = [head, f"x ({a.name}) = ", a, f"y ({b.name}) = ", b]
        holds = apply(op, a, b)
        known = static_value(a), static_value(b)
        if all(v is not None for v in known) and not np.all(op.forward(np, *known)[0]):
            texts = [d if isinstance(d, str) else str(static_value(d)) for d in data if isinstance(d, str | Tensor)]
            raise InvalidArgumentError("\n".join([message] * bool(message) + texts))
        return Assert_(apply(All(), holds), [*([message] if message else []), *data], summarize)


def assert_equal(
    x: TensorLike, y: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x = y for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric or bool dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        data: Texts and tensors for the error message; by default `x` and `y`.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` and `y` are known when the graph is built, and the check does not hold.
        DTypeError: The dtypes differ, or are not numeric or bool.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> x = tf.constant([2.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_equal(x, 2.0)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([2., 2.], dtype=float32)
    """
    return _compared("==", Equal(), x, y, data, summarize, message, name or "assert_equal")


def assert_none_equal(
    x: TensorLike, y: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x ≠ y for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric or bool dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        data: Texts and tensors for the error message; by default `x` and `y`.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` and `y` are known when the graph is built, and the check does not hold.
        DTypeError: The dtypes differ, or are not numeric or bool.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_none_equal(x, 0.0)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([1., 2.], dtype=float32)
    """
    return _compared("!=", NotEqual(), x, y, data, summarize, message, name or "assert_none_equal")


def assert_less(
    x: TensorLike, y: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x < y for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        data: Texts and tensors for the error message; by default `x` and `y`.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` and `y` are known when the graph is built, and the check does not hold.
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_less(x, 3.0)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([1., 2.], dtype=float32)
    """
    return _compared("<", Less(), x, y, data, summarize, message, name or "assert_less")


def assert_less_equal(
    x: TensorLike, y: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x ≤ y for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        data: Texts and tensors for the error message; by default `x` and `y`.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` and `y` are known when the graph is built, and the check does not hold.
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_less_equal(x, 2.0)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([1., 2.], dtype=float32)
    """
    return _compared("<=", LessEqual(), x, y, data, summarize, message, name or "assert_less_equal")


def assert_greater(
    x: TensorLike, y: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x > y for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        data: Texts and tensors for the error message; by default `x` and `y`.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` and `y` are known when the graph is built, and the check does not hold.
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_greater(x, 0.0)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([1., 2.], dtype=float32)
    """
    return _compared(">", Greater(), x, y, data, summarize, message, name or "assert_greater")


def assert_greater_equal(
    x: TensorLike, y: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x ≥ y for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts with that of `x`.
        data: Texts and tensors for the error message; by default `x` and `y`.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` and `y` are known when the graph is built, and the check does not hold.
        DTypeError: The dtypes differ, or are not numeric.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_greater_equal(x, 1.0)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([1., 2.], dtype=float32)
    """
    return _compared(">=", GreaterEqual(), x, y, data, summarize, message, name or "assert_greater_equal")


def _zero(x: Any) -> tuple[Tensor, Any]:
    tensor = convert_to_tensor(x)
    return tensor, tensor.dtype.np_dtype.type(0)


def assert_positive(
    x: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x > 0 for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        data: Texts and tensors for the error message; by default `x` and 0.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` is known when the graph is built, and the check does not hold.
        DTypeError: `x` is not numeric.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_positive(x)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([1., 2.], dtype=float32)
    """
    return assert_greater(*_zero(x), data, summarize, message, name or "assert_positive")


def assert_non_negative(
    x: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x ≥ 0 for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        data: Texts and tensors for the error message; by default `x` and 0.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` is known when the graph is built, and the check does not hold.
        DTypeError: `x` is not numeric.

    Example:
        >>> x = tf.constant([0.0, 2.0])
        >>> with tf.control_dependencies([tf.assert_non_negative(x)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([0., 2.], dtype=float32)
    """
    return assert_greater_equal(*_zero(x), data, summarize, message, name or "assert_non_negative")


def assert_negative(
    x: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x < 0 for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        data: Texts and tensors for the error message; by default `x` and 0.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` is known when the graph is built, and the check does not hold.
        DTypeError: `x` is not numeric.

    Example:
        >>> x = tf.constant([-1.0, -2.0])
        >>> with tf.control_dependencies([tf.assert_negative(x)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([-1., -2.], dtype=float32)
    """
    return assert_less(*_zero(x), data, summarize, message, name or "assert_negative")


def assert_non_positive(
    x: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x ≤ 0 for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of numeric dtype.
        data: Texts and tensors for the error message; by default `x` and 0.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        InvalidArgumentError: `x` is known when the graph is built, and the check does not hold.
        DTypeError: `x` is not numeric.

    Example:
        >>> x = tf.constant([0.0, -2.0])
        >>> with tf.control_dependencies([tf.assert_non_positive(x)]):
        ...     y = tf.identity(x)
        >>> tf.Session().run(y)
        array([ 0., -2.], dtype=float32)
    """
    return assert_less_equal(*_zero(x), data, summarize, message, name or "assert_non_positive")


def assert_rank(
    x: TensorLike, rank: int, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Check the rank of a tensor now, when the graph is built.

    Args:
        x: A tensor of known rank.
        rank: The expected rank.
        data: No effect.
        summarize: No effect.
        message: The beginning of the error message.
        name: Name of the node.

    Returns:
        An operation that does nothing.

    Raises:
        ShapeError: The rank of `x` is another one, or unknown.

    Example:
        >>> tf.assert_rank(tf.constant([1, 2]), 1).type
        'NoOp'
    """
    tensor = convert_to_tensor(x)
    if tensor.type.rank != rank:
        shape = format_shape(tensor.type.shape)
        raise ShapeError(
            f"{message or ''}.  Tensor {tensor.name} must have rank {rank}.  Received rank {tensor.type.rank}, "
            f"shape {shape}"
        )
    return no_op(name or "static_checks_determined_all_ok")


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
