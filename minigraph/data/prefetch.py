"""Work done in advance on threads, in order and with bounded memory."""

from __future__ import annotations

import copy
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
    """An iterator over function(item) for each item of `source`, in the source's order.

    source: a separate thread iterates over it, so it may wait for a disk or a network.
    workers: threads that call `function`.
    ahead: maximum number of items, finished or not, taken from the source in advance; at least 1. More are
        taken only as results are returned.

    An error in the source or `function` is raised in place of its result, and ends the iteration. `close`, the end
    of a `with` block, an error and the last item end the threads. Raises ValueError for sizes below 1.
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
        for _ in range(ahead):
            self._submit()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Result:
        if not self._open:
            raise StopIteration
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
        """End the threads, after the running calls finish."""
        self._open = False
        self._puller.shutdown(cancel_futures=True)
        self._workers.shutdown(cancel_futures=True)
        self._futures.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self) -> None:
        item = self._puller.submit(next, self._source, _END)
        self._futures.append(self._workers.submit(_apply, self._function, item))


def _apply(function: Callable[[Item], Result], item: Future[Item]) -> Result:
    value: Any = item.result()
    return cast(Result, _END) if value is _END else function(value)


class LoadedBatches(BatchStream):
    """Like `Batches`, but a function makes each example on threads, shortly before it is needed.

    load: takes an example's row in range(examples) and the epoch; returns a tuple of arrays or numbers, of the same
        shapes for every example. It must depend on nothing else, and may be called on several threads at once.
    workers: number of threads. ahead: batches started or finished in advance.

    `workers`, `ahead` and `restore` do not affect the batches. Memory holds ahead + 1 batches.
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
        """The next batch: one new array [batch_size, ...] for each part of an example. Raises the errors of `load`."""
        if self._made is None:
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
        """Like `BatchStream.restore`; batches made in advance are dropped."""
        self._order.restore(state)
        self.close()

    def close(self) -> None:
        """End the threads; the next batch starts new ones."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _make(self, step: BatchRows) -> tuple[NDArray[Any], ...]:
        examples = [self._load(int(row), step.epoch) for row in step.rows]
        return tuple(np.stack(part) for part in zip(*examples, strict=True))


def _endless(order: Order) -> Iterator[BatchRows]:
    while True:
        yield order.next()
