"""Bisection: the pass, the rule and the node that change a result are found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.inspect.bisect import find_guilty
from minigraph.inspect.interpret import interpret
from minigraph.ir.program import Program, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.math.arithmetic import Neg, Sub
from minigraph.ops.math.trigonometric import Tanh
from minigraph.passes.simplify import simplify
from minigraph.passes.stabilise import stabilise
from minigraph.rewrite.driver import Outcome, Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass


def program_of(fetches: Any, feeds: dict[Any, Any]) -> tuple[Program, list[np.ndarray], dict[str, np.ndarray]]:
    with tf.Session(optimize="O0") as session:
        session.run(tf.global_variables_initializer())
        plan, arrays = session.plan_for(fetches, feeds)
        return plan.program, arrays, session.read_state()


def flip(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    """Right for all but the subtraction named `bad`."""
    if found.root.name != "bad":
        if isinstance(found.root.inputs[0].instr.op, Neg):
            return "done"
        a, b = found.root.inputs
        return [new.add(Sub(), new.add(Neg(), b), new.add(Neg(), a))]
    if isinstance(found.root.inputs[1].instr.op, Tanh):
        return "done"
    return [new.add(Sub(), found.root.inputs[0], new.add(Tanh(), found.root.inputs[1]))]


def _negate(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    """Wrong for the subtraction named `odd`, whose operands it exchanges."""
    if found.root.name != "odd":
        return "another one"
    b, a = found.root.inputs
    return [new.add(Sub(), a, b)]


WRONG = RulePass("wrong", (Rule("flip", Pattern(Sub), flip),))


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_the_guilty_rewrite_is_found(backend: str | None) -> None:
    x, y = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [3])
    total = (x - y) * (y - x * 2.0)
    total = tf.subtract(total, y, name="bad") + (total - x)
    feeds = {x: [1.0, 2.0, 3.0], y: [0.5, 2.5, -3.0]}
    program, arrays, cells = program_of(total, feeds)
    assert find_guilty(program, [simplify, stabilise], arrays, cells, backend) is None
    guilty = find_guilty(program, [stabilise, WRONG, simplify], arrays, cells, backend)
    assert guilty is not None
    assert guilty.name == "wrong"
    assert guilty.alone
    assert len(guilty.applied) == 4
    assert guilty.culprit is not None
    assert (guilty.culprit.rule, guilty.culprit.node) == ("flip", "bad")
    text = guilty.describe()
    assert "the pass 'wrong' is guilty: the result 'add" in text
    assert "test_bisect.py" in text


def test_rounding_that_a_program_enlarges_is_no_fault() -> None:
    """x − y − z rounds to 0 in one order and not in the other; divided by its magnitude, it is 0 or ±1."""
    x, y, z = (tf.placeholder(tf.float32, [20]) for _ in range(3))
    rest = tf.subtract(x, y) - z
    outputs = tf.concat([rest / (tf.abs(rest) + 1e-12), tf.subtract(x, z, name="odd")], 0)
    left, right = np.random.RandomState(0).uniform(1, 9, (2, 20)).astype(np.float32)
    program, arrays, cells = program_of(outputs, {x: left, y: right, z: left - right})

    def reorder(found: Match, new: Rebuilder) -> Sequence[Value] | str:
        """a − b − c as a − (b + c)."""
        inner, c = found.root.inputs
        if not isinstance(inner.instr.op, Sub):
            return "no second difference"
        a, b = inner.instr.inputs
        return [new.add(Sub(), a, new.add(Sub(), b, new.add(Neg(), c)))]

    harmless = RulePass("reorder", (Rule("reorder", Pattern(Sub), reorder),))
    (before, _), (after, _) = (interpret(p, arrays, cells) for p in (program, harmless.run(program).program))
    assert np.abs(before[0] - after[0]).max() > 0.5
    assert find_guilty(program, [harmless], arrays, cells) is None
    guilty = find_guilty(
        program, [harmless, RulePass("wrong", (Rule("negate", Pattern(Sub), _negate),))], arrays, cells
    )
    assert guilty is not None, "beside numbers that rounding changes, others are held to theirs"
    assert guilty.name == "wrong"


def test_a_program_that_refuses_other_inputs_is_searched() -> None:
    x = tf.placeholder(tf.float32, [3])
    with tf.control_dependencies([tf.assert_less_equal(x, 0.7)]):
        checked = tf.identity(x)
    total = tf.subtract(checked, 0.5, name="bad")
    program, arrays, cells = program_of(total, {x: np.full(3, 0.7, np.float32)})
    assert find_guilty(program, [simplify], arrays, cells) is None
    assert find_guilty(program, [WRONG], arrays, cells) is not None


def test_a_pass_that_changes_an_update_or_an_error_is_found() -> None:
    w = tf.Variable(tf.ones([3]), name="w")
    x = tf.placeholder(tf.float32, [3])
    program, arrays, cells = program_of(w.assign_sub(tf.subtract(x, w, name="bad")).op, {x: [5.0, 6.0, 7.0]})
    guilty = find_guilty(program, [WRONG], arrays, cells)
    assert guilty is not None
    assert "the variable 'w' changed in 3 of 3" in guilty.reason

    def fail(found: Match, new: Rebuilder) -> Sequence[Value]:
        raise KeyError("defect")

    guilty = find_guilty(program, [RulePass("raises", (Rule("fail", Pattern(Sub), fail),))], arrays, cells)
    assert guilty is not None
    assert guilty.reason == "KeyError: 'defect'"
    assert guilty.culprit is not None
    assert guilty.culprit.node == "bad"


def test_a_pass_that_breaks_types_or_is_no_set_of_rules_is_found() -> None:
    x = tf.placeholder(tf.float32, [2, 3])
    total = tf.reduce_sum(x, name="total")
    program, arrays, cells = program_of(total, {x: np.ones((2, 3))})

    def drop(found: Match, new: Rebuilder) -> Sequence[Value]:
        return [Value(found.root.inputs[0].instr, 0)]

    guilty = find_guilty(program, [RulePass("drop", (Rule("drop", Pattern(type(total.op.op)), drop),))], arrays, cells)
    assert guilty is not None
    assert guilty.culprit is not None
    assert guilty.culprit.node == "total"
    assert "turned" in guilty.reason

    class Renames:
        name = "other_result"

        def run(self, program: Program) -> Outcome:
            return Outcome(program._replace(results=(Value(program.instrs[0], 0),)), [], [], 1)

    guilty = find_guilty(program, [Renames()], arrays, cells)
    assert guilty is not None
    assert guilty.culprit is None
    assert "was float32 of shape () and became float32 of shape (2, 3)" in guilty.reason
