"""Numbers of 16 bits, against the nearest of all bfloat16 numbers and sums in float64."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigraph.ops.collective.half import from_bfloat16, reductions, to_bfloat16

ALL = from_bfloat16(np.arange(1 << 16, dtype=np.uint16))
FINITE = np.unique(ALL[np.isfinite(ALL)].astype(np.float64))


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=50))
def test_numbers_are_rounded_to_the_nearest(values: list[float]) -> None:
    x = np.array(values, np.float32)
    bits = to_bfloat16(x)
    found = from_bfloat16(bits).astype(np.float64)
    for value, near, number in zip(x.astype(np.float64), found, bits, strict=True):
        if np.isinf(near):  # as if the exponent had one more value
            assert abs(value) >= FINITE[-1] + 2.0**119
            continue
        distances = np.abs(FINITE - value)
        assert abs(near - value) == distances.min()
        if np.sum(distances == distances.min()) > 1:
            assert number % 2 == 0


def test_what_is_no_number_stays_so_and_bfloat16_stays_itself() -> None:
    assert np.isnan(from_bfloat16(to_bfloat16(np.array([np.nan, -np.nan], np.float32)))).all()
    kept = ~np.isnan(ALL)
    assert (to_bfloat16(ALL)[kept] == np.arange(1 << 16)[kept]).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sum of float16", np.add), ("min of float16", np.minimum), ("max of float16", np.maximum)],
)
def test_reductions_of_float16(name: str, expected: Any) -> None:
    numbers = np.random.RandomState(0)
    a, b = (numbers.normal(scale=10.0, size=1000).astype(np.float16) for _ in range(2))
    total = b.copy()
    made(name)(a.data, total.data)
    assert (total == expected(a.astype(np.float64), b.astype(np.float64)).astype(np.float16)).all()


def test_the_sum_of_bfloat16_is_rounded_once() -> None:
    numbers = np.random.RandomState(0)
    a, b = (to_bfloat16(numbers.normal(size=1000).astype(np.float32)) for _ in range(2))
    total = b.copy()
    made("sum of bfloat16")(a.data, total.data)
    assert (total == to_bfloat16(from_bfloat16(a) + from_bfloat16(b))).all()


def made(name: str) -> Any:
    """The function that MPI calls for a reduction."""
    functions = reductions(
        SimpleNamespace(Op=SimpleNamespace(Create=lambda function, commute: function), SUM=0, MIN=0, MAX=0)
    )
    return lambda given, target: functions[name](given, target, None)
