"""Checks and messages while a graph runs: assertions, NaN checks, tf.Print."""

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
    """Texts, and numbers in the place of None."""
    values = iter(arrays)
    return " ".join(f"[{p}]" if p is not None else _text(next(values), count) for p in parts)


class Assert(Op):
    """Fails, with InvalidArgumentError, unless all elements of the first input are True. Gives that input.

    parts: the message: texts, and None where the next of the other inputs is shown.
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
    """The input; InvalidArgumentError where it holds NaN or infinity. The gradient is checked too."""

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
    """The input, an integer tensor; InvalidArgumentError where it holds a zero."""

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
    """The first input; the others are shown on standard error, in the first `first_n` runs (−1: in all)."""

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


def Assert_(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Node:
    """An operation that fails with InvalidArgumentError, showing `data` (texts and tensors), unless all of `condition`
    is True. It runs where something comes after it: see `tf.control_dependencies`."""
    parts = tuple(d if isinstance(d, str) else None for d in data)
    tensors = [as_tensor_like(d) for d in data if not isinstance(d, str)]
    with composed(name, "Assert", condition, *tensors):
        values = [convert_to_tensor(t) for t in tensors]
        test = convert_to_tensor(as_tensor_like(condition), bool_)
        return test.graph.add(Assert(parts, summarize), (test, *values))


def Print_(
    input_: Any, data: Any, message: str | None = None, first_n: int | None = None, summarize: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """`input_`; whenever it is computed, `message` and the first `summarize` (3) numbers of each tensor of `data` are
    shown on standard error, `first_n` times (by default always)."""
    with composed(name, "Print", input_, *data) as scope:
        x = convert_to_tensor(as_tensor_like(input_))
        shown = [convert_to_tensor(as_tensor_like(d)) for d in data]
        op = Print(message or "", -1 if first_n is None else first_n, summarize)
        return first(x.graph.add(op, (x, *shown), scope))


def checked_divisor(x: Any, y: Any) -> Any:
    """`y`, to divide `x` by. Of integers, a run in which it holds a zero fails with InvalidArgumentError."""
    x, y = as_tensor_like(x), as_tensor_like(y)
    given = next((t for t in (y, x) if isinstance(t, Tensor)), None)
    if given is None or not given.dtype.is_integer:
        return y
    known = static_value(y) if isinstance(y, Tensor) else y
    if known is not None and np.all(known):
        return y
    with given.graph.as_default():
        given.graph.reserve_ids(-1)  # TensorFlow's division checks by itself
        return apply(CheckDivisor(), convert_to_tensor(y, given.dtype))


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """`tensor`; a run in which it holds NaN or infinity fails with InvalidArgumentError."""
    with composed(name, "CheckNumerics", tensor) as scope:
        x = convert_to_tensor(as_tensor_like(tensor))
        return first(x.graph.add(CheckNumerics(message), (x,), scope))


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Tensor:
    """`t`; a run in which it holds NaN or infinity fails with InvalidArgumentError."""
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
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x = y everywhere; raised now where both are known."""
    return _compared("==", Equal(), x, y, data, summarize, message, name or "assert_equal")


def assert_none_equal(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x ≠ y everywhere; raised now where both are known."""
    return _compared("!=", NotEqual(), x, y, data, summarize, message, name or "assert_none_equal")


def assert_less(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x < y everywhere; raised now where both are known."""
    return _compared("<", Less(), x, y, data, summarize, message, name or "assert_less")


def assert_less_equal(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x ≤ y everywhere; raised now where both are known."""
    return _compared("<=", LessEqual(), x, y, data, summarize, message, name or "assert_less_equal")


def assert_greater(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x > y everywhere; raised now where both are known."""
    return _compared(">", Greater(), x, y, data, summarize, message, name or "assert_greater")


def assert_greater_equal(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x ≥ y everywhere; raised now where both are known."""
    return _compared(">=", GreaterEqual(), x, y, data, summarize, message, name or "assert_greater_equal")


def _zero(x: Any) -> tuple[Tensor, Any]:
    tensor = convert_to_tensor(as_tensor_like(x))
    return tensor, tensor.dtype.np_dtype.type(0)


def assert_positive(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x > 0 everywhere."""
    return assert_greater(*_zero(x), data, summarize, message, name or "assert_positive")


def assert_non_negative(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x ≥ 0 everywhere."""
    return assert_greater_equal(*_zero(x), data, summarize, message, name or "assert_non_negative")


def assert_negative(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x < 0 everywhere."""
    return assert_less(*_zero(x), data, summarize, message, name or "assert_negative")


def assert_non_positive(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Node:
    """An operation that fails with InvalidArgumentError unless x ≤ 0 everywhere."""
    return assert_less_equal(*_zero(x), data, summarize, message, name or "assert_non_positive")


def assert_rank(
    x: Any, rank: int, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """ValueError unless the rank of `x` is `rank`. It is checked now, so the rank must be known."""
    tensor = convert_to_tensor(as_tensor_like(x))
    if tensor.type.rank != rank:
        shape = format_shape(tensor.type.shape)
        raise ShapeError(
            f"{message or ''}.  Tensor {tensor.name} must have rank {rank}.  Received rank {tensor.type.rank}, "
            f"shape {shape}"
        )
    return no_op(name or "static_checks_determined_all_ok")


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Node:
    """TypeError unless `tensor` has that dtype."""
    kind: DType = as_dtype(tf_type)
    value = convert_to_tensor(as_tensor_like(tensor))
    if value.dtype is not kind:
        raise DTypeError(f"{message or ''}  {value.name} must be of type {kind.name}")
    return no_op(name or "statically_determined_correct_type")
