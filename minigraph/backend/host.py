"""The base of backends whose arrays are NumPy arrays in host memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.backend.base import Backend
from minigraph.core.errors import ResourceExhaustedError
from minigraph.core.types import TensorType
from minigraph.util.alignment import ALIGNMENT

HostArray = np.ndarray[Any, Any]


class HostBackend(Backend):
    """Buffers of bytes in host memory, and NumPy arrays on them."""

    def allocate(self, nbytes: int) -> HostArray:
        """A uint8 buffer of `nbytes`, aligned. (NumPy itself asks for huge pages from 4 MB up.)"""
        try:
            whole = np.empty(nbytes + ALIGNMENT, np.uint8)
        except (MemoryError, ValueError, OverflowError):
            raise ResourceExhaustedError(f"out of memory: cannot allocate {nbytes:,} bytes") from None
        start = -whole.ctypes.data % ALIGNMENT
        return whole[start : start + nbytes]

    def view(self, buffer: HostArray, offset: int, type: TensorType) -> HostArray:
        return buffer[offset : offset + type.nbytes].view(type.dtype.np_dtype).reshape(type.static)

    def write(self, array: HostArray, value: Any) -> None:
        np.copyto(array, value, casting="unsafe")

    def read(self, array: HostArray) -> Any:
        return np.array(array)[()]
