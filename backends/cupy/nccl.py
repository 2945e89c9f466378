"""NCCL by ctypes: collectives of all ranks on device memory, which run on a stream of their own."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from minigraph.backends.cupy.kernel import NcclCall
from minigraph.backends.cupy.libraries import MissingLibrary, load
from minigraph.core.errors import BackendError, InternalError

# From nccl.h.
VERSION = 2  # of the library's interface
ID_BYTES = 128
TYPES = {
    "int8": 0, "uint8": 1, "int32": 2, "uint32": 3, "int64": 4, "uint64": 5, "float16": 6, "float32": 7, "float64": 8,
    "bfloat16": 9,
}  # fmt: skip
REDUCTIONS = {"sum": 0, "max": 2, "min": 3, "average": 4}
_INVALID_USAGE = 5
_DEFECTS = 3, 4  # statuses that no machine and no program should cause: internal error, invalid argument


class UniqueId(ctypes.Structure):
    """What rank 0 gives to the others, so that they find each other."""

    _fields_ = (("internal", ctypes.c_byte * ID_BYTES),)


def library(major: int | None = None) -> Any:
    """The library. major: the version of CUDA, for the advice of the BackendError that tells that it is missing."""
    try:
        return load("nccl", VERSION)
    except MissingLibrary as error:
        wheel = f"nvidia-nccl-cu{major or 12}"
        raise BackendError(
            f"collectives of arrays on GPUs need NCCL, which cannot be loaded ({error}): pip install {wheel}"
        ) from None


def installed_version() -> int:
    """The version of NCCL, such as 22304 for 2.23.4; 0 without NCCL."""
    number = ctypes.c_int()
    try:
        status = library().ncclGetVersion(ctypes.byref(number))
    except BackendError:
        return 0
    return 0 if status else number.value


class Nccl:
    """The communicator of this rank's GPU, and the stream of its collectives.

    All ranks must make it at once, and then begin the same collectives in the same order.

    main: the stream of all other work. share: gives the bytes of rank 0 to all ranks.
    """

    def __init__(self, found: Any, cupy: Any, main: Any, rank: int, size: int, share: Callable[[bytes], bytes]) -> None:
        self._library, self._main = found, main
        self._own = cupy.cuda.Stream(non_blocking=True)
        self._ends: dict[int, Any] = {}  # by address, the event after a collective
        unique = UniqueId()
        if rank == 0:
            self._call("ncclGetUniqueId", ctypes.byref(unique))
        unique = UniqueId.from_buffer_copy(share(bytes(unique)))
        self._communicator = ctypes.c_void_p()
        self._call("ncclCommInitRank", ctypes.byref(self._communicator), size, unique, rank)

    def begin(self, call: NcclCall, pointer: int) -> None:
        """Begin a collective after all work so far. Other work may run beside it until `end`."""
        self._own.wait_event(self._main.record())
        address, count = ctypes.c_void_p(pointer), ctypes.c_size_t(call.size)
        stream = ctypes.c_void_p(self._own.ptr)
        after = TYPES[call.dtype], (call.root if call.kind == "broadcast" else REDUCTIONS[call.kind])
        name = "ncclBroadcast" if call.kind == "broadcast" else "ncclAllReduce"
        self._call(name, address, address, count, *after, self._communicator, stream)
        self._ends[pointer] = self._own.record()

    def end(self, pointer: int) -> None:
        """Let all later work wait for the collective that has begun at an address."""
        self._main.wait_event(self._ends.pop(pointer))

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if not status:
            return
        describe = self._library.ncclGetErrorString
        describe.restype = ctypes.c_char_p
        hint = ""
        if name == "ncclCommInitRank" and status == _INVALID_USAGE:
            hint = "; each rank of a host needs a GPU of its own, such as cupy:0 for local rank 0"
        kind = InternalError if status in _DEFECTS else BackendError
        raise kind(f"{name} failed with status {status}: {describe(status).decode()}{hint}")
