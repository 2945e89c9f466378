"""The order that needs little memory."""

from __future__ import annotations

from hypothesis import given, settings
from support.random_graphs import Case, evaluate, random_graphs

import minigraph as tf
from minigraph.compile.memory import lower_bound
from minigraph.compile.plan import Plan
from minigraph.compile.schedule import schedule
from minigraph.compile.specialise import specialise
from minigraph.core.types import TensorType
from minigraph.ir.buffers import is_source
from minigraph.ir.program import Instr


@given(random_graphs())
@settings(max_examples=100)
def test_another_order_needs_no_more_memory_and_changes_no_value(case: Case) -> None:
    plans = []
    for reorder in (False, True):
        with tf.Session(graph=case.graph, reorder=reorder, optimize="O0") as session:
            plans.append(session.plan_for(case.fetches, case.feeds)[0])
    plain, best = plans
    seen: set[Instr] = set()
    for instr in schedule(best.program, memory_aware=True).order:
        assert all(is_source(p) or p in seen for p in instr.predecessors)
        seen.add(instr)
    assert seen == {i for i in best.program.instrs if not is_source(i)}
    assert lower_bound(best.lifetimes) <= lower_bound(plain.lifetimes)
    assert len(best.copies) <= len(plain.copies)
    expected = evaluate(case, reorder=False)
    assert [v.tobytes() for v in evaluate(case)] == [v.tobytes() for v in expected]


def test_updates_run_as_soon_as_their_gradient_is_there() -> None:
    x = y = tf.placeholder_with_default(tf.ones([2, 64]), [None, 64])
    for _ in range(8):
        y = tf.matmul(y, tf.Variable(tf.ones([64, 64])))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y))
    program = specialise([], [train], [x], [TensorType(x.dtype, (2, 64))])
    session = tf.Session()
    plain, best = (Plan(program, session.backend, session.buffers, reorder=reorder) for reorder in (False, True))
    assert best.peak < 0.4 * plain.peak  # one gradient of 16 KB at a time, not eight


def test_side_by_side_branches_are_finished_one_after_the_other() -> None:
    x = tf.placeholder(tf.float32, [1000])
    wide = [tf.tile(x * float(i), [100]) for i in range(1, 9)]
    total = tf.add_n([tf.reduce_sum(w) for w in wide])
    program = specialise([total], [], [x], [TensorType(x.dtype, (1000,))])
    session = tf.Session()
    plain, best = (Plan(program, session.backend, session.buffers, reorder=reorder) for reorder in (False, True))
    assert plain.peak > 8 * 400_000
    assert best.peak < 2 * 400_000
