"""Joining and splitting tensors: concat, split, stack, unstack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor, install_constant
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.moves import Moves, View, at, read, write
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.known import is_packed, make_late, number_or_tensor
from minigraph.ops.builder import apply, apply_all, first, graph_of, make, require_gradient, same_dtype
from minigraph.ops.constant import constant
from minigraph.ops.counting import no_flops
from minigraph.ops.filling import ZerosLike

__all__ = ["concat", "split", "stack", "unstack"]

_X = np.arange(6.0).reshape(2, 3)


def checked_axis(axis: int, rank: int, what: str) -> int:
    if not -rank <= axis < rank:
        raise ShapeError(f"{what}: axis {axis} is out of range for rank {rank}")
    return axis % rank


def _sections(types: Sequence[TensorType], axis: int) -> list[View]:
    """The section that each array takes up in the concatenation along an axis."""
    axis %= len(types[0].static)
    ends = accumulate((t.static[axis] for t in types), initial=0)
    return [at((slice(None),) * axis + (slice(a, b),)) for a, b in pairwise(ends)]


def _slices(count: int, axis: int) -> list[View]:
    """The first `count` slices along an axis."""
    return [at((slice(None),) * axis + (i,)) for i in range(count)]


class ConcatV2(Op):
    """Concatenation of tensors along `axis`."""

    axis: int

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        dtype = same_dtype("ConcatV2", *types)
        known = [t.shape for t in types if t.shape is not None]
        if not known:
            return (TensorType(dtype, None),)
        rank = len(known[0])
        axis = checked_axis(self.axis, rank, "concat")
        shape: T.Shape = (None,) * rank
        for other in known:
            if len(other) != rank:
                raise ShapeError(f"Ranks differ in concat: {format_shape(known[0])} and {format_shape(other)}")
            shape = T.merge(shape, (*other[:axis], None, *other[axis + 1 :]))
        assert shape is not None
        total = 0
        for kind in types:
            length = None if kind.shape is None else kind.shape[axis]
            if length is None:
                return (TensorType(dtype, shape),)
            total += length
        return (TensorType(dtype, (*shape[:axis], total, *shape[axis + 1 :])),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return (xp.concatenate(arrays, axis=self.axis),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return write(out_types[0], *_sections(in_types, self.axis))

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        along_batch = self.axis % len(out_types[0].static) == 0
        return None if along_batch else Batching((True,) * len(in_types), (False,))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply_all(ConcatGrad(self.axis), grad, *node.inputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(1), (_X, _X[:, :2] + 9))
        yield Sample(cls(0), (_X, _X[:1], _X))


class ConcatGrad(Op):
    """The first input cut along `axis` into pieces of the shapes of the others."""

    axis: int

    def infer(self, grad: TensorType, *likes: TensorType) -> tuple[TensorType, ...]:
        require_gradient(grad, ConcatV2(self.axis), *likes)
        return tuple(TensorType(grad.dtype, t.shape) for t in likes)

    def forward(self, xp: Any, grad: Any, *likes: Any) -> tuple[Any, ...]:
        ends = np.cumsum([a.shape[self.axis] for a in likes])[:-1]
        return tuple(xp.split(grad, [int(e) for e in ends], axis=self.axis))

    flops = no_flops

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        filled = [apply(ZerosLike(), t) if g is None else g for g, t in zip(grads, node.outputs, strict=True)]
        return (apply(ConcatV2(self.axis), *filled), *([None] * len(grads)))

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return SplitV(tuple(t.static[self.axis] for t in types[1:]), self.axis), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(1), (_X, np.ones((2, 2)), np.ones((2, 1))))


class SplitV(Op):
    """Pieces of the given `sizes` along `axis`; with sizes None, `count` equal pieces."""

    sizes: tuple[int, ...] | None
    axis: int
    count: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        number = self.count if self.sizes is None else len(self.sizes)
        if x.shape is None:
            return (x,) * number
        axis = checked_axis(self.axis, len(x.shape), "split")
        length = x.shape[axis]
        if length is not None and (length % self.count if self.sizes is None else sum(self.sizes) != length):
            wanted = f"{self.count} equal pieces" if self.sizes is None else f"pieces of {list(self.sizes)}"
            raise ShapeError(f"Dimension {axis} of size {length} cannot be split into {wanted}")
        sizes = self.sizes or (None if length is None else length // self.count,) * number
        return tuple(TensorType(x.dtype, (*x.shape[:axis], s, *x.shape[axis + 1 :])) for s in sizes)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        where = self.count if self.sizes is None else [int(e) for e in np.cumsum(self.sizes)[:-1]]
        return tuple(xp.split(x, where, axis=self.axis))

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return read(in_types[0], *_sections(out_types, self.axis))

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        filled = [apply(ZerosLike(), t) if g is None else g for g, t in zip(grads, node.outputs, strict=True)]
        return (apply(ConcatV2(self.axis), *filled),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((1, 2), 1), (_X,))
        yield Sample(cls(None, 1, 3), (_X,))


class Pack(Op):
    """Tensors of one shape as the slices of a new axis."""

    axis: int = 0

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        dtype = same_dtype("Pack", *types)
        shape = types[0].shape
        for other in types[1:]:
            shape = T.merge(shape, other.shape)
        if shape is None:
            return (TensorType(dtype, None),)
        axis = checked_axis(self.axis, len(shape) + 1, "stack")
        return (TensorType(dtype, (*shape[:axis], len(types), *shape[axis:])),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return (xp.stack(arrays, axis=self.axis),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return write(out_types[0], *_slices(len(in_types), self.axis % len(out_types[0].static)))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply_all(Unpack(len(node.inputs), self.axis), grad)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(1), (_X, _X + 1))


class Unpack(Op):
    """The slices along `axis`."""

    num: int
    axis: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (x,) * self.num
        axis = checked_axis(self.axis, len(x.shape), "unstack")
        if x.shape[axis] not in (None, self.num):
            raise ShapeError(f"Dimension {axis} of {format_shape(x.shape)} cannot be unstacked into {self.num}")
        return (TensorType(x.dtype, (*x.shape[:axis], *x.shape[axis + 1 :])),) * self.num

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return tuple(xp.moveaxis(x, self.axis, 0))

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return read(in_types[0], *_slices(self.num, self.axis % len(in_types[0].static)))

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        filled = [apply(ZerosLike(), t) if g is None else g for g, t in zip(grads, node.outputs, strict=True)]
        return (apply(Pack(self.axis), *filled),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(3, 1), (_X,))


def _constant_or_packed(value: Any, dtype: Any = None, name: str = "Const") -> Tensor:
    if is_packed(value):
        known = next((v for v in value if isinstance(v, Tensor)), None)
        wanted = dtype or (None if known is None else known.dtype)
        return stack([convert_to_tensor(v, wanted) for v in value], name=f"{name}/packed")
    return constant(value, dtype=dtype, name=name)


install_constant(_constant_or_packed)


def _named(prefix: str, tensors: Sequence[Any]) -> dict[str, Any]:
    return {f"{prefix}_{i}": t for i, t in enumerate(tensors)}


def concat(values: Sequence[TensorLike] | Tensor, axis: int | Tensor, name: str = "concat") -> Tensor:
    """Join tensors along an axis.

    Args:
        values: At least one tensor. All have the same dtype, and the same shape apart from `axis`.
        axis: The axis; a negative one counts from the last. It may be a scalar of the graph.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `values`; its size along `axis` is the sum of theirs.

    Raises:
        ShapeError: `values` is empty, the shapes do not fit, or `axis` is out of range.
        DTypeError: The dtypes differ.

    Example:
        >>> tf.Session().run(tf.concat([[1, 2], [3]], axis=0))
        array([1, 2, 3], dtype=int32)
    """
    tensors = [values] if isinstance(values, Tensor) else list(values)
    if not tensors:
        raise ShapeError("concat needs at least one tensor")
    operands = _named("values", tensors)
    return first(make_late(ConcatV2, "axis", "number", axis, operands, name, "concat", consts=("axis",)))


def split(
    value: TensorLike, num_or_size_splits: int | Sequence[int], axis: int = 0, num: int | None = None,
    name: str = "split",
) -> list[Tensor]:  # fmt: skip
    """Cut a tensor into pieces along an axis.

    Args:
        value: A tensor of any dtype.
        num_or_size_splits: The number of equal pieces, or the size of each piece.
        axis: The axis; a negative one counts from the last.
        num: The number of sizes, if `num_or_size_splits` lists them; by default as many as there are.
        name: Name of the node.

    Returns:
        The pieces, of the dtype of `value`.

    Raises:
        ShapeError: The size along `axis` cannot be split so, `axis` is out of range, or `num` is another number.

    Example:
        >>> tf.Session().run(tf.split([1, 2, 3, 4], 2))
        [array([1, 2], dtype=int32), array([3, 4], dtype=int32)]
        >>> tf.Session().run(tf.split([1, 2, 3, 4], [3, 1]))
        [array([1, 2, 3], dtype=int32), array([4], dtype=int32)]
    """
    given = number_or_tensor(num_or_size_splits)
    at = int(number_or_tensor(axis))
    if isinstance(given, Tensor):
        return list(make_late(SplitV, "sizes", "numbers", given, {"value": value}, name, "split", axis=at).outputs)
    sizes = np.asarray(given)
    if num is not None and sizes.ndim and num != len(sizes):
        raise ShapeError(f"split into {len(sizes)} sizes, but num is {num}")
    op = SplitV(tuple(map(int, sizes)), at) if sizes.ndim else SplitV(None, at, int(sizes))
    return list(make(op, name, "split", {"value": value}, consts=("Const", "split_dim")).outputs)


def stack(values: Sequence[TensorLike], axis: int = 0, name: str = "stack") -> Tensor:
    """Join tensors of one shape along a new axis.

    Args:
        values: At least one tensor. All have the same dtype and shape.
        axis: The place of the new axis in the result; a negative one counts from the last.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `values`, whose size along `axis` is their number.

    Raises:
        ShapeError: `values` is empty, the shapes differ, or `axis` is out of range.
        DTypeError: The dtypes differ.

    Example:
        >>> tf.Session().run(tf.stack([[1, 2], [3, 4]], axis=1))
        array([[1, 3],
               [2, 4]], dtype=int32)
    """
    if not len(values):
        raise ShapeError("stack needs at least one tensor")
    known = next((v for v in values if isinstance(v, Tensor)), None)
    if known is None and not is_packed(values):
        graph = graph_of([])
        graph.reserve_ids(len(values))
    tensors = [convert_to_tensor(v, None if known is None else known.dtype) for v in values]
    return first(make(Pack(int(axis)), name, "stack", _named("values", tensors)))


def unstack(value: TensorLike, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """Take a tensor apart into its slices along an axis.

    Args:
        value: A tensor of any dtype.
        num: The size along `axis`; needed only if it is unknown.
        axis: The axis; a negative one counts from the last.
        name: Name of the node.

    Returns:
        The slices, of the dtype of `value` and its shape without `axis`.

    Raises:
        ShapeError: `num` is needed or differs from the size, or `axis` is out of range.

    Example:
        >>> tf.Session().run(tf.unstack([[1, 2], [3, 4]]))
        [array([1, 2], dtype=int32), array([3, 4], dtype=int32)]
    """
    tensor = convert_to_tensor(value)
    if num is None:
        dims = tensor.type.shape
        num = None if dims is None else dims[checked_axis(axis, len(dims), "unstack")]
        if num is None:
            raise ShapeError(f"Cannot infer num from shape {format_shape(dims)}")
    return list(make(Unpack(int(num), int(axis)), name, "unstack", {"value": tensor}).outputs)
