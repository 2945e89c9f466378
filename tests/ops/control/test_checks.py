"""Assertions, checks and messages run wherever a run asks for them, at every level of optimisation."""

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


CHECKS: dict[str, Callable[[tf.Tensor], Any]] = {
    "Assert": lambda x: tf.Assert(x > 0, ["x is not positive"]),
    "a constant": lambda x: tf.Assert(tf.constant(False), ["never"]),
    "assert_positive": tf.assert_positive,
    "check_numerics": lambda x: tf.check_numerics(x * float("nan"), "not a number").op,
}
FORMS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda check: check,
    "in a list": lambda check: [check],
    "a group": lambda check: tf.group(check),
    "a group of groups": lambda check: tf.group(tf.group(check)),
    "no_op": _after,
}


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("optimize", ["O0", "O1", "O2", "O3"])
def test_a_check_that_is_fetched_is_made(backend: str, optimize: Any) -> None:
    x = tf.placeholder(tf.float32, [])
    fetches = {(c, f): form(make(x)) for c, make in CHECKS.items() for f, form in FORMS.items()}
    with tf.Session(backend=backend, optimize=optimize) as session:
        for fetched in fetches.values():
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(fetched, {x: -1.0})


def test_a_message_whose_tensor_is_not_needed_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    x = tf.placeholder(tf.float32, [])
    shown = tf.Print(x, [x], "x = ")
    with tf.Session() as session:
        session.run(shown.op, {x: 3.0})
        session.run(tf.group(shown), {x: 4.0})
    assert capfd.readouterr().err.count("x = ") == 2
