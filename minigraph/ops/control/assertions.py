"""Assertions that compare tensors: tf.assert_equal and the others. tf.Assert is in `checks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op
from minigraph.core.typing import TensorLike
from minigraph.ops.array.known import static_value
from minigraph.ops.array.reshape import reshape
from minigraph.ops.builder import apply, as_tensor_like, composed, require_float
from minigraph.ops.control.checks import Assert_
from minigraph.ops.math.arithmetic import abs as absolute_value
from minigraph.ops.math.comparison import Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual, less
from minigraph.ops.math.reduce import reduce_all
from minigraph.ops.state.variable import no_op

__all__ = [
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "is_non_decreasing",
    "is_strictly_increasing",
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
        return Assert_(reduce_all(holds), [*([message] if message else []), *data], summarize)


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
    if x is y:  # also where it holds NaN, as in TensorFlow
        with composed(name, "assert_equal", x):
            return no_op()
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


def _zero(x: Any, data: Any) -> tuple[Tensor, Any]:
    tensor = convert_to_tensor(x)
    tensor.graph.reserve_ids(0 if data else -1)  # TensorFlow's message does not show the zero
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
    return assert_greater(*_zero(x, data), data, summarize, message, name or "assert_positive")


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
    return assert_greater_equal(*_zero(x, data), data, summarize, message, name or "assert_non_negative")


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
    return assert_less(*_zero(x, data), data, summarize, message, name or "assert_negative")


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
    return assert_less_equal(*_zero(x, data), data, summarize, message, name or "assert_non_positive")


def assert_near(
    x: TensorLike, y: TensorLike, rtol: float | None = None, atol: float | None = None,
    data: Sequence[TensorLike] | None = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless |x − y| < atol + rtol·|y| for all elements.

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

    Args:
        x: A tensor of floating-point dtype.
        y: A tensor of the dtype of `x`, of a shape that broadcasts against it.
        rtol: The relative tolerance; by default 10 times the distance from 1 to the next number of the dtype.
        atol: The absolute tolerance, with the same default.
        data: Texts and tensors for the error message; by default the tolerances, `x` and `y`.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if it does not hold.

    Raises:
        DTypeError: The tensors are not of one floating-point dtype.

    Example:
        >>> near = tf.assert_near([1.0, 2.0], [1.0, 2.1], rtol=0.1)
        >>> tf.Session().run(near) is None
        True
    """
    with composed(name, "assert_near", x, y):
        a = convert_to_tensor(x)
        b = convert_to_tensor(y, a.dtype)
        require_float("assert_near", a.type, b.type)
        step = 10 * float(np.finfo(a.dtype.np_dtype).eps)
        relative, absolute = (convert_to_tensor(step if t is None else t, a.dtype) for t in (rtol, atol))
        if data is None:
            head = f"x and y not equal to tolerance rtol = {relative.name}, atol = {absolute.name}"
            data = [head, f"x ({a.name}) = ", a, f"y ({b.name}) = ", b]
        with a.graph.counted_as(28):
            near = less(absolute_value(a - b), absolute + relative * absolute_value(b))
            return Assert_(reduce_all(near), [*([message] if message else []), *data], summarize)


def _rising(x: TensorLike, compare: Op, name: str) -> Tensor:
    with composed(name, name, x) as scope:
        tensor = convert_to_tensor(x)
        with tensor.graph.counted_as(35):  # TensorFlow makes a tf.cond
            flat = reshape(tensor, [-1])
            return reduce_all(apply(compare, flat[:-1], flat[1:]), name=scope)


def is_non_decreasing(x: TensorLike, name: str | None = None) -> Tensor:
    """Tell whether no element is smaller than the one before, in row-major order.

    Args:
        x: A tensor of numeric dtype.
        name: Name scope of the nodes.

    Returns:
        A bool scalar; True for fewer than two elements.

    Example:
        >>> tf.Session().run(tf.is_non_decreasing([1, 1, 2])).item()
        True
    """
    return _rising(x, LessEqual(), name or "is_non_decreasing")


def is_strictly_increasing(x: TensorLike, name: str | None = None) -> Tensor:
    """Tell whether each element is larger than the one before, in row-major order.

    Args:
        x: A tensor of numeric dtype.
        name: Name scope of the nodes.

    Returns:
        A bool scalar; True for fewer than two elements.

    Example:
        >>> tf.Session().run(tf.is_strictly_increasing([1, 1, 2])).item()
        False
    """
    return _rising(x, Less(), name or "is_strictly_increasing")
