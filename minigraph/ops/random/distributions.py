"""Random tensors: Philox 4x32-10 with TensorFlow 1's keys and counters.

The session keeps the state of each random op in a cell of three uint64: the next counter, the key (the graph
seed) and the stream (the op seed). With a graph seed, an op without a seed of its own takes the graph's op count, as in
TensorFlow, so equal programs give TensorFlow's numbers. Without any seed, the session draws the key and stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, float32, uint64
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Graph, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.loops.kernel import Kernel
from minigraph.ops.array.known import in_graph
from minigraph.ops.array.shape import known_shape, shape_operand
from minigraph.ops.builder import apply, graph_of
from minigraph.ops.constant import constant
from minigraph.ops.counting import no_flops
from minigraph.ops.math.arithmetic import Add, Mul, Sub
from minigraph.ops.random import kernels, philox

__all__ = ["random_normal", "random_uniform", "set_random_seed", "truncated_normal"]

DEFAULT_GRAPH_SEED = 87654321
_MAXINT32 = 2**31 - 1


class RandomOp(Op, abstract=True):
    """Random values of `shape`, drawn with Philox. The attributes seed and seed2 are None if they are unset.

    The input is the shape if it is a tensor. The compiler appends the state cell.
    """

    dtype: Any
    shape: tuple[int, ...] | None
    seed: int | None
    seed2: int | None
    stateful = True
    differentiable = False
    draws = True
    writes = (0,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        shape = self.shape
        if shape is None and inputs[0].shape is not None and inputs[0].shape[0] is not None:
            return TensorType(self.dtype, (None,) * inputs[0].shape[0]), CELL
        if shape is not None and (negative := next((d for d in shape if d is not None and d < 0), None)) is not None:
            raise ShapeError(f"Dimension {negative} must be >= 0")
        return TensorType(self.dtype, shape), CELL

    def draw(self, count: int, key: int, stream: int, offset: int) -> np.ndarray:
        """`count` values in the dtype of the op."""
        raise NotImplementedError

    @classmethod
    def draws_each(cls) -> bool:
        """Whether each value is drawn by itself, so that several draws are one of a larger shape."""
        return cls.draw is not RandomOp.draw

    def forward(self, xp: Any, cell: Any) -> tuple[Any, ...]:
        assert self.shape is not None
        count = int(np.prod(self.shape))
        offset, key, stream = (int(v) for v in cell)
        values = self.draw(count, key, stream, offset).reshape(self.shape)
        after = np.array([offset + philox.reserved(count), key, stream], np.uint64)
        return xp.asarray(values), xp.asarray(after)

    def values(self, words: Sequence[Scalar]) -> Sequence[Scalar]:
        """The values that the words of one counter make, in the dtype of the op."""
        raise NotImplementedError

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """None for a dtype that the reference does not have either."""
        if out_types[0].dtype.size < 4:
            return None
        return kernels.drawn(type(self).__name__.lower(), in_types[0], out_types[0], self.values)

    flops = no_flops

    def initial_cell(self) -> np.ndarray:
        """The state before the first draw."""
        if self.seed is None or self.seed2 is None:
            key, stream = (int(v) for v in np.random.SeedSequence().generate_state(2, np.uint64))
        else:
            key, stream = self.seed, self.seed2
        return np.array([0, key, stream], np.uint64)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        if self.shape is not None:
            return self, ()
        return self.replace(shape=known_shape(consts[0], "a random op")), ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        cell = np.array([256, 7, 3], np.uint64)
        yield Sample(cls(float32, (2, 3), 7, 3), (cell,), smooth=False)
        yield Sample(cls(as_dtype("float64"), (3,), 7, 3), (cell,), smooth=False)


CELL = TensorType(uint64, (3,))


class RandomUniform(RandomOp):
    """Uniform in [0, 1)."""

    def draw(self, count: int, key: int, stream: int, offset: int) -> np.ndarray:
        return philox.uniform(count, key, stream, offset, self.dtype.np_dtype)

    def values(self, words: Sequence[Scalar]) -> Sequence[Scalar]:
        return kernels.uniform(words, self.dtype)


class RandomStandardNormal(RandomOp):
    """Normal with mean 0 and standard deviation 1, by the Box–Muller transform."""

    def draw(self, count: int, key: int, stream: int, offset: int) -> np.ndarray:
        return philox.normal(count, key, stream, offset, self.dtype.np_dtype)

    def values(self, words: Sequence[Scalar]) -> Sequence[Scalar]:
        return kernels.normal(words, self.dtype)


class TruncatedNormal(RandomOp):
    """Normal, drawn again where a value is 2 or more standard deviations from the mean."""

    def draw(self, count: int, key: int, stream: int, offset: int) -> np.ndarray:
        return philox.truncated_normal(count, key, stream, offset, self.dtype.np_dtype)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        return kernels.truncated(in_types[0], out_types[0]) if out_types[0].dtype.size >= 4 else None


class RandomUniformInt(RandomOp):
    """Uniform integers in [low, high)."""

    low: int = 0
    high: int = 1

    def draw(self, count: int, key: int, stream: int, offset: int) -> np.ndarray:
        return philox.uniform_int(count, key, stream, offset, self.low, self.high, self.dtype.np_dtype)

    def values(self, words: Sequence[Scalar]) -> Sequence[Scalar]:
        return kernels.integers(words, self.dtype, self.low, self.high)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        cell = np.array([0, 7, 3], np.uint64)
        yield Sample(cls(as_dtype("int32"), (5,), 7, 3, -2, 9), (cell,), smooth=False)
        yield Sample(cls(as_dtype("int64"), (5,), 7, 3, -(1 << 40), 1 << 41), (cell,), smooth=False)


def set_random_seed(seed: int | None) -> None:
    """Set the seed of the default graph.

    Random operations made afterwards draw TensorFlow 1's numbers for that seed: each also takes a seed of its own
    from its `seed` argument, or from the number of operations in the graph.

    Args:
        seed: The seed; None for numbers that differ from session to session.

    Example:
        >>> tf.set_random_seed(1)
        >>> x = tf.random_uniform([3])
        >>> bool((tf.Session().run(x) == tf.Session().run(x)).all())
        True
    """
    get_default_graph().seed = seed


def get_seed(graph: Graph, op_seed: int | None) -> tuple[int | None, int | None]:
    """(graph seed, op seed) as TensorFlow 1 derives them; (None, None) if neither is set."""
    if graph.seed is not None:
        pair = graph.seed, graph.last_id if op_seed is None else op_seed
    elif op_seed is not None:
        pair = DEFAULT_GRAPH_SEED, op_seed
    else:
        return None, None
    first, second = (int(s) % _MAXINT32 for s in pair)
    return (first, _MAXINT32) if (first, second) == (0, 0) else (first, second)


def draw(graph: Graph, kind: type[RandomOp], shape: Any, dtype: Any, seed: int | None, **extra: Any) -> Tensor:
    """A random node. Its shape is given as numbers or as a tensor."""
    first, second = get_seed(graph, seed)
    if isinstance(shape, Tensor):
        return apply(kind(dtype, None, first, second, **extra), shape)
    return graph.add(kind(dtype, shape, first, second, **extra), ()).outputs[0]


def _shape(shape: Any, graph: Graph) -> tuple[int, ...] | Tensor:
    dims = shape_operand(shape)
    if not isinstance(dims, Tensor):
        if any(d < 0 for d in dims):
            raise InvalidArgumentError(f"the shape of a random tensor must be known, got {list(dims)}")
        graph.reserve_ids(0 if in_graph(shape) else 1)
    return dims


def _float_dtype(dtype: Any, name: str) -> Any:
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise DTypeError(f"{name} makes floating-point tensors, not {kind.name}")
    return kind


def _scaled(
    kind: type[RandomOp], default: str, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None,
    name: str | None,
) -> Tensor:  # fmt: skip
    graph = graph_of([shape, mean, stddev])
    number = _float_dtype(dtype, default)
    with graph.as_default(), graph.name_scope(name or default) as scope:
        dims = _shape(shape, graph)
        centre = mean if isinstance(mean, Tensor) else constant(mean, number, name="mean")
        scale = stddev if isinstance(stddev, Tensor) else constant(stddev, number, name="stddev")
        product = apply(Mul(), draw(graph, kind, dims, number, seed), scale, name="mul")
        return apply(Add(), product, centre, name=scope)


def random_normal(
    shape: ShapeLike | TensorLike, mean: TensorLike = 0.0, stddev: TensorLike = 1.0, dtype: DTypeLike = float32,
    seed: int | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw numbers from a normal distribution, new ones in each run.

    Args:
        shape: The shape. It may be an integer vector of the graph that follows from shapes.
        mean: The mean: a number, or a tensor that broadcasts to `shape`.
        stddev: The standard deviation: a number, or a tensor that broadcasts to `shape`.
        dtype: The dtype, a floating-point one.
        seed: The seed of the operation; see `tf.set_random_seed`.
        name: Name scope of the nodes.

    Returns:
        A tensor of shape `shape` and dtype `dtype`.

    Raises:
        DTypeError: `dtype` is not floating-point.
        InvalidArgumentError: A dimension of `shape` is negative.

    Example:
        >>> x = tf.Session().run(tf.random_normal([10000], mean=5.0, stddev=2.0, seed=1))
        >>> round(x.mean().item(), 1), round(x.std().item(), 1)
        (5.0, 2.0)
    """
    return _scaled(RandomStandardNormal, "random_normal", shape, mean, stddev, dtype, seed, name)


def truncated_normal(
    shape: ShapeLike | TensorLike, mean: TensorLike = 0.0, stddev: TensorLike = 1.0, dtype: DTypeLike = float32,
    seed: int | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw numbers from a normal distribution, and draw again those 2 or more standard deviations from the mean.

    Args:
        shape: The shape. It may be an integer vector of the graph that follows from shapes.
        mean: The mean before truncation: a number, or a tensor that broadcasts to `shape`.
        stddev: The standard deviation before truncation: a number, or a tensor that broadcasts to `shape`.
        dtype: The dtype, a floating-point one.
        seed: The seed of the operation; see `tf.set_random_seed`.
        name: Name scope of the nodes.

    Returns:
        A tensor of shape `shape` and dtype `dtype`.

    Raises:
        DTypeError: `dtype` is not floating-point.
        InvalidArgumentError: A dimension of `shape` is negative.

    Example:
        >>> x = tf.Session().run(tf.truncated_normal([10000], stddev=2.0, seed=1))
        >>> bool((np.abs(x) < 4.0).all())
        True
    """
    return _scaled(TruncatedNormal, "truncated_normal", shape, mean, stddev, dtype, seed, name)


def random_uniform(
    shape: ShapeLike | TensorLike, minval: TensorLike = 0, maxval: TensorLike | None = None,
    dtype: DTypeLike = float32, seed: int | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw numbers from a uniform distribution over [minval, maxval), new ones in each run.

    Args:
        shape: The shape. It may be an integer vector of the graph that follows from shapes.
        minval: The lower bound: a number, or for floating-point dtypes a tensor that broadcasts to `shape`.
        maxval: The upper bound, excluded; by default 1. It must be given for integer dtypes.
        dtype: The dtype, a floating-point or integer one.
        seed: The seed of the operation; see `tf.set_random_seed`.
        name: Name scope of the nodes.

    Returns:
        A tensor of shape `shape` and dtype `dtype`.

    Raises:
        ValueError: `dtype` is integer, and `maxval` is None.
        DTypeError: `dtype` is not numeric.
        InvalidArgumentError: A dimension of `shape` is negative.

    Example:
        >>> tf.set_random_seed(1)
        >>> tf.Session().run(tf.random_uniform([5], maxval=10, dtype=tf.int32, seed=2))
        array([9, 5, 2, 9, 1], dtype=int32)
    """
    kind = as_dtype(dtype)
    if maxval is None:
        if kind.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {kind.name}")
        maxval = 1
    lower: Any = minval
    upper: Any = maxval
    graph = graph_of([shape, lower, upper])
    with graph.as_default(), graph.name_scope(name or "random_uniform") as scope:
        dims = _shape(shape, graph)
        if kind.is_integer:
            graph.reserve_ids(2)
            first, second = get_seed(graph, seed)
            inputs, known = ((dims,), None) if isinstance(dims, Tensor) else ((), dims)
            op = RandomUniformInt(kind, known, first, second, int(lower), int(upper))
            return graph.add(op, inputs, scope).outputs[0]
        low = lower if isinstance(lower, Tensor) else constant(lower, kind, name="min")
        high = upper if isinstance(upper, Tensor) else constant(upper, kind, name="max")
        unit = draw(graph, RandomUniform, dims, kind, seed)
        width = apply(Sub(), high, low, name="sub")
        return apply(Add(), apply(Mul(), unit, width, name="mul"), low, name=scope)
