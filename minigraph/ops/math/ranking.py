"""The largest elements along the last axis, and looking elements up along it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import bool_, int32, int64
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.indices import require_below
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, cast, where
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index, Inside
from minigraph.loops.kernel import ADD, Kernel
from minigraph.loops.refusal import outside
from minigraph.ops.array.known import make_late, whole_number
from minigraph.ops.builder import apply, apply_all, composed, first, require_gradient, require_real, require_shape

__all__ = ["in_top_k", "top_k"]

_X = np.array([[0.3, 2.0, -1.0, 1.5], [4.0, -2.0, 0.5, 3.0]])
_PLACES = np.array([[1, 3], [0, 1]], np.int32)


SHORT = 256  # longest rows that are ranked by counting


def _rows(type: TensorType) -> tuple[int, int]:
    """The shape as (rows, length of a row)."""
    width = type.static[-1]
    return math.prod(type.static[:-1]), width


class TopK(NamedTuple):
    """The results of `top_k`."""

    values: Tensor
    indices: Tensor


class TopKV2(Op):
    """The k largest elements along the last axis in descending order, and their indices; ties keep their order.

    If `largest` is False, the k smallest in ascending order. NaN is above all numbers.
    """

    k: int
    sorted: bool = True
    largest: bool = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_real(type(self).__name__, x)
        if self.k < 0:
            raise ShapeError(f"Need k >= 0, got {self.k}")
        if x.shape is None:
            return TensorType(x.dtype, None), TensorType(int32, None)
        if not x.shape or (x.shape[-1] is not None and x.shape[-1] < self.k):
            last = x.shape[-1] if x.shape else format_shape(x.shape)
            raise ShapeError(f"input must have last dimension >= k = {self.k} but is {last}")
        shape = (*x.shape[:-1], self.k)
        return TensorType(x.dtype, shape), TensorType(int32, shape)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        if self.largest:  # the ascending order of the reversed row, reversed, in which ties keep their order
            order = x.shape[-1] - 1 - xp.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
        else:
            order = xp.argsort(x, axis=-1, kind="stable")
        places = order[..., : self.k]
        return xp.take_along_axis(x, places, axis=-1), places.astype(np.int32)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """Each element counts those that come before it, and stands at that place. For short rows."""
        k, (rows, width) = Statement("top_k"), _rows(in_types[0])
        if width > SHORT or in_types[0].dtype.is_bool:
            return None
        x, values, places = k.operand(in_types[0], (rows, width)), *(k.result(t, (rows, self.k)) for t in out_types)
        with k.over(rows, width) as (i, j):
            mine = k.let(x[i, j])

            def term(n: Index) -> list[Scalar]:
                other, earlier = x[i, n], call("less", k.number(n, int32), k.number(j, int32))
                first, second = (other, mine) if self.largest else (mine, other)
                ahead, tied = call("greater", first, second), call("equal", other, mine)
                if x.dtype.is_floating:
                    numbers = [call("equal", v, v) for v in (first, second)]  # whether they are not NaN
                    unequal = call("logical_and", call("logical_not", numbers[0]), numbers[1])
                    ahead = call("logical_or", ahead, unequal)
                    tied = call("logical_or", tied, call("logical_not", call("logical_or", *numbers)))
                before = call("logical_or", ahead, call("logical_and", tied, earlier))
                return [cast(before, int32)]

            (count,) = k.reduce([width], ADD, [0], [int32], term)
            place = k.index(count, width)
            with k.when(Inside(place, 0, self.k)):
                k.store(values, (i, place), mine)
                k.store(places, (i, place), k.number(j, int32))
        return k.done()

    def vjp(self, node: Node, grad: Tensor | None, _places: Any = None) -> Sequence[Tensor | None]:
        assert grad is not None
        return (apply(PutAlongLast(), grad, node.outputs[1], node.inputs[0]),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(2), (_X,))
        yield Sample(cls(3, largest=False), (_X,))


def _require_rows(x: TensorType, places: TensorType) -> None:
    """ShapeError unless the places are those of elements along the last axis of `x`, row by row."""
    if x.rank == 0 or places.rank == 0:
        raise ShapeError(f"elements along the last axis of {x} at {places}")
    if x.shape is not None and places.shape is not None:
        require_shape("the tensor of places", places.shape, (*x.shape[:-1], places.shape[-1]))


class TakeAlongLast(Op):
    """x[…, places[…, j]]: elements looked up along the last axis, row by row."""

    def infer(self, x: TensorType, places: TensorType) -> tuple[TensorType, ...]:
        _require_rows(x, places)
        return (TensorType(x.dtype, places.shape),)

    def forward(self, xp: Any, x: Any, places: Any) -> tuple[Any, ...]:
        require_below("places", places, x.shape[-1])
        return (xp.take_along_axis(x, places, axis=-1),)

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel:
        return outside(in_types, in_types[0].static[-1])

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """A place out of range reads the nearest element; what prints the kernel reports it."""
        k, (rows, width), (_, count) = Statement("take_along_last"), _rows(in_types[0]), _rows(in_types[1])
        if not width:
            return None
        x, places = k.operand(in_types[0], (rows, width)), k.operand(in_types[1], (rows, count))
        y = k.result(out_types[0], (rows, count))
        with k.over(rows, count) as (i, j):
            inside = call("minimum", call("maximum", cast(places[i, j], int64), 0), width - 1)
            k.store(y, (i, j), x[i, k.index(inside, width)])
        return k.done()

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, places = node.inputs
        return apply(PutAlongLast(), grad, places, x), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, _PLACES))


class PutAlongLast(Op):
    """The adjoint of TakeAlongLast: elements added up at their places, in zeros of the shape of the third input."""

    accumulates = True

    def infer(self, grad: TensorType, places: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        require_gradient(grad, TakeAlongLast(), like, places)
        return (TensorType(grad.dtype, like.shape),)

    def forward(self, xp: Any, grad: Any, places: Any, like: Any) -> tuple[Any, ...]:
        require_below("places", places, like.shape[-1])
        rows = xp.zeros((math.prod(like.shape[:-1]), like.shape[-1]), grad.dtype)
        index = xp.arange(len(rows))[:, None]
        xp.add.at(rows, (index, places.reshape(len(rows), -1)), grad.reshape(len(rows), -1))
        return (rows.reshape(like.shape),)

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel:
        return outside(in_types, in_types[2].static[-1])

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """Each element goes through the places of its row in order."""
        k, kind = Statement("put_along_last"), accumulator(in_types[0].dtype)
        (rows, count), (_, width) = _rows(in_types[0]), _rows(out_types[0])
        grad, places = k.operand(in_types[0], (rows, count)), k.operand(in_types[1], (rows, count))
        k.operand(in_types[2])
        y = k.result(out_types[0], (rows, width))
        with k.over(rows, width) as (i, j):

            def term(n: Index) -> list[Scalar]:
                hit = call("equal", cast(places[i, n], int64), k.number(j, int64))
                return [where(hit, cast(grad[i, n], kind), 0)]

            (total,) = k.reduce([count], ADD, [0], [kind], term)
            k.store(y, (i, j), total)
        return k.done()

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(TakeAlongLast(), grad, node.inputs[1]), None, None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([[1.0, 2.0], [-1.0, 0.5]]), _PLACES, _X))


class InTopKV2(Op):
    """For each row, whether fewer than k elements exceed that of the target class. False if one of these numbers is
    not finite."""

    k: int
    differentiable = False

    def infer(self, predictions: TensorType, targets: TensorType) -> tuple[TensorType, ...]:
        if predictions.rank not in (None, 2) or targets.rank not in (None, 1):
            raise ShapeError(f"'InTopKV2' takes [N,C] and targets [N], not {predictions} and {targets}")
        if not targets.dtype.is_integer:
            raise DTypeError(f"'InTopKV2' takes integer targets, not {targets.dtype.name}")
        rows = None if predictions.shape is None else predictions.shape[:1]
        return (TensorType(bool_, T.merge(rows, targets.shape) or (None,)),)

    def forward(self, xp: Any, predictions: Any, targets: Any) -> tuple[Any, ...]:
        if not predictions.shape[1]:
            return (xp.zeros(targets.shape, bool),)
        inside = (targets >= 0) & (targets < predictions.shape[1])
        own = xp.take_along_axis(predictions, xp.where(inside, targets, 0)[:, None], axis=1)
        above = xp.sum(predictions > own, axis=1)
        known = xp.all(xp.isfinite(predictions) | (predictions <= own), axis=1) & xp.isfinite(own[:, 0])
        return (inside & known & (above < self.k),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        k, (rows, width) = Statement("in_top_k"), in_types[0].static
        if not width:
            return None
        x, targets, y = k.operand(in_types[0]), k.operand(in_types[1]), k.result(out_types[0])
        with k.over(rows) as (i,):
            target = k.let(cast(targets[i], int64))
            inside = call("logical_and", call("greater_equal", target, 0), call("less", target, width))
            own = k.let(x[i, k.index(where(inside, target, 0), max(width, 1))])

            def term(j: Index) -> list[Scalar]:
                above = call("greater", x[i, j], own)
                known = call("logical_or", call("isfinite", x[i, j]), call("less_equal", x[i, j], own))
                return [cast(above, int32), cast(call("logical_not", known), int32)]

            above, unknown = k.reduce([width], ADD, [0, 0], [int32, int32], term)
            among = call("logical_and", call("less", above, self.k), call("equal", unknown, 0))
            sure = call("logical_and", inside, call("isfinite", own))
            k.store(y, (i,), call("logical_and", among, sure))
        return k.done()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(2), (_X, np.array([3, 2], np.int32)))


def top_k(input: TensorLike, k: int = 1, sorted: bool = True, name: str | None = None) -> TopK:
    """Find the k largest elements along the last axis. Among equal elements the first comes first.

    NaN counts as larger than all numbers, as for `tf.reduce_max`.

    Args:
        input: A tensor of numeric dtype, with at least `k` elements along the last axis.
        k: The number of elements.
        sorted: No effect: the elements are always in descending order.
        name: Name of the node.

    Returns:
        A named tuple: `values`, the elements, of the dtype of `input`, and `indices`, their places, int32. Both have
        the shape of `input` with `k` in place of the last dimension.

    Raises:
        ShapeError: `input` is a scalar, or its last dimension is less than `k`.

    Example:
        >>> values, indices = tf.nn.top_k([3.0, 9.0, 5.0], k=2)
        >>> tf.Session().run([values, indices])
        [array([9., 5.], dtype=float32), array([1, 2], dtype=int32)]
    """
    values, indices = make_late(
        TopKV2, "k", "number", k, {"input": input}, name, "TopKV2", ("k",), sorted=bool(sorted)
    ).outputs
    return TopK(values, indices)


def smallest_k(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest elements along the last axis in ascending order, and their places. NaN comes last."""
    values, places = apply_all(TopKV2(k, True, False), x)
    return values, places


def in_top_k(predictions: TensorLike, targets: TensorLike, k: int | Tensor, name: str | None = None) -> Tensor:
    """Test whether the prediction of the target class is among the k largest.

    Classes that tie with the k-th largest count as among them. The result is False if the target's prediction is
    not finite.

    Args:
        predictions: A tensor [N, C] of floating-point dtype, a number for each class.
        targets: Class numbers, an integer tensor [N].
        k: How many of the largest predictions count: a whole number, or a tensor whose value is known.
        name: Name scope of the nodes.

    Returns:
        A bool tensor [N].

    Raises:
        ShapeError: `predictions` is not a matrix, or `targets` not a vector of its rows.
        DTypeError: `targets` is not integer.
        TypeError: `k` is not a whole number, or is not known.

    Example:
        >>> scores = [[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]]
        >>> tf.Session().run(tf.nn.in_top_k(scores, [2, 2], k=2))
        array([ True, False])
    """
    with composed(name, "in_top_k", predictions, targets):
        x = convert_to_tensor(predictions)
        known = whole_number("in_top_k", "k", k)
        x.graph.reserve_ids(0 if isinstance(k, Tensor) else 1)  # the constant
        return first(x.graph.add(InTopKV2(known), (x, convert_to_tensor(targets))))
