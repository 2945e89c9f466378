"""TensorFlow's SAME padding by counting."""

from __future__ import annotations


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, tuple[int, int]]:
    """⌈L/S⌉ windows and the least padding that gives them room, the odd one at the end: by counting up."""
    out = len(range(0, length, stride))
    total = 0
    while (out - 1) * stride + kernel > length + total:
        total += 1
    return out, (total // 2, total - total // 2)
