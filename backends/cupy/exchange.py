"""Arrays of CuPy and of other libraries on the GPU, as feeds and as results, in the order of their streams.

The backend's stream does not wait for the default stream, so events order the two. Within the device's turn the
backend's stream is the current one, so the caller's is asked for before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.backends.cupy.turn import Turn
from minigraph.core.errors import ResourceExhaustedError
from minigraph.core.types import TensorType


class ForeignArray:
    """A caller's array on the device: `array` is CuPy's form of it, and `stream` is the caller's.

    The backend's stream has been made to wait for all work on it so far.
    """

    def __init__(self, exchange: Exchange, array: Any, stream: Any) -> None:
        self._exchange, self.array, self.stream = exchange, array, stream
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype: np.dtype[Any] = np.dtype(array.dtype)

    def astype(self, dtype: np.dtype[Any], copy: bool = True) -> ForeignArray:
        """The array with its numbers cast on the device."""
        return self if dtype == self.dtype else self._exchange.cast(self, dtype)

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> np.ndarray:
        """A copy on the host, for what the host computes."""
        return np.asarray(self._exchange.on_host(self), dtype)


class Exchange:
    """Copies between the backend's memory and arrays of its callers on the same device."""

    def __init__(self, cupy: Any, index: int, stream: Any, turn: Turn) -> None:
        self._cupy, self._index, self._stream, self._turn = cupy, index, stream, turn
        self._held: deque[tuple[Any, Any]] = deque()  # (the event after which the array is not read any more, array)

    def take(self, value: Any) -> ForeignArray:
        """A caller's array on the device. TypeError if it is on another one, or of a kind that CuPy does not know.

        CuPy's form is made in the turn: a library of DLPack then lets the backend's stream wait for its own.
        """
        cupy = self._cupy
        caller = cupy.cuda.get_current_stream(self._index)
        with self._turn:
            self._stream.wait_event(caller.record())
            if isinstance(value, cupy.ndarray):
                array = value
            else:
                make = cupy.from_dlpack if hasattr(value, "__dlpack__") else cupy.asarray
                try:
                    array = make(value)
                except (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError):
                    raise
                except (TypeError, ValueError, BufferError, RuntimeError) as error:
                    raise TypeError(f"CuPy cannot take a {type(value).__name__}: {error}") from error
            if array.device.id != self._index:
                raise TypeError(
                    f"the value is on GPU {array.device.id}, and the session runs on GPU {self._index}: copy it there"
                )
        return ForeignArray(self, array, caller)

    def copy_in(self, target: int, kind: TensorType, value: ForeignArray) -> None:
        """Copy to an array of that type in the backend's memory, casting. Later work of the caller comes afterwards."""
        runtime = self._cupy.cuda.runtime
        with self._turn:
            source = self._contiguous(value.array, kind.dtype.np_dtype)
            runtime.memcpyAsync(target, source.data.ptr, kind.nbytes, runtime.memcpyDeviceToDevice, self._stream.ptr)
            self._done_with(value)

    def copy_out(self, sources: Sequence[tuple[int, TensorType]]) -> list[Any]:
        """Arrays of the backend's memory as arrays of CuPy, which belong to the caller's stream."""
        cupy, runtime = self._cupy, self._cupy.cuda.runtime
        caller = cupy.cuda.get_current_stream(self._index)
        with self._turn:
            try:
                with caller:
                    made = [cupy.empty(kind.static, kind.dtype.np_dtype) for _, kind in sources]
            except cupy.cuda.memory.OutOfMemoryError as error:
                raise ResourceExhaustedError(f"out of device memory for the results ({error})") from None
            self._stream.wait_event(caller.record())  # the memory may have had another use before
            for array, (pointer, kind) in zip(made, sources, strict=True):
                if kind.nbytes:
                    runtime.memcpyAsync(
                        array.data.ptr, pointer, kind.nbytes, runtime.memcpyDeviceToDevice, self._stream.ptr
                    )
            caller.wait_event(self._stream.record())
        return made

    def cast(self, value: ForeignArray, dtype: np.dtype[Any]) -> ForeignArray:
        with self._turn:
            made = self._contiguous(value.array, dtype)
            self._done_with(value)
            return ForeignArray(self, made, value.stream)

    def on_host(self, value: ForeignArray) -> np.ndarray:
        with self._turn:
            return np.asarray(value.array.get())

    def release(self) -> None:
        """Let go of the callers' arrays, after all work on them."""
        self._held.clear()

    def _done_with(self, value: ForeignArray) -> None:
        """Let later work of the caller wait until the array has been read, and keep it alive until then."""
        after = self._stream.record()
        value.stream.wait_event(after)
        while self._held and self._held[0][0].done:
            self._held.popleft()
        self._held.append((after, value.array))

    def _contiguous(self, array: Any, dtype: np.dtype[Any]) -> Any:
        try:
            return self._cupy.ascontiguousarray(array, dtype)
        except self._cupy.cuda.memory.OutOfMemoryError as error:
            raise ResourceExhaustedError(f"out of device memory for a cast from {array.dtype} ({error})") from None
