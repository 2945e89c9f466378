"""One instruction for the mean and the variance of the same elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.op import Op
from minigraph.core.types import TensorType


class Moments(Op, abstract=True):
    """Mean and biased variance over all axes but the last, which stay with length 1."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        kind = TensorType(x.dtype, (*[1] * (len(x.static) - 1), x.static[-1]))
        return kind, kind

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        axes = tuple(range(x.ndim - 1))
        mean = xp.mean(x, axis=axes, keepdims=True)
        return mean, xp.mean(np.square(x - mean), axis=axes, keepdims=True)

    def flops(self, in_types: Any, out_types: Any) -> int:
        return int(4 * in_types[0].size)
