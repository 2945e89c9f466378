"""Mini-batches from generators of examples, for data that is read once, in order, and need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigraph.data.prefetch import Prefetch

Example = tuple[Any, ...]


def batch(
    examples: Iterable[Example], batch_size: int, capacity: int = 32, allow_smaller_final_batch: bool = False
) -> Iterator[tuple[NDArray[Any], ...]]:
    """Join examples into batches, in their order; TensorFlow 1's `tf.train.batch`.

    Args:
        examples: Tuples of arrays or numbers, of the same shapes. A thread of its own takes them.
        batch_size: Number of examples in a batch, at least 1.
        capacity: Number of examples that are taken before they are needed, at least 1.
        allow_smaller_final_batch: Whether the examples that fill no batch come last as a smaller one.

    Yields:
        A tuple with one array [batch_size, …] for each part of an example.

    Raises:
        ValueError: A size is below 1.

    Example:
        >>> from minigraph import data
        >>> for numbers, squares in data.batch(((i, i * i) for i in range(5)), batch_size=2):
        ...     print(numbers, squares)
        [0 1] [0 1]
        [2 3] [4 9]
    """
    if batch_size < 1:
        raise ValueError(f"batch: expected a batch_size of 1 or more, got {batch_size}")
    with Prefetch(_same, examples, workers=1, ahead=capacity) as taken:
        yield from _stack(taken, batch_size, allow_smaller_final_batch)


def shuffle_batch(
    examples: Iterable[Example],
    batch_size: int,
    capacity: int,
    min_after_dequeue: int,
    seed: int = 0,
    allow_smaller_final_batch: bool = False,
) -> Iterator[tuple[NDArray[Any], ...]]:
    """Join examples into batches, each drawn at random from those that wait; TensorFlow 1's `tf.train.shuffle_batch`.

    The batches depend only on the examples and the seed.

    Args:
        examples: Tuples of arrays or numbers, of the same shapes. A thread of its own takes them.
        batch_size: Number of examples in a batch, at least 1.
        capacity: Number of examples in memory at most, at least min_after_dequeue + batch_size.
        min_after_dequeue: Number of examples that wait after each draw, until the source ends. More mix better.
        seed: Seed of the draws, an integer from 0.
        allow_smaller_final_batch: Whether the examples that fill no batch come last as a smaller one.

    Yields:
        A tuple with one array [batch_size, …] for each part of an example.

    Raises:
        ValueError: A size is out of range.

    Example:
        >>> from minigraph import data
        >>> stream = data.shuffle_batch(((i,) for i in range(8)), batch_size=4, capacity=8, min_after_dequeue=4, seed=1)
        >>> sorted(np.concatenate([numbers for (numbers,) in stream]).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7]
    """
    if batch_size < 1 or min_after_dequeue < 0 or capacity < min_after_dequeue + batch_size:
        raise ValueError(
            "shuffle_batch: expected a batch_size of 1 or more and a capacity of min_after_dequeue + batch_size or"
            f" more, got batch_size {batch_size}, min_after_dequeue {min_after_dequeue}, capacity {capacity}"
        )
    with Prefetch(_same, examples, workers=1, ahead=capacity - min_after_dequeue) as taken:
        yield from _stack(_mix(taken, min_after_dequeue, seed), batch_size, allow_smaller_final_batch)


def _same(example: Example) -> Example:
    return example


def _mix(examples: Iterable[Example], waiting: int, seed: int) -> Iterator[Example]:
    words = np.random.Philox(key=seed)
    pool: list[Example] = []
    for example in examples:
        pool.append(example)
        if len(pool) > waiting:
            yield _draw(pool, words)
    while pool:
        yield _draw(pool, words)


def _draw(pool: list[Example], words: np.random.Philox) -> Example:
    place = int(words.random_raw()) % len(pool)
    pool[place], pool[-1] = pool[-1], pool[place]
    return pool.pop()


def _stack(examples: Iterable[Example], batch_size: int, smaller: bool) -> Iterator[tuple[NDArray[Any], ...]]:
    rows: list[Example] = []
    for example in examples:
        rows.append(example)
        if len(rows) == batch_size:
            yield tuple(np.stack(part) for part in zip(*rows, strict=True))
            rows = []
    if rows and smaller:
        yield tuple(np.stack(part) for part in zip(*rows, strict=True))
