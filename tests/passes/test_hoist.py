"""What depends on variables only is computed once, and again after a variable has changed, however that happened.

Tests `ir/hoist.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_unchanged
from support.programs import after, kinds, program_of

import minigraph as tf
from minigraph.passes.hoist import hoist


def network() -> tuple[Any, Any, Any]:
    """A placeholder, a variable, and exp(v)·x."""
    x = tf.placeholder(tf.float32, [3])
    v = tf.Variable([0.0, 1.0, 2.0], name="v")
    return x, v, tf.exp(v) * x


def test_work_on_variables_is_kept_and_views_are_not() -> None:
    x, v, y = network()
    outcome = after(program_of([y, tf.reshape(v, [3, 1])], [x]), hoist)
    assert kinds(outcome.program).count("Hoist") == 1
    assert [a.node for a in outcome.applied] == ["Exp"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        plan, _ = session.plan_for(y, {x: np.ones(3)})
        assert [type(s.instr.op).__name__ for s in plan.steps] == ["Mul"]
        assert plan.fixed is not None
        assert [type(s.instr.op).__name__ for s in plan.fixed.steps] == ["Exp"]


def _load(v: Any, session: Any, path: Path) -> None:
    v.load([5.0, 5.0, 5.0], session)


def _assign(v: Any, session: Any, path: Path) -> None:
    session.run(v.assign([5.0, 5.0, 5.0]))


def _restore(v: Any, session: Any, path: Path) -> None:
    with tf.Session(graph=v.graph) as other:
        v.load([5.0, 5.0, 5.0], other)
        saved = tf.train.Saver().save(other, str(path / "model"))
    tf.train.Saver().restore(session, saved)


@pytest.mark.parametrize("change", [_load, _assign, _restore])
def test_kept_values_follow_the_variable(change: Callable[[Any, Any, Path], None], tmp_path: Path) -> None:
    x, v, y = network()
    feed = {x: np.ones(3, np.float32)}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            np.testing.assert_allclose(session.run(y, feed), np.exp([0.0, 1.0, 2.0]), rtol=1e-6)
        change(v, session, tmp_path)
        np.testing.assert_allclose(session.run(y, feed), np.exp([5.0] * 3), rtol=1e-6)
        profiled = session.profile([y, v.assign_add(x)], feed)
        assert profiled.launches
        np.testing.assert_allclose(session.run(y, feed), np.exp([5.0] * 3), rtol=1e-6)


def test_an_uninitialised_variable_behind_a_kept_value_is_an_error() -> None:
    x, _, y = network()
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
        session.run(y, {x: np.ones(3)})


def test_checked_runs_look_into_what_is_kept() -> None:
    x = tf.placeholder(tf.float32, [1])
    v = tf.Variable([-1.0])
    y = tf.log(v) * x
    with tf.Session(check_numerics=True) as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="Log node 'Log' made a value that is not finite"):
            session.run(y, {x: [1.0]})


def test_a_value_kept_and_fetched() -> None:
    x, v, y = network()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        exp = y.op.inputs[0]
        found = session.run([exp, y], {x: np.full(3, 2.0)})
        np.testing.assert_allclose(found[1], 2.0 * found[0])
        session.run(v.assign([0.0, 0.0, 0.0]))
        np.testing.assert_array_equal(session.run(exp), np.ones(3))


def test_a_kept_part_makes_only_what_it_needs_of_a_loop() -> None:
    """Loops are cut in two where a value is kept; what the other part makes of one must not be missed inside."""
    w = tf.Variable([2.0, 3.0])
    inner = 1.0 / (tf.square(w) + 1.0)
    outer = -inner
    x = tf.placeholder(tf.float32, [2])
    with tf.Session() as session:
        session.run(w.initializer)
        for fetches in ([outer * x, inner], [outer * x], [inner + x, outer]):
            found = session.run(fetches, {x: np.ones(2, np.float32)})
            expected = {1: [[-0.2, -0.1]], 2: [[-0.2, -0.1], [0.2, 0.1]]}[len(fetches)]
            if fetches[-1] is outer:
                expected = [[1.2, 1.1], [-0.2, -0.1]]
            np.testing.assert_allclose(found, expected, rtol=1e-6)


TEXT = """
    feed %x float32[3]
    cell %v float32[3]
    %r = ReadVariable(%v)
    %e = Exp(%r)
    %y = Mul(%e, %x)
    return %y
"""


def test_a_function_of_a_variable_is_hoisted() -> None:
    after = TEXT.replace("%y = Mul(%e, %x)", "%h = Hoist(%e)\n%y = Mul(%h, %x)")
    check(hoist, TEXT, after)


def test_only_the_last_of_a_chain_is_kept() -> None:
    before = TEXT.replace("Mul(%e, %x)", "Mul(%t, %x)").replace("%y =", "%t = Tanh(%e)\n%y =")
    after = before.replace("%y = Mul(%t, %x)", "%h = Hoist(%t)\n%y = Mul(%h, %x)")
    check(hoist, before, after)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return", "%s = AssignAdd(%v, %x)\nreturn"),
        ("Exp(%r)", "Reshape(%r) {shape=(3,)}"),
        ("Exp(%r)", "Mul(%r, %x)"),
        ("Exp(%r)", "Exp(%r) ^%x"),
        ("%e = Exp(%r)", "cell %s uint64[3]\n%e = RandomUniform(%s) {dtype=float32, shape=(3,), seed=1, seed2=2}"),
        ("%e = Exp(%r)", "const %c float32[3](1.0, 2.0, 3.0)\n%e = Exp(%c)"),
    ],
    ids=["a variable changes", "a view", "a feed", "a control input", "random numbers", "no variable"],
)
def test_what_is_not_kept(old: str, new: str) -> None:
    check_unchanged(hoist, TEXT.replace(old, new))
