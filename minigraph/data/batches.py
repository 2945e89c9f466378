"""Shuffled mini-batches whose order depends only on a seed and the epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigraph.data.order import BatchStream, Order


class Batches(BatchStream):
    """An endless stream of mini-batches from arrays that share their first dimension.

    Args:
        *arrays: One or more arrays [N, …]. They are kept, not copied.
        batch_size: Number of examples in a batch, at least 1.
        seed: Integer from 0 to 2¹²⁸ − 1. The order of an epoch depends only on the seed, the epoch and the number of
            examples, and is the same on every machine and with every NumPy version.
        shuffle: Whether the order is random. Otherwise each epoch takes the examples in their own order.
        drop_remainder: Whether to leave out the last, smaller batch of an epoch.

    Raises:
        ValueError: The arrays' first dimensions differ, or a size or the seed is out of range.

    Example:
        >>> from minigraph import data
        >>> batches = data.Batches(np.arange(6), batch_size=4, seed=0, shuffle=False, drop_remainder=False)
        >>> for _ in range(3):
        ...     (numbers,) = batches.next_batch()
        ...     print(numbers, batches.epoch)
        [0 1 2 3] 0
        [4 5] 1
        [0 1 2 3] 1
    """

    def __init__(
        self,
        *arrays: ArrayLike,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        drop_remainder: bool = True,
    ) -> None:
        self._arrays: tuple[NDArray[Any], ...] = tuple(np.asarray(array) for array in arrays)
        shapes = [list(array.shape) for array in self._arrays]
        if not shapes or any(not shape for shape in shapes):
            raise ValueError(f"Batches: expected one or more arrays [N, ...], got shapes {shapes}")
        if any(shape[0] != shapes[0][0] for shape in shapes):
            raise ValueError(f"Batches: expected equal first dimensions, got shapes {shapes}")
        super().__init__(
            Order(shapes[0][0], batch_size=batch_size, seed=seed, shuffle=shuffle, drop_remainder=drop_remainder)
        )

    def next_batch(self) -> tuple[NDArray[Any], ...]:
        """Give the next batch.

        Returns:
            For each array a new array [batch_size, …].
        """
        rows = self._order.next().rows
        return tuple(array.take(rows, axis=0) for array in self._arrays)
