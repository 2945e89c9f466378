"""The range of a tensor, chosen so that quantising to 8 bits changes its numbers least."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
LEVELS = 255  # steps of an unsigned byte
SAMPLE = 1 << 15  # numbers of a tensor that are kept
SHARES = np.linspace(0.3, 1, 36)  # of the whole range that are tried
_LEAST = float(np.finfo(np.float32).tiny)
WEIGHTS = 127  # the largest quantised weight: −128 is left out, so that ranges are symmetric


class Affine(NamedTuple):
    """x ≈ (q − zero)·scale for a byte q."""

    scale: np.float32
    zero: np.uint8


class Observed:
    """Numbers that a tensor had: the least, the greatest, a sample, and the means along the last axis."""

    def __init__(self) -> None:
        self.low = self.high = 0.0
        self.means: Any = 0.0
        self._parts: list[Array] = []
        self._random = np.random.RandomState(0)

    def add(self, array: Array, share: int) -> None:
        """Look at an array. share: the number of arrays that share the sample."""
        flat = array.reshape(-1)
        self.means = self.means + array.reshape(-1, array.shape[-1]).mean(0, dtype=np.float64) / share
        self.low, self.high = min(self.low, float(flat.min())), max(self.high, float(flat.max()))
        count = min(flat.size, max(1, SAMPLE // share))
        self._parts.append(flat[self._random.randint(flat.size, size=count)])

    def merge(self, other: Observed) -> None:
        """Look at what another tensor had, which is to have the same range."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self._parts += other._parts

    def affine(self) -> Affine:
        """The range whose rounding and clipping change the sample least, in mean square."""
        sample = np.concatenate(self._parts).astype(np.float64)
        return min((affine(share * self.low, share * self.high) for share in SHARES), key=lambda a: _error(sample, a))


def affine(low: float, high: float) -> Affine:
    """A range that contains 0, which is a number of the integers exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32(max((high - low) / LEVELS, _LEAST) if high > low else 1.0)
    return Affine(scale, np.uint8(min(max(round(-low / float(scale)), 0), LEVELS)))


def _error(sample: Array, to: Affine) -> float:
    q = np.clip(np.rint(sample / to.scale) + to.zero, 0, LEVELS)
    return float(np.square((q - to.zero) * to.scale - sample).mean())


def quantized_weights(w: Array) -> tuple[Array, Array]:
    """Weights as int8, and the scales of their last axis."""
    largest = np.abs(w).max(axis=tuple(range(w.ndim - 1)), initial=0)
    scales = np.where(largest > 0, largest / WEIGHTS, 1).astype(np.float32)
    return np.clip(np.rint(w / scales), -WEIGHTS, WEIGHTS).astype(np.int8), scales
