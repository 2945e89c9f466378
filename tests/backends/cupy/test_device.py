"""GPUs shared by threads and sessions, and chosen by number, on the strict stand-in for CUDA.

Tests `backends/cupy/turn.py`, `backends/cupy/failures.py`, `backends/cupy/capture.py` and `run/gpu_options.py`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER
from gpu.strict.installed import two_gpus
from gpu.strict.machine import CUDARuntimeError, Machine

import minigraph as tf
from minigraph import tf1
from minigraph.backend.discovery import get_backend
from minigraph.backends.cupy.device import CudaDevice
from minigraph.core.errors import BackendError, InternalError, ResourceExhaustedError
from minigraph.tf1 import testing

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with two_gpus(monkeypatch) as made:
        yield made


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(count: int, work: Any) -> list[Any]:
    """What `work(n)` returns in `count` threads at once; exceptions as values."""
    found: list[Any] = [None] * count

    def run(n: int) -> None:
        try:
            found[n] = work(n)
        except BaseException as error:
            found[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.usefixtures("restless")
def test_threads_with_sessions_of_their_own_do_not_disturb_each_other(machine: Machine) -> None:
    """Batch sizes change, so plans are bound, captured and launched all the time."""

    def work(n: int) -> tuple[int, list[str]]:
        right = 0
        with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
            x, w = tf.placeholder(tf.float32, [None, 4]), tf.Variable(tf.ones([4, 3]))
            y = tf.exp(tf.matmul(x, w) * 0.0) * float(n + 1)
            session.run(tf.global_variables_initializer())
            for k in range(60):
                size = 1 + (k * 7 + n) % 9
                right += bool((session.run(y, {x: np.ones((size, 4))}) == np.full((size, 3), n + 1)).all())
            return right, [p.missed for p in session._runner.cache.plans if p.missed]  # type: ignore[attr-defined]

    assert in_threads(4, work) == [(60, [])] * 4
    assert machine.counts["captured"] > 20


@pytest.mark.usefixtures("restless")
def test_threads_get_one_backend(machine: Machine) -> None:
    found = in_threads(6, lambda n: get_backend(("cupy", "cupy:0", "auto")[n % 3]))
    assert len({id(backend) for backend in found}) == 1
    assert get_backend("cupy", "tf32").device is found[0].device  # type: ignore[attr-defined]


def test_a_gpu_is_chosen_by_its_number_and_used_from_any_thread(machine: Machine) -> None:
    x, w = tf.placeholder(tf.float32, [2, 4]), tf.Variable(tf.ones([4, 300]))
    y, used = tf.matmul(x, w), {}
    for name in ("cupy:1", "cupy"):
        before = list(machine.used)
        with tf.Session(backend=name) as session:
            session.run(tf.global_variables_initializer())
            run = session.make_callable(y, [x])
            for _ in range(3):
                (value,) = in_threads(1, lambda n, run=run: run(np.ones((2, 4))))
                np.testing.assert_array_equal(value, np.full((2, 300), 4))
            used[name] = [now - then for now, then in zip(machine.used, before, strict=True)]
            assert machine.thread.device == 0
            assert session.backend.label == {"cupy": "cupy:0"}.get(name, name)
    assert used["cupy:1"][0] == used["cupy"][1] == 0
    assert min(used["cupy:1"][1], used["cupy"][0]) > 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cupy:2", "there is no GPU cupy:2; the CUDA runtime finds only 2, numbered from 0"),
        ("cupy:x", "a device is chosen by its number, as in 'cupy:1'"),
        ("numpy:1", "the devices of the backend numpy have no numbers; it is chosen as 'numpy'"),
        ("gpu:1", "unknown backend 'gpu:1'"),
    ],
)
def test_devices_that_do_not_exist(machine: Machine, name: str, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        tf.Session(backend=name)


def test_a_thread_s_current_gpu_is_the_default(machine: Machine) -> None:
    sys.modules["cupy"].cuda.Device(1).use()  # type: ignore[attr-defined]
    assert get_backend("cupy").label == "cupy:1"
    assert get_backend("cupy:1") is get_backend("cupy")


def test_options_of_tensorflow_choose_the_gpu_and_limit_its_memory(machine: Machine) -> None:
    for options, backend, label in (
        ({"visible_device_list": "1,0"}, None, "numpy"),
        ({"visible_device_list": "1,0"}, "auto", "cupy:1"),
        ({"visible_device_list": "1"}, "cupy", "cupy:1"),
        ({"visible_device_list": "1"}, "numpy", "numpy"),
        ({"visible_device_list": ""}, "cupy", "cupy:0"),
    ):
        config = tf1.ConfigProto(gpu_options=tf1.GPUOptions(**options))
        assert tf.Session(config=config, backend=backend).backend.label == label
    config = tf1.ConfigProto()
    config.gpu_options.per_process_gpu_memory_fraction = 0.001
    with tf.Session(config=config, backend="cupy") as session:
        big = tf.exp(tf.random_uniform([1 << 20, 4]))
        with pytest.raises(ResourceExhaustedError):
            session.run(big)
    config.gpu_options.per_process_gpu_memory_fraction = 2.0
    with pytest.raises(ValueError, match="between 0 and 1, not 2"):
        tf.Session(config=config, backend="cupy")


def test_programs_that_ask_for_a_gpu_find_it(machine: Machine) -> None:
    assert testing.is_gpu_available()
    assert testing.is_gpu_available(min_cuda_compute_capability=(9, 0))
    assert not testing.is_gpu_available(min_cuda_compute_capability=(10, 0))
    assert testing.gpu_device_name() == "/device:GPU:0"
    found = testing.DEVICES.list_local_devices()
    assert [d.name for d in found] == ["/device:CPU:0", "/device:GPU:0", "/device:GPU:1"]
    assert found[1].memory_limit == machine.memory


def test_profiles_tell_the_device_s_time_and_memory(machine: Machine) -> None:
    """On the stand-in a kernel or a product takes 1 ms, and anything else 1 µs."""
    with tf.Session(backend="cupy") as session:
        x = tf.placeholder(tf.float32, [64, 64])
        y = tf.exp(tf.matmul(x, x))
        profile = session.profile(y, {x: np.ones((64, 64))})
        assert profile.launch_seconds == pytest.approx(2e-3, abs=1e-5)  # the product and the exponential
        assert profile.seconds == pytest.approx(2e-3, abs=5e-5)
        assert profile.feed_seconds < 1e-4
        assert profile.measured_peak is not None
        assert profile.planned_peak <= profile.measured_peak < profile.planned_peak + (40 << 20)  # cuBLAS has 32 MiB


def failing(machine: Machine) -> str:
    """The error of the third run of a plan, in which the kernel of `softmax` fails."""
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        x, w = tf.placeholder(tf.float32, [2, 4], name="x"), tf.Variable(tf.ones([4, 3]))
        y = tf.exp(tf.nn.softmax(tf.matmul(x, w), name="chances"), name="last")
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            session.run(y, {x: np.ones((2, 4))})
        machine.fail = "softmax"
        with pytest.raises(InternalError) as caught:
            session.run(y, {x: np.ones((2, 4))})
        with pytest.raises(InternalError, match="this error has occurred before: the GPU failed"):
            session.run(w)
    with pytest.raises(InternalError, match="occurred before"), tf.Session(backend="cupy") as session:
        session.run(tf.ones([3]) * 2.0)
    return str(caught.value)


def test_a_kernel_that_fails_late_is_told_with_what_to_do(machine: Machine) -> None:
    text = failing(machine)
    assert "the GPU failed: cudaErrorIllegalAddress" in text
    assert "start a new process" in text
    assert "MINIGRAPH_CUDA_SYNC=1" in text
    assert "launches, from 'MatMul' to 'last'" in text


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (700, InternalError, "the GPU failed: cudaErrorIllegalAddress"),
        (2, ResourceExhaustedError, "out of device memory: cudaErrorMemoryAllocation"),
        (400, BackendError, "the driver refuses the code for sm_90 .cudaErrorInvalidResourceHandle"),
    ],
)
@pytest.mark.parametrize("moment", ["load", "start"])
def test_errors_that_come_with_a_module_or_a_device_tell_their_cause(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[Exception], message: str, moment: str
) -> None:
    """An earlier kernel's failure and a lack of memory are told as such; the rest are faults of the code or device."""
    backend: Any = get_backend("cupy")
    cuda = sys.modules["cupy"].cuda  # type: ignore[attr-defined]

    def fail(*args: Any, **options: Any) -> None:
        raise CUDARuntimeError(status)

    if moment == "start":
        monkeypatch.setattr(cuda, "Stream", fail)
        with pytest.raises(kind, match=message.replace("driver refuses the code for sm_90", "GPU cannot be used")):
            CudaDevice()
        return
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        with monkeypatch.context() as patch:
            patch.setattr(cuda.function.Module, "load", fail)
            with pytest.raises(kind, match=message):
                session.run(tf.exp(tf.random_uniform([3])))
        if status == 700:
            assert backend.device.lost is not None
            with pytest.raises(InternalError, match="occurred before"):
                session.run(tf.ones([3]) * 2.0)
        else:
            assert backend.device.lost is None
            assert (session.run(tf.ones([3]) * 2.0) == 2).all()


def test_the_description_lists_all_gpus_by_number(machine: Machine) -> None:
    backend: Any = get_backend("cupy:1")
    first, second = backend.device.describe().split(", driver")[0].split("), ")
    assert (first.split(":")[:2], second.split(":")[:2]) == (["cupy", "0"], ["cupy", "1"])
    assert "(sm_90, " in first


def test_waiting_for_each_launch_names_the_op_that_fails(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_CUDA_SYNC", "1")
    assert "in Softmax node 'chances', made at" in failing(machine)
    assert machine.counts["captured"] == 0


def test_errors_that_do_no_harm_are_told_and_the_session_goes_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a copy that the driver refuses."""
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        y = tf.ones([3]) * 2.0
        session.run(y)
        runtime = sys.modules["cupy"].cuda.runtime  # type: ignore[attr-defined]
        with monkeypatch.context() as patch:

            def refuse(*args: Any) -> None:
                raise CUDARuntimeError(400)

            patch.setattr(runtime, "memcpyAsync", refuse)
            with pytest.raises(InternalError, match="CUDA: cudaErrorInvalidResourceHandle"):
                session.run(y)
        assert (session.run(y) == 2).all()


def test_copies_of_variables_are_freed_after_each_run(machine: Machine) -> None:
    """What remains after the initializer has run is the variable and the arena."""
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        w = tf.Variable(tf.random_uniform([1 << 18]))
        for _ in range(3):
            session.run(w.initializer)
            plan, _ = session.plan_for(w.initializer)
            pool = sys.modules["cupy"].get_default_memory_pool()  # type: ignore[attr-defined]
            assert pool.used_bytes() < (1 << 20) + plan.peak + (1 << 14)
