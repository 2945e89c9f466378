"""From a graph to a program: what is pruned, merged, folded and made explicit.

Tests `compile/assignment.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from support.verify_graph import verify_graph

import minigraph as tf
from minigraph.compile.plan import Plan
from minigraph.compile.specialise import specialise
from minigraph.core import errors
from minigraph.core.types import TensorType
from minigraph.ir.program import Builder, Feed, Program, Value
from minigraph.ir.verifier import verify_program
from minigraph.ops.array.reshape import ReshapeTo
from minigraph.ops.constant import Const


@pytest.fixture(autouse=True)
def _verified(graph: tf.Graph) -> Iterator[None]:
    yield
    verify_graph(graph)


def compiled(fetches: Sequence[Any], feeds: dict[tf.Tensor, Sequence[int]] | None = None) -> Program:
    """The program of a run in which feeds have the given shapes; it passes the verifier."""
    given = feeds or {}
    targets = [f for f in fetches if isinstance(f, tf.Operation)]
    tensors = [getattr(f, "ref", f) for f in fetches if not isinstance(f, tf.Operation)]
    types = [TensorType(t.dtype, tuple(s)) for t, s in given.items()]
    program = specialise(tensors, targets, list(given), types)
    verify_program(program)
    return program


def counts(program: Program) -> Counter[str]:
    return Counter(type(i.op).__name__ for i in program.instrs)


def ops(program: Program, kind: str) -> list[Any]:
    return [i.op for i in program.instrs if type(i.op).__name__ == kind]


# pruning


def test_only_what_is_fetched_is_compiled() -> None:
    x = tf.placeholder(tf.float32, [2])
    unfed = tf.placeholder(tf.float32, [2])
    y = tf.exp(x)
    _ = tf.sin(y) + unfed
    program = compiled([y], {x: [2]})
    assert counts(program) == {"Feed": 1, "Exp": 1}
    assert program.feeds == (TensorType(tf.float32, (2,)),)
    assert counts(compiled([tf.sin(y)], {y: [2]})) == {"Feed": 1, "Sin": 1}


def test_a_feed_that_nothing_reads() -> None:
    x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    assert counts(compiled([tf.exp(x)], {y: [2], x: [2]})) == {"Feed": 1, "Exp": 1}
    with tf.Session() as session:
        assert session.run(tf.exp(x), {y: [1, 2], x: [0, 0]}).tolist() == [1, 1]
    assert counts(compiled([x], {x: [2]})) == {"Feed": 1}


def test_inputs_that_are_read_for_their_shape_fall_away() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    costly = tf.exp(x)
    zeros = tf.zeros_like(costly)
    assert counts(compiled([zeros], {x: [4, 3]}))["Exp"] == 0
    assert counts(compiled([tf.shape(costly)], {x: [4, 3]}))["Exp"] == 0
    grad = tf.gradients(tf.reduce_sum(tf.exp(x)), x)[0]
    assert counts(compiled([grad], {x: [4, 3]}))["Sum"] == 0


# common subexpressions


def test_equal_computations_merge() -> None:
    x = tf.placeholder(tf.float32, [2, 2])
    y = tf.exp(tf.matmul(x, x)) + tf.exp(tf.matmul(x, x))
    assert counts(compiled([y], {x: [2, 2]})) == {"Feed": 1, "MatMul": 1, "Exp": 1, "AddV2": 1}
    same = compiled([tf.exp(x), tf.exp(tf.identity(x))], {x: [2, 2]})
    assert same.results[0] == same.results[1]


def test_a_merged_instruction_keeps_all_names() -> None:
    x = tf.placeholder(tf.float32, [2])
    program = compiled([tf.exp(x, name="first"), tf.exp(x, name="second")], {x: [2]})
    (instr,) = [i for i in program.instrs if type(i.op).__name__ == "Exp"]
    assert instr.names == ["first", "second"]
    assert instr.name == "first"


def test_attributes_and_types_keep_computations_apart() -> None:
    x = tf.placeholder(tf.float32, [2, 2])
    sums = [tf.reduce_sum(x, 0), tf.reduce_sum(x, 1), tf.reduce_sum(x, 1, keepdims=True), tf.reduce_sum(x)]
    assert counts(compiled(sums, {x: [2, 2]}))["Sum"] == 4


@pytest.mark.parametrize(
    "values",
    [
        [0.0, -0.0],
        [1, True, 1.0],
        [np.float32(1), np.float64(1), np.int32(1), np.int64(1), np.uint8(1), np.True_],
        [[1.0], [[1.0]], 1.0],
        [0, False, 0.0],
    ],
)
def test_constants_that_look_alike_stay_apart(values: list[Any]) -> None:
    made = [tf.constant(v) for v in values]
    program = compiled([*made, *(tf.constant(v) for v in values)])
    assert counts(program) == {"Const": len(values)}
    with tf.Session() as session:
        for value, found in zip(values, session.run(made), strict=True):
            assert np.signbit(np.asarray(value, float)).tolist() == np.signbit(np.asarray(found, float)).tolist()
            assert np.shape(value) == np.shape(found)


def test_the_sign_of_zero_survives_arithmetic() -> None:
    x = tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        plus, minus = session.run([x / 0.0, x / -0.0], {x: 1.0})
    assert (plus, minus) == (np.inf, -np.inf)


@pytest.mark.parametrize("seed", [None, 5])
def test_random_nodes_never_merge(seed: int | None) -> None:
    draws = [tf.random_uniform([100], seed=seed) for _ in range(3)] + [tf.random_normal([100], seed=seed)]
    program = compiled(draws)
    assert counts(program)["RandomUniform"] == 3
    with tf.Session() as session:
        first, second, third, _ = session.run(draws)
        assert (seed is None) == (first.tolist() != second.tolist())  # equal seeds, equal numbers
        assert (seed is None) == (second.tolist() != third.tolist())
        assert session.run(draws[0]).tolist() != first.tolist()


def test_one_random_node_is_one_draw() -> None:
    u = tf.random_uniform([100])
    with tf.Session() as session:
        a, b = session.run([u * 2.0, u * 3.0])
    np.testing.assert_allclose(a * 1.5, b, rtol=1e-6)


def test_assignments_and_reads_never_merge() -> None:
    v = tf.Variable(1.0)
    updates = [v.assign_add(1.0), v.assign_add(1.0)]
    assert counts(compiled(updates))["AssignAdd"] == 2
    with tf.control_dependencies([updates[0]]):
        late = v.read_value()
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([v.read_value(), late]) == [1, 2]


def test_interning() -> None:
    builder = Builder()
    one = builder.add(Const(np.array(1.0)))
    assert builder.add(Const(np.array(1.0))) is one
    assert builder.add(Const(np.array(1.0)), (), (one,)) is not one
    assert builder.add(Const(np.array(1))) is not one
    x = builder.add(Feed(0, TensorType(tf.float32, (2,))))
    assert builder.add(Feed(1, TensorType(tf.float32, (2,)))) is not x
    assert builder.add(Feed(0, TensorType(tf.float32, (3,)))) is not x
    assert Value(x, 0) == Value(x, 0)


# shapes


def test_every_type_is_static() -> None:
    x = tf.placeholder(tf.float32)
    y = tf.placeholder(tf.float32, [None, None])
    z = tf.matmul(tf.nn.relu(x), y) + 1.0
    program = compiled([z], {x: [5, 3], y: [3, 2]})
    assert program.results[0].type == TensorType(tf.float32, (5, 2))
    assert all(t.is_static for i in program.instrs for t in i.types)


def test_shape_arithmetic_is_done_at_compile_time() -> None:
    x = tf.placeholder(tf.float32, [None, None, 4])
    dims = tf.shape(x)
    rows = dims[0] * dims[1]
    flat = tf.reshape(x, tf.stack([rows, 4]))
    halves = tf.reshape(x, [dims[0], -1, tf.size(x) // (2 * rows)])
    fill = tf.fill(tf.concat([dims[:1], [2]], 0), 7.0)
    noise = tf.random_uniform(tf.shape(flat))
    program = compiled([flat, halves, fill, noise], {x: [3, 5, 4]})
    assert [r.type.shape for r in program.results] == [(15, 4), (3, 10, 2), (3, 2), (15, 4)]
    assert not {"Shape", "Pack", "ReshapeTo", "StridedSlice", "Size", "ConcatV2", "FloorDiv"} & counts(program).keys()
    with tf.Session() as session:
        for shape in ((3, 5, 4), (1, 2, 4), (0, 5, 4)):
            value = np.random.default_rng(0).normal(size=shape).astype(np.float32)
            assert session.run(flat, {x: value}).tolist() == value.reshape(-1, 4).tolist()
        assert session.run(fill, {x: np.ones((3, 5, 4))}).tolist() == [[7, 7]] * 3
        assert session.run(rows, {x: np.ones((3, 5, 4))}) == 15


def test_same_padding_becomes_numbers() -> None:
    x = tf.placeholder(tf.float32, [None, None, None, 2])
    w = tf.constant(np.ones((3, 4, 2, 6), np.float32))
    y = tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
    z = tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    program = compiled([z], {x: [1, 7, 8, 2]})
    (conv,) = ops(program, "Conv2D")
    (pool,) = ops(program, "MaxPool")
    assert conv.padding == ((1, 1), (1, 1))
    assert pool.padding == ((0, 0), (0, 0))
    assert ops(compiled([z], {x: [1, 6, 9, 2]}), "Conv2D")[0].padding == ((0, 1), (1, 2))
    assert ops(compiled([z], {x: [1, 6, 9, 2]}), "MaxPool")[0].padding == ((0, 1), (0, 1))
    valid = tf.nn.conv2d(x, w, [1, 2, 2, 1], "VALID")
    assert ops(compiled([valid], {x: [1, 7, 8, 2]}), "Conv2D")[0].padding == ((0, 0), (0, 0))


def test_a_shape_that_depends_on_values() -> None:
    x = tf.placeholder(tf.float32, [None])
    n = tf.placeholder(tf.int32, [2])
    y = tf.reshape(x, n, name="shaped")
    with tf.Session() as session:
        for shape in ([2, 3], [3, 2], [-1, 1]):
            assert session.run(y, {x: np.arange(6.0), n: shape}).tolist() == np.arange(6.0).reshape(shape).tolist()
        with pytest.raises(errors.InvalidArgumentError, match=r"6 elements to shape \[2, 4\]") as caught:
            session.run(y, {x: np.ones(6), n: [2, 4]})
        assert "'shaped'" in str(caught.value)
        assert "test_specialise.py" in str(caught.value)
        assert "tf.reshape(x, n" in str(caught.value)
        assert caught.value.op is y.op


def test_a_shape_that_the_host_does_not_read_before_the_run() -> None:
    """The function tf.reshape sees to that; a node of its op alone does not."""
    x, n = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [2])
    y = x.graph.add(ReshapeTo(), (x, n), "shaped").outputs[0]
    with tf.Session() as session:
        with pytest.raises(errors.InvalidArgumentError, match="only known when the graph runs") as caught:
            session.run(y, {x: np.ones(6), n: [2, 3]})
        assert "'shaped'" in str(caught.value)
        assert caught.value.op is y.op


def test_a_reshape_that_turns_out_not_to_fit() -> None:
    x = tf.placeholder(tf.float32, [None])
    y = tf.reshape(x, [-1, 4], name="rows")
    with tf.Session() as session:
        with pytest.raises(errors.InvalidArgumentError, match=r"'rows' on \[float32\[6\]\].*test_specialise.py"):
            session.run(y, {x: np.ones(6)})
        assert session.run(y, {x: np.ones(8)}).shape == (2, 4)


def test_identities_take_no_step() -> None:
    x = tf.placeholder(tf.float32, [2])
    y = tf.identity(tf.stop_gradient(tf.identity(x)))
    assert counts(compiled([y], {x: [2]})) == {"Feed": 1}
    default = tf.placeholder_with_default(tf.exp(x), [None])
    assert counts(compiled([default], {x: [2]})) == {"Feed": 1, "Exp": 1}


def test_views_take_no_step() -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    y = tf.squeeze(tf.expand_dims(tf.reshape(tf.tanh(x), [-1, 2, 2]), 0), 0)
    program = compiled([y], {x: [3, 4]})
    session = tf.Session()
    plan = Plan(program, session.backend, session.buffers)
    assert [type(s.instr.op).__name__ for s in plan.steps] == ["Tanh"]
    assert plan.run([np.zeros((3, 4), np.float32)])[0].shape == (3, 2, 2)


# control dependencies


def test_control_dependencies_are_part_of_the_program() -> None:
    v = tf.Variable(0.0)
    count = v.assign_add(1.0)
    x = tf.placeholder(tf.float32, [])
    plain = tf.exp(x)
    with tf.control_dependencies([count]):
        counted = tf.exp(x)
        alias = tf.identity(plain)
        done = tf.no_op()
    assert counts(compiled([plain], {x: []}))["AssignAdd"] == 0
    for fetch in (counted, alias, done, tf.group(done), counted + 1.0):
        assert counts(compiled([fetch], {x: []}))["AssignAdd"] == 1
    program = compiled([plain, counted], {x: []})
    assert counts(program)["Exp"] == 2  # they are not the same moment


def test_a_program_of_a_training_step_is_valid() -> None:
    x = tf.placeholder(tf.float32, [None, 6, 6, 1])
    labels = tf.placeholder(tf.int32, [None])
    w = tf.get_variable("w", [3, 3, 1, 4])
    hidden = tf.nn.dropout(tf.nn.relu(tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")), 0.5)
    logits = tf.matmul(tf.reshape(hidden, [-1, 36]), tf.get_variable("v", [36, 3]))
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    train = tf.train.AdamOptimizer().minimize(loss, tf.train.get_or_create_global_step())
    for batch in (1, 7, 0):
        program = compiled([train, loss], {x: [batch, 6, 6, 1], labels: [batch]})
        assert counts(program)["ApplyAdam"] == 2
    initial = compiled([tf.global_variables_initializer()])
    assert counts(initial)["Assign"] == len(tf.global_variables())


def test_every_instruction_knows_its_line() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.zeros([3, 2]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    for instr in compiled([train, loss], {x: [4, 3]}).instrs:
        assert instr.source is not None
        assert instr.source.file == __file__


@pytest.mark.parametrize(
    ("names", "scopes", "again"),
    [
        (("a", "b"), ("", ""), False),  # a function that makes all placeholders
        (("x", "y"), ("model", "model"), False),
        (("a", "a"), ("", ""), True),
        ((None, None), ("", ""), True),
        (("x", "x"), ("model", "model"), True),
    ],
)
def test_the_advice_on_code_that_was_run_again(names: Sequence[Any], scopes: Sequence[str], again: bool) -> None:
    def made(name: str | None, scope: str) -> tf.Tensor:
        with tf.name_scope(scope or None):
            return tf.placeholder(tf.float32, [2], name=name)

    one, other = map(made, names, scopes)
    with tf.Session(backend="numpy") as session, pytest.raises(errors.InvalidArgumentError) as caught:
        session.run(one + other, {one: [1.0, 2.0]})
    assert ("If that code was run again" in str(caught.value)) == again
