"""The pass fuse_pointwise: what becomes one loop, what does not and why, and the numbers.

Tests `rewrite/grouping.py`.
"""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pass_text import check, check_missed, check_unchanged
from support.programs import after, program_of, reasons
from support.random_graphs import Case, evaluate, random_graphs

import minigraph as tf
from minigraph.backends.numpy import loop as loops
from minigraph.ir.program import Program
from minigraph.ir.regions import Loop, Region
from minigraph.ir.verifier import verify_program
from minigraph.passes.fuse_epilogue import fuse_epilogue
from minigraph.passes.fuse_pointwise import fuse_pointwise

FUSE = ["fuse_pointwise", "fuse_epilogue"]

QUICK = settings(max_examples=60)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows."""
    monkeypatch.setattr(loops, "TARGET", 100)


def regions(program: Program) -> list[str]:
    return [repr(i.op) for i in program.instrs if isinstance(i.op, Region)]


def x45() -> Any:
    return tf.placeholder(tf.float32, [4, 5])


def test_a_chain_with_broadcasts_becomes_one_loop() -> None:
    x, row, column = x45(), tf.placeholder(tf.float32, [5]), tf.placeholder(tf.float32, [4, 1])
    y = tf.nn.relu(tf.nn.bias_add(x, row) * column - 2.0)
    program = after(program_of([y], [x, row, column]), fuse_pointwise).program
    assert regions(program) == ["Loop(BiasAdd+Mul+Sub+Relu)"]
    (loop,) = [i.op for i in program.instrs if isinstance(i.op, Loop)]
    assert loop.space == (4, 5)


def test_a_value_that_others_need_is_a_result_of_the_loop_too() -> None:
    x = x45()
    inner = tf.exp(x)
    program = after(program_of([inner, tf.tanh(inner)], [x]), fuse_pointwise).program
    (loop,) = [i for i in program.instrs if isinstance(i.op, Loop)]
    assert len(loop.types) == 2


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("mean", [False, True])
def test_a_sum_ends_a_loop(axis: int | None, mean: bool) -> None:
    x = x45()
    reduce = tf.reduce_mean if mean else tf.reduce_sum
    y = tf.negative(reduce(tf.square(x - 1.0), axis))
    program = after(program_of([y], [x]), fuse_pointwise).program
    first, *rest = regions(program)
    assert first == "Loop(Sub+Square+Sum)"
    assert rest == (["Loop(RealDiv+Neg)"] if mean else [])


def test_what_stays_apart() -> None:
    x, other = x45(), x45()
    e = tf.exp(x)
    total = tf.reduce_sum(e)
    y = e / total  # the sum is needed first
    outcome = after(program_of([y], [x, other]), fuse_pointwise)
    assert regions(outcome.program) == ["Loop(Exp+Sum)"]
    assert {"it is a sum", "a path leaves the loop and comes back, or leads through a sum"} <= reasons(outcome)
    outcome = after(program_of([tf.exp(tf.reduce_max(tf.exp(x)))], [x]), fuse_pointwise)
    assert "its producer is not pointwise" not in reasons(outcome)  # only candidates are told
    assert not regions(outcome.program)


def test_a_scalar_condition_stays_a_scalar() -> None:
    x, flag = x45(), tf.placeholder(tf.bool, [])
    y = tf.exp(tf.where(flag, x, -x))
    feed = {x: np.full((4, 5), 2.0, np.float32), flag: False}
    with tf.Session(passes=FUSE) as session:
        assert regions(session.plan_for(y, feed)[0].program)
        np.testing.assert_allclose(session.run(y, feed), np.full((4, 5), np.exp(-2.0)), rtol=1e-6)


def test_equal_sums_of_two_shapes_are_both_given() -> None:
    x = x45()
    e = tf.exp(x)
    fetches = [tf.reduce_sum(e, 1, keepdims=True), tf.reduce_sum(e, 1), tf.reduce_sum(e), tf.reduce_sum(e, [0, 1])]
    feed = {x: np.random.RandomState(0).rand(4, 5).astype(np.float32)}
    with tf.Session(passes=FUSE) as session:
        session.plan_for(fetches, feed)[0].backend.write(session.buffers.arena(4096)[:4096], np.uint8(0xFF))
        found = session.run(fetches, feed)
    expected = np.exp(feed[x])
    np.testing.assert_allclose(found[0], expected.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(found[1], expected.sum(1), rtol=1e-5)
    np.testing.assert_allclose(found[2:], expected.sum(), rtol=1e-5)


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(random_graphs())
def test_any_graph_keeps_its_values_and_loops_are_convex(case: Case) -> None:
    tensors = [f for f in case.fetches if isinstance(f, tf.Tensor)]
    program = program_of(tensors, list(case.feeds))
    fused = after(program, fuse_pointwise, fuse_epilogue)
    order = nx.DiGraph()
    for instr in fused.program.instrs:
        order.add_edges_from((id(p), id(instr)) for p in instr.predecessors)
    assert nx.is_directed_acyclic_graph(order)
    verify_program(fused.program)
    for a, b in zip(evaluate(case, optimize="O0"), evaluate(case, passes=FUSE, debug=True), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    data=st.data(),
    axis=st.integers(0, 3),
    keep=st.booleans(),
)
def test_loops_over_any_shapes_equal_numpy(shape: list[int], data: st.DataObject, axis: int, keep: bool) -> None:
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        masks = data.draw(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=3))
        arrays = [random.rand(*shape).astype(np.float32)]
        for mask in masks:
            lead = data.draw(st.integers(0, len(shape)))
            small = [d if m else 1 for d, m in zip(shape, mask, strict=False)][lead:]
            arrays.append(np.asarray(random.rand(*small), np.float32))
        holders = [tf.placeholder(tf.float32, a.shape) for a in arrays]
        y, expected = tf.exp(holders[0]), np.exp(arrays[0])
        for holder, array in zip(holders[1:], arrays[1:], strict=True):
            y, expected = y * holder - 0.5, expected * array - np.float32(0.5)
        axes = [a for a in range(len(shape)) if (axis >> (a % 2)) & 1]
        fetches = [y, tf.reduce_sum(y, axes, keepdims=keep), tf.reduce_mean(tf.nn.relu(y))]
        feed = dict(zip(holders, arrays, strict=True))
        with tf.Session(passes=FUSE) as session:
            found = session.run(fetches, feed)
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_allclose(found[1], expected.sum(tuple(axes), keepdims=keep), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[2], np.maximum(expected, 0).mean(), rtol=1e-5, atol=1e-6)


def test_a_loop_may_write_over_an_operand_that_ends_there() -> None:
    x = tf.placeholder(tf.float32, [300, 400])
    with tf.Session(passes=FUSE) as session:
        loop = tf.nn.softmax(tf.tanh(tf.nn.softmax(x)) * 2.0 + 1.0)
        plan, _ = session.plan_for(loop, {x: np.zeros((300, 400))})
        step = next(s for s in plan.steps if isinstance(s.instr.op, Loop))
        assert plan.overwritten(step) == [0]
        feed = np.random.RandomState(0).randn(300, 400).astype(np.float32)
        found = session.run(loop, {x: feed})
    with tf.Session(optimize="O0") as session:
        np.testing.assert_array_equal(session.run(loop, {x: feed}), found)


# as text


XR = "feed %x float32[4,5]\nfeed %r float32[5]\n"
LOOP = """
    %y = Loop(%x, %r) {space=(4, 5)} {
      feed %a float32[4,5]
      feed %b float32[5]
      %m = Mul(%a, %b)
      %t = Tanh(%m)
      return %t
    }
    return %y
"""


def test_a_chain_becomes_a_loop() -> None:
    check(fuse_pointwise, XR + "%m = Mul(%x, %r)\n%y = Tanh(%m)\nreturn %y", XR + LOOP)


def test_a_sum_at_the_end_is_a_part_of_the_loop() -> None:
    check(
        fuse_pointwise,
        XR + "%m = Mul(%x, %r)\n%y = Sum(%m) {axis=(1,)}\nreturn %y",
        XR + LOOP.replace("%t = Tanh(%m)", "%t = Sum(%m) {axis=(1,)}"),
    )


def test_a_mean_at_the_end_is_a_sum_and_a_division() -> None:
    after = LOOP.replace("%t = Tanh(%m)", "%t = Sum(%m) {axis=(1,)}").replace(
        "return %y", "const %c float32[](5.0)\n%z = RealDiv(%y, %c)\nreturn %z"
    )
    before = XR + "%m = Mul(%x, %r)\n%y = Mean(%m) {axis=(1,)}\nreturn %y"
    check(fuse_pointwise, before, XR + after, exact=False)


CROSSED = "a path leaves the loop and comes back, or leads through a sum"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("%s = Tanh(%r)\n%y = Mul(%x, %s)", "it has the shape (5,) in a loop over (4, 5)"),
        ("%m = Tanh(%x)\n%s = Softmax(%m)\n%y = Mul(%m, %s)", CROSSED),
        ("%s = Sum(%x) {axis=(0,)}\n%y = Tanh(%s)", "it is a sum"),
    ],
)
def test_what_stays_apart_as_text(text: str, reason: str) -> None:
    check_missed(fuse_pointwise, XR + text + "\nreturn %y", reason)


@pytest.mark.parametrize(
    "text",
    [
        "%m = Tanh(%x)\n%y = Exp(%m) ^%x",
        "%m = Tanh(%x) ^%r\n%y = Exp(%m)",
        "%m = Tanh(%x)\n%y = Exp(%m)\n%z = Softmax(%r) ^%m",
        "%m = Softmax(%x)\n%y = Exp(%m)",
        "%m = Tanh(%x)\n%y = Mean(%x) {axis=(1,)}",
    ],
    ids=["a control input", "a control input of the first", "orders another", "not pointwise", "a mean of a feed"],
)
def test_no_loop_is_made(text: str) -> None:
    check_unchanged(fuse_pointwise, XR + text + "\nreturn %y" + (", %z" if "%z" in text else ""))


def test_an_empty_loop_is_not_made() -> None:
    check_unchanged(fuse_pointwise, "feed %x float32[0,5]\n%m = Tanh(%x)\n%y = Exp(%m)\nreturn %y")


def test_sums_along_the_same_axes_that_read_the_same_operand_share_a_loop() -> None:
    feeds = "feed %x float32[4,3]\nfeed %y float32[4,3]\n"
    check(
        fuse_pointwise,
        feeds + "%s = SumTo(%x) {shape=(3,)}\n%p = Mul(%x, %y)\n%t = SumTo(%p) {shape=(3,)}\nreturn %s, %t",
        feeds + "%l = Loop(%x, %y) {space=(4, 3)} {\nfeed %a float32[4,3]\nfeed %b float32[4,3]\n"
        "%s = SumTo(%a) {shape=(3,)}\n%p = Mul(%a, %b)\n%t = SumTo(%p) {shape=(3,)}\nreturn %s, %t\n}\nreturn %l, %l.1",
    )


@pytest.mark.parametrize(
    "text",
    [
        "%s = SumTo(%x) {shape=(3,)}\n%t = Sum(%x) {axis=(1,)}\nreturn %s, %t",  # along different axes
        "%s = SumTo(%x) {shape=(3,)}\n%t = SumTo(%y) {shape=(3,)}\nreturn %s, %t",  # of different operands
    ],
)
def test_other_sums_stay_apart(text: str) -> None:
    check_unchanged(fuse_pointwise, "feed %x float32[4,3]\nfeed %y float32[4,3]\n" + text)


def test_a_sum_that_depends_on_another_is_a_loop_of_its_own() -> None:
    feed = "feed %x float32[4,3]\n"
    check(
        fuse_pointwise,
        feed + "%s = SumTo(%x) {shape=(3,)}\n%d = Mul(%x, %s)\n%t = SumTo(%d) {shape=(3,)}\nreturn %t",
        feed + "%s = SumTo(%x) {shape=(3,)}\n%l = Loop(%x, %s) {space=(4, 3)} {\nfeed %a float32[4,3]\n"
        "feed %b float32[3]\n%d = Mul(%a, %b)\n%t = SumTo(%d) {shape=(3,)}\nreturn %t\n}\nreturn %l",
    )
