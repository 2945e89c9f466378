"""Shuffled mini-batches whose order depends on nothing but a seed and the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Batches:
    """An endless stream of mini-batches from arrays that share their first dimension.

    arrays: one or more, each [N, ...]; kept, not copied.
    batch_size: examples in a batch, at least 1.
    seed: 0 <= seed < 2**128. The order of an epoch is a function of (seed, epoch, N) alone, and
        the same on every machine and NumPy version.
    shuffle: if False, every epoch takes the examples in their own order.
    drop_remainder: leave out the last, smaller batch of an epoch. If False it comes too.

    Raises ValueError for sizes that fit no batch or do not fit each other.
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
        self._examples = int(shapes[0][0])
        self._batch_size = int(batch_size)
        if self._batch_size != batch_size or self._batch_size < 1:
            raise ValueError(f"Batches: expected a batch_size of 1 or more, got {batch_size}")
        least = self._batch_size if drop_remainder else 1
        if self._examples < least:
            raise ValueError(
                f"Batches: expected at least {least} examples for batch_size {batch_size}"
                f" with drop_remainder={drop_remainder}, got {self._examples}"
            )
        self._seed = _checked_seed(seed)
        self._shuffle = bool(shuffle)
        self._drop_remainder = bool(drop_remainder)
        self._epoch = 0
        self._step = 0
        self._order: NDArray[np.intp] | None = None

    @property
    def batch_size(self) -> int:
        """Examples in a batch; the last one of an epoch may have fewer without drop_remainder."""
        return self._batch_size

    @property
    def epoch(self) -> int:
        """The epoch, from 0, that the next batch belongs to: the number of finished epochs."""
        return self._epoch

    @property
    def step_in_epoch(self) -> int:
        """The next batch's place in its epoch, from 0 to steps_per_epoch - 1."""
        return self._step

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(self._examples, self._batch_size)
        return whole if rest == 0 or self._drop_remainder else whole + 1

    def next_batch(self) -> tuple[NDArray[Any], ...]:
        """The next batch: one fresh array [batch_size, ...] for each array given."""
        start = self._step * self._batch_size
        stop = min(start + self._batch_size, self._examples)
        if self._shuffle:
            if self._order is None:
                self._order = _order(self._seed, self._epoch, self._examples)
            rows = self._order[start:stop]
            batch = tuple(array.take(rows, axis=0) for array in self._arrays)
        else:
            batch = tuple(array[start:stop].copy() for array in self._arrays)
        self._step += 1
        if self._step == self.steps_per_epoch:
            self._epoch, self._step, self._order = self._epoch + 1, 0, None
        return batch

    def state(self) -> dict[str, int]:
        """Where the stream stands, as plain integers for a checkpoint."""
        return {**self._setting(), "seed": self._seed, "epoch": self._epoch, "step": self._step}

    def restore(self, state: Mapping[str, int]) -> None:
        """Go on from `state()` of this or another run; the seed is the state's from here on.

        Raises ValueError, and changes nothing, if the state is incomplete or is from a stream of
        other sizes or settings, which would give other batches.
        """
        setting = self._setting()
        if missing := (setting.keys() | {"seed", "epoch", "step"}) - state.keys():
            raise ValueError(f"Batches.restore: the state lacks {', '.join(sorted(missing))}")
        for key, value in setting.items():
            if state[key] != value:
                raise ValueError(f"Batches.restore: expected {key} {value}, got {state[key]}")
        epoch, step = int(state["epoch"]), int(state["step"])
        if not (0 <= epoch < 1 << 64 and 0 <= step < self.steps_per_epoch):
            raise ValueError(
                f"Batches.restore: expected an epoch from 0 and a step below"
                f" {self.steps_per_epoch}, got epoch {epoch} and step {step}"
            )
        self._seed = _checked_seed(state["seed"])
        self._epoch, self._step, self._order = epoch, step, None

    def _setting(self) -> dict[str, int]:
        return {
            "examples": self._examples,
            "batch_size": self._batch_size,
            "shuffle": int(self._shuffle),
            "drop_remainder": int(self._drop_remainder),
        }


def _checked_seed(seed: int) -> int:
    if int(seed) != seed or not 0 <= seed < 1 << 128:
        raise ValueError(f"Batches: expected an integer seed, 0 <= seed < 2**128, got {seed}")
    return int(seed)


def _order(seed: int, epoch: int, examples: int) -> NDArray[np.intp]:
    """A permutation of range(examples), shape [examples], drawn with (seed, epoch).

    Sorts raw Philox words instead of calling Generator.permutation: NumPy promises the words for
    good, but may change how a Generator uses them.
    """
    # The epoch sits in the counter's upper half, so that no two epochs' words can overlap.
    words = np.random.Philox(key=seed, counter=epoch << 128).random_raw(examples)
    return np.argsort(words, kind="stable")
