"""A device made of the CPU: kernels compiled by g++ behind `shim.h`, memory and matrix products by NumPy."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gpu.rounding import rounded
from minigraph.backends.cupy.cudnn import Cudnn
from minigraph.backends.cupy.device import DeviceBuffer, Function
from minigraph.backends.cupy.kernel import ConvProblem, CudaKernel, Gemm
from minigraph.backends.cupy.source import c_type
from minigraph.core.dtypes import ALL
from minigraph.core.types import TensorType

COMPILER = shutil.which("g++")
SHIM = Path(__file__).with_name("shim.h")
FLAGS = ["-std=c++17", "-O0", "-fPIC", "-shared", "-w", "-fwrapv", "-fno-strict-aliasing", "-ffp-contract=off"]
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
BARRIERS = ("__syncthreads", "block_reduce", "comes_last")  # a kernel without them needs no fibers
SANITIZE = "MINIGRAPH_SANITIZE" in os.environ  # in the process of a test that has preloaded what it takes
CACHE = Path(tempfile.gettempdir()) / f"minigraph-shim-{os.getuid()}"


_KERNEL = re.compile(r'^extern "C" __global__ void (?:__launch_bounds__\(\d+\) )?(\w+)\(', re.MULTILINE)
_SHARED = re.compile(r"__shared__ ([\w: ]+) \w+\[(\d+)\];")
_SIZES = {c_type(d): d.size for d in ALL}
MOST_SHARED = 48 << 10  # bytes that a CUDA kernel can declare
_LOADED: dict[str, Any] = {}  # the functions of kernels that this process has loaded


def kernel_functions(source: str, sanitize: bool = False) -> dict[str, Any]:
    """A function `(grid, block, pointers)` for each kernel of a module.

    Kernels that were compiled before, in whatever module, are taken from a cache on disk; the others become one shared
    library.
    """
    starts = list(_KERNEL.finditer(source))
    ends = [m.start() for m in starts[1:]] + [len(source)]
    texts = {m[1]: source[m.start() : end] for m, end in zip(starts, ends, strict=True)}
    for name, text in texts.items():
        assert shared_bytes(text) <= MOST_SHARED, f"{name} uses too much shared data"
    head = source[: starts[0].start()] if starts else ""
    flags = FLAGS + (SANITIZERS if sanitize else [])
    common = head + SHIM.read_text() + " ".join(flags)
    keys = {name: hashlib.sha256((common + text).encode()).hexdigest()[:24] for name, text in texts.items()}
    CACHE.mkdir(exist_ok=True)
    links = {name: CACHE / f"{key}.so" for name, key in keys.items()}
    missing = {n: text for n, text in texts.items() if keys[n] not in _LOADED and not links[n].exists()}
    library = _library(head, missing, flags) if missing else ""
    for name in missing:
        links[name].unlink(missing_ok=True)  # a link to a library that was deleted
        with suppress(FileExistsError):  # another process has been faster
            links[name].symlink_to(library)
    for name, key in keys.items():
        if key not in _LOADED:
            _LOADED[key] = getattr(ctypes.CDLL(str(links[name])), f"run_{name}")
    return {name: _LOADED[key] for name, key in keys.items()}


def shared_bytes(text: str) -> int:
    """The bytes of the arrays that a kernel declares in shared memory."""
    found = _SHARED.findall(text)
    assert len(found) == text.count("__shared__"), text
    return sum(_SIZES[kind] * int(count) for kind, count in found)


def _library(head: str, kernels: Mapping[str, str], flags: Sequence[str]) -> str:
    """The name of a shared library in the cache with an entry for each kernel."""
    entries = "\n".join(f"SHIM_ENTRY({n}, {int(any(b in text for b in BARRIERS))})" for n, text in kernels.items())
    text = f'#include "{SHIM}"\n{head}\n{"".join(kernels.values())}\n{entries}\n'
    name = hashlib.sha256((text + SHIM.read_text() + " ".join(flags)).encode()).hexdigest()[:24] + ".so"
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        path, made = Path(folder) / "kernels.cpp", Path(folder) / "kernels.so"
        path.write_text(text)
        command = [COMPILER or "g++", *flags, str(path), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{done.stderr[:4000]}\n{text}")
        os.replace(made, CACHE / name)
    return name


class HostDevice:
    """minigraph.backends.cupy.device.Device on the CPU. `log` gets the name of every call and kernel."""

    capability = 9, 0

    index = 0
    lost = None

    def __init__(self, sanitize: bool = SANITIZE, cudnn: Any = None) -> None:
        self.turn = threading.RLock()
        self.sanitize = sanitize
        self.cudnn = None if cudnn is None else Cudnn(0, cudnn)
        self.log: list[str] = []
        self.interrupt: str | None = None  # the kernel before which the user interrupts, once
        self.graph: list[Callable[[], None]] | None = None  # what a capture has seen so far

    def allocate(self, nbytes: int) -> DeviceBuffer:
        self.refuse_in_capture()
        if self.sanitize:  # no byte of slack, so that the first one beyond is noticed
            exact = np.full(nbytes, 0xFF, np.uint8)
            return DeviceBuffer(exact.ctypes.data, nbytes, exact)
        whole = np.full(nbytes + 64, 0xFF, np.uint8)
        return DeviceBuffer(whole.ctypes.data + -whole.ctypes.data % 64, nbytes, whole)

    def compile(self, source: str, kernels: Sequence[CudaKernel]) -> Mapping[str, Function]:
        entries = kernel_functions(source, self.sanitize)
        self.log.append("compile")
        return {k.name: self._function(entries[k.name], k) for k in kernels}

    def _function(self, entry: Any, kernel: CudaKernel) -> Function:
        def launch(pointers: tuple[int, ...]) -> None:
            arguments = (ctypes.c_void_p * len(pointers))(*pointers)
            self.do(kernel.name, partial(entry, kernel.grid, kernel.block, arguments))

        return launch

    def do(self, name: str, action: Callable[[], Any]) -> None:
        """Now, or when the graph is launched that is being captured."""
        if self.graph is None:
            if self.interrupt and name.startswith(self.interrupt):
                self.interrupt = None
                raise KeyboardInterrupt
            self.log.append(name)
            action()
        else:
            self.graph.append(partial(self.do, name, action))

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        self.graph = []
        try:
            work()
            nodes = tuple(self.graph)
        finally:
            self.graph = None
        return lambda: [node() for node in nodes] and None

    def refuse_in_capture(self) -> None:
        if self.graph is not None:
            raise RuntimeError("operation not permitted when stream is capturing")

    def convolution(self, problem: ConvProblem) -> int | str:
        return self.cudnn.prepare(problem) if self.cudnn else "there is no cuDNN"

    def convolve(self, problem: ConvProblem, pointers: tuple[int, ...]) -> None:
        assert self.cudnn is not None
        self.do(f"cudnn {problem.kind}", partial(self.cudnn.run, problem, pointers))

    def gemm(self, call: Gemm, a: int, b: int, c: int) -> None:
        self.do("gemm", partial(self._gemm, call, a, b, c))

    def _gemm(self, call: Gemm, a: int, b: int, c: int) -> None:
        stride_a, stride_b, stride_c = call.strides
        for i in range(call.batch):
            rows = (call.k, call.m) if call.transpose_a else (call.m, call.k)
            columns = (call.n, call.k) if call.transpose_b else (call.k, call.n)
            left = self._matrix(a, i * stride_a, rows, call.lda, call)
            right = self._matrix(b, i * stride_b, columns, call.ldb, call)
            out = self._matrix(c, i * stride_c, (call.m, call.n), call.ldc, call)
            wide = np.float32 if call.dtype.size == 2 else call.dtype.np_dtype
            left, right = (rounded(a.astype(wide, copy=False), call.precision) for a in (left, right))
            product = (left.T if call.transpose_a else left) @ (right.T if call.transpose_b else right)
            out[...] = product + call.dtype.np_dtype.type(call.beta) * out if call.beta else product

    @staticmethod
    def _matrix(pointer: int, start: int, shape: tuple[int, int], leading: int, call: Gemm) -> np.ndarray:
        kind = call.dtype.np_dtype
        count = (shape[0] - 1) * leading + shape[1]
        memory = (ctypes.c_char * (count * kind.itemsize)).from_address(pointer + start * kind.itemsize)
        flat = np.frombuffer(memory, kind, count)
        return np.lib.stride_tricks.as_strided(flat, shape, (leading * kind.itemsize, kind.itemsize))

    def copy(self, target: int, source: int, nbytes: int) -> None:
        self.do("copy", partial(ctypes.memmove, target, source, nbytes))

    def synchronize(self) -> None:
        self.refuse_in_capture()

    def mark(self) -> Any:
        return time.perf_counter()

    def seconds_between(self, start: Any, end: Any) -> float:
        return float(end - start)

    def memory_used(self) -> int:
        return 0

    def release(self) -> None:
        self.refuse_in_capture()

    def limit_memory(self, fraction: float) -> None:
        pass

    def upload(self, target: int, kind: TensorType, value: Any) -> None:
        self.refuse_in_capture()
        made = np.empty(kind.static, kind.dtype.np_dtype)
        np.copyto(made, value, casting="unsafe")
        ctypes.memmove(target, made.ctypes.data, made.nbytes)

    def download(self, copies: Sequence[tuple[np.ndarray, int]]) -> None:
        self.refuse_in_capture()
        for value, source in copies:
            assert value.flags.c_contiguous
            ctypes.memmove(value.ctypes.data, source, value.nbytes)
