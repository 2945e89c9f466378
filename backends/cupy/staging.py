"""Copies from the host to the device, through pinned memory."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from minigraph.core.types import TensorType

LEAST, MOST = 1 << 12, 1 << 23  # bytes of a piece of pinned memory
EARLY = 1 << 20  # bytes from which on a copy begins while the device still computes


class Staging:
    """Copies that cast and broadcast values straight into pinned memory.

    A value is cut into pieces of at most MOST bytes. There are two pieces of pinned memory for each power of two, so
    the host fills one while the device reads the other, and all together take at most 4·MOST bytes. Where the host
    cannot pin memory, pageable memory serves.

    A large value that comes while the device still computes, as happens if a run fetches nothing, goes to memory of
    its own in a second stream, and from there to its target when the device is done.
    """

    def __init__(self, cupy: Any, stream: Any) -> None:
        self._cuda = cupy.cuda
        self._stream = stream
        self._second = cupy.cuda.Stream(non_blocking=True)
        self._pieces: dict[int, list[tuple[Any, Any]]] = {}  # by size: (memory, event); the next one to use is first

    def upload(self, target: int, kind: TensorType, value: Any) -> None:
        """Copy to an array in device memory. The value may change afterwards."""
        value = np.broadcast_to(np.asarray(value), kind.static)
        early = None
        if kind.nbytes >= EARLY and not self._stream.done:
            with suppress(self._cuda.memory.OutOfMemoryError), self._second:
                early = self._cuda.alloc(kind.nbytes)
        if early is None:
            self._send(target, kind, value, self._stream)
            return
        runtime = self._cuda.runtime
        self._send(early.ptr, kind, value, self._second)
        self._stream.wait_event(self._second.record())
        runtime.memcpyAsync(target, early.ptr, kind.nbytes, runtime.memcpyDeviceToDevice, self._stream.ptr)
        self._second.wait_event(self._stream.record())  # before it uses this memory for something else

    def release(self) -> None:
        """Free the pinned memory, after all copies from it."""
        for pieces in self._pieces.values():
            for _, event in pieces:
                event.synchronize()
        self._pieces.clear()

    def _send(self, target: int, kind: TensorType, value: np.ndarray, stream: Any) -> None:
        dtype, runtime = kind.dtype.np_dtype, self._cuda.runtime
        for index, start in pieces(kind.static, dtype.itemsize):
            part = value[index]
            nbytes = part.size * dtype.itemsize
            found = self._piece(nbytes)
            if found is None:
                pageable = np.empty(part.shape, dtype)
                np.copyto(pageable, part, casting="unsafe")
                runtime.memcpyAsync(
                    target + start, pageable.ctypes.data, nbytes, runtime.memcpyHostToDevice, stream.ptr
                )
                stream.synchronize()
                continue
            memory, event = found
            event.synchronize()  # returns at once if it was never recorded
            raw: Any = (ctypes.c_char * nbytes).from_address(memory.ptr)
            pinned: np.ndarray = np.frombuffer(raw, dtype).reshape(part.shape)
            np.copyto(pinned, part, casting="unsafe")
            runtime.memcpyAsync(target + start, memory.ptr, nbytes, runtime.memcpyHostToDevice, stream.ptr)
            event.record(stream)

    def _piece(self, nbytes: int) -> tuple[Any, Any] | None:
        """Pinned memory of at least this many bytes, and the event after which it is free."""
        size = max(LEAST, 1 << (nbytes - 1).bit_length())
        made = self._pieces.setdefault(size, [])
        if not made:
            with suppress(Exception):  # the host has no more memory to pin
                made += [(self._cuda.alloc_pinned_memory(size), self._cuda.Event()) for _ in range(2)]
        made.reverse()
        return made[0] if made else None


def pieces(shape: Sequence[int], itemsize: int) -> Iterator[tuple[tuple[int | slice, ...], int]]:
    """Cut an array in C order into pieces of at most MOST bytes: an index and the first byte of each."""
    nbytes = math.prod(shape) * itemsize
    if nbytes <= MOST:
        yield (), 0
        return
    row = nbytes // shape[0]
    if row <= MOST:
        count = MOST // row
        for first in range(0, shape[0], count):
            yield (slice(first, first + count),), first * row
        return
    for i in range(shape[0]):
        for index, start in pieces(shape[1:], itemsize):
            yield (i, *index), i * row + start
