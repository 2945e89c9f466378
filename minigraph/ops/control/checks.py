"""Checks and messages during a run: assertions, NaN checks, tf.Print."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType, as_dtype, bool_
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.ops.array.shape import static_value
from minigraph.ops.builder import apply, as_tensor_like, composed, first
from minigraph.ops.identity import identity
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
    "check_numerics",
    "verify_tensor_all_finite",
]

_X = np.array([1.0, -2.0, 3.5])


def _text(array: Any, count: int | None) -> str:
    """The first numbers of an array, as TensorFlow shows them."""
    flat = np.ravel(array)
    shown = 3 if count is None else (len(flat) if count < 0 else count)
    body = " ".join(str(v) for v in flat[:shown].tolist()) + ("..." if len(flat) > shown else "")
    return f"[{body}]"


def _message(parts: Sequence[Any], arrays: Sequence[Any], count: int | None) -> str:
    """The parts joined, each None replaced by the next array."""
    values = iter(arrays)
    return " ".join(f"[{p}]" if p is not None else _text(next(values), count) for p in parts)


class Assert(Op):
    """The first input. InvalidArgumentError unless all its elements are True.

    `parts` is the message: texts, and None for the next of the other inputs.
    """

    parts: tuple[Any, ...] = ()
    summarize: int | None = None
    stateful = True
    differentiable = False
    on_host = True

    def infer(self, condition: TensorType, *data: TensorType) -> tuple[TensorType, ...]:
        if condition.dtype is not bool_:
            raise DTypeError(f"'Assert' takes a bool condition, not {condition.dtype.name}")
        return (condition,)

    def forward(self, xp: Any, condition: Any, *data: Any) -> tuple[Any, ...]:
        if not np.all(condition):
            raise InvalidArgumentError(f"assertion failed: {_message(self.parts, data, self.summarize)}")
        return (condition,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(("x", None)), (np.array(True), _X))


class CheckNumerics(Op):
    """The input. InvalidArgumentError if it holds NaN or infinity. The gradient is checked too."""

    message: str
    stateful = True
    on_host = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if not x.dtype.is_floating:
            raise DTypeError(f"'CheckNumerics' takes floating-point tensors, not {x.dtype.name}")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        found = [what for what, test in (("Inf", np.isinf), ("NaN", np.isnan)) if test(x).any()]
        if found:
            raise InvalidArgumentError(f"{self.message} : Tensor had {' and '.join(found)} values")
        return (x,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        text = f"Not a number (NaN) or infinity (Inf) values detected in gradient. {self.message}"
        return (apply(CheckNumerics(text), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("x"), (_X,))


class CheckDivisor(Op):
    """The input, an integer tensor. InvalidArgumentError if it holds a zero."""

    differentiable = False
    on_host = True

    def infer(self, y: TensorType) -> tuple[TensorType, ...]:
        return (y,)

    def forward(self, xp: Any, y: Any) -> tuple[Any, ...]:
        if not np.all(y):
            raise InvalidArgumentError("Integer division by zero")
        return (y,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([2, -1]),))


class Print(Op):
    """The first input. The others are printed to standard error in the first `first_n` runs (−1: in all)."""

    message: str = ""
    first_n: int = -1
    summarize: int | None = None
    stateful = True
    on_host = True

    def infer(self, x: TensorType, *data: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any, *data: Any) -> tuple[Any, ...]:
        done = self.__dict__.setdefault("_done", [0])
        if self.first_n < 0 or done[0] < self.first_n:
            done[0] += 1
            print(self.message + "".join(_text(d, self.summarize) for d in data), file=sys.stderr)
        return (x,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (grad, *[None] * (len(node.inputs) - 1))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("x = ", 0), (_X, _X))


def Assert_(
    condition: TensorLike, data: Sequence[TensorLike], summarize: int | None = None, name: str | None = None
) -> Node:
    """Make an operation that fails unless a condition is True.

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

    Args:
        condition: A bool tensor, all of whose elements must be True.
        data: Texts and tensors for the message.
        summarize: How many elements of each tensor to show, −1 for all; by default 3.
        name: Name scope of the nodes.

    Returns:
        The operation. A run that checks it fails with InvalidArgumentError if an element is False.

    Raises:
        DTypeError: `condition` is not bool.

    Example:
        >>> x = tf.constant([4.0, 9.0])
        >>> with tf.control_dependencies([tf.Assert(x >= 0.0, ["x must not be negative:", x])]):
        ...     y = tf.sqrt(x)
        >>> tf.Session().run(y)
        array([2., 3.], dtype=float32)
    """
    parts = tuple(d if isinstance(d, str) else None for d in data)
    tensors = [as_tensor_like(d) for d in data if not isinstance(d, str)]
    with composed(name, "Assert", condition, *tensors):
        values = [convert_to_tensor(t) for t in tensors]
        test = convert_to_tensor(as_tensor_like(condition), bool_)
        return test.graph.add(Assert(parts, summarize), (test, *values))


def Print_(
    input_: TensorLike, data: Sequence[TensorLike], message: str | None = None, first_n: int | None = None,
    summarize: int | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Copy a tensor, and print a message to standard error whenever the copy is computed.

    Args:
        input_: A tensor of any dtype.
        data: The tensors to print.
        message: A text to print before them.
        first_n: How many times to print; by default, always.
        summarize: How many elements of each tensor to print, −1 for all; by default 3.
        name: Name scope of the nodes.

    Returns:
        A tensor of the value, dtype and shape of `input_`.

    Example:
        >>> x = tf.constant([1.0, 2.0])
        >>> tf.Session().run(tf.Print(x, [tf.reduce_sum(x)], message="sum: "))
        array([1., 2.], dtype=float32)
    """
    with composed(name, "Print", input_, *data) as scope:
        x = convert_to_tensor(as_tensor_like(input_))
        shown = [convert_to_tensor(as_tensor_like(d)) for d in data]
        op = Print(message or "", -1 if first_n is None else first_n, summarize)
        return first(x.graph.add(op, (x, *shown), scope))


def checked_divisor(x: Any, y: Any) -> Any:
    """`y`, the divisor of `x`. For integers, a run in which it holds a zero fails with InvalidArgumentError."""
    x, y = as_tensor_like(x), as_tensor_like(y)
    given = next((t for t in (y, x) if isinstance(t, Tensor)), None)
    if given is None or not given.dtype.is_integer:
        return y
    known = static_value(y) if isinstance(y, Tensor) else y
    if known is not None and np.all(known):
        return y
    with given.graph.as_default():
        given.graph.reserve_ids(-1)  # TensorFlow's division makes the check itself
        return apply(CheckDivisor(), convert_to_tensor(y, given.dtype))


def check_numerics(tensor: TensorLike, message: str, name: str | None = None) -> Tensor:
    """Copy a tensor, and fail if it holds NaN or infinity. The gradient is checked too.

    Args:
        tensor: A tensor of floating-point dtype.
        message: The beginning of the error message.
        name: Name scope of the nodes.

    Returns:
        A tensor of the value, dtype and shape of `tensor`. A run in which it is not finite fails with
        InvalidArgumentError.

    Raises:
        DTypeError: `tensor` is not floating-point.

    Example:
        >>> x = tf.placeholder(tf.float32, [])
        >>> tf.Session().run(tf.check_numerics(1.0 / x, "1 / x"), {x: 4.0}).item()
        0.25
    """
    with composed(name, "CheckNumerics", tensor) as scope:
        x = convert_to_tensor(as_tensor_like(tensor))
        return first(x.graph.add(CheckNumerics(message), (x,), scope))


def verify_tensor_all_finite(
    t: TensorLike | None = None, msg: str | None = None, name: str | None = None, x: TensorLike | None = None,
    message: str | None = None,
) -> Tensor:  # fmt: skip
    """Copy a tensor, and fail if it holds NaN or infinity.

    Args:
        t: A tensor of floating-point dtype.
        msg: The beginning of the error message.
        name: Name scope of the nodes.
        x: Newer name of `t`.
        message: Newer name of `msg`.

    Returns:
        A tensor of the value, dtype and shape of `t`. A run in which it is not finite fails with
        InvalidArgumentError.

    Raises:
        DTypeError: `t` is not floating-point.

    Example:
        >>> tf.Session().run(tf.verify_tensor_all_finite([1.0, 2.0], "the loss"))
        array([1., 2.], dtype=float32)
    """
    with composed(name, "VerifyFinite", x if t is None else t):
        value = convert_to_tensor(as_tensor_like(x if t is None else t))
        check = check_numerics(value, (message if msg is None else msg) or "")
        with value.graph.control_dependencies([check]):
            return identity(value, name="control_dependency")


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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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
    tensor = convert_to_tensor(as_tensor_like(x))
    return tensor, tensor.dtype.np_dtype.type(0)


def assert_positive(
    x: TensorLike, data: Sequence[TensorLike] | None = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Make an operation that fails unless x > 0 for all elements.

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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

    Runs check it if they compute a tensor that depends on it: see `tf.control_dependencies`.

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
    tensor = convert_to_tensor(as_tensor_like(x))
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
    value = convert_to_tensor(as_tensor_like(tensor))
    if value.dtype is not kind:
        raise DTypeError(f"{message or ''}  {value.name} must be of type {kind.name}")
    return no_op(name or "statically_determined_correct_type")
