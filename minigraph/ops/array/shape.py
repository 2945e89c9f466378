"""Ops that change or report shapes: reshape, transpose, squeeze, tile, fill."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import as_dtype, float32, int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor, get_default_graph
from minigraph.core.moves import Moves, read
from minigraph.core.op import Op, Sample
from minigraph.core.operand import Operand
from minigraph.core.types import Dim, TensorType, as_shape, format_shape
from minigraph.core.types import Shape as ShapeTuple
from minigraph.core.typing import AxisLike, DTypeLike, ShapeLike, TensorLike
from minigraph.ops.array.joining import Pack, is_packed, stack
from minigraph.ops.array.slicing import StridedSlice
from minigraph.ops.broadcast import BroadcastTo
from minigraph.ops.builder import apply, first, graph_of, make
from minigraph.ops.constant import Const, constant
from minigraph.ops.counting import no_flops, per_input
from minigraph.ops.filling import ZerosLike
from minigraph.ops.math.reduce import Sum

__all__ = ["expand_dims", "fill", "ones", "rank", "reshape", "shape", "size", "squeeze", "tile", "transpose", "zeros"]

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
        return (TensorType(x.dtype, _dims_of("reshape", shape)),)

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


def _dims_of(what: str, shape: TensorType) -> ShapeTuple:
    """The result's dimensions, from the type of a vector that holds them."""
    if not shape.dtype.is_integer or shape.rank not in (None, 1):
        raise ShapeError(f"{what}: a shape must be a vector of integers, not {shape}")
    return None if shape.shape is None or shape.shape[0] is None else (None,) * shape.shape[0]


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


def known_shape(value: Any, what: str) -> tuple[int, ...]:
    """A shape computed in the graph, as numbers. ShapeError where it depends on values."""
    if value is None:
        raise ShapeError(f"{what}: the shape depends on values that are only known when the graph runs")
    return tuple(int(d) for d in np.asarray(value).ravel())


def reshape_like(x: Tensor, like: Tensor) -> Tensor:
    """`x` in the shape of `like`."""
    return apply(Reshape(like.type.static), x) if like.type.is_static else apply(ReshapeLike(), x, like)


class ShapeOf(Op, abstract=True):
    """A property of the input's shape; known when the shape is."""

    dtype: Any = int32
    differentiable = False

    def value(self, shape: tuple[int, ...]) -> Any:
        raise NotImplementedError

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.asarray(self.value(x.shape), dtype=self.dtype.np_dtype),)

    flops = no_flops

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Const(np.asarray(self.value(types[0].static), self.dtype.np_dtype)), ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))


class Shape(ShapeOf):
    """The shape as a vector."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, (x.rank,)),)

    def value(self, shape: tuple[int, ...]) -> Any:
        return shape


class Size(ShapeOf):
    """The number of elements."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, ()),)

    def value(self, shape: tuple[int, ...]) -> Any:
        return math.prod(shape)


class Rank(ShapeOf):
    """The number of dimensions."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, ()),)

    def value(self, shape: tuple[int, ...]) -> Any:
        return len(shape)


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
        if x.shape is None:
            return (TensorType(x.dtype, (None,) * len(self.multiples)),)
        if len(x.shape) != len(self.multiples):
            raise ShapeError(f"multiples {list(self.multiples)} do not fit the shape {format_shape(x.shape)}")
        pairs = zip(x.shape, self.multiples, strict=True)
        return (TensorType(x.dtype, tuple(None if d is None else d * m for d, m in pairs)),)

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
        shape = tuple(None if d is None else d // m for d, m in zip(x.shape, self.multiples, strict=True))
        return (TensorType(x.dtype, shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        split: list[int] = []
        for d, m in zip(x.shape, self.multiples, strict=True):
            split += [m, d // m]
        return (xp.sum(x.reshape(split), axis=tuple(range(0, len(split), 2))),)

    flops = per_input

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(Tile(self.multiples), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((2, 3)), (np.arange(36.0).reshape(4, 9),))


class Fill(Op):
    """A tensor of the shape `dims`, filled with a scalar."""

    def infer(self, dims: TensorType, value: TensorType) -> tuple[TensorType, ...]:
        if value.rank not in (None, 0):
            raise ShapeError(f"fill takes a scalar, not a value of shape {format_shape(value.shape)}")
        return (TensorType(value.dtype, _dims_of("fill", dims)),)

    def forward(self, xp: Any, dims: Any, value: Any) -> tuple[Any, ...]:
        return (xp.full(tuple(int(d) for d in dims), value, value.dtype),)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return None, apply(Sum(), grad)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return BroadcastTo(known_shape(consts[0], "tf.fill")), (1,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([2, 3], np.int32), np.array(1.5)))


def static_value(tensor: Tensor) -> np.ndarray | None:
    """The value of an integer tensor that is computed from constants and known shapes alone, else None."""
    op = tensor.node.op
    if type(op).__name__ == "Switch":  # the same value, in one branch of a condition
        return static_value(tensor.node.inputs[0])
    if isinstance(op, Const):
        return op.value
    if op.stateful or not tensor.dtype.is_integer or not tensor.node.inputs:
        return None
    if isinstance(op, ShapeOf):
        source = tensor.node.inputs[0].type
        return np.asarray(op.value(source.static)) if source.is_static else None
    inputs = [static_value(t) for t in tensor.node.inputs]
    if any(v is None for v in inputs):
        return None
    return np.asarray(op.forward(np, *inputs)[tensor.value_index])


def static_dims(vector: Tensor) -> ShapeTuple:
    """The known dimensions in an integer vector that is the shape of a tensor, or packed from numbers."""
    node = vector.node
    known = static_value(vector)
    if known is not None:
        return tuple(None if d < 0 else int(d) for d in known)
    if isinstance(node.op, Shape):
        return node.inputs[0].type.shape
    if isinstance(node.op, Pack):
        return tuple(_static_dim(t) for t in node.inputs)
    return _dims_of("shape", vector.type)


def _static_dim(scalar: Tensor) -> Dim:
    """The value of a scalar that is known, or is an element of a known shape; else None."""
    known = static_value(scalar)
    if known is not None:
        return None if known < 0 else int(known)
    op = scalar.node.op
    if isinstance(op, StridedSlice) and len(op.spec) == 1 and op.spec[0][0] == "index":
        dims = static_dims(scalar.node.inputs[0])
        return None if dims is None else dims[op.spec[0][1]]
    return None


def shape_operand(value: Any) -> tuple[int, ...] | Tensor:
    """A shape argument as numbers (−1 stays −1) if they are known now, else as an integer tensor."""
    if is_packed(value):
        value = stack(list(value))
    value = value.as_graph_tensor() if isinstance(value, Operand) else value
    if isinstance(value, Tensor):
        known = static_value(value)
        return value if known is None else tuple(int(d) for d in np.ravel(known))
    if hasattr(value, "as_list"):
        value = value.as_list()
    array = np.asarray(value)
    if array.dtype.kind == "f" and array.size:
        raise ShapeError(f"a shape is made of integers, not {value!r}")
    return tuple(d.__index__() for d in array.ravel().tolist())


def reshape(tensor: TensorLike, shape: ShapeLike | TensorLike, name: str | None = None) -> Tensor:
    """Arrange the elements of a tensor in another shape, in the same row-major order.

    Args:
        tensor: A tensor of any dtype.
        shape: The new shape. One dimension may be −1, which is inferred. The shape, or some of its numbers, may be
            tensors of the graph that follow from shapes.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `tensor` and shape `shape`.

    Raises:
        ShapeError: The number of elements differs, more than one dimension is −1, or `shape` depends on values.

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
    return first(make(Reshape(target), name, "Reshape", {"tensor": tensor}, consts=("shape",)))


def transpose(a: TensorLike, perm: Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """Reorder the axes of a tensor.

    Args:
        a: A tensor of any dtype.
        perm: For each axis of the result, the axis of `a`; None reverses the axes.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `a`.

    Raises:
        ShapeError: `perm` is not a permutation of the axes.

    Example:
        >>> tf.Session().run(tf.transpose([[1, 2, 3], [4, 5, 6]]))
        array([[1, 4],
               [2, 5],
               [3, 6]], dtype=int32)
    """
    order = None if perm is None else tuple(int(p) for p in perm)
    return first(make(Transpose(order), name, "transpose", {"a": a}, consts=("perm",)))


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
    chosen = squeeze_dims if axis is None else axis
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
    at: Any = dim if axis is None else axis
    return first(make(ExpandDims(int(at)), name, "ExpandDims", {"input": input}, consts=("dim",)))


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
    record = Tile(tuple(int(m) for m in multiples))
    return first(make(record, name, "Tile", {"input": input}, consts=("multiples",)))


def shape(input: TensorLike, name: str | None = None, out_type: DTypeLike = int32) -> Tensor:
    """Give the shape of a tensor as a tensor. `Tensor.shape` is what is known of it when the graph is built.

    Args:
        input: A tensor of any dtype.
        name: Name of the node.
        out_type: The dtype of the result, int32 or int64.

    Returns:
        A vector of dtype `out_type` with one element for each axis.

    Example:
        >>> tf.Session().run(tf.shape([[1, 2, 3], [4, 5, 6]]))
        array([2, 3], dtype=int32)
    """
    return first(make(Shape(as_dtype(out_type)), name, "Shape", {"input": input}))


def size(input: TensorLike, name: str | None = None, out_type: DTypeLike = int32) -> Tensor:
    """Count the elements of a tensor.

    Args:
        input: A tensor of any dtype.
        name: Name of the node.
        out_type: The dtype of the result, int32 or int64.

    Returns:
        A scalar of dtype `out_type`.

    Example:
        >>> tf.Session().run(tf.size([[1, 2, 3], [4, 5, 6]])).item()
        6
    """
    return first(make(Size(as_dtype(out_type)), name, "Size", {"input": input}))


def rank(input: TensorLike, name: str | None = None) -> Tensor:
    """Count the axes of a tensor.

    Args:
        input: A tensor of any dtype.
        name: Name of the node.

    Returns:
        An int32 scalar.

    Example:
        >>> tf.Session().run(tf.rank([[1, 2, 3], [4, 5, 6]])).item()
        2
    """
    return first(make(Rank(), name, "Rank", {"input": input}))


def fill(dims: ShapeLike | TensorLike, value: TensorLike, name: str | None = None) -> Tensor:
    """Make a tensor filled with one value.

    Args:
        dims: The shape. It may be an integer vector of the graph that follows from shapes.
        value: A scalar of any dtype.
        name: Name of the node.

    Returns:
        A tensor of shape `dims` and the dtype of `value`.

    Raises:
        ShapeError: `value` is not a scalar, or `dims` depends on values.

    Example:
        >>> tf.Session().run(tf.fill([2, 2], 7))
        array([[7, 7],
               [7, 7]], dtype=int32)
    """
    graph = graph_of([dims, value])
    with graph.as_default():
        target = shape_operand(dims)
        if isinstance(target, Tensor):
            with graph.name_scope(name or "Fill") as scope:
                result = graph.add(Fill(), (target, convert_to_tensor(value, name="value")), scope).outputs[0]
                result.set_shape(static_dims(target))
                return result
        scalar = convert_to_tensor(value)
        if scalar.type.rank not in (None, 0):
            raise ShapeError(f"fill takes a scalar, not a value of shape {format_shape(scalar.type.shape)}")
        return first(make(BroadcastTo(target), name, "Fill", {"value": scalar}, consts=("dims",)))


def _filled(number: int, shape: Any, dtype: Any, name: str | None, default: str) -> Tensor:
    kind = as_dtype(dtype)
    if isinstance(shape, Tensor) or is_packed(shape):
        return fill(shape, kind.np_dtype.type(number), name=name or default)
    dims = TensorType(kind, as_shape(shape)).static
    if int(np.prod(dims)) >= 1000:  # TensorFlow makes three nodes here
        get_default_graph().reserve_ids(2)
    return constant(kind.np_dtype.type(number), shape=dims, name=name or default)


def zeros(shape: ShapeLike | TensorLike, dtype: DTypeLike = float32, name: str | None = None) -> Tensor:
    """Make a tensor of zeros.

    Args:
        shape: The shape. It may be an integer vector of the graph that follows from shapes.
        dtype: The dtype.
        name: Name of the node.

    Returns:
        A tensor of shape `shape` and dtype `dtype`.

    Example:
        >>> tf.Session().run(tf.zeros([2, 2]))
        array([[0., 0.],
               [0., 0.]], dtype=float32)
    """
    return _filled(0, shape, dtype, name, "zeros")


def ones(shape: ShapeLike | TensorLike, dtype: DTypeLike = float32, name: str | None = None) -> Tensor:
    """Make a tensor of ones.

    Args:
        shape: The shape. It may be an integer vector of the graph that follows from shapes.
        dtype: The dtype.
        name: Name of the node.

    Returns:
        A tensor of shape `shape` and dtype `dtype`.

    Example:
        >>> tf.Session().run(tf.ones([2, 2]))
        array([[1., 1.],
               [1., 1.]], dtype=float32)
    """
    return _filled(1, shape, dtype, name, "ones")
