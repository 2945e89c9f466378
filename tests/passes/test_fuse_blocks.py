"""The pass fuse_blocks: regions by blocks of the batch, their conditions and their values."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pass_text import check, check_missed, run
from support.programs import ops, program_of
from support.random_graphs import Case, evaluate, random_graphs

import minigraph as tf
from minigraph.backends.numpy.threads import TEAM
from minigraph.compile import blocks
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import REGISTRY
from minigraph.core.types import TensorType
from minigraph.ir.printer import format_program
from minigraph.ir.program import Program
from minigraph.ir.regions import Blocked, Region
from minigraph.ir.verifier import verify_program
from minigraph.passes.fuse_blocks import FuseBlocks, fuse_blocks
from minigraph.passes.relu_after_pool import relu_after_pool

EAGER = FuseBlocks(min_edge=0, min_saved=0)  # however little it saves

PASSES = ["simplify", relu_after_pool, EAGER]

QUICK = settings(max_examples=40)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one or two images."""
    monkeypatch.setattr(blocks, "TARGET", 600)


def network(x: Any, pool: Any = tf.nn.max_pool) -> tuple[Any, list[Any]]:
    """Two convolutions with ReLU and pooling; the maps, and the variables."""
    variables = [tf.Variable(tf.random_normal(s)) for s in ([3, 3, 2, 4], [4], [3, 3, 4, 3], [3])]
    for weights, bias in zip(variables[::2], variables[1::2], strict=True):
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, weights, [1, 1, 1, 1], "SAME"), bias))
        x = pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    return x, variables


def training(x: Any) -> tuple[list[Any], Any]:
    tf.set_random_seed(5)
    y, variables = network(x)
    loss = tf.reduce_mean(tf.square(y))
    step = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    return [loss, *[v.value() for v in variables]], step


@pytest.mark.usefixtures("small_blocks")
def test_a_training_step_becomes_one_region_and_keeps_its_values() -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 2])
    fetches, step = training(x)
    feed = {x: np.random.RandomState(0).randn(5, 8, 8, 2).astype(np.float32)}
    program = EAGER.run(relu_after_pool.run(program_of([fetches[0]], feed, [step])).program).program
    verify_program(program)
    regions = [i.op for i in program.instrs if isinstance(i.op, Blocked)]
    (whole,) = [r for r in regions if "Conv2D" in repr(r)]  # the gradient of a mean of squares needs no other image
    assert sum(whole.sums) == 4
    for name in ("Conv2D", "BiasAdd", "MaxPool", "MaxPoolInputGrad"):
        assert name not in ops(program)

    init = tf.global_variables_initializer()
    runs = {}
    for level, passes in (("O0", []), ("O3", PASSES)):
        with tf.Session(passes=passes) as session:
            session.run(init)
            runs[level] = [session.run([*fetches, step], feed)[:-1] for _ in range(4)]
    for a, b in zip(runs["O0"], runs["O3"], strict=True):
        for u, v in zip(a, b, strict=True):
            np.testing.assert_allclose(u, v, rtol=2e-5, atol=2e-6)


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(
    batch=st.integers(1, 7),
    size=st.integers(3, 7),
    average=st.booleans(),
    branch=st.booleans(),
    residual=st.booleans(),
    fetch_inside=st.booleans(),
)
def test_random_networks_keep_their_values(
    batch: int, size: int, average: bool, branch: bool, residual: bool, fetch_inside: bool
) -> None:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [None, size, size, 2])
        inner = tf.nn.conv2d(x, tf.Variable(tf.random_normal([3, 3, 2, 2])), [1, 1, 1, 1], "SAME")
        joined = x + tf.nn.relu(inner) if residual else inner
        y, variables = network(joined, tf.nn.avg_pool if average else tf.nn.max_pool)
        if branch:  # two paths that meet again, one of them through the mean over the whole batch
            y = y * tf.reduce_mean(y) + tf.tanh(y) / (1.0 + tf.reduce_sum(tf.square(y), 0))
        loss = tf.reduce_sum(y * y)
        fetches = [loss, *tf.gradients(loss, [x, *variables])]
        if fetch_inside:
            fetches.append(joined)
        feed = {x: np.random.RandomState(batch).randn(batch, size, size, 2).astype(np.float32)}
        case = Case(graph, fetches, feed, tf.global_variables_initializer())
    for a, b in zip(evaluate(case, optimize="O0"), evaluate(case, passes=PASSES), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(a).max())))


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(random_graphs())
def test_any_graph_keeps_its_values_and_regions_are_convex(case: Case) -> None:
    tensors = [f for f in case.fetches if isinstance(f, tf.Tensor)]
    program = program_of(tensors, case.feeds)
    fused = EAGER.run(program)
    verify_program(fused.program)
    order = nx.DiGraph()
    for instr in fused.program.instrs:
        order.add_edges_from((id(p), id(instr)) for p in instr.predecessors)
    assert nx.is_directed_acyclic_graph(order)
    again = EAGER.run(fused.program)
    assert format_program(again.program) == format_program(fused.program)
    for a, b in zip(evaluate(case, optimize="O0"), evaluate(case, passes=[EAGER]), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_small_values_are_not_worth_a_region() -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    outcome = fuse_blocks.run(program_of([tf.tanh(tf.exp(x))], {x: np.zeros((4, 3))}))
    assert not outcome.applied
    assert "it has only 48 bytes" in [d.reason for d in outcome.missed]


@pytest.mark.parametrize(("side", "fits"), [(4, False), (16, True)])
def test_a_filter_larger_than_the_images_is_not_gone_through_for_each_block(side: int, fits: bool) -> None:
    """Eight images of 8 KB or 128 KB, and a filter of 147 KB."""
    x = tf.placeholder(tf.float32, [8, side, side, 64])
    filters = tf.Variable(tf.zeros([3, 3, 64, 64]))
    program = program_of([tf.exp(tf.nn.conv2d(tf.exp(x), filters, 1, "SAME"))], {x: np.zeros((8, side, side, 64))})
    outcome = FuseBlocks(min_edge=0, min_saved=0, max_whole=1000).run(program)
    assert ("Blocked" in ops(outcome.program)) == fits
    assert any("147456 would be gone through for each block" in d.reason for d in outcome.missed) != fits
    assert FuseBlocks(min_edge=0, min_saved=0, max_whole=147456).run(program).applied


def test_a_region_plans_less_memory() -> None:
    x = tf.placeholder(tf.float32, [256, 32, 32, 2])
    weights = tf.Variable(tf.random_normal([3, 3, 2, 16]))
    y = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(x, weights, [1, 1, 1, 1], "SAME")), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    gradient = tf.gradients(tf.reduce_mean(y), weights)[0]
    init = tf.global_variables_initializer()
    peaks = {}
    for level in ("O0", "O3"):
        with tf.Session(optimize=level) as session:
            session.run(init)
            session.run(gradient, {x: np.zeros((256, 32, 32, 2), np.float32)})
            peaks[level] = max(plan.peak for plan in session._runner.cache.plans)
    assert peaks["O3"] < 0.7 * peaks["O0"]


@pytest.mark.usefixtures("small_blocks")
def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 2])
    fetches, step = training(x)
    init = tf.global_variables_initializer()
    feed = {x: np.random.RandomState(0).randn(23, 8, 8, 2).astype(np.float32)}
    outcomes = []
    for size in (1, 2, 3, 8):
        monkeypatch.setattr(TEAM, "fixed_size", size)
        with tf.Session(backend="numpy", passes=PASSES) as session:
            session.run(init)
            for _ in range(3):
                session.run([*fetches, step], feed)
            outcomes.append(session.run(fetches, feed))
    for other in outcomes[1:]:
        for a, b in zip(outcomes[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def convolved(x: Any, channels: int = 3, seed: int = 0) -> Any:
    filters = np.random.RandomState(seed).randn(3, 3, x.shape[3].value, channels).astype(np.float32)
    return tf.nn.conv2d(x, tf.Variable(filters), [1, 1, 1, 1], "SAME")


def regions(program: Program) -> list[str]:
    return [repr(i.op) for i in program.instrs if isinstance(i.op, Region)]


FUSE = ["fuse_pointwise", "fuse_epilogue"]


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


# as text


X = "feed %x float32[8,6]\n"


def test_a_chain_becomes_a_region() -> None:
    check(
        EAGER,
        X + "%a = Tanh(%x)\n%y = Exp(%a)\nreturn %y",
        X
        + """
            %y = Blocked(%x) {cut=(True,), sums=(False,), batch=8} {
              feed %x float32[8,6]
              %a = Tanh(%x)
              %y = Exp(%a)
              return %y
            }
            return %y
        """,
    )


def test_a_sum_over_the_batch_is_a_sum_of_blocks() -> None:
    outcome = run(EAGER, X + "%a = Tanh(%x)\n%y = Sum(%a) {axis=(0,)}\nreturn %y")
    (op,) = [i.op for i in outcome.program.instrs if isinstance(i.op, Blocked)]
    assert (op.cut, op.sums, op.batch) == ((True,), (True,), 8)


IMAGES = "feed %i float32[8,4,4,2]\nfeed %w float32[3,3,2,20]\n"


@pytest.mark.parametrize(
    ("each", "text", "reason"),
    [
        (FuseBlocks(193, 0), "%a = Tanh(%x)\n%y = Exp(%a)\nreturn %y", "it has only 192 bytes"),
        (FuseBlocks(0, 193), "%a = Tanh(%x)\n%y = Exp(%a)\nreturn %y", "it would save only 192 bytes"),
        (EAGER, IMAGES + "%f = Tanh(%w)\n%y = Conv2D(%i, %f)\nreturn %y", "it is used whole"),
        (EAGER, "%a = Tanh(%x)\n%s = Sum(%a) {axis=(0,)}\n%e = Exp(%s)\n%y = Mul(%x, %e)\nreturn %y, %a, %s", None),
        (FuseBlocks(0, 0, 100), IMAGES + "%a = Tanh(%i)\n%y = Conv2D(%a, %w)\nreturn %y",
         "it has 1024 bytes, and 1440 would be gone through for each block"),
    ],
)  # fmt: skip
def test_why_there_is_no_region(each: FuseBlocks, text: str, reason: str | None) -> None:
    if reason is None:  # a sum is read outside of the region that makes it
        names = [repr(i.op) for i in run(each, X + text).program.instrs if isinstance(i.op, Blocked)]
        assert all("Sum" not in name or "Exp" not in name for name in names)
        return
    check_missed(each, X + text, reason)


@pytest.mark.parametrize(
    "text",
    [
        "%a = Tanh(%x) ^%x\n%y = Exp(%a)\nreturn %y",
        "%a = Tanh(%x)\n%y = Exp(%a)\n%z = Exp(%x) ^%a\nreturn %y, %z",
    ],
    ids=["a control input", "orders another"],
)
def test_order_keeps_a_region_from_being_made(text: str) -> None:
    assert not run(EAGER, X + text).applied


def test_a_path_that_comes_back_is_left_outside() -> None:
    away = "%t = Transpose(%a) {perm=(1, 0)}\n%u = Transpose(%t) {perm=(1, 0)}\n"
    check_missed(
        EAGER,
        X + "%a = Tanh(%x)\n" + away + "%y = Mul(%a, %u)\nreturn %y",
        "a path leaves the region and comes back, or leads through a sum",
    )


def test_what_reads_a_sum_over_the_batch_stays_outside() -> None:
    outcome = run(EAGER, X + "%a = Tanh(%x)\n%s = Sum(%a) {axis=(0,)}\n%y = Exp(%s)\nreturn %y")
    assert [repr(i.op) for i in outcome.program.instrs if isinstance(i.op, Blocked)] == ["Blocked(Tanh+Sum)"]
    assert "it is a sum over the batch" in {m.reason for m in outcome.missed}


def test_a_value_that_is_read_whole_and_by_blocks_keeps_a_region_from_being_made() -> None:
    text = "feed %i float32[3,4,4,1]\nfeed %w float32[3,1,1,4]\n%a = Tanh(%i)\n%y = Conv2D(%a, %w)\n"
    check_missed(EAGER, text + "%z = AddV2(%y, %w)\nreturn %z", "'Feed#1' is used both whole and by blocks")


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_rows_of_what_is_cut_are_those_of_the_results(name: str) -> None:
    """So that all instructions of a region have one batch."""
    for sample in REGISTRY[name].samples():
        arrays = [np.asarray(a) for a in sample.inputs]
        if any(a.dtype == object for a in arrays):
            continue
        types = [TensorType(as_dtype(a.dtype), a.shape) for a in arrays]
        op, kept = sample.op.specialise(types, arrays)
        types = [types[i] for i in kept]
        results = op.infer(*types)
        how = op.batching(types, results) if all(t.is_static for t in results) else None
        if how is not None and any(how.cut):
            rows = [t.static[0] for t, is_cut in zip(types, how.cut, strict=True) if is_cut]
            rows += [t.static[0] for t, is_sum in zip(results, how.sums, strict=True) if not is_sum]
            assert len(set(rows)) == 1
