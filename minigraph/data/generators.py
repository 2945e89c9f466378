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
    """Batches of examples in order, with the arguments of TensorFlow 1's `train.batch`.

    examples: tuples of arrays or numbers of equal shapes; a separate thread iterates over them.
    capacity: examples read in advance.

    Yields a tuple with one array [batch_size, ...] for each part; the incomplete last batch only with
    allow_smaller_final_batch. Raises ValueError for sizes below 1, and the errors of `examples`.
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
    """Like `batch`, but draw each example at random from a buffer, as TensorFlow 1's `train.shuffle_batch` does.

    min_after_dequeue: examples in the buffer after each draw, until the source ends; more examples mix better.
    capacity: maximum number of examples in memory; at least min_after_dequeue + batch_size.
    The batches depend only on the examples and the seed.
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
