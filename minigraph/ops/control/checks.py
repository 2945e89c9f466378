"""Checks and messages during a run: tf.Assert, NaN checks, tf.Print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import bool_, int64
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.indices import element_name, out_of_range, require_below
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, where
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index
from minigraph.loops.kernel import MINIMUM, OR, Kernel
from minigraph.loops.refusal import is_outside
from minigraph.ops.array.known import static_value
from minigraph.ops.builder import apply, as_tensor_like, composed, first
from minigraph.ops.identity import identity

__all__ = ["check_numerics", "verify_tensor_all_finite"]

_X = np.array([1.0, -2.0, 3.5])


def _text(array: Any, count: int | None) -> str:
    """The first numbers of an array, as TensorFlow shows them."""
    flat = np.ravel(array)
    shown = _shown(len(flat), count)
    body = " ".join(str(v) for v in flat[:shown].tolist()) + ("..." if len(flat) > shown else "")
    return f"[{body}]"


def _shown(size: int, count: int | None) -> int:
    """How many of `size` elements a message shows."""
    return min(size, 3 if count is None else (size if count < 0 else count))


def _copied(op: Op, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
    """The kernel of an op that gives its first operand if it does not refuse it."""
    refusal = op.refusal(in_types)
    if refusal is None:
        return None
    k = Statement("checked")
    x, *_ = (k.operand(t, (t.size,)) for t in in_types)
    y = k.result(out_types[0], (out_types[0].size,))
    with k.over(y.size) as (i,):
        k.store(y, (i,), x[i])
    return k.done()


def _first(types: Sequence[TensorType], wrong: Callable[[Scalar], Scalar]) -> Kernel | None:
    """Whether an integer is wrong; the place and the value of the first one that is."""
    if not types[0].size:
        return None
    k, size = Statement("first"), types[0].size
    x, *_ = (k.operand(t, (t.size,)) for t in types)
    found, place, value = (k.result(TensorType(kind, (1,))) for kind in (bool_, int64, int64))
    with k.over(1) as (n,):
        at = lambda i: [where(wrong(x[i]), k.number(i, int64), size)]  # noqa: E731
        (first_one,) = k.reduce([size], MINIMUM, [size], [int64], at)
        k.store(found, (n,), call("less", first_one, size))
        index = k.index(call("minimum", first_one, size - 1), size)
        k.store(place, (n,), k.number(index, int64))
        k.store(value, (n,), x[index])
    return k.done()


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
    checks = True
    differentiable = False

    def infer(self, condition: TensorType, *data: TensorType) -> tuple[TensorType, ...]:
        if condition.dtype is not bool_:
            raise DTypeError(f"'Assert' takes a bool condition, not {condition.dtype.name}")
        return (condition,)

    def forward(self, xp: Any, condition: Any, *data: Any) -> tuple[Any, ...]:
        if not np.all(condition):
            raise self.refused([], condition, *data)
        return (condition,)

    loops = _copied

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        """The evidence is what the message shows of the data."""
        if any(t.dtype.np_dtype.kind not in "fiub" for t in in_types):
            return None
        k = Statement("assert")
        condition, *data = (k.operand(t, (t.size,)) for t in in_types)
        found = k.result(TensorType(bool_, (1,)))
        with k.over(1) as (n,):
            wrong = lambda i: [call("logical_not", condition[i])]  # noqa: E731
            k.store(found, (n,), k.reduce([condition.size], OR, [False], [bool_], wrong)[0])
        for x in data:
            # One element more than is shown tells that there are more.
            shown = min(x.size, _shown(x.size, self.summarize) + 1)
            y = k.result(TensorType(x.dtype, (shown,)))
            if shown:
                with k.over(shown) as (i,):
                    k.store(y, (i,), x[i])
        return k.done()

    def refused(self, in_types: Sequence[TensorType], *evidence: Any) -> Exception:
        return InvalidArgumentError(f"assertion failed: {_message(self.parts, evidence[1:], self.summarize)}")

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(("x", None)), (np.array(True), _X))


class CheckNumerics(Op):
    """The input. InvalidArgumentError if it holds NaN or infinity. The gradient is checked too."""

    message: str
    stateful = True
    checks = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if not x.dtype.is_floating:
            raise DTypeError(f"'CheckNumerics' takes floating-point tensors, not {x.dtype.name}")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        found = [test(x).any() for test in (np.isinf, np.isnan)]
        if any(found):
            raise self.refused([], found)
        return (x,)

    loops = _copied

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        k, size = Statement("check_numerics"), in_types[0].size
        x, found = k.operand(in_types[0], (size,)), k.result(TensorType(bool_, (2,)))
        with k.over(1):

            def term(i: Index) -> list[Scalar]:
                nan = call("isnan", x[i])
                return [call("logical_not", call("logical_or", nan, call("isfinite", x[i]))), nan]

            for n, value in enumerate(k.reduce([size], OR, [False, False], [bool_, bool_], term)):
                k.store(found, (Index({}, n),), value)
        return k.done()

    def refused(self, in_types: Sequence[TensorType], *evidence: Any) -> Exception:
        found = [what for what, some in zip(("Inf", "NaN"), evidence[0], strict=True) if some]
        return InvalidArgumentError(f"{self.message} : Tensor had {' and '.join(found)} values")

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        text = f"Not a number (NaN) or infinity (Inf) values detected in gradient. {self.message}"
        return (apply(CheckNumerics(text), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("x"), (_X,))


def _zero_divisor(shape: tuple[int, ...], position: int) -> InvalidArgumentError:
    return InvalidArgumentError(f"Integer division by zero: {element_name('the divisor', shape, position)} = 0")


class CheckDivisor(Op):
    """The input, an integer tensor. InvalidArgumentError if it holds a zero."""

    differentiable = False

    def infer(self, y: TensorType) -> tuple[TensorType, ...]:
        return (y,)

    def forward(self, xp: Any, y: Any) -> tuple[Any, ...]:
        if not np.all(y):
            raise _zero_divisor(y.shape, int(np.argmin(y.ravel() != 0)))
        return (y,)

    loops = _copied

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        return _first(in_types, lambda y: call("equal", y, 0))

    def refused(self, in_types: Sequence[TensorType], *evidence: Any) -> Exception:
        return _zero_divisor(in_types[0].static, int(evidence[1].item()))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([2, -1]),))


class CheckRange(Op):
    """The first input, integers. InvalidArgumentError unless each is in [0, limit).

    `what` names the integers in the message. A limit of None is the size of the second input along its first axis.
    """

    what: str
    limit: int | None = None
    differentiable = False

    def infer(self, x: TensorType, like: TensorType | None = None) -> tuple[TensorType, ...]:
        if not x.dtype.is_integer:
            raise DTypeError(f"'CheckRange' takes integers, not {x.dtype.name}")
        if self.limit is None and (like is None or like.rank == 0):
            raise ShapeError(f"'CheckRange' takes the limit from the first axis of a tensor, not {like}")
        return (x,)

    def forward(self, xp: Any, x: Any, like: Any = None) -> tuple[Any, ...]:
        require_below(self.what, x, len(like) if self.limit is None else self.limit)
        return (x,)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return self.replace(limit=types[1].static[0] if self.limit is None else self.limit), (0,)

    loops = _copied

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        limit = self.limit
        return None if limit is None else _first(in_types, lambda x: is_outside(x, limit))

    def refused(self, in_types: Sequence[TensorType], *evidence: Any) -> Exception:
        assert self.limit is not None
        value = int(evidence[2].astype(in_types[0].dtype.np_dtype).item())
        return out_of_range(self.what, in_types[0].static, int(evidence[1].item()), value, self.limit)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("labels", 3), (np.array([2, 0]),))
        yield Sample(cls("labels"), (np.array([2, 0]), _X))


class Print(Op):
    """The first input. The others are printed to standard error in the first `first_n` runs (−1: in all)."""

    message: str = ""
    first_n: int = -1
    summarize: int | None = None
    stateful = True
    checks = True
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

    A run checks it if it fetches the result or depends on it: see `tf.control_dependencies`.

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
        test = convert_to_tensor(condition, bool_)
        test.graph.reserve_ids(9 + 2 * sum(p is not None for p in parts) + len({*values}))  # TensorFlow makes a tf.cond
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
        x = convert_to_tensor(input_)
        shown = [convert_to_tensor(d) for d in data]
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


def checked_range(what: str, x: Tensor, limit: int | Tensor) -> Tensor:
    """The integers `x`. A run fails with InvalidArgumentError unless each is in [0, limit).

    limit: a number, or a tensor whose first axis has that size.
    """
    if isinstance(limit, int):
        known = static_value(x)
        if known is not None and (not known.size or 0 <= known.min() <= known.max() < limit):
            return x
        op, inputs = CheckRange(what, limit), [x]
    else:
        op, inputs = CheckRange(what), [x, limit]
    x.graph.reserve_ids(-1)  # in TensorFlow the op that takes the integers makes the check
    return apply(op, *inputs)


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
        x = convert_to_tensor(tensor)
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
    given: Any = renamed("x", x, "t", t)
    with composed(name, "VerifyFinite", given):
        value = convert_to_tensor(given)
        check = check_numerics(value, renamed("message", message, "msg", msg) or "")
        with value.graph.control_dependencies([check]):
            return identity(value, name="control_dependency")
