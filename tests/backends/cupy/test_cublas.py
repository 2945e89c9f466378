"""cuBLAS's binding, on a library with the functions' signatures as cublas_api.h has them, which computes on the CPU."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER, HostDevice

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy.cublas import WORKSPACE, Cublas
from minigraph.backends.cupy.kernel import Gemm
from minigraph.backends.cupy.libraries import MissingLibrary
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import BackendError, InternalError

LIBRARY = """
#include <cstddef>
static int last_compute = 0, streams = 0;
template <class T> static void product(bool ta, bool tb, int m, int n, int k, const void* alpha, const void* A, int lda,
                                       const void* B, int ldb, const void* beta, void* C, int ldc) {
    const T *a = (const T*)A, *b = (const T*)B, al = *(const T*)alpha, be = *(const T*)beta;
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            T sum = 0;
            for (int l = 0; l < k; ++l) sum += a[ta ? l + i * lda : i + l * lda] * b[tb ? j + l * ldb : l + j * ldb];
            T& c = ((T*)C)[i + j * ldc];
            c = be == 0 ? al * sum : al * sum + be * c;
        }
}
extern "C" {
int cublasCreate_v2(void** handle) { *handle = &streams; return 0; }
int cublasSetStream_v2(void* handle, void* stream) { streams = 1; return handle == &streams && stream ? 0 : 7; }
int cublasSetWorkspace_v2(void* handle, void* room, size_t bytes) { return streams == 1 && room && bytes ? 0 : 7; }
int compute_type() { return last_compute; }
int cublasGemmStridedBatchedEx(void* handle, int transa, int transb, int m, int n, int k, const void* alpha,
                               const void* A, int Atype, int lda, long long strideA, const void* B, int Btype, int ldb,
                               long long strideB, const void* beta, void* C, int Ctype, int ldc, long long strideC,
                               int batchCount, int computeType, int algo) {
    if (handle != &streams || Atype != Btype || Atype != Ctype || Atype > 1 || algo != -1) return 7;
    last_compute = computeType;
    const size_t size = Atype == 1 ? 8 : 4;
    for (int i = 0; i < batchCount; ++i) {
        const char *a = (const char*)A + i * strideA * size, *b = (const char*)B + i * strideB * size;
        char* c = (char*)C + i * strideC * size;
        if (Atype == 1) product<double>(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
        else product<float>(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    }
    return 0;
}
}
"""


def pathfinder(monkeypatch: pytest.MonkeyPatch, find: Any) -> None:
    module: Any = types.ModuleType("cuda")
    module.pathfinder = types.SimpleNamespace(load_nvidia_dynamic_lib=find)
    monkeypatch.setitem(sys.modules, "cuda", module)


@pytest.fixture
def blas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cublas:
    if COMPILER is None:
        pytest.skip("g++ is not installed")
    source, library = tmp_path / "blas.cpp", tmp_path / "libcublas.so"
    source.write_text(LIBRARY)
    subprocess.run([COMPILER, "-shared", "-fPIC", "-w", str(source), "-o", str(library)], check=True)
    pathfinder(monkeypatch, lambda name: types.SimpleNamespace(abs_path=str(library)))
    return Cublas(1, HostDevice().allocate)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_products_by_the_header_s_signature(blas: Cublas, dtype: Any, transpose_a: bool, transpose_b: bool) -> None:
    random, (batch, m, n, k) = np.random.RandomState(0), (3, 4, 5, 6)
    a = random.randn(batch, *((k, m) if transpose_a else (m, k))).astype(dtype)
    b = random.randn(*((n, k) if transpose_b else (k, n))).astype(dtype)  # one for all
    c = random.randn(batch, m, n).astype(dtype)
    want = np.matmul(a.swapaxes(1, 2) if transpose_a else a, b.T if transpose_b else b) + 0.5 * c
    args = (*ins(0, 1), *outs(0))
    strides = (m * k, 0, m * n)
    call = Gemm(
        m, n, k, as_dtype(dtype), args, a.shape[2], b.shape[1], n, transpose_a, transpose_b, 0.5, batch, strides
    )
    blas.gemm(call, a.ctypes.data, b.ctypes.data, c.ctypes.data)
    np.testing.assert_allclose(c, want, rtol=1e-5)


def test_compute_types_are_those_of_the_header(blas: Cublas) -> None:
    one = np.ones((1, 1), np.float32)
    call = Gemm(1, 1, 1, as_dtype(np.float32), (*ins(0, 1), *outs(0)), 1, 1, 1)
    for precision, number in (("float32", 68), ("bfloat16", 75), ("tf32", 77)):
        blas.gemm(call._replace(precision=precision), *[one.ctypes.data] * 3)
        assert blas._library.compute_type() == number
    assert blas._workspace.nbytes == WORKSPACE
    with pytest.raises(InternalError, match="cublasGemmStridedBatchedEx failed with status 7"):
        blas.gemm(call._replace(dtype=as_dtype(np.float16)), *[one.ctypes.data] * 3)


def test_without_cublas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, major: int | None) -> Any:
        raise MissingLibrary(f"no {name}")

    monkeypatch.setattr("minigraph.backends.cupy.cublas.load", missing)
    with pytest.raises(BackendError, match=r"needs cuBLAS.*no cublas.*minigraph\[cuda1\d\]"):
        Cublas(1, HostDevice().allocate)
