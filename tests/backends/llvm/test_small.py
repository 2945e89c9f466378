"""The LLVM backend on small work: few channels, few rows, small batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.llvm import KERNELS

from minigraph.ops.math.matmul import MatMul
from minigraph.ops.nn import conv2d as C


def run(op: Any, *operands: Any) -> Any:
    (got,) = KERNELS.run(op, *operands)
    return got


@pytest.mark.parametrize("channels", [1, 3, 6, 13])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_a_nan_in_a_gradient_reaches_the_pixels_of_its_window_only(channels: int, strides: tuple[int, int]) -> None:
    filters = np.random.RandomState(0).randn(3, 2, channels, 5).astype(np.float32)
    forward = C.Conv2D(strides, ((1, 1), (0, 1)), (1, 1))
    shape = 2, 8, 9, channels
    delta = np.ones(forward.out_shape(shape, filters.shape), np.float32)  # type: ignore[arg-type]
    delta[1, 2, 1, 4] = np.nan
    got = run(C.Conv2DInputGrad(strides, ((1, 1), (0, 1)), (1, 1), shape=shape), filters, delta)
    want = np.zeros(shape, bool)
    row, column = 2 * strides[0] - 1, strides[1]
    want[1, row : row + 3, column : column + 2] = True
    np.testing.assert_array_equal(np.isnan(got), want)


@pytest.mark.parametrize("shape", [(1, 13, 37), (1, 1031, 9), (2, 70, 9), (3, 131, 20), (5, 10, 84), (64, 120, 84)])
def test_products_of_few_rows(shape: tuple[int, int, int]) -> None:
    rows, depth, columns = shape
    random = np.random.RandomState(0)
    a, b = random.randn(rows, depth).astype(np.float32), random.randn(depth, columns).astype(np.float32)
    want = np.einsum("ik,kj->ij", a.astype(np.float64), b.astype(np.float64))
    assert np.linalg.norm(run(MatMul(), a, b) - want) <= 2e-6 * np.linalg.norm(want)
