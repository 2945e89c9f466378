"""Ops with an attribute that is a tensor: its value is found before a run, when all shapes are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.op import REGISTRY, Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.constant import Const

_X = np.arange(6.0).reshape(2, 3)


class Late(Op):
    """The op `kind` with the value of the last input as its attribute `field`.

    form: "number" or "numbers" (a scalar counts as one number). others: the other attributes, as pairs. Such graphs
    come from TensorFlow, where shapes, axes and multiples are tensors.
    """

    kind: str
    field: str
    form: str
    others: tuple[tuple[str, Any], ...] = ()
    differentiable = False

    def with_value(self, value: Any) -> Op:
        """The op that this one stands for."""
        found: Any = tuple(int(v) for v in np.asarray(value).ravel())
        if self.form == "number":
            (found,) = found
        return REGISTRY[self.kind](**{self.field: found}, **dict(self.others))

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        if not types[-1].dtype.is_integer:
            raise ShapeError(f"the {self.field} of '{self.kind}' must be integers, not {types[-1]}")
        dtype = dict(self.others).get("output_type", types[0].dtype)
        rank = types[0].rank if self.kind in ("Tile", "Transpose", "Cumsum", "Cumprod") else None
        return (TensorType(dtype, None if rank is None else (None,) * rank),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return self.with_value(arrays[-1]).forward(xp, *arrays[:-1])

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        if consts[-1] is None:
            raise ShapeError(f"the {self.field} of '{self.kind}' depends on values that are only known in the run")
        op, kept = self.with_value(consts[-1]).specialise(types[:-1], consts[:-1])
        return op, kept

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("Tile", "multiples", "numbers"), (_X, np.array([2, 1], np.int32)))
        yield Sample(cls("Sum", "axis", "numbers", (("keep_dims", True),)), (_X, np.array([1], np.int32)))


class ShapeOp(Op, abstract=True):
    """Arithmetic on shapes, done once all of them are known."""

    differentiable = False

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        if any(c is None for c in consts):
            raise ShapeError(f"'{type(self).__name__}' depends on values that are only known in the run")
        return Const(np.asarray(self.forward(np, *consts)[0])), ()


class BroadcastGradientArgs(ShapeOp):
    """The axes along which broadcasting stretched an operand: of `side` 0 or 1 of two shapes, in ascending order."""

    side: int

    def infer(self, a: TensorType, b: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(a.dtype, (None,)),)

    def forward(self, xp: Any, a: Any, b: Any) -> tuple[Any, ...]:
        rank = max(len(a), len(b))
        shapes = [(1,) * (rank - len(s)) + tuple(int(d) for d in s) for s in (a, b)]
        own, other = shapes[self.side], shapes[1 - self.side]
        lead = rank - len((a, b)[self.side])
        return (np.array([i for i in range(rank) if i < lead or own[i] == 1 != other[i]], a.dtype),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(1), (np.array([2, 3], np.int32), np.array([3], np.int32)))


class DynamicStitch(ShapeOp):
    """The elements of the second half of the inputs at the places that the first half names; later ones win."""

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        last = types[-1]
        return (TensorType(last.dtype, (None,)),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        half = len(arrays) // 2
        places, values = arrays[:half], arrays[half:]
        count = 1 + max((int(p.max()) for p in places if p.size), default=-1)
        out = np.zeros(count, values[0].dtype)
        for place, value in zip(places, values, strict=True):
            out[place.ravel()] = value.ravel()
        return (out,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(
            cls(),
            (np.array([0, 1], np.int32), np.array([1], np.int32), np.array([5, 6], np.int32), np.array([1], np.int32)),
        )


class InvertPermutation(ShapeOp):
    """The permutation that undoes another."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (np.argsort(x).astype(x.dtype),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([2, 0, 1], np.int32),))


class ConcatOffset(ShapeOp):
    """Where the operand of number `which` begins in the concatenation of tensors of the given shapes along an axis.

    Inputs: the axis, and the shapes.
    """

    which: int

    def infer(self, axis: TensorType, *shapes: TensorType) -> tuple[TensorType, ...]:
        return (shapes[self.which],)

    def forward(self, xp: Any, axis: Any, *shapes: Any) -> tuple[Any, ...]:
        before = sum(int(s[int(axis)]) for s in shapes[: self.which])
        return (np.array([before if n == int(axis) else 0 for n in range(len(shapes[0]))], shapes[0].dtype),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        shapes = np.array([2, 3], np.int32), np.array([4, 3], np.int32)
        yield Sample(cls(1), (np.array(0, np.int32), *shapes))
