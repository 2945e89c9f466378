"""float32 as tensor cores take it."""

from __future__ import annotations

import numpy as np


def rounded(array: np.ndarray, precision: str) -> np.ndarray:
    """float32 numbers rounded to even, to the 10 bits after the point of TF32 or the 7 of bfloat16."""
    dropped = {"tf32": 13, "bfloat16": 16}.get(precision, 0)
    if array.dtype != np.float32 or not dropped:
        return array
    bits = np.ascontiguousarray(array).view(np.uint32)
    up = (np.uint32(1) << np.uint32(dropped - 1)) - np.uint32(1) + ((bits >> np.uint32(dropped)) & np.uint32(1))
    return ((bits + up) >> np.uint32(dropped) << np.uint32(dropped)).view(np.float32)
