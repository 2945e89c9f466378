"""Pointwise ops against NumPy, their broadcasting and its gradients, and TensorFlow's rules at kinks and ties.

Tests `ops/math/arithmetic.py`, `ops/math/comparison.py`, `ops/math/exponential.py`, `ops/math/extremes.py`,
`ops/math/finite.py`, `ops/math/rounding.py`, `ops/math/selection.py`, `ops/math/trigonometric.py`, `ops/pointwise.py`
and `ops/broadcast.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.evaluate import Case, check_gradients, evaluate
from support.needed import needed

import minigraph as tf
from minigraph.autodiff.gradients import gradients
from minigraph.core.errors import DTypeError, GraphError, ShapeError
from minigraph.core.graph import Graph
from minigraph.ops.builder import apply
from minigraph.ops.constant import constant, placeholder
from minigraph.ops.math.matmul import matmul
from minigraph.ops.nn.activation import Elu, Relu, Softplus

special = needed("scipy.special")

BINARY = {
    tf.add: np.add, tf.subtract: np.subtract, tf.multiply: np.multiply, tf.truediv: np.divide, tf.maximum: np.maximum,
    tf.minimum: np.minimum, tf.squared_difference: lambda a, b: (a - b) ** 2, tf.pow: np.power, tf.floormod: np.mod,
}  # fmt: skip
UNARY = {
    tf.negative: np.negative, tf.abs: np.abs, tf.sign: np.sign, tf.floor: np.floor, tf.ceil: np.ceil,
    tf.round: np.round, tf.exp: np.exp, tf.square: np.square, tf.sin: np.sin, tf.cos: np.cos, tf.tanh: np.tanh,
    tf.sigmoid: lambda x: special.expit(x),
}  # fmt: skip
POSITIVE = {
    tf.log: np.log,
    tf.log1p: np.log1p,
    tf.sqrt: np.sqrt,
    tf.rsqrt: lambda a: a**-0.5,
    tf.reciprocal: lambda a: 1 / a,
}
DIFFERENTIABLE = [f for f in BINARY if f is not tf.floormod]


def name(function: Any) -> str:
    return str(function.__name__)


def grads(build: Any, *arrays: Any) -> list[list[float]]:
    """∂Σ build / ∂ each array."""
    case = Case(build, [np.asarray(a, np.float64) for a in arrays])
    with case.graph.as_default():
        found = gradients(case.outputs, case.inputs)
    return [g.tolist() for g in case.values([g for g in found if g is not None])]


@settings(max_examples=60)
@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), st.sampled_from(sorted(BINARY, key=name))
)
def test_binary_broadcasting(shapes: hnp.BroadcastableShapes, function: Any) -> None:
    random = np.random.RandomState(0)
    arrays = [random.uniform(0.3, 2, s) for s in shapes.input_shapes]
    case = Case(function, arrays)
    assert case.outputs[0].shape.as_list() == list(shapes.result_shape)
    np.testing.assert_allclose(case.values(case.outputs)[0], BINARY[function](*arrays), rtol=1e-14)


@settings(max_examples=40)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), st.sampled_from(DIFFERENTIABLE))
def test_gradients_are_summed_to_the_shape_of_the_operand(shapes: hnp.BroadcastableShapes, function: Any) -> None:
    random = np.random.RandomState(0)
    arrays = [random.uniform(0.3, 2, s) for s in shapes.input_shapes]
    check_gradients(function, arrays)
    check_gradients(function, arrays, order=1, dims=lambda a: [None] * a.ndim)
    check_gradients(function, arrays, order=1, dims=lambda a: None)


@pytest.mark.parametrize("function", [*UNARY, *POSITIVE], ids=name)
def test_unary_against_numpy(function: Any) -> None:
    x = np.array([-30.0, -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 30.0])
    if function in POSITIVE:
        x = np.abs(x) + 1e-3
    case = Case(function, [x])
    np.testing.assert_allclose(case.values(case.outputs)[0], (UNARY | POSITIVE)[function](x), rtol=1e-7, atol=1e-15)


def test_comparisons_and_logic() -> None:
    x, y = np.array([1.0, 2, np.nan]), np.array([2.0, 2, 2])
    with Graph().as_default():
        found = [f(x, y) for f in (tf.equal, tf.not_equal, tf.less, tf.less_equal, tf.greater, tf.greater_equal)]
        expected: list[Any] = [x == y, x != y, x < y, x <= y, x > y, x >= y]
        a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
        found += [tf.logical_and(a, b), tf.logical_or(a, b), tf.logical_xor(a, b), tf.logical_not(a), tf.is_nan(x)]
        expected += [a & b, a | b, a ^ b, ~a, np.isnan(x)]
        for value, right in zip(evaluate(found), expected, strict=True):
            np.testing.assert_array_equal(value, right)
            assert value.dtype == bool


def test_kinks_and_ties() -> None:
    relu = lambda t: apply(Relu(), t)  # noqa: E731
    assert grads(relu, [-1, 0.0, -0.0, 2]) == [[0, 0, 0, 1]]
    assert grads(tf.abs, [-2, 0, 2]) == [[-1, 0, 1]]
    assert grads(tf.maximum, [1, 2, 3], [2, 2, 2]) == [[0, 1, 1], [1, 0, 0]]
    assert grads(tf.minimum, [1, 2, 3], [2, 2, 2]) == [[1, 1, 0], [0, 0, 1]]
    assert grads(lambda t: tf.clip_by_value(t, -1.0, 1.0), [-2, -1, 0, 1, 2]) == [[0, 1, 1, 1, 0]]
    assert grads(lambda t: apply(Elu(), t), [0.0]) == [[1]]
    assert grads(tf.pow, [0.0, -2], [2, 2]) == [[0, -4], [0, 0]]
    assert grads(lambda c, t: tf.where(c > 0, t, 2 * t), [1, -1.0], [5, 6]) == [[1, 2]]


def test_not_a_number_goes_through() -> None:
    case = Case(lambda t: [apply(Relu(), t), tf.maximum(t, 0.0), tf.sigmoid(t)], [np.array([np.nan])])
    assert all(np.isnan(v).all() for v in case.values(case.outputs))


def test_extreme_arguments() -> None:
    x = np.array([-1e4, -100, 0, 100, 1e4])
    case = Case(lambda t: [tf.sigmoid(t), apply(Softplus(), t), apply(Elu(), t), tf.tanh(t)], [x])
    found = case.values(case.outputs)
    elu = np.where(x < 0, np.expm1(np.minimum(x, 0)), x)
    for value, expected in zip(found, (special.expit(x), np.logaddexp(x, 0), elu, np.tanh(x)), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-15)
    check_gradients(lambda t: [tf.sigmoid(t), apply(Softplus(), t), apply(Elu(), t)], [x / 50 + 0.1])


def test_division() -> None:
    with Graph().as_default():
        seven, minus = constant([7, -7]), constant([2, 2])
        found = [
            seven / minus,
            seven // minus,
            tf.div(seven, minus),
            seven % minus,
            constant([7.0]) / 2,
            1 / constant([4.0]),
        ]
        types = [t.dtype.name for t in found]
        assert types == ["float64", "int32", "int32", "int32", "float32", "float32"]
        values = [v.tolist() for v in evaluate(found)]
    assert values == [[3.5, -3.5], [3, -4], [3, -4], [1, 1], [3.5], [0.25]]


def test_casts() -> None:
    with Graph().as_default():
        x = constant([-1.7, 0.0, 2.9])
        whole, truth, same = tf.to_int32(x), tf.cast(x, "bool"), tf.cast(x, "float32")
        assert same is x
        assert [v.tolist() for v in evaluate([whole, truth])] == [[-1, 0, 2], [True, False, True]]
        assert gradients(tf.to_float(whole), x) == [None]
        assert gradients(tf.cast(tf.cast(x, "float64"), "float32"), x) != [None]


def test_python_operators() -> None:
    x, y = np.array([1.5, -2.0]), np.array([0.5, 3.0])
    with Graph().as_default():
        a, b = constant(x), constant(y)
        found = [a + b, a - 1.0, 2.0 - a, 3 * a, a * b, a / b, 1 / a, -a, abs(a), a % b, a**2, 2.0**a, a // b]
        expected = [x + y, x - 1, 2 - x, 3 * x, x * y, x / y, 1 / x, -x, abs(x), x % y, x**2, 2.0**x, x // y]
        found += [a < b, a <= 1.5, a > b, a >= b, (a > 0) & (b > 1), (a > 0) | (b > 1), (a > 0) ^ (b > 1), ~(a > 0)]
        p, q = x > 0, y > 1
        expected += [x < y, x <= 1.5, x > y, x >= y, p & q, p | q, p ^ q, ~p]
        found += [x + a, x * b, np.eye(2) @ constant(np.eye(2))]
        expected += [x + x, x * y, np.eye(2)]
        for value, right in zip(evaluate(found), expected, strict=True):
            np.testing.assert_allclose(value, right)


def test_where_takes_a_condition_for_whole_rows() -> None:
    x, y = np.arange(4.0).reshape(2, 2), -np.ones((2, 2))
    with Graph().as_default():
        rows, full, scalar = (tf.where(c, x, y) for c in ([True, False], x > 1, True))
        found = evaluate([rows, full, scalar])
    assert [v.tolist() for v in found] == [[[0, 1], [-1, -1]], [[-1, -1], [2, 3]], [[0, 1], [2, 3]]]


def test_misfits_are_told() -> None:
    with Graph().as_default():
        a, b = placeholder("float32", [2, 3]), placeholder("float32", [2, 4])
        for function in (tf.add, tf.maximum, tf.equal):
            with pytest.raises(ShapeError, match=r"\(2, 3\) and \(2, 4\) do not broadcast"):
                function(a, b)
        with pytest.raises(DTypeError):
            tf.add(a, placeholder("float64", [2, 3]))
        with pytest.raises(DTypeError):
            a + constant(1)
        with pytest.raises(DTypeError):
            tf.exp(constant(1))
        with pytest.raises(DTypeError):
            tf.logical_not(a)
        with pytest.raises(ShapeError):
            tf.where([True, False, True], a, a)
        with pytest.raises(ShapeError):
            tf.add_n([])
        with pytest.raises(ShapeError):
            tf.add_n([a, b])


def test_python_values_follow_the_tensor_into_its_graph() -> None:
    graph = Graph()
    with graph.as_default():
        x = constant(np.eye(2))
    made = [
        x + 1.0,
        2.0 * x,
        matmul(np.eye(2), x),
        tf.where(np.eye(2) > 0, x, np.zeros((2, 2))),
        tf.clip_by_value(x, 0.0, 1.0),
    ]
    assert all(t.graph is graph for t in made)
    with Graph().as_default(), pytest.raises(GraphError, match="same graph"):
        constant(np.eye(2)) + x


@pytest.mark.parametrize("clip", [tf.clip_by_norm, lambda t, v: tf.clip_by_value(t, v, 9.0),
                                  lambda t, v: tf.clip_by_value(t, -9.0, v)])  # fmt: skip
def test_limits_do_not_enlarge_what_they_clip(clip: Any) -> None:
    """TensorFlow 1.15 merges the shapes of input and result, and raises ValueError where they are not compatible."""
    for dims, limit in (([3], [2, 3]), ([], [2]), ([1, 3], [4, 1]), ([None], [2, 3]), ([1], [3])):
        with pytest.raises(ShapeError, match=r"not compatible.*clip_.*test_elementwise\.py"):
            clip(placeholder("float32", dims), placeholder("float32", limit))
    for dims, limit in (([2, 3], [3]), ([2, 3], [2, 1]), ([2, 3], []), ([None, 3], [1, 3]), (None, [2, 3])):
        clipped = clip(placeholder("float32", dims), placeholder("float32", limit))
        assert clipped.shape.is_compatible_with(dims)


def test_round_of_integers_is_the_identity() -> None:
    for dtype in (tf.int8, tf.uint8, tf.int32, tf.int64):
        x = tf.constant([1, 2, 100], dtype)
        assert tf.round(x) is x
    with pytest.raises(DTypeError):
        tf.rint(tf.constant([1, 2]))


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "uint64"])
def test_a_saturating_cast_stays_within_the_range(name: str) -> None:
    """Against Python's integers, also where the limit of a dtype is not a number of the other."""
    for wanted in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        limits, own = np.iinfo(wanted), np.dtype(name)
        values = [0, 1, 100, 127, 128, 255, 256, 2**15, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1]
        extent = np.finfo(own) if own.kind == "f" else np.iinfo(own)
        inside = [v for v in values + [-v for v in values] if float(extent.min) <= v <= int(extent.max)]
        x = np.array(inside, own)
        found = tf.Session().run(tf.saturate_cast(tf.constant(x), wanted)).tolist()
        for number, result in zip(x.tolist(), found, strict=True):
            exact = min(max(int(number), int(limits.min)), int(limits.max))
            assert abs(result - exact) <= (2 * abs(np.spacing(own.type(exact))) if own.kind == "f" else 0), (
                number,
                wanted,
            )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int32", "int64", "uint64"])
def test_sorting_agrees_with_numpy_on_limits_ties_and_nan(dtype: str) -> None:
    """NaN is above all numbers; equal elements keep their order in both directions."""
    random = np.random.RandomState(0)
    if dtype.startswith("float"):
        values = random.choice([0.0, -0.0, 1.5, np.nan, np.inf, -np.inf], (5, 40)).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        values = np.array([limits.min, limits.max, 0, 1, limits.max - 1], dtype)[random.randint(0, 5, (5, 40))]
    x = tf.constant(values)
    places = np.argsort(values, axis=-1, kind="stable")
    reverse = 39 - np.argsort(values[:, ::-1], axis=-1, kind="stable")[:, ::-1]
    for backend in ("numpy", "llvm"):
        with tf.Session(backend=backend) as session:
            for direction, order in (("ASCENDING", places), ("DESCENDING", reverse)):
                ranked = np.take_along_axis(values, order, axis=-1)
                np.testing.assert_array_equal(session.run(tf.sort(x, direction=direction)), ranked)
                np.testing.assert_array_equal(session.run(tf.argsort(x, direction=direction)), order)
            best = session.run(tf.nn.top_k(x, 7))
            np.testing.assert_array_equal(best.values, np.take_along_axis(values, reverse, axis=-1)[:, :7])
            np.testing.assert_array_equal(best.indices, reverse[:, :7])


def test_where_acosh_is_nan_its_gradient_is_nan() -> None:
    x = tf.constant([-2.0, 0.5, 2.0])
    with tf.Session() as session:
        y, slope = session.run([tf.acosh(x), tf.gradients(tf.acosh(x), x)[0]])
    np.testing.assert_array_equal(np.isnan(slope), np.isnan(y))
    np.testing.assert_allclose(slope[2], 1 / np.sqrt(3), rtol=1e-6)
