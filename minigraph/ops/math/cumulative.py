"""Running sums and products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core import types as T
from minigraph.core.errors import EarlyShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, cast, constant
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.loops.axes import around
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index, Inside
from minigraph.loops.kernel import ADD, MULTIPLY, Kernel, Monoid
from minigraph.ops.array.known import make_late
from minigraph.ops.builder import apply, first, same_dtype
from minigraph.ops.math.arithmetic import Mul

__all__ = ["cumprod", "cumsum"]

# y ← b + a·y, with the terms (b, a)
_LINEAR = Monoid("linear", lambda state, term: [term[0] + term[1] * state[0], term[1]], commutes=False, apart=False)
_X = np.arange(12.0).reshape(3, 4) / 4 + 0.5


class Cumulative(Op, abstract=True):
    """A running total along `axis`. `exclusive` leaves out the element itself; `reverse` starts from the end."""

    axis: int = 0
    exclusive: bool = False
    reverse: bool = False
    accumulates = True
    monoid: ClassVar[Monoid]
    neutral: ClassVar[int]

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.rank is not None and not -x.rank <= self.axis < x.rank:
            raise EarlyShapeError(f"the axis must lie in [{-x.rank}, {x.rank}), but is {self.axis}")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        moved = xp.moveaxis(x, self.axis, 0)
        ordered = moved[::-1] if self.reverse else moved
        total = self.gather(xp, ordered)
        return (xp.moveaxis(total[::-1] if self.reverse else total, 0, self.axis),)

    def gather(self, xp: Any, ordered: Any) -> Any:
        """The result along the first axis, in order."""
        raise NotImplementedError

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """Store the running value at each step of a reduction."""
        k, shape = Statement(type(self).__name__.lower()), around(in_types[0].static, self.axis)
        x, y, kind = k.operand(in_types[0], shape), k.result(in_types[0], shape), accumulator(in_types[0].dtype)
        with k.over(shape[0], shape[2], names="oi") as (o, i):

            def place(j: Index) -> tuple[Index, ...]:
                return o, shape[1] - 1 - j if self.reverse else j, i

            def keep(values: Sequence[Scalar], j: Index) -> None:
                k.store(y, place(j), values[0])

            when: dict[str, Any] = {"before" if self.exclusive else "after": keep}
            k.reduce([shape[1]], self.monoid, [self.neutral], [kind], lambda j: [cast(x[place(j)], kind)], **when)
        return k.done()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))
        yield Sample(cls(-1, True), (_X,))
        yield Sample(cls(1, False, True), (_X,))
        yield Sample(cls(1, True, True), (_X,))


class Cumsum(Cumulative):
    """y_i = Σ_{j ≤ i} x_j along `axis`; j < i with `exclusive`; from the end with `reverse`."""

    monoid, neutral = ADD, 0

    def gather(self, xp: Any, ordered: Any) -> Any:
        total = xp.cumsum(ordered, axis=0, dtype=ordered.dtype)
        return total - ordered if self.exclusive else total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(self.replace(reverse=not self.reverse), grad),)


class Cumprod(Cumulative):
    """y_i = Π_{j ≤ i} x_j along `axis`; j < i with `exclusive`; from the end with `reverse`.

    The gradient needs no division, so it is exact at zeros: ∂L/∂x_k = Π_{j<k} x_j · Σ_{i≥k} g_i·Π_{k<j≤i} x_j.
    """

    monoid, neutral = MULTIPLY, 1

    def gather(self, xp: Any, ordered: Any) -> Any:
        total = xp.cumprod(ordered, axis=0, dtype=ordered.dtype)
        return xp.concatenate([xp.ones_like(total[:1]), total[:-1]]) if self.exclusive else total

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x = node.inputs[0]
        before = apply(self.replace(exclusive=True), x)
        behind = apply(Recurrence(self.axis, not self.reverse, (int(self.exclusive), 1)), grad, x)
        return (apply(Mul(), before, behind),)


class Recurrence(Op):
    """y_i = b_{i−p} + a_{i−q}·y_{i−1} along `axis`, where `lags` is (p, q): (0, 0), (0, 1) or (1, 1).

    Elements before the first are 0. With `reverse`, i counts from the end. It is its own adjoint, with other lags.
    """

    axis: int = 0
    reverse: bool = False
    lags: tuple[int, int] = (0, 0)
    accumulates = True

    def infer(self, b: TensorType, a: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(same_dtype("Recurrence", b, a), T.merge(b.shape, a.shape)),)

    def forward(self, xp: Any, b: Any, a: Any) -> tuple[Any, ...]:
        b, a = (xp.moveaxis(v, self.axis, 0)[:: -1 if self.reverse else 1] for v in (b, a))
        y = xp.empty(b.shape, b.dtype)
        last = xp.zeros(b.shape[1:], b.dtype)
        for i in range(b.shape[0]):
            y[i], factor = (v[i - lag] if i >= lag else 0 for v, lag in zip((b, a), self.lags, strict=True))
            y[i] += factor * last
            last = y[i]
        return (xp.moveaxis(y[:: -1 if self.reverse else 1], 0, self.axis),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k, shape = Statement("recurrence"), around(out_types[0].static, self.axis)
        b, a = (k.operand(t, shape) for t in in_types)
        y, kind = k.result(out_types[0], shape), accumulator(out_types[0].dtype)
        with k.over(shape[0], shape[2], names="oi") as (o, i):

            def place(j: Index) -> tuple[Index, ...]:
                return o, shape[1] - 1 - j if self.reverse else j, i

            def term(j: Index) -> list[Scalar]:
                zero = constant(0, b.dtype)
                pairs = zip((b, a), self.lags, strict=True)
                given = [v.get(place(j - lag), zero, (Inside(j, lag, shape[1]),) if lag else ()) for v, lag in pairs]
                return [cast(v, kind) for v in given]

            def keep(values: Sequence[Scalar], j: Index) -> None:
                k.store(y, place(j), values[0])

            k.reduce([shape[1]], _LINEAR, [0, 0], [kind, kind], term, after=keep)
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * out_types[0].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        b, a = node.inputs
        back = Recurrence(self.axis, not self.reverse, {(0, 0): (0, 1), (0, 1): (0, 0), (1, 1): (1, 1)}[self.lags])
        db = apply(back, grad, a)
        state = apply(self.replace(lags=(1, 1)), b, a) if self.lags == (0, 0) else node.outputs[0]
        slope = apply(back.replace(lags=(1, 1)), grad, a) if self.lags == (0, 1) else db
        return db, apply(Mul(), state, slope)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for lags in ((0, 0), (0, 1), (1, 1)):
            for axis, reverse in ((0, False), (-1, True)):
                yield Sample(cls(axis, reverse, lags), (_X, _X[::-1] - 1.5))
            yield Sample(cls(0, False, lags), (_X[:1], _X[1:2]))  # nothing comes before the only element


def cumprod(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Compute running products along an axis: y[i] = Π x[j] over j ≤ i.

    The gradient is exact at zeros too, where TensorFlow's is NaN.

    Args:
        x: A tensor of numeric dtype.
        axis: The axis; a negative one counts from the last.
        exclusive: Whether to leave out the element itself: j < i.
        reverse: Whether to start from the end: j ≥ i, or j > i.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        EarlyShapeError: `axis` is out of range.

    Example:
        >>> tf.Session().run(tf.cumprod([1, 2, 3, 4]))
        array([ 1,  2,  6, 24], dtype=int32)
        >>> tf.Session().run(tf.cumprod([1, 2, 3, 4], exclusive=True))
        array([1, 1, 2, 6], dtype=int32)
    """
    return _cumulative(Cumprod, x, axis, exclusive, reverse, name)


def cumsum(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Compute running sums along an axis: y[i] = Σ x[j] over j ≤ i.

    Args:
        x: A tensor of numeric dtype.
        axis: The axis; a negative one counts from the last.
        exclusive: Whether to leave out the element itself: j < i.
        reverse: Whether to start from the end: j ≥ i, or j > i.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        EarlyShapeError: `axis` is out of range.

    Example:
        >>> tf.Session().run(tf.cumsum([1, 2, 3, 4]))
        array([ 1,  3,  6, 10], dtype=int32)
        >>> tf.Session().run(tf.cumsum([1, 2, 3, 4], exclusive=True))
        array([0, 1, 3, 6], dtype=int32)
    """
    return _cumulative(Cumsum, x, axis, exclusive, reverse, name)


def _cumulative(op: type[Op], x: Any, axis: Any, exclusive: bool, reverse: bool, name: str | None) -> Tensor:
    others = {"exclusive": bool(exclusive), "reverse": bool(reverse)}
    return first(make_late(op, "axis", "number", axis, {"x": x}, name, op.__name__, ("axis",), **others))
