"""Pooling against naive loops and PyTorch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import Case, check_gradients
from support.padding import same_padding

import minigraph as tf
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Graph
from minigraph.ops.nn.avg_pool import avg_pool
from minigraph.ops.nn.max_pool import MaxPool, max_pool


class Pooling(NamedTuple):
    x: np.ndarray
    ksize: tuple[int, int]
    strides: tuple[int, int]
    padding: str

    def pads(self) -> list[tuple[int, int]]:
        if self.padding == "VALID":
            return [(0, 0), (0, 0)]
        return [same_padding(self.x.shape[i + 1], self.ksize[i], self.strides[i])[1] for i in range(2)]

    def case(self, function: Any) -> Case:
        return Case(lambda x: function(x, [1, *self.ksize, 1], [1, *self.strides, 1], self.padding), [self.x])

    def windows(self) -> list[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
        """For each output its index and the indices of the valid inputs in its window, in row-major order."""
        (top, bottom), (left, right) = self.pads()
        n, height, width, channels = self.x.shape
        out = []
        for b, c in np.ndindex(n, channels):
            for p, i in enumerate(range(-top, height + bottom - self.ksize[0] + 1, self.strides[0])):
                for q, j in enumerate(range(-left, width + right - self.ksize[1] + 1, self.strides[1])):
                    window = [(b, i + r, j + s, c) for r, s in np.ndindex(*self.ksize)]
                    out.append(((b, p, q, c), [w for w in window if 0 <= w[1] < height and 0 <= w[2] < width]))
        return out


@st.composite
def poolings(draw: st.DrawFn, levels: int = 3) -> Pooling:
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    ksize, strides, padding = draw(pair), draw(pair), draw(st.sampled_from(["SAME", "VALID"]))
    size = [draw(st.integers(1 if padding == "SAME" else k, k + 4)) for k in ksize]
    shape = (draw(st.integers(1, 2)), *size, draw(st.integers(1, 2)))
    random = np.random.RandomState(draw(st.integers(0, 9)))
    # few levels make ties; negative ones show padding that wins
    return Pooling(-1.0 - random.randint(levels, size=shape), ksize, strides, padding)


@settings(max_examples=50)
@given(poolings())
def test_max_pool_and_its_gradients_first_among_ties(pooling: Pooling) -> None:
    case = pooling.case(max_pool)
    (weights,), (grad,) = case.differentiate(case.outputs)
    (again,), _ = case.differentiate([grad])  # type: ignore[list-item]
    expected, expected_grad = np.full(weights.shape, np.nan), np.zeros(pooling.x.shape)
    for out, window in pooling.windows():
        best = max(window, key=lambda w: pooling.x[w])  # max keeps the first
        expected[out] = pooling.x[best]
        expected_grad[best] += weights[out]
    y, dx = case.values([*case.outputs, grad])  # type: ignore[list-item]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(dx, expected_grad, rtol=1e-13)
    assert again.shape == pooling.x.shape


@settings(max_examples=50)
@given(poolings())
def test_avg_pool_divides_by_the_valid_count(pooling: Pooling) -> None:
    case = pooling.case(avg_pool)
    (weights,), (grad,) = case.differentiate(case.outputs)
    expected, expected_grad = np.full(weights.shape, np.nan), np.zeros(pooling.x.shape)
    for out, window in pooling.windows():
        expected[out] = np.mean([pooling.x[w] for w in window])
        for w in window:
            expected_grad[w] += weights[out] / len(window)
    y, dx = case.values([*case.outputs, grad])  # type: ignore[list-item]
    np.testing.assert_allclose(y, expected, rtol=1e-13)
    np.testing.assert_allclose(dx, expected_grad, rtol=1e-12)


@settings(max_examples=30)
@given(poolings(levels=1000))
def test_against_torch(pooling: Pooling) -> None:
    torch = pytest.importorskip("torch")
    (top, bottom), (left, right) = pooling.pads()

    def padded(x: Any, value: float) -> Any:
        return torch.nn.functional.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom), value=value)

    tx = torch.tensor(pooling.x, requires_grad=True)
    sizes = (pooling.ksize, pooling.strides)
    maxima = torch.nn.functional.max_pool2d(padded(tx, -torch.inf), *sizes)
    share = torch.nn.functional.avg_pool2d(padded(torch.ones_like(tx), 0.0), *sizes)
    for function, ty in (
        (max_pool, maxima),
        (avg_pool, torch.nn.functional.avg_pool2d(padded(tx, 0.0), *sizes) / share),
    ):
        case = pooling.case(function)
        (weights,), (grad,) = case.differentiate(case.outputs)
        image = ty.permute(0, 2, 3, 1)
        (expected,) = torch.autograd.grad((image * torch.tensor(weights)).sum(), tx)
        y, dx = case.values([*case.outputs, grad])  # type: ignore[list-item]
        np.testing.assert_allclose(y, image.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(dx, expected.numpy(), rtol=1e-12)


def pooled(function: Any, x: Any, ksize: int, stride: int, padding: str) -> list[float]:
    array = np.asarray(x, np.float32).reshape(1, 1, -1, 1)
    case = Case(lambda t: function(t, [1, 1, ksize, 1], [1, 1, stride, 1], padding), [array])
    value: list[float] = case.values(case.outputs)[0].ravel().tolist()
    return value


def test_known_values() -> None:
    assert pooled(avg_pool, [1, 2, 3, 4, 5], 2, 2, "SAME") == [1.5, 3.5, 5.0]
    assert pooled(avg_pool, [1, 2, 3, 4, 5], 2, 2, "VALID") == [1.5, 3.5]
    assert pooled(max_pool, [-1, -2, -3, -4, -5], 2, 2, "SAME") == [-1.0, -3.0, -5.0]
    assert pooled(max_pool, [-3, -2, -1], 3, 1, "SAME") == [-2.0, -1.0, -1.0]
    assert np.isnan(pooled(max_pool, [1, np.nan, 2], 3, 1, "VALID")).all()


def test_which_element_was_the_maximum() -> None:
    x = np.array([[1.0, 1, 0], [1, 1, 0], [0, 5, 7]]).reshape(1, 3, 3, 1)
    values, where = MaxPool((2, 2), (2, 2), "SAME").forward(np, x)
    assert values.ravel().tolist() == [1, 0, 5, 7]
    assert where.dtype == np.uint8
    assert where.ravel().tolist() == [0, 0, 1, 0]
    wide = MaxPool((17, 17), (1, 1)).forward(np, np.arange(289.0).reshape(1, 17, 17, 1))[1]
    assert (wide.dtype, wide.item()) == (np.int32, 288)


@pytest.mark.parametrize("function", [max_pool, avg_pool])
def test_second_derivatives_through_a_square(function: Any) -> None:
    x = np.random.RandomState(3).permutation(24).reshape(1, 4, 6, 1) / 5.0
    check_gradients(lambda t: function(t * t, 3, 2, "SAME") * function(t, 3, 2, "SAME"), [x])


def test_misfits_are_told() -> None:
    with Graph().as_default():
        with pytest.raises(ShapeError, match="rank 4"):
            max_pool(np.zeros((4, 4), np.float32), 2, 2, "SAME")
        with pytest.raises(ShapeError, match="subtracting 3 from 2"):
            max_pool(np.zeros((1, 2, 2, 1), np.float32), 3, 1, "VALID")
        with pytest.raises(DTypeError):
            avg_pool(np.zeros((1, 2, 2, 1), np.int32), 2, 1, "VALID")
        with pytest.raises(ValueError):
            avg_pool(np.zeros((1, 2, 2, 4), np.float32), [1, 1, 1, 2], [1, 1, 1, 1], "VALID")


def test_max_pool_across_channels() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 6)).astype(np.float32)
    p = tf.placeholder(tf.float32, [None, 3, 2, 6])
    y = tf.nn.max_pool(p, [1, 1, 1, 3], [1, 1, 1, 3], "SAME")
    got, gradient = tf.Session().run([y, tf.gradients(y, p)[0]], {p: x})
    groups = x.reshape(2, 3, 2, 2, 3)
    np.testing.assert_array_equal(got, groups.max(-1))
    np.testing.assert_array_equal(gradient, (groups == groups.max(-1, keepdims=True)).reshape(x.shape))
    for ksize, strides in (([1, 2, 2, 3], [1, 1, 1, 3]), ([1, 1, 1, 3], [1, 1, 1, 2]), ([1, 1, 1, 4], [1, 1, 1, 4])):
        with pytest.raises(tf.errors.UnimplementedError):
            tf.nn.max_pool(p, ksize, strides, "SAME")


@pytest.mark.parametrize(
    ("ksize", "strides", "padding"),
    [([1, 1, 1, 0], [1, 1, 1, 0], "SAME"), ([1, 1, 1, 2], 2, "SAME"), ([1, 1, 1, 2], [1, 1, 1, 2], "same?")],
)
def test_wrong_arguments_across_channels_are_refused(ksize: Any, strides: Any, padding: Any) -> None:
    with pytest.raises((ValueError, tf.errors.UnimplementedError), match="max_pool"):
        tf.nn.max_pool(tf.zeros([1, 2, 2, 4]), ksize, strides, padding)
