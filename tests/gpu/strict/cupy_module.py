"""The stand-in's modules `cupy` and `cudnn`, and the functions of cuBLAS."""

from __future__ import annotations

import ctypes
from types import ModuleType, SimpleNamespace
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from gpu import fake_cudnn
from gpu.host import kernel_functions
from gpu.strict.arrays import add_arrays
from gpu.strict.machine import (
    CAPTURING,
    DEVICE_BIT,
    ISOLATION,
    CUDARuntimeError,
    Machine,
    OutOfMemoryError,
    Queue,
    Work,
)

TO_DEVICE, TO_HOST, ON_DEVICE = 1, 2, 3
ELF = b"\x7fELF"  # what machine code begins with; here it is the source


class CUDADriverError(RuntimeError):
    pass


def host(pointer: int) -> int:
    return pointer & ~DEVICE_BIT


def build_cupy(machine: Machine) -> Any:
    """A module `cupy` on the machine's devices, with what the backend uses of it."""
    thread = machine.thread
    streams: WeakValueDictionary[int, Any] = WeakValueDictionary()

    class Stream:
        def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
            self.queue = machine.new_queue()
            self.ptr, self.device_id = self.queue.pointer, self.queue.device
            streams[self.ptr] = self

        def __enter__(self) -> Stream:
            if self.device_id != thread.device:
                raise RuntimeError(
                    f"The device that the stream is created on ({self.device_id}) does not match with the current "
                    f"device ({thread.device})"
                )
            thread.streams.append(self)
            return self

        def __exit__(self, *args: Any) -> None:
            assert thread.streams.pop() is self

        @property
        def done(self) -> bool:
            machine.enter("query")
            with machine.lock:
                machine.refuse_in_capture(self.queue)
                return not self.queue.work

        def synchronize(self) -> None:
            machine.synchronize(self.queue)

        def begin_capture(self, mode: Any = None) -> None:
            machine.begin_capture(self.queue)

        def end_capture(self) -> Graph:
            return Graph(machine.end_capture(self.queue))

        def record(self, event: Any = None) -> Any:
            event = event or Event()
            event.record(self)
            return event

        def wait_event(self, event: Any) -> None:
            if event.queue is None:
                return
            source, mark = event.queue, event.mark
            if self.queue.capture is not None and event.capture is not self.queue.capture:
                machine.refuse_in_capture(self.queue, ISOLATION)
            if event.capture is not None and self.queue.capture is None:
                if event.capture is not source.capture:
                    machine.violation("a stream waits for an event of a capture that has ended")
                self.queue.capture = event.capture
            machine.enqueue(self.queue, "wait", lambda: machine.advance_to(source, mark), mark=mark)

    class Event:
        def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
            self.queue: Queue | None = None
            self.mark: Work | None = None
            self.capture: Any = None
            self.timed = not disable_timing
            self.time: float | None = None

        def record(self, stream: Any = None) -> None:
            queue = _current(stream).queue
            machine.enter("record")
            with machine.lock:
                self.queue, self.time, self.capture = queue, None, queue.capture

                def reached() -> None:
                    self.time = machine.clock

                self.mark = Work("event", reached, (), lane=queue.pointer)
                (queue.work if queue.capture is None else queue.capture.nodes).append(self.mark)

        @property
        def done(self) -> bool:
            self._refuse()
            return self.queue is None or self.time is not None

        def synchronize(self) -> None:
            machine.enter("wait for event")
            self._refuse()
            with machine.lock:
                if self.queue is not None:
                    machine.advance_to(self.queue, self.mark)
                if machine.dead is not None:
                    raise CUDARuntimeError(machine.dead.status)

        def _refuse(self) -> None:
            if self.capture is not None:
                raise CUDARuntimeError(CAPTURING)

    class Graph:
        def __init__(self, nodes: list[Work]) -> None:
            self.nodes = nodes
            machine.counts["captured"] += 1
            machine.counts["captured nodes"] += len(nodes)

        def launch(self, stream: Any = None) -> None:
            machine.launch(self.nodes, _current(stream).queue)

    class Device:
        def __init__(self, device: int | None = None) -> None:
            self.id = thread.device if device is None else device
            self._before: list[int] = []

        @property
        def compute_capability(self) -> str:
            return "90"

        @property
        def mem_info(self) -> tuple[int, int]:
            return machine.limit - machine.used[self.id], machine.limit

        def use(self) -> None:
            if not 0 <= self.id < machine.devices:
                raise CUDADriverError("cudaErrorInvalidDevice: invalid device ordinal")
            thread.device = self.id

        def synchronize(self) -> None:
            for queue in list(machine.queues.values()):
                if queue.device == self.id:
                    machine.synchronize(queue)

        def __enter__(self) -> Device:
            self._before.append(thread.device)
            self.use()
            return self

        def __exit__(self, *args: Any) -> None:
            thread.device = self._before.pop()

    class MemoryPointer:
        def __init__(self, nbytes: int) -> None:
            stream = _current(None)
            device = thread.device
            self.block = machine.allocate(nbytes, stream.queue)
            self.ptr = self.block.pointer
            machine.kept(self, machine.release, self.block, device, stream.ptr)

    class PinnedMemory:
        def __init__(self, nbytes: int) -> None:
            block = machine.pin(nbytes)
            self.ptr = block.pointer
            machine.kept(self, machine.unpin, block)

    class Pool:
        def used_bytes(self) -> int:
            device = thread.device
            spare = sum(b.nbytes for k, blocks in machine.free.items() if k[0] == device for b in blocks)
            return machine.used[device] - spare

        def total_bytes(self) -> int:
            return machine.used[thread.device]

        def free_all_blocks(self) -> None:
            machine.give_back(thread.device)

        def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
            whole = machine.memory
            machine.limit = whole if not (size or fraction) else size or int(whole * (fraction or 1))

        def get_limit(self) -> int:
            return machine.limit

    class Module:
        def load(self, code: bytes) -> None:
            machine.enter("load module")
            if type(code) is not bytes or not code.startswith(ELF):
                raise CUDADriverError("CUDA_ERROR_INVALID_IMAGE: device kernel image is invalid")
            if any(q.capture is not None for q in machine.queues.values()):
                machine.violation("a module is loaded during a capture")
            self.device = thread.device
            self.source = code.removeprefix(ELF).decode()
            self.entries = kernel_functions(self.source)

        def get_function(self, name: str) -> Function:
            return Function(self, name)

    class Function:
        def __init__(self, module: Module, name: str) -> None:
            self.device, self.name, self.entry = module.device, name, module.entries[name]
            start = module.source.index(f"{name}(") + len(name)
            self.arity = module.source[start : module.source.index(")", start)].count("*")

        def __call__(
            self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[int, ...], shared_mem: int = 0,
            stream: Any = None,
        ) -> None:  # fmt: skip
            if not all(type(v) is tuple for v in (grid, block)) or not all(type(v) is int for v in args):
                raise TypeError(f"{grid}, {block}, {args}")
            queue = _current(stream).queue
            if not 1 <= grid[0] < 2**31 or not 1 <= block[0] <= 1024 or self.device != queue.device:
                raise CUDADriverError("CUDA_ERROR_INVALID_VALUE: invalid argument")
            if len(args) != self.arity:
                machine.violation(f"{self.name} has {self.arity} parameters, not {len(args)}")
            values = (ctypes.c_void_p * len(args))(*map(host, args))
            machine.enqueue(queue, f"kernel {self.name}", lambda: self.entry(grid[0], block[0], values), args)

    def _current(stream: Any, device: int | None = None) -> Any:
        if stream is not None:
            return stream
        device = thread.device if device is None else device
        return next((s for s in reversed(thread.streams) if s.device_id == device), null_streams[device])

    def memcpy_async(target: int, source: int, nbytes: int, kind: int, stream: int) -> None:
        if not all(type(v) is int for v in (target, source, nbytes, kind, stream)):
            raise TypeError("an integer is required")
        queue = machine.queues[stream]
        if not nbytes:
            return
        on_device = {TO_DEVICE: (target,), TO_HOST: (source,), ON_DEVICE: (target, source)}[kind]
        ends = [p + more for p in on_device for more in (0, nbytes - 1)]
        other = {TO_DEVICE: source, TO_HOST: target, ON_DEVICE: 0}[kind]
        if other & DEVICE_BIT:
            machine.violation("a device address is taken for one of the host")
        pinned = machine.pinned_block(other)
        name = {TO_DEVICE: "upload", TO_HOST: "download", ON_DEVICE: "copy"}[kind]
        machine.counts[f"{name} bytes"] += nbytes
        if kind != ON_DEVICE and pinned is None:
            machine.refuse_in_capture(queue)
        if kind == TO_DEVICE and pinned is None:
            staged = ctypes.string_at(source, nbytes)  # the driver has read pageable memory when the call returns
            machine.enqueue(queue, "pageable upload", lambda: ctypes.memmove(host(target), staged, nbytes), ends)
            return
        generation = pinned.generation if pinned is not None else 0

        def copy() -> None:
            if pinned is not None:
                machine.check(((pinned, generation),), f"{name} of pinned memory")
            ctypes.memmove(host(target), host(source), nbytes)

        machine.enqueue(queue, name, copy, ends)

    def elapsed(start: Any, end: Any) -> float:
        if not (start.timed and end.timed):
            raise CUDARuntimeError(400)
        if start.time is None or end.time is None:
            machine.violation("the time of an event is asked before the event has happened")
        return float(end.time - start.time)

    def in_default_stream(device: int) -> Any:
        before, thread.device = thread.device, device
        made = Stream()
        thread.device = before
        return made

    null_streams = [in_default_stream(d) for d in range(machine.devices)]
    properties = {"name": b"Stand-in", "totalGlobalMem": machine.limit, "major": 9, "minor": 0}
    pool = Pool()
    made: Any = ModuleType("cupy")
    made.__version__ = "14.2.0"
    made.__spec__ = SimpleNamespace(name="cupy")
    runtime = SimpleNamespace(
        getDeviceCount=lambda: machine.devices,
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13000,
        getDevice=lambda: thread.device,
        getDeviceProperties=lambda device: properties,
        memcpyAsync=memcpy_async,
        memcpyHostToDevice=TO_DEVICE,
        memcpyDeviceToHost=TO_HOST,
        memcpyDeviceToDevice=ON_DEVICE,
        CUDARuntimeError=CUDARuntimeError,
    )
    made.cuda = SimpleNamespace(
        runtime=runtime,
        driver=SimpleNamespace(CUDADriverError=CUDADriverError),
        Stream=Stream,
        Event=Event,
        Device=Device,
        alloc=MemoryPointer,
        alloc_pinned_memory=PinnedMemory,
        get_elapsed_time=elapsed,
        get_current_stream=lambda device=None: _current(None, device),
        ExternalStream=lambda pointer: streams[pointer],
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        function=SimpleNamespace(Module=Module),
    )
    add_arrays(made, machine)
    made.get_default_memory_pool = lambda: pool
    made.get_default_pinned_memory_pool = lambda: SimpleNamespace(free_all_blocks=machine.free_pinned)
    return made


class Cublas:
    """The functions of cuBLAS on one machine. Matrices are in column-major order, as the library's are."""

    KINDS = (np.float32, np.float64, np.float16)

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.handles: dict[int, dict[str, Any]] = {}

    def cublasCreate_v2(self, handle: Any) -> int:
        handle._obj.value = 0x70 + len(self.handles)
        self.handles[handle._obj.value] = {"device": self.machine.thread.device}
        return 0

    def cublasSetStream_v2(self, handle: Any, stream: Any) -> int:
        self.handles[handle.value] |= {"queue": self.machine.queues[stream.value], "workspace": None}
        return 0

    def cublasSetWorkspace_v2(self, handle: Any, workspace: Any, nbytes: Any) -> int:
        if workspace.value % 256:
            return 7
        self.handles[handle.value]["workspace"] = (workspace.value, workspace.value + nbytes.value - 1)
        return 0

    def cublasGemmStridedBatchedEx(
        self, handle: Any, trans_a: int, trans_b: int, m: int, n: int, k: int, alpha: Any, a: Any, a_type: int,
        lda: int, stride_a: Any, b: Any, b_type: int, ldb: int, stride_b: Any, beta: Any, c: Any, c_type: int,
        ldc: int, stride_c: Any, batch: int, compute: int, algorithm: int,
    ) -> int:  # fmt: skip
        state, kind = self.handles[handle.value], self.KINDS[a_type]
        shape_a, shape_b, shape_c = (k, m) if trans_a else (m, k), (n, k) if trans_b else (k, n), (m, n)
        leading = ((shape_a, lda), (shape_b, ldb), (shape_c, ldc))
        if min(m, n, k, batch) < 1 or any(ld < max(1, rows) for (rows, _), ld in leading):
            self.machine.violation(f"cuBLAS: the sizes {m}, {n}, {k}, {batch} do not fit {lda}, {ldb}, {ldc}")
        if state["workspace"] is None:
            self.machine.violation("cuBLAS has no workspace of its own")
        if not a_type == b_type == c_type or (compute == 70) != (a_type == 1) or algorithm != -1:
            return 15
        if self.machine.thread.device != state["device"]:
            self.machine.violation("cuBLAS is called for another device than the current one")
        size = np.dtype(kind).itemsize
        matrices = [
            (p.value, shape, ld, stride.value)
            for p, (shape, ld), stride in zip((a, b, c), leading, (stride_a, stride_b, stride_c), strict=True)
        ]
        ends = list(state["workspace"])
        for start, (rows, columns), ld, stride in matrices:
            ends += [start, start + ((batch - 1) * stride + (columns - 1) * ld + rows) * size - 1]
        scale, keep = alpha._obj.value, beta._obj.value

        def run() -> None:
            for i in range(batch):
                left, right, out = (
                    _matrix(host(start) + i * stride * size, shape, ld, kind) for start, shape, ld, stride in matrices
                )
                wide = np.float32 if size == 2 else kind
                product = (left.T if trans_a else left).astype(wide) @ (right.T if trans_b else right).astype(wide)
                out[...] = scale * product + keep * out if keep else scale * product

        self.machine.enqueue(state["queue"], "gemm", run, ends)
        return 0


def _matrix(address: int, shape: tuple[int, int], leading: int, kind: Any) -> np.ndarray:
    size = np.dtype(kind).itemsize
    count = (shape[1] - 1) * leading + shape[0]
    flat = np.frombuffer((ctypes.c_char * (count * size)).from_address(address), kind, count)
    return np.lib.stride_tricks.as_strided(flat, shape, (size, leading * size))


def build_cudnn(machine: Machine) -> Any:
    """A module `cudnn` whose graphs run when the stream does."""

    class Graph(fake_cudnn.Graph):
        def execute(self, arrays: dict[Any, int], workspace: int, handle: int) -> None:
            for tensor, pointer in arrays.items():
                if pointer % 16:
                    machine.violation(f"cuDNN: the operand {tensor.name} at {pointer:#x} is not aligned")
            run = super().execute
            on_host = {tensor: host(pointer) for tensor, pointer in arrays.items()}
            queue = machine.queues[self.fake.stream]  # type: ignore[index]
            pointers = [*arrays.values(), workspace, workspace + 47]
            machine.enqueue(queue, "cudnn", lambda: run(on_host, host(workspace), handle), pointers)

    class Cudnn(fake_cudnn.FakeCudnn):
        def pygraph(self, **options: Any) -> Graph:
            self.graphs.append(Graph(self, **options))
            return self.graphs[-1]  # type: ignore[return-value]

    return Cudnn()
