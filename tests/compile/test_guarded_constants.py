"""Constants under control dependencies run what they depend on, and stay plain constants where nothing hinges on it.

Tests `compile/specialise.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import minigraph as tf
from minigraph.ops.constant import Const

USES: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda c, v: c,
    "as an operation": lambda c, v: c.op,
    "in another computation": lambda c, v: c * 2.0,
    "beside something of the block": lambda c, v: [c, c + c],
    "in a branch": lambda c, v: tf.cond(tf.placeholder_with_default(True, []), lambda: c, lambda: c + 1.0),
    "with another one": lambda c, v: c + _twin(c, v),
    "as a control input": lambda c, v: _after(c),
    "in a gradient": lambda c, v: tf.gradients(c * v, [v])[0],
    "as a copy": lambda c, v: tf.identity(c),
    "in a shape": lambda c, v: tf.fill([2], c),
}
MAKERS: dict[str, Callable[[], Any]] = {
    "constant": lambda: tf.constant(5.0),
    "zeros": lambda: tf.zeros([]),
    "convert_to_tensor": lambda: tf.convert_to_tensor(3.0),
}


def _twin(c: Any, v: Any) -> Any:
    """Another constant that depends on the same."""
    with tf.control_dependencies(c.op.control_inputs):
        return tf.constant(1.0)


def _after(c: Any) -> Any:
    with tf.control_dependencies([c]):
        return tf.no_op()


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("backend", "level"), [("numpy", "O0"), ("llvm", "O3")])
def test_what_a_constant_depends_on_runs(make: str, use: str, backend: str, level: str) -> None:
    v = tf.Variable(0.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        c = MAKERS[make]()
    fetch = USES[use](c, v)
    with tf.Session(backend=backend, optimize=level) as session:
        session.run(v.initializer)
        for runs in (1.0, 2.0):
            session.run(fetch)
            assert session.run(v) == runs


def test_a_fed_constant_runs_nothing() -> None:
    v = tf.Variable(0.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        c = tf.constant(5.0)
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(c + 1.0, {c: 1.0}) == 2.0
        assert session.run(v) == 0.0


def test_a_graph_that_is_read_again_runs_it_too() -> None:
    pytest.importorskip("tensorboard")
    v = tf.Variable(0.0, name="v")
    with tf.control_dependencies([v.assign_add(1.0)]):
        tf.constant(5.0, name="c")
    definition = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(definition, name="")
        session.run("v/Assign")
        assert session.run("c:0") == 5.0
        assert session.run("v:0") == 1.0


def test_in_its_block_a_constant_is_a_plain_operand() -> None:
    """What is computed in the block, also behind something of the block, comes after the dependencies anyway."""
    v, x = tf.Variable(0.0), tf.placeholder(tf.float32, [4])
    with tf.control_dependencies([v.assign_add(1.0)]):
        y = (x * 2.0 + 1.0) * tf.constant(3.0)
    plan, _ = tf.Session(backend="numpy", optimize="O0").plan_for(y, {x: [0.0] * 4})
    constants = {i for i in plan.original.instrs if isinstance(i.op, Const)}
    readers = [i.op for i in plan.original.instrs if any(value.instr in constants for value in i.inputs)]
    assert sorted(type(op).__name__ for op in readers) == ["AddV2", "AssignAdd", "Mul", "Mul"]


@pytest.mark.parametrize(
    "use",
    [
        lambda x, k: tf.pad(x, [[k, k]]), lambda x, k: tf.range(k), lambda x, k: tf.reshape(x, [k, k]),
        lambda x, k: tf.sequence_mask([1], k), lambda x, k: tf.tile(x, [k]), lambda x, k: tf.fill([k], 1.0),
        lambda x, k: tf.nn.top_k(x, k)[0], lambda x, k: x[:k],
    ],
)  # fmt: skip
def test_a_size_may_be_a_constant_of_a_block(use: Callable[[Any, Any], Any]) -> None:
    """What is to be known before a run is known."""
    v, x = tf.Variable(0.0), tf.placeholder(tf.float32, [None])
    with tf.control_dependencies([v.assign_add(1.0)]):
        k = tf.constant(2)
    with tf.Session() as session:
        session.run(v.initializer)
        expected = session.run(use(x, 2), {x: [1.0, 2.0, 3.0, 4.0]})
        assert session.run(use(x, k), {x: [1.0, 2.0, 3.0, 4.0]}).tolist() == expected.tolist()
