"""Constants and placeholders: where values enter a graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minigraph.core.dtypes import as_dtype, float32
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor, get_default_graph, install_constant
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType, as_shape, compatible, format_shape
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.ops.builder import constant_array, graph_of
from minigraph.ops.identity import Identity

__all__ = ["constant", "placeholder", "placeholder_with_default"]


class Const(Op):
    """A value known when the graph is built."""

    value: np.ndarray
    differentiable = False

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(as_dtype(self.value.dtype), self.value.shape),)

    def forward(self, xp: Any) -> tuple[Any, ...]:
        return (xp.asarray(self.value),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(np.arange(3.0)), ())


class Placeholder(Op):
    """A value handed over at each run."""

    dtype: Any
    shape: Any = None
    stateful = True
    differentiable = False

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, self.shape),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


class PlaceholderWithDefault(Op):
    """The input, unless something is fed in its place."""

    shape: Any = None
    differentiable = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if not compatible(x.shape, self.shape):
            raise ShapeError(f"the default has shape {format_shape(x.shape)}, not {format_shape(self.shape)}")
        return (TensorType(x.dtype, self.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x,)

    def vjp(self, node: Any, grad: Any) -> Sequence[Any]:
        return (grad,)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Identity(), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((3,)), (np.arange(3.0),))


def constant(
    value: npt.ArrayLike,
    dtype: DTypeLike | None = None,
    shape: ShapeLike = None,
    name: str = "Const",
    verify_shape: bool = False,
) -> Tensor:
    """A constant. Python floats become float32 and ints int32; with `shape`, the last value repeats to fill it."""
    dims = None if shape is None else TensorType(float32, as_shape(shape)).static
    array = constant_array(value, dtype, dims)
    if verify_shape and dims is not None and np.shape(value) != dims:
        raise ShapeError(f"Expected shape {format_shape(dims)}, got {format_shape(np.shape(value))}")
    return get_default_graph().add(Const(array), (), name, control=False).outputs[0]


install_constant(constant)


def placeholder(dtype: DTypeLike, shape: ShapeLike = None, name: str | None = None) -> Tensor:
    """A tensor to be fed. Unknown dimensions are None; no shape at all leaves the rank open too."""
    node = get_default_graph().add(Placeholder(as_dtype(dtype), as_shape(shape)), (), name, control=False)
    return node.outputs[0]


def placeholder_with_default(input: TensorLike, shape: ShapeLike, name: str | None = None) -> Tensor:
    """`input` where nothing is fed."""
    graph = graph_of([input])
    default = name or "PlaceholderWithDefault"
    with graph.as_default(), graph.name_scope(default) as scope:
        value = convert_to_tensor(input, name="input")
        return graph.add(PlaceholderWithDefault(as_shape(shape)), (value,), scope).outputs[0]


def range_(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """start, start + delta, … below limit; Python numbers only. One argument counts from 0."""
    if limit is None:
        start, limit = 0, start
    if any(isinstance(v, Tensor) for v in (start, limit, delta)):
        raise DTypeError("tf.range takes Python numbers: a length that depends on values has no static shape")
    array = np.arange(start, limit, delta)
    graph = get_default_graph()
    graph.reserve_ids(3)
    return constant(array if dtype is None else array.astype(as_dtype(dtype).np_dtype), _kind(array, dtype), name=name)


def _kind(array: np.ndarray, dtype: Any) -> Any:
    if dtype is not None:
        return as_dtype(dtype)
    return as_dtype(np.int32) if array.dtype.kind == "i" else float32
