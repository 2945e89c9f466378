"""Updates of parts of variables: at indices, at index vectors, and in slices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.indices import require_below
from minigraph.core.op import Sample
from minigraph.core.scalar import call, cast, where
from minigraph.core.types import TensorType, format_shape
from minigraph.loops.builder import Statement, accumulator, located, looked_up
from minigraph.loops.index import Index
from minigraph.loops.kernel import Kernel
from minigraph.loops.refusal import outside, vectors_outside
from minigraph.ops.array.indexing import GatherNd, Slices, copied, index_of
from minigraph.ops.array.slicing import Spec, StridedSlice
from minigraph.ops.broadcast import broadcasts
from minigraph.ops.builder import require_shape
from minigraph.ops.counting import no_flops
from minigraph.ops.state.variable import Update

_X = np.arange(12.0).reshape(3, 4)


class Scatter(Update, abstract=True):
    """An update of a variable at indices of its first axis, one index after the other."""

    reads = (0,)
    scatters = True
    accumulates = True
    function: ClassVar[str] = ""

    def infer(self, ref: TensorType, indices: TensorType, updates: TensorType) -> tuple[TensorType, ...]:  # type: ignore[override]
        if not indices.dtype.is_integer or updates.dtype is not ref.dtype:
            kinds = f"{indices.dtype.name} indices and {updates.dtype.name} updates"
            raise DTypeError(f"'{type(self).__name__}' of a {ref.dtype.name} variable is given {kinds}")
        if None not in (ref.shape, indices.shape, updates.shape):
            wanted = (*indices.shape, *ref.shape[1:])  # type: ignore[misc,index]
            if updates.shape not in ((), wanted) and None not in (*wanted, *updates.shape):  # type: ignore[misc]
                given, expected = format_shape(updates.shape), format_shape(wanted)
                raise ShapeError(f"'{type(self).__name__}': updates of shape {given} where {expected} are needed")
        return (ref,)

    def places(self, indices: Any, shape: tuple[int, ...]) -> Any:
        """The indices as NumPy takes them."""
        require_below("indices", indices, shape[0])
        return indices

    def forward(self, xp: Any, ref: Any, indices: Any, updates: Any) -> tuple[Any, ...]:  # type: ignore[override]
        out, places = xp.array(ref), self.places(indices, ref.shape)
        if self.function:
            getattr(xp, self.function).at(out, places, updates)
        else:
            out[places] = updates
        return (out,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """The slices one after the other, each at all of its elements at once."""
        rows, count = in_types[0].static[0], in_types[1].size
        shape = rows, math.prod(in_types[0].static[1:])
        if not all(shape):
            return None
        k, kind, size = Statement("scatter"), accumulator(in_types[0].dtype), shape[1]
        var, at = k.variable(in_types[0], shape), k.operand(in_types[1], (count,))
        x = k.operand(in_types[2], (count, size) if in_types[2].static else ())
        now = var if kind is var.dtype else k.workspace(kind, shape)
        copied(k, var, now)
        with k.over(size, names="i") as (i,), k.steps(count) as j:
            valid, row = looked_up(k, at[j], rows)
            old, given = now[row, i], cast(x[(j, i) if x.shape else ()], kind)
            k.store(now, (row, i), where(valid, call(self.function, old, given) if self.function else given, old))
        copied(k, now, var)
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel:
        return outside(in_types, in_types[0].static[0])

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.array([2, 0, 2], np.int32), np.ones((3, 4)) * [[1.0], [2.0], [3.0]]))


class ScatterUpdate(Scatter):
    """var[i] = u."""


class ScatterAdd(Scatter):
    """var[i] += u."""

    function = "add"


class ScatterSub(Scatter):
    """var[i] −= u."""

    function = "subtract"


class ScatterMul(Scatter):
    """var[i] *= u."""

    function = "multiply"


class ScatterDiv(Scatter):
    """var[i] /= u."""

    function = "divide"


class ScatterMax(Scatter):
    """var[i] = max(var[i], u)."""

    function = "maximum"


class ScatterMin(Scatter):
    """var[i] = min(var[i], u)."""

    function = "minimum"


class ScatterNd(Scatter, abstract=True):
    """An update of a variable at index vectors, one vector after the other."""

    def infer(self, ref: TensorType, indices: TensorType, updates: TensorType) -> tuple[TensorType, ...]:  # type: ignore[override]
        wanted = GatherNd().infer(ref, indices)[0]
        if updates.dtype is not ref.dtype:
            raise DTypeError(f"'{type(self).__name__}' of a {ref.dtype.name} variable is given {updates.dtype.name}")
        require_shape(f"'{type(self).__name__}': the tensor of updates", updates.shape, wanted.shape)
        return (ref,)

    def places(self, indices: Any, shape: tuple[int, ...]) -> Any:
        return index_of(indices, shape)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        of = Slices(in_types[1], in_types[0].static)
        if not of.depth or not all(of.shape):
            return None
        k, kind = Statement("scatter_nd_update"), accumulator(in_types[0].dtype)
        var, at = k.variable(in_types[0], of.shape), k.operand(in_types[1], (of.count, of.depth))
        x = k.operand(in_types[2], (of.count, of.size))
        now = var if kind is var.dtype else k.workspace(kind, of.shape)
        copied(k, var, now)
        with k.over(of.size, names="i") as (i,), k.steps(of.count) as j:
            valid, places = located(k, at, of.shape[:-1], j)
            old, given = now[(*places, i)], cast(x[j, i], kind)
            new = call(self.function, old, given) if self.function else given
            k.store(now, (*places, i), where(valid, new, old))
        copied(k, now, var)
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:  # type: ignore[override]
        return vectors_outside(in_types, in_types[0].static)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.array([[0, 1], [2, 3], [0, 1]], np.int32), np.array([1.0, 2.0, 4.0])))
        yield Sample(cls(), (_X, np.array([[2]], np.int32), np.ones((1, 4))))


class ScatterNdUpdate(ScatterNd):
    """var[i, j, …] = u."""


class ScatterNdAdd(ScatterNd):
    """var[i, j, …] += u."""

    function = "add"


class ScatterNdSub(ScatterNd):
    """var[i, j, …] −= u."""

    function = "subtract"


class AssignSlice(Update):
    """var[spec] = value, as NumPy slices and broadcasts."""

    spec: Spec
    reads = (0,)
    scatters = True
    flops = no_flops

    def infer(self, ref: TensorType, value: TensorType) -> tuple[TensorType, ...]:
        if ref.dtype is not value.dtype:
            raise DTypeError(f"a slice of a {ref.dtype.name} variable is assigned {value.dtype.name}")
        part = StridedSlice(self.spec).infer(ref)[0].shape
        if part is not None and value.shape is not None and not broadcasts(value.shape, part):
            raise ShapeError(f"a value of shape {format_shape(value.shape)} for a slice of shape {format_shape(part)}")
        return (ref,)

    def forward(self, xp: Any, ref: Any, value: Any) -> tuple[Any, ...]:
        out = xp.array(ref)
        out[StridedSlice(self.spec).index] = value
        return (out,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        ref, value = in_types
        part = StridedSlice(self.spec).moves([ref], []).parts
        if not part:  # an empty slice
            return None
        (shape, source, _), lengths = part[0], value.static
        k = Statement("assign_slice")
        var, x = k.variable(ref, (ref.size,)), k.operand(value)
        with k.over(1, *shape) as (_, *at):
            place = sum((i * stride for i, stride in zip(at, source.strides, strict=True)), Index.of(source.offset))
            own = [0 if n == 1 else i for i, n in zip(at[len(at) - len(lengths) :], lengths, strict=True)]
            k.store(var, (place,), x[tuple(own)])
        return k.done()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((("slice", 0, 2, None), ("index", -1))), (_X, np.ones(2)))
        yield Sample(cls((("slice", None, None, -2), ("new",), ("slice", 1, None, None))), (_X, -_X[:2, None, :1]))
        yield Sample(cls((("index", 1), ("index", 2))), (_X, np.array(7.0)))
