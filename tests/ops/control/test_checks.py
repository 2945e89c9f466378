"""Assertions and checks of numbers that are run as operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import minigraph as tf


def _after(operation: Any) -> Any:
    with tf.control_dependencies([operation]):
        return tf.no_op()


TARGETS: dict[str, Callable[[Any], Any]] = {
    "alone": lambda operation: operation,
    "in a group": tf.group,
    "before an operation": _after,
    "in a group of groups": lambda operation: tf.group(tf.group(operation)),
    "beside an update": lambda operation: [tf.assign_add(tf.Variable(1.0), 1.0), operation],
}


@pytest.mark.parametrize("level", ["O0", "O3"])
@pytest.mark.parametrize("name", TARGETS)
def test_a_check_that_is_run_is_done(name: str, level: Any) -> None:
    x = tf.placeholder(tf.float32, [2])
    assertion = tf.Assert(tf.reduce_all(x > 0), ["x is", x])
    numbers = tf.check_numerics(x, "x").op
    for operation, wrong in ((assertion, [1.0, -1.0]), (numbers, [1.0, float("nan")])):
        target = TARGETS[name](operation)
        with tf.Session(optimize=level) as session:
            session.run(tf.global_variables_initializer())
            session.run(target, {x: [1.0, 2.0]})
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"made at .*test_checks\.py"):
                session.run(target, {x: wrong})
