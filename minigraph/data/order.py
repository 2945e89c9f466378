"""The order of examples in mini-batches, which depends only on a seed, the epoch and the number of examples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import InvalidArgumentError

_OF_EXAMPLES = 1 << 127  # where in an epoch's half of the Philox counter the numbers of single examples begin
_OF_EACH = 1 << 16  # counters that one example has


class BatchRows(NamedTuple):
    """A batch: its epoch, from 0, and the numbers of its examples, intp [batch_size] (fewer at an epoch's end)."""

    epoch: int
    rows: NDArray[np.intp]


class Order:
    """An endless stream of mini-batches of range(examples). `owner` names it in errors.

    The other arguments, and the errors, are those of `Batches`.
    """

    def __init__(
        self,
        examples: int,
        *,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        drop_remainder: bool = True,
        owner: str = "Batches",
    ) -> None:
        self._owner = owner
        self.examples = int(examples)
        self.batch_size = int(batch_size)
        if self.batch_size != batch_size or self.batch_size < 1:
            raise ValueError(f"{owner}: expected a batch_size of 1 or more, got {batch_size}")
        least = self.batch_size if drop_remainder else 1
        if self.examples < least:
            raise ValueError(
                f"{owner}: expected at least {least} examples for batch_size {batch_size}"
                f" with drop_remainder={drop_remainder}, got {self.examples}"
            )
        self.seed = self._checked(seed)
        self._shuffle = bool(shuffle)
        self._drop_remainder = bool(drop_remainder)
        self.epoch = 0
        self.step_in_epoch = 0
        self._rows: NDArray[np.intp] | None = None
        self._part, self._parts = 0, 1
        self.share = 1.0

    def divide(self, part: int, parts: int) -> None:
        """From now on give only part number `part` of `parts` of each batch; `share` is its share of the last one."""
        rest = self.examples % self.batch_size if not self._drop_remainder else 0
        least = min(self.batch_size, rest or self.batch_size)
        if least < parts:
            raise InvalidArgumentError(
                f"a batch of {least} examples cannot be divided among {parts} processes: choose another batch size"
            )
        self._part, self._parts = part, parts

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(self.examples, self.batch_size)
        return whole if rest == 0 or self._drop_remainder else whole + 1

    def next(self) -> BatchRows:
        """The next batch."""
        if self._rows is None:
            self._rows = (
                permutation(self.examples, self.seed, self.epoch) if self._shuffle else np.arange(self.examples)
            )
        start = self.step_in_epoch * self.batch_size
        rows = self._rows[start : start + self.batch_size]
        first, end = (len(rows) * part // self._parts for part in (self._part, self._part + 1))
        self.share = (end - first) / len(rows)
        step = BatchRows(self.epoch, rows[first:end])
        self.step_in_epoch += 1
        if self.step_in_epoch == self.steps_per_epoch:
            self.epoch, self.step_in_epoch, self._rows = self.epoch + 1, 0, None
        return step

    def state(self) -> dict[str, int]:
        """The position in the stream, as integers for a checkpoint."""
        return {**self._setting(), "seed": self.seed, "epoch": self.epoch, "step": self.step_in_epoch}

    def restore(self, state: Mapping[str, int]) -> None:
        """Continue from a `state()`; see `BatchStream.restore`."""
        setting = self._setting()
        if missing := (setting.keys() | {"seed", "epoch", "step"}) - state.keys():
            raise ValueError(f"{self._owner}.restore: the state lacks {', '.join(sorted(missing))}")
        for key, value in setting.items():
            if state[key] != value:
                raise ValueError(f"{self._owner}.restore: expected {key} {value}, got {state[key]}")
        epoch, step = int(state["epoch"]), int(state["step"])
        if not (0 <= epoch < 1 << 64 and 0 <= step < self.steps_per_epoch):
            raise ValueError(
                f"{self._owner}.restore: expected an epoch from 0 and a step below"
                f" {self.steps_per_epoch}, got epoch {epoch} and step {step}"
            )
        self.seed = self._checked(state["seed"])
        self.epoch, self.step_in_epoch, self._rows = epoch, step, None

    def _setting(self) -> dict[str, int]:
        return {
            "examples": self.examples,
            "batch_size": self.batch_size,
            "shuffle": int(self._shuffle),
            "drop_remainder": int(self._drop_remainder),
        }

    def _checked(self, seed: int) -> int:
        if int(seed) != seed or not 0 <= seed < 1 << 128:
            raise ValueError(f"{self._owner}: expected an integer seed, 0 <= seed < 2**128, got {seed}")
        return int(seed)


class BatchStream(ABC):
    """Base class of endless streams of mini-batches, which can be continued from a saved position."""

    def __init__(self, order: Order) -> None:
        self._order = order

    @property
    def batch_size(self) -> int:
        """The number of examples in a batch. Without `drop_remainder` the last one of an epoch may have fewer."""
        return self._order.batch_size

    @property
    def epoch(self) -> int:
        """The epoch of the next batch, from 0; it is the number of finished epochs."""
        return self._order.epoch

    @property
    def step_in_epoch(self) -> int:
        """The position of the next batch in its epoch, from 0 to steps_per_epoch − 1."""
        return self._order.step_in_epoch

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch."""
        return self._order.steps_per_epoch

    def divide(self, part: int, parts: int) -> None:
        """From now on give only a part of each batch, for training on several processes.

        Args:
            part: The number of the part, from 0.
            parts: The number of parts, which differ by one example at most.

        Raises:
            InvalidArgumentError: A batch has fewer examples than there are parts.
        """
        self._order.divide(part, parts)
        self.close()

    @property
    def share(self) -> float:
        """The part of the last batch's examples that was given."""
        return self._order.share

    @abstractmethod
    def next_batch(self) -> tuple[NDArray[Any], ...]:
        """Give the next batch.

        Returns:
            For each part of an example a new array [batch_size, …].
        """

    def state(self) -> dict[str, int]:
        """Give the position in the stream, for a checkpoint.

        Returns:
            Integers by name; they describe the first batch that was not handed out.
        """
        return self._order.state()

    def restore(self, state: Mapping[str, int]) -> None:
        """Continue from a saved position.

        Args:
            state: The result of `state()`, of this or another run. Its seed is used from here on.

        Raises:
            ValueError: The state is incomplete, or of a stream with other sizes or settings. Nothing changes.
        """
        self._order.restore(state)

    def close(self) -> None:  # noqa: B027 - most streams hold nothing
        """End the threads, if there are any. The next batch starts them again."""


def permutation(examples: int, seed: int, epoch: int = 0) -> NDArray[np.intp]:
    """A permutation of range(examples), drawn with (seed, epoch): intp [examples].

    It sorts raw Philox words and does not call Generator.permutation: NumPy promises that the words stay the same, but
    may change how a Generator uses them.
    """
    # The epoch sits in the counter's upper half, so that no two epochs' words can overlap.
    words = np.random.Philox(key=seed, counter=epoch << 128).random_raw(examples)
    return np.argsort(words, kind="stable")


def uniforms(count: int, seed: int, epoch: int, row: int) -> NDArray[np.float64]:
    """float64 [count] in [0, 1): the random numbers of one example in one epoch, independent of earlier calls."""
    counter = (epoch << 128) + _OF_EXAMPLES + row * _OF_EACH
    words = np.random.Philox(key=seed, counter=counter).random_raw(count)
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
