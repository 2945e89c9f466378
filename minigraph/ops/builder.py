"""From Python values to nodes: how every op function of the API makes its node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import DType, as_dtype
from minigraph.core.errors import DTypeError, GraphError, NoValueError, ShapeError, of_two_graphs
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op
from minigraph.core.operand import Operand
from minigraph.core.provenance import caller
from minigraph.core.types import Dimension, Shape, TensorType, compatible, format_shape


def as_tensor_like(value: Any) -> Any:
    """A variable's tensor; anything else as it is."""
    return value.as_graph_tensor() if isinstance(value, Operand) else value


def graph_of(values: Sequence[Any]) -> Graph:
    """The graph of the tensors among `values`, which must be one; the default graph where there is none."""
    found: Tensor | None = None
    for value in values:
        owner = getattr(value, "graph", None)
        if isinstance(owner, Graph):
            if found is not None and found.graph is not owner:
                raise of_two_graphs(value, found)
            found = value
    return found.graph if found is not None else get_default_graph()


def make(
    op: Op,
    name: str | None,
    default: str,
    operands: dict[str, Any],
    dtype: DType | None = None,
    consts: Sequence[str] = (),
) -> Node:
    """One node of `op`, named `name` or `default`, on `operands` (argument name → value).

    Python values become constants named `<node>/<argument>`. `dtype` is the dtype the operands must have; where it
    is None, the first tensor's counts for the Python values beside it. `consts` names the constants that
    TensorFlow 1 would make for what is an attribute here: they count as ids, and "Const" takes a name.
    """
    graph = graph_of(list(operands.values()))
    for const in consts:
        if const == "Const":
            graph.unique_name("Const")
    graph.reserve_ids(len(consts))
    with graph.as_default(), graph.name_scope(name or default) as scope:
        return graph.add(op, _convert(operands, dtype, type(op).__name__), scope)


def _convert(operands: dict[str, Any], dtype: DType | None, kind: str) -> list[Tensor]:
    values = {k: as_tensor_like(v) for k, v in operands.items()}
    given = next((v for v in values.values() if isinstance(v, Tensor)), None)
    preferred = dtype if dtype is not None else given.dtype if given is not None else None
    out = []
    for argument, value in values.items():
        if isinstance(value, Tensor):
            if preferred is not None and value.dtype is not preferred:
                raise DTypeError(
                    f"Input '{argument}' of '{kind}' Op has type {value.dtype.name} that does not match "
                    f"type {preferred.name} of the other operands (at {caller().describe()})."
                )
            out.append(value)
        else:
            tensor = convert_to_tensor(value, preferred, name=argument)
            preferred = preferred or tensor.dtype
            out.append(tensor)
    return out


def convert_pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both values as tensors, the second of the first's dtype."""
    tensor = convert_to_tensor(x)
    return tensor, convert_to_tensor(y, tensor.dtype)


@contextmanager
def composed(name: str | None, default: str, *values: Any) -> Iterator[str]:
    """Where an op that is composed of others is made: the graph of `values` and, in it, a name scope of its own."""
    graph = graph_of([as_tensor_like(v) for v in values])
    with graph.as_default(), graph.name_scope(name or default) as scope:
        yield scope


def apply(op: Op, *inputs: Tensor, name: str | None = None) -> Tensor:
    """The first output of `op` on tensors: the short form that gradients use."""
    return apply_all(op, *inputs, name=name)[0]


def apply_all(op: Op, *inputs: Tensor, name: str | None = None) -> tuple[Tensor, ...]:
    """All outputs of `op` on tensors."""
    graph = inputs[0].graph if inputs else get_default_graph()
    return graph.add(op, inputs, name).outputs


def first(node: Node) -> Tensor:
    return node.outputs[0]


def same_dtype(kind: str, *types: TensorType) -> DType:
    """The one dtype of all types. DTypeError where they differ."""
    dtype = types[0].dtype
    for position, other in enumerate(types):
        if other.dtype is not dtype:
            raise DTypeError(
                f"Input {position} of '{kind}' Op has type {other.dtype.name} that does not match "
                f"type {dtype.name} of input 0"
            )
    return dtype


def require_real(kind: str, x: TensorType) -> None:
    """DTypeError for complex numbers, which have no order."""
    if x.dtype.is_complex:
        raise DTypeError(f"'{kind}' does not take {x.dtype.name}")


def require_float(kind: str, *types: TensorType) -> DType:
    """The one floating dtype of all types."""
    dtype = same_dtype(kind, *types)
    if not dtype.is_floating:
        raise DTypeError(f"'{kind}' takes floating-point tensors, not {dtype.name}")
    return dtype


def require_shape(what: str, given: Shape, wanted: Shape) -> None:
    """ShapeError unless a tensor of shape `given` can have the shape `wanted`."""
    if not compatible(given, wanted):
        raise ShapeError(f"{what} has shape {format_shape(given)} where {format_shape(wanted)} is needed")


def require_gradient(grad: TensorType, op: Op, *inputs: TensorType) -> None:
    """ShapeError unless `grad` can have the shape of the result of `op` on `inputs`."""
    require_shape(f"the gradient of {type(op).__name__}", grad.shape, op.infer(*inputs)[0].shape)


def _loses_kind(kind: str, wanted: DType) -> bool:
    """Whether numbers of a NumPy kind lose their fraction or their imaginary part in a dtype."""
    return (kind == "f" and not (wanted.is_floating or wanted.is_complex)) or (kind == "c" and not wanted.is_complex)


def constant_array(value: Any, dtype: Any = None, shape: Any = None) -> np.ndarray:
    """The array TensorFlow 1 makes of a Python value: floats are float32, ints int32, arrays keep their dtype.

    With `shape`, the values fill it and the last one repeats. DTypeError where `dtype` cannot hold the value.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if value is None:
        raise NoValueError("None values not supported: a tensor, an array or a number is needed.")
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
    else:
        try:
            array = np.array(_numbers(value))
        except ValueError:
            raise ShapeError(f"Cannot make a tensor from {value!r}: its rows differ in length or depth") from None
        if array.dtype.kind in "OUSV":
            raise DTypeError(f"Failed to convert object of type {type(value).__name__} to Tensor. Contents: {value!r}.")
        if wanted is None:
            wanted = {"f": as_dtype(np.float32), "i": as_dtype(np.int32), "b": as_dtype(np.bool_)}.get(array.dtype.kind)
            if array.dtype.kind == "i" and array.size and not _fits_int32(array):
                wanted = as_dtype(np.int64)
    if wanted is not None and array.dtype != wanted.np_dtype:
        if _loses_kind(array.dtype.kind, wanted) and array.size:
            raise DTypeError(f"Expected {wanted.name}, got {value!r} of type '{type(value).__name__}' instead.")
        array = array.astype(wanted.np_dtype)
    as_dtype(array.dtype)
    if shape is not None:
        dims = tuple(int(d) for d in shape)
        if array.size == 1:
            return np.broadcast_to(np.array(array.reshape(())), dims)  # takes the room of one number
        array = _fill_shape(array, dims)
    frozen = np.array(array, order="C")
    frozen.flags.writeable = False
    return frozen


def _numbers(value: Any) -> Any:
    """The value with the known dimensions in it as numbers."""
    if isinstance(value, Dimension):
        return value if value.value is None else value.value
    if isinstance(value, list | tuple) and any(isinstance(v, Dimension | list | tuple) for v in value):
        return [_numbers(v) for v in value]
    return value


def _fits_int32(array: np.ndarray) -> bool:
    return bool(array.min() >= -(2**31) and array.max() < 2**31)


def _fill_shape(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape))
    if array.size == size:
        return array.reshape(shape)
    if array.size > size or array.size == 0:
        raise GraphError(f"Too many elements provided. Needed at most {size}, but received {array.size}")
    flat = np.full(size, array.ravel()[-1], array.dtype)
    flat[: array.size] = array.ravel()
    return flat.reshape(shape)
