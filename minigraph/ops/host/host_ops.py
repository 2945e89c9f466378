"""What runs on the host between two plans: results whose shapes depend on values, and Python functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

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
from minigraph.core.graph import Node, Tensor, convert_to_tensor, get_default_graph
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.ops.array.joining import gather
from minigraph.ops.array.shape import known_shape, reshape, squeeze, static_value
from minigraph.ops.builder import as_tensor_like, composed, graph_of
from minigraph.ops.constant import Const, range_
from minigraph.ops.math.selection import where as select
from minigraph.ops.nn.conv3d import known_dims, reshaped

__all__ = ["boolean_mask", "py_func", "unique", "where"]


class HostOp(Op, abstract=True):
    """Base class: no plan has it; the session runs its `forward` between two plans."""

    staged = True
    differentiable = False

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


class Where(HostOp):
    """The places of what is not zero: int64 [number of them, rank], in row-major order."""

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
    """How many segments ids in order stand for. InvalidArgumentError where they are not in order."""
    if ids.size and (np.any(np.diff(ids) < 0) or ids[0] < 0):
        raise InvalidArgumentError(f"segment ids are not increasing: {ids.tolist()}")
    return int(ids[-1]) + 1 if ids.size else 0


class SegmentSum(HostOp):
    """The sums of the slices of the first input along its first axis that have the same id in the second."""

    differentiable = True

    def infer(self, x: TensorType, ids: TensorType) -> tuple[TensorType, ...]:
        if ids.rank != 1 or x.rank == 0:
            raise ShapeError(f"segment_ids must be a vector, not {ids}, for {x}")
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
        return (TensorType(start.dtype, (None,)),)

    def forward(self, xp: Any, start: Any, limit: Any, delta: Any) -> tuple[Any, ...]:
        return (xp.arange(int(start), int(limit), int(delta)).astype(start.dtype),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        numbers = [known_shape(c, "tf.range")[0] for c in consts]
        return Const(np.arange(*numbers, dtype=types[0].dtype.np_dtype)), ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), tuple(np.array(v, np.int32) for v in (1, 9, 3)))


def range_of(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """start, start + delta, … below limit; one argument counts from 0. Tensors must be integers that follow from
    shapes."""
    if limit is None:
        start, limit = 0, start
    given = [as_tensor_like(v) for v in (start, limit, delta)]
    if not any(isinstance(v, Tensor) for v in given):
        return range_(start, limit, delta, dtype, name)
    kind = next(v.dtype for v in given if isinstance(v, Tensor))
    if not kind.is_integer:
        raise DTypeError("tf.range takes Python numbers or integer tensors: other lengths depend on values")
    with composed(name, "range", *given) as scope:
        tensors = [convert_to_tensor(v, kind) for v in given]
        result: Tensor = tensors[0].graph.add(Range(), tensors, scope).outputs[0]
        known = [static_value(t) for t in tensors]
        if all(v is not None for v in known):
            result.set_shape([len(range(*(int(v) for v in known if v is not None)))])
        return result


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """x where the condition holds, else y. Without both: the places where it holds, int64 [number of them, rank],
    which are computed between two plans."""
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is not None:
        return select(condition, x, y, name)
    with composed(name, "Where", condition) as scope:
        test = convert_to_tensor(as_tensor_like(condition))
        result: Tensor = test.graph.add(Where(), (test,), scope).outputs[0]
        return result


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None) -> Tensor:
    """The parts of `tensor` for which `mask` is True; its shape is that of the tensor from `axis` (0) on, as far as it
    goes. How many there are is found out between two plans."""
    with composed(name, "boolean_mask", tensor, mask):
        x, test = convert_to_tensor(as_tensor_like(tensor)), convert_to_tensor(as_tensor_like(mask))
        count, at = test.type.rank, axis or 0
        if count == 0:
            raise ShapeError("mask cannot be scalar.")
        if count is None or x.type.shape is None:
            raise ShapeError("Number of mask dimensions must be specified, even if some dimensions are None.")
        if not compatible(x.type.shape[at : at + count], test.type.shape):
            shapes = f"{format_shape(x.type.shape[at : at + count])} and {format_shape(test.type.shape)}"
            raise ShapeError(f"Shapes {shapes} are incompatible")
        dims = known_dims(x, range(len(x.type.shape)))
        lead, tail = dims[:at], dims[at + count :]
        flat = x if count == 1 else reshaped(x, [*lead, -1, *tail])
        places = squeeze(where(reshape(test, [-1])), [1])
        return gather(flat, places, axis=at)


def unique(x: Any, out_idx: Any = int32, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The different elements of a vector, and for each element its number among them; found between two plans.

    `out_idx`: the dtype of the numbers, int32 or int64.
    """
    kind = as_dtype(out_idx)
    if kind not in (int32, int64):
        raise DTypeError(f"out_idx must be int32 or int64, not {kind.name}")
    with composed(name, "Unique", x) as scope:
        vector = convert_to_tensor(as_tensor_like(x))
        values, index = vector.graph.add(Unique(kind), (vector,), scope).outputs
        return values, index


def py_func(func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True, name: str | None = None) -> Any:
    """The results of `func` on the arrays of `inp`, called once a run, between two plans. Nothing flows back.

    Tout: the dtype, or a list of them; an empty one gives the operation. What is known of the results' shapes may be
    told by `set_shape`. A result of another dtype is an InvalidArgumentError; so is a ValueError or a TypeError that
    `func` raises, and an UnknownError most else.
    """
    kinds = tuple(as_dtype(t) for t in (Tout if isinstance(Tout, list | tuple) else [Tout]))
    with composed(name, "PyFunc", *inp) as scope:
        graph = graph_of([as_tensor_like(v) for v in inp]) if inp else get_default_graph()
        tensors = [convert_to_tensor(as_tensor_like(v)) for v in inp]
        node = graph.add(PyFunc(func, kinds), tensors, scope)
        if isinstance(Tout, list | tuple):
            return list(node.outputs) if kinds else node
        return node.outputs[0]
