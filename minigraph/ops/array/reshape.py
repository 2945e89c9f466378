"""Ops that change the shape of a tensor: reshape, transpose, squeeze, expand_dims, tile."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.moves import Moves, read
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import cast
from minigraph.core.types import Dim, TensorType, format_shape
from minigraph.core.typing import AxisLike, ShapeLike, TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.array.known import in_graph, make_late
from minigraph.ops.array.shape import dims_of, known_shape, shape_operand, static_dims
from minigraph.ops.builder import apply, as_tensor_like, first, make
from minigraph.ops.counting import no_flops, per_input
from minigraph.ops.filling import ZerosLike

__all__ = ["expand_dims", "reshape", "squeeze", "tile", "transpose"]

_X = np.arange(6.0).reshape(2, 3)


class Reshape(Op):
    """The same elements in another shape; one dimension may be -1."""

    shape: tuple[int, ...]

    is_view = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        target: tuple[Dim, ...] = tuple(None if d == -1 else d for d in self.shape)
        if any(d < -1 for d in self.shape):
            raise ShapeError(f"a dimension must be >= 0, or -1 once, got {list(self.shape)}")
        if sum(d is None for d in target) > 1:
            raise ShapeError(f"only one dimension of a new shape may be -1, got {list(self.shape)}")
        known = math.prod(d for d in target if d is not None)
        if x.is_static:
            if None in target:
                if known == 0 or x.size % known:
                    raise ShapeError(f"Cannot reshape a tensor with {x.size} elements to shape {list(self.shape)}")
                target = tuple(x.size // known if d is None else d for d in target)
            elif known != x.size:
                raise ShapeError(
                    f"Cannot reshape a tensor with {x.size} elements to shape {list(self.shape)} ({known} elements)"
                )
        return (TensorType(x.dtype, target),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x.reshape(self.shape),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (reshape_like(grad, node.inputs[0]),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Reshape(self.infer(types[0])[0].static), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((3, -1)), (_X,))


class ReshapeTo(Op):
    """Reshape to a shape that is itself a tensor of the graph."""

    def infer(self, x: TensorType, shape: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(x.dtype, dims_of("reshape", shape)),)

    def forward(self, xp: Any, x: Any, shape: Any) -> tuple[Any, ...]:
        return (x.reshape(tuple(int(d) for d in shape)),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return reshape_like(grad, node.inputs[0]), None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        shape = known_shape(consts[1], "tf.reshape")
        return Reshape(shape).specialise(types[:1], ())[0], (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.array([3, 2], np.int32)))


class ReshapeLike(Op):
    """Reshape to the shape of the second input."""

    def infer(self, x: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(x.dtype, like.shape),)

    def forward(self, xp: Any, x: Any, like: Any) -> tuple[Any, ...]:
        return (x.reshape(like.shape),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return reshape_like(grad, node.inputs[0]), None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Reshape(types[1].static), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.ones((3, 2))))


def reshape_like(x: Tensor, like: Tensor) -> Tensor:
    """`x` in the shape of `like`."""
    return apply(Reshape(like.type.static), x) if like.type.is_static else apply(ReshapeLike(), x, like)


class Transpose(Op):
    """Axes in the order `perm`; None reverses them."""

    perm: tuple[int, ...] | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (TensorType(x.dtype, None if self.perm is None else (None,) * len(self.perm)),)
        perm = self.axes(len(x.shape))
        if sorted(perm) != list(range(len(x.shape))):
            raise ShapeError(f"{list(perm)} is not a permutation of the axes of {format_shape(x.shape)}")
        return (TensorType(x.dtype, tuple(x.shape[p] for p in perm)),)

    def axes(self, rank: int) -> tuple[int, ...]:
        """`perm` for a tensor of that rank; reversed axes if it is None."""
        return tuple(reversed(range(rank))) if self.perm is None else self.perm

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.transpose(x, self.perm),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return read(in_types[0], lambda x: x.transpose(self.perm))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        inverse = None if self.perm is None else tuple(int(i) for i in np.argsort(self.perm))
        return (apply(Transpose(inverse), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))
        yield Sample(cls((2, 0, 1)), (np.arange(24.0).reshape(2, 3, 4),))


class Squeeze(Op):
    """Drop axes of size 1: those in `axis`, or all."""

    axis: tuple[int, ...] = ()

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None or (not self.axis and None in x.shape):
            return (TensorType(x.dtype, None),)
        rank = len(x.shape)
        for a in self.axis:
            if not -rank <= a < rank:
                raise ShapeError(f"squeeze: axis {a} is out of range for rank {rank}")
        axes = {a % rank for a in self.axis} if self.axis else {i for i, d in enumerate(x.shape) if d == 1}
        for a in axes:
            if x.shape[a] not in (1, None):
                raise ShapeError(f"Can not squeeze dim[{a}], expected a dimension of 1, got {x.shape[a]}")
        return (TensorType(x.dtype, tuple(d for i, d in enumerate(x.shape) if i not in axes)),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.squeeze(x, axis=self.axis or None),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (reshape_like(grad, node.inputs[0]),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Reshape(self.infer(types[0])[0].static), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X.reshape(1, 2, 1, 3),))
        yield Sample(cls((0,)), (_X.reshape(1, 2, 1, 3),))


class ExpandDims(Op):
    """Insert an axis of size 1 at `axis`."""

    axis: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (x,)
        rank = len(x.shape)
        if not -rank - 1 <= self.axis <= rank:
            raise ShapeError(f"dim {self.axis} not in the interval [{-rank - 1}, {rank}]")
        at = self.axis % (rank + 1)
        return (TensorType(x.dtype, (*x.shape[:at], 1, *x.shape[at:])),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.expand_dims(x, self.axis),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (reshape_like(grad, node.inputs[0]),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Reshape(self.infer(types[0])[0].static), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(0), (_X,))
        yield Sample(cls(-1), (_X,))


class Tile(Op):
    """The input repeated `multiples[i]` times along axis i."""

    multiples: tuple[int, ...]

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        for axis, m in enumerate(self.multiples):
            if m < 0:
                raise ShapeError(f"Expected multiples[{axis}] >= 0, but got {m}")
        if x.shape is None:
            return (TensorType(x.dtype, (None,) * len(self.multiples)),)
        if len(x.shape) != len(self.multiples):
            raise ShapeError(f"multiples {list(self.multiples)} do not fit the shape {format_shape(x.shape)}")
        pairs = zip(x.shape, self.multiples, strict=True)
        return (TensorType(x.dtype, tuple(0 if m == 0 else None if d is None else d * m for d, m in pairs)),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.tile(x, self.multiples),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        dims = in_types[0].static
        once = [d for length in dims for d in (1, length)]
        repeated = [d for length, m in zip(dims, self.multiples, strict=True) for d in (m, length)]
        return read(in_types[0], lambda x: np.broadcast_to(x.reshape(once), repeated))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        if 0 in self.multiples:
            return (apply(ZerosLike(), node.inputs[0]),)
        return (apply(TileGrad(self.multiples), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((2, 3)), (_X,))


class TileGrad(Op):
    """The sum of the copies that Tile made."""

    multiples: tuple[int, ...]
    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (TensorType(x.dtype, (None,) * len(self.multiples)),)
        fits = len(x.shape) == len(self.multiples)
        if not fits or any(d is not None and (m == 0 or d % m) for d, m in zip(x.shape, self.multiples, strict=True)):
            raise ShapeError(f"{format_shape(x.shape)} is not the shape of a tensor tiled {list(self.multiples)} times")
        shape = tuple(None if d is None else d // m for d, m in zip(x.shape, self.multiples, strict=True))
        return (TensorType(x.dtype, shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        split: list[int] = []
        for d, m in zip(x.shape, self.multiples, strict=True):
            split += [m, d // m]
        return (xp.sum(x.reshape(split), axis=tuple(range(0, len(split), 2))),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k, kind = Statement("tile_grad"), accumulator(in_types[0].dtype)
        x, y = k.operand(in_types[0]), k.result(out_types[0])
        with k.over(*y.shape) as at:
            term = lambda *copy: [  # noqa: E731
                cast(x[tuple(c * n + i for c, n, i in zip(copy, y.shape, at, strict=True))], kind)
            ]
            (total,) = k.reduce(self.multiples, ADD, [0], [kind], term)
            k.store(y, at, total)
        return k.done()

    flops = per_input

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(Tile(self.multiples), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((2, 3)), (np.arange(36.0).reshape(4, 9),))


def reshape(tensor: TensorLike, shape: ShapeLike | TensorLike, name: str | None = None) -> Tensor:
    """Arrange the elements of a tensor in another shape, in the same row-major order.

    Args:
        tensor: A tensor of any dtype.
        shape: The new shape. One dimension may be −1, which is inferred. The shape, or some of its numbers, may be
            tensors of the graph.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `tensor` and shape `shape`.

    Raises:
        ShapeError: The number of elements differs, or more than one dimension is −1.

    Example:
        >>> tf.Session().run(tf.reshape([1, 2, 3, 4, 5, 6], [2, -1]))
        array([[1, 2, 3],
               [4, 5, 6]], dtype=int32)
    """
    tensor = convert_to_tensor(tensor)
    target = shape_operand(shape)
    if isinstance(target, Tensor):
        result = first(tensor.graph.add(ReshapeTo(), (tensor, target), name or "Reshape"))
        result.set_shape(static_dims(target))
        return result
    consts = () if in_graph(shape) else ("shape",)
    return first(make(Reshape(target), name, "Reshape", {"tensor": tensor}, consts=consts))


def transpose(
    a: TensorLike, perm: Sequence[int] | None = None, name: str | None = None, conjugate: bool = False
) -> Tensor:
    """Reorder the axes of a tensor.

    Args:
        a: A tensor of any dtype.
        perm: For each axis of the result, the axis of `a`; None reverses the axes.
        name: Name of the node.
        conjugate: Not supported for complex numbers; real ones are their own conjugates.

    Returns:
        A tensor of the dtype of `a`.

    Raises:
        ShapeError: `perm` is not a permutation of the axes.
        ValueError: `conjugate` is not supported.

    Example:
        >>> tf.Session().run(tf.transpose([[1, 2, 3], [4, 5, 6]]))
        array([[1, 4],
               [2, 5],
               [3, 6]], dtype=int32)
    """
    x = as_tensor_like(a)
    if conjugate and isinstance(x, Tensor) and x.dtype.is_complex:
        raise ValueError("transpose: conjugate=True is not supported for complex numbers")
    if perm is None:
        return first(make(Transpose(None), name, "transpose", {"a": x}, consts=("perm",)))
    return first(make_late(Transpose, "perm", "numbers", perm, {"a": x}, name, "transpose", ("perm",)))


def squeeze(input: TensorLike, axis: AxisLike = None, name: str | None = None, squeeze_dims: AxisLike = None) -> Tensor:
    """Drop axes of size 1.

    Args:
        input: A tensor of any dtype.
        axis: The axis or axes to drop; None for all of size 1.
        name: Name of the node.
        squeeze_dims: Older name of `axis`.

    Returns:
        A tensor of the dtype of `input`, without the axes.

    Raises:
        ShapeError: An axis is out of range, or its size is not 1.

    Example:
        >>> tf.Session().run(tf.squeeze([[[1], [2]]]))
        array([1, 2], dtype=int32)
    """
    chosen = renamed("axis", axis, "squeeze_dims", squeeze_dims)
    axes = () if chosen is None else tuple(int(a) for a in np.ravel(chosen))
    return first(make(Squeeze(axes), name, "Squeeze", {"input": input}))


def expand_dims(input: TensorLike, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """Insert an axis of size 1.

    Args:
        input: A tensor of any dtype.
        axis: The place of the new axis in the result; a negative one counts from the last.
        name: Name of the node.
        dim: Older name of `axis`. One of the two is needed.

    Returns:
        A tensor of the dtype of `input`, with one more axis.

    Raises:
        ShapeError: `axis` is out of range.

    Example:
        >>> tf.Session().run(tf.expand_dims([1, 2], axis=1))
        array([[1],
               [2]], dtype=int32)
    """
    at: Any = renamed("axis", axis, "dim", dim)
    return first(make_late(ExpandDims, "axis", "number", at, {"input": input}, name, "ExpandDims", ("dim",)))


def tile(input: TensorLike, multiples: Sequence[int], name: str | None = None) -> Tensor:
    """Repeat a tensor along each axis.

    Args:
        input: A tensor of any dtype.
        multiples: The number of copies along each axis.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `input`; its size along axis i is `multiples[i]` times that of `input`.

    Raises:
        ShapeError: `multiples` does not have one number for each axis.

    Example:
        >>> tf.Session().run(tf.tile([1, 2], [3]))
        array([1, 2, 1, 2, 1, 2], dtype=int32)
    """
    operands, consts = {"input": input}, ("multiples",)
    result = first(make_late(Tile, "multiples", "numbers", multiples, operands, name, "Tile", consts))
    if in_graph(multiples):
        x, times = result.node.inputs[0].type.shape, static_dims(convert_to_tensor(multiples))
        if x is not None and times is not None:
            result.set_shape([None if d is None or m is None else d * m for d, m in zip(x, times, strict=True)])
    return result
