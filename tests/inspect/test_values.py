"""The values of one run (`minigraph.inspect.values`)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigraph as tf
from minigraph.inspect.values import BINS, Origin, RecordedPlan, Statistics, statistics

NUMBERS = st.lists(st.one_of(st.just(0.0), st.floats(width=32, allow_nan=True, allow_infinity=True)), max_size=40)


@given(NUMBERS)
def test_statistics_are_those_of_the_finite_numbers(numbers: list[float]) -> None:
    array = np.array(numbers, np.float32)
    found = statistics(array)
    finite = [float(x) for x in array if np.isfinite(x)]
    assert found.bad == len(numbers) - len(finite)
    assert found.zeros == finite.count(0.0)
    if finite:
        assert (found.summary.low, found.summary.high) == (min(finite), max(finite))
        assert found.mean == pytest.approx(sum(finite) / len(finite), rel=1e-6, abs=1e-6 * max(map(abs, finite)))
        assert sum(found.histogram) in (0, len(finite))
        assert len(found.histogram) in (0, BINS)
    else:
        assert np.isnan(found.mean)


def recorded(
    fetch: tf.Tensor | tf.Operation, feeds: dict[tf.Tensor, object]
) -> tuple[dict[str, np.ndarray], list[Origin]]:
    """The first results of all nodes by name, and the origins."""
    with tf.Session(graph=fetch.graph) as session:
        with fetch.graph.as_default():
            session.run(tf.global_variables_initializer())
        plan, arrays = session.plan_for(fetch, feeds)
        before = session.read_state()
        seen: dict[str, np.ndarray] = {}

        def visit(instr: object, array: np.ndarray, known: Statistics) -> None:
            seen[instr.name] = array.copy()  # type: ignore[attr-defined]

        origins = RecordedPlan(plan.original, plan.backend, plan.store).record(arrays, visit)
        after = session.read_state()
    assert all(np.array_equal(before[name], after[name]) for name in before)  # a training step learns nothing
    return seen, origins


def test_every_result_of_a_training_step_is_seen() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2, 3], name="x")
        w = tf.get_variable("w", initializer=np.float32([[1.0], [-2.0], [0.5]]))
        loss = tf.reduce_sum(tf.square(tf.nn.relu(tf.matmul(x, w, name="product"), name="relu")), name="loss")
        step = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    fed = np.float32([[1, 2, 3], [4, 0, 1]])
    seen, origins = recorded(step, {x: fed})
    product = fed @ np.float32([[1.0], [-2.0], [0.5]])
    assert np.array_equal(seen["x"], fed)
    assert np.array_equal(seen["w"], [[1.0], [-2.0], [0.5]])
    assert np.allclose(seen["product"], product)
    assert np.allclose(seen["relu"], np.maximum(product, 0))
    gradient = fed.T @ (2 * np.maximum(product, 0))
    assert any(a.shape == (3, 1) and np.allclose(a, gradient) for n, a in seen.items() if n.startswith("gradients"))
    assert origins == []


@pytest.mark.parametrize(
    ("fed", "expected"),
    [
        ([1.0, 2.0], []),
        ([-1.0, 2.0], [("NaN", "log")]),
        ([0.0, 2.0], [("infinity", "log")]),
        ([np.nan, 2.0], [("NaN", "x")]),
        ([np.inf, 2.0], [("NaN", "difference"), ("infinity", "x")]),
    ],
)
def test_the_origin_is_the_first_result_without_bad_inputs(fed: list[float], expected: list[tuple[str, str]]) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2], name="x")
        log = tf.log(tf.reshape(x, [2, 1]), name="log")
        end = tf.reduce_sum(tf.exp(tf.subtract(log, log, name="difference") if np.inf in fed else log), name="end")
    _, origins = recorded(end, {x: np.float32(fed)})
    assert [(o.kind, o.node) for o in origins] == expected
    assert all("test_values.py" in o.says for o in origins)
