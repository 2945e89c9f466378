"""cuBLAS by ctypes.

CuPy's own binding refuses calls while a stream is being captured into a graph. This one allows them, and has a
workspace of its own, as cuBLAS's documentation requires for capture.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from minigraph.backends.cupy.installation import advice
from minigraph.backends.cupy.kernel import Gemm
from minigraph.backends.cupy.libraries import MissingLibrary, load
from minigraph.core.errors import BackendError, InternalError, ResourceExhaustedError

WORKSPACE = 32 << 20  # bytes; cuBLAS's recommendation for sm_90

# From library_types.h and cublas_api.h.
_KINDS = {"float32": 0, "float64": 1, "float16": 2}
_COMPUTE = {"float32": 68, "bfloat16": 75, "tf32": 77}  # CUBLAS_COMPUTE_32F, …_FAST_16BF, …_FAST_TF32
_COMPUTE_64F = 70
_NONE, _TRANSPOSE = 0, 1
_DEFAULT_ALGORITHM = -1
_ALLOC_FAILED = 3
_STATUS = {
    1: "not initialised", 3: "allocation failed", 7: "invalid value", 8: "architecture mismatch", 11: "mapping error",
    13: "execution failed", 14: "internal error", 15: "not supported", 16: "licence error",
}  # fmt: skip


class Cublas:
    """One handle on one stream. major: the version of CUDA that the library must be for."""

    def __init__(self, stream: int, allocate: Callable[[int], Any], major: int | None = None) -> None:
        try:
            self._library = load("cublas", major)
        except MissingLibrary as error:
            raise BackendError(f"the cupy backend needs cuBLAS, which cannot be loaded ({error}): {advice()}") from None
        self._handle = ctypes.c_void_p()
        self._call("cublasCreate_v2", ctypes.byref(self._handle))
        self._call("cublasSetStream_v2", self._handle, ctypes.c_void_p(stream))
        self._workspace = allocate(WORKSPACE)  # after the stream, as setting the stream resets the workspace
        workspace = ctypes.c_void_p(self._workspace.pointer)
        self._call("cublasSetWorkspace_v2", self._handle, workspace, ctypes.c_size_t(WORKSPACE))

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if status == _ALLOC_FAILED:
            raise ResourceExhaustedError(f"out of device memory: {name} could not allocate any")
        if status:
            raise InternalError(f"{name} failed with status {status} ({_STATUS.get(status, 'unknown')})")

    def gemm(self, call: Gemm, a: int, b: int, c: int) -> None:
        """Row-major C = op(A)·op(B) is column-major Cᵀ = op(B)ᵀ·op(A)ᵀ."""
        double = call.dtype.size == 8
        number = ctypes.c_double if double else ctypes.c_float
        kind = _KINDS[call.dtype.name]
        compute = _COMPUTE_64F if double else _COMPUTE[call.precision if kind == 0 else "float32"]
        alpha, beta = number(1), number(call.beta)
        operations = [_TRANSPOSE if t else _NONE for t in (call.transpose_b, call.transpose_a)]
        stride_a, stride_b, stride_c = (ctypes.c_longlong(s) for s in call.strides)
        self._call(
            "cublasGemmStridedBatchedEx", self._handle, *operations, call.n, call.m, call.k, ctypes.byref(alpha),
            ctypes.c_void_p(b), kind, call.ldb, stride_b, ctypes.c_void_p(a), kind, call.lda, stride_a,
            ctypes.byref(beta), ctypes.c_void_p(c), kind, call.ldc, stride_c, call.batch,
            compute, _DEFAULT_ALGORITHM,
        )  # fmt: skip
