"""Softmax and the cross-entropies against SciPy, decimal arithmetic of 60 digits, and known limits."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import Case, check_gradients, evaluate
from support.needed import needed

from minigraph.autodiff.gradients import gradients
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Graph
from minigraph.ops.constant import placeholder
from minigraph.ops.math.reduce_extremes import reduce_logsumexp
from minigraph.ops.nn import loss as L
from minigraph.ops.nn.cross_entropy import (
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from minigraph.ops.nn.softmax import log_softmax, softmax

special = needed("scipy.special")

LOGITS = np.random.RandomState(0).randn(4, 5) * 3
LABELS = special.softmax(np.random.RandomState(1).randn(4, 5), axis=-1)
CLASSES = np.array([4, 0, 2, 2], np.int32)
EXTREME = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 0.0], [700.0, 710.0, -745.0]])


def exact_log_softmax(row: Any) -> list[float]:
    with localcontext() as context:
        context.prec, context.Emin = 60, -999999
        numbers = [Decimal(float(v)) for v in row]
        log_sum = sum((v.exp() for v in numbers), Decimal(0)).ln()
        return [float(v - log_sum) for v in numbers]


def value(build: Any, *arrays: Any) -> np.ndarray:
    case = Case(build, arrays)
    return case.values(case.outputs)[0]


rows = st.lists(st.floats(-800, 800), min_size=1, max_size=6)


@settings(max_examples=80)
@given(rows)
def test_log_softmax_to_the_last_digits(row: list[float]) -> None:
    expected = exact_log_softmax(row)
    x = np.array([row])
    np.testing.assert_allclose(value(log_softmax, x)[0], expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(value(softmax, x)[0], np.exp(expected), rtol=1e-12, atol=1e-300)
    total = float(row[0]) - expected[0]
    np.testing.assert_allclose(value(lambda t: reduce_logsumexp(t, 1), x)[0], total, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits(dtype: Any) -> None:
    x = EXTREME.astype(dtype)
    exact = np.array([exact_log_softmax(row) for row in x])
    tolerance = {"rtol": 1e-5 if dtype is np.float32 else 1e-12, "atol": 1e-6}
    np.testing.assert_allclose(value(log_softmax, x), exact, **tolerance)
    np.testing.assert_allclose(value(softmax, x), special.softmax(x, axis=-1), **tolerance)
    for labels in (np.eye(3)[[1, 0, 2, 2]], np.full((4, 3), 1 / 3)):
        found = value(lambda a, b: softmax_cross_entropy_with_logits(logits=a, labels=b), x, labels.astype(dtype))
        np.testing.assert_allclose(found, -np.sum(labels * exact, axis=-1), **tolerance)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3, None])
def test_softmax_along_any_axis(axis: int | None) -> None:
    x = np.random.RandomState(2).randn(2, 3, 4)
    at = -1 if axis is None else axis
    np.testing.assert_allclose(value(lambda t: softmax(t, axis), x), special.softmax(x, at), rtol=1e-13)
    np.testing.assert_allclose(value(lambda t: log_softmax(t, dim=axis), x), special.log_softmax(x, at), rtol=1e-13)


def test_cross_entropy_against_scipy() -> None:
    expected = -np.sum(LABELS * special.log_softmax(LOGITS, axis=-1), axis=-1)
    for function in (softmax_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2):
        found = value(lambda x, y, f=function: f(labels=y, logits=x), LOGITS, LABELS)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    sparse = value(lambda x, y: sparse_softmax_cross_entropy_with_logits(labels=y, logits=x), LOGITS, CLASSES)
    np.testing.assert_allclose(sparse, -special.log_softmax(LOGITS, axis=-1)[np.arange(4), CLASSES], rtol=1e-13)


def test_gradient_is_p_minus_y_whatever_the_rows_sum_to() -> None:
    labels = 3 * LABELS
    case = Case(lambda x, y: softmax_cross_entropy_with_logits(labels=y, logits=x), [LOGITS, labels])
    (weights,), (dx, dy) = case.differentiate(case.outputs)
    assert dy is None
    assert dx is not None
    expected = weights[:, None] * (special.softmax(LOGITS, axis=-1) - labels)
    np.testing.assert_allclose(case.values([dx])[0], expected, rtol=1e-12, atol=1e-13)


def test_v2_has_a_gradient_to_the_labels() -> None:
    case = Case(lambda x, y: softmax_cross_entropy_with_logits_v2(labels=y, logits=x), [LOGITS, LABELS])
    (weights,), (_, dy) = case.differentiate(case.outputs)
    assert dy is not None
    np.testing.assert_allclose(case.values([dy])[0], -weights[:, None] * special.log_softmax(LOGITS, -1), rtol=1e-12)


def test_gradients_to_second_order() -> None:
    check_gradients(lambda x: softmax_cross_entropy_with_logits(labels=LABELS, logits=x), [LOGITS])
    check_gradients(lambda x: softmax_cross_entropy_with_logits_v2(labels=softmax(x), logits=x), [LOGITS])
    check_gradients(lambda x: sparse_softmax_cross_entropy_with_logits(labels=CLASSES, logits=x), [LOGITS])
    check_gradients(lambda x: L.sigmoid_cross_entropy_with_logits(labels=LABELS, logits=x), [LOGITS])
    check_gradients(lambda x, z: L.sigmoid_cross_entropy_with_logits(labels=z, logits=x), [LOGITS, LABELS])
    check_gradients(lambda x: reduce_logsumexp(x, [0], keepdims=True), [LOGITS])


def test_gradients_are_summed_to_operands_that_broadcast() -> None:
    for x, y in ((LOGITS[:1], LABELS), (LOGITS, LABELS[:1])):
        case = Case(lambda a, b: softmax_cross_entropy_with_logits_v2(labels=b, logits=a), [x, y])
        (weights,), (dx, dy) = case.differentiate(case.outputs)
        found = case.values([dx, dy])  # type: ignore[list-item]
        assert [f.shape for f in found] == [x.shape, y.shape]
        full = weights[:, None] * (special.softmax(x, axis=-1) - y)
        np.testing.assert_allclose(found[0], full.sum(0, keepdims=True) if len(x) == 1 else full, rtol=1e-12)


@settings(max_examples=60)
@given(st.floats(-1e4, 1e4), st.floats(0, 1))
def test_sigmoid_cross_entropy(x: float, z: float) -> None:
    def function(a: Any, b: Any) -> Any:
        return L.sigmoid_cross_entropy_with_logits(logits=a, labels=b)

    expected = np.logaddexp(0, x) - x * z
    np.testing.assert_allclose(value(function, np.array([x]), np.array([z]))[0], expected, rtol=1e-12, atol=1e-12)
    case = Case(function, [np.array([x]), np.array([z])])
    (weights,), (dx, _) = case.differentiate(case.outputs)
    assert dx is not None
    if x:  # at 0 the formula's own kink, max(x, 0) + log(1 + e^-|x|), takes a one-sided value
        expected_grad = weights * (special.expit(x) - z)
        np.testing.assert_allclose(case.values([dx])[0], expected_grad, rtol=1e-9, atol=1e-9)


def test_sigmoid_cross_entropy_stays_finite() -> None:
    x = np.array([1e4, -1e4, 1e4, -1e4], np.float32)
    z = np.array([1, 0, 0, 1], np.float32)
    found = value(lambda a, b: L.sigmoid_cross_entropy_with_logits(logits=a, labels=b), x, z)
    assert found.tolist() == [0.0, 0.0, 1e4, 1e4]


def test_ranks_other_than_two_are_flattened_to_rows() -> None:
    x, y = LOGITS.reshape(2, 2, 5), LABELS.reshape(2, 2, 5)
    expected = -np.sum(y * special.log_softmax(x, axis=-1), axis=-1)
    for dims in ([2, 2, 5], [None, 2, 5], [None, None, 5]):
        case = Case(
            lambda a, b: softmax_cross_entropy_with_logits(labels=b, logits=a), [x, y], dims=lambda _, d=dims: d
        )
        assert case.outputs[0].shape.ndims == 2
        np.testing.assert_allclose(case.values(case.outputs)[0], expected, rtol=1e-12)
    classes = CLASSES.reshape(2, 2)
    for unknown in (False, True):
        with Graph().as_default():
            a = placeholder("float64", [None, None, 5] if unknown else [2, 2, 5])
            b = placeholder("int32", [None, None] if unknown else [2, 2])
            loss = sparse_softmax_cross_entropy_with_logits(labels=b, logits=a)
            (found,) = evaluate([loss], {a: x, b: classes})
        expected = -np.take_along_axis(special.log_softmax(x, axis=-1), classes[..., None], -1)[..., 0]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_l2_loss() -> None:
    assert value(L.l2_loss, np.array([[3.0, 4.0]])) == 12.5
    check_gradients(L.l2_loss, [LOGITS])


def test_misuse_is_told() -> None:
    with Graph().as_default():
        x = placeholder("float32", [None, 3])
        for function in (
            softmax_cross_entropy_with_logits,
            sparse_softmax_cross_entropy_with_logits,
            L.sigmoid_cross_entropy_with_logits,
        ):
            with pytest.raises(ValueError, match="named arguments"):
                function(x, x)
            with pytest.raises(ValueError, match="Both labels and logits"):
                function(logits=x)
        with pytest.raises(DTypeError, match="integers"):
            sparse_softmax_cross_entropy_with_logits(labels=x[:, 0], logits=x)
        with pytest.raises(ShapeError, match="same shape"):
            L.sigmoid_cross_entropy_with_logits(labels=np.ones((2, 1), np.float32), logits=x)
        with pytest.raises(ShapeError, match="axis 2"):
            softmax(x, axis=2)
        with pytest.raises(ShapeError):
            softmax(np.float32(1))
        loss = sparse_softmax_cross_entropy_with_logits(labels=[3], logits=x)
        with pytest.raises(InvalidArgumentError, match=r"labels\[0\] = 3 is not in \[0, 3\)"):
            evaluate([loss], {x: np.zeros((1, 3))})
        assert gradients(softmax_cross_entropy_with_logits(labels=x, logits=np.ones((2, 3), np.float32)), x) == [None]
