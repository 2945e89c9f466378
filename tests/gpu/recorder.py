"""A device that records the calls made to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gpu.host import HostDevice
from minigraph.backends.cupy.device import DeviceBuffer, Function
from minigraph.backends.cupy.kernel import ConvProblem, CudaKernel, Gemm
from minigraph.core.errors import ResourceExhaustedError
from minigraph.core.types import TensorType


class Recorder:
    """A device that computes nothing and keeps what it was asked to do. Memory is real, so that copies work."""

    capability = 9, 0

    lost = None

    def __init__(self, limit: int = 1 << 40) -> None:
        self.host = HostDevice()
        self.index, self.turn = self.host.index, self.host.turn
        self.limit = limit
        self.modules: list[str] = []
        self.launches: list[tuple[str, tuple[int, ...]]] = []
        self.buffers: list[DeviceBuffer] = []

    def allocate(self, nbytes: int) -> DeviceBuffer:
        if nbytes > self.limit:
            raise ResourceExhaustedError(f"out of device memory: {nbytes:,} bytes wanted")
        self.buffers.append(self.host.allocate(nbytes))
        return self.buffers[-1]

    def compile(self, source: str, kernels: Sequence[CudaKernel]) -> Mapping[str, Function]:
        self.modules.append(source)
        return {k.name: self._function(k.name) for k in kernels}

    def _function(self, name: str) -> Function:
        return lambda pointers: self.launches.append((name, pointers))

    def gemm(self, call: Gemm, a: int, b: int, c: int) -> None:
        self.launches.append(("gemm", (a, b, c)))

    def convolution(self, problem: ConvProblem) -> int | str:
        return "there is no cuDNN"

    def convolve(self, problem: ConvProblem, pointers: tuple[int, ...]) -> None:
        raise AssertionError("no convolution was said to be possible")

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        before, self.launches = self.launches, []
        work()
        graph, self.launches = self.launches, before
        return lambda: self.launches.append(("graph", tuple(hash(g) for g in graph)))

    def copy(self, target: int, source: int, nbytes: int) -> None:
        self.launches.append(("copy", (target, source)))

    def synchronize(self) -> None:
        self.launches.append(("synchronize", ()))

    def mark(self) -> Any:
        return self.host.mark()

    def seconds_between(self, start: Any, end: Any) -> float:
        return self.host.seconds_between(start, end)

    def memory_used(self) -> int:
        return sum(b.nbytes for b in self.buffers)

    def release(self) -> None:
        self.host.release()

    def limit_memory(self, fraction: float) -> None:
        self.host.limit_memory(fraction)

    def upload(self, target: int, kind: TensorType, value: Any) -> None:
        self.host.upload(target, kind, value)

    def download(self, copies: Sequence[tuple[np.ndarray, int]]) -> None:
        self.host.download(copies)
