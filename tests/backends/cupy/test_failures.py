"""What the CuPy backend says when something fails, and that the session and its variables then are as before."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER, HostDevice
from gpu.networks import batch, network

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backend.workspace import BufferRef
from minigraph.backends.cupy import compiler, nvrtc
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.compiler import explained, machine_code
from minigraph.backends.cupy.device import CudaDevice, Function
from minigraph.backends.cupy.emit import EMITTERS
from minigraph.backends.cupy.kernel import Code, CudaKernel, Launch, per_element
from minigraph.core.errors import BackendError, InternalError, ResourceExhaustedError
from minigraph.ops.nn.softmax import Softmax
from minigraph.util.object_cache import objects

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")
needs_nvrtc = pytest.mark.skipif(nvrtc.find() is None, reason="NVRTC is not installed")


class Compiling(HostDevice):
    """Goes through NVRTC before the kernels are made for the CPU."""

    def compile(self, source: str, kernels: Sequence[CudaKernel]) -> Mapping[str, Function]:
        assert machine_code(source, kernels, "sm_80")[:4] == b"\x7fELF"
        return super().compile(source, kernels)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    return tmp_path


@needs_compiler
@needs_nvrtc
@pytest.mark.usefixtures("folder")
def test_a_kernel_that_does_not_compile_is_told_by_its_line_node_and_the_user_s_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(Compiling()))

    def broken(op: Any, in_types: Any, out_types: Any) -> Code:
        made = per_element("softmax", in_types[0].static, ["const float* x0", "float* y0"], ["y0[i] = nonsense;"])
        return Code((Launch(made, (BufferRef("in"), BufferRef("out"))),))

    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        count = tf.Variable(tf.zeros([]))
        x = tf.placeholder(tf.float32, [3, 4])
        y = tf.nn.softmax(x, name="probabilities")
        session.run(tf.global_variables_initializer())
        with tf.control_dependencies([count.assign_add(1.0)]):
            step = tf.identity(y)
        monkeypatch.setitem(EMITTERS, Softmax, broken)
        for _ in range(2):  # the second time, too
            with pytest.raises(InternalError) as caught:
                session.run(step, {x: np.ones((3, 4))})
            text = str(caught.value)
            assert '"nonsense" is undefined' in text
            assert "y0[i] = nonsense;" in text
            assert "Softmax node 'probabilities', made at" in text
            assert f"{Path(__file__).name}" in text
        assert session.run(count) == 0
        monkeypatch.delitem(EMITTERS, Softmax)
        np.testing.assert_allclose(session.run(y * 1.0, {x: np.ones((3, 4))}), 0.25)


def test_a_mistake_outside_of_all_kernels_is_told_by_the_module_s_line() -> None:
    error = explained("plan.cu(2): error: expected a ;", "int a\nint b;\n", [])
    assert error.kernel is None
    assert "expected a ;, in line 2 of the module: int b;" in str(error)
    assert "no such option" in str(explained("nvrtc: error: no such option", "", []))


@needs_nvrtc
def test_compiled_modules_are_kept_by_source_and_architecture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = nvrtc.compile

    def counted(library: Any, source: str, architecture: str, options: Any) -> bytes:
        calls.append(architecture)
        return real(library, source, architecture, options)

    monkeypatch.setattr(compiler.nvrtc, "compile", counted)
    source = 'extern "C" __global__ void f(float* y) { y[0] = 1.0f; }'
    first = machine_code(source, [], "sm_80")
    assert machine_code(source, [], "sm_80") == first
    assert machine_code(source, [], "sm_90") != first
    machine_code(source + " ", [], "sm_80")
    assert calls == ["sm_80", "sm_90", "sm_80"]
    assert len(list(objects("cuda").entries())) == 3
    for entry in objects("cuda").entries():
        assert entry.path.is_relative_to(folder)
        entry.path.write_bytes(b"damaged")
    assert machine_code(source, [], "sm_80") == first


def test_without_nvrtc_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_library", lambda major: None)
    with pytest.raises(BackendError, match=r"NVRTC.*minigraph\[cuda1\d\]"):
        machine_code("", [], "sm_80")


@needs_compiler
@pytest.mark.parametrize("switch", ["0", "1"])
@pytest.mark.parametrize("moment", ["max_pool_grad", "randomuniform_x0"])
def test_an_interrupted_step_leaves_the_variables_of_the_last_one(
    monkeypatch: pytest.MonkeyPatch, switch: str, moment: str
) -> None:
    """A random state, x0 of its kernel, changes in the midst. Afterwards training goes on as if nothing had been."""
    device = HostDevice()
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    monkeypatch.setenv("MINIGRAPH_CUDA_GRAPHS", switch)
    images, labels = batch()
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x, y, loss, train = network()
        session.run(tf.global_variables_initializer())
        start = session.read_state()
        losses = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(3)]
        session.write_state(start)
        again = []
        for step in range(3):
            before = session.read_state()
            device.interrupt = moment
            with pytest.raises(KeyboardInterrupt):
                session.run([loss, train], {x: images, y: labels})
            device.interrupt = None
            if switch == "0":  # the stand-in's graph is not one launch, a device's is
                assert all((session.read_state()[n] == v).all() for n, v in before.items()), step
            else:
                session.write_state(before)
            again.append(session.run([loss, train], {x: images, y: labels})[0])
    assert again == losses


@needs_compiler
def test_a_first_step_without_room_for_copies_keeps_them_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    device = HostDevice()
    backend = CupyBackend(device)
    monkeypatch.setitem(backends._loaded, "cupy", backend)
    with tf.Graph().as_default(), tf.Session(backend="cupy", disable_passes=["fuse_update"]) as session:
        count = tf.Variable(tf.zeros([3]))
        session.run(tf.global_variables_initializer())
        double = count.assign(tf.exp(count) * 2.0)
        plan: Any = session.plan_for(double)[0]
        session.buffers.arena(plan.peak)

        def full(nbytes: int) -> Any:
            raise ResourceExhaustedError("out of device memory")

        monkeypatch.setattr(backend, "allocate", full)
        device.interrupt = "assign"
        with pytest.raises(KeyboardInterrupt):
            session.run(double)
        assert (session.run(count) == 0).all()


@needs_compiler
def test_a_fetch_that_the_host_has_no_room_for_is_told_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(HostDevice()))
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x = tf.placeholder(tf.float32, [None])
        y = tf.exp(x)
        large = tf.tile(y, [250])
        real = np.empty

        def limited(shape: Any, *args: Any, **options: Any) -> Any:
            if shape == (1000,):
                raise MemoryError
            return real(shape, *args, **options)

        monkeypatch.setattr("minigraph.backends.cupy.backend.np.empty", limited)
        with pytest.raises(ResourceExhaustedError, match="4,000 bytes"):
            session.run(large, {x: np.zeros(4)})
        assert (session.run(y, {x: np.zeros(4)}) == 1).all()


def test_an_old_driver_is_told_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")

    runtime = types.SimpleNamespace(
        CUDARuntimeError=RuntimeError,
        getDeviceCount=count,
        driverGetVersion=lambda: 12040,
        runtimeGetVersion=lambda: 13020,
    )
    driver = types.SimpleNamespace(CUDADriverError=RuntimeError)
    module = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime, driver=driver))
    monkeypatch.setitem(sys.modules, "cupy", module)  # type: ignore[arg-type]
    with pytest.raises(BackendError, match=r"too old: it is for CUDA 12\.4, and CuPy is for CUDA 13\.2"):
        CudaDevice()
    runtime.driverGetVersion = lambda: 0  # there is none at all
    with pytest.raises(BackendError, match="needs an NVIDIA GPU and its driver"):
        CudaDevice()


class Failing(HostDevice):
    """Fails at the `at`-th of its allocations, or in a kind of work, from now on."""

    at = 0
    work = ""
    error: Exception = RuntimeError("cudaErrorLaunchFailure")

    def allocate(self, nbytes: int) -> Any:
        self.at -= 1
        if self.at == 0:
            raise ResourceExhaustedError(f"out of device memory: {nbytes:,} bytes wanted")
        return super().allocate(nbytes)

    def do(self, name: str, action: Any) -> None:
        if self.work and name.startswith(self.work):
            raise self.error
        super().do(name, action)


@needs_compiler
def test_whichever_allocation_fails_the_session_goes_on_from_its_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Failing()
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x = tf.placeholder(tf.float32, [None, 3])
        w = tf.Variable(tf.ones([3, 2]))
        loss = tf.reduce_mean(tf.nn.softmax(tf.matmul(x, w) + tf.constant([[1.0, 2.0]]))[:, 0])
        train = tf.train.MomentumOptimizer(0.5, 0.9).minimize(loss)
        session.run(tf.global_variables_initializer())
        session.run(train, {x: np.eye(3)})
        failures = 0
        for at in range(1, 40):  # until so many are not made
            before = session.read_state()
            device.at = at
            try:
                session.run(train, {x: np.ones((500, 3))})
                break
            except ResourceExhaustedError:
                failures += 1
            after = session.read_state()
            assert all((after[n] == v).all() for n, v in before.items())
        assert failures > 3
        assert np.isfinite(session.run(w)).all()


@needs_compiler
@pytest.mark.parametrize("work", ["gemm", "max_pool_grad", "applyadam"])
def test_a_launch_that_fails_leaves_the_variables_of_the_last_step(monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    """The optimizer's launch is the last, when random states have changed."""
    device = Failing()
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    monkeypatch.setenv("MINIGRAPH_CUDA_GRAPHS", "0")
    images, labels = batch()
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x, y, loss, train = network()
        session.run(tf.global_variables_initializer())
        start = session.read_state()
        losses = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(2)]
        session.write_state(start)
        again = []
        for _ in range(2):
            before = session.read_state()
            device.work = work
            with pytest.raises(InternalError, match=r"cudaErrorLaunchFailure \(in .* node .*, made at"):
                session.run([loss, train], {x: images, y: labels})
            device.work = ""
            after = session.read_state()
            assert all((after[n] == v).all() for n, v in before.items())
            again.append(session.run([loss, train], {x: images, y: labels})[0])
    assert again == losses


@needs_compiler
def test_a_missing_library_is_told_and_what_does_not_need_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Failing()
    device.error, device.work = BackendError('the cupy backend needs cuBLAS: pip install "minigraph[cuda13]"'), "gemm"
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x = tf.placeholder(tf.float32, [2, 2])
        with pytest.raises(BackendError, match=r"cuBLAS.*minigraph\[cuda13\].*MatMul node"):
            session.run(tf.matmul(x, x), {x: np.eye(2)})
        np.testing.assert_allclose(session.run(tf.exp(x), {x: np.zeros((2, 2))}), 1)
