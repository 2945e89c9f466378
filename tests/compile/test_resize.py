"""Plans for other sizes of the same call: made from the passes' earlier work, and equal to plans made from scratch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.deep_networks import googlenet, residual_chain, resnet
from support.networks import vgg16

import minigraph as tf
from minigraph.compile.plan import Plan
from minigraph.core.op import format_attributes
from minigraph.ir.program import Program
from minigraph.ir.regions import Region
from minigraph.run import plan_cache

RNG = np.random.default_rng(2)


def count(x: Any) -> Any:
    return tf.cast(tf.shape(x)[0], tf.float32)


# Each takes and gives [N, d] or [N], with d of 1 to 4, so that it may be as long as the batch.
UNARY: list[Callable[[Any], Any]] = [
    tf.tanh,
    lambda x: tf.square(x) + 1.0,
    lambda x: x / count(x),
    lambda x: x * tf.ones_like(x) + tf.zeros_like(x),
    lambda x: x - tf.reduce_mean(x, 0),
    lambda x: x - tf.reduce_mean(x, 0, keepdims=True),
    lambda x: x / (1.0 + tf.reduce_sum(tf.square(x))),
    lambda x: x * tf.reduce_mean(tf.square(x)),
    lambda x: tf.nn.dropout(x, 1.0),
    lambda x: tf.reduce_max(x, 1) if x.shape.ndims == 2 else tf.expand_dims(x, 1),
    lambda x: tf.reduce_sum(x, -1, keepdims=True) if x.shape.ndims == 2 else x,
    lambda x: tf.log(tf.nn.softmax(x)) if x.shape.ndims == 2 else x,
    lambda x: tf.transpose(tf.nn.softmax(tf.transpose(x))) if x.shape.ndims == 2 else x,
    lambda x: tf.matmul(tf.matmul(x, tf.transpose(x)), x) if x.shape.ndims == 2 else x,
    lambda x: tf.matmul(x, tf.ones([x.get_shape().as_list()[1], 4])) if x.shape.ndims == 2 else x,
    lambda x: tf.reshape(tf.nn.softmax(tf.reshape(x, [-1, tf.shape(x)[0]])), tf.shape(x)) if x.shape.ndims == 2 else x,
    lambda x: tf.concat([x, x], 1)[:, :4] if x.shape.ndims == 2 else tf.concat([x[:1], x], 0)[1:],
    lambda x: x + tf.reduce_sum(tf.ones(tf.shape(x))),
    lambda x: x[:, :1] * x if x.shape.ndims == 2 else x,
    lambda x: x[::-1] + x[:1],
]
BINARY = [tf.add, tf.multiply, tf.maximum, lambda a, b: a / (tf.square(b) + 1.0)]


class Case:
    """A graph on a batch of unknown size."""

    def __init__(self, draw: Any) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.set_random_seed(5)
            self.x = tf.placeholder(tf.float32, [None, 3])
            self.y = tf.placeholder(tf.float32, [None])
            self.w = tf.Variable(np.linspace(-1, 1, 6).reshape(3, 2).astype(np.float32))
            values: list[Any] = [self.x, self.y, tf.matmul(self.x, self.w)]
            for _ in range(draw(st.integers(1, 7))):
                values.append(self._grow(draw, values))
            chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True))
            total = tf.add_n([tf.reduce_mean(tf.square(v)) for v in chosen])
            total += tf.reduce_mean(self.w)
            gradients = [g for g in tf.gradients(total, [self.x, self.y, self.w]) if g is not None]
            self.fetches = [*chosen, total, *gradients]
            if draw(st.booleans()):
                self.fetches.append(tf.train.MomentumOptimizer(0.1, 0.9).minimize(total))
            self.initialise = tf.global_variables_initializer()

    def _grow(self, draw: Any, values: list[Any]) -> Any:
        x = values[draw(st.integers(0, len(values) - 1))]
        if draw(st.booleans()):
            return draw(st.sampled_from(UNARY))(x)
        alike = [v for v in values if v.get_shape().as_list()[1:] in ([], x.get_shape().as_list()[1:])]
        other = draw(st.sampled_from(alike))
        if x.shape.ndims == 2 and other.shape.ndims == 1:
            other = tf.expand_dims(other, 1)
        return draw(st.sampled_from(BINARY))(x, other) if x.shape.ndims == other.shape.ndims else x

    def feeds(self, size: int) -> dict[Any, np.ndarray]:
        rng = np.random.default_rng(size)
        return {
            self.x: rng.normal(size=(size, 3)).astype(np.float32),
            self.y: rng.normal(size=size).astype(np.float32),
        }

    def run(self, session: tf.Session, size: int) -> list[np.ndarray]:
        session.run(self.initialise)
        return [v for v in session.run(self.fetches, self.feeds(size)) if v is not None]


@given(st.data(), st.lists(st.integers(1, 6), min_size=2, max_size=3, unique=True))
@settings(max_examples=120)
def test_other_sizes_give_what_the_definition_gives(data: st.DataObject, sizes: list[int]) -> None:
    with np.errstate(all="ignore"):
        case = Case(data.draw)
        with tf.Session(graph=case.graph, lint=False) as session:
            for size in sizes:
                found = case.run(session, size)
                with tf.Session(graph=case.graph, optimize="O0", lint=False) as fresh:
                    expected = case.run(fresh, size)
                for a, b in zip(found, expected, strict=True):
                    scale = np.nanmax(np.abs(b), initial=1e-3, where=np.isfinite(b))
                    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * float(scale))


def text(program: Program) -> str:
    """The program line by line, with those of regions, and names."""
    place = {i: n for n, i in enumerate(program.instrs)}
    lines = []
    for i in program.instrs:
        inner = text(i.op.program) if isinstance(i.op, Region) else format_attributes(i.op)
        inputs = [(place[v.instr], v.output) for v in i.inputs]
        lines.append(f"{type(i.op).__name__} {inputs} {[place[c] for c in i.control]} {i.types} {i.names} {inner}")
        if isinstance(i.op, Region):
            lines.append(str([getattr(i.op, n) for n in i.op.fields if n != "program"]))
    return "\n".join([*lines, str([(place[v.instr], v.output) for v in program.results])])


def described(plan: Plan) -> tuple[Any, ...]:
    steps = [(s.instr.name, type(s.instr.op).__name__, s.workspace) for s in plan.steps]
    return text(plan.program), steps, plan.lifetimes, plan.layout


def made_again(graph: tf.Graph, fetches: Any, feeds: Callable[[int], Any], sizes: Sequence[int]) -> list[bool]:
    """Whether each plan after the first took over the passes' work; all are compared to plans of fresh sessions."""
    again = []
    session = tf.Session(graph=graph, lint=False)
    session.plan_for(fetches, feeds(sizes[0]))
    (request,) = session._runner.cache.requests.values()
    for size in sizes[1:]:
        before = request.record
        plan, _ = session.plan_for(fetches, feeds(size))
        again.append(request.record is before)
        fresh, _ = tf.Session(graph=graph, lint=False).plan_for(fetches, feeds(size))
        assert described(plan) == described(fresh)
    return again


@pytest.mark.parametrize(
    "make",
    [lambda: resnet(50), lambda: googlenet(4), lambda: residual_chain(3, tf.recompute)],
    ids=["resnet", "inception", "chain"],
)
def test_a_training_step_for_other_batches_is_the_same_as_from_scratch(make: Callable[[], Any]) -> None:
    network = make()
    assert made_again(network.graph, network.fetches, network.feeds, (9, 8, 11)) == [True, True]


def test_inference_keeps_what_depends_on_variables_only() -> None:
    network = vgg16(2, 32, 10)
    images = np.zeros((8, 32, 32, 3), np.float32)
    again = made_again(network.graph, network.logits, lambda n: {network.images: images[:n]}, (7, 5))
    assert again == [True]


def test_blocks_of_the_batch_are_chosen_by_the_new_size() -> None:
    """The first batch is too small for any; the others are not."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 28, 28, 1])
        w = tf.Variable(tf.ones([5, 5, 1, 16]))
        y = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    images = np.zeros((200, 28, 28, 1), np.float32)
    assert made_again(graph, y, lambda n: {x: images[:n]}, (3, 200, 5)) == [True, True]


@pytest.mark.parametrize(
    ("sizes", "why"),
    [
        ((4, 3), "the batch was as long as a row"),
        ((1, 3), "there was nothing to sum"),
        ((3, 1), "there is nothing to sum"),
    ],
)
def test_what_only_holds_for_the_first_size_is_not_taken_over(sizes: tuple[int, int], why: str) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4])
        square = tf.reshape(x, [4, -1])
        y = tf.reduce_max(tf.nn.softmax(square + 1.0), 0)
        row = tf.Variable(tf.zeros([1, 4]))
        moved = tf.gradients(x * tf.reduce_sum(x, 0, keepdims=True), x)[0]
    values = RNG.normal(size=(4, 4)).astype(np.float32)
    assert made_again(graph, [y, moved, row], lambda n: {x: values[:n]}, sizes) == [False], why


def test_the_divisor_of_a_mean_follows_the_size() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 7])
        y = tf.reduce_mean(tf.square(x))
    values = RNG.normal(size=(11, 7)).astype(np.float32)
    with tf.Session(graph=graph) as session:
        for size in (11, 5, 2, 1, 9):
            found = session.run(y, {x: values[:size]})
            assert found == pytest.approx(np.mean(np.square(values[:size], dtype=np.float64)), rel=1e-6)


def test_an_empty_batch_after_others() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3])
        y = tf.reduce_sum(tf.square(x) + 1.0, 0)
    with tf.Session(graph=graph) as session:
        for size in (4, 0, 2):
            assert session.run(y, {x: np.ones((size, 3))}).tolist() == [2 * size] * 3


def test_what_is_kept_of_a_plan_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_cache, "PLAN_LIMIT", 2)
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None])
        y = tf.negative(tf.negative(x))
    with tf.Session(graph=graph) as session:
        for size in (2, 3, 4):
            session.plan_for(y, {x: np.ones(size)})
        (request,) = session._runner.cache.requests.values()
        assert list(request.plans) == [((3,),), ((4,),)]
        assert request.record is not None
        for size in (1, 2):
            session.plan_for(y + 1.0, {x: np.ones(size)})
        assert request.plans == {}
        assert request.record is None
        assert session.stats == (0, 5, 3, 2)


def test_a_pass_that_says_nothing_of_sizes_is_run_again() -> None:
    from minigraph.rewrite.driver import Outcome

    seen = []

    class Look:
        name = "look"

        def run(self, program: Program) -> Outcome:
            seen.append(program.feeds[0].static[0])
            return Outcome(program, [], [], 1)

    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None])
        y = tf.negative(tf.negative(x))
    with tf.Session(graph=graph, passes=["simplify", Look()]) as session:
        for size in (5, 3, 5):
            assert session.run(y, {x: np.ones(size)}).tolist() == [1] * size
        assert seen == [5, 3]
        assert session.stats.compiled == 2
