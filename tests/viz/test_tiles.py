"""Small pictures of arrays (`minigraph.viz.tiles`)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigraph.viz.tiles import BAD, kind_of, most_bytes, shares, tiles

SIZES = st.integers(1, 40)


@given(st.tuples(st.integers(1, 3), SIZES, SIZES, SIZES), st.sampled_from(["maps", "filters"]), st.integers(24, 20_000))
def test_a_picture_keeps_to_its_budget_and_its_bytes_to_the_limits(
    shape: tuple[int, int, int, int], kind: str, budget: int
) -> None:
    array = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
    found = tiles(array, kind, budget)
    assert len(found.content) == np.prod(found.shape)
    assert len(found.content) <= max(budget, 36 * found.shape[3])  # a picture has at least one tile
    assert len(found.content) <= most_bytes(shape, kind)
    assert found.total == shape[3]
    assert BAD not in found.content
    low, high = found.limits
    assert low < high or array[0].size == 1


def test_bytes_are_means_of_the_numbers_between_the_limits() -> None:
    array = np.zeros((1, 4, 4, 2), np.float32)
    array[0, :2, :2, 1], array[0, 2:, 2:, 1] = 1.0, np.nan
    found = tiles(array, "maps", 8)
    assert found.shape[0] == 1  # the budget is for one small tile
    found = tiles(array, "maps", 1000)
    assert found.shape == (2, 4, 4, 1)
    low, high = found.limits
    drawn = np.frombuffer(found.content, np.uint8).reshape(2, 4, 4)
    assert (drawn[1, 2:, 2:] == BAD).all()
    numbers = low + (drawn[1, :2].astype(float) - 1) / 254 * (high - low)
    assert np.allclose(numbers, array[0, :2, :, 1])


def test_an_image_with_channels_first_is_drawn_as_with_channels_last() -> None:
    last = np.random.RandomState(0).uniform(size=(1, 10, 20, 3)).astype(np.float32)
    assert tiles(last.transpose(0, 3, 1, 2), "image", 4000) == tiles(last, "image", 4000)


def test_large_maps_shrink_to_means() -> None:
    array = np.arange(64 * 64, dtype=np.float32).reshape(1, 64, 64, 1)
    found = tiles(array, "maps", 1024)
    assert found.shape == (1, 32, 32, 1)
    low, high = found.limits
    drawn = low + (np.frombuffer(found.content, np.uint8).reshape(32, 32) - 1.0) / 254 * (high - low)
    means = array[0, :, :, 0].reshape(32, 2, 32, 2).mean(axis=(1, 3))
    inside = means < high
    assert np.abs(drawn - means)[inside].max() <= (high - low) / 254


@given(
    st.dictionaries(st.integers(), st.tuples(st.integers(1, 500), st.integers(1, 8)), min_size=1, max_size=30),
    st.integers(0, 5000),
)
def test_shares_spend_the_budget_and_no_more(needs: dict[int, tuple[int, int]], budget: int) -> None:
    found = shares(needs, budget)
    assert found.keys() == needs.keys()
    assert all(0 <= found[k] <= need for k, (need, _) in needs.items())
    assert sum(found.values()) <= budget
    if sum(need for need, _ in needs.values()) <= budget:
        assert found == {k: need for k, (need, _) in needs.items()}


@pytest.mark.parametrize(
    ("shape", "filters", "fed", "kind"),
    [
        ((8, 28, 28, 64), False, False, "maps"),
        ((1, 224, 224, 3), False, True, "image"),
        ((1, 3, 224, 224), False, True, "image"),
        ((1, 784), False, True, "image"),
        ((1, 10), False, True, "vector"),
        ((1, 1, 1, 64), False, False, "vector"),
        ((5, 5, 1, 64), True, False, "filters"),
        ((1024, 10), True, False, "matrix"),
        ((64,), True, False, ""),
        ((), False, False, ""),
        ((0, 3), False, False, ""),
        ((2, 3, 4), False, False, ""),
    ],
)
def test_kinds(shape: tuple[int, ...], filters: bool, fed: bool, kind: str) -> None:
    assert kind_of(shape, filters, fed) == kind
