"""Shapes as tensors, and tensors made from shapes: shape, size, rank, fill, zeros, ones."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, float32, int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.operand import Operand
from minigraph.core.types import Dim, TensorType, as_shape, format_shape
from minigraph.core.types import Shape as ShapeTuple
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.ops.array.joining import Pack, stack
from minigraph.ops.array.known import ShapeOf, before_run, in_graph, is_packed, static_value
from minigraph.ops.array.slicing import StridedSlice, getitem
from minigraph.ops.broadcast import BroadcastTo
from minigraph.ops.builder import apply, first, graph_of, make
from minigraph.ops.constant import constant
from minigraph.ops.counting import no_flops
from minigraph.ops.host.decided import Decided
from minigraph.ops.math.reduce import Sum

__all__ = ["fill", "ones", "rank", "shape", "size", "zeros"]

_X = np.arange(6.0).reshape(2, 3)


def dims_of(what: str, shape: TensorType) -> ShapeTuple:
    """The result's dimensions, from the type of a vector that holds them."""
    if not shape.dtype.is_integer or shape.rank not in (None, 1):
        raise ShapeError(f"{what}: a shape must be a vector of integers, not {shape}")
    return None if shape.shape is None or shape.shape[0] is None else (None,) * shape.shape[0]


def known_shape(value: Any, what: str) -> tuple[int, ...]:
    """A shape computed in the graph, as numbers. ShapeError where it depends on values."""
    if value is None:
        raise ShapeError(f"{what}: the shape depends on values that are only known when the graph runs")
    return tuple(int(d) for d in np.asarray(value).ravel())


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


class Fill(Op):
    """A tensor of the shape `dims`, filled with a scalar."""

    def infer(self, dims: TensorType, value: TensorType) -> tuple[TensorType, ...]:
        if value.rank not in (None, 0):
            raise ShapeError(f"fill takes a scalar, not a value of shape {format_shape(value.shape)}")
        return (TensorType(value.dtype, dims_of("fill", dims)),)

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


def static_dims(vector: Tensor) -> ShapeTuple:
    """The known dimensions in an integer vector that is the shape of a tensor, or packed from numbers."""
    node = vector.node
    known = static_value(vector)
    if known is not None:
        return tuple(None if d < 0 else int(d) for d in known)
    if isinstance(node.op, Shape):
        return node.inputs[0].type.shape
    if isinstance(node.op, Decided):
        return static_dims(node.inputs[0])
    if isinstance(node.op, Pack):
        return tuple(_static_dim(t) for t in node.inputs)
    return dims_of("shape", vector.type)


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
        if known is None:
            return before_run(value)
        value = known
    if hasattr(value, "as_list"):
        value = value.as_list()
    array = np.asarray(value)
    if array.dtype.kind == "f" and array.size:
        raise ShapeError(f"a shape is made of integers, not {value!r}")
    dims = array.ravel().tolist()
    if array.ndim > 1 or not all(hasattr(d, "__index__") for d in dims):
        raise ShapeError(f"a shape is made of integers, not {value!r}")
    return tuple(d.__index__() for d in dims)


def known_dims(x: Tensor, axes: Sequence[int]) -> list[Any]:
    """The sizes along `axes`: numbers where known, else tensors."""
    known = x.type.shape
    sizes = [None if known is None else known[a] for a in axes]
    return [getitem(shape(x), a) if size is None else size for a, size in zip(axes, sizes, strict=True)]


def products(groups: Sequence[Sequence[Any]]) -> list[Any]:
    """The product of the sizes of each group, for `reshape`. The only one that is not known is −1 if no other is 0."""
    found = [functools.reduce(operator.mul, sizes) if sizes else 1 for sizes in groups]
    known = [size for size in found if not isinstance(size, Tensor)]
    if len(known) == len(found) - 1 and 0 not in known:
        return [-1 if isinstance(size, Tensor) else size for size in found]
    return found


def packed(values: list[Any]) -> Any:
    """Numbers, some of which may be tensors, as an operand."""
    return stack(values) if is_packed(values) else values


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
        dims: The shape. It may be an integer vector of the graph.
        value: A scalar of any dtype.
        name: Name of the node.

    Returns:
        A tensor of shape `dims` and the dtype of `value`.

    Raises:
        ShapeError: `value` is not a scalar.

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
        consts = () if in_graph(dims) else ("dims",)
        return first(make(BroadcastTo(target), name, "Fill", {"value": scalar}, consts=consts))


def _filled(number: int, shape: Any, dtype: Any, name: str | None, default: str) -> Tensor:
    kind = as_dtype(dtype)
    if isinstance(shape, Tensor) or is_packed(shape):
        if not isinstance(shape, Tensor):  # TensorFlow multiplies the numbers, and compares the product
            graph_of(list(shape)).reserve_ids(4)
        return fill(shape, kind.np_dtype.type(number), name=name or default)
    dims = TensorType(kind, as_shape(shape)).static
    if int(np.prod(dims)) >= 1000:  # TensorFlow makes three nodes here
        get_default_graph().reserve_ids(2)
    return constant(kind.np_dtype.type(number), shape=dims, name=name or default)


def zeros(shape: ShapeLike | TensorLike, dtype: DTypeLike = float32, name: str | None = None) -> Tensor:
    """Make a tensor of zeros.

    Args:
        shape: The shape. It may be an integer vector of the graph.
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
        shape: The shape. It may be an integer vector of the graph.
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
