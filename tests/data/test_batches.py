"""Batches: complete epochs, orders fixed by (seed, epoch), and runs that go on where they stopped.

Tests `data/generators.py` and `data/order.py`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigraph.data.batches import Batches


def rows(batches: Batches, count: int) -> list[list[int]]:
    return [batches.next_batch()[0].tolist() for _ in range(count)]


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**128 - 1), st.booleans(), st.booleans())
def test_each_epoch_takes_each_example_once(
    examples: int, batch_size: int, seed: int, shuffle: bool, drop_remainder: bool
) -> None:
    if drop_remainder and batch_size > examples:
        batch_size = examples
    x = np.arange(examples)
    batches = Batches(x, -x[:, None], batch_size=batch_size, seed=seed, shuffle=shuffle, drop_remainder=drop_remainder)
    rest = 0 if drop_remainder else int(examples % batch_size > 0)
    assert batches.steps_per_epoch == examples // batch_size + rest
    for epoch in range(3):
        seen: list[int] = []
        for step in range(batches.steps_per_epoch):
            assert (batches.epoch, batches.step_in_epoch) == (epoch, step)
            a, b = batches.next_batch()
            assert b.shape == (len(a), 1)
            assert (b[:, 0] == -a).all()
            assert len(a) == min(batch_size, examples - step * batch_size)
            seen += a.tolist()
        assert len(set(seen)) == len(seen) == (examples // batch_size * batch_size if drop_remainder else examples)
        if not shuffle:
            assert seen == list(range(len(seen)))


def test_order_is_fixed_for_good() -> None:
    """These orders were recorded; a NumPy or a machine that gives others breaks saved runs."""
    batches = Batches(np.arange(8), batch_size=8, seed=2016)
    assert rows(batches, 3) == [[0, 1, 4, 6, 2, 7, 5, 3], [1, 5, 3, 7, 4, 6, 0, 2], [3, 0, 6, 4, 7, 5, 2, 1]]


def test_order_depends_on_seed_and_epoch_only() -> None:
    x = np.arange(50)
    small = Batches(x, batch_size=5, seed=1)
    large = Batches(x, x, batch_size=25, seed=1)
    epochs = [np.concatenate(rows(small, 10)).tolist() for _ in range(3)]
    assert epochs == [np.concatenate(rows(large, 2)).tolist() for _ in range(3)]
    seeds = (0, 2, 1 << 64, 1 << 100)
    others = [rows(Batches(x, batch_size=50, seed=seed), 1)[0] for seed in seeds]
    assert len({tuple(order) for order in epochs + others}) == 7


def test_positions_are_uniform() -> None:
    batches = Batches(np.arange(10), batch_size=10, seed=3)
    counts = np.zeros((10, 10))
    for _ in range(2000):
        counts[np.arange(10), batches.next_batch()[0]] += 1
    assert abs(counts - 200).max() < 6 * np.sqrt(200 * 0.9)


@given(st.integers(0, 40), st.integers(0, 2**128 - 1), st.booleans(), st.booleans())
def test_restore_goes_on_exactly(steps: int, seed: int, shuffle: bool, drop_remainder: bool) -> None:
    def new(seed: int) -> Batches:
        return Batches(np.arange(23), batch_size=5, seed=seed, shuffle=shuffle, drop_remainder=drop_remainder)

    first = new(seed)
    rows(first, steps)
    state = json.loads(json.dumps(first.state()))
    expected = rows(first, 15)
    for second in (new(seed), new(7), first):
        second.restore(state)
        assert second.state() == state
        assert rows(second, 15) == expected


def test_batches_are_copies() -> None:
    for shuffle in (False, True):
        x = np.zeros((4, 2))
        Batches(x, batch_size=2, seed=0, shuffle=shuffle).next_batch()[0][:] = 1
        assert not x.any()


@pytest.mark.parametrize(
    ("arrays", "setting", "message"),
    [
        ([], {}, "one or more arrays"),
        ([np.zeros(())], {}, "one or more arrays"),
        ([np.zeros(5), np.zeros(4)], {}, r"equal first dimensions, got shapes \[\[5\], \[4\]\]"),
        ([np.zeros(5)], {"batch_size": 0}, "batch_size of 1 or more, got 0"),
        ([np.zeros(5)], {"batch_size": -1}, "got -1"),
        ([np.zeros(5)], {"batch_size": 1.5}, "got 1.5"),
        ([np.zeros(5)], {"batch_size": 6}, "at least 6 examples .* got 5"),
        ([np.zeros(0)], {"drop_remainder": False}, "at least 1 examples .* got 0"),
        ([np.zeros(5)], {"seed": -1}, "seed, .* got -1"),
        ([np.zeros(5)], {"seed": 1 << 128}, "seed"),
    ],
)
def test_bad_sizes(arrays: list[Any], setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Batches(*arrays, **{"batch_size": 2, "seed": 0, **setting})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 4}, "expected batch_size 5, got 4"),
        ({"examples": 24}, "expected examples 23, got 24"),
        ({"shuffle": 0}, "expected shuffle 1, got 0"),
        ({"drop_remainder": 0}, "expected drop_remainder 1, got 0"),
        ({"step": 4}, "a step below 4"),
        ({"epoch": -1}, "an epoch from 0"),
        ({"seed": -1}, "seed"),
        ({"seed": None}, "lacks seed"),
    ],
)
def test_states_that_do_not_fit(change: dict[str, int | None], message: str) -> None:
    batches = Batches(np.arange(23), batch_size=5, seed=0)
    batches.next_batch()
    before = batches.state()
    state = {key: value for key, value in {**before, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        batches.restore(state)
    assert batches.state() == before
