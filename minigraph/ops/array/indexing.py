"""Elements read and written by index tensors: gather_nd and scatter_nd."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.indices import element_name
from minigraph.core.moves import Moves, read
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import cast, constant, where
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import ShapeLike, TensorLike
from minigraph.loops.builder import Statement, accumulator, located
from minigraph.loops.kernel import ADD, Buffer, Kernel
from minigraph.loops.refusal import vectors_outside
from minigraph.ops.array.shape import fill
from minigraph.ops.builder import apply, first, require_shape

__all__ = ["gather_nd", "scatter_nd"]

_X = np.arange(12.0).reshape(3, 4)
_PLACES = np.array([[0, 1], [2, 3], [0, 1]], np.int32)


def _split(indices: TensorType, params: TensorType, kind: str) -> int | None:
    """The length of the index vectors, or None if it is unknown."""
    if not indices.dtype.is_integer:
        raise DTypeError(f"'{kind}' takes integer indices, not {indices.dtype.name}")
    if indices.rank == 0:
        raise ShapeError(f"'{kind}' takes indices of rank 1 or more")
    depth = None if indices.shape is None else indices.shape[-1]
    if depth is not None and params.rank is not None and depth > params.rank:
        raise ShapeError(f"'{kind}': index vectors of {depth} for a tensor of shape {format_shape(params.shape)}")
    return depth


def index_of(indices: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    depth = indices.shape[-1]
    outside = np.any((indices < 0) | (indices >= np.array(shape[:depth], np.int64)), axis=-1)
    if outside.any():
        place = int(np.argmax(outside.ravel()))
        vector = indices.reshape(-1, depth)[place].tolist()
        where = element_name("indices", outside.shape, place)
        raise InvalidArgumentError(f"{where} = {vector} does not index into shape [{','.join(map(str, shape))}]")
    return tuple(indices[..., i] for i in range(depth))


class Slices:
    """An array as slices at index vectors, seen by a kernel."""

    def __init__(self, indices: TensorType, shape: tuple[int, ...]) -> None:
        self.depth = indices.static[-1]
        self.count = math.prod(indices.static[:-1])
        self.size = math.prod(shape[self.depth :])
        self.shape = (*shape[: self.depth], self.size)


class GatherNd(Op):
    """params[indices[…, 0], indices[…, 1], …]."""

    def infer(self, params: TensorType, indices: TensorType) -> tuple[TensorType, ...]:
        depth = _split(indices, params, "GatherNd")
        if params.shape is None or depth is None or indices.shape is None:
            return (TensorType(params.dtype, None),)
        return (TensorType(params.dtype, indices.shape[:-1] + params.shape[depth:]),)

    def forward(self, xp: Any, params: Any, indices: Any) -> tuple[Any, ...]:
        if not indices.shape[-1]:  # each vector of length 0 stands for the whole tensor
            return (xp.array(xp.broadcast_to(params, indices.shape[:-1] + params.shape)),)
        return (xp.array(params[index_of(indices, params.shape)]),)

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves | None:
        if in_types[1].static[-1]:
            return None
        return read(in_types[0], lambda x: np.broadcast_to(x, out_types[0].static))

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """A vector out of range gives zeros, where the backend cannot refuse it."""
        of = Slices(in_types[1], in_types[0].static)
        if not of.depth or not all(of.shape):
            return None
        k = Statement("gather_nd")
        x, at = k.operand(in_types[0], of.shape), k.operand(in_types[1], (of.count, of.depth))
        y = k.result(out_types[0], (of.count, of.size))
        with k.over(of.count, names="j") as (j,):
            valid, places = located(k, at, of.shape[:-1], j)
            with k.over(of.size, names="i") as (i,):
                k.store(y, (j, i), where(valid, x[(*places, i)], constant(0, x.dtype)))
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        return vectors_outside(in_types, in_types[0].static)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        params, indices = node.inputs
        return apply(ScatterNdLike(), grad, indices, params), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, _PLACES))
        yield Sample(cls(), (_X, np.array([[1], [1]], np.int32)))
        yield Sample(cls(), (_X, np.zeros((2, 0), np.int32)))


class ScatterNdLike(Op):
    """Elements or slices added at the index vectors to zeros of the shape of the third input."""

    accumulates = True

    def infer(self, updates: TensorType, indices: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        depth = _split(indices, like, "ScatterNd")
        if None not in (depth, indices.shape, like.shape, updates.shape):
            wanted = indices.shape[:-1] + like.shape[depth:]  # type: ignore[index]
            require_shape("'ScatterNd': the tensor of updates", updates.shape, wanted)
        return (TensorType(updates.dtype, like.shape),)

    def forward(self, xp: Any, updates: Any, indices: Any, like: Any) -> tuple[Any, ...]:
        if not indices.shape[-1]:
            return (xp.asarray(updates.reshape(-1, *like.shape).sum(axis=0)).astype(updates.dtype),)
        out = xp.zeros(like.shape, updates.dtype)
        xp.add.at(out, index_of(indices, like.shape), updates)
        return (out,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """The slices one after the other, each at all of its elements at once."""
        of, kind = Slices(in_types[1], out_types[0].static), accumulator(out_types[0].dtype)
        if not all(of.shape):
            return None
        k = Statement("scatter_nd")
        x = k.operand(in_types[0], (of.count, of.size))
        at = k.operand(in_types[1], (of.count, of.depth))
        k.operand(in_types[2])
        y = k.result(out_types[0], of.shape)
        if not of.depth:
            with k.over(of.size) as (i,):
                (added,) = k.reduce([of.count], ADD, [0], [kind], lambda j: [cast(x[j, i], kind)])
                k.store(y, (i,), added)
            return k.done()
        total = y if kind is y.dtype else k.workspace(kind, of.shape)
        with k.over(*of.shape) as every:
            k.store(total, every, constant(0, kind))
        with k.over(of.size, names="i") as (i,), k.steps(of.count) as j:
            valid, places = located(k, at, of.shape[:-1], j)
            k.store(total, (*places, i), total[(*places, i)] + where(valid, cast(x[j, i], kind), 0))
        copied(k, total, y)
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        return vectors_outside(in_types, in_types[2].static)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(GatherNd(), grad, node.inputs[1]), None, None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([1.0, 2.0, 4.0]), _PLACES, _X))
        yield Sample(cls(), (np.stack([_X, 2 * _X]), np.zeros((2, 0), np.int32), _X))


def copied(k: Statement, source: Buffer, target: Buffer) -> None:
    """Copy an array to another one, unless they are the same."""
    if source is not target:
        with k.over(*source.shape) as every:
            k.store(target, every, source[tuple(every)])


def gather_nd(params: TensorLike, indices: TensorLike, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """Look up elements or slices by index vectors: params[indices[..., 0], indices[..., 1], …].

    Args:
        params: A tensor of any dtype.
        indices: An integer tensor [..., D] of index vectors. If D is less than the rank of `params`, they pick slices.
        name: Name of the node.
        batch_dims: Must be 0.

    Returns:
        A tensor of the dtype of `params` and shape indices.shape[:-1] + params.shape[D:].

    Raises:
        ValueError: `batch_dims` is not 0.
        DTypeError: `indices` is not integer.
        ShapeError: D exceeds the rank of `params`.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> tf.Session().run(tf.gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]))
        array([2, 3], dtype=int32)
    """
    if batch_dims:
        raise ValueError(f"tf.gather_nd: batch_dims={batch_dims} is not supported")
    x = convert_to_tensor(params)
    with x.graph.as_default():
        return first(x.graph.add(GatherNd(), (x, convert_to_tensor(indices, name="indices")), name))


def scatter_nd(
    indices: TensorLike, updates: TensorLike, shape: ShapeLike | TensorLike, name: str | None = None
) -> Tensor:
    """Add elements or slices at index vectors to a tensor of zeros.

    Args:
        indices: An integer tensor [..., D] of index vectors. Elements at equal vectors are added up.
        updates: A tensor of numeric dtype and shape indices.shape[:-1] + shape[D:].
        shape: The shape of the result. It may be an integer vector of the graph.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `updates` and shape `shape`.

    Raises:
        DTypeError: `indices` is not integer.
        ShapeError: The shapes do not fit together.
        InvalidArgumentError: An index is out of range; found in the run.

    Example:
        >>> tf.Session().run(tf.scatter_nd([[1], [3], [1]], [10, 20, 5], [4]))
        array([ 0, 15,  0, 20], dtype=int32)
    """
    values = convert_to_tensor(updates, name="updates")
    with values.graph.as_default(), values.graph.name_scope(name or "ScatterNd") as scope:
        places = convert_to_tensor(indices, name="indices")
        like = fill(shape, values.dtype.np_dtype.type(0), name="shape")
        return first(values.graph.add(ScatterNdLike(), (values, places, like), scope))
