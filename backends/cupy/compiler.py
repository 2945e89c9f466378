"""From CUDA C to machine code: NVRTC, a cache on disk, and error messages that name kernel and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from minigraph.backends.cupy import nvrtc
from minigraph.backends.cupy.installation import advice
from minigraph.backends.cupy.kernel import CudaKernel
from minigraph.backends.cupy.prelude import OPTIONS
from minigraph.core.errors import BackendError, InternalError
from minigraph.util.object_cache import objects

_ERROR = re.compile(re.escape(nvrtc.FILE) + r"\((\d+)\): (?:catastrophic )?error: (.*)")


class KernelError(InternalError):
    """A generated kernel that does not compile. kernel: its name, or None if the error is in no kernel."""

    def __init__(self, message: str, kernel: str | None = None) -> None:
        super().__init__(message)
        self.kernel = kernel


@cache
def _library(major: int | None) -> Any:
    return nvrtc.find(major)


def _required(major: int | None) -> Any:
    library = _library(major)
    if library is None:
        needed = f"NVRTC{f' of CUDA {major}' if major else ''}"
        raise BackendError(f"the cupy backend needs {needed}, which is not installed: {advice()}")
    return library


def architecture(capability: int, major: int | None = None) -> str:
    """The target for GPUs of a compute capability such as 90: sm_90, or for GPUs that are newer than the compiler the
    newest that it knows, as compute_90 and so on.

    major: the version of CUDA. Raises BackendError for GPUs that the compiler does not support any more, or without it.
    """
    library = _required(major)
    known = nvrtc.architectures(library)
    older = [a for a in known if a <= capability]
    if not older:
        release, least = ".".join(map(str, nvrtc.version(library))), _dotted(known[0])
        raise BackendError(
            f"the GPU has compute capability {_dotted(capability)}, and NVRTC {release} compiles for {least} and newer "
            "ones; earlier versions of CUDA support older GPUs"
        )
    return f"{'sm' if older[-1] == capability else 'compute'}_{older[-1]}"


def _dotted(capability: int) -> str:
    return f"{capability // 10}.{capability % 10}"


def machine_code(source: str, kernels: Sequence[CudaKernel], architecture: str, major: int | None = None) -> bytes:
    """The module for an architecture, compiled or taken from the cache.

    Raises KernelError if a kernel does not compile, BackendError without NVRTC for CUDA of that major version.
    """
    library = _required(major)
    release = ".".join(map(str, nvrtc.version(library)))
    key = "\n".join([version("minigraph"), release, architecture, *OPTIONS, source])
    store = objects("cuda")
    found = store.get(key)
    if found is None:
        try:
            found = nvrtc.compile(library, source, architecture, OPTIONS)
        except nvrtc.CompileError as error:
            raise explained(str(error), source, kernels) from None
        store.put(key, found)
    return found


def explained(log: str, source: str, kernels: Sequence[CudaKernel]) -> KernelError:
    """The compiler's first error, with the kernel and the line in which it is."""
    found = _ERROR.search(log)
    if found is None:
        return KernelError(f"the generated CUDA C does not compile: {log.strip()}", None)
    number, message = int(found[1]), found[2]
    lines = source.splitlines()
    starts = {k.name: source[: source.index(k.source)].count("\n") + 1 for k in kernels if k.source in source}
    inside = [k for k in kernels if 0 <= number - starts.get(k.name, number + 1) <= k.source.count("\n")]
    name = inside[0].name if inside else None
    where = f"line {number - starts[name] + 1} of the kernel {name}" if name else f"line {number} of the module"
    text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return KernelError(f"the generated CUDA C does not compile: {message}, in {where}: {text}", name)
