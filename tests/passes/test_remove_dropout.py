"""Dropout that keeps everything goes away at compile time, and the random numbers of later runs stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.programs import after, kinds, program_of, reasons

import minigraph as tf
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


def test_large_constants_of_one_number_are_folded_without_being_made() -> None:
    x = tf.placeholder(tf.float32, [100, 100])
    filled = tf.cast(tf.equal(tf.zeros([100, 100]) + 1.0, tf.ones([100, 100])), tf.float32) * 3.0
    program = after(program_of([x + filled], [x]), constant_folding).program
    assert kinds(program) == ["AddV2", "Full"]
    (full,) = [i.op for i in program.instrs if type(i.op).__name__ == "Full"]
    assert full.value == 3.0  # type: ignore[attr-defined]
    mixed = np.arange(10000.0, dtype=np.float32).reshape(100, 100)
    program = after(program_of([tf.zeros([100, 100]) + tf.constant(mixed)]), constant_folding).program
    assert "AddV2" in kinds(program)
