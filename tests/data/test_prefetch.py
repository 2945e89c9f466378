"""Prefetching: the source's order, bounded memory, errors in their place, exact resuming, and no thread left."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigraph.data import Batches, LoadedBatches, Prefetch, batch, shuffle_batch


def names() -> list[str]:
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("minigraph-source", "minigraph-prefetch"))
    ]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not names()


def jitter(item: int) -> int:
    """Later items are ready earlier, within a group of three."""
    time.sleep((2 - item % 3) * 0.001)
    return item * item


@settings(max_examples=20)
@given(st.integers(0, 20), st.integers(1, 4), st.integers(1, 6))
def test_order_is_the_sources(count: int, workers: int, ahead: int) -> None:
    assert list(Prefetch(jitter, range(count), workers=workers, ahead=ahead)) == [i * i for i in range(count)]
    assert not names()


@pytest.mark.parametrize("ahead", [1, 3, 7])
def test_back_pressure(ahead: int) -> None:
    """However slow the reader is, `ahead` items are taken and no more."""
    taken: list[int] = []

    def source() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    with Prefetch(lambda item: item, source(), workers=3, ahead=ahead) as results:
        for handed_out in range(5):
            time.sleep(0.02)
            assert len(taken) == handed_out + ahead
            assert next(results) == handed_out


def test_a_source_that_waits_does_not_hold_up_what_is_there() -> None:
    gate = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        gate.wait(10)
        yield 2

    with Prefetch(lambda item: item, source(), workers=1, ahead=4) as results:
        assert next(results) == 1
        gate.set()
        assert next(results) == 2


@pytest.mark.parametrize("where", ["source", "function"])
def test_an_error_comes_in_its_place_and_ends_all(where: str) -> None:
    def source() -> Iterator[int]:
        for item in range(10):
            if where == "source" and item == 4:
                raise OSError("the disk is gone")
            yield item

    def function(item: int) -> int:
        if where == "function" and item == 4:
            raise OSError("the disk is gone")
        return item

    results = Prefetch(function, source(), workers=3, ahead=8)
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)
    assert not names()
    assert list(results) == []


def test_closing_early_ends_the_threads() -> None:
    with Prefetch(jitter, range(10**9), workers=4, ahead=16) as results:
        next(results)
        assert names()
    assert not names()
    assert list(results) == []


@pytest.mark.parametrize("sizes", [{"workers": 0}, {"ahead": 0}])
def test_sizes_below_one(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="1 or more workers and items ahead"):
        Prefetch(jitter, [], **sizes)


def example(row: int, epoch: int) -> tuple[np.ndarray, int]:
    time.sleep(0.0005 * (row % 3))
    return np.full((2, 3), 100 * epoch + row), row


def take(stream: Batches | LoadedBatches, count: int) -> list[list[list[float]]]:
    return [[part.tolist() for part in stream.next_batch()] for _ in range(count)]


@settings(max_examples=15)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 99), st.booleans(), st.integers(1, 4), st.integers(1, 5))
def test_loaded_batches_are_those_of_batches(
    examples: int, batch_size: int, seed: int, shuffle: bool, workers: int, ahead: int
) -> None:
    """The timing of threads decides nothing: workers and ahead may be anything."""
    options = {"batch_size": batch_size, "seed": seed, "shuffle": shuffle, "drop_remainder": False}
    plain = Batches(np.arange(examples), **options)  # type: ignore[arg-type]
    loaded = LoadedBatches(example, examples, workers=workers, ahead=ahead, **options)  # type: ignore[arg-type]
    assert loaded.steps_per_epoch == plain.steps_per_epoch
    for _ in range(2 * plain.steps_per_epoch + 1):
        assert (loaded.epoch, loaded.step_in_epoch) == (plain.epoch, plain.step_in_epoch)
        epoch = plain.epoch
        (rows,) = plain.next_batch()
        images, labels = loaded.next_batch()
        assert labels.tolist() == rows.tolist()
        assert (images == (100 * epoch + rows)[:, None, None]).all()
        assert images.shape == (len(rows), 2, 3)
    loaded.close()


@settings(max_examples=15)
@given(st.integers(0, 9), st.integers(1, 4))
def test_a_stream_goes_on_exactly(steps: int, ahead: int) -> None:
    def new(seed: int) -> LoadedBatches:
        return LoadedBatches(example, 7, batch_size=3, seed=seed, workers=2, ahead=ahead)

    first = new(5)
    take(first, steps)
    state = json.loads(json.dumps(first.state()))
    expected = take(first, 5)
    for second in (new(5), new(6), first):
        second.restore(state)
        assert second.state() == state
        assert take(second, 5) == expected
        second.close()
    first.close()


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    stream = LoadedBatches(example, 7, batch_size=3, seed=0)
    stream.next_batch()
    before = stream.state()
    with pytest.raises(ValueError, match=r"LoadedBatches.restore: expected examples 7, got 8"):
        stream.restore({**before, "examples": 8})
    assert stream.state() == before
    same = LoadedBatches(example, 7, batch_size=3, seed=0)
    same.next_batch()
    assert take(stream, 3) == take(same, 3)
    stream.close()
    same.close()


def test_an_error_in_load_can_be_tried_again() -> None:
    broken = True

    def load(row: int, epoch: int) -> tuple[int]:
        if broken and row == 3:
            raise OSError("unplugged")
        return (row,)

    stream = LoadedBatches(load, 6, batch_size=2, seed=0, shuffle=False)
    assert stream.next_batch()[0].tolist() == [0, 1]
    for _ in range(2):
        with pytest.raises(OSError, match="unplugged"):
            stream.next_batch()
        assert not names()
    broken = False
    assert stream.next_batch()[0].tolist() == [2, 3]
    stream.close()


def pairs(count: int) -> Iterator[tuple[np.ndarray, int]]:
    for i in range(count):
        yield np.full(2, i), -i


@pytest.mark.parametrize("smaller", [False, True])
def test_batch(smaller: bool) -> None:
    found = list(batch(pairs(8), 3, capacity=5, allow_smaller_final_batch=smaller))
    expected = [[0, 1, 2], [3, 4, 5], [6, 7]][: 3 if smaller else 2]
    assert [(-labels).tolist() for _, labels in found] == expected
    assert [values[:, 1].tolist() for values, _ in found] == expected


def test_batch_that_is_given_up() -> None:
    found = batch(((i,) for i in range(10**9)), 3)
    next(found)
    found.close()  # type: ignore[attr-defined]


@settings(max_examples=20)
@given(st.integers(0, 30), st.integers(1, 4), st.integers(0, 6), st.integers(0, 3), st.integers(0, 9))
def test_shuffle_batch(count: int, batch_size: int, waiting: int, more: int, seed: int) -> None:
    capacity = waiting + batch_size + more

    def run(seed: int) -> list[int]:
        made = shuffle_batch(((i,) for i in range(count)), batch_size, capacity, waiting, seed, True)
        return [int(i) for (rows,) in made for i in rows]

    found = run(seed)
    assert sorted(found) == list(range(count))
    assert run(seed) == found
    # The n-th draw is among the first n + waiting + 1 examples: what comes after was not in memory.
    assert all(value <= place + waiting for place, value in enumerate(found))
    if waiting == 0:
        assert found == list(range(count))


def test_shuffle_batch_holds_no_more_than_its_capacity() -> None:
    taken = 0

    def source() -> Iterator[tuple[int]]:
        nonlocal taken
        while True:
            taken += 1
            yield (taken,)

    made = shuffle_batch(source(), 2, capacity=9, min_after_dequeue=5)
    for n in range(1, 6):
        next(made)
        time.sleep(0.01)
        assert taken - 2 * n <= 9 + 1  # and the one that the source is about to hand over
    made.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("sizes", [(0, 5, 1), (2, 5, -1), (2, 5, 4)])
def test_shuffle_batch_sizes(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"capacity of min_after_dequeue \+ batch_size"):
        next(shuffle_batch([], *sizes))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_is_told_that_it_has_no_threads_and_loads_batches_of_its_own() -> None:
    batches = LoadedBatches(lambda row, epoch: (row,), 10, batch_size=2, seed=0, shuffle=False)
    assert batches.next_batch()[0].tolist() == [0, 1]
    with Prefetch(lambda x: x, range(4)) as numbers:
        child = os.fork()
        if child == 0:
            code = 2
            try:
                try:
                    next(numbers)
                except RuntimeError as error:
                    code = 0 if "was forked" in str(error) else 1
                numbers.close()
                code += batches.next_batch()[0].tolist() != [2, 3]
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert list(numbers) == [0, 1, 2, 3]
    assert batches.next_batch()[0].tolist() == [2, 3]
    batches.close()
