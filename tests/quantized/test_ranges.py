"""Ranges of 8-bit integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigraph.quantized.ranges import LEVELS, Observed, affine, quantized_weights

NUMBERS = st.floats(-1e6, 1e6, width=32)


@given(low=NUMBERS, high=NUMBERS)
def test_zero_is_exact_and_the_ends_are_within_a_step(low: float, high: float) -> None:
    low, high = min(low, high, 0.0), max(low, high, 0.0)
    scale, zero = affine(low, high)
    assert scale > 0
    ends = ((np.array([0, LEVELS]) - int(zero)) * float(scale)).tolist()
    assert ends[0] <= low + float(scale) * (1 + 1e-5)
    assert ends[1] >= high - float(scale) * (1 + 1e-5)


def test_far_outliers_are_clipped() -> None:
    seen = Observed()
    seen.add(np.append(np.random.RandomState(0).normal(size=(1 << 17, 1)), [[12.0]], axis=0), 1)
    assert float(seen.affine().scale) < 0.9 * float(affine(seen.low, seen.high).scale)


def test_tensors_that_share_a_range_are_looked_at_together() -> None:
    parts = [np.random.RandomState(i).uniform(-i, 2 * i, (50, 4)) for i in (1, 3)]
    first, second = Observed(), Observed()
    for part, seen in zip(parts, (first, second), strict=True):
        seen.add(part, 1)
    first.merge(second)
    assert (first.low, first.high) == (parts[1].min(), parts[1].max())


@pytest.mark.parametrize("shape", [(3, 3, 5, 7), (6, 7)])
def test_weights_are_rounded_for_each_channel(shape: tuple[int, ...]) -> None:
    w = np.random.RandomState(0).normal(size=shape) * np.geomspace(1e-3, 10, 7)
    w[..., 2] = 0
    q, scales = quantized_weights(w)
    assert q.dtype == np.int8
    assert np.abs(q).max() == 127
    assert (np.abs(q * scales - w) <= 0.5001 * scales).all()
