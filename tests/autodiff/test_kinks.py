"""Gradients at zeros and kinks, to higher orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph as tf


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_slopes_of_powers_at_zero_to_any_order(backend: str) -> None:
    x = tf.placeholder(tf.float64, [])
    expected = {0.0: [0, 0], 1.0: [1, 0, 0], 2.0: [0, 2, 0, 0], 4.0: [0, 0, 0, 24, 0, 0]}
    with tf.Session(backend=backend) as session:
        for power, slopes in expected.items():
            y: Any = tf.pow(x, power)
            for order, slope in enumerate(slopes, 1):
                (y,) = tf.gradients(y, x)
                assert session.run(y, {x: 0.0}) == slope, (power, order)


@pytest.mark.parametrize("activation", [tf.nn.relu, tf.nn.relu6])
def test_the_second_derivative_of_a_rectifier_is_a_tensor_of_zeros(activation: Callable[[Any], tf.Tensor]) -> None:
    x = tf.constant([-1.0, 0.5, 7.0])
    (first,) = tf.gradients(activation(x), x)
    (second,) = tf.gradients(first, x)
    with tf.Session() as session:
        assert session.run(second).tolist() == [0, 0, 0]


def slopes_of(y: tf.Tensor, x: tf.Tensor, value: Any) -> tuple[Any, Any]:
    """The first derivative of the sum of y, and the derivative of that one's sum."""
    (first,) = tf.gradients(y, x)
    (second,) = tf.gradients(first, x)
    with tf.Session() as session:
        found = session.run([first, second], {x: value})
    return found[0], found[1]


def test_products_with_a_zero() -> None:
    x = tf.placeholder(tf.float64, [4])
    first, second = slopes_of(tf.reduce_prod(x), x, [2, 0, 3, 4])
    assert first.tolist() == [0, 24, 0, 0]
    assert second.tolist() == [12, 0 + 12 + 8 + 6, 8, 6]


def test_cumulative_products_with_a_zero() -> None:
    x = tf.placeholder(tf.float64, [4])
    assert slopes_of(tf.cumprod(x), x, [2, 0, 3, 4])[0].tolist() == [1, 32, 0, 0]


@pytest.mark.parametrize("values", [[2.0, 0.0, 3.0, 4.0], [0.0, 0.0, 3.0, 4.0], [1.5, -2.0, 0.5, 3.0]])
@pytest.mark.parametrize("kind", ["cumprod", "exclusive", "reverse", "both", "reduce_prod"])
def test_products_against_their_definition(kind: str, values: list[float]) -> None:
    """A product is linear in each factor, so differences of whole steps are exact derivatives."""

    def product(v: np.ndarray) -> np.ndarray:
        if kind == "reduce_prod":
            return np.array([np.prod(v)])
        w = v[::-1] if kind in ("reverse", "both") else v
        y = np.cumprod(w)
        return np.concatenate([[1.0], y[:-1]]) if kind in ("exclusive", "both") else y

    weights = np.arange(1.0, 2 if kind == "reduce_prod" else 5)
    ordered = weights[::-1] if kind in ("reverse", "both") else weights

    def slope(v: np.ndarray) -> np.ndarray:
        eye = np.eye(len(v))
        return np.array([ordered @ (product(v + eye[k]) - product(v)) for k in range(len(v))])

    x = tf.placeholder(tf.float64, [4])
    y = {
        "reduce_prod": lambda: tf.reduce_prod(x),
        "cumprod": lambda: tf.cumprod(x),
        "exclusive": lambda: tf.cumprod(x, exclusive=True),
        "reverse": lambda: tf.cumprod(x, reverse=True),
        "both": lambda: tf.cumprod(x, exclusive=True, reverse=True),
    }[kind]()
    first, second = slopes_of(y * (1.0 if kind == "reduce_prod" else weights), x, values)
    point = np.array(values)
    np.testing.assert_allclose(first, slope(point), atol=1e-12)
    eye = np.eye(4)
    curvature = [sum(slope(point + eye[k]) - slope(point)) for k in range(4)]
    np.testing.assert_allclose(second, curvature, atol=1e-12)
