"""Tensors and variables beside NumPy and Python numbers: operators make nodes, all that needs a number is refused."""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph as tf

OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge,
]  # fmt: skip
UFUNCS = [f for f in (getattr(np, name) for name in dir(np)) if isinstance(f, np.ufunc)]
BINARY = {
    np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.remainder, np.power, np.matmul, np.less,
    np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.bitwise_and, np.bitwise_or, np.bitwise_xor,
}  # fmt: skip
ARRAY = np.array([3.0, -4.0], np.float32)


def operand(kind: str) -> Any:
    return tf.constant([1.5, 2.0]) if kind == "tensor" else tf.Variable([1.5, 2.0])


each_kind = pytest.mark.parametrize("kind", ["tensor", "variable"])


@each_kind
@pytest.mark.parametrize("function", OPERATORS)
def test_an_array_or_a_numpy_number_on_the_left_makes_a_node(function: Callable[..., Any], kind: str) -> None:
    x = operand(kind)
    for left in (ARRAY, ARRAY[0], ARRAY.tolist()[0], np.float32(2)):
        result = function(left, x)
        assert isinstance(result, tf.Tensor)
        with tf.Session() as session, np.errstate(all="ignore"):
            session.run(tf.global_variables_initializer())
            expected = function(left, np.array([1.5, 2.0], np.float32))
            np.testing.assert_allclose(session.run(result), expected, rtol=1e-6)


@pytest.mark.parametrize("function", [operator.and_, operator.or_, operator.xor])
def test_logical_operators_of_arrays_make_nodes(function: Callable[..., Any]) -> None:
    flags, others = np.array([True, True, False, False]), np.array([True, False, True, False])
    for left in (flags, flags.tolist()[0]):
        found = tf.Session().run(function(left, tf.constant(others)))
        assert found.tolist() == function(left, others).tolist()


def test_a_matrix_product_with_an_array_on_the_left_makes_a_node() -> None:
    matrix = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    found = tf.Session().run(matrix @ tf.constant(matrix.T.copy()))
    assert found.tolist() == (matrix @ matrix.T).tolist()


def test_an_update_of_an_array_by_a_tensor_gives_a_tensor() -> None:
    total: Any = ARRAY.copy()
    kept = total
    total += tf.constant(1.0)
    assert isinstance(total, tf.Tensor)
    assert kept.tolist() == ARRAY.tolist()


@each_kind
def test_comparison_with_an_array_is_by_identity(kind: str) -> None:
    x = operand(kind)
    for left in (ARRAY, ARRAY[0]):
        assert operator.eq(left, x) is False
        assert operator.ne(left, x) is True
    assert x not in [ARRAY, 1.0]
    assert x in [ARRAY, x]


@each_kind
@pytest.mark.parametrize("function", UFUNCS, ids=lambda f: f.__name__)
def test_universal_functions_refuse_what_has_no_value(function: Any, kind: str) -> None:
    x = operand(kind)
    calls = [lambda: function(*[x] * function.nin)] if function.nin == 1 else []
    if function.nin == 2 and function not in BINARY:
        calls.append(lambda: function(ARRAY, x))
    if function.nin == 2:
        calls += [lambda: function(x, ARRAY), lambda: function.outer(ARRAY, x)]
        if function.nout == 1 and function.signature is None:
            calls += [lambda: function.reduce(x), lambda: function(ARRAY, x, dtype=np.float32)]
    for call in calls:
        with pytest.raises(TypeError, match=r"has no value until it is run|does not support outer|method outer"):
            call()


CALLS: dict[str, Callable[[Any], Any]] = {
    "array": np.array, "asarray": np.asarray, "list of": lambda x: np.array([x, 1.0]), "mean": np.mean, "sum": np.sum,
    "max": np.max, "std": np.std, "argmax": np.argmax, "concatenate": lambda x: np.concatenate([x, x]),
    "dot": lambda x: np.dot(ARRAY, x), "index": lambda x: ARRAY[x], "clip": lambda x: np.clip(x, 0, 1),
    "allclose": lambda x: np.allclose(ARRAY, x), "float32": np.float32, "where": lambda x: np.where(x, 1, 0),
    "float": float, "int": int, "complex": complex, "round": round, "range": range, "list index": lambda x: [1, 2][x],
    "exp": math.exp, "floor": math.floor, "phase": cmath.phase, "percent": lambda x: "%.3f".__mod__(x),
    "format": lambda x: f"{x:.3f}", "slice": lambda x: [1, 2][:x], "tensor slice": lambda x: tf.zeros([2])[:x],
    "feed": lambda x: tf.Session().run(tf.placeholder_with_default([0.0], [None]), {"PlaceholderWithDefault:0": [x]}),
}  # fmt: skip


@each_kind
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_needs_numbers_is_refused_with_advice(call: Callable[[Any], Any], kind: str) -> None:
    with pytest.raises(TypeError, match=r"has no value until it is run.*Session\.run") as caught:
        call(operand(kind))
    assert "shape=(2,)" in str(caught.value)  # it says which tensor


def test_length_truth_and_iteration_are_refused_with_advice() -> None:
    x = tf.constant([1.0, 2.0])
    for call, advice in ((len, "get_shape"), (bool, "tf.where"), (iter, "tf.unstack")):
        with pytest.raises(TypeError, match=advice):
            call(x)


def test_a_tensor_is_shown_in_texts() -> None:
    x = tf.constant([1.0, 2.0], name="x")
    assert f"{x}" == str(x) == 'Tensor("x:0", shape=(2,), dtype=float32)'
