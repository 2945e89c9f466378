"""The passes: structure, values, idempotence, and how pipelines are chosen and fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from support.random_graphs import Case, evaluate, random_graphs

import minigraph as tf
from minigraph.compile.specialise import specialise
from minigraph.core import errors
from minigraph.core.types import TensorType
from minigraph.ir.printer import format_program
from minigraph.ir.program import Program, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ir.verifier import verify_program
from minigraph.ops.math.arithmetic import Neg, Sub
from minigraph.passes import ALL, PIPELINES
from minigraph.passes.constant_folding import constant_folding
from minigraph.passes.simplify import simplify
from minigraph.passes.stabilise import stabilise
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass, run_pipeline

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def program_of(fetches: Sequence[Any], feeds: Sequence[Any] = ()) -> Program:
    types = [TensorType(f.dtype, f.type.static) for f in feeds]
    return specialise(fetches, [], feeds, types)


def kinds(program: Program) -> list[str]:
    return sorted(type(i.op).__name__ for i in program.instrs if type(i.op).__name__ not in ("Feed", "Const"))


def x23() -> Any:
    return tf.placeholder(tf.float32, [2, 3])


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: 1.0 * x, []),
        (lambda x: x / 1.0, []),
        (lambda x: x - 0.0, []),
        (lambda x: x + (-0.0), []),
        (lambda x: x + 0.0, ["AddV2"]),  # -0 + 0 is 0
        (lambda x: x * 0.0, ["Mul"]),  # NaN * 0 is NaN
        (lambda x: x**1.0, []),
        (lambda x: tf.negative(tf.negative(x)), []),
        (lambda x: tf.reshape(tf.reshape(x, [6]), [2, 3]), []),
        (lambda x: tf.reshape(tf.reshape(x, [6]), [3, 2]), ["Reshape"]),
        (lambda x: tf.transpose(tf.transpose(x)), []),
        (lambda x: tf.transpose(tf.transpose(tf.expand_dims(x, 0), [1, 2, 0]), [1, 0, 2]), ["Reshape", "Transpose"]),
        (lambda x: x * tf.ones([1, 2, 3]), ["Mul"]),  # the other operand has another rank
    ],
)
def test_simplify(build: Any, left: list[str]) -> None:
    x = x23()
    assert kinds(simplify.run(program_of([build(x)], [x])).program) == left


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (lambda x: tf.log(tf.nn.softmax(x)), ["LogSoftmax"]),
        (lambda x: -tf.reduce_sum(2.0 * x * tf.log(tf.nn.softmax(x)), 1), ["Mul", "SoftmaxCrossEntropyWithLogits"]),
        (lambda x: -tf.reduce_sum(x * tf.log(tf.nn.softmax(x)), 0), ["LogSoftmax", "Mul", "Neg", "Sum"]),
        (lambda x: tf.log(tf.exp(x) + 1.0), ["Softplus"]),
        (lambda x: tf.log(2.0 + x), ["AddV2", "Log"]),
    ],
)
def test_stabilise(build: Any, left: list[str]) -> None:
    x = x23()
    assert kinds(stabilise.run(program_of([build(x)], [x])).program) == left


def test_stabilised_loss_survives_large_logits() -> None:
    x, y = x23(), tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    loss = -tf.reduce_sum(y * tf.log(tf.nn.softmax(x)), 1)
    feed = {x: [[1000.0, 0.0, 0.0], [0.0, 0.0, 0.0]]}
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(loss, feed), [1000.0, np.log(3)], rtol=1e-6)
    with tf.Session(optimize="O0") as session:
        assert not np.isfinite(session.run(loss, feed)[0])


def test_constant_folding_computes_what_is_known_and_keeps_what_is_random() -> None:
    x = x23()
    known = tf.sqrt(tf.constant([4.0, 9.0, 16.0])) * 2.0
    outcome = constant_folding.run(program_of([x + known, tf.random_uniform([3]) + known], [x]))
    assert "RandomUniform" in kinds(outcome.program)
    assert "Sqrt" not in kinds(outcome.program)
    large = tf.constant(np.arange(5000, dtype=np.float32)) + 1.0
    assert "AddV2" in kinds(constant_folding.run(program_of([large])).program)


def test_the_trace_says_what_was_done_where_and_why_not() -> None:
    x = x23()
    y = (x * 1.0) + 0.0
    program, stages = run_pipeline(program_of([y], [x]), PIPELINES["O3"])
    done = {a.rule: a for stage in stages for a in stage.applied}
    assert "test_passes.py" in done["Mul_neutral_1"].source
    why = [d for stage in stages for d in stage.missed if d.rule == "Add_neutral_1"]
    assert any("not neutral" in d.reason for d in why)
    assert all(stage.to_json()["pass"] for stage in stages)
    assert kinds(program) == ["AddV2"]


@QUICK
@given(random_graphs())
def test_passes_keep_values_and_effects(case: Case) -> None:
    plain, optimised = evaluate(case, optimize="O0"), evaluate(case, optimize="O3")
    for a, b in zip(plain, optimised, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@QUICK
@given(random_graphs(stateful=False))
def test_passes_are_idempotent(case: Case) -> None:
    program = specialise(
        [f for f in case.fetches if isinstance(f, tf.Tensor)],
        [],
        list(case.feeds),
        [TensorType(h.dtype, a.shape) for h, a in case.feeds.items()],
    )
    for each in ALL:
        once = each.run(program).program
        verify_program(once)
        again = each.run(once)
        assert not again.applied
        assert format_program(again.program) == format_program(once)
        program = once


def test_what_no_rule_applies_to_stays_the_program_it_is() -> None:
    x = x23()
    outcome = simplify.run(program_of([tf.reduce_sum(tf.exp(x * 2.0))], [x]))
    assert simplify.run(outcome.program).program is outcome.program


def _break_type(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [Value(found.root.inputs[0].instr, 0)]


def test_a_pass_that_breaks_a_program_is_named_with_the_line() -> None:
    x = x23()
    wrong = RulePass("wrong", (Rule("drop_sum", Pattern(tf.reduce_sum(x).node.op.__class__), _break_type),))
    with pytest.raises(errors.VerificationError, match=r"the pass 'wrong' broke the program(.|\n)*test_passes.py"):
        run_pipeline(program_of([tf.reduce_sum(x)], [x]), [wrong])


def test_a_rule_without_end_is_stopped() -> None:
    def again(found: Match, new: Rebuilder) -> Sequence[Value]:
        return [new.add(Neg(), new.add(Neg(), new.add(Neg(), found.root.inputs[0])))]

    x = x23()
    endless = RulePass("endless", (Rule("more", Pattern(Neg), again),))
    with pytest.raises(errors.VerificationError, match="endless"):
        run_pipeline(program_of([-x], [x]), [endless])


def test_a_wrong_rewrite_is_caught_in_debug_mode() -> None:
    done: list[Match] = []

    def flip(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        if done:
            return "once is enough"
        done.append(found)
        return [new.add(Sub(), *found.root.inputs[::-1])]

    wrong = RulePass("flip", (Rule("flip", Pattern(Sub), flip),))
    x, y = x23(), x23()
    difference = x - y
    feed = {x: np.ones((2, 3)), y: np.zeros((2, 3))}
    with (
        tf.Session(passes=[wrong], debug=True) as session,
        pytest.raises(errors.VerificationError, match="flip"),
    ):
        session.run(difference, feed)
