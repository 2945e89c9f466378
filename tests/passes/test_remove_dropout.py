"""Dropout that keeps everything goes away at compile time, and the random numbers of later runs stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed, run
from support.programs import after, kinds, program_of, reasons

import minigraph as tf
from minigraph.ir.printer import format_program
from minigraph.passes import PIPELINES
from minigraph.passes.constant_folding import constant_folding
from minigraph.passes.remove_dropout import remove_dropout


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        yield graph


def dropped(keep_prob: Any, shape: list[int]) -> tuple[Any, Any]:
    x = tf.placeholder(tf.float32, shape)
    return x, tf.nn.dropout(tf.exp(x), keep_prob)


@pytest.mark.parametrize("shape", [[3], [2, 3], [50, 40]])
def test_nothing_is_left_of_it_but_the_random_state_that_moves_on(shape: list[int]) -> None:
    x, y = dropped(tf.placeholder_with_default(1.0, []), shape)
    program = after(program_of([y], [x]), *PIPELINES["O2"]).program
    assert kinds(program) == ["Exp", "RandomUniform"]
    with tf.Session() as session:
        plan, _ = session.plan_for(y, {x: np.zeros(shape)})
        draw = next(s for s in plan.steps if type(s.instr.op).__name__ == "RandomUniform")
        assert draw.outputs[0] is None  # no number is drawn
        feed = np.random.RandomState(0).randn(*shape).astype(np.float32)
        np.testing.assert_array_equal(session.run(y, {x: feed}), np.exp(feed))


def test_dropout_that_drops_stays() -> None:
    x, y = dropped(tf.placeholder_with_default(0.75, []), [50, 40])
    outcome = after(program_of([y], [x]), constant_folding, remove_dropout)
    assert "GreaterEqual" in kinds(outcome.program)
    assert "the rate is above 0" in reasons(outcome)
    keep = tf.placeholder(tf.float32, [])
    x, y = dropped(keep, [50, 40])
    outcome = after(program_of([y], [x, keep]), remove_dropout)
    assert "the rate is not constant" in reasons(outcome)


def test_evaluation_in_between_leaves_later_masks_as_they_are_without_passes() -> None:
    keep = tf.placeholder_with_default(1.0, [])
    x, y = dropped(keep, [50, 40])
    feed = {x: np.ones((50, 40), np.float32)}
    found = {}
    for level in ("O0", "O3"):
        with tf.Session(optimize=level) as session:
            found[level] = [
                session.run(y, {**feed, keep: 0.5}),
                session.run(y, feed),
                session.run(y, {**feed, keep: 0.5}),
            ]
    np.testing.assert_array_equal(found["O0"], found["O3"])
    assert not np.array_equal(found["O3"][0], found["O3"][2])


def dropout(rate: str) -> str:
    """x·cast(U ≥ r); U from the first state."""
    return f"""
        feed %x float32[2,3]
        cell %s uint64[3]
        %u = RandomUniform(%s) {{dtype=float32, shape=(2, 3), seed=1, seed2=2}}
        {rate}
        %k = GreaterEqual(%u, %r)
        %c = Cast(%k) {{dtype=float32}}
        %y = Mul(%x, %c)
        return %y
    """


@pytest.mark.parametrize("rate", ["0.0", "-0.0", "-0.5"])
def test_what_keeps_everything_goes_and_the_random_state_moves_on(rate: str) -> None:
    outcome = run(remove_dropout, dropout(f"const %r float32[]({rate})"))
    assert format_program(outcome.program, names=False).splitlines() == [
        "%0 = Feed() {slot=0, type=float32[2,3]} : float32[2,3]",
        "%1 = Cell() {name='s', type=uint64[3]} : uint64[3]",
        "%2 = RandomUniform(%1) {dtype=float32, shape=(2, 3), seed=1, seed2=2} : float32[2,3], uint64[3]",
        "return %0",
    ]


@pytest.mark.parametrize(
    ("rate", "reason"),
    [
        ("const %r float32[](0.1)", "the rate is above 0"),
        ("const %r float32[](1e-30)", "the rate is above 0"),
        ("const %r float32[2,3](0.0, 0.0, 0.0, 0.0, 0.0, 0.5)", "the rate is not constant"),
        ("feed %r float32[]", "the rate is not constant"),
        ("cell %v float32[]\n%r = ReadVariable(%v)", "the rate is not constant"),
    ],
)
def test_what_may_drop_something_stays(rate: str, reason: str) -> None:
    check_missed(remove_dropout, dropout(rate), reason)


def test_a_tenth_is_dropped_at_keep_prob_0_9() -> None:
    x, y = dropped(0.9, [50, 40])
    with tf.Session() as session:
        found = session.run(y, {x: np.zeros((50, 40))})
    assert 100 < np.count_nonzero(found == 0) < 300


UNIFORM = """
    cell %s uint64[3]
    %u = RandomUniform(%s) {dtype=float32, shape=(2, 3), seed=1, seed2=2}
"""


@pytest.mark.parametrize("operands", ["%u, %c", "%c, %u"])
def test_the_zero_that_is_added_to_the_numbers_goes(operands: str) -> None:
    before = UNIFORM + f"const %c float32[](0.0)\n%y = AddV2({operands})\nreturn %y"
    check(remove_dropout, before, UNIFORM + "return %u")


@pytest.mark.parametrize("constant", ["float32[](0.5)", "float32[2,1](0.0, 1.0)", "float32[1,1,1](0.0)"])
def test_another_number_that_is_added_stays(constant: str) -> None:
    text = UNIFORM + f"const %c {constant}\n%y = AddV2(%u, %c)\nreturn %y"
    check_missed(remove_dropout, text, "it is not a sum with the constant 0")
