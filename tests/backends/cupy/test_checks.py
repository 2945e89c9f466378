"""Checks on a GPU: looked at after the run, with the errors that the other backends raise, and no trace of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gpu.some_device import has_device, some_device

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backends.cupy.backend import CupyBackend

pytestmark = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")

Program = Callable[[Any, Any], Any]
PROGRAMS: dict[str, tuple[Program, list[float], list[int]]] = {  # and operands that it refuses
    "infinities and NaN": (lambda x, i: tf.check_numerics(x, "x"), [np.inf, 1, np.nan], [1, 1]),
    "NaN": (lambda x, i: tf.check_numerics(x, "x"), [0, 1, np.nan], [1, 1]),
    "a condition": (lambda x, i: _after(tf.Assert(x > 0, ["x is", x, "and i", i], summarize=2), x), [1, -1, 1], [1, 1]),
    "all of the data": (lambda x, i: _after(tf.Assert(x > 0, [x, i], summarize=-1), x), [1, -1, 1], [1, 1]),
    "a divisor": (lambda x, i: 7 // i, [1, 1, 1], [3, 0]),
    "a range": (lambda x, i: tf.one_hot(tf.confusion_matrix(i, i, num_classes=4), 3), [1, 1, 1], [3, 4]),
}


def _after(check: Any, x: Any) -> Any:
    with tf.control_dependencies([check]):
        return tf.identity(x)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_refused_run_leaves_no_trace_and_its_graph_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build, floats, integers = PROGRAMS[name]
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))
    x, i = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.int32, [2])
    v = tf.Variable([1.0, 2.0])
    fetches = [build(x, i), tf.assign_add(v, [1.0, 1.0])]
    good: dict[Any, Any] = {x: [1, 2, 3], i: [2, 1]}
    bad: dict[Any, Any] = {x: floats, i: integers}
    messages = []
    for backend in ("numpy", "cupy"):
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:  # launched one by one
                session.run(fetches, bad)
            messages.append(str(caught.value))
            if backend == "numpy":
                continue
            assert session.run(v).tolist() == [1.0, 2.0]
            for _ in range(3):
                session.run(fetches, good)
            plan: Any = session.plan_for(fetches, good)[0]
            assert plan.missed is None
            assert plan._graph is not None
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(fetches, bad)
            messages.append(str(caught.value))
            assert session.run(v).tolist() == [4.0, 5.0]
            session.run(fetches, good)
            assert session.run(v).tolist() == [5.0, 6.0]
    assert len(set(messages)) == 1, messages


def test_a_host_call_that_fails_hides_no_refusal_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))
    x, i = tf.placeholder(tf.float32, [2, 2]), tf.placeholder(tf.int32, [2])
    y = tf.linalg.cholesky(x * tf.cast(2 // i, tf.float32))
    v = tf.Variable(1.0)
    one = np.eye(2)
    with tf.Session(backend="cupy") as session:
        session.run(v.initializer)
        for _ in range(3):  # launched one by one, and as graphs
            for a, b, message in ((-one, [0, 1], "division by zero"), (-one, [1, 1], "Cholesky")):
                with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                    session.run([y, v.assign_add(1.0)], {x: a, i: b})
            session.run(y, {x: one, i: [1, 1]})
        assert session.run(v) == 1.0


def test_steps_without_feeds_stop_at_the_first_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))
    step = tf.Variable(0, trainable=False)
    with tf.control_dependencies([tf.Assert(step.value() < 20, ["too many steps"])]):
        count = tf.assign_add(step, 1)
    with tf.Session(backend="cupy") as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="too many steps"):
            session.run_steps(count, 60)
        assert session.run(step) == 20
