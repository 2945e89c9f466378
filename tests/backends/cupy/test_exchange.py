"""Arrays of CuPy and of other libraries as feeds and results, on the strict stand-in for CUDA."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from gpu.host import COMPILER
from gpu.strict.arrays import ForeignTensor
from gpu.strict.installed import install
from gpu.strict.machine import Machine

import minigraph as tf
from minigraph.core.errors import InternalError, ResourceExhaustedError

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

NUMBERS = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(params=[None, 0, 1, 2], ids=lambda seed: "late" if seed is None else f"seed{seed}")
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Work runs as late as it may, or at random moments."""
    made = Machine(devices=2, seed=request.param)
    made.cupy = install(monkeypatch, made)  # type: ignore[attr-defined]
    yield made
    assert made.violations == []


class OnlyInterface:
    """An array that has the CUDA array interface, and no DLPack."""

    def __init__(self, array: Any) -> None:
        self.__cuda_array_interface__ = array.__cuda_array_interface__
        self._array = array


MAKERS: dict[str, Callable[[Any, Any], Any]] = {
    "cupy": lambda cupy, values: cupy.asarray(values),
    "transposed": lambda cupy, values: cupy.asarray(np.asarray(values).T).T,
    "dlpack": ForeignTensor,
    "interface": lambda cupy, values: OnlyInterface(cupy.asarray(values)),
}


def copies(machine: Machine) -> tuple[int, int]:
    """The copies to the device and from it so far."""
    return machine.counts["upload"] + machine.counts["pageable"], machine.counts["download"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("kind", MAKERS)
def test_arrays_on_the_gpu_are_fed_without_the_host(machine: Machine, kind: str, dtype: Any) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x = tf.placeholder(tf.float32, [None, 4])
    y = 2.0 * x
    with tf.Session(backend="cupy") as session:
        session.run(y, {x: NUMBERS})
        value = MAKERS[kind](cupy, NUMBERS.astype(dtype))
        before = copies(machine)
        for _ in range(4):  # launches, the capture, the graph
            np.testing.assert_array_equal(session.run(y, {x: value}), 2 * NUMBERS)
        assert copies(machine) == (before[0], before[1] + 4)
        assert session.run(y, {x: MAKERS[kind](cupy, np.zeros((0, 4), dtype))}).shape == (0, 4)


@pytest.mark.parametrize("default", [True, False])
def test_the_work_of_the_caller_before_and_after_a_run_is_in_order(machine: Machine, default: bool) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x, total = tf.placeholder(tf.float32, [3]), tf.Variable(tf.zeros([3]))
    add = tf.assign_add(total, x)
    with tf.Session(backend="cupy") as session:
        session.run(total.initializer)
        stream = cupy.cuda.get_current_stream() if default else cupy.cuda.Stream(non_blocking=True)
        with stream:
            value = cupy.empty((3,), np.float32)
            for k in range(8):
                value.fill(k)
                session.run(add.op, {x: value})
                value.fill(-100)  # does not reach the run before
                if k % 2:
                    value = cupy.empty((3,), np.float32)  # frees the old one, whose memory is used again
                    value.fill(7)
        assert session.run(total).tolist() == [28.0] * 3


def test_a_tensor_of_another_library_lives_until_it_is_read(machine: Machine) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x, total = tf.placeholder(tf.float32, [3]), tf.Variable(tf.zeros([3]))
    add = tf.assign_add(total, x)
    with tf.Session(backend="cupy") as session:
        session.run(total.initializer)
        stream = cupy.cuda.Stream(non_blocking=True)
        for k in range(5):
            tensor = ForeignTensor(cupy, np.zeros(3, np.float32), stream)
            tensor.fill(k)
            session.run(add.op, {x: tensor})
            del tensor
            gc.collect()
        assert session.run(total).tolist() == [10.0] * 3


def test_results_stay_on_the_gpu(machine: Machine) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x = tf.placeholder(tf.float32, [None, 4])
    fetches = {"a": 2 * x, "b": [tf.reduce_sum(x), tf.cast(x, tf.int32)], "empty": x[:0], "none": tf.no_op()}
    with tf.Session(backend="cupy") as session:
        session.run(fetches, {x: NUMBERS})
        stream = cupy.cuda.Stream(non_blocking=True)
        with stream:
            value = cupy.asarray(NUMBERS)
            before = machine.counts["download"], machine.counts["synchronize"]
            kept = [session.run(fetches, {x: value}, as_device=True) for _ in range(4)]
            assert (machine.counts["download"], machine.counts["synchronize"]) == before
            for found in kept:
                assert all(type(a) is cupy.ndarray for a in (found["a"], *found["b"], found["empty"]))
                np.testing.assert_array_equal(found["a"].get(), 2 * NUMBERS)
                assert (found["b"][0].shape, float(found["b"][0].get())) == ((), 66.0)
                np.testing.assert_array_equal(found["b"][1].get(), NUMBERS.astype(np.int32))
                assert (found["empty"].shape, found["none"]) == ((0, 4), None)


def test_results_belong_to_the_caller_s_stream(machine: Machine) -> None:
    """Their memory is free again when the work of that stream on them is done."""
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x = tf.placeholder(tf.float32, [3, 4])
    y = x + 1.0
    with tf.Session(backend="cupy") as session, cupy.cuda.Stream(non_blocking=True):
        made = [cupy.ascontiguousarray(session.run(y, {x: NUMBERS + k}, as_device=True).T) for k in range(6)]
        for k, array in enumerate(made):
            np.testing.assert_array_equal(array.get(), (NUMBERS + k + 1).T)


def test_results_are_fed_to_other_sessions_and_streams(machine: Machine) -> None:
    """A result's memory is used again while the device still works on it."""
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x = tf.placeholder(tf.float32, [3])
    y = x + 1.0
    with tf.Session(backend="cupy") as session, tf.Session(backend="cupy") as other:
        value = cupy.asarray(np.zeros(3, np.float32))
        for k in range(10):
            value = (session, other)[k % 2].run(y, {x: value}, as_device=True)
        assert value.get().tolist() == [10.0] * 3


def test_several_results_are_waited_for_once(machine: Machine) -> None:
    x = tf.placeholder(tf.float32, [4])
    with tf.Session(backend="cupy") as session:
        for _ in range(3):
            before = machine.counts["synchronize"]
            assert len(session.run([x + float(n) for n in range(5)], {x: NUMBERS[0]})) == 5
            assert machine.counts["synchronize"] == before + 1


def test_variables_take_arrays_on_the_gpu(machine: Machine) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    v = tf.Variable(tf.zeros([3, 4]))
    with tf.Session(backend="cupy") as session:
        session.run(v.initializer)
        v.load(cupy.asarray(NUMBERS.astype(np.float64)))
        np.testing.assert_array_equal(session.run(v), NUMBERS)
        session.write_state({v.op.name: cupy.asarray(NUMBERS + 1)})
        np.testing.assert_array_equal(session.run(v), NUMBERS + 1)
        with pytest.raises(ValueError, match=r"float32\[2,2\].*|the value is"):
            v.load(cupy.asarray(np.zeros((2, 2))))


def test_what_the_host_computes_and_checks_gets_the_numbers(machine: Machine) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x, flag = tf.placeholder(tf.float32, [3, 4]), tf.placeholder(tf.bool, [])
    called = tf.py_func(lambda a: a * 3, [x], tf.float32)
    chosen = tf.cond(flag, lambda: x, lambda: -x)
    text = tf.summary.scalar("sum", tf.reduce_sum(x))
    value, no = cupy.asarray(NUMBERS), cupy.asarray(np.array(False))
    with tf.Session(backend="cupy") as session:
        found = session.run([called, chosen], {x: value, flag: no}, as_device=True)
        np.testing.assert_array_equal(found[0].get(), 3 * NUMBERS)
        np.testing.assert_array_equal(found[1].get(), -NUMBERS)
        assert session.run(text, {x: value}, as_device=True) == session.run(text, {x: NUMBERS})
    for options in ({"check_numerics": True}, {"debug": True}):
        with tf.Session(backend="cupy", **options) as session:  # type: ignore[arg-type]
            np.testing.assert_array_equal(session.run(x * 2, {x: value}, as_device=True).get(), 2 * NUMBERS)


def test_arrays_that_cannot_be_taken(machine: Machine) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x = tf.placeholder(tf.float32, [3, 4], name="pictures")
    with cupy.cuda.Device(1):
        elsewhere = cupy.asarray(NUMBERS)
    value = cupy.asarray(NUMBERS)
    with tf.Session(backend="cupy:0") as session:
        with pytest.raises(TypeError, match=r"'pictures:0'.*is on GPU 1, and the session runs on GPU 0"):
            session.run(x, {x: elsewhere})
        with pytest.raises(ValueError, match=r"shape \(4, 3\) for Tensor 'pictures:0'"):
            session.run(x, {x: value.T})
        machine.limit = machine.used[0]
        with pytest.raises(ResourceExhaustedError, match="out of device memory"):
            session.run(tf.zeros([1 << 20]), as_device=True)
    with tf.Session(backend="numpy") as session, pytest.raises(TypeError, match=r"'pictures:0'.*use `.get\(\)`"):
        session.run(x, {x: value})
    with tf.Session(backend="numpy") as session, pytest.raises(TypeError, match=r"in a GPU's memory"):
        session.run(x, {x: OnlyInterface(value)})


def test_a_session_on_another_gpu_than_the_current_one(machine: Machine) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x = tf.placeholder(tf.float32, [3, 4])
    with cupy.cuda.Device(1):
        value = cupy.asarray(NUMBERS)
    with tf.Session(backend="cupy:1") as session:
        found = session.run(x + 1.0, {x: value}, as_device=True)
    assert (found.device.id, machine.thread.device) == (1, 0)
    with cupy.cuda.Device(1):
        np.testing.assert_array_equal(found.get(), NUMBERS + 1)


def test_a_gpu_that_is_lost_says_so(machine: Machine) -> None:
    cupy: Any = machine.cupy  # type: ignore[attr-defined]
    x = tf.placeholder(tf.float32, [3, 4])
    y = tf.nn.softmax(x)
    value = cupy.asarray(NUMBERS)
    with tf.Session(backend="cupy") as session:
        machine.fail = "softmax"
        with pytest.raises(InternalError, match="the GPU failed"):
            session.run(y, {x: NUMBERS})
        with pytest.raises(InternalError, match="occurred before"):
            session.run(y, {x: value}, as_device=True)
