"""Machines on which CUDA fails somewhere: `auto` takes another backend and `minigraph devices` shows a row.

Tests the start of `backends/cupy/device.py`, and `backends/cupy/compiler.py` for GPUs that the compiler does not know.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from click.testing import CliRunner

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backends.cupy import compiler, nvrtc
from minigraph.backends.cupy.device import CudaDevice
from minigraph.core.errors import BackendError
from minigraph.tools.cli import main


class CUDARuntimeError(RuntimeError):
    """As CuPy's: not known to minigraph."""


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*args: Any, **options: Any) -> Any:
        raise error

    return fail


class Gpu(nullcontext[None]):
    compute_capability = "90"


class Queue(nullcontext[None]):
    ptr = 1


def machine(**failures: Exception) -> Any:
    """A module cupy on a machine with one H100, some of whose calls fail."""
    runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=lambda: 1,
        getDevice=lambda: 0,
        runtimeGetVersion=lambda: 13020,
        driverGetVersion=lambda: 13000,
        getDeviceProperties=lambda device: {"name": b"H100", "major": 9, "minor": 0, "totalGlobalMem": 80 << 30},
    )
    cuda = types.SimpleNamespace(runtime=runtime, Stream=lambda **options: Queue(), Device=lambda number: Gpu())
    cuda.driver = types.SimpleNamespace(CUDADriverError=CUDARuntimeError)
    for name, error in failures.items():
        setattr(runtime if hasattr(runtime, name) else cuda, name, failing(error))
    return types.SimpleNamespace(cuda=cuda, __spec__=None)


class Damaged:
    """An installed CuPy whose import fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def find_spec(self, name: str, *rest: Any) -> None:
        if name == "cupy":
            raise self._error


BUSY = CUDARuntimeError("cudaErrorDevicesUnavailable: CUDA-capable device(s) is/are busy or unavailable")
FULL = CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")
FABRIC = CUDARuntimeError("cudaErrorSystemNotReady: system not yet initialized")
LOST = CUDARuntimeError("cudaErrorUnknown: unknown error")
ABI = ValueError("numpy.dtype size changed, may indicate binary incompatibility")
DISK = OSError("libnvrtc.so.13: cannot open shared object file")
MACHINES: dict[str, Any] = {
    "busy": machine(Stream=BUSY),
    "full": machine(Stream=FULL),
    "without fabric manager": machine(getDeviceCount=FABRIC),
    "lost later": machine(Device=LOST),
    "lost when described": machine(getDeviceProperties=LOST),
    "CuPy of another NumPy": ABI,
    "damaged libraries": DISK,
}


@pytest.fixture(params=MACHINES)
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    found = MACHINES[request.param]
    if isinstance(found, Exception):
        monkeypatch.delitem(sys.modules, "cupy", raising=False)
        monkeypatch.setattr(sys, "meta_path", [Damaged(found), *sys.meta_path])
    else:
        monkeypatch.setitem(sys.modules, "cupy", found)
    monkeypatch.setattr(nvrtc, "architectures", lambda library: [80, 90])
    monkeypatch.setattr(compiler, "_library", lambda major: object())
    monkeypatch.setattr(backends, "_loaded", {})
    monkeypatch.delenv("MINIGRAPH_BACKEND", raising=False)
    return str(request.param)


def test_auto_takes_another_backend(broken: str) -> None:
    if broken == "lost when described":
        assert backends.get_backend().name == "cupy"
        return
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.constant([1.0, 2.0]) + 1.0).tolist() == [2.0, 3.0]
        assert session.backend.name != "cupy"


def test_devices_shows_a_row_with_the_reason(broken: str) -> None:
    result = CliRunner().invoke(main, ["devices"], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    assert result.exception is None
    row = next(line for line in result.output.splitlines() if line.startswith("│ cupy"))
    assert "│ no " in row


@pytest.mark.usefixtures("broken")
def test_asked_for_by_name_the_reason_is_an_error_of_ours() -> None:
    with pytest.raises(BackendError) as caught:
        CudaDevice().describe()
    found = str(caught.value)
    assert any(str(error)[:20] in found for error in (BUSY, FULL, FABRIC, LOST, ABI, DISK)), found


@pytest.mark.parametrize(
    ("capability", "known", "target"),
    [(90, [75, 80, 90], "sm_90"), (75, [75, 80, 90], "sm_75"), (130, [75, 90, 120], "compute_120"),
     (89, [80, 90], "compute_80"), (121, [75, 90, 120], "compute_120")],
)  # fmt: skip
def test_a_newer_gpu_gets_code_of_the_newest_architecture_known(
    monkeypatch: pytest.MonkeyPatch, capability: int, known: list[int], target: str
) -> None:
    monkeypatch.setattr(compiler, "_library", lambda major: object())
    monkeypatch.setattr(nvrtc, "architectures", lambda library: known)
    assert compiler.architecture(capability, 13) == target


def test_a_gpu_that_the_compiler_has_dropped_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_library", lambda major: object())
    monkeypatch.setattr(nvrtc, "architectures", lambda library: [75, 80, 90])
    monkeypatch.setattr(nvrtc, "version", lambda library: (13, 5))
    with pytest.raises(BackendError, match=r"compute capability 7\.0, and NVRTC 13\.5 compiles for 7\.5 and newer"):
        compiler.architecture(70, 13)


@pytest.mark.skipif(nvrtc.find() is None, reason="NVRTC is not installed")
def test_the_real_compiler_makes_ptx_for_gpus_that_it_does_not_know() -> None:
    library = nvrtc.find()
    known = nvrtc.architectures(library)
    assert known == sorted(known)
    assert {80, 90} <= set(known)
    target = compiler.architecture(999)
    assert target == f"compute_{known[-1]}"
    source = 'extern "C" __global__ void f(float* y) { y[0] = 1.0f; }'
    text = nvrtc.compile(library, source, target, ()).decode()
    assert f".target sm_{known[-1]}" in text
    assert text.endswith("\0")
