"""Matrix products, biases, moments, batch normalisation, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import Case, check_gradients, evaluate

from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Graph, Tensor
from minigraph.ops.constant import placeholder
from minigraph.ops.math.matmul import matmul
from minigraph.ops.nn.bias import bias_add
from minigraph.ops.nn.dropout import dropout
from minigraph.ops.nn.norm import batch_normalization, l2_normalize
from minigraph.ops.nn.statistics import moments

RANDOM = np.random.RandomState(0)


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
    st.sampled_from([(), (2,), (1, 2)]),
    st.booleans(),
    st.booleans(),
)
def test_matmul(sizes: list[int], batch: tuple[int, ...], ta: bool, tb: bool) -> None:
    m, k, n = sizes
    a, b = RANDOM.randn(*batch, m, k), RANDOM.randn(k, n)
    expected = a @ b
    arrays = [np.swapaxes(a, -1, -2) if ta else a, b.T if tb else b]
    for dims in (np.shape, lambda x: [None] * x.ndim, lambda x: None):
        case = Case(lambda x, y: matmul(x, y, ta, tb), arrays, dims=dims)
        np.testing.assert_allclose(case.values(case.outputs)[0], expected, rtol=1e-12, atol=1e-13)
        check_gradients(lambda x, y: matmul(x, y, ta, tb), arrays, dims=dims)


def test_matmul_misfits_are_told() -> None:
    with Graph().as_default():
        a, b = placeholder("float32", [2, 3]), placeholder("float32", [4, 5])
        with pytest.raises(ShapeError, match="Dimensions must be equal, but are 3 and 4"):
            matmul(a, b)
        with pytest.raises(ShapeError, match="rank 2"):
            matmul(a, placeholder("float32", [3]))
        for x, y in (("int32", "float32"), ("float32", "int32"), ("float32", "float64")):
            with pytest.raises(DTypeError):
                matmul(placeholder(x, [2, 2]), placeholder(y, [2, 2]))
        ints = matmul(np.array([[1, 2]], np.int32), np.array([[3], [4]], np.int32))
        assert evaluate([ints])[0].tolist() == [[11]]


def test_bias_add() -> None:
    for shape in ((3, 2), (2, 3, 2), (1, 2, 3, 2), (0, 2)):
        x, b = RANDOM.randn(*shape), RANDOM.randn(2)
        case = Case(bias_add, [x, b])
        np.testing.assert_array_equal(case.values(case.outputs)[0], x + b)
        check_gradients(bias_add, [x, b])
    with Graph().as_default():
        x = placeholder("float32", [None, 3])
        with pytest.raises(ShapeError, match="3 and 2"):
            bias_add(x, np.zeros(2, np.float32))
        with pytest.raises(ShapeError, match="rank 1"):
            bias_add(x, np.zeros((1, 3), np.float32))


@pytest.mark.parametrize("axes", [[0], [0, 1, 2], [1, 3]])
@pytest.mark.parametrize("keep", [False, True])
def test_moments_are_mean_and_biased_variance(axes: list[int], keep: bool) -> None:
    x = RANDOM.randn(3, 2, 4, 2)
    case = Case(lambda t: moments(t, axes, keep_dims=keep), [x])
    mean, variance = case.values(case.outputs)
    np.testing.assert_allclose(mean, x.mean(tuple(axes), keepdims=keep), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(variance, x.var(tuple(axes), keepdims=keep), rtol=1e-12)
    check_gradients(lambda t: moments(t, axes, keep_dims=keep), [x])


def test_batch_normalization() -> None:
    x, mean, variance = RANDOM.randn(4, 3), RANDOM.randn(3), RANDOM.rand(3) + 0.5
    offset, scale = RANDOM.randn(3), RANDOM.randn(3)
    normal = (x - mean) / np.sqrt(variance + 1e-3)
    case = Case(lambda t, m, v, o, s: batch_normalization(t, m, v, o, s, 1e-3), [x, mean, variance, offset, scale])
    np.testing.assert_allclose(case.values(case.outputs)[0], normal * scale + offset, rtol=1e-12, atol=1e-14)
    bare = Case(lambda t, m, v: batch_normalization(t, m, v, None, None, 1e-3), [x, mean, variance])
    np.testing.assert_allclose(bare.values(bare.outputs)[0], normal, rtol=1e-12, atol=1e-14)


def test_gradients_through_batch_statistics_to_second_order() -> None:
    def normalise(x: Tensor, offset: Tensor, scale: Tensor) -> Tensor:
        mean, variance = moments(x, [0, 1, 2])
        y = batch_normalization(x, mean, variance, offset, scale, 1e-3)
        return y * y

    check_gradients(normalise, [RANDOM.randn(2, 3, 2, 2), RANDOM.randn(2), RANDOM.randn(2)])
    check_gradients(lambda x: l2_normalize(x, 1), [RANDOM.randn(3, 4)])


def test_l2_normalize() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    case = Case(lambda t: l2_normalize(t, 1), [x])
    np.testing.assert_allclose(case.values(case.outputs)[0], [[0.6, 0.8], [0, 0]])


def test_dropout_keeps_or_scales() -> None:
    with Graph().as_default():
        x = placeholder("float32", [200])
        assert dropout(x, 1.0) is x
        assert dropout(x, 1) is x
        y = dropout(x, 0.8, seed=3)
        (draw,) = [n for n in x.graph.nodes if n.type == "RandomUniform"]
        uniform = np.random.RandomState(0).rand(200).astype(np.float32)
        (value,) = evaluate([y], {x: np.full(200, 2.0), draw.outputs[0]: uniform})
        kept = uniform >= np.float32(1 - 0.8)
        np.testing.assert_allclose(value, np.where(kept, 2.5, 0), rtol=1e-6)
        bad: list[Any] = [0, 0.0, 1.5, -0.1]
        for keep in bad:
            with pytest.raises(ValueError, match=r"\(0, 1\]"):
                dropout(x, keep)
        with pytest.raises((TypeError, ValueError), match="floating"):
            dropout(placeholder("int32", [3]), 0.5)
        with pytest.raises(ValueError, match="either"):
            dropout(x)
