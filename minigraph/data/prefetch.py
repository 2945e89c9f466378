"""Work done ahead on threads, with the results in order and memory bounded."""

from __future__ import annotations

import copy
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from minigraph.data.order import BatchRows, BatchStream, Order

Item = TypeVar("Item")
Result = TypeVar("Result")
_END: Any = object()


class Prefetch(Generic[Item, Result]):
    """An iterator over function(item) for each item of a source, computed ahead on threads, in the source's order.

    An exception in the source or in `function` is raised at the position of its result, and ends the iteration. The
    threads end with `close`, the end of a `with` block, an exception, and the last item.

    Args:
        function: Called with each item, on any of the threads.
        source: The items. A thread of its own takes them, so it may wait for a disk or a network.
        workers: Number of threads that call `function`, at least 1.
        ahead: Number of items taken from the source before their results are asked for, at least 1.

    Raises:
        ValueError: `workers` or `ahead` is below 1.

    Example:
        >>> from minigraph import data
        >>> with data.Prefetch(lambda x: x * x, range(4), workers=2) as squares:
        ...     print(list(squares))
        [0, 1, 4, 9]
    """

    def __init__(
        self, function: Callable[[Item], Result], source: Iterable[Item], *, workers: int = 2, ahead: int = 4
    ) -> None:
        if workers < 1 or ahead < 1:
            raise ValueError(f"Prefetch: expected 1 or more workers and items ahead, got {workers} and {ahead}")
        self._function = function
        self._source = iter(source)
        # One thread takes its tasks in order, so the n-th pull is the n-th item, and a worker may wait for it.
        self._puller = ThreadPoolExecutor(1, "minigraph-source")
        self._workers = ThreadPoolExecutor(workers, "minigraph-prefetch")
        self._futures: deque[Future[Result]] = deque()
        self._open = True
        self._process = os.getpid()
        for _ in range(ahead):
            self._submit()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Result:
        if not self._open:
            raise StopIteration
        if not self.has_threads:
            raise RuntimeError(
                "Prefetch: this process was forked from the one that made the iterator, and has none of its threads. "
                "Make a new iterator here, or start processes by 'spawn'."
            )
        try:
            result = self._futures[0].result()
        except KeyboardInterrupt:
            raise  # it is still there to be asked for
        except BaseException:
            self.close()
            raise
        if result is _END:
            self.close()
            raise StopIteration
        self._futures.popleft()
        self._submit()
        return result

    def close(self) -> None:
        """End the threads. Calls that run are waited for."""
        self._open = False
        if self.has_threads:
            self._puller.shutdown(cancel_futures=True)
            self._workers.shutdown(cancel_futures=True)
        self._futures.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def has_threads(self) -> bool:
        """Whether the threads are in this process; a forked child has none of its parent's."""
        return self._process == os.getpid()

    def _submit(self) -> None:
        item = self._puller.submit(next, self._source, _END)
        self._futures.append(self._workers.submit(_apply, self._function, item))


def _apply(function: Callable[[Item], Result], item: Future[Item]) -> Result:
    value: Any = item.result()
    return cast(Result, _END) if value is _END else function(value)


class LoadedBatches(BatchStream):
    """An endless stream of mini-batches as `Batches`, whose examples a function makes ahead, on threads.

    The batches do not depend on `workers` and `ahead`, and `restore` does not change them. Memory holds ahead + 1
    batches.

    Args:
        load: Function from the number of an example and the epoch to a tuple of arrays or numbers, of the same shapes
            for all examples. Its result may depend on nothing else. Several threads call it at the same time.
        examples: Number of examples.
        batch_size: Number of examples in a batch, at least 1.
        seed: Integer from 0 to 2¹²⁸ − 1. The order of an epoch depends only on the seed, the epoch and the number of
            examples, and is the same on every machine and with every NumPy version.
        shuffle: Whether the order is random. Otherwise each epoch takes the examples in their own order.
        drop_remainder: Whether to leave out the last, smaller batch of an epoch.
        workers: Number of threads.
        ahead: Number of batches that are made before they are asked for.

    Raises:
        ValueError: A size or the seed is out of range.

    Example:
        >>> from minigraph import data
        >>> batches = data.LoadedBatches(lambda row, epoch: (row, row * row), 100, batch_size=3, seed=0, shuffle=False)
        >>> numbers, squares = batches.next_batch()
        >>> print(numbers, squares)
        [0 1 2] [0 1 4]
        >>> batches.close()
    """

    def __init__(
        self,
        load: Callable[[int, int], tuple[Any, ...]],
        examples: int,
        *,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        drop_remainder: bool = True,
        workers: int = 2,
        ahead: int = 2,
    ) -> None:
        order = Order(
            examples,
            batch_size=batch_size,
            seed=seed,
            shuffle=shuffle,
            drop_remainder=drop_remainder,
            owner="LoadedBatches",
        )
        super().__init__(order)
        self._load = load
        self._workers, self._ahead = workers, ahead
        self._made: Prefetch[BatchRows, tuple[NDArray[Any], ...]] | None = None

    def next_batch(self) -> tuple[NDArray[Any], ...]:
        """Give the next batch. An exception in `load` is raised here, and the next call tries the same batch again.

        Returns:
            For each part of an example a new array [batch_size, …].
        """
        if self._made is None or not self._made.has_threads:
            steps = _endless(copy.copy(self._order))
            self._made = Prefetch(self._make, steps, workers=self._workers, ahead=self._ahead)
        try:
            batch = next(self._made)
        except BaseException:
            self.close()  # so that asking again tries the same batch
            raise
        self._order.next()
        return batch

    def restore(self, state: Mapping[str, int]) -> None:
        """Continue from a saved position; batches made ahead are dropped.

        Args:
            state: The result of `state()`, of this or another run. Its seed is used from here on.

        Raises:
            ValueError: The state is incomplete, or of a stream with other sizes or settings.
        """
        self._order.restore(state)
        self.close()

    def close(self) -> None:
        """End the threads. The next batch starts new ones."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _make(self, step: BatchRows) -> tuple[NDArray[Any], ...]:
        examples = [self._load(int(row), step.epoch) for row in step.rows]
        return tuple(np.stack(part) for part in zip(*examples, strict=True))


def _endless(order: Order) -> Iterator[BatchRows]:
    while True:
        yield order.next()
