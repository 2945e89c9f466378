"""Recomputation within a memory limit: what is computed again, the limit, and that results stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pass_text import program, run

import minigraph as tf
from minigraph.inspect.interpret import interpret
from minigraph.ir.printer import format_program
from minigraph.passes import PIPELINE, RECOMPUTE, choose
from minigraph.passes.recompute import Recomputation

# A small value %s, from which a large one is made that its readers at both ends of the program need.
BEFORE = """
    feed %s float32[1,100]
    feed %x float32[100,100]
    %big = Add(%x, %s)
    %sum = Sum(%big) {axis=(0, 1), keep_dims=False}
    %a = Exp(%x)
    %b = MatMul(%a, %x) {transpose_a=False, transpose_b=False}
    %c = MatMul(%b, %a) {transpose_a=False, transpose_b=False}
    %d = Add(%c, %b)
    %y = Mul(%d, %big)
    return %y, %sum
"""


def test_a_value_is_computed_again_for_a_late_reader() -> None:
    outcome = run(Recomputation(save=1), BEFORE)
    assert {a.rule for a in outcome.applied} == {"recompute"}
    text = format_program(outcome.program)
    assert text.count(" Add(") == 3
    assert text.count(" Recompute(") == 1  # of %x, which both read
    xs, s = np.random.default_rng(0).normal(size=(100, 100)), np.ones((1, 100))
    for a, b in zip(*(interpret(p, [s, xs], {})[0] for p in (program(BEFORE), outcome.program)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_happens_without_a_need() -> None:
    outcome = run(Recomputation(), BEFORE)
    assert outcome.applied == outcome.missed == []
    assert format_program(outcome.program) == format_program(program(BEFORE))


def test_a_need_that_cannot_be_met_makes_no_difference_to_what_is_saved() -> None:
    """So a session with a limit that is out of reach need not try again."""
    found = [run(Recomputation(save=save), BEFORE) for save in (1_000_000, 2_000_000)]
    assert all(outcome.applied and outcome.missed for outcome in found)
    assert format_program(found[0].program) == format_program(found[1].program)


def test_a_limit_out_of_reach_is_refused_after_one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    saves: list[int | None] = []
    plain = Recomputation.run
    monkeypatch.setattr(Recomputation, "run", lambda self, program: saves.append(self.save) or plain(self, program))
    x, loss, step = network(4, True, False)
    with tf.Session(backend="numpy", memory_limit=1) as session, pytest.raises(tf.errors.ResourceExhaustedError):
        session.plan_for([loss, step], {x: IMAGES})
    assert saves[:1] == [0]
    assert len(saves) == 2


def test_what_waits_for_a_control_input_is_computed_once() -> None:
    ordered = BEFORE.replace("Add(%x, %s)", "Add(%x, %s) ^%s").replace("Exp(%x)", "Exp(%x) ^%s")
    outcome = run(Recomputation(save=1), ordered)
    assert not outcome.applied
    assert format_program(outcome.program) == format_program(program(ordered))


def test_random_numbers_are_drawn_once() -> None:
    tf.set_random_seed(1)
    noise = tf.random_uniform([100, 100])
    x = tf.placeholder(tf.float32, [100, 100])
    product = tf.matmul(tf.matmul(tf.exp(noise), x), x)
    late = tf.reduce_sum(product * noise)
    results = []
    for save in (None, 10_000):
        with tf.Session(optimize="O0", passes=[Recomputation(save=save)]) as session:
            results.append(session.run([late, tf.reduce_sum(noise)], {x: np.full((100, 100), 0.01)}))
    assert results[0] == results[1]


def network(depth: int, norm: bool, dropout: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Node]:
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [None, 12, 12, 3])
    y: Any = x
    for n in range(depth):
        start = tf.glorot_uniform_initializer(seed=n)
        y = tf.layers.conv2d(y, 8, 3, padding="same", kernel_initializer=start, name=f"conv{n}")
        y = tf.layers.batch_normalization(y, training=True, name=f"norm{n}") if norm else y
        y = tf.nn.relu(y)
        y = tf.nn.dropout(y, 0.8) if dropout else y
    loss = tf.reduce_mean(tf.square(y))
    return x, loss, tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)


IMAGES = np.random.default_rng(0).normal(size=(8, 12, 12, 3)).astype(np.float32)


def trained(share: float | None, options: dict[str, Any], net: tuple[Any, ...]) -> tuple[list[float], int, int]:
    """Losses of three steps, the peak, and the limit, as a share of the peak without one."""
    x, loss, step = net
    feeds = {x: IMAGES}
    limit = None
    if share is not None:
        limit = int(share * trained(None, options, net)[1])
    with tf.Session(memory_limit=limit, **options) as session:
        with tf.Session(backend=options["backend"]) as other:
            other.run(tf.global_variables_initializer())
            session.write_state(other.read_state())
        losses = [float(session.run([loss, step], feeds)[0]) for _ in range(3)]
        return losses, session.plan_for([loss, step], feeds)[0].peak, limit or 0


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("optimize", ["O0", "O3"])
@pytest.mark.parametrize("dropout", [False, True])
def test_training_stays_within_the_limit_and_is_the_same(backend: str, optimize: str, dropout: bool) -> None:
    net = network(8, not dropout, dropout)
    options = {"backend": backend, "optimize": optimize}
    plain = trained(None, options, net)
    losses, peak, limit = trained(0.85, options, net)  # the least that recomputation reaches here is 0.81
    assert peak <= limit < plain[1]
    np.testing.assert_allclose(losses, plain[0], rtol=0 if optimize == "O0" else 1e-5)


@settings(max_examples=6)
@given(st.integers(2, 4), st.booleans(), st.floats(0.3, 1.1))
def test_a_run_keeps_the_limit_or_is_refused(depth: int, norm: bool, share: float) -> None:
    tf.reset_default_graph()
    net = network(depth, norm, False)
    plain = trained(None, {"backend": "numpy", "optimize": "O0"}, net)
    try:
        losses, peak, limit = trained(share, {"backend": "numpy", "optimize": "O0"}, net)
    except tf.errors.ResourceExhaustedError:
        assert share < 1.0
        return
    assert peak <= limit
    assert losses == plain[0]


def test_a_limit_that_holds_changes_nothing() -> None:
    x, loss, step = network(3, True, False)
    plans = []
    for limit in (None, 1 << 30):
        with tf.Session(memory_limit=limit) as session:
            session.run(tf.global_variables_initializer())
            plans.append(session.plan_for([loss, step], {x: IMAGES})[0])
    assert format_program(plans[0].program) == format_program(plans[1].program)


def test_a_batch_of_another_size_has_its_own_choice() -> None:
    x, loss, step = network(6, True, False)
    limit = int(0.8 * trained(None, {"backend": "numpy", "optimize": "O0"}, (x, loss, step))[1])
    with tf.Session(optimize="O0", memory_limit=limit) as session:
        session.run(tf.global_variables_initializer())
        small = session.plan_for([loss, step], {x: IMAGES[:2]})[0]
        large = session.plan_for([loss, step], {x: IMAGES})[0]
    again = [sum(len(s.applied) for s in plan.stages if s.name == "recompute") for plan in (small, large)]
    assert again[0] == 0 < again[1]
    assert large.peak <= limit


def test_the_pass_has_its_place_in_every_pipeline() -> None:
    settings = {"recompute": {"save": 0}}
    names = [p.name for p in choose("O3", None, (), settings)]
    order = {entry.run.name for entry in PIPELINE}
    assert set(names) == order | {"recompute"}
    for other in RECOMPUTE.before:
        assert names.index(other) < names.index("recompute")
    for other in RECOMPUTE.after:
        assert names.index(other) > names.index("recompute")
    assert [p.name for p in choose("O0", None, (), settings)] == ["recompute"]
    assert [p.name for p in choose("O3", ["simplify"], (), settings)] == ["simplify", "recompute"]
    assert [p.name for p in choose("O3", ["multi_tensor"], (), settings)] == ["recompute", "multi_tensor"]
    with pytest.raises(ValueError, match="memory_limit needs the pass 'recompute'"):
        choose("O3", None, ["recompute"], settings)


@pytest.mark.parametrize("limit", [0, -5, 1.5, True, "100"])
def test_a_limit_is_a_number_of_bytes(limit: Any) -> None:
    with pytest.raises(ValueError, match="memory_limit must be a positive number of bytes"):
        tf.Session(memory_limit=limit)
