"""Shuffled mini-batches whose order depends only on a seed and the epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigraph.data.order import BatchStream, Order


class Batches(BatchStream):
    """An endless stream of mini-batches from arrays that share their first dimension.

    arrays: one or more, each [N, ...]; kept, not copied.
    batch_size: examples per batch, at least 1.
    seed: 0 <= seed < 2**128. The order of an epoch depends only on (seed, epoch, N), and is
        the same on every machine and NumPy version.
    shuffle: if False, every epoch uses the examples in their original order.
    drop_remainder: skip the last batch of an epoch if it is smaller.

    Raises ValueError for arrays of different lengths or shorter than a batch.
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
        """The next batch: one fresh array [batch_size, ...] for each array given."""
        rows = self._order.next().rows
        return tuple(array.take(rows, axis=0) for array in self._arrays)
