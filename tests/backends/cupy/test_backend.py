"""The CuPy backend's run-time on stand-ins for a GPU: what is launched, compiled and copied, and what is told when
something is missing.

Tests `backends/cupy/capture.py`, `backends/cupy/steps.py` and `backends/cupy/data.py`.
"""

from __future__ import annotations

import builtins
import sys
import types
import warnings
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER, HostDevice
from gpu.networks import batch, network
from gpu.recorder import Recorder
from gpu.some_device import has_device, some_device

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.device import CudaDevice
from minigraph.core.errors import BackendError, InternalError, ResourceExhaustedError
from minigraph.core.types import TensorType
from minigraph.ir.regions import Blocked

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")
needs_device = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    device = Recorder()
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    return device


def test_a_plan_is_one_module_and_its_pointers_stay(recorder: Recorder) -> None:
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x, y, _, train = network()
        session.run(tf.global_variables_initializer())
        before, images = len(recorder.modules), batch()
        recorder.launches.clear()
        session.run(train, {x: images[0], y: images[1]})
        assert len(recorder.modules) == before + 1
        first = [each for each in recorder.launches if each[0] != "copy"]  # of the variables, before single launches
        recorder.launches.clear()
        made = len(recorder.buffers)
        session.run(train, {x: images[0], y: images[1]})
        assert [name for name, _ in recorder.launches] == ["graph"]
        assert recorder.launches[0][1] == tuple(hash(each) for each in first)
        assert (len(recorder.buffers), len(recorder.modules)) == (made, before + 1)
        bounds = [(b.pointer, b.pointer + b.nbytes) for b in recorder.buffers]
        pointers = {p for _, args in first for p in args if p}
        assert all(any(low <= p < max(high, low + 1) for low, high in bounds) for p in pointers)
        families = {name.rsplit("_", 1)[0] for name, _ in first}
        assert {"im2col", "gemm", "max_pool", "max_pool_grad", "cross_entropy"} <= families
        assert {"randomuniform_x0", "randomuniform_y0", "applyadam"} <= families  # counter and numbers


@needs_device
def test_training_equals_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dropout masks and initial values are the same, so the losses are too."""
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))
    losses = {}
    images, labels = batch()
    for name in ("numpy", "cupy"):
        with tf.Graph().as_default(), tf.Session(backend=name) as session:
            x, y, loss, train = network()
            session.run(tf.global_variables_initializer())
            losses[name] = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(10)]
    np.testing.assert_allclose(losses["cupy"], losses["numpy"], rtol=1e-5)


@needs_device
@pytest.mark.parametrize("shape", [(1000,), (7,)])
def test_initial_values_and_masks_are_numpy_s_bit_for_bit(monkeypatch: pytest.MonkeyPatch, shape: Any) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))
    found = {}
    for name in ("numpy", "cupy"):
        with tf.Graph().as_default(), tf.Session(backend=name) as session:
            draws = [tf.random_uniform(shape, -0.3, 0.7, seed=5), tf.random_normal(shape, stddev=0.1, seed=6)]
            draws += [tf.truncated_normal(shape, seed=7), tf.random_uniform(shape, 0, 100, tf.int32, seed=8)]
            draws.append(tf.nn.dropout(tf.ones(shape), 0.4, seed=9))
            found[name] = [session.run(draws) for _ in range(2)]
    for a, b in zip(found["numpy"], found["cupy"], strict=True):
        for numpy, cupy in zip(a, b, strict=True):
            np.testing.assert_array_equal(numpy, cupy)


@needs_device
@pytest.mark.parametrize("switch", ["0", "1"])
def test_twenty_captured_steps_equal_eager_ones(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    """With the switch off, each launch is made anew. Both end with NumPy's variables and random states."""
    device = some_device()
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    monkeypatch.setenv("MINIGRAPH_CUDA_GRAPHS", switch)
    images, labels = batch()
    states = {}
    for name in ("numpy", "cupy"):
        with tf.Graph().as_default(), tf.Session(backend=name) as session:
            x, y, _, train = network()
            session.run(tf.global_variables_initializer())
            for _ in range(20):
                session.run(train, {x: images, y: labels})
            plan: Any = session.plan_for(train, {x: images, y: labels})[0]
            states[name] = session.read_state()
    assert plan.missed == (None if switch == "1" else "MINIGRAPH_CUDA_GRAPHS is 0")
    assert states["numpy"].keys() == states["cupy"].keys()
    for name, want in states["numpy"].items():
        np.testing.assert_allclose(states["cupy"][name], want, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_capture_that_fails_leaves_eager_launches(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(work: Any) -> Any:
        raise RuntimeError("capture is not supported")

    monkeypatch.setattr(recorder, "capture", fail)
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        y = tf.exp(tf.placeholder(tf.float32, [4]))
        z, feed = tf.sqrt(y), {y.op.inputs[0]: np.ones(4)}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for fetch in (y, y, y, z, z, z):
                session.run(fetch, feed)
        plan: Any = session.plan_for(y, feed)[0]
    assert plan.missed == "the capture failed: capture is not supported"
    assert len(recorder.launches) == 6
    found = [str(w.message) for w in told if "single launches" in str(w.message)]
    assert len(found) == 1
    assert "since the capture failed: capture is not supported" in found[0]


@needs_device
def test_host_calls_split_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs and host calls take turns. A call that fails is named, and leaves the variables as they were."""
    device: Any = some_device()
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    captured: list[Any] = []
    capture = device.capture
    monkeypatch.setattr(device, "capture", lambda work: captured.append(capture(work)) or captured[-1])
    matrix = np.float32([[4, 1], [1, 3]])
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x, total = tf.placeholder(tf.float32, [2, 2]), tf.Variable(tf.zeros([2, 2]))
        count = tf.assign_add(total, x)
        root = tf.cholesky(x * 2.0, name="root")
        y = tf.sqrt(tf.square(tf.matrix_inverse(tf.exp(root))))
        session.run(tf.global_variables_initializer())
        for k in range(1, 6):
            got = session.run([y, count], {x: matrix * k})[0]
            wanted = np.abs(np.linalg.inv(np.exp(np.linalg.cholesky(matrix.astype(np.float64) * 2 * k))))
            np.testing.assert_allclose(got, wanted, rtol=1e-4)
        plan: Any = session.plan_for([y, count], {x: matrix})[0]
        assert plan.missed is None
        assert [s.instr.name for s in plan.steps if s.lowered.fallback] == ["root", "MatrixInverse"]
        assert len(captured) == 3  # the initialisers have run once only
        with pytest.raises(tf.errors.OpError, match="root"):
            session.run([y, count], {x: -matrix})
        np.testing.assert_array_equal(session.run(total), matrix * 15)


@needs_device
def test_runs_with_host_calls_are_not_joined(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        total = tf.Variable(np.float32(0))
        step = tf.assign_add(total, tf.Print(total * 0.0, [], "seen") + 1.0)
        session.run(tf.global_variables_initializer())
        session.run_steps(step, 40)
        assert session.run(total) == 40
    assert capfd.readouterr().err.count("seen") == 40


@needs_device
def test_a_larger_arena_makes_captured_plans_bind_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x = tf.placeholder(tf.float32, [None])
        y = tf.nn.softmax(x) * 2.0
        for size in (4, 4, 4, 5000, 5000, 4, 4, 4):
            np.testing.assert_allclose(session.run(y, {x: np.ones(size)}), np.full(size, 2 / size), rtol=1e-5)


def test_passes_a_backend_does_not_want_are_left_out(recorder: Recorder) -> None:
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x, y, loss, _ = network()
        plan, _ = session.plan_for(loss, dict(zip((x, y), batch(), strict=True)))
    assert "fuse_blocks" not in [stage.name for stage in plan.stages]
    assert "fuse_epilogue" in [stage.name for stage in plan.stages]
    assert not any(isinstance(i.op, Blocked) for i in plan.program.instrs)
    assert not any(step.lowered.fallback for step in plan.steps)


def test_out_of_device_memory_leaves_the_session_usable(recorder: Recorder) -> None:
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x = tf.placeholder(tf.float32, [None])
        y = tf.nn.softmax(x)
        recorder.limit = 1 << 16
        with pytest.raises(ResourceExhaustedError, match="bytes"):
            session.run(y, {x: np.ones(1 << 16)})
        session.run(y, {x: np.ones(4)})


def test_a_view_stays_in_its_buffer() -> None:
    backend = CupyBackend(Recorder())
    buffer = backend.allocate(64)
    assert backend.view(buffer, 60, TensorType(tf.float32, (1,))).pointer == buffer.pointer + 60
    with pytest.raises(InternalError, match="lies outside a buffer"):
        backend.view(buffer, 64, TensorType(tf.float32, (1,)))


def test_without_cupy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "cupy":
            raise ImportError("No module named 'cupy'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(BackendError, match=r"needs CuPy.*minigraph\[cuda1\d\]"):
        CudaDevice()


@pytest.mark.parametrize(("count", "message"), [(None, "driver"), (0, "no NVIDIA GPU")])
def test_without_a_gpu_the_error_says_so(monkeypatch: pytest.MonkeyPatch, count: int | None, message: str) -> None:
    def device_count() -> int:
        if count is None:
            raise RuntimeError("cudaErrorNoDevice")
        return count

    runtime = types.SimpleNamespace(getDeviceCount=device_count, CUDARuntimeError=ZeroDivisionError)
    driver = types.SimpleNamespace(CUDADriverError=ZeroDivisionError)
    module = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime, driver=driver))
    monkeypatch.setitem(sys.modules, "cupy", module)  # type: ignore[arg-type]
    with pytest.raises(BackendError, match=message):
        CudaDevice()


def resident_network() -> tuple[Any, Any]:
    """The loss and a training step on a data set in variables, of which a counter says the next batch."""
    random = np.random.RandomState(0)
    images = tf.Variable(random.rand(24, 5).astype(np.float32), trainable=False)
    labels = tf.Variable(random.randint(3, size=24), trainable=False)
    step = tf.train.get_or_create_global_step()
    place = tf.range(4) + tf.cast(step % 6, tf.int32) * 4
    logits = tf.matmul(tf.gather(images, place), tf.Variable(tf.random_normal([5, 3], seed=3)))
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.gather(labels, place), logits=logits)
    )
    return loss, tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)


@needs_compiler
@pytest.mark.parametrize("switch", ["0", "1"])
def test_many_steps_a_launch_equal_as_many_runs(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    device = HostDevice()
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(device))
    monkeypatch.setenv("MINIGRAPH_CUDA_GRAPHS", switch)
    launched: list[int] = []
    capture = device.capture

    def counted(work: Any) -> Any:
        graph = capture(work)
        number = len(launched)
        launched.append(0)

        def launch() -> None:
            launched[number] += 1
            graph()

        return launch

    monkeypatch.setattr(device, "capture", counted)
    found = {}
    for name in ("numpy", "cupy"):
        with tf.Graph().as_default(), tf.Session(backend=name) as session:
            loss, train = resident_network()
            session.run(tf.global_variables_initializer())
            launched.clear()
            losses = [session.run_steps([loss, train], steps)[0] for steps in (1, 50, 3)]
            found[name] = [*losses, *session.read_state().values()]
            assert session.stats.runs == 1 + 54
    for a, b in zip(found["cupy"], found["numpy"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert launched == ([] if switch == "0" else [53 - 3 * 16, 3])


def test_no_steps_are_refused() -> None:
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(ValueError, match="at least 1, not 0"):
        session.run_steps(tf.constant(1.0), 0)
