"""CRC-32C (Castagnoli; RFC 3720, appendix B.4), the checksum of TensorFlow's files."""

from __future__ import annotations

import math
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

_native: Any = None
with suppress(ImportError):
    _native = import_module("google_crc32c")

_POLYNOMIAL = 0x82F63B78  # reflected
_PIECE = 16 << 20
_SHORT = 1 << 12


def _make_table() -> np.ndarray[Any, Any]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1).astype(np.uint32)
    return table


_TABLE = _make_table()
_NUMBERS = _TABLE.tolist()


def crc32c(data: Any) -> int:
    """The checksum of bytes. google-crc32c computes it where it is installed, a hundred times as fast."""
    if _native is not None:
        return int(_native.value(bytes(data)))
    view = memoryview(data).cast("B")
    state = 0xFFFFFFFF
    for start in range(0, len(view), _PIECE):
        state = _update(state, view[start : start + _PIECE])
    return state ^ 0xFFFFFFFF


def mask(checksum: int) -> int:
    """The form in which files keep a checksum; see `unmask`."""
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def unmask(stored: int) -> int:
    """The checksum that a file keeps in LevelDB's masked form, ((c >> 15) | (c << 17)) + 0xa282ead8."""
    rotated = (stored - 0xA282EAD8) & 0xFFFFFFFF
    return ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF


def _update(state: int, view: memoryview) -> int:
    """The register after `view`. Long views are split into rows that are processed in parallel. The register is linear:
    after a row it is the row's own register plus the earlier register advanced over zeros."""
    if len(view) < _SHORT:
        return _bytewise(state, view)
    length = math.isqrt(len(view))
    count = len(view) // length
    rows = np.frombuffer(view[: count * length], np.uint8).reshape(count, length)
    registers = np.zeros(count, np.uint32)
    over_zeros = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for column in np.ascontiguousarray(rows.T):
        registers = _TABLE[(registers ^ column) & 0xFF] ^ (registers >> 8)
        over_zeros = _TABLE[over_zeros & 0xFF] ^ (over_zeros >> 8)
    images = over_zeros.tolist()
    for register in registers.tolist():
        for bit in range(32):
            if state >> bit & 1:
                register ^= images[bit]
        state = register
    return _bytewise(state, view[count * length :])


def _bytewise(state: int, view: memoryview) -> int:
    for byte in view:
        state = _NUMBERS[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state
