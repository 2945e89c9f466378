"""Variables, variable scopes, initializers and collections.

Tests `run/buffers.py`, `run/initializers.py`, `run/variable_lists.py` and `run/variable_scope.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.needed import needed

import minigraph as tf
from minigraph.core.errors import FailedPreconditionError

stats = needed("scipy.stats")


def values(*fetches: Any) -> list[Any]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(fetches))


# tf.Variable


def test_a_variable_has_the_type_and_value_it_starts_with() -> None:
    cases: list[tuple[Any, str, list[int]]] = [
        (1.5, "float32", []),
        (3, "int32", []),
        (True, "bool", []),
        ([[1.0, 2.0]], "float32", [1, 2]),
        (np.ones((2, 3)), "float64", [2, 3]),
        (np.zeros(0, np.uint8), "uint8", [0]),
        (tf.ones([2, 2]) * 3.0, "float32", [2, 2]),
        (lambda: tf.zeros([4], tf.int64), "int64", [4]),
        (lambda: [1.0, 2.0], "float32", [2]),
    ]
    made = [tf.Variable(initial) for initial, _, _ in cases]
    for v, (_, dtype, shape), value in zip(made, cases, values(*made), strict=True):
        assert v.dtype.name == dtype == value.dtype
        assert v.get_shape().as_list() == shape == list(v.shape.as_list()) == list(value.shape)
    assert tf.Variable(1, dtype=tf.float64).dtype == tf.float64


def test_names() -> None:
    assert [tf.Variable(0.0).name for _ in range(3)] == ["Variable:0", "Variable_1:0", "Variable_2:0"]
    v = tf.Variable(0.0, name="bias")
    assert (v.name, v.op.name, v.op.type) == ("bias:0", "bias", "VariableV2")
    assert v.value().name == "bias/read:0"
    assert v.initializer.name == "bias/Assign"
    with tf.name_scope("layer"):
        assert tf.Variable(0.0, name="bias").name == "layer/bias:0"
    assert "bias" in repr(v)


def test_bad_initial_values() -> None:
    with pytest.raises(ValueError, match="initial_value must be specified"):
        tf.Variable(None)
    with pytest.raises(ValueError, match="must have a shape specified"):
        tf.Variable(tf.placeholder(tf.float32, [None]))
    with pytest.raises(TypeError):
        tf.Variable("text")


def test_a_variable_made_under_control_dependencies_has_none() -> None:
    x = tf.placeholder(tf.float32, [], name="unfed")
    with tf.control_dependencies([x + 1.0]):
        v = tf.Variable(2.0)
    assert values(v) == [2]


def test_operators() -> None:
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    found = values(v + 1.0, 1.0 - v, v * v, v / 2.0, -v, v @ v, v[1], v > 2.0, abs(-v), v**2.0)
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    for got, want in zip(found, [a + 1, 1 - a, a * a, a / 2, -a, a @ a, a[1], a > 2, a, a**2], strict=True):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(TypeError, match="bool"):
        bool(v > 1.0)
    with pytest.raises(TypeError):
        list(v)


def test_assignments() -> None:
    v = tf.Variable([1.0, 2.0])
    n = tf.Variable(1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for update, expected in (
            (v.assign([5.0, 6.0]), [5, 6]),
            (v.assign_add([1.0, 1.0]), [6, 7]),
            (v.assign_sub([2.0, 2.0]), [4, 5]),
            (tf.assign(v, v * 2.0), [8, 10]),
            (tf.assign_add(v, v), [16, 20]),
            (tf.assign_sub(v, v), [0, 0]),
        ):
            assert session.run(update).tolist() == expected
            assert session.run(v).tolist() == expected
        assert session.run(n.assign_add(41)) == 42


def test_assignments_that_do_not_fit() -> None:
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match="Dimensions must be equal"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(TypeError):
        v.assign_add(tf.constant([1, 2]))
    with pytest.raises(TypeError, match=r"needs a tf\.Variable or a slice of one"):
        tf.assign(tf.constant(1.0), 2.0)
    with pytest.raises(TypeError, match=r"needs a tf\.Variable, not"):
        tf.assign_add(v[:1], 2.0)
    with pytest.raises(ValueError, match=r"a value of shape \(2,\) for a slice of shape \(1,\)"):
        v[:1].assign([1.0, 2.0])


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("level", ["O0", "O3"])
def test_slices_are_assigned_from_the_variable_itself(backend: str, level: Any) -> None:
    """Its old elements, though the new ones go to the same memory. NumPy does the same on a copy."""
    cases: list[tuple[Any, Any]] = [
        (np.s_[0:2], lambda v: v[1:3]),
        (np.s_[::-1], lambda v: v[:]),
        (np.s_[1:, ::-2], lambda v: v[0, :2] * 2),
        (np.s_[None, 1, 1], lambda v: v[0, 3]),
        (np.s_[3:], lambda v: v[3:]),
    ]
    start = np.arange(12, dtype=np.float32).reshape(3, 4)
    for at, of in cases:
        v = tf.Variable(start)
        assigned = v[at].assign(of(v))
        expected = start.copy()
        expected[at] = of(start)
        with tf.Session(backend=backend, optimize=level) as session:
            session.run(v.initializer)
            np.testing.assert_array_equal(session.run(assigned), expected)
            np.testing.assert_array_equal(session.run(v), expected)


def test_load_and_eval() -> None:
    v = tf.Variable([1.0, 2.0])
    nodes = len(tf.get_default_graph().nodes)
    with tf.Session() as session:
        v.load([3.0, 4.0], session)  # it needs no initialisation
        assert v.eval().tolist() == [3, 4]
        v.load(np.array([5, 6]))
        assert v.eval(session).tolist() == [5, 6]
        for wrong in ([1.0], 1.0, [[1.0, 2.0]]):
            with pytest.raises(ValueError, match="Variable"):
                v.load(wrong)
        assert v.eval().tolist() == [5, 6]
    assert len(tf.get_default_graph().nodes) == nodes
    with pytest.raises(ValueError, match="No default session"):
        v.load([1.0, 2.0])


def test_one_variable_from_anothers_initial_value() -> None:
    v = tf.Variable(tf.random_normal([5]))
    w = tf.Variable(v.initialized_value() * 2.0)
    a, b = values(v, w)
    np.testing.assert_array_equal(a * 2, b)
    assert v.initial_value is v.initialized_value()


def test_use_before_initialisation() -> None:
    v, w = tf.Variable(1.0, name="v"), tf.Variable(2.0, name="w")
    total = v + w
    with tf.Session() as session:
        session.run(v.initializer)
        with pytest.raises(FailedPreconditionError, match="uninitialized value w"):
            session.run(total)
        with pytest.raises(FailedPreconditionError, match="uninitialized value w"):
            session.run(w.assign_add(1.0))
        assert session.run(v) == 1
        session.run(tf.variables_initializer([w]))
        assert session.run(total) == 3
        session.run([v.assign(9.0), w.initializer])
        assert session.run(total) == 11


def test_initializers_of_all_variables() -> None:
    a = tf.Variable(1.0)
    local = tf.Variable(2.0, collections=[tf.GraphKeys.LOCAL_VARIABLES], trainable=False)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(a) == 1
        with pytest.raises(FailedPreconditionError):
            session.run(local)
        session.run(tf.local_variables_initializer())
        assert session.run(local) == 2
        session.run(tf.variables_initializer([]))
    with tf.Graph().as_default(), tf.Session() as session:
        session.run(tf.global_variables_initializer())


def test_initialising_again_draws_again() -> None:
    v = tf.Variable(tf.random_normal([10]))
    with tf.Session() as session:
        draws = []
        for _ in range(2):
            session.run(v.initializer)
            draws.append(session.run(v).tolist())
    assert draws[0] != draws[1]


# collections


def test_collections() -> None:
    a = tf.Variable(1.0, name="a")
    b = tf.Variable(1.0, trainable=False, name="b")
    with tf.variable_scope("layer"):
        c = tf.get_variable("c", [2])
    d = tf.Variable(1.0, collections=["mine"], name="d")
    assert tf.global_variables() == [a, b, c]
    assert tf.trainable_variables() == [a, c, d]
    assert tf.get_collection("mine") == [d]
    assert tf.global_variables(scope="layer") == [c]
    assert tf.trainable_variables("layer/") == [c]
    assert tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="a") == [a]
    tf.add_to_collection("mine", a)
    assert tf.get_collection("mine") == [d, a]
    tf.get_collection("mine").clear()  # a copy
    assert tf.get_collection("mine") == [d, a]
    assert tf.get_collection("nosuch") == []


# get_variable and variable_scope


def test_get_variable() -> None:
    v = tf.get_variable("w", [3, 4])
    assert (v.name, v.get_shape().as_list(), v.dtype) == ("w:0", [3, 4], tf.float32)
    with pytest.raises(ValueError, match=r"Variable w already exists, disallowed.*test_variables.py"):
        tf.get_variable("w", [3, 4])
    with pytest.raises(ValueError, match="must be fully defined"):
        tf.get_variable("u", [None, 3])
    with pytest.raises(ValueError, match="must be fully defined"):
        tf.get_variable("u")
    with tf.name_scope("outer"):  # no prefix for get_variable
        assert tf.get_variable("x", [1]).name == "x:0"
    assert tf.get_variable("n", [2], tf.int32).dtype == tf.int32


@pytest.mark.parametrize(
    "initializer", [0.0, 7.0, [1.0, 2.0], np.ones((2, 2)), np.zeros(1, np.float32), lambda: tf.ones([2]) * 2.0]
)
def test_constants_as_initializers(initializer: Any) -> None:
    constant = initializer() if callable(initializer) else initializer  # a tensor
    v = tf.get_variable("v", initializer=constant)
    with tf.variable_scope("scope", initializer=tf.ones_initializer()):
        w = tf.get_variable("w", initializer=constant)
    expected = values(constant)[0] if callable(initializer) else constant
    for value in values(v, w):
        np.testing.assert_array_equal(value, expected)
    with pytest.raises(ValueError, match="do not specify shape"):
        tf.get_variable("x", [2], initializer=constant)


def test_scopes_nest_and_prefix() -> None:
    with tf.variable_scope("a") as a:
        assert a.name == "a"
        with tf.variable_scope("b") as b:
            assert tf.get_variable_scope() is b
            assert tf.get_variable("w", [1]).name == "a/b/w:0"
            assert tf.constant(1.0).name == "a/b/Const:0"
            assert tf.Variable(1.0, name="v").name == "a/b/v:0"
        assert tf.get_variable("w", [1]).name == "a/w:0"
    assert tf.get_variable_scope().name == ""
    with tf.variable_scope("a"):
        assert tf.constant(1.0).name == "a_1/Const:0"
        assert tf.get_variable("u", [1]).name == "a/u:0"
    with tf.variable_scope(None, "block") as first, tf.variable_scope(None, "inner") as inner:
        assert (first.name, inner.name) == ("block", "block/inner")
    with tf.variable_scope(None, "block") as second:
        assert second.name == "block_1"
    with pytest.raises(TypeError), tf.variable_scope(None):
        pass


def test_reuse() -> None:
    with tf.variable_scope("net") as scope:
        w = tf.get_variable("w", [2])
    for again in (tf.variable_scope("net", reuse=True), tf.variable_scope(scope, reuse=True)):
        with again:
            assert tf.get_variable("w", [2]) is w
            assert tf.get_variable("w") is w
            with tf.variable_scope("inner"), pytest.raises(ValueError, match=r"Variable net/inner/x does not exist"):
                tf.get_variable("x", [2])  # reuse is inherited
            with pytest.raises(ValueError, match="does not exist"):
                tf.get_variable("nosuch", [2])
            with pytest.raises(ValueError, match="specified shape"):
                tf.get_variable("w", [3])
            with pytest.raises(ValueError, match="specified dtype"):
                tf.get_variable("w", [2], tf.float64)
    with tf.variable_scope("net"):
        with pytest.raises(ValueError, match="already exists"):
            tf.get_variable("w", [2])
        tf.get_variable_scope().reuse_variables()
        assert tf.get_variable("w", [2]) is w
    assert tf.global_variables() == [w]


def test_auto_reuse() -> None:
    def layer() -> tf.Variable:
        with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
            return tf.get_variable("w", [2])

    assert layer() is layer()
    assert len(tf.trainable_variables()) == 1


def test_an_error_leaves_the_scope() -> None:
    with pytest.raises(KeyError), tf.variable_scope("a"):
        raise KeyError
    assert tf.get_variable_scope().name == ""
    assert tf.constant(1.0).name == "Const:0"


def test_graphs_have_their_own_variables() -> None:
    v = tf.get_variable("w", [1])
    with tf.Graph().as_default():
        assert tf.get_variable("w", [1]) is not v
        assert tf.get_variable_scope().name == ""


def test_defaults_of_a_scope() -> None:
    penalty = lambda w: tf.reduce_sum(tf.square(w)) * 0.5  # noqa: E731
    with tf.variable_scope("a", initializer=tf.constant_initializer(3.0), regularizer=penalty):
        v = tf.get_variable("v", [2])
        with tf.variable_scope("b"):
            w = tf.get_variable("w", [2])
            u = tf.get_variable("u", [2], initializer=tf.zeros_initializer)  # the class will do
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    found = values(v, w, u, *losses)
    assert [a.tolist() for a in found] == [[3, 3], [3, 3], [0, 0], 9, 9, 0]


# initializers


def draw(initializer: Callable[..., Any], shape: list[int], seed: int = 5) -> np.ndarray:
    with tf.Graph().as_default():
        tf.set_random_seed(seed)
        v = tf.get_variable("v", shape, initializer=initializer)
        value: np.ndarray = values(v)[0]
        return value


def test_constant_initializers() -> None:
    assert draw(tf.zeros_initializer(), [2]).tolist() == [0, 0]
    assert draw(tf.ones_initializer(), [2]).tolist() == [1, 1]
    assert draw(tf.constant_initializer(2.5), [2, 1]).tolist() == [[2.5], [2.5]]
    assert draw(tf.constant_initializer([1, 2, 3]), [2, 2]).tolist() == [[1, 2], [3, 3]]
    for kind in (tf.zeros_initializer, tf.ones_initializer, tf.glorot_uniform_initializer):
        assert draw(kind, [3]).dtype == np.float32
    assert values(tf.ones_initializer(tf.float64)([2]))[0].dtype == np.float64


def test_distributions() -> None:
    shape = [200, 150]
    normal = draw(tf.random_normal_initializer(2.0, 3.0), shape).ravel()
    assert stats.kstest(normal, stats.norm(2, 3).cdf).pvalue > 1e-3
    cut = draw(tf.truncated_normal_initializer(2.0, 3.0), shape).ravel()
    assert np.abs(cut - 2).max() <= 6
    assert stats.kstest(cut, stats.truncnorm(-2, 2, 2, 3).cdf).pvalue > 1e-3
    uniform = draw(tf.random_uniform_initializer(-3.0, 1.0), shape).ravel()
    assert stats.kstest(uniform, stats.uniform(-3, 4).cdf).pvalue > 1e-3
    glorot = draw(tf.glorot_uniform_initializer(), shape).ravel()
    limit = math.sqrt(6 / 350)
    assert stats.kstest(glorot, stats.uniform(-limit, 2 * limit).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 3 * 3 * 20), ("fan_out", 3 * 3 * 60), ("fan_avg", 3 * 3 * 40)])
@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "untruncated_normal", "uniform"])
def test_variance_scaling(mode: str, fan: int, distribution: str) -> None:
    found = draw(tf.variance_scaling_initializer(2.0, mode, distribution), [3, 3, 20, 60]).ravel()
    assert found.std() == pytest.approx(math.sqrt(2.0 / fan), rel=0.03)
    assert abs(found.mean()) < 5 * math.sqrt(2.0 / fan / found.size)


def test_fans_of_small_shapes() -> None:
    assert np.abs(draw(tf.glorot_uniform_initializer(), [])).max() <= math.sqrt(3)
    assert np.abs(draw(tf.glorot_uniform_initializer(), [600])).max() <= math.sqrt(6 / 1200)
    assert draw(tf.glorot_normal_initializer(), [300, 100]).std() == pytest.approx(math.sqrt(2 / 400), rel=0.03)


def test_the_default_initializer() -> None:
    with tf.variable_scope("a"):
        w = tf.get_variable("w", [300, 100])
        n = tf.get_variable("n", [3], tf.int32)
    weights, integers = values(w, n)
    assert weights.std() == pytest.approx(math.sqrt(2 / 400), rel=0.03)
    assert np.abs(weights).max() <= math.sqrt(6 / 400)
    assert integers.tolist() == [0, 0, 0]


def test_seeds() -> None:
    shape = [10]
    assert (
        draw(tf.glorot_uniform_initializer(seed=1), shape).tolist()
        == draw(tf.glorot_uniform_initializer(seed=1), shape).tolist()
    )
    assert (
        draw(tf.glorot_uniform_initializer(), shape, 1).tolist()
        == draw(tf.glorot_uniform_initializer(), shape, 1).tolist()
    )
    assert (
        draw(tf.glorot_uniform_initializer(), shape, 1).tolist()
        != draw(tf.glorot_uniform_initializer(), shape, 2).tolist()
    )


def test_bad_initializers() -> None:
    for arguments in ((0.0,), (-1.0,), (1.0, "fan"), (1.0, "fan_in", "cauchy")):
        with pytest.raises(ValueError, match="must be"):
            tf.variance_scaling_initializer(*arguments)
