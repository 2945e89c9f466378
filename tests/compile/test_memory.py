"""The memory plan: buffers in use at one time never overlap, and sharing changes no result."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.deep_networks import Network, googlenet, resnet
from support.evaluate import evaluate

import minigraph as tf
from minigraph.compile.memory import Lifetime, lower_bound, plan_memory
from minigraph.compile.plan import Plan
from minigraph.compile.specialise import specialise
from minigraph.core.types import TensorType
from minigraph.ir.program import Cell, Feed, Value
from minigraph.ir.verifier import verify_program
from minigraph.ops.constant import Const
from minigraph.util.alignment import ALIGNMENT

SLOW = pytest.mark.slow

lifetimes = st.lists(
    st.builds(lambda size, start, length: Lifetime(size, start, start + length),
              st.integers(0, 5000), st.integers(-1, 30), st.integers(0, 12)),
    max_size=40,
)  # fmt: skip


def padded(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


@given(lifetimes)
def test_buffers_that_live_together_are_apart(buffers: list[Lifetime]) -> None:
    layout = plan_memory(buffers)
    assert len(layout.offsets) == len(buffers)
    for (a, at), (b, bt) in itertools.combinations(zip(buffers, layout.offsets, strict=True), 2):
        if a.start <= b.end and b.start <= a.end and a.size and b.size:
            assert at + a.size <= bt or bt + b.size <= at
    for buffer, offset in zip(buffers, layout.offsets, strict=True):
        assert offset >= 0
        assert offset % ALIGNMENT == 0
        assert offset + buffer.size <= layout.peak
    steps = range(-1, 45)
    most = max(sum(padded(b.size) for b in buffers if b.start <= step <= b.end) for step in steps)
    assert lower_bound(buffers) == most <= layout.peak <= sum(padded(b.size) for b in buffers)


@given(lifetimes)
def test_without_reuse_nothing_is_shared(buffers: list[Lifetime]) -> None:
    layout = plan_memory(buffers, reuse=False)
    assert layout.peak == sum(padded(b.size) for b in buffers)
    spans = sorted((o, o + b.size) for o, b in zip(layout.offsets, buffers, strict=True) if b.size)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert all(o % ALIGNMENT == 0 for o in layout.offsets)


def test_a_chain_needs_two_buffers() -> None:
    chain = [Lifetime(1000, k, k + 1) for k in range(20)]
    assert plan_memory(chain).peak == lower_bound(chain) == 2 * padded(1000)
    assert plan_memory([]).peak == lower_bound([]) == 0


# plans of random graphs


@st.composite
def graphs(draw: st.DrawFn) -> tuple[tf.Graph, list[tf.Tensor], dict[tf.Tensor, np.ndarray]]:
    """A graph on two fed tensors, what is fetched, and feeds. Views, broadcasts, several outputs and random
    consumers are in it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    with tf.Graph().as_default() as graph:
        rows = draw(st.integers(1, 40))
        x = tf.placeholder(tf.float32, [None, 6])
        y = tf.placeholder(tf.float32, [6, 6])
        feeds = {x: rng.normal(size=(rows, 6)).astype(np.float32), y: rng.normal(size=(6, 6)).astype(np.float32)}
        wide = [x, tf.matmul(x, y), x * tf.constant(rng.normal(size=6).astype(np.float32))]  # all [rows, 6]
        for _ in range(draw(st.integers(1, 12))):
            a, b, c = (draw(st.sampled_from(wide)) for _ in range(3))
            flat = tf.reshape(a, [-1])
            choices: list[Any] = [
                lambda a=a, b=b: a + b,
                lambda a=a, b=b: tf.maximum(a, b) * 0.5,
                lambda a=a: tf.tanh(a),
                lambda a=a: tf.nn.relu(a),
                lambda a=a: tf.nn.softmax(a),
                lambda a=a: tf.matmul(a, y),
                lambda a=a, b=b, c=c: tf.where(a > b, b, c),
                lambda a=a, flat=flat: tf.reshape(tf.sin(flat), tf.shape(a)),
                lambda a=a: a - tf.reduce_mean(a, 0, keepdims=True),
                lambda a=a: tf.transpose(tf.matmul(y, tf.transpose(a))),
                lambda a=a, b=b: tf.concat([a, b], 1)[:, 3:9],
                lambda a=a, b=b: tf.add_n([a, b, a]),
                lambda a=a, flat=flat: tf.reshape(tf.identity(flat), [-1, 6]) * tf.reduce_sum(flat),
                lambda a=a, b=b: tf.split(tf.concat([a, b], 0), 2)[1],
                lambda a=a: tf.cast(tf.cast(a, tf.int32), tf.float32),
                lambda a=a: tf.gradients(tf.reduce_sum(tf.square(tf.sin(a))), a)[0],
            ]
            wide.append(draw(st.sampled_from(choices))())
        extra = [tf.reduce_sum(wide[-1]), tf.argmax(wide[-1], 1), tf.reshape(wide[-1], [-1]), y]
        fetches = draw(st.lists(st.sampled_from([*wide, *extra]), min_size=1, max_size=4))
        return graph, fetches, feeds


def compile_plan(session: tf.Session, fetches: Sequence[tf.Tensor], feeds: dict[Any, Any], reuse: bool = True) -> Plan:
    types = [TensorType(t.dtype, a.shape) for t, a in feeds.items()]
    program = specialise(list(dict.fromkeys(fetches)), [], list(feeds), types)
    verify_program(program)
    return Plan(program, session.backend, session.buffers, reuse)


def check_layout(plan: Plan) -> None:
    """Replay the plan on an arena of labels: each launch must find the contents it reads, and each result stay."""
    where: dict[Value, Value] = {}

    def content(value: Value) -> Value:
        """The value whose elements these are: views have those of their input."""
        op = value.instr.op
        if op.is_view and value not in where:
            return content(value.instr.inputs[0])
        return value

    def span(value: Value) -> slice | None:
        """The 64-byte lines of the arena that a value lies in; None where it lies elsewhere."""
        root = plan.root(value)
        if root not in plan.slots:
            assert isinstance(root.instr.op, Cell | Const)
            return None
        offset = plan.layout.offsets[plan.slots[root]]
        assert offset % ALIGNMENT == 0
        assert offset + value.type.nbytes <= plan.peak
        return slice(offset // ALIGNMENT, (offset + padded(value.type.nbytes)) // ALIGNMENT)

    lines = np.full(plan.peak // ALIGNMENT, None, object)

    def put(value: Value) -> None:
        if (place := span(value)) is not None:
            lines[place] = [value] * (place.stop - place.start)

    def holds(value: Value) -> bool:
        place = span(value)
        return place is None or all(line == content(value) for line in lines[place])

    def overlap(a: slice | None, b: slice | None) -> bool:
        return a is not None and b is not None and max(a.start, b.start) < min(a.stop, b.stop)

    for instr in plan.program.instrs:
        if isinstance(instr.op, Feed):
            put(Value(instr, 0))
    for step in plan.steps:
        assert all(holds(v) for v in step.inputs), f"{step.instr} finds something else in its inputs"
        made = [v for v in step.outputs if v is not None and v not in step.inputs]
        touched = [span(v) for v in made]
        if step.workspace >= 0:
            start = plan.layout.offsets[step.workspace] // ALIGNMENT
            room = slice(start, start + padded(step.lowered.workspace) // ALIGNMENT)
            assert not any(overlap(room, span(v)) for v in (*step.inputs, *made))
            assert room.stop <= len(lines)
            lines[room] = "workspace"
            touched.append(room)
        for i, value in enumerate(made):
            shared = [p for p, v in enumerate(step.inputs) if overlap(span(value), span(v))]
            if shared:
                assert value.output == 0
                assert len(shared) == 1
                assert shared[0] in step.lowered.inplace
                assert span(value) == span(step.inputs[shared[0]])
            assert not any(overlap(span(value), other) for j, other in enumerate(touched) if j != i)
            where[value] = value
            put(value)
    assert all(holds(v) for v in plan.program.results)


@given(graphs())
@settings(max_examples=80)
def test_random_plans(case: tuple[tf.Graph, list[tf.Tensor], dict[tf.Tensor, np.ndarray]]) -> None:
    graph, fetches, feeds = case
    with tf.Session(graph=graph) as session:
        shared = compile_plan(session, fetches, feeds)
        apart = compile_plan(session, fetches, feeds, reuse=False)
        check_layout(shared)
        check_layout(apart)
        assert lower_bound(shared.lifetimes) <= shared.peak <= apart.peak
        assert apart.peak == sum(padded(b.size) for b in apart.lifetimes)
        arrays = list(feeds.values())
        first = shared.run(arrays)
        for plan in (shared, apart, shared):
            for poison in (0xFF, 0x7F, 0x00):  # NaN, a large number, zero
                session.buffers.arena(0)[:] = poison
                again = plan.run(arrays)
                assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again, strict=True))
        found = session.run(fetches, feeds)
    with graph.as_default():
        for value, expected in zip(found, evaluate(fetches, feeds), strict=True):
            assert (value.dtype, value.shape) == (expected.dtype, expected.shape)
            np.testing.assert_allclose(value, expected, rtol=2e-4, atol=2e-4 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_a_result_takes_the_place_of_an_operand_that_ends(backend: str) -> None:
    """Not where the operand is fed, as that of exp, or read again later, as that of sin."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [4096])
        a = tf.exp(x)
        b = tf.sqrt(tf.reshape(a, [64, 64]))
        c = tf.sin(b)
        y = tf.reshape(c, [4096]) * tf.reshape(b, [4096])
        with tf.Session(graph=graph, backend=backend) as session:
            feeds = {x: np.ones(4096, np.float32)}
            plan = compile_plan(session, [y], feeds)
            check_layout(plan)
            places = [plan.slots.get(plan.root(Value(s.instr, 0))) for s in plan.steps if not s.instr.op.is_view]
            names = [type(s.instr.op).__name__ for s in plan.steps if not s.instr.op.is_view]
    at = dict(zip(names, places, strict=True))
    assert at["Exp"] == at["Sqrt"] != at["Sin"]
    assert at["Mul"] in (at["Sin"], at["Sqrt"])


def network() -> tuple[list[Any], dict[Any, Any], list[tf.Variable]]:
    rng = np.random.default_rng(3)
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [None, 8, 8, 1])
    labels = tf.placeholder(tf.float32, [None, 4])
    kernel = tf.Variable(tf.random_normal([3, 3, 1, 5]))
    dense = tf.Variable(tf.random_normal([80, 4]))
    hidden = tf.nn.max_pool(
        tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")), [1, 2, 2, 1], [1, 2, 2, 1], "SAME"
    )
    logits = tf.matmul(tf.nn.dropout(tf.reshape(hidden, [-1, 80]), 0.5), dense)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    train = tf.train.AdamOptimizer(0.1).minimize(loss)
    feeds = {x: rng.normal(size=(6, 8, 8, 1)), labels: np.eye(4)[rng.integers(0, 4, 6)]}
    return [train, loss, tf.argmax(logits, 1)], feeds, tf.global_variables()


def test_a_poisoned_arena_changes_no_training_step() -> None:
    with tf.Graph().as_default():
        fetches, feeds, variables = network()
        init = tf.global_variables_initializer()
        states = []
        for poison in (None, 0xFF, 0x7F):
            with tf.Session() as session:
                session.run(init)
                losses = []
                for _ in range(4):
                    if poison is not None:
                        session.buffers.arena(0)[:] = poison
                    losses.append(session.run(fetches, feeds)[1])
                states.append((losses, [v.tobytes() for v in session.run(variables)]))
        assert states[0] == states[1] == states[2]


def test_the_layout_of_a_training_step() -> None:
    with tf.Graph().as_default():
        fetches, feeds, _ = network()
        session = tf.Session()
        arrays = {t: np.asarray(v, np.float32) for t, v in feeds.items()}
        types = [TensorType(t.dtype, a.shape) for t, a in arrays.items()]
        program = specialise(fetches[1:], fetches[:1], list(arrays), types)
        plan = Plan(program, session.backend, session.buffers)
        check_layout(plan)
        apart = Plan(program, session.backend, session.buffers, reuse=False)
        check_layout(apart)
        assert lower_bound(plan.lifetimes) <= plan.peak < 0.7 * apart.peak


@pytest.mark.parametrize(
    "make",
    [lambda: resnet(50, side=32, width=8), lambda: googlenet(side=32), pytest.param(lambda: resnet(152), marks=SLOW)],
    ids=["50 layers", "Inception modules", "152 layers"],
)
@pytest.mark.parametrize("optimize", ["O0", "O3"])
def test_the_plan_of_a_deep_network_is_close_to_the_bound(make: Callable[[], Network], optimize: str) -> None:
    network = make()
    plan = tf.Session(graph=network.graph, optimize=optimize).plan_for(network.fetches, network.feeds(4))[0]
    assert lower_bound(plan.lifetimes) <= plan.peak <= 1.15 * lower_bound(plan.lifetimes)


def test_a_long_chain_runs_in_the_memory_of_a_short_one() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [1000])
        peaks = []
        for length in (4, 40):
            y = x
            for _ in range(length):
                y = tf.transpose(tf.reshape(tf.tanh(y), [10, 100]))
                y = tf.reshape(y, [-1])
            session = tf.Session()
            peaks.append(compile_plan(session, [y], {x: np.zeros(1000, np.float32)}).peak)
        assert peaks[0] == peaks[1] <= 3 * padded(4000)


def test_a_chain_of_pointwise_ops_takes_over_one_buffer() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [100])
        y = x
        for _ in range(10):
            y = tf.reshape(tf.abs(y), [10, 10])
            y = tf.reshape(tf.sqrt(y), [100])
        plan = compile_plan(tf.Session(), [y], {x: np.ones(100, np.float32)})
        assert len(plan.lifetimes) == 1


@pytest.mark.parametrize("order", [(1, 1000, 1), (1000, 1, 1000)])
def test_plans_of_different_sizes_share_the_arena(order: tuple[int, ...]) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3])
        y = tf.reduce_sum(tf.tanh(x) * x, 1)
        with tf.Session() as session:
            kept = []
            for size in order * 3:
                value = np.random.default_rng(size).normal(size=(size, 3)).astype(np.float32)
                kept.append((session.run(y, {x: value}), np.sum(np.tanh(value) * value, 1)))
            for found, expected in kept:
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
            assert session.stats.compiled == 2


def test_a_larger_arena_replaces_the_old_one() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None])
        y = tf.exp(x) + 1.0
        with tf.Session() as session:
            session.run(y, {x: np.zeros(10)})
            old = weakref.ref(session.buffers.arena(0).base)
            assert old() is not None
            session.run(y, {x: np.zeros(1000)})
            assert old() is None  # no plan holds on to it
            assert session.run(y, {x: np.zeros(10)}).tolist() == [2] * 10
