"""Constants and placeholders: where values enter a graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minigraph.core.convert import convert_to_tensor, install_constant
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, float32, string
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
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


class StringConst(Op):
    """A text, or bytes, known when the graph is built."""

    value: bytes
    staged = True
    differentiable = False

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(string, ()),)

    def forward(self, xp: Any) -> tuple[Any, ...]:
        return (string_array(self.value),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


class StringArray(Op):
    """An array of texts, or bytes, known when the graph is built; the values are in row-major order."""

    values: tuple[bytes, ...]
    shape: tuple[int, ...]
    staged = True
    differentiable = False

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(string, self.shape),)

    def forward(self, xp: Any) -> tuple[Any, ...]:
        return (string_array(self.values).reshape(self.shape),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


def string_array(value: Any) -> np.ndarray:
    """An array, of dtype object, of bytes; texts are encoded in UTF-8. DTypeError for anything else."""
    if isinstance(value, bytes | str):  # NumPy would drop zero bytes at its end
        given = np.empty((), np.object_)
        given[()] = value
    else:
        given = np.array(value, np.object_)
    made = np.empty(given.shape, np.object_)
    flat = made.reshape(-1)
    for i, item in enumerate(given.reshape(-1)):
        if not isinstance(item, bytes | str):
            raise DTypeError(f"Expected string, got {item!r} of type {type(item).__name__!r} instead.")
        flat[i] = item.encode() if isinstance(item, str) else bytes(item)
    return made


def is_text(value: Any) -> bool:
    """Whether a value is a string, an array of them, or nested lists of them."""
    if isinstance(value, bytes | str):
        return True
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "SU" or (value.dtype.kind == "O" and value.size > 0 and is_text(value.flat[0]))
    return isinstance(value, list | tuple) and len(value) > 0 and is_text(value[0])


def _string_constant(value: Any, dtype: Any, dims: tuple[int, ...] | None, name: str) -> Tensor:
    if dtype is not None and as_dtype(dtype) is not string:
        raise DTypeError(f"Expected {as_dtype(dtype).name}, got {value!r} of type '{type(value).__name__}' instead.")
    array = string_array(value)
    if dims is not None:
        array = np.broadcast_to(array, dims) if array.size == 1 else array.reshape(dims)
    op = StringArray(tuple(array.reshape(-1)), array.shape) if array.shape else StringConst(array.item())
    return get_default_graph().add(op, (), name, control=False).outputs[0]


def computed(op: Op, operands: Sequence[Any]) -> Sequence[Any] | None:
    """The results of an op on arrays; None if it refuses them, which is for the run to report, with node and line."""
    try:
        with np.errstate(all="ignore"):
            results: Sequence[Any] = op.reference(*operands)
            return results
    except Exception:  # the reference raises it again in the run
        return None


class Placeholder(Op):
    """A value fed to each run."""

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
    """The input, unless a value is fed in its place."""

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
    """Make a tensor of a value that is known when the graph is built.

    Args:
        value: A number or string, an array, or nested lists of them. The graph keeps strings as bytes.
        dtype: The dtype; by default that of an array, string for texts and bytes, float32 for Python floats, int32 for
            Python integers (int64 if one does not fit), bool for booleans.
        shape: The shape; by default that of `value`. If there are fewer elements, the last one is repeated.
        name: Name of the node.
        verify_shape: Whether to refuse a `value` that does not have the shape `shape`.

    Returns:
        A tensor of dtype `dtype` and shape `shape`.

    Raises:
        DTypeError: `value` is made neither of numbers nor of strings, or `dtype` cannot hold it.
        ShapeError: `value` does not have the shape `shape`, and `verify_shape` is True.
        GraphError: `value` has more elements than `shape`.

    Example:
        >>> tf.Session().run(tf.constant([1, 2], shape=[2, 2]))
        array([[1, 2],
               [2, 2]], dtype=int32)
    """
    dims = None if shape is None else TensorType(float32, as_shape(shape)).static
    if is_text(value) or dtype == string:
        return _string_constant(value, dtype, dims, name)
    array = constant_array(value, dtype, dims)
    if verify_shape and dims is not None and np.shape(value) != dims:
        raise ShapeError(f"Expected shape {format_shape(dims)}, got {format_shape(np.shape(value))}")
    return get_default_graph().add(Const(array), (), name, leads=False).outputs[0]


install_constant(constant)


def placeholder(dtype: DTypeLike, shape: ShapeLike = None, name: str | None = None) -> Tensor:
    """Make a tensor whose value is fed to each run.

    Args:
        dtype: The dtype.
        shape: The shape, None for a dimension that differs from run to run; None alone leaves the rank open too.
        name: Name of the node.

    Returns:
        A tensor of dtype `dtype` and shape `shape`. A run that needs it fails with InvalidArgumentError unless it is
        fed.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 2])
        >>> tf.Session().run(2 * x, feed_dict={x: [[1.0, 2.0]]})
        array([[2., 4.]], dtype=float32)
    """
    node = get_default_graph().add(Placeholder(as_dtype(dtype), as_shape(shape)), (), name, control=False)
    return node.outputs[0]


def placeholder_with_default(input: TensorLike, shape: ShapeLike, name: str | None = None) -> Tensor:
    """Make a tensor that may be fed to a run, and else has a default value.

    Args:
        input: The default, a tensor of any dtype.
        shape: The shape, with which that of `input` is compatible; None for a dimension that differs from run to run.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `input` and shape `shape`.

    Raises:
        ShapeError: The shape of `input` is not compatible with `shape`.

    Example:
        >>> rate = tf.placeholder_with_default(0.5, [])
        >>> s = tf.Session()
        >>> s.run(rate).item(), s.run(rate, {rate: 0.25}).item()
        (0.5, 0.25)
    """
    graph = graph_of([input])
    default = name or "PlaceholderWithDefault"
    with graph.as_default(), graph.name_scope(default) as scope:
        value = convert_to_tensor(input, name="input")
        return graph.add(PlaceholderWithDefault(as_shape(shape)), (value,), scope).outputs[0]


def range_(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """start, start + delta, … below limit, for Python numbers. A single argument is the limit, and start is 0."""
    if limit is None:
        start, limit = 0, start
    if any(isinstance(v, Tensor) for v in (start, limit, delta)):
        raise DTypeError("tf.range takes Python numbers: a length that depends on values has no static shape")
    array = counted(start, limit, delta)
    graph = get_default_graph()
    graph.reserve_ids(3)
    return constant(array if dtype is None else array.astype(as_dtype(dtype).np_dtype), _kind(array, dtype), name=name)


def counted(start: Any, limit: Any, delta: Any) -> np.ndarray:
    """start, start + delta, … below limit. ShapeError if delta is 0 or leads away from the limit."""
    if delta == 0:
        raise ShapeError("range: requires delta != 0")
    if start > limit if delta > 0 else start < limit:
        sign, relation = (">", "<=") if delta > 0 else ("<", ">=")
        raise ShapeError(f"range: requires start {relation} limit when delta {sign} 0: {start}/{limit}")
    return np.arange(start, limit, delta)


def _kind(array: np.ndarray, dtype: Any) -> Any:
    if dtype is not None:
        return as_dtype(dtype)
    return as_dtype(np.int32) if array.dtype.kind == "i" else float32
