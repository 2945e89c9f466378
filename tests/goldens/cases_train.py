"""More optimizers, decays of the learning rate, moving averages: see ``cases.py`` for the rules of these files.

Tests `train/decay.py`, `train/moving_averages.py` and `train/optimizers.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, _add_optimizer, case
from cases_api import caught, names_of

_add_optimizer("adadelta", lambda tf: tf.train.AdadeltaOptimizer(0.5))
_add_optimizer("adadelta_options", lambda tf: tf.train.AdadeltaOptimizer(1.0, 0.8, 1e-3))
_add_optimizer("ftrl", lambda tf: tf.train.FtrlOptimizer(0.5))
_add_optimizer("ftrl_regular", lambda tf: tf.train.FtrlOptimizer(
    0.5, l1_regularization_strength=0.3, l2_regularization_strength=0.1))  # fmt: skip
_add_optimizer("ftrl_power", lambda tf: tf.train.FtrlOptimizer(0.5, -0.75, 0.2))
_add_optimizer("decayed", lambda tf: tf.train.GradientDescentOptimizer(
    tf.train.exponential_decay(0.1, tf.train.get_or_create_global_step(), 2, 0.5)), step=True)  # fmt: skip

_STEPS = (0, 1, 4, 5, 9, 10, 12, 23, 40)


def _decay(name: str, build: Any, named: bool = True) -> None:
    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            step = tf.placeholder(tf.int64, [])
            rate = build(tf, step)
            return {
                "name": rate.name if named else "",
                "dtype": rate.dtype.name,
                "rates": np.array([session.run(rate, {step: s}) for s in _STEPS]),
            }

    CASES["decay_" + name] = Case(run, 2e-6, 1e-8)


_decay("exponential", lambda tf, s: tf.train.exponential_decay(0.1, s, 10, 0.9))
_decay("exponential_stairs", lambda tf, s: tf.train.exponential_decay(0.1, s, 5, 0.5, staircase=True, name="lr"))
_decay("natural_exp", lambda tf, s: tf.train.natural_exp_decay(0.1, s, 10, 0.5))
_decay("inverse_time", lambda tf, s: tf.train.inverse_time_decay(0.1, s, 10, 0.5, staircase=True))
_decay("polynomial", lambda tf, s: tf.train.polynomial_decay(0.1, s, 10, 0.01, power=2.0))
_decay("polynomial_cycle", lambda tf, s: tf.train.polynomial_decay(0.1, s, 10, cycle=True))
_decay("cosine", lambda tf, s: tf.train.cosine_decay(0.1, s, 20, alpha=0.1))
_decay("cosine_restarts", lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 5, m_mul=0.8))
_decay("cosine_restarts_even", lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 5, t_mul=1.0), named=False)
_decay("linear_cosine", lambda tf, s: tf.train.linear_cosine_decay(0.1, s, 20))
_decay("piecewise", lambda tf, s: tf.train.piecewise_constant(s, [4, 10], [1.0, 0.5, 0.1]), named=False)
_decay("piecewise_cast", lambda tf, s: tf.train.piecewise_constant(
    tf.cast(s, tf.float32), [4.0, 10.0], [1.0, 0.5, 0.1]), named=False)  # fmt: skip


@case()
def moving_average(tf: Any) -> Results:
    """Values, names, and what is restored."""
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable([1.0, 2.0], name="w")
        b = tf.Variable(0.5, name="b")
        count = tf.Variable(0, trainable=False, name="count")
        y = tf.reduce_sum(w, name="y")
        ema = tf.train.ExponentialMovingAverage(0.9)
        step = tf.assign_add(w, [1.0, 1.0])
        with tf.control_dependencies([step]):
            update = ema.apply([w, b])
        other = tf.train.ExponentialMovingAverage(0.99, num_updates=count, name="other")
        later = other.apply([y])
        session.run(tf.global_variables_initializer())
        averages = []
        for i in range(4):
            session.run(update)
            session.run(later)
            session.run(tf.assign(count, i + 1))
            averages.append(np.append(session.run(ema.average(w)), session.run(other.average(y))))
        return {
            "averages": np.array(averages),
            "names": names_of([update, later, ema.average(w), ema.average(b), other.average(y)]),
            "average_names": [ema.average_name(w), other.average_name(w), ema.name],
            "restored": {k: v.op.name for k, v in ema.variables_to_restore().items()},
            "kept": names_of(tf.moving_average_variables()),
            "none": ema.average(count) is None,
            "trainable": names_of(tf.trainable_variables()),
        }


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("decay_no_step", lambda tf: tf.train.exponential_decay(0.1, None, 10, 0.9), "None")
_error("piecewise_lengths", lambda tf: tf.train.piecewise_constant(tf.constant(1), [1, 2], [1.0, 2.0]),
    "length of boundaries should be 1 less")  # fmt: skip
_error("moving_average_int", lambda tf: tf.train.ExponentialMovingAverage(0.9).apply([tf.Variable(1)]),
    "must be half, float, or double")  # fmt: skip
_error("ftrl_power_positive", lambda tf: tf.train.FtrlOptimizer(0.1, learning_rate_power=0.5), "learning_rate_power")
