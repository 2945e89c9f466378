"""Ops that run on the host between two plans: results whose shapes depend on values, and Python functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import DType, as_dtype, int32, int64
from minigraph.core.errors import (
    DTypeError,
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    ShapeError,
    UnimplementedError,
    UnknownError,
)
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.core.typing import DTypeLike, NumberLike, TensorLike
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.known import before_run, static_value
from minigraph.ops.array.reshape import reshape, squeeze
from minigraph.ops.array.shape import known_dims, known_shape, products
from minigraph.ops.builder import as_tensor_like, composed, graph_of, require_shape
from minigraph.ops.constant import Const, counted, range_
from minigraph.ops.host.base import HostOp
from minigraph.ops.math.casting import cast
from minigraph.ops.math.selection import where as select
from minigraph.util.nest import listed

__all__ = ["boolean_mask", "py_func", "unique", "where"]


class Where(HostOp):
    """The places of the elements that are not zero: int64 [number of them, rank], in row-major order."""

    def infer(self, condition: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(int64, (None, condition.rank)),)

    def forward(self, xp: Any, condition: Any) -> tuple[Any, ...]:
        return (np.argwhere(condition).astype(np.int64),)


class Unique(HostOp):
    """The different elements of a vector in the order of their first appearance, and for each element its number."""

    out_idx: DType = int32

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.rank not in (None, 1):
            raise ShapeError(f"unique takes a vector, not shape {format_shape(x.shape)}")
        return TensorType(x.dtype, (None,)), TensorType(self.out_idx, x.shape or (None,))

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        values, first, inverse = np.unique(x, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return values[order], rank[inverse].astype(self.out_idx.np_dtype)


def segment_count(ids: Any) -> int:
    """The number of segments, from ids in ascending order. InvalidArgumentError if they are not."""
    falls = np.flatnonzero(ids[1:] < ids[:-1])
    if falls.size:
        at = int(falls[0])
        raise InvalidArgumentError(
            f"segment ids are not increasing: segment_ids[{at + 1}] = {ids[at + 1]} after segment_ids[{at}] = {ids[at]}"
        )
    if ids.size and ids[0] < 0:
        raise InvalidArgumentError(f"segment ids must be >= 0, but segment_ids[0] = {ids[0]}")
    return int(ids[-1]) + 1 if ids.size else 0


class SegmentSum(HostOp):
    """Sums of the slices along the first axis that have the same id in the second input."""

    differentiable = True
    accumulates = True

    def infer(self, x: TensorType, ids: TensorType) -> tuple[TensorType, ...]:
        if ids.rank != 1 or x.rank == 0:
            raise ShapeError(f"segment_ids must be a vector, not {ids}, for {x}")
        if x.shape is not None and not compatible(x.shape[:1], ids.shape):
            raise ShapeError(f"segment_ids should be the same size as dimension 0 of input: {ids} and {x}")
        return (TensorType(x.dtype, None if x.shape is None else (None, *x.shape[1:])),)

    def forward(self, xp: Any, x: Any, ids: Any) -> tuple[Any, ...]:
        out = np.zeros((segment_count(ids), *x.shape[1:]), x.dtype)
        np.add.at(out, ids, x)
        return (out,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return gather(grad, node.inputs[1]), None


_RAISED: dict[type[Exception], type[OpError]] = {
    ValueError: InvalidArgumentError,
    TypeError: InvalidArgumentError,
    StopIteration: OutOfRangeError,
    MemoryError: ResourceExhaustedError,
    NotImplementedError: UnimplementedError,
}


class PyFunc(HostOp):
    """The results of a Python function of arrays."""

    outside = True

    function: Callable[..., Any]
    dtypes: tuple[Any, ...]
    stateful = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return tuple(TensorType(d, None) for d in self.dtypes)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        given = self._call(arrays)
        results = list(given) if isinstance(given, list | tuple) else [] if given is None else [given]
        if len(results) != len(self.dtypes):
            raise InvalidArgumentError(f"the function gave {len(results)} results, not {len(self.dtypes)}")
        out = []
        for result, dtype in zip(results, self.dtypes, strict=True):
            array = np.asarray(result)
            plain = isinstance(result, bool | int | float | list | tuple)
            if array.dtype != dtype.np_dtype and not (plain and np.can_cast(array.dtype, dtype.np_dtype, "same_kind")):
                raise InvalidArgumentError(f"the function gave {array.dtype} where {dtype.name} is expected")
            out.append(array.astype(dtype.np_dtype))
        return tuple(out)

    def _call(self, arrays: Sequence[Any]) -> Any:
        try:
            return self.function(*map(np.asarray, arrays))
        except OpError:
            raise
        except Exception as error:
            kind = next((k for raised, k in _RAISED.items() if isinstance(error, raised)), UnknownError)
            raise kind(f"{type(error).__name__}: {error}") from error


class Range(Op):
    """start, start + delta, … below limit, known before a run."""

    differentiable = False

    def infer(self, start: TensorType, limit: TensorType, delta: TensorType) -> tuple[TensorType, ...]:
        if not start.dtype is limit.dtype is delta.dtype:
            raise DTypeError(f"range of {start.dtype.name}, {limit.dtype.name} and {delta.dtype.name}")
        for name, given in {"start": start, "limit": limit, "delta": delta}.items():
            require_shape(f"range: {name}", given.shape, ())
        return (TensorType(start.dtype, (None,)),)

    def forward(self, xp: Any, start: Any, limit: Any, delta: Any) -> tuple[Any, ...]:
        return (xp.arange(int(start), int(limit), int(delta)).astype(start.dtype),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        numbers = [known_shape(c, "tf.range")[0] for c in consts]
        return Const(counted(*numbers).astype(types[0].dtype.np_dtype)), ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), tuple(np.array(v, np.int32) for v in (1, 9, 3)))


def range_of(
    start: NumberLike, limit: NumberLike | None = None, delta: NumberLike = 1, dtype: DTypeLike | None = None,
    name: str = "range",
) -> Tensor:  # fmt: skip
    """Count from a number to another: start, start + delta, … below limit.

    Args:
        start: The first number; or the limit, if `limit` is None, and the first number is 0. Integers may be tensors
            of the graph.
        limit: The number before which to stop.
        delta: The step.
        dtype: The dtype; by default that of the tensors, else int32 for integers and float32 for floats.
        name: Name scope of the nodes.

    Returns:
        A vector.

    Raises:
        DTypeError: A tensor is not integer.
        ShapeError: `delta` is 0 or leads away from `limit`.
        InvalidArgumentError: Such a `delta` of the graph; found in the run.

    Example:
        >>> tf.Session().run(tf.range(2, 10, 3))
        array([2, 5, 8], dtype=int32)
    """
    if limit is None:
        start, limit = 0, start
    given = [as_tensor_like(v) for v in (start, limit, delta)]
    if not any(isinstance(v, Tensor) for v in given):
        return range_(start, limit, delta, dtype, name)
    kinds = {v.dtype for v in given if isinstance(v, Tensor)}
    if not all(k.is_integer for k in kinds):
        raise DTypeError("tf.range takes Python numbers or integer tensors: other lengths depend on values")
    kind = max(kinds, key=lambda k: k.size)
    with composed(name, "range", *given) as scope:
        tensors = [cast(v, kind) if isinstance(v, Tensor) else convert_to_tensor(v, kind) for v in given]
        operands = [before_run(t) for t in tensors]
        result: Tensor = tensors[0].graph.add(Range(), operands, scope).outputs[0]
        known = [static_value(t) for t in tensors]
        if all(v is not None for v in known):
            result.set_shape([len(counted(*(int(v) for v in known if v is not None)))])
        return result if dtype is None else cast(result, dtype)


def where(
    condition: TensorLike, x: TensorLike | None = None, y: TensorLike | None = None, name: str | None = None
) -> Tensor:
    """Select elements of one of two tensors by a condition; or find the places where a condition is True.

    Args:
        condition: A bool tensor of the shape of `x`, a scalar, or a vector that selects rows. Without `x` and `y`, a
            tensor of any dtype and shape, whose elements other than 0 count as True.
        x: The elements for True.
        y: The elements for False: a tensor of the dtype and shape of `x`.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`. Without `x` and `y`, an int64 tensor [number of True elements, rank] of
        their places in row-major order, computed on the host between two plans.

    Raises:
        ValueError: One of `x` and `y` is None.
        DTypeError: `condition` is not bool, or the dtypes of `x` and `y` differ.
        ShapeError: The shapes do not fit together.

    Example:
        >>> tf.Session().run(tf.where([True, False, True], [1, 2, 3], [10, 20, 30]))
        array([ 1, 20,  3], dtype=int32)
        >>> tf.Session().run(tf.where([True, False, True])).tolist()
        [[0], [2]]
    """
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is not None:
        return select(condition, x, y, name)
    with composed(name, "Where", condition) as scope:
        test = convert_to_tensor(condition)
        result: Tensor = test.graph.add(Where(), (test,), scope).outputs[0]
        return result


def boolean_mask(tensor: TensorLike, mask: TensorLike, name: str = "boolean_mask", axis: int | None = None) -> Tensor:
    """Keep the slices of a tensor for which a mask is True. Their number is found on the host, between two plans.

    Args:
        tensor: A tensor of any dtype and known rank.
        mask: A bool tensor of known rank, at least 1. Its shape is that of the axes of `tensor` from `axis` on.
        name: Name scope of the nodes.
        axis: The first axis that the mask covers; by default 0.

    Returns:
        A tensor of the dtype of `tensor`, with one axis, the slices kept, in place of those of the mask.

    Raises:
        ShapeError: A rank is unknown, `mask` is a scalar, or its shape does not fit that of `tensor`.

    Example:
        >>> tf.Session().run(tf.boolean_mask([1, 2, 3], [True, False, True]))
        array([1, 3], dtype=int32)
    """
    with composed(name, "boolean_mask", tensor, mask):
        x, test = convert_to_tensor(tensor), convert_to_tensor(mask)
        count, at = test.type.rank, axis or 0
        if count == 0:
            raise ShapeError("mask cannot be scalar.")
        if count is None or x.type.shape is None:
            raise ShapeError("Number of mask dimensions must be specified, even if some dimensions are None.")
        if not compatible(x.type.shape[at : at + count], test.type.shape):
            shapes = f"{format_shape(x.type.shape[at : at + count])} and {format_shape(test.type.shape)}"
            raise ShapeError(f"Shapes {shapes} are incompatible")
        with x.graph.counted_as(27):
            dims = known_dims(x, range(len(x.type.shape)))
            lead, covered, tail = dims[:at], dims[at : at + count], dims[at + count :]
            flat = reshape(x, products([*([n] for n in lead), covered, *([n] for n in tail)]))
            places = squeeze(where(reshape(test, [-1])), [1])
            return gather(flat, places, axis=at)


def unique(x: TensorLike, out_idx: DTypeLike = int32, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Find the different elements of a vector, on the host between two plans.

    Args:
        x: A vector.
        out_idx: The dtype of the numbers: int32 or int64.
        name: Name scope of the nodes.

    Returns:
        The different elements in the order in which they first occur, and a vector of dtype `out_idx` with the
        number of each element of `x` among them.

    Raises:
        ShapeError: `x` is not a vector.
        DTypeError: `out_idx` is another dtype.

    Example:
        >>> values, index = tf.unique([7, 5, 7])
        >>> tf.Session().run([values, index])
        [array([7, 5], dtype=int32), array([0, 1, 0], dtype=int32)]
    """
    kind = as_dtype(out_idx)
    if kind not in (int32, int64):
        raise DTypeError(f"out_idx must be int32 or int64, not {kind.name}")
    with composed(name, "Unique", x) as scope:
        vector = convert_to_tensor(x)
        values, index = vector.graph.add(Unique(kind), (vector,), scope).outputs
        return values, index


def py_func(
    func: Callable[..., Any], inp: Sequence[TensorLike], Tout: DTypeLike | Sequence[DTypeLike], stateful: bool = True,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Call a Python function in each run, on the host between two plans. No gradient flows through it.

    Args:
        func: A function of NumPy arrays that returns an array or a number, or a list of them.
        inp: The tensors whose values `func` gets.
        Tout: The dtype of the result, or a list of the dtypes of the results.
        stateful: No effect: the function is called once in each run that needs a result.
        name: Name scope of the nodes.

    Returns:
        A tensor of dtype `Tout`; for a list of dtypes a list of tensors, for an empty list an operation. The shapes are
        unknown unless `Tensor.set_shape` tells them. A result of another dtype, ValueError and TypeError in `func`
        fail the run with InvalidArgumentError, most other exceptions with UnknownError.

    Example:
        >>> y = tf.py_func(np.sort, [tf.constant([3, 1, 2])], tf.int32)
        >>> tf.Session().run(y)
        array([1, 2, 3], dtype=int32)
    """
    kinds = tuple(as_dtype(t) for t in listed(Tout))
    with composed(name, "PyFunc", *inp) as scope:
        graph = graph_of([as_tensor_like(v) for v in inp]) if inp else get_default_graph()
        tensors = [convert_to_tensor(v) for v in inp]
        node = graph.add(PyFunc(func, kinds), tensors, scope)
        if isinstance(Tout, list | tuple):
            return list(node.outputs) if kinds else node
        return node.outputs[0]
