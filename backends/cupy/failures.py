"""Errors of the CUDA runtime as errors of a run; some end the use of the GPU by the process."""

from __future__ import annotations

from typing import Any

from minigraph.core.errors import InternalError, MinigraphError, ResourceExhaustedError

SYNC = "MINIGRAPH_CUDA_SYNC"  # 1 waits for each launch

_MEMORY = 2  # of cudaError_t and CUresult: out of memory
# Of both: after these each call fails, as CUDA documents for every one of them, until the process ends.
_FATAL = {
    214,  # an uncorrectable memory error
    220,  # an uncorrectable error of NVLink
    700,  # an address that is not allocated
    702,  # a kernel that took too long
    709,  # the context was destroyed
    710,  # a failed assertion
    714,  # the hardware's stack
    715,  # an illegal instruction
    716,  # a misaligned address
    717,  # an address of another space
    718,  # an invalid program counter
    719,  # anything else in a kernel
    721,  # a fault that was contained
}


class DeviceLostError(InternalError):
    """A kernel failed, and the process cannot use the GPU any more."""


def translated(error: BaseException | None, cupy: Any) -> MinigraphError | None:
    """The error for an exception of the CUDA runtime or driver; None for any other one."""
    cuda = cupy.cuda
    if not isinstance(error, cuda.runtime.CUDARuntimeError | cuda.driver.CUDADriverError):
        return None
    status = getattr(error, "status", None)
    if status == _MEMORY:
        return ResourceExhaustedError(f"out of device memory: {error}")
    if status not in _FATAL:
        return InternalError(f"CUDA: {error}")
    return DeviceLostError(
        f"the GPU failed: {error}. A kernel runs after the call that launches it, so the failed one was launched "
        f"earlier; with {SYNC}=1 each launch is waited for, and the error names the op. This process cannot use the "
        "GPU any more, and the values of variables on it are lost: start a new process"
    )
