"""Ops with an attribute that is a tensor: its value is found before a run, when all shapes are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from minigraph.core.dtypes import int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import REGISTRY, Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, apply_all, require_shape
from minigraph.ops.constant import Const
from minigraph.ops.filling import ZerosLike

_X = np.arange(6.0).reshape(2, 3)


Form = Literal["number", "numbers", "pairs"]

# The rank of the result less that of the operand, for ops of which it is known before the value.
_RANKS = {
    "ArgMax": -1, "ArgMin": -1, "ConcatV2": 0, "Cumprod": 0, "Cumsum": 0, "ExpandDims": 1, "MirrorPad": 0, "OneHot": 1,
    "Tile": 0, "TopKV2": 0, "Transpose": 0,
}  # fmt: skip

_LINEAR = {
    "ConcatV2", "Cumsum", "ExpandDims", "GatherV2", "Mean", "MirrorPad", "SplitV", "Sum", "Tile", "Transpose",
}  # fmt: skip


def as_attribute(form: Form, value: Any) -> Any:
    """Integers as an attribute of an op."""
    array = np.asarray(value)
    if form == "pairs":
        return tuple((int(a), int(b)) for a, b in array)
    numbers = tuple(int(v) for v in array.ravel())
    return numbers if form == "numbers" else numbers[0]


class Late(Op):
    """The op `kind` with the value of the last input as its attribute `field`.

    form: how the attribute holds the integers; a scalar counts as one number. others: the other attributes, as pairs.
    """

    kind: str
    field: str
    form: Form
    others: tuple[tuple[str, Any], ...] = ()

    def with_value(self, value: Any) -> Op:
        """The op that this one stands for."""
        return REGISTRY[self.kind](**{self.field: as_attribute(self.form, value)}, **dict(self.others))

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        if not types[-1].dtype.is_integer:
            raise ShapeError(f"the {self.field} of '{self.kind}' must be integers, not {types[-1]}")
        x, dtype = types[0], dict(self.others).get("output_type", types[0 if self.kind != "OneHot" else 1].dtype)
        rank = None if x.rank is None or self.kind not in _RANKS else x.rank + _RANKS[self.kind]
        shape = None if rank is None else (None,) * rank
        if self.kind == "SplitV":
            count = None if types[-1].shape is None else types[-1].shape[0]
            if count is None:
                raise ShapeError("the number of sizes of a split must be known when the graph is built")
            return (TensorType(x.dtype, None if x.rank is None else (None,) * x.rank),) * count
        if self.kind == "TopKV2":
            return TensorType(x.dtype, shape), TensorType(int32, shape)
        return (TensorType(dtype, shape),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return self.with_value(arrays[-1]).forward(xp, *arrays[:-1])

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        operands = node.inputs[:-1]
        gradient = LateGradient(self.kind, self.field, self.form, self.others, len(operands))
        pairs = [(y, g) for y, g in zip(node.outputs, grads, strict=True) if y.dtype.is_floating]
        filled = [apply(ZerosLike(), y) if g is None else g for y, g in pairs]
        found = iter(apply_all(gradient, *node.inputs, *filled))
        return [*(next(found) if t.dtype.is_floating else None for t in operands), None]

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        if consts[-1] is None:
            raise ShapeError(f"the {self.field} of '{self.kind}' depends on values that are only known in the run")
        op, kept = self.with_value(consts[-1]).specialise(types[:-1], consts[:-1])
        return op, kept

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("Tile", "multiples", "numbers"), (_X, np.array([2, 1], np.int32)))
        yield Sample(cls("Sum", "axis", "numbers", (("keep_dims", True),)), (_X, np.array([1], np.int32)))


class LateGradient(Op):
    """The gradients of a `Late` for its `count` floating operands.

    Inputs: its own, and the gradients of its floating results.
    """

    kind: str
    field: str
    form: Form
    others: tuple[tuple[str, Any], ...]
    count: int
    expands = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return tuple(t for t in types[: self.count] if t.dtype.is_floating)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        with Graph().as_default() as graph:
            made = self.expand([apply(Const(np.asarray(a))) for a in arrays], arrays)
            values: dict[Tensor, Any] = {}
            for node in graph.nodes:
                values.update(zip(node.outputs, node.op.forward(xp, *(values[t] for t in node.inputs)), strict=True))
        return tuple(values[t] for t in made)

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        """Of a linear op: its gradient is linear in the gradients that it is given, and its transpose is the op."""
        if self.kind not in _LINEAR:
            return super().vjp(node, *grads)
        given = iter(grads)
        operands = []
        for x in node.inputs[: self.count]:
            grad = next(given) if x.dtype.is_floating else x
            operands.append(apply(ZerosLike(), x) if grad is None else grad)
        op = Late(self.kind, self.field, self.form, self.others)
        results = apply_all(op, *operands, node.inputs[self.count])
        return [*[None] * (self.count + 1), *(y for y in results if y.dtype.is_floating)]

    def expand(self, inputs: Sequence[Tensor], consts: Sequence[Any]) -> Sequence[Tensor]:
        operands, grads = inputs[: self.count], iter(inputs[self.count + 1 :])
        if consts[self.count] is None:
            raise ShapeError(f"the {self.field} of '{self.kind}' depends on values that are only known in the run")
        op = Late(self.kind, self.field, self.form, self.others).with_value(consts[self.count])
        results = apply_all(op, *operands)
        for y, g in zip((y for y in results if y.dtype.is_floating), inputs[self.count + 1 :], strict=True):
            require_shape(f"the gradient of {self.kind}", g.type.shape, y.type.shape)
        found = op.vjp(results[0].node, *(next(grads) if y.dtype.is_floating else None for y in results))
        pairs = [(x, g) for x, g in zip(operands, found, strict=True) if x.dtype.is_floating]
        return [apply(ZerosLike(), x) if g is None else g for x, g in pairs]

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("Tile", "multiples", "numbers", (), 1), (_X, np.array([2, 1], np.int32), np.ones((4, 3))))


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
