"""Elements looked up, and put, by index tensors: gather_nd, scatter_nd and the updates of parts of variables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.ops.array.shape import fill
from minigraph.ops.builder import apply, first
from minigraph.ops.state.variable import Update

__all__ = ["gather_nd", "scatter_add", "scatter_nd", "scatter_sub", "scatter_update"]

_X = np.arange(12.0).reshape(3, 4)
_PLACES = np.array([[0, 1], [2, 3], [0, 1]], np.int32)


def _split(indices: TensorType, params: TensorType, kind: str) -> int | None:
    """How many axes the index vectors go over."""
    if not indices.dtype.is_integer:
        raise DTypeError(f"'{kind}' takes integer indices, not {indices.dtype.name}")
    if indices.rank == 0:
        raise ShapeError(f"'{kind}' takes indices of rank 1 or more")
    depth = None if indices.shape is None else indices.shape[-1]
    if depth is not None and params.rank is not None and depth > params.rank:
        raise ShapeError(f"'{kind}': index vectors of {depth} for a tensor of shape {format_shape(params.shape)}")
    return depth


def _index(indices: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    depth = indices.shape[-1]
    if indices.size and ((indices < 0).any() or (indices >= np.array(shape[:depth])).any()):
        raise InvalidArgumentError(f"indices must lie in a tensor of shape {shape}")
    return tuple(indices[..., i] for i in range(depth))


class GatherNd(Op):
    """params[indices[…, 0], indices[…, 1], …]."""

    on_host = True

    def infer(self, params: TensorType, indices: TensorType) -> tuple[TensorType, ...]:
        depth = _split(indices, params, "GatherNd")
        if params.shape is None or depth is None or indices.shape is None:
            return (TensorType(params.dtype, None),)
        return (TensorType(params.dtype, indices.shape[:-1] + params.shape[depth:]),)

    def forward(self, xp: Any, params: Any, indices: Any) -> tuple[Any, ...]:
        return (xp.array(params[_index(indices, params.shape)]),)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        params, indices = node.inputs
        return apply(ScatterNdLike(), grad, indices, params), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, _PLACES))
        yield Sample(cls(), (_X, np.array([[1], [1]], np.int32)))


class ScatterNdLike(Op):
    """Elements or slices added up at the index vectors, in zeros of the shape of the third input."""

    on_host = True

    def infer(self, updates: TensorType, indices: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        depth = _split(indices, like, "ScatterNd")
        if None not in (depth, indices.shape, like.shape, updates.shape):
            wanted = indices.shape[:-1] + like.shape[depth:]  # type: ignore[index]
            if len(wanted) != len(updates.shape or ()):
                given, expected = format_shape(updates.shape), format_shape(wanted)
                raise ShapeError(f"'ScatterNd': updates of shape {given} where {expected} are needed")
        return (TensorType(updates.dtype, like.shape),)

    def forward(self, xp: Any, updates: Any, indices: Any, like: Any) -> tuple[Any, ...]:
        out = xp.zeros(like.shape, updates.dtype)
        xp.add.at(out, _index(indices, like.shape), updates)
        return (out,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(GatherNd(), grad, node.inputs[1]), None, None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([1.0, 2.0, 4.0]), _PLACES, _X))


class Scatter(Update, abstract=True):
    """A variable changed at some places of its first axis, one after the other."""

    reads = (0,)
    on_host = True
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

    def forward(self, xp: Any, ref: Any, indices: Any, updates: Any) -> tuple[Any, ...]:
        if indices.size and (indices.min() < 0 or indices.max() >= len(ref)):
            raise InvalidArgumentError(f"indices must lie in [0, {len(ref)})")
        out = xp.array(ref)
        if self.function:
            getattr(xp, self.function).at(out, indices, updates)
        else:
            out[indices] = updates
        return (out,)

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


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """params[indices[…, 0], indices[…, 1], …]: elements, or slices where the index vectors are short."""
    if batch_dims:
        raise ValueError(f"tf.gather_nd: batch_dims={batch_dims} is not supported")
    x = convert_to_tensor(params)
    with x.graph.as_default():
        return first(x.graph.add(GatherNd(), (x, convert_to_tensor(indices, name="indices")), name))


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of `shape` with `updates` added at the index vectors `indices`."""
    values = convert_to_tensor(updates, name="updates")
    with values.graph.as_default(), values.graph.name_scope(name or "ScatterNd") as scope:
        places = convert_to_tensor(indices, name="indices")
        like = fill(shape, values.dtype.np_dtype.type(0), name="shape")
        return first(values.graph.add(ScatterNdLike(), (values, places, like), scope))


def _scatter(op: Scatter, ref: Any, indices: Any, updates: Any, name: str | None) -> Tensor:
    variable = getattr(ref, "ref", None)
    kind = type(op).__name__
    if not isinstance(variable, Tensor):
        raise TypeError(f"{kind} needs a tf.Variable, not {ref!r}")
    with variable.graph.as_default(), variable.graph.name_scope(name or kind) as scope:
        places = convert_to_tensor(indices, name="indices")
        values = convert_to_tensor(updates, variable.dtype, name="updates")
        return first(variable.graph.add(op, (variable, places, values), scope))


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Tensor:
    """ref[indices] = updates, along the first axis; the last one counts where an index is there twice. The result is
    the new value."""
    return _scatter(ScatterUpdate(), ref, indices, updates, name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices] += updates, along the first axis. The result is the new value."""
    return _scatter(ScatterAdd(), ref, indices, updates, name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices] −= updates, along the first axis. The result is the new value."""
    return _scatter(ScatterSub(), ref, indices, updates, name)
