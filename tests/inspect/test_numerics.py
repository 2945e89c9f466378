"""`Session(check_numerics=True)` names the first op that makes a NaN or an infinity.

Tests `inspect/interpret.py`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.compile.plan import Plan
from minigraph.core import errors
from minigraph.inspect.numerics import CheckedPlan, summarise
from minigraph.passes.fuse_blocks import FuseBlocks


def failure(session: tf.Session, fetches: Any, feed: Any = None) -> str:
    with pytest.raises(errors.InvalidArgumentError) as caught:
        session.run(fetches, feed)
    return str(caught.value)


@pytest.mark.parametrize("optimize", ["O0", "O3"])
def test_the_logarithm_of_a_negative_number(optimize: str) -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    y = tf.tanh(tf.log(x * 2.0, name="bad"), name="later")
    with tf.Session(check_numerics=True, optimize=optimize) as session:
        message = failure(session, y, {x: [[1.0, 2.0, -1.0], [4.0, 5.0, 6.0]]})
        assert "Log node 'bad' made a value that is not finite out of finite inputs" in message
        assert re.search(r"test_numerics\.py:\d+, in test_the_logarithm.*: y = tf\.tanh\(tf\.log", message)
        assert "result: float32[2,3], min 0.693147, max 2.48491, 1 NaN of 6" in message
        assert "input 0: 'mul', float32[2,3], min -2, max 12, finite" in message  # as it was before the launch
        assert "Tanh" not in message
        good = session.run(y, {x: np.ones((2, 3))})  # the session goes on
        np.testing.assert_allclose(good, np.full((2, 3), np.tanh(np.log(2.0))), rtol=1e-6)


def test_a_division_by_zero() -> None:
    x = tf.placeholder(tf.float64, [3], name="x")
    with tf.Session(check_numerics=True) as session:
        message = failure(session, 1.0 / x, {x: [1.0, 0.0, -2.0]})
        assert "RealDiv node 'truediv'" in message
        assert "1 Inf of 3" in message
        assert "'x', float64[3], min -2, max 1, finite" in message
        assert "NaN" not in message


@pytest.mark.parametrize("fused", [False, True])
def test_an_overflow_deep_in_a_network(fused: bool) -> None:
    passes = [FuseBlocks(min_edge=1, min_saved=1)] if fused else []
    x = tf.placeholder(tf.float32, [4, 8, 8, 1], name="x")
    h = x
    for depth, scale in enumerate([1.0, 1e20, 1e20]):
        with tf.name_scope(f"layer{depth}"):
            h = tf.nn.relu(tf.nn.conv2d(h, tf.Variable(tf.fill([3, 3, 1, 1], scale)), [1, 1, 1, 1], "SAME"))
    loss = tf.reduce_mean(h)
    with tf.Session(check_numerics=True, passes=passes) as session:
        session.run(tf.global_variables_initializer())
        feed = {x: np.ones((4, 8, 8, 1))}
        plan, _ = session.plan_for(loss, feed)
        assert fused == any(hasattr(s.instr.op, "program") for s in plan.steps)
        message = failure(session, loss, feed)
        assert "Conv2D node 'layer2/Conv2D'" in message
        assert "test_numerics.py" in message
        assert "256 Inf of 256" in message
        assert "'layer1/Relu', float32[4,8,8,1]" in message
        assert "variable 'layer2/Variable'" in message


def test_what_is_fed_is_blamed_on_the_feed() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    kept = tf.argmax(x, 0)  # no floating-point result
    with tf.Session(check_numerics=True) as session:
        assert "the value fed for 'x' is not finite" in failure(session, kept, {x: [1.0, np.nan]})
        message = failure(session, x + 1.0, {x: np.array([1e300, 1.0, -np.inf])})  # float64, too large for float32
        assert "2 Inf of 3" in message
        assert "test_numerics.py" in message
        assert session.run(kept, {x: [1.0, 2.0]}) == 1


def test_a_variable_that_was_not_finite_is_named() -> None:
    w = tf.Variable(tf.zeros([2]), name="w")
    y = tf.nn.relu(w * 3.0)
    with tf.Session(check_numerics=True) as session:
        session.write_state({"w": np.array([np.nan, 1.0], np.float32)})
        message = failure(session, y)
        assert "the variable 'w' was not finite before the run; Mul node 'mul'" in message
        session.run(w.initializer)  # may overwrite anything
        np.testing.assert_array_equal(session.run(y), [0.0, 0.0])


def test_a_failed_run_changes_nothing() -> None:
    w = tf.Variable(tf.ones([3]), name="w")
    x = tf.placeholder(tf.float32, [3], name="x")
    noise = tf.random_uniform([3], seed=7)
    update = w.assign_add(noise)
    with tf.control_dependencies([update]):
        bad = tf.log(x) + w.read_value()
    with tf.Session(check_numerics=True) as session:
        session.run(tf.global_variables_initializer())
        before = session.read_state()
        assert "Log" in failure(session, [update, bad], {x: [1.0, -1.0, 1.0]})
        after = session.read_state()
        assert before.keys() == after.keys()
        for name in before:
            np.testing.assert_array_equal(before[name], after[name])
        session.run([update, bad], {x: np.ones(3)})
        assert not np.array_equal(session.run(w), before["w"])


def test_an_update_that_makes_infinity_is_undone() -> None:
    w = tf.Variable(tf.constant([1.0, 3e38]), name="w")
    grow = w.assign_add(w.read_value())
    with tf.Session(check_numerics=True) as session:
        session.run(w.initializer)
        message = failure(session, grow)
        assert "AssignAdd" in message
        assert "max 3e+38, finite" in message
        np.testing.assert_array_equal(session.run(w), np.array([1.0, 3e38], np.float32))


def test_it_is_off_by_default_and_changes_no_result() -> None:
    x = tf.placeholder(tf.float32, [4, 5])
    w = tf.Variable(tf.random_normal([5, 2], seed=1))
    loss = tf.reduce_mean(tf.nn.softmax(tf.matmul(x, w)) ** 2.0)
    step = tf.train.AdamOptimizer(0.1).minimize(loss)
    data = np.random.RandomState(0).randn(4, 5)
    seen = []
    for checked in (False, True):
        with tf.Session(check_numerics=checked) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                session.run([step, loss], {x: data})
            seen.append(session.run(w))
            assert type(session.plan_for(loss, {x: data})[0]) is (CheckedPlan if checked else Plan)
    np.testing.assert_array_equal(*seen)


def test_summaries() -> None:
    assert summarise(np.array([1.0, 2.0])).finite
    mixed = summarise(np.array([np.nan, -np.inf, 3.0, np.inf], np.float16))
    assert (mixed.low, mixed.high, mixed.nans, mixed.infinities, mixed.size) == (3.0, 3.0, 1, 2, 4)
    assert str(summarise(np.array([np.nan]))) == "no finite number, 1 NaN of 1"
    assert summarise(np.empty((0, 3))).finite


@pytest.mark.parametrize("optimize", ["O0", "O1", "O2", "O3"])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_all_levels_name_the_same_op(optimize: str, backend: str) -> None:
    x = tf.placeholder(tf.float32, [2, 4, 4, 3], name="x")
    scaled = tf.multiply(x, 1e30, name="scaled")
    images = tf.nn.relu(
        tf.nn.conv2d(scaled, tf.constant(np.full((3, 3, 3, 2), 1e10, np.float32)), [1, 1, 1, 1], "SAME")
    )
    pooled = tf.nn.max_pool(images, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    batch = tf.exp(tf.reduce_sum(x, [1, 2, 3]), name="powers")
    rate = tf.Variable(1.0)
    step = tf.assign_add(rate, tf.reduce_sum(pooled))
    total = tf.reduce_sum(tf.log(tf.reduce_sum(tf.exp(x * 100.0, name="first"), 3)))
    with tf.Session(backend=backend, optimize=optimize, check_numerics=True) as session:
        session.run(rate.initializer)
        assert "Conv2D node 'Conv2D'" in failure(session, step, {x: np.ones((2, 4, 4, 3))})
        assert session.run(rate) == 1
        assert "Conv2D node 'Conv2D'" in failure(session, [batch, pooled], {x: np.full((2, 4, 4, 3), 1e7)})
        assert "Exp node 'powers'" in failure(session, [batch], {x: np.full((2, 4, 4, 3), 1e7)})
        if optimize < "O2":  # stabilise leaves nothing that is not finite
            assert "Exp node 'first'" in failure(session, total, {x: np.ones((2, 4, 4, 3))})
        else:
            assert np.isfinite(session.run(total, {x: np.ones((2, 4, 4, 3))}))


def test_numbers_that_cancel_may_differ_by_their_rounding() -> None:
    """The gradient of x/x is 0 or what rounding leaves; a folded constant may change which."""
    x = tf.placeholder(tf.float32, [1, 1])
    y = tf.div_no_nan(x, x)
    gradient = tf.gradients(y / (tf.square(tf.constant([[-2.0, 1.0]])) + 1.0) + y, x)[0]
    for value in (0.7, 1.3, 3.3):
        with tf.Session(debug=True) as session:
            np.testing.assert_allclose(session.run(gradient, {x: [[value]]}), [[0.0]], atol=1e-6)


def test_debug_does_not_mistake_float16_overflow_for_a_wrong_rewrite() -> None:
    """A filter with the scale of batch normalisation in it overflows elsewhere than the convolution and the scale."""
    x = tf.placeholder(tf.float16, [1, 4, 4, 1])
    made = tf.nn.conv2d(x, tf.Variable(np.full([1, 1, 1, 1], 2.0, np.float16)), [1, 1, 1, 1], "VALID")
    made = made * tf.Variable(np.full([1], 0.25, np.float16))
    with tf.Session(backend="numpy", debug=True) as session:
        session.run(tf.global_variables_initializer())
        session.run(made, {x: np.full([1, 4, 4, 1], 6e4, np.float16)})
