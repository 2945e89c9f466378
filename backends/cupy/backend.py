"""CupyBackend: buffers in device memory, and launches of generated kernels bound to pointers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.backend.base import Backend, Launch, Lowered, Types
from minigraph.backend.workspace import BufferRef
from minigraph.backends.cupy import collective, nests
from minigraph.backends.cupy import kernel as K
from minigraph.backends.cupy.capture import CupyPlan
from minigraph.backends.cupy.compiler import KernelError
from minigraph.backends.cupy.device import CudaDevice, Device, DeviceBuffer, Function
from minigraph.backends.cupy.emit import emit, joint, module
from minigraph.backends.cupy.ladder import Ladder
from minigraph.backends.cupy.steps import Bind, DeviceView
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import BackendError, InternalError, ResourceExhaustedError
from minigraph.core.exchange import is_on_gpu
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.joint import Joint
from minigraph.util.locks import Lock


class Pending:
    """Kernels that bound launches wait for.

    The first launch compiles all of them as one module. A plan is bound whole before it runs, so it is one module.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._lock, self._compiling = Lock(), Lock()
        self._waiting: dict[str, K.CudaKernel] = {}
        self._functions: dict[str, Function] = {}
        self.sources: list[str] = []  # of the modules compiled so far, for inspection

    def add(self, kernel: K.CudaKernel) -> None:
        with self._lock:
            if kernel.name not in self._functions:
                self._waiting[kernel.name] = kernel

    def compile(self) -> None:
        """Compile all waiting kernels. Raises KernelError if one does not compile, which then waits no more."""
        with self._compiling:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            if not waiting:
                return
            kernels = tuple(waiting.values())
            source = module(kernels)
            try:
                made = self._device.compile(source, kernels)
            except KernelError as error:
                waiting.pop(error.kernel or "", None)
                with self._lock:  # they may be another session's
                    self._waiting = {**waiting, **self._waiting} if error.kernel else self._waiting
                raise
            with self._lock:
                self._functions = {**self._functions, **made}
                self.sources.append(source)

    def function(self, name: str) -> Function:
        """A kernel that was added. Raises InternalError if it did not compile."""
        if name not in self._functions:
            self.compile()  # or wait for the thread that does
        found = self._functions.get(name)
        if found is None:
            raise InternalError(f"the kernel {name} has not been compiled")
        return found


class CupyBackend(Backend):
    """Runs ops as generated CUDA C and cuBLAS calls on a device; by default the current one of CuPy."""

    name = "cupy"
    # They fit blocks to a CPU's cache, use a CPU's costs, and replace float16, which GPUs compute with.
    unwanted_passes = ("fuse_blocks", "winograd", "widen_float16")
    pass_settings: Mapping[str, Mapping[str, Any]] = {
        "fuse_moments": {"dtypes": ("float32", "float64")},
        "inline_operands": {"keeps_sums": True, "small_operands": True},
        "join_small": {"max_elements": 1 << 14},
        "multi_tensor": {"max_bytes": 1 << 24},  # a launch costs more than the gradients that wait for it
    }
    plan_type = CupyPlan
    precisions = ("float32", "tf32", "bfloat16")

    def __init__(self, device: Device | None = None, precision: str = "float32") -> None:
        self.device: Device = device or CudaDevice()
        self.precision = precision
        self.kernels = Pending(self.device)
        self.ladder = Ladder(self.device.convolution, precision)
        self._lock = Lock()
        self._warned: set[str] = set()
        self._others: dict[str, CupyBackend] = {precision: self}

    @classmethod
    def on_device(cls, index: int) -> CupyBackend:
        return cls(CudaDevice(index))

    @property
    def label(self) -> str:
        return f"{self.name}:{self.device.index}"

    def in_precision(self, precision: str) -> CupyBackend:
        """The backend on the same device with that precision."""
        super().in_precision(precision)
        if precision == "bfloat16" and self.device.capability < (8, 0):
            has = ".".join(map(str, self.device.capability))
            raise BackendError(f"bfloat16 needs a GPU of compute capability 8.0 or later, and this one has {has}")
        with self._lock:
            if precision not in self._others:
                self._others[precision] = CupyBackend(self.device, precision)
            return self._others[precision]

    def mark(self) -> Any:
        return self.device.mark()

    def seconds_between(self, start: Any, end: Any) -> float:
        return self.device.seconds_between(start, end)

    def memory_used(self) -> int:
        return self.device.memory_used()

    def release(self) -> None:
        self.device.release()

    def limit_memory(self, fraction: float) -> None:
        self.device.limit_memory(fraction)

    def warn_once(self, text: str) -> None:
        """Give a warning, unless it has been given before."""
        with self._lock:
            if text in self._warned:
                return
            self._warned.add(text)
        warnings.warn(text, RuntimeWarning, stacklevel=2)

    def allocate(self, nbytes: int) -> DeviceBuffer:
        """Device memory; CUDA aligns it to 256 bytes."""
        return self.device.allocate(nbytes)

    def view(self, buffer: DeviceBuffer, offset: int, type: TensorType) -> DeviceView:
        """The array of a static type at a byte offset of a buffer, in C order."""
        if offset + type.nbytes > buffer.nbytes:
            raise InternalError(f"{type} at byte {offset} lies outside a buffer of {buffer.nbytes} bytes")
        return DeviceView(buffer.pointer + offset, type, buffer)

    def write(self, array: DeviceView, value: Any) -> None:
        """Copy from the host, broadcasting and casting as NumPy does."""
        if array.type.size:
            self.device.upload(array.pointer, array.type, value)
        else:
            np.broadcast_to(value, array.type.static)  # refuses a shape that does not fit

    def read(self, array: DeviceView) -> Any:
        """A copy on the host; a NumPy scalar if the array has no axes."""
        return self.read_all([array])[0]

    def read_all(self, arrays: Sequence[DeviceView]) -> list[Any]:
        """Copies on the host, for which it waits once."""
        try:
            hosts = [np.empty(a.type.static, a.type.dtype.np_dtype) for a in arrays]
        except MemoryError:
            nbytes = sum(a.type.nbytes for a in arrays)
            raise ResourceExhaustedError(f"out of host memory: {nbytes:,} bytes for copies") from None
        copies = [(host, array.pointer) for host, array in zip(hosts, arrays, strict=True) if host.nbytes]
        if copies:
            self.device.download(copies)
        return [host[()] for host in hosts]

    def import_array(self, value: Any) -> Any:
        """Arrays on a GPU stay there."""
        return self.device.take(value) if is_on_gpu(value) else super().import_array(value)

    def export_all(self, arrays: Sequence[DeviceView]) -> list[Any]:
        """Arrays of CuPy."""
        return self.device.give([(array.pointer, array.type) for array in arrays])

    def packs(self, op: Op, in_types: Types) -> Mapping[int, TensorType]:
        """The filters of convolutions that cuDNN solves."""
        return self.ladder.packs(op, in_types)

    def kernel_text(self, op: Op, in_types: Types, out_types: Types, assembly: bool = False) -> Mapping[str, str]:
        """The kernel's schedule and its CUDA C; of a joint the CUDA C alone."""
        if isinstance(op, Joint):
            launches = [step for step in joint(op, in_types).steps if isinstance(step, K.Launch)]
            return {"CUDA C": "\n".join(launch.kernel.source for launch in launches)}
        nest = op.loops(in_types, out_types)
        return {} if nest is None else nests.kernel_text(nest)

    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        """The steps from the op's emitter; without an emitter, a call of the op's reference on the host."""
        exchange = collective.lowered(self.device, op, in_types)
        if exchange is not None:
            return exchange
        code = emit(op, in_types, out_types, self.ladder)
        if code is None:
            return Lowered(self._host_call(op), fallback=True)
        return Lowered(Bind(self, code.steps, code.verdict), code.workspace, code.inplace)

    def bind_step(
        self, step: K.Step, inputs: Sequence[DeviceView], outputs: Sequence[DeviceView | None], workspace: DeviceView
    ) -> Launch | None:
        """The launch of a step; None if no result of the step is read."""

        def pointer(ref: BufferRef) -> int:
            if ref.kind == "work":
                return workspace.pointer + ref.offset
            view = (inputs if ref.kind == "in" else outputs)[ref.position]
            return 0 if view is None else view.pointer + ref.offset

        made = [outputs[r.position] for r in step.args if r.kind == "out"]
        if made and all(view is None for view in made):
            return None
        pointers = tuple(pointer(r) for r in step.args)
        if isinstance(step, K.Gemm):
            gemm, call = self.device.gemm, step._replace(precision=self.precision)
            return lambda: gemm(call, *pointers)
        if isinstance(step, K.Convolve):
            convolve, problem = self.device.convolve, step.problem
            return lambda: convolve(problem, pointers)
        if isinstance(step, K.Constant):
            return self._constant(step, pointers[0])
        if not step.kernel.grid:
            return None
        return self._launch(step.kernel, pointers)

    def _launch(self, kernel: K.CudaKernel, pointers: tuple[int, ...]) -> Launch:
        self.kernels.add(kernel)
        functions, name = self.kernels, kernel.name
        function: Function | None = None

        def launch() -> None:
            nonlocal function
            if function is None:
                function = functions.function(name)
            function(pointers)

        return launch

    def _constant(self, step: K.Constant, target: int) -> Launch:
        value = np.ascontiguousarray(step.value)
        kept = self.allocate(value.nbytes)
        self.device.upload(kept.pointer, TensorType(as_dtype(value.dtype), value.shape), value)
        return lambda: self.device.copy(target, kept.pointer, kept.nbytes)

    def _host_call(self, op: Op) -> Callable[[Sequence[DeviceView], Sequence[DeviceView | None], DeviceView], Launch]:
        """A call of the op's reference on the host, between copies of the operands to the host and of the results
        back."""

        def bind(inputs: Sequence[DeviceView], outputs: Sequence[DeviceView | None], workspace: DeviceView) -> Launch:
            targets = list(outputs)
            for back, position in enumerate(reversed(op.writes)):
                targets[-1 - back] = inputs[position]

            def launch() -> None:
                results = op.reference(*(np.asarray(self.read(v)) for v in inputs))
                for target, result in zip(targets, results, strict=True):
                    if target is not None:
                        self.write(target, result)

            return launch

        return bind
