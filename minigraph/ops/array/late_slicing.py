"""`x[a:b]` with bounds and places that are tensors of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.array.joining import stack as stacked
from minigraph.ops.array.shape import static_value, value_nodes
from minigraph.ops.array.slicing import Spec, StridedSlice, StridedSliceGrad, as_entry
from minigraph.ops.array.slicing import getitem as sliced
from minigraph.ops.builder import apply, as_tensor_like, composed
from minigraph.ops.host.decided import decided
from minigraph.ops.math.casting import cast

_X = np.arange(6.0).reshape(2, 3)
_SPEC: Spec = (("slice", (0,), (1,), None), ("index", (0,)))


class LateSlice(Op):
    """x[spec], where `(k,)` in place of a number stands for the element k of the second input, a vector."""

    spec: Spec

    def with_numbers(self, numbers: Any) -> Spec:
        """The spec with these numbers in it."""
        return tuple(
            (kind, *(int(numbers[a[0]]) if isinstance(a, tuple) else a for a in args)) for kind, *args in self.spec
        )

    def infer(self, x: TensorType, numbers: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (TensorType(x.dtype, None),)
        dims, axis = list(x.shape), 0
        takes = [entry for entry in self.spec if entry[0] in ("slice", "index")]
        for kind, *args in self.spec:
            if kind == "rest":
                axis += len(dims) - len(takes)
            elif kind != "new":
                if any(isinstance(a, tuple) for a in args) and axis < len(dims):
                    dims[axis] = None
                axis += 1
        free = TensorType(x.dtype, tuple(dims))
        return StridedSlice(self.with_numbers(np.ones(len(self.spec) * 3, int))).infer(free)

    def forward(self, xp: Any, x: Any, numbers: Any) -> tuple[Any, ...]:
        return StridedSlice(self.with_numbers(numbers)).forward(xp, x)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return StridedSlice(self.with_numbers(_known(consts[1]))), (0,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, numbers = node.inputs
        return apply(LateSliceGrad(self.spec), grad, x, numbers), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(_SPEC), (_X, np.array([1, 2], np.int32)))


class LateSliceGrad(Op):
    """Zeros like the second input, with the first one where `LateSlice` with the numbers of the third one reads."""

    spec: Spec

    def infer(self, grad: TensorType, x: TensorType, numbers: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, grad: Any, x: Any, numbers: Any) -> tuple[Any, ...]:
        return StridedSliceGrad(LateSlice(self.spec).with_numbers(numbers)).forward(xp, grad, x)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return StridedSliceGrad(LateSlice(self.spec).with_numbers(_known(consts[2]))).specialise(types[:2], consts[:2])

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(LateSlice(self.spec), grad, node.inputs[2]), None, None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(_SPEC), (_X[1:2, 1], _X, np.array([1, 2], np.int32)))


def _known(numbers: Any) -> Any:
    if numbers is None:
        raise ShapeError("the bounds of a slice depend on values that are only known in the run")
    return numbers


def getitem(x: Any, key: Any) -> Tensor:
    """x[key] with integers, integer scalars of the graph, slices of both, None and `...`."""
    keys = key if isinstance(key, tuple) else (key,)
    found: list[Tensor] = []
    entries = tuple(_entry(k, found) for k in keys)
    if not found:
        return sliced(x, entries)
    with composed(None, "strided_slice", x, *found):
        numbers = stacked([cast(t, int32) for t in found])
        late = decided(numbers) if any(n.op.stateful for t in found for n in value_nodes(t)) else numbers
        spec = tuple(e if isinstance(e, tuple) else as_entry(e) for e in entries)
        return apply(LateSlice(spec), as_tensor_like(x), late)


def _entry(key: Any, found: list[Tensor]) -> Any:
    """The key with the numbers of its tensors that are known; an entry of a spec if others are left."""
    if isinstance(key, slice):
        parts = [_number(p, found) for p in (key.start, key.stop, key.step)]
        if any(isinstance(p, tuple) for p in parts):
            return ("slice", *(p if p is None or isinstance(p, tuple) else int(p.__index__()) for p in parts))
        return slice(*parts)
    number = _number(key, found)
    return ("index", number) if isinstance(number, tuple) else number


def _number(value: Any, found: list[Tensor]) -> Any:
    """The number that an integer scalar of the graph is known to have; `(k,)` for one that becomes `found[k]`."""
    tensor = as_tensor_like(value)
    if not isinstance(tensor, Tensor) or not tensor.dtype.is_integer or tensor.type.rank not in (None, 0):
        return value
    known = static_value(tensor)
    if known is not None:
        return int(known)
    found.append(tensor)
    return (len(found) - 1,)
