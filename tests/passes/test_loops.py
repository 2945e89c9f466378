"""Pointwise fusion and epilogues: what becomes one loop, what does not and why, and the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.programs import after, kinds, program_of, reasons
from support.random_graphs import Case, evaluate, random_graphs

import minigraph as tf
from minigraph.backends.numpy import loop as loops
from minigraph.ir.program import Program
from minigraph.ir.regions import Epilogue, Loop, Region, collapse, program_batching
from minigraph.ir.verifier import verify_program
from minigraph.passes.fuse_epilogue import fuse_epilogue
from minigraph.passes.fuse_pointwise import fuse_pointwise

FUSE = ["fuse_pointwise", "fuse_epilogue"]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


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
    small = tf.exp(tf.placeholder(tf.float32, [5]))
    outcome = after(program_of([x + small], [x, small.node.inputs[0]]), fuse_pointwise)
    assert "it has the shape (5,) in a loop over (4, 5)" in reasons(outcome)
    with tf.control_dependencies([tf.Variable(1.0).assign(2.0)]):
        ordered = tf.exp(x)
    outcome = after(program_of([tf.tanh(ordered)], [x]), fuse_pointwise)
    assert not outcome.applied


def test_a_path_through_something_else_keeps_two_apart() -> None:
    x = x45()
    e = tf.exp(x)
    y = e * tf.nn.softmax(e)
    outcome = after(program_of([y], [x]), fuse_pointwise)
    assert not outcome.applied
    assert "a path leaves the loop and comes back, or leads through a sum" in reasons(outcome)


@pytest.mark.parametrize(
    ("space", "operands", "collapsed"),
    [
        ((2, 3, 4), [(2, 3, 4)], (24,)),
        ((2, 3, 4), [(2, 3, 4), (4,)], (6, 4)),
        ((2, 3, 4), [(2, 3, 4), (2, 1, 1)], (2, 12)),
        ((2, 3, 4), [(2, 3, 4), (1, 3, 1)], (2, 3, 4)),
        ((2, 3, 4), [(2, 3, 4), ()], (24,)),
        ((1, 3, 1, 4), [(1, 3, 1, 4), (4,)], (3, 4)),
        ((1, 1), [(1, 1), ()], (1,)),
    ],
)
def test_axes_that_all_operands_treat_alike_become_one(
    space: tuple[int, ...], operands: list[tuple[int, ...]], collapsed: tuple[int, ...]
) -> None:
    holders = [tf.placeholder(tf.float32, s) for s in operands]
    y = tf.exp(holders[0])
    for other in holders[1:]:
        y = y * other
    y = tf.tanh(y)
    program = after(program_of([y], holders), fuse_pointwise).program
    (loop,) = [i.op for i in program.instrs if isinstance(i.op, Loop)]
    assert loop.space == space
    assert collapse(loop).space == collapsed
    assert len(collapse(loop).program.instrs) == len(loop.program.instrs)


def test_a_scalar_condition_stays_a_scalar() -> None:
    x, flag = x45(), tf.placeholder(tf.bool, [])
    y = tf.exp(tf.where(flag, x, -x))
    feed = {x: np.full((4, 5), 2.0, np.float32), flag: False}
    with tf.Session(passes=FUSE) as session:
        assert regions(session.plan_for(y, feed)[0].program)
        np.testing.assert_allclose(session.run(y, feed), np.full((4, 5), np.exp(-2.0)), rtol=1e-6)


def test_sums_keep_their_axes_apart() -> None:
    x = tf.placeholder(tf.float32, [2, 3, 4, 5])
    y = tf.reduce_sum(tf.exp(x), [1, 2])
    program = after(program_of([y], [x]), fuse_pointwise).program
    (loop,) = [i.op for i in program.instrs if isinstance(i.op, Loop)]
    assert collapse(loop).space == (2, 12, 5)
    how = program_batching(collapse(loop).program)
    assert how is not None
    assert how.sums == (False,)


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


# epilogues


def convolved(x: Any, channels: int = 3, seed: int = 0) -> Any:
    filters = np.random.RandomState(seed).randn(3, 3, x.shape[3].value, channels).astype(np.float32)
    return tf.nn.conv2d(x, tf.Variable(filters), [1, 1, 1, 1], "SAME")


def test_bias_activation_and_residual_go_into_the_convolution() -> None:
    x = tf.placeholder(tf.float32, [2, 5, 6, 3])
    y = tf.nn.relu(tf.nn.bias_add(convolved(x), tf.Variable([1.0, 2.0, 3.0])) + x)
    program = after(program_of([y], [x]), fuse_pointwise, fuse_epilogue).program
    assert regions(program) == ["Epilogue(Conv2D+BiasAdd+AddV2+Relu)"]
    assert "Conv2D" not in kinds(program)


def test_of_two_convolutions_the_last_takes_the_other_in() -> None:
    x = tf.placeholder(tf.float32, [2, 5, 6, 3])
    y = tf.nn.relu(convolved(x) + convolved(x, seed=1))
    program = after(program_of([y], [x]), fuse_pointwise, fuse_epilogue).program
    assert regions(program) == ["Epilogue(Conv2D+AddV2+Relu)"]
    assert kinds(program).count("Conv2D") == 1


def test_a_matrix_product_takes_bias_and_activation() -> None:
    x = x45()
    y = tf.sigmoid(tf.matmul(x, tf.Variable(tf.ones([5, 7]))) + tf.Variable(tf.ones([7])))
    program = after(program_of([y], [x]), fuse_pointwise, fuse_epilogue).program
    assert regions(program) == ["Epilogue(MatMul+AddV2+Sigmoid)"]


def test_why_a_convolution_has_no_epilogue() -> None:
    x = tf.placeholder(tf.float32, [2, 5, 6, 3])
    y = convolved(x)
    read_twice = after(program_of([tf.nn.relu(y), tf.exp(y)], [x]), fuse_epilogue)
    assert "its result has 2 readers" in reasons(read_twice)
    fetched = after(program_of([y], [x]), fuse_epilogue)
    assert "it is a result of the run" in reasons(fetched)
    pooled = after(program_of([tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")], [x]), fuse_epilogue)
    assert "MaxPool does not go through it element by element" in reasons(pooled)
    summed = after(program_of([tf.reduce_sum(tf.square(y))], [x]), fuse_pointwise, fuse_epilogue)
    assert "Loop does not go through it element by element" in reasons(summed)
    wider = after(program_of([y + tf.ones([3, 2, 5, 6, 3])], [x]), fuse_epilogue)
    assert not wider.applied
    with tf.control_dependencies([tf.Variable(1.0).assign(2.0)]):
        ordered = tf.nn.relu(y)
    assert not after(program_of([ordered], [x]), fuse_epilogue).applied


def test_an_epilogue_of_another_dtype_has_room_for_the_product() -> None:
    x = x45()
    y = tf.cast(tf.matmul(x, tf.ones([5, 7])) > 3.0, tf.float32)
    z = tf.greater(tf.matmul(x, 2.0 * tf.ones([5, 7])), 3.0)
    feed = {x: np.random.RandomState(0).rand(4, 5).astype(np.float32)}
    with tf.Session(passes=FUSE) as session:
        assert "Epilogue(MatMul+Greater)" in regions(session.plan_for(z, feed)[0].program)
        np.testing.assert_array_equal(session.run(y, feed), (feed[x].sum(1, keepdims=True) > 3) * np.ones((4, 7)))
        np.testing.assert_array_equal(
            session.run(z, feed), (feed[x].sum(1, keepdims=True) > 1.5) & np.ones((4, 7), bool)
        )


# values


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


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(batch=st.integers(1, 5), residual=st.booleans(), spread=st.booleans(), twice=st.booleans(), grad=st.booleans())
def test_random_epilogues_keep_their_values(batch: int, residual: bool, spread: bool, twice: bool, grad: bool) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 5, 6, 3])
        y = tf.nn.bias_add(convolved(x), tf.Variable([1.0, -2.0, 0.5]))
        if residual:
            y = y + tf.tanh(x)
        if spread:  # one number for each image
            y = y * tf.reduce_mean(x, [1, 2, 3], keepdims=True)
        y = tf.nn.relu(y)
        y = convolved(y, seed=3) * y if twice else tf.sigmoid(convolved(y, seed=2))
        fetches: list[Any] = [y, tf.matmul(tf.reshape(y, [-1, 90]), tf.ones([90, 4])) * 0.1]
        if grad:
            fetches += tf.gradients(tf.reduce_sum(fetches[1]), [x, *tf.trainable_variables()])
        feed = {x: np.random.RandomState(batch).randn(batch, 5, 6, 3).astype(np.float32)}
        case = Case(graph, fetches, feed, tf.global_variables_initializer())
    for a, b in zip(evaluate(case, optimize="O0"), evaluate(case, passes=FUSE), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(a).max())))


def test_epilogues_and_loops_work_by_blocks_of_the_batch() -> None:
    x = tf.placeholder(tf.float32, [None, 5, 6, 3])
    y = tf.nn.relu(convolved(tf.nn.relu(convolved(x))) + x)
    loss = tf.reduce_mean(tf.square(y))
    fetches = [loss, *tf.gradients(loss, tf.trainable_variables())]
    feed = {x: np.random.RandomState(1).randn(7, 5, 6, 3).astype(np.float32)}
    from minigraph.passes.fuse_blocks import FuseBlocks

    blocks = FuseBlocks(min_edge=0, min_saved=0)
    found = []
    for passes in ([], [*FUSE, blocks]):
        with tf.Session(passes=passes) as session:
            session.run(tf.global_variables_initializer())
            found.append(session.run(fetches, feed))
            shown = regions(session.plan_for(fetches, feed)[0].program)
    assert any("Epilogue" in r and r.startswith("Blocked") for r in shown)
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


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


def test_regions_refuse_other_types_than_they_are_for() -> None:
    x = x45()
    program = after(program_of([tf.exp(tf.tanh(x))], [x]), fuse_pointwise).program
    (loop,) = [i.op for i in program.instrs if isinstance(i.op, Loop)]
    with pytest.raises(ValueError, match="a region over"):
        loop.infer(tf.placeholder(tf.float32, [5, 4]).type)
    assert not isinstance(loop, Epilogue)
