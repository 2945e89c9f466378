"""Moving averages against the formula in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf


@pytest.mark.parametrize("debias", [False, True])
def test_averages_of_tensors_start_at_zero_and_may_be_divided_by_their_weight(debias: bool) -> None:
    x, w = tf.placeholder(tf.float32, [2], name="x"), tf.Variable(3.0, name="w")
    ema = tf.train.ExponentialMovingAverage(0.75, zero_debias=debias, name="mean")
    update = ema.apply([x, w])
    values = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]])
    biased = np.zeros(2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for count, value in enumerate(values, 1):
            session.run(update, {x: value})
            biased = 0.75 * biased + 0.25 * value
            expected = biased / (1 - 0.75**count) if debias else biased
            np.testing.assert_allclose(session.run(ema.average(x)), expected, rtol=1e-6)
        assert session.run(ema.average(w)) == 3.0  # starts at the variable's value
    assert ("x/mean/biased" in {v.op.name for v in tf.global_variables()}) is debias


def test_names_of_averages_are_below_the_open_scope() -> None:
    with tf.variable_scope("a"):
        w = tf.Variable(1.0, name="w")
    ema = tf.train.ExponentialMovingAverage(0.5, name="mean")
    with tf.variable_scope("b"):
        before = ema.average_name(w)
        ema.apply([w])
    assert before == ema.average_name(w) == "b/a/w/mean"


def test_a_second_debiased_update_has_a_mean_of_its_own() -> None:
    x = tf.constant([1.0, 2.0], name="x")
    ema = tf.train.ExponentialMovingAverage(0.5, zero_debias=True, name="mean")
    updates = [ema.apply([x]), ema.apply([x])]
    assert {"x/mean/biased", "x/mean/biased_1", "x/mean/local_step_1"} <= {v.op.name for v in tf.global_variables()}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for update in updates:
            session.run(update)
            np.testing.assert_allclose(session.run(ema.average(x)), [1.0, 2.0], rtol=1e-6)
