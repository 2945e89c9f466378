"""Checks run wherever a run asks for them, at every level of optimisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import minigraph as tf


def _behind(check: Any) -> Any:
    with tf.control_dependencies([check]):
        return tf.no_op()


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
    "no_op": _behind,
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
