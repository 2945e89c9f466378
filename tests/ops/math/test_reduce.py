"""Reductions and arg-max against NumPy, and TensorFlow's own rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.evaluate import Case, check_gradients

from minigraph.core.dtypes import float32, int32
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Graph
from minigraph.ops.constant import placeholder
from minigraph.ops.math.argmax import argmax, argmin
from minigraph.ops.math.reduce import reduce_all, reduce_any, reduce_mean, reduce_sum
from minigraph.ops.math.reduce_extremes import reduce_logsumexp, reduce_max, reduce_min
from minigraph.ops.math.reduce_product import reduce_prod
from minigraph.ops.nn.statistics import moments

FUNCTIONS = {
    reduce_sum: np.sum, reduce_mean: np.mean, reduce_max: np.max, reduce_min: np.min, reduce_prod: np.prod,
}  # fmt: skip
shapes = hnp.array_shapes(min_dims=0, max_dims=4, max_side=4)


def value(build: Any, *arrays: Any, **kwargs: Any) -> np.ndarray:
    case = Case(lambda *t: [], arrays)
    with case.graph.as_default():
        return case.values([build(*case.inputs, **kwargs)])[0]


def gradient(build: Any, array: Any) -> tuple[np.ndarray, np.ndarray]:
    """The weights of the outputs, and the gradient of their weighted sum."""
    case = Case(build, [np.asarray(array, np.float64)])
    (weights,), (grad,) = case.differentiate(case.outputs)
    assert grad is not None
    return weights, case.values([grad])[0]


@settings(max_examples=100)
@given(st.data(), shapes, st.booleans(), st.sampled_from(sorted(FUNCTIONS, key=lambda f: f.__name__)))
def test_against_numpy(data: st.DataObject, shape: tuple[int, ...], keep: bool, function: Any) -> None:
    rank = len(shape)
    some = st.lists(st.integers(-rank, rank - 1), unique_by=lambda a: a % rank) if rank else st.just([])
    axes = data.draw(st.one_of(st.none(), some))
    x = np.random.RandomState(len(shape)).randn(*shape)
    expected = FUNCTIONS[function](x, axis=None if axes is None else tuple(axes), keepdims=keep)
    found = value(function, x, axis=axes, keepdims=keep)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@settings(max_examples=30)
@given(st.data(), st.sampled_from([reduce_sum, reduce_mean, reduce_max]))
def test_gradients_to_second_order(data: st.DataObject, function: Any) -> None:
    axes = data.draw(st.sampled_from([None, [0], [-1], [0, 2], [], [2, 1, 0]]))
    keep = data.draw(st.booleans())
    x = np.random.RandomState(0).permutation(24).reshape(2, 3, 4) / 7.0
    dims = data.draw(st.sampled_from([np.shape, lambda a: [None] * a.ndim]))
    check_gradients(lambda t: function(t * t, axes, keep), [x], dims=dims)


def test_old_argument_names() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert value(reduce_sum, x, reduction_indices=[1], keep_dims=True).tolist() == [[3.0], [12.0]]
    assert value(reduce_max, x, axis=0).tolist() == [3.0, 4.0, 5.0]
    assert value(argmax, x, dimension=1).tolist() == [2, 2]


def test_nothing() -> None:
    empty = np.zeros((0, 2), np.float32)
    assert np.isnan(value(reduce_mean, empty)).all()
    assert np.isnan(value(reduce_mean, empty, axis=0)).tolist() == [True, True]
    assert value(reduce_mean, empty, axis=1).shape == (0,)
    assert value(reduce_sum, empty, axis=0).tolist() == [0.0, 0.0]
    assert value(reduce_prod, empty, axis=0).tolist() == [1.0, 1.0]
    assert value(reduce_max, empty, axis=0).tolist() == [-np.inf, -np.inf]
    assert value(reduce_min, empty.astype(np.int32), axis=0).tolist() == [2**31 - 1] * 2
    for function in (reduce_sum, reduce_mean, reduce_max, reduce_prod):
        assert gradient(lambda t, f=function: f(t, 0), empty)[1].shape == (0, 2)
        assert gradient(lambda t, f=function: f(t, 1), empty)[1].shape == (0, 2)


@pytest.mark.parametrize(
    ("numbers", "mean"), [([-3, 1, 4], 0), ([-3, -1, 0], -1), ([3, 1, 1], 1), ([-1, 0], 0), ([7], 7)]
)
def test_the_mean_of_integers_truncates_toward_zero(numbers: list[int], mean: int) -> None:
    for dtype in (np.int32, np.int64):
        found = value(reduce_mean, np.array(numbers, dtype))
        assert (found.dtype, found.item()) == (dtype, mean)


def test_integers_keep_their_dtype() -> None:
    x = np.array([[1, 2], [3, 4]], np.int32)
    for function in FUNCTIONS:
        assert value(function, x, axis=1).dtype == np.int32
    assert value(reduce_sum, np.array([200, 100], np.uint8)).item() == 44


def test_ties_share_the_gradient_of_an_extremum() -> None:
    weights, grad = gradient(lambda t: reduce_max(t, 1), [[1.0, 3, 3, 3], [0, 0, -1, -2]])
    expected = [[0, weights[0] / 3] + [weights[0] / 3] * 2, [weights[1] / 2] * 2 + [0, 0]]
    np.testing.assert_allclose(grad, expected)
    weights, grad = gradient(reduce_min, [[1.0, 1], [1, 1]])
    np.testing.assert_allclose(grad, np.full((2, 2), weights / 4))


@pytest.mark.parametrize("x", [[2.0, 3, 4], [2, 0, 4], [0, 0, 4], [0, 0, 0], [5]])
def test_the_gradient_of_a_product_is_right_at_zeros(x: list[float]) -> None:
    weights, grad = gradient(reduce_prod, x)
    np.testing.assert_allclose(grad, [weights * np.prod(x[:i] + x[i + 1 :]) for i in range(len(x))])


def test_argmax_is_int64_and_first_on_ties() -> None:
    x = np.array([[1.0, 5, 5], [2, 2, 0]])
    for function, expected in ((argmax, [1, 0]), (argmin, [0, 2])):
        found = value(function, x, axis=1)
        assert (found.dtype, found.tolist()) == (np.int64, expected)
    assert value(argmax, x).tolist() == [1, 0, 0]
    assert value(argmax, x, axis=-1, output_type="int32").dtype == np.int32


def test_logical_reductions() -> None:
    x = np.array([[True, False], [True, True]])
    assert value(reduce_all, x, axis=0).tolist() == [True, False]
    assert value(reduce_any, x, axis=1, keepdims=True).tolist() == [[True], [True]]
    assert value(reduce_all, np.zeros((0,), bool)).item() is True


def test_logsumexp_of_infinities() -> None:
    x = np.array([[-np.inf, -np.inf], [np.inf, 0], [0, 0]])
    np.testing.assert_array_equal(value(reduce_logsumexp, x, axis=1), [-np.inf, np.inf, np.log(2)])


def test_misfits_are_told() -> None:
    with Graph().as_default():
        x = placeholder("float32", [2, None])
        for axis in (2, -3, [0, 5]):
            with pytest.raises(ShapeError, match="reduction dimension"):
                reduce_sum(x, axis)
        with pytest.raises(ShapeError):
            argmax(x, 2)
        with pytest.raises(DTypeError):
            reduce_all(x)
        with pytest.raises(DTypeError):
            reduce_sum(x, 1.5)
        assert reduce_sum(placeholder("float32")).shape.as_list() == []
        assert reduce_sum(placeholder("float32"), 0).shape.ndims is None


def test_fed_axes_are_refused_where_they_must_be_known() -> None:
    with Graph().as_default():
        x, axis = placeholder(float32, [2, 3]), placeholder(int32, [])
        with pytest.raises(ShapeError, match="the axes of a reduction must be Python integers"):
            moments(x, axis)
