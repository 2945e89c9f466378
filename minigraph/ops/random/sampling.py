"""Random orders and random choices, with TensorFlow 1's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype, float64, int32, int64, uint32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, cast, where
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import DTypeLike, TensorLike
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, MAXIMUM, Kernel
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.known import in_graph, whole_number
from minigraph.ops.array.shape import shape
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import composed
from minigraph.ops.random import kernels, philox
from minigraph.ops.random.distributions import CELL, RandomOp, draw, get_seed

__all__ = ["multinomial", "random_shuffle"]

_CELL = np.array([256, 7, 3], np.uint64)


def _exchange_blocks(count: int) -> int:
    """How many counters make the words of the exchanges that shuffle `count` numbers."""
    return (max(count - 1, 0) + 3) // 4


class RandomPermutation(RandomOp):
    """The numbers 0 … n − 1 in random order, by the Fisher–Yates shuffle; `shape` is (n,)."""

    def forward(self, xp: Any, cell: Any) -> tuple[Any, ...]:
        assert self.shape is not None
        offset, key, stream = (int(v) for v in cell)
        order = np.arange(self.shape[0], dtype=self.dtype.np_dtype)
        blocks = _exchange_blocks(len(order))
        words = philox.raw(blocks, key, stream, offset).ravel()
        for i, word in zip(range(len(order) - 1), words, strict=False):
            j = i + int(word) % (len(order) - i)
            order[i], order[j] = order[j], order[i]
        return xp.asarray(order), xp.asarray(np.array([offset + blocks, key, stream], np.uint64))

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """The words first, then the exchanges one after the other."""
        count = out_types[0].size
        if count < 2:
            return None
        k, blocks = Statement("permutation"), _exchange_blocks(count)
        state, y, words = k.variable(in_types[0]), k.result(out_types[0]), k.workspace(uint32, (4 * blocks,))
        kernels.write(k, state, words, lambda found: [cast(w, uint32) for w in found])
        with k.over(count) as (i,):
            k.store(y, (i,), k.number(i, int64))
        with k.over(1), k.steps(count - 1) as i:
            left = cast(call("mod", words[i], k.number(count - i, uint32)), int64)
            j = k.index(left + k.number(i, int64), count)
            here, there = k.let(y[i]), k.let(y[j])
            k.store(y, (j,), here)
            k.store(y, (i,), there)
        kernels.advance(k, state, blocks)
        return k.done()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(int32, (5,), 7, 3), (_CELL,), smooth=False)


class Multinomial(RandomOp):
    """Class numbers [N,num] drawn with the probabilities softmax(logits) of each row of logits [N,C]."""

    num: int = 1
    writes = (1,)

    def infer(self, logits: TensorType, cell: TensorType | None = None) -> tuple[TensorType, ...]:  # type: ignore[override]
        if logits.rank not in (None, 2):
            raise ShapeError(f"logits should be a matrix, not shape {format_shape(logits.shape)}")
        if logits.shape is not None and logits.shape[1] == 0:
            raise ShapeError(f"logits of shape {format_shape(logits.shape)} have no classes")
        if self.num < 0:
            raise ShapeError(f"num_samples should be 0 or more, not {self.num}")
        rows = None if logits.shape is None else logits.shape[0]
        return TensorType(self.dtype, (rows, self.num)), CELL

    def forward(self, xp: Any, logits: Any, cell: Any) -> tuple[Any, ...]:  # type: ignore[override]
        offset, key, stream = (int(v) for v in cell)
        rows = len(logits)
        chances = philox.uniform(rows * self.num, key, stream, offset, np.float64).reshape(rows, self.num)
        exact = np.where(np.isfinite(logits), logits.astype(np.float64), -np.inf)
        total = np.cumsum(np.exp(exact - exact.max(axis=1, keepdims=True)), axis=1)
        places = [np.searchsorted(t, c * t[-1], side="right") for t, c in zip(total, chances, strict=True)]
        drawn = np.array(places, self.dtype.np_dtype).reshape(rows, self.num)
        after = offset + self._reserved(rows)
        return xp.asarray(drawn), xp.asarray(np.array([after, key, stream], np.uint64))

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """Running sums of the probabilities, and the first that exceeds a uniform value for each number to draw."""
        (rows, classes), num = in_types[0].static, self.num
        if not rows * num:
            return None
        k = Statement("multinomial")
        logits, state, y = k.operand(in_types[0]), k.variable(in_types[1]), k.result(out_types[0])
        chance, total = k.workspace(float64, (rows * num,)), k.workspace(float64, (rows, classes))
        kernels.write(k, state, chance, lambda words: kernels.uniform(words, float64))
        with k.over(rows, names="n") as (n,):

            def exact(c: Index) -> Scalar:
                return where(call("isfinite", logits[n, c]), cast(logits[n, c], float64), -np.inf)

            (most,) = k.reduce([classes], MAXIMUM, [-np.inf], [float64], lambda c: [exact(c)])
            k.reduce(
                [classes], ADD, [0], [float64], lambda c: [call("exp", exact(c) - most)],
                after=lambda sums, c: k.store(total, (n, c), sums[0]),
            )  # fmt: skip
        with k.over(rows, num, names="nj") as (n, j):
            wanted = k.let(chance[n * num + j] * total[n, classes - 1])
            passed = k.reduce(
                [classes], ADD, [0], [int64], lambda c: [cast(call("less_equal", total[n, c], wanted), int64)]
            )
            k.store(y, (n, j), passed[0])
        kernels.advance(k, state, self._reserved(rows))
        return k.done()

    def _reserved(self, rows: int) -> int:
        """How many counters a run moves on."""
        return philox.reserved(rows * ((self.num + 3) // 4 * 4) * 2)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return self, (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        logits = np.log(np.array([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]]))
        yield Sample(cls(int64, None, 7, 3, 4), (logits, _CELL), smooth=False)


def random_shuffle(value: TensorLike, seed: int | None = None, name: str | None = None) -> Tensor:
    """Put the slices along the first axis in random order, a new one in each run.

    Args:
        value: A tensor of rank 1 or more.
        seed: The seed of the operation; see `tf.set_random_seed`.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `value`.

    Raises:
        ShapeError: The rank of `value` is 0 or unknown.

    Example:
        >>> tf.set_random_seed(1)
        >>> tf.Session().run(tf.random_shuffle([1, 2, 3, 4, 5], seed=2))
        array([5, 1, 3, 2, 4], dtype=int32)
    """
    with composed(name, "RandomShuffle", value) as scope:
        x = convert_to_tensor(value, name="value")
        if not x.type.rank:
            raise ShapeError(f"random_shuffle needs a first axis; the shape is {format_shape(x.type.shape)}")
        known = (x.type.shape or (None,))[0]
        size = (known,) if known is not None else getitem(shape(x), slice(0, 1))
        with x.graph.counted_as(1):
            order = draw(x.graph, RandomPermutation, size, int32, seed)
            return gather(x, order, name=scope)


def multinomial(
    logits: TensorLike, num_samples: int | Tensor, seed: int | None = None, name: str | None = None,
    output_dtype: DTypeLike | None = None,
) -> Tensor:  # fmt: skip
    """Draw class numbers with the probabilities softmax(logits), new ones in each run.

    Args:
        logits: A tensor [N, C] of floating-point dtype, the unnormalised logarithms of the probabilities.
        num_samples: How many numbers to draw for each row: a whole number, or a tensor whose value is known.
        seed: The seed of the operation; see `tf.set_random_seed`.
        name: Name scope of the nodes.
        output_dtype: The dtype of the result, int32 or int64; by default int64.

    Returns:
        A tensor [N, num_samples] of dtype `output_dtype`.

    Raises:
        ShapeError: `logits` is not a matrix.
        TypeError: `num_samples` is not a whole number, or is not known.

    Example:
        >>> tf.set_random_seed(1)
        >>> tf.Session().run(tf.multinomial(tf.log([[0.5, 0.25, 0.25]]), 6, seed=2, output_dtype=tf.int32))
        array([[0, 0, 0, 0, 2, 2]], dtype=int32)
    """
    with composed(name, "multinomial", logits):
        x = convert_to_tensor(logits, name="logits")
        count = whole_number("multinomial", "num_samples", num_samples)
        x.graph.reserve_ids(0 if in_graph(num_samples) else 1)
        first, second = get_seed(x.graph, seed)
        kind = int64 if output_dtype is None else as_dtype(output_dtype)
        return x.graph.add(Multinomial(kind, None, first, second, count), (x,), "Multinomial").outputs[0]
