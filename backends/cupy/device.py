"""The operations that the run-time needs of a GPU, and their implementation with CuPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, NamedTuple, Protocol

import numpy as np

from minigraph.backends.cupy.compiler import architecture, machine_code
from minigraph.backends.cupy.cudnn import Cudnn
from minigraph.backends.cupy.exchange import Exchange, ForeignArray
from minigraph.backends.cupy.failures import DeviceLostError, translated
from minigraph.backends.cupy.installation import advice, release
from minigraph.backends.cupy.kernel import ConvProblem, CudaKernel, Gemm, NcclCall
from minigraph.backends.cupy.nccl import Nccl, library
from minigraph.backends.cupy.staging import Staging
from minigraph.backends.cupy.turn import Turn
from minigraph.core.errors import BackendError, MinigraphError, ResourceExhaustedError
from minigraph.core.types import TensorType
from minigraph.ops.collective.world import WORLD

Function = Callable[[tuple[int, ...]], None]  # launches a kernel on pointers


class DeviceBuffer(NamedTuple):
    """Device memory: its start, its size in bytes, and the object that keeps it alive."""

    pointer: int
    nbytes: int
    owner: Any


class Device(Protocol):
    """A GPU, or a stand-in for one in a test. All work runs in the order of the calls."""

    index: int
    capability: tuple[int, int]  # the compute capability, such as (9, 0)

    @property
    def lost(self) -> Exception | None:
        """The error after which the process cannot use the device any more."""

    @property
    def turn(self) -> AbstractContextManager[Any]:
        """Within it, no other thread gives work to the device. Each method takes it by itself."""

    def allocate(self, nbytes: int) -> DeviceBuffer:
        """Device memory with any content. Raises ResourceExhaustedError if there is not enough."""

    def compile(self, source: str, kernels: Sequence[CudaKernel]) -> Mapping[str, Function]:
        """The kernels of a module, by name. Raises KernelError if one does not compile."""

    def gemm(self, call: Gemm, a: int, b: int, c: int) -> None:
        """A matrix product on pointers."""

    def convolution(self, problem: ConvProblem) -> int | str:
        """The bytes of workspace that cuDNN needs for the problem, or the reason why it cannot solve it."""

    def convolve(self, problem: ConvProblem, pointers: tuple[int, ...]) -> None:
        """A convolution by cuDNN on pointers; the last one is the workspace."""

    def require_collectives(self) -> None:
        """Raises BackendError if there is no NCCL."""

    def begin_collective(self, call: NcclCall, pointer: int) -> None:
        """Begin a collective of all ranks on an array, after all work so far and beside later work."""

    def end_collective(self, pointer: int) -> None:
        """Let all later work wait for the collective that has begun on the array."""

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy between two addresses on the device."""

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """A function that launches all that `work` launches; `work` itself executes nothing now.

        `work` may only launch kernels and copy on the device.
        """

    def synchronize(self) -> None:
        """Wait for all work."""

    def mark(self) -> Any:
        """The moment when all work so far is done."""

    def seconds_between(self, start: Any, end: Any) -> float:
        """The time between two moments; waits for the second one."""

    def memory_used(self) -> int:
        """Bytes of memory that the process uses."""

    def release(self) -> None:
        """Give memory that is not used back to the system."""

    def limit_memory(self, fraction: float) -> None:
        """Let the process take at most this part of the device's memory; 0 for no limit."""

    def upload(self, target: int, kind: TensorType, value: Any) -> None:
        """Copy to an array in device memory, broadcasting and casting as NumPy does; the value may change later."""

    def download(self, copies: Sequence[tuple[np.ndarray, int]]) -> None:
        """Fill contiguous arrays from addresses on the device."""

    def take(self, value: Any) -> Any:
        """An array on the device as a value that `upload` takes; see `Exchange.take`."""

    def give(self, sources: Sequence[tuple[int, TensorType]]) -> list[Any]:
        """Copies of arrays on the device for the caller; see `Exchange.copy_out`."""


def load_cupy() -> Any:
    """The module cupy. Raises BackendError with the command that installs it if it is missing."""
    try:
        import cupy
    except Exception as error:  # also ValueError for another NumPy, OSError for a library that is damaged
        raise BackendError(f"the cupy backend needs CuPy, which cannot be imported ({error}): {advice()}") from None
    return cupy


@contextmanager
def _starting(what: str, cupy: Any) -> Iterator[None]:
    """Errors of the CUDA runtime as errors of the backend, for a GPU can be busy or broken. Those that have another
    cause, which are a lost GPU and a lack of memory, tell it."""
    try:
        yield
    except MinigraphError:
        raise
    except Exception as error:
        told = translated(error, cupy)
        if isinstance(told, DeviceLostError | ResourceExhaustedError):
            raise told from error
        raise BackendError(f"{what} ({error}); `minigraph devices` shows the state of this machine") from None


class CudaDevice:
    """A CUDA device by CuPy, by default the current one: its own stream, memory from CuPy's pool.

    index: CUDA's number of the device.
    """

    def __init__(self, index: int | None = None) -> None:
        cupy = load_cupy()
        runtime = cupy.cuda.runtime
        with _starting("the cupy backend needs an NVIDIA GPU and its driver, and the CUDA runtime finds none", cupy):
            try:
                count = runtime.getDeviceCount()
            except Exception as error:
                if "InsufficientDriver" in str(error) and (driver := runtime.driverGetVersion()):
                    raise BackendError(
                        f"the NVIDIA driver is too old: it is for CUDA {release(driver)}, and CuPy is for CUDA "
                        f"{release(runtime.runtimeGetVersion())} ({error}): {advice()}"
                    ) from None
                raise
        if not count:
            raise BackendError("the CUDA runtime finds no NVIDIA GPU; `minigraph devices` lists the devices")
        if index is not None and not 0 <= index < count:
            there = f"only {count}, numbered from 0" if count > 1 else "only cupy:0"
            raise BackendError(f"there is no GPU cupy:{index}; the CUDA runtime finds {there}")
        self._cupy = cupy
        with _starting("the GPU cannot be used", cupy):
            own = WORLD.local_rank % count if WORLD.size > 1 else runtime.getDevice()  # the ranks of a host share out
            self.index = own if index is None else index
            device = cupy.cuda.Device(self.index)
            with device:
                self._stream = cupy.cuda.Stream(non_blocking=True)
            self._major = runtime.runtimeGetVersion() // 1000
            number = int(device.compute_capability)
            self.capability = number // 10, number % 10
            self._architecture = architecture(number, self._major)
        self._turn = Turn(cupy, device, self._stream)
        with _starting("the GPU cannot be used", cupy), self._turn:
            self._staging = Staging(cupy, self._stream)
        self._exchange = Exchange(cupy, self.index, self._stream, self._turn)
        self._blas: Any = None
        self._dnn: Cudnn | str | None = None
        self._nccl: Nccl | None = None

    @property
    def turn(self) -> Turn:
        return self._turn

    @property
    def lost(self) -> Exception | None:
        return self._turn.lost

    def memory_sizes(self) -> list[int]:
        """The bytes of memory of each GPU of this machine."""
        runtime = self._cupy.cuda.runtime
        return [runtime.getDeviceProperties(n)["totalGlobalMem"] for n in range(runtime.getDeviceCount())]

    def describe(self) -> str:
        """Name, compute capability and memory of each GPU of this machine, and the versions of driver and runtime."""
        with _starting("the GPU does not answer", self._cupy):
            runtime = self._cupy.cuda.runtime
            versions = f"driver {runtime.driverGetVersion()}, runtime {runtime.runtimeGetVersion()}"
            gpus = []
            for n in range(runtime.getDeviceCount()):
                found = runtime.getDeviceProperties(n)
                size = f"{found['totalGlobalMem'] / 2**30:.0f} GiB"
                gpus.append(f"cupy:{n}: {found['name'].decode()} (sm_{found['major']}{found['minor']}, {size})")
        return ", ".join([*gpus, versions])

    def allocate(self, nbytes: int) -> DeviceBuffer:
        cupy = self._cupy
        try:
            with self.turn:
                memory = cupy.cuda.alloc(max(nbytes, 1))
        except cupy.cuda.memory.OutOfMemoryError as error:
            raise ResourceExhaustedError(f"out of device memory: {nbytes:,} bytes wanted ({error})") from None
        return DeviceBuffer(memory.ptr, nbytes, memory)

    def compile(self, source: str, kernels: Sequence[CudaKernel]) -> Mapping[str, Function]:
        module = self._cupy.cuda.function.Module()
        code = machine_code(source, kernels, self._architecture, self._major)
        with self.turn, _starting(f"the driver refuses the code for {self._architecture}", self._cupy):
            module.load(code)
            return {k.name: self._function(module.get_function(k.name), k) for k in kernels}

    def _function(self, function: Any, kernel: CudaKernel) -> Function:
        grid, block, turn = (kernel.grid,), (kernel.block,), self.turn

        def launch(pointers: tuple[int, ...]) -> None:
            with turn:
                function(grid, block, pointers)

        return launch

    def gemm(self, call: Gemm, a: int, b: int, c: int) -> None:
        with self.turn:
            if self._blas is None:
                from minigraph.backends.cupy.cublas import Cublas

                self._blas = Cublas(self._stream.ptr, self.allocate, self._major)
            self._blas.gemm(call, a, b, c)

    def convolution(self, problem: ConvProblem) -> int | str:
        with self.turn:
            found = self._cudnn()
            return found if isinstance(found, str) else found.prepare(problem)

    def convolve(self, problem: ConvProblem, pointers: tuple[int, ...]) -> None:
        with self.turn:
            found = self._cudnn()
            if isinstance(found, str):
                raise BackendError(found)
            found.run(problem, pointers)

    def _cudnn(self) -> Cudnn | str:
        """The cuDNN library, or the reason why it is missing; then convolutions are im2col and matrix products."""
        if self._dnn is None:
            try:
                self._dnn = Cudnn(self._stream.ptr, major=self._major)
            except BackendError as error:
                self._dnn = str(error)
                warnings.warn(f"convolutions run without cuDNN, which is slower: {error}", RuntimeWarning, stacklevel=2)
        return self._dnn

    def require_collectives(self) -> None:
        library(self._major)

    def begin_collective(self, call: NcclCall, pointer: int) -> None:
        with self.turn:
            if self._nccl is None:
                found = library(self._major)
                self._nccl = Nccl(found, self._cupy, self._stream, WORLD.rank, WORLD.size, WORLD.share)
            self._nccl.begin(call, pointer)

    def end_collective(self, pointer: int) -> None:
        assert self._nccl is not None
        with self.turn:
            self._nccl.end(pointer)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        runtime = self._cupy.cuda.runtime
        with self.turn:
            runtime.memcpyAsync(target, source, nbytes, runtime.memcpyDeviceToDevice, self._stream.ptr)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        stream, turn = self._stream, self.turn
        with turn:
            stream.begin_capture()
            try:
                work()
            except BaseException:
                with suppress(Exception):
                    stream.end_capture()  # otherwise the stream stays unusable
                raise
            graph = stream.end_capture()

        def launch() -> None:
            with turn:
                graph.launch(stream)

        return launch

    def synchronize(self) -> None:
        with self.turn:
            self._stream.synchronize()

    def upload(self, target: int, kind: TensorType, value: Any) -> None:
        if isinstance(value, ForeignArray):
            self._exchange.copy_in(target, kind, value)
            return
        with self.turn:
            self._staging.upload(target, kind, value)

    def take(self, value: Any) -> ForeignArray:
        return self._exchange.take(value)

    def give(self, sources: Sequence[tuple[int, TensorType]]) -> list[Any]:
        return self._exchange.copy_out(sources)

    def mark(self) -> Any:
        with self.turn:
            return self._stream.record()

    def seconds_between(self, start: Any, end: Any) -> float:
        with self.turn:
            end.synchronize()
            return float(self._cupy.cuda.get_elapsed_time(start, end)) / 1e3

    def memory_used(self) -> int:
        with self.turn:
            return int(self._cupy.get_default_memory_pool().used_bytes())

    def release(self) -> None:
        with self.turn:
            self._stream.synchronize()
            self._staging.release()
            self._exchange.release()
            self._cupy.get_default_memory_pool().free_all_blocks()
            self._cupy.get_default_pinned_memory_pool().free_all_blocks()

    def limit_memory(self, fraction: float) -> None:
        with self.turn:
            self._cupy.get_default_memory_pool().set_limit(fraction=fraction)

    def download(self, copies: Sequence[tuple[np.ndarray, int]]) -> None:
        runtime, stream = self._cupy.cuda.runtime, self._stream
        with self.turn:
            for value, source in copies:
                runtime.memcpyAsync(value.ctypes.data, source, value.nbytes, runtime.memcpyDeviceToHost, stream.ptr)
            stream.synchronize()
            self._exchange.release()
