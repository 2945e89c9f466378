"""`tf.test`: test cases, and gradients compared with differences.

Tests `tf1/test_case.py`, `tf1/gradient_checker.py` and `tf1/private_modules.py`.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf

Body = Callable[[Any], None]


def outcome(body: Body) -> unittest.TestResult:
    """What becomes of a test case with one method."""
    case = type("Case", (tf.test.TestCase,), {"runTest": body})()
    result = unittest.TestResult()
    case.run(result)
    return result


def compared(name: str, *values: Any) -> Body:
    return lambda case: getattr(case, name)(*values)


@pytest.mark.parametrize(
    ("passes", "fails"),
    [
        (("assertAllClose", [1.0, np.nan], [1.0 + 1e-7, np.nan]), ("assertAllClose", [1.0], [1.1])),
        (("assertAllClose", {"a": [1.0]}, {"a": [1.0]}), ("assertAllClose", {"a": [1.0]}, {"a": [2.0]})),
        (("assertAllClose", [np.ones(2), np.ones(3)], [np.ones(2), np.ones(3)]), ("assertAllClose", [1.0], 1.0)),
        (("assertAllEqual", [1, 2], np.array([1, 2])), ("assertAllEqual", [[1, 2]], [1, 2])),
        (("assertAllCloseAccordingToType", np.float16([1]), [1.0005]), ("assertAllCloseAccordingToType", [1.0], [2.0])),
        (("assertNear", 1.0, 1.05, 0.1), ("assertNear", 1.0, 1.2, 0.1)),
        (("assertArrayNear", [1.0, 2.0], [1.05, 2.0], 0.1), ("assertArrayNear", [1.0], [1.2], 0.1)),
        (("assertNDArrayNear", np.ones(2), np.ones(2), 0.1), ("assertNDArrayNear", np.ones(2), np.zeros(2), 0.1)),
        (("assertItemsEqual", [1, 2], [2, 1]), ("assertItemsEqual", [1, 2], [2, 2])),
        (("assertStartsWith", "abc", "ab"), ("assertStartsWith", "abc", "bc")),
        (("assertAllInRange", [1, 2], 1, 2), ("assertAllInRange", [1, 3], 1, 2)),
        (("assertAllInSet", [1, 2], (1, 2)), ("assertAllInSet", [1, 3], (1, 2))),
        (("assertAllLessEqual", [1, 2], 2), ("assertAllLessEqual", [1, 3], 2)),
        (("assertAllGreaterEqual", [2, 3], 2), ("assertAllGreaterEqual", [1, 2], 2)),
        (("assertNotAllClose", [1.0], [2.0]), ("assertNotAllClose", [1.0], [1.0])),
        (("assertNotAllEqual", [1], [2]), ("assertNotAllEqual", [1], [1])),
    ],
)  # fmt: skip
def test_assertions_pass_and_fail(passes: tuple[Any, ...], fails: tuple[Any, ...]) -> None:
    assert outcome(compared(*passes)).wasSuccessful()
    assert len(outcome(compared(*fails)).failures) == 1


def test_each_test_has_its_own_graph_and_seeds_and_one_session() -> None:
    drawn, sessions = [], []

    def body(case: Any) -> None:
        assert not tf.get_default_graph().get_operations()
        with case.test_session() as first, case.cached_session() as second:
            assert first is second is tf.get_default_session()
            sessions.append(first)
            drawn.append((np.random.rand(), case.evaluate(tf.random_uniform([])).item()))
        assert case.get_temp_dir() == case.get_temp_dir()

    assert outcome(body).wasSuccessful()
    assert outcome(body).wasSuccessful()
    assert drawn[0] == drawn[1]
    assert sessions[0] is not sessions[1]


def test_the_cached_session_keeps_its_graph_and_configuration() -> None:
    """As in TensorFlow 1.15, whose words these are. `test_session` takes what there is."""
    said = []

    def body(case: Any) -> None:
        config = tf.ConfigProto(allow_soft_placement=True)
        with case.cached_session(config=config) as first:
            assert first.run(tf.constant(3)) == 3
        with case.cached_session(config=config) as second, case.test_session() as third:
            assert first is second is third
        for arguments in ({}, {"config": config, "graph": tf.Graph()}):
            with pytest.raises(ValueError, match="used to get the cached session is different than the one"):
                case.cached_session(**arguments).__enter__()
        case.addCleanup(said.append, "cleaned")

    assert outcome(body).wasSuccessful()
    assert said == ["cleaned"]


def test_errors_of_runs_are_matched_by_their_text() -> None:
    def body(case: Any) -> None:
        with case.test_session():
            p = tf.placeholder(tf.float32, name="images")
            with case.assertRaisesOpError("images"):
                p.eval()
            with case.assertRaisesWithPredicateMatch(ValueError, lambda e: "rank" in str(e)):
                raise ValueError("rank")

    def silent(case: Any) -> None:
        with case.assertRaisesOpError("images"):
            pass

    assert outcome(body).wasSuccessful()
    assert len(outcome(silent).failures) == 1


def test_checked_threads_hand_their_errors_to_the_test() -> None:
    def body(case: Any) -> None:
        thread = case.checkedThread(lambda x: 1 / x, args=(0,))
        thread.start()
        thread.join()

    assert "division by zero" in outcome(body).failures[0][1]


def test_gradients_are_compared_with_differences() -> None:
    x = tf.placeholder(tf.float64, [2])
    y = tf.placeholder(tf.float64, [3])
    z = tf.stack([x[0] * y[1], tf.sin(x[1])])
    at, other = np.array([0.5, 1.0]), np.array([1.0, -2.0, 3.0])
    with tf.Session():
        exact, near = tf.test.compute_gradient(x, [2], z, [2], at, extra_feed_dict={y: other})
        pairs = tf.test.compute_gradient([x, y], [[2], [3]], z, [2], [at, other], extra_feed_dict={x: at, y: other})
        wrong = tf.stop_gradient(x) * x
        error = tf.test.compute_gradient_error(x, [2], wrong, [2], at)
        apart = tf.test.compute_gradient(x, [2], tf.constant(1.0, tf.float64), [1], at)
    expected = np.array([[-2.0, 0.0], [0.0, np.cos(1.0)]])
    np.testing.assert_allclose(exact, expected)
    np.testing.assert_allclose(near, expected, atol=1e-6)
    np.testing.assert_allclose(pairs[1][0], [[0, 0], [0.5, 0], [0, 0]])
    assert error == pytest.approx(1.0, abs=1e-6)  # the gradient is x, the derivative 2·x
    assert not np.any(apart)
    with pytest.raises(ValueError, match="x_init_value"):
        tf.test.compute_gradient(x, [3], z, [2], at)
    with pytest.raises(TypeError, match="floats"):
        tf.test.compute_gradient(tf.constant([1]), [1], z, [2])


def test_private_modules_have_what_programs_take_from_them() -> None:
    shapes = tf.python.framework.tensor_shape
    assert [shapes.unknown_shape().ndims, shapes.unknown_shape(2).as_list()] == [None, [None, None]]
    assert [shapes.scalar().as_list(), shapes.vector(3).as_list(), shapes.matrix(2, None).as_list()] == [
        [],
        [3],
        [2, None],
    ]
    assert shapes.as_shape([2, 3]) == tf.TensorShape([2, 3])
    assert shapes.as_dimension(4) == 4
    utils = tf.python.layers.utils
    assert utils.smart_cond(True, lambda: "first", lambda: "second") == "first"
    branches = (lambda: tf.constant(1), lambda: tf.constant(2))
    assert utils.smart_cond(tf.placeholder(tf.bool), *branches).dtype is tf.int32
    assert utils.smart_constant_value(tf.placeholder(tf.bool)) is None
    with pytest.raises(TypeError, match="pred"):
        utils.smart_constant_value("yes")
    weights = tf.python.ops.weights_broadcast_ops
    p = tf.placeholder(tf.float32)
    ones = np.ones((2, 3), np.float32)
    full = weights.broadcast_weights(p, ones)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(full, {p: [[1.0], [2.0]]}), [[1, 1, 1], [2, 2, 2]])
        with pytest.raises(tf.errors.InvalidArgumentError, match="can not be broadcast"):
            session.run(weights.assert_broadcastable(p, ones), {p: [1.0, 2.0]})


def test_tensors_are_compared_without_a_session() -> None:
    def body(case: Any) -> None:
        case.assertAllClose(tf.square([1.0, 2.0]), [1.0, 4.0])
        case.assertAllEqual([3], tf.constant([3]))
        assert case.evaluate(tf.constant(2)) == 2

    assert outcome(body).wasSuccessful()
