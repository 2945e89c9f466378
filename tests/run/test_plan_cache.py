"""What a session keeps of its plans, and that plans made for other batches and calls change no result.

Tests `run/compiler.py`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigraph as tf
from minigraph.core.errors import GraphError
from minigraph.ir.program import Instr
from minigraph.run import plan_cache

RNG = np.random.default_rng(8)
IMAGES = RNG.normal(size=(12, 6, 6, 2)).astype(np.float32)
LABELS = np.eye(3, dtype=np.float32)[RNG.integers(0, 3, 12)]


def weights(*shape: int) -> tf.Variable:
    return tf.Variable(tf.truncated_normal(shape, stddev=0.3))


def dropout(x: tf.Tensor) -> tf.Tensor:
    x = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 72]), weights(72, 16)))
    return tf.matmul(tf.nn.dropout(x, 0.6), weights(16, 3))


def batch_norm(x: tf.Tensor) -> tf.Tensor:
    x = tf.nn.conv2d(x, weights(3, 3, 2, 4), [1, 1, 1, 1], "SAME")
    mean, variance = tf.nn.moments(x, [0, 1, 2])
    moving = tf.Variable(tf.zeros([4]), trainable=False)
    tf.add_to_collection("updates", moving.assign_sub(0.1 * (moving - mean)))
    x = tf.nn.max_pool(
        tf.nn.relu(tf.nn.batch_normalization(x, mean, variance, None, None, 1e-3)), [1, 2, 2, 1], [1, 2, 2, 1], "SAME"
    )
    return tf.matmul(tf.reshape(x, [-1, 36]), weights(36, 3))


def shape_arithmetic(x: tf.Tensor) -> tf.Tensor:
    count = tf.shape(x)[0]
    rows = tf.reshape(x, tf.stack([count * 2, tf.size(x) // (count * 2)]))
    halves = tf.reshape(tf.matmul(rows, weights(36, 3)), tf.stack([count, 2, 3]))
    return tf.reduce_sum(halves, 1) / tf.cast(count, tf.float32) + tf.zeros(tf.stack([count, 3]))


def stable_by_hand(x: tf.Tensor) -> tf.Tensor:
    """Its loss is written out, so that a pass has something to do."""
    logits = tf.matmul(tf.reshape(x, [-1, 72]) * 1.0, weights(72, 3))
    tf.add_to_collection("loss", tf.reduce_mean(tf.log(tf.nn.softmax(logits))))
    return logits


BODIES = [dropout, batch_norm, shape_arithmetic, stable_by_hand]


class Training:
    def __init__(self, body: Callable[[tf.Tensor], tf.Tensor]) -> None:
        tf.set_random_seed(6)
        self.graph = tf.get_default_graph()
        self.images = tf.placeholder(tf.float32, [None, 6, 6, 2])
        self.labels = tf.placeholder(tf.float32, [None, 3])
        logits = body(self.images)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=self.labels, logits=logits))
        loss = tf.add_n([loss, *tf.get_collection("loss")])
        step = tf.train.AdamOptimizer(0.01).minimize(loss)
        hits = tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(self.labels, 1)), tf.float32)
        self.calls = [
            [tf.group(step, *tf.get_collection("updates")), loss],
            [loss, tf.reduce_mean(hits)],
            {"logits": logits, "count": tf.shape(logits)[0]},
        ]
        self.initialise = tf.global_variables_initializer()

    def run(self, session: tf.Session, call: int, size: int) -> list[bytes]:
        feeds = {self.images: IMAGES[:size], self.labels: LABELS[:size]}
        found = session.run(self.calls[call], feeds)
        values = list(found.values()) if isinstance(found, dict) else found
        return [np.asarray(v).tobytes() for v in values if v is not None]


@pytest.mark.parametrize("body", BODIES, ids=lambda b: b.__name__)
@given(steps=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12)), min_size=2, max_size=8))
@settings(max_examples=8)
def test_a_long_used_session_gives_what_a_fresh_one_does(
    body: Callable[[tf.Tensor], tf.Tensor], steps: list[tuple[int, int]]
) -> None:
    with tf.Graph().as_default():
        training = Training(body)
        with tf.Session() as session:
            session.run(training.initialise)
            for call, size in steps:
                before = session.read_state()
                found = training.run(session, call, size)
                with tf.Session() as fresh:
                    fresh.write_state(before)
                    assert training.run(fresh, call, size) == found
                    after = fresh.read_state()
                assert {k: v.tobytes() for k, v in session.read_state().items()} == {
                    k: v.tobytes() for k, v in after.items()
                }


def test_forgotten_calls_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_cache, "PLAN_LIMIT", 3)
    monkeypatch.setattr(plan_cache, "REQUEST_LIMIT", 5)
    x = tf.placeholder(tf.float32, [])
    results = [x + float(i) for i in range(20)]
    with tf.Session() as session:
        for _ in range(2):
            for i, y in enumerate(results):
                assert session.run(y, {x: 0.5}) == i + 0.5
                assert session.run(y, {x: 1.5}) == i + 1.5  # the plan is there
        assert len(session._runner.cache.requests) <= 5
        assert session.stats == (80, 40, 37, 3)


def test_a_call_that_is_refused_leaves_no_plan() -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    y = tf.matmul(x, tf.ones([2, 3]))
    with tf.Session() as session:
        for _ in range(3):
            with pytest.raises(ValueError, match="Cannot feed value of shape"):
                session.run(y, {x: np.ones((2, 5))})
            with pytest.raises(tf.errors.InvalidArgumentError, match="feed a value"):
                session.run(y)
        assert session.stats == (0, 0, 0, 0)
        assert session.run(y, {x: [[1, 2]]}).tolist() == [[3, 3, 3]]
        assert session.stats == (1, 1, 0, 1)


def test_a_run_that_fails_keeps_its_plan() -> None:
    v = tf.Variable(2.0)
    y = v * 3.0
    with tf.Session() as session:
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(y)
        session.run(v.initializer)
        assert session.run(y) == 6
        assert session.stats == (2, 2, 0, 2)


def test_what_is_added_to_the_graph_later_changes_no_plan() -> None:
    x = tf.placeholder(tf.float32, [None])
    with tf.recompute("block"):
        inner = tf.sin(x)
        y = tf.reduce_sum(tf.square(inner))
    value = np.array([0.3, 2.0], np.float32)
    with tf.Session() as session:
        first = session.run(y, {inner: value})
        (gradient,) = tf.gradients(y, inner)
        assert session.run(y, {inner: value}) == first == pytest.approx(np.sum(value**2))
        assert session.stats.compiled == 1
        np.testing.assert_allclose(session.run(gradient, {inner: value}), 2 * value, rtol=1e-6)
        assert session.stats.compiled == 2


def test_the_same_feeds_in_another_order_are_another_form_of_call() -> None:
    a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        assert session.run(a - b, {a: 5.0, b: 3.0}) == 2
        difference = a - b
        assert session.run(difference, {a: 5.0, b: 3.0}) == session.run(difference, {b: 3.0, a: 5.0}) == 2
        assert session.stats == (3, 3, 0, 3)


def test_a_closed_session_keeps_nothing() -> None:
    session = tf.Session()
    session.run(tf.constant(1.0) + 1.0)
    session.close()
    assert session.stats == (1, 1, 0, 0)


# cycles: a graph only grows, so what would close one is refused when it is made


def test_a_control_dependency_on_what_is_not_there_yet() -> None:
    with (
        pytest.raises(KeyError, match="'later' refers to a node that does not exist"),
        tf.control_dependencies(["later"]),
    ):
        pass
    first = tf.constant(1.0, name="first")
    with (
        pytest.raises(KeyError, match=r"'fist' .* does not exist in the graph\. Close names: first"),
        tf.control_dependencies(["fist"]),
    ):
        pass
    later = tf.add(first, 1.0, name="later")
    with tf.control_dependencies(["later"]):
        assert tf.identity(first).node.control_inputs == (later.node,)
    assert first.node.control_inputs == ()


def test_inputs_and_controls_cannot_be_changed_afterwards() -> None:
    a = tf.constant(1.0)
    b = a + 1.0
    with pytest.raises(TypeError):
        a.node.inputs[0] = b  # type: ignore[index]
    assert not hasattr(a.node, "_add_control_input")
    with pytest.raises(AttributeError):
        a.node.inputs.append(b)  # type: ignore[attr-defined]


def test_a_node_of_another_graph_orders_nothing() -> None:
    with tf.Graph().as_default():
        foreign = tf.constant(1.0)
    with pytest.raises(GraphError, match="is not an element of this graph"), tf.control_dependencies([foreign]):
        pass


def test_a_loop_through_a_variable_is_no_cycle() -> None:
    v = tf.Variable(1.0)
    doubled = v * 2.0
    with tf.control_dependencies([v.assign(doubled)]):
        after = v.read_value()
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([after, doubled]) == [2, 2]


def test_feeding_what_comes_behind_its_own_reader() -> None:
    a = tf.placeholder(tf.float32, [], name="a")
    b = a + 1.0
    c = b * a
    with tf.Session() as session:
        assert session.run([a, b, c], {"a:0": 2.0, c: 7.0}) == [2, 3, 7]
        assert session.run(b, {a: 2.0, c: 7.0}) == 3
        with pytest.raises(TypeError, match=r"feed_dict key .*'d:0' refers to a node that does not exist"):
            session.run(b, {"d:0": 2.0})


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_dropped_plans_leave_nothing(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the record from which plans for other sizes are made."""
    monkeypatch.setattr(plan_cache, "PLAN_LIMIT", 3)
    x = tf.placeholder(tf.float32, [None, None, None, 2])
    y = tf.nn.relu(tf.nn.conv2d(x, weights(3, 3, 2, 4), [1, 1, 1, 1], "SAME"))

    def instructions(sizes: range) -> int:
        for size in sizes:
            session.run(y, {x: np.ones((2, size, size, 2), np.float32)})
        gc.collect()
        return sum(isinstance(found, Instr) for found in gc.get_objects())

    with tf.Session(backend=backend) as session:
        session.run(tf.global_variables_initializer())
        assert instructions(range(4, 10)) == instructions(range(10, 26))
