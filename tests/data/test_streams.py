"""Streams of elements: shuffled, batched, padded, interleaved."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigraph as tf
from minigraph.data import streams
from minigraph.data.streams import Stream


def numbers(*values: int) -> Stream:
    return iter([(np.array(v),) for v in values])


def values(stream: Stream) -> list[int]:
    return [int(part) for (part,) in stream]


@given(st.integers(0, 12), st.integers(1, 15), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_each_pass_is_a_permutation_and_ends_before_the_next(length: int, size: int, passes: int, seed: int) -> None:
    draws = iter(np.random.RandomState(seed).randint(0, 2**31, 1000).tolist())
    found = values(streams.shuffled(lambda: numbers(*range(length)), size, draws, passes))
    for epoch in range(passes):
        part = found[epoch * length : (epoch + 1) * length]
        assert sorted(part) == list(range(length))
        assert all(value <= place + size - 1 for place, value in enumerate(part)), "drawn before it was read"
    assert len(found) == passes * length


def test_shuffling_holds_few_elements_and_has_no_end() -> None:
    read = 0

    def source() -> Iterator[tuple[np.ndarray, ...]]:
        nonlocal read
        for i in count():
            read += 1
            yield (np.array(i),)

    list(islice(streams.shuffled(source, 5, iter([0] * 99)), 20))
    assert read == 24
    endless = streams.shuffled(lambda: numbers(1, 2), 2, iter([0] * 99), None)
    assert values(islice(endless, 6)) == [1, 2, 1, 2, 1, 2]
    assert values(streams.shuffled(lambda: numbers(), 2, iter([0]), None)) == []


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(1, 4), st.integers(1, 3))
def test_interleaving_takes_turns(lengths: list[int], cycle: int, block: int) -> None:
    """Stated slowly: slots in turn; an empty slot takes the next stream; the end of a stream ends its turn."""
    waiting = [[10 * i + j for j in range(n)] for i, n in enumerate(lengths)]
    expected, slots, place = [], [None] * cycle, 0
    while waiting or any(slot is not None for slot in slots):
        if slots[place] is None and waiting:
            slots[place] = waiting.pop(0)
        for _ in range(block):
            if slots[place] is None:
                break
            if not slots[place]:
                slots[place] = None
                break
            expected.append(slots[place].pop(0))
        place = (place + 1) % cycle
    outer = numbers(*range(len(lengths)))
    found = streams.interleaved(
        outer, lambda e: numbers(*(10 * int(e[0]) + j for j in range(lengths[int(e[0])]))), cycle, block
    )
    assert values(found) == expected


def test_batches() -> None:
    made = list(streams.batched(numbers(1, 2, 3), 2, streams.stack, whole=False))
    assert [part.tolist() for (part,) in made] == [[1, 2], [3]]
    assert len(list(streams.batched(numbers(1, 2, 3), 2, streams.stack, whole=True))) == 1
    rows = [(np.ones(2), np.array(b"a", object)), (np.ones(3), np.array(b"b", object))]
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes"):
        streams.stack(rows)
    wide, texts = streams.padded(rows, [(None,), ()], [7, b""])
    assert wide.tolist() == [[1, 1, 7], [1, 1, 1]]
    assert texts.tolist() == [b"a", b"b"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot be padded"):
        streams.padded(rows, [(2,), ()], [0, b""])


def test_repeating_and_zipping() -> None:
    assert values(streams.repeated(lambda: numbers(1, 2), 2)) == [1, 2, 1, 2]
    assert values(islice(streams.repeated(lambda: numbers(1, 2), None), 5)) == [1, 2, 1, 2, 1]
    assert values(streams.repeated(lambda: numbers(), None)) == []
    pairs = list(streams.zipped(numbers(1, 2), numbers(3, 4, 5)))
    assert [[int(a), int(b)] for a, b in pairs] == [[1, 3], [2, 4]]
