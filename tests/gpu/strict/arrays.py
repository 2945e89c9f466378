"""The stand-in's arrays: CuPy's `ndarray` with its functions, and a tensor of another library with its own stream."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from gpu.strict.machine import DEVICE_BIT, Machine

DL_CUDA = 2  # DLPack's number for the memory of an NVIDIA GPU


class ForeignTensor:
    """A tensor of a library with DLPack, whose work goes to its own stream."""

    def __init__(self, cupy: Any, values: Any, stream: Any = None) -> None:
        self._stream = stream or cupy.cuda.Stream(non_blocking=True)
        with self._stream:
            self._array = cupy.asarray(values)

    def fill(self, value: float) -> None:
        with self._stream:
            self._array.fill(value)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()  # type: ignore[no-any-return]

    def __dlpack__(self, stream: int | None = None) -> Any:
        with self._stream:
            return self._array.__dlpack__(stream=stream)


def add_arrays(cupy: Any, machine: Machine) -> None:
    """Give the stand-in's module its arrays."""
    runtime = cupy.cuda.runtime

    class ndarray:
        def __init__(
            self, shape: tuple[int, ...], dtype: Any, memory: Any = None, strides: tuple[int, ...] | None = None,
            device: int | None = None,
        ) -> None:  # fmt: skip
            self.shape, self.dtype = tuple(shape), np.dtype(dtype)
            self.size = int(np.prod(self.shape))
            self.nbytes = self.size * self.dtype.itemsize
            plain = np.empty(self.shape, self.dtype).strides
            self.strides = plain if strides is None else strides
            self.data = cupy.cuda.alloc(max(self.nbytes, 1)) if memory is None else memory
            self.device = SimpleNamespace(id=machine.thread.device if device is None else device)
            self.contiguous = self.size < 2 or self.strides == plain

        @property
        def T(self) -> ndarray:
            return ndarray(self.shape[::-1], self.dtype, self.data, self.strides[::-1], self.device.id)

        def fill(self, value: float) -> None:
            numbers = self._numbers()
            launch("fill", lambda: numbers.fill(value), self)

        def get(self) -> np.ndarray:
            whole = ascontiguousarray(self)
            made = np.empty(self.shape, self.dtype)
            stream = cupy.cuda.get_current_stream()
            if made.nbytes:
                kind = runtime.memcpyDeviceToHost
                runtime.memcpyAsync(made.ctypes.data, whole.data.ptr, made.nbytes, kind, stream.ptr)
            stream.synchronize()
            return made

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            raise TypeError(
                "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
                "explicitly."
            )

        def __dlpack_device__(self) -> tuple[int, int]:
            return DL_CUDA, self.device.id

        def __dlpack__(self, stream: int | None = None) -> Any:
            """The stand-in's capsule is the array. The consumer's stream waits for the one that is current here."""
            if stream is None:
                machine.violation("DLPack: the consumer gives no stream")
            event = cupy.cuda.get_current_stream().record()
            cupy.cuda.ExternalStream(stream).wait_event(event)
            return self

        @property
        def __cuda_array_interface__(self) -> dict[str, Any]:
            strides = None if self.contiguous else self.strides
            found = {"shape": self.shape, "typestr": self.dtype.str, "data": (self.data.ptr, False), "version": 3}
            return {**found, "strides": strides, "stream": cupy.cuda.get_current_stream().ptr}

        def _numbers(self) -> np.ndarray:
            """The numbers for work on them, which does not keep the memory alive."""
            raw = (ctypes.c_char * max(self.nbytes, 1)).from_address(self.data.ptr & ~DEVICE_BIT)
            return np.ndarray(self.shape, self.dtype, raw, 0, self.strides)

    def launch(name: str, action: Callable[[], Any], *arrays: Any) -> None:
        here = machine.thread.device
        if any(a.device.id != here for a in arrays):
            machine.violation(f"{name}: an array of another device than {here}")
        ends = [a.data.ptr + more for a in arrays if a.size for more in (0, a.nbytes - 1)]
        machine.enqueue(cupy.cuda.get_current_stream().queue, f"kernel cupy_{name}", action, ends)

    def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
        wanted = a.dtype if dtype is None else np.dtype(dtype)
        if a.contiguous and wanted == a.dtype:
            return a
        made = ndarray(a.shape, wanted)
        target, source = made._numbers(), a._numbers()
        launch("copy", lambda: np.copyto(target, source, casting="unsafe"), made, a)
        return made

    def asarray(value: Any) -> Any:
        if isinstance(value, ndarray):
            return value
        if hasattr(value, "__cuda_array_interface__"):
            found = value.__cuda_array_interface__
            if found.get("stream") is not None:
                machine.synchronize(machine.queues[found["stream"]])
            memory = SimpleNamespace(ptr=found["data"][0], owner=value)
            return ndarray(found["shape"], found["typestr"], memory, found["strides"])
        numbers = np.ascontiguousarray(value)
        made = ndarray(np.shape(value), numbers.dtype)
        if made.nbytes:
            kind, stream = runtime.memcpyHostToDevice, cupy.cuda.get_current_stream()
            runtime.memcpyAsync(made.data.ptr, numbers.ctypes.data, made.nbytes, kind, stream.ptr)
        return made

    def from_dlpack(value: Any) -> Any:
        kind, device = value.__dlpack_device__()
        if kind != DL_CUDA:
            raise TypeError("the array is not on a GPU")
        with cupy.cuda.Device(device):
            return value.__dlpack__(stream=cupy.cuda.get_current_stream().ptr)

    cupy.ndarray, cupy.asarray, cupy.from_dlpack = ndarray, asarray, from_dlpack
    cupy.ascontiguousarray, cupy.empty = ascontiguousarray, ndarray
