"""The stand-in for CUDA in `tests/gpu/strict` finds broken rules, and suites of tests run on it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER
from gpu.networks import batch, network
from gpu.strict.cupy_module import ELF, build_cupy
from gpu.strict.installed import install
from gpu.strict.machine import CUDARuntimeError, Machine, RuleBrokenError
from gpu.strict.nccl import Nccl
from support.paths import TESTS

import minigraph as tf
from minigraph.backends.cupy import nccl

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

ADD = 'extern "C" __global__ void add(const float* x, float* y) { y[threadIdx.x] += x[threadIdx.x]; }\n'


def ready(machine: Machine) -> tuple[Any, Any, Callable[[int, int], None]]:
    """The module, a stream that is current, and a function that adds four numbers."""
    cupy = build_cupy(machine)
    stream = cupy.cuda.Stream(non_blocking=True)
    stream.__enter__()
    module = cupy.cuda.function.Module()
    module.load(ELF + ADD.encode())
    add = module.get_function("add")
    return cupy, stream, lambda x, y: add((1,), (4,), (x, y))


def filled(cupy: Any, stream: Any, value: float) -> Any:
    memory, numbers = cupy.cuda.alloc(16), np.full(4, value, np.float32)
    cupy.cuda.runtime.memcpyAsync(memory.ptr, numbers.ctypes.data, 16, 1, stream.ptr)
    return memory


def test_work_is_done_when_something_waits_for_it() -> None:
    machine = Machine()
    cupy, stream, add = ready(machine)
    x, y, out = filled(cupy, stream, 1), filled(cupy, stream, 2), np.zeros(4, np.float32)
    add(x.ptr, y.ptr)
    cupy.cuda.runtime.memcpyAsync(out.ctypes.data, y.ptr, 16, 2, stream.ptr)
    assert out.tolist() == [0] * 4
    stream.synchronize()
    assert out.tolist() == [3] * 4
    assert machine.violations == []


def test_pinned_memory_is_read_late_and_must_live_so_long() -> None:
    machine = Machine()
    cupy, stream, _ = ready(machine)
    y, pinned, out = filled(cupy, stream, 2), cupy.cuda.alloc_pinned_memory(16), np.zeros(4, np.float32)
    cupy.cuda.runtime.memcpyAsync(y.ptr, pinned.ptr, 16, 1, stream.ptr)
    ctypes.memmove(pinned.ptr, np.full(4, 5, np.float32).ctypes.data, 16)
    cupy.cuda.runtime.memcpyAsync(out.ctypes.data, y.ptr, 16, 2, stream.ptr)
    stream.synchronize()
    assert out.tolist() == [5] * 4
    cupy.cuda.runtime.memcpyAsync(y.ptr, pinned.ptr, 16, 1, stream.ptr)
    del pinned
    with pytest.raises(RuleBrokenError, match="memory that was freed"):
        stream.synchronize()


def test_memory_has_any_content_and_addresses_are_the_device_s() -> None:
    machine = Machine()
    cupy, stream, add = ready(machine)
    memory, out = cupy.cuda.alloc(16), np.zeros(4, np.float32)
    cupy.cuda.runtime.memcpyAsync(out.ctypes.data, memory.ptr, 16, 2, stream.ptr)
    stream.synchronize()
    assert np.isnan(out).all()
    with pytest.raises(RuleBrokenError, match="one of the host"):
        add(out.ctypes.data, memory.ptr)
    address = memory.ptr
    del memory
    with pytest.raises(RuleBrokenError, match="in no live memory"):
        add(address, address)


def test_a_graph_must_not_outlive_its_memory() -> None:
    machine = Machine()
    cupy, stream, add = ready(machine)
    x, y = filled(cupy, stream, 1), filled(cupy, stream, 2)
    stream.begin_capture()
    add(x.ptr, y.ptr)
    graph = stream.end_capture()
    graph.launch(stream)
    address = y.ptr
    del y
    again = filled(cupy, stream, 3)
    assert again.ptr == address
    with pytest.raises(RuleBrokenError, match="a graph's kernel add uses memory that was freed"):
        graph.launch(stream)


@pytest.mark.parametrize("what", ["synchronize", "query", "upload"])
def test_a_capture_ends_with_what_waits(what: str) -> None:
    cupy, stream, _ = ready(Machine())
    x, pageable = cupy.cuda.alloc(16), np.zeros(4, np.float32)
    waits = {
        "synchronize": stream.synchronize,
        "query": lambda: stream.done,
        "upload": lambda: cupy.cuda.runtime.memcpyAsync(x.ptr, pageable.ctypes.data, 16, 1, stream.ptr),
    }
    stream.begin_capture()
    with pytest.raises(CUDARuntimeError, match="StreamCaptureUnsupported"):
        waits[what]()
    with pytest.raises(CUDARuntimeError, match="StreamCaptureInvalidated"):
        stream.end_capture()


def test_a_capture_must_not_allocate_nor_take_in_other_threads_work() -> None:
    machine = Machine()
    cupy, stream, add = ready(machine)
    x, y = filled(cupy, stream, 1), filled(cupy, stream, 2)
    stream.begin_capture()
    with pytest.raises(RuleBrokenError, match="are allocated during a capture"):
        cupy.cuda.alloc(16)

    def other() -> None:
        with stream, pytest.raises(RuleBrokenError, match="of another thread is captured"):
            add(x.ptr, y.ptr)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(machine.violations) == 2


def test_streams_wait_for_events_only() -> None:
    machine = Machine()
    cupy, stream, add = ready(machine)
    other = cupy.cuda.Stream()
    x, y = filled(cupy, stream, 1), filled(cupy, stream, 2)
    add(x.ptr, y.ptr)
    late, early = np.zeros(4, np.float32), np.zeros(4, np.float32)
    cupy.cuda.runtime.memcpyAsync(early.ctypes.data, y.ptr, 16, 2, other.ptr)
    other.synchronize()
    other.wait_event(stream.record())
    cupy.cuda.runtime.memcpyAsync(late.ctypes.data, y.ptr, 16, 2, other.ptr)
    other.synchronize()
    assert np.isnan(early).all()
    assert late.tolist() == [3] * 4
    add(x.ptr, y.ptr)
    cupy.cuda.runtime.memcpyAsync(late.ctypes.data, y.ptr, 16, 2, other.ptr)
    del y
    with pytest.raises(RuleBrokenError, match="another stream has work on it"):
        cupy.cuda.alloc(16)


def test_ranks_that_call_differently_break_a_rule() -> None:
    machine = Machine(devices=2)
    cupy, stream, _ = ready(machine)
    library = Nccl(machine, lambda value: [value, (value[0], 1, *value[2:-1], 1)])
    made = nccl.Nccl(library, cupy, stream, 0, 2, lambda value: value)
    memory = filled(cupy, stream, 1)
    library.gather = lambda value: [value, (("all-reduce", 4, 7, 2), value[1])]
    made.begin(nccl.NcclCall("sum", 4, "float32"), memory.ptr)
    made.end(memory.ptr)
    with pytest.raises(RuleBrokenError, match="collectives differ"):
        stream.synchronize()


def test_a_stream_that_a_capture_forks_to_must_be_waited_for() -> None:
    machine = Machine()
    cupy, stream, add = ready(machine)
    x, y = filled(cupy, stream, 1), filled(cupy, stream, 2)
    other = cupy.cuda.Stream(non_blocking=True)
    for joins in (True, False):
        stream.begin_capture()
        other.wait_event(stream.record())
        with other:
            add(x.ptr, y.ptr)
        if joins:
            stream.wait_event(other.record())
            stream.end_capture().launch(stream)
        else:
            with pytest.raises(CUDARuntimeError, match="unjoined"):
                stream.end_capture()


def test_the_current_device_belongs_to_a_thread() -> None:
    cupy = build_cupy(Machine(devices=2))
    cupy.cuda.Device(1).use()
    stream, found = cupy.cuda.Stream(), []

    def other() -> None:
        with (
            pytest.raises(RuntimeError, match=r"created on \(1\) does not match with the current device \(0\)"),
            stream,
        ):
            pass
        found.append(cupy.cuda.runtime.getDevice())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [0]


def test_training_equals_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    install(monkeypatch, machine)
    losses = {}
    images, labels = batch()
    for name in ("numpy", "cupy"):
        with tf.Graph().as_default(), tf.Session(backend=name) as session:
            x, y, loss, train = network()
            session.run(tf.global_variables_initializer())
            losses[name] = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(10)]
    np.testing.assert_allclose(losses["cupy"], losses["numpy"], rtol=1e-5)
    assert (machine.counts["captured"], machine.counts["graph"]) == (1, 9)
    assert machine.violations == []


FEW = ["run/test_session.py", "run/test_variables.py", "tf1/test_recorded_programs.py", "models/test_models.py"]
CHOSEN = "keep_their or closed or (a_step_at_reduced_size and lenet5-modern) or (first_losses and mlp)"
WHOLE = [
    "run/test_session.py", "run/test_variables.py", "run/test_feeds.py", "run/test_stages.py", "run/test_threads.py",
    "tf1/test_recorded_programs.py", "models/test_models.py", "train", "layers", "keras",
]  # fmt: skip


@pytest.mark.parametrize(
    ("suites", "chosen"), [(FEW, CHOSEN), *(pytest.param([name], "", marks=pytest.mark.slow) for name in WHOLE)]
)
def test_suites_pass(suites: list[str], chosen: str) -> None:
    """In a process of its own, with the plugin that makes `cupy` the default backend."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "gpu.strict.plugin", "--no-header", "-q"]
    command += ["-k", chosen] if chosen else []
    paths = [str(TESTS / suite) for suite in suites]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, cwd=TESTS.parent)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
