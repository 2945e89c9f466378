"""The rewrite driver and the pipeline: the trace, and how faulty passes are caught."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.programs import kinds, program_of

import minigraph as tf
from minigraph.core import errors
from minigraph.ir.program import Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.math.arithmetic import Neg, Sub
from minigraph.passes import PIPELINES
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass, run_pipeline


def x23() -> Any:
    return tf.placeholder(tf.float32, [2, 3])


def test_the_trace_says_what_was_done_where_and_why_not() -> None:
    x = x23()
    y = (x * 1.0) + 0.0
    program, stages = run_pipeline(program_of([y], [x]), PIPELINES["O3"])
    done = {a.rule: a for stage in stages for a in stage.applied}
    assert "test_driver.py" in done["Mul_neutral_1"].source
    why = [d for stage in stages for d in stage.missed if d.rule == "Add_neutral_1"]
    assert any("not neutral" in d.reason for d in why)
    assert all(stage.to_json()["pass"] for stage in stages)
    assert kinds(program) == ["AddV2"]


def _break_type(found: Match, new: Rebuilder) -> Sequence[Value]:
    return [Value(found.root.inputs[0].instr, 0)]


def test_a_pass_that_breaks_a_program_is_named_with_the_line() -> None:
    x = x23()
    wrong = RulePass("wrong", (Rule("drop_sum", Pattern(tf.reduce_sum(x).node.op.__class__), _break_type),))
    with pytest.raises(errors.VerificationError, match=r"the pass 'wrong' broke the program(.|\n)*test_driver.py"):
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
