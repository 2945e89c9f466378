"""`backends/llvm/blocked.py`: which operands of an epilogue the tiles of a product read."""

from __future__ import annotations

import pytest

from minigraph.backends.llvm.blocked import _operand
from minigraph.core.dtypes import DType, float32, int32, string
from minigraph.core.types import TensorType


@pytest.mark.parametrize(
    ("shape", "dtype", "per"),
    [
        ((2, 3, 4, 5), float32, "element"), ((5,), float32, "row"), ((1, 5), float32, "row"),
        ((1, 1, 5), float32, "row"), ((1, 1, 1, 5), int32, "row"), ((), float32, "number"),
        ((1, 1, 1, 1), float32, "number"), ((3, 1, 1), float32, None), ((4, 5), float32, None), ((), string, None),
    ],
)  # fmt: skip
def test_operands_of_each_rank_are_read_by_the_tiles(shape: tuple[int, ...], dtype: DType, per: str | None) -> None:
    found = _operand((2, 3, 4, 5), TensorType(dtype, shape))
    assert (found and found.per) == per
