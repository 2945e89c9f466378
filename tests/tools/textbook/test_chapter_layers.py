"""The chapter's rows on pooling, softmax, sigmoid and batch normalisation. Names begin with the row's id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support.needed import needed

import minigraph as tf

special = needed("scipy.special")

few = st.integers(-2, 2).map(float)  # so few that windows have ties
maps = arrays.arrays(float, (4, 6), elements=few)
rows = arrays.arrays(float, (2, 4), elements=st.floats(-30, 30))


def pooled(kind: str, a: Any, delta: Any = None, backend: str = "numpy") -> list[Any]:
    """The pooled map over 2×2 windows side by side, and ∂L/∂a for δ."""
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        x = tf.placeholder(tf.float64, np.shape(a))
        s = getattr(tf.nn, kind)(x[None, :, :, None], [1, 2, 2, 1], [1, 2, 2, 1], "VALID")[0, :, :, 0]
        if delta is None:
            return [session.run(s, {x: a})]
        d = tf.placeholder(tf.float64, np.shape(delta))
        out: list[Any] = session.run([s, tf.gradients(s, x, grad_ys=d)[0]], {x: a, d: delta})
        return out


def run(build: Any, *values: Any) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build(*(tf.constant(np.asarray(v, float), tf.float64) for v in values)))


# F3-22, F3-23, F3-26


@settings(max_examples=60)
@given(maps)
def test_f3_22_the_whole_gradient_goes_to_the_first_maximum(a: np.ndarray) -> None:
    delta = np.arange(1.0, 7).reshape(2, 3)
    expected = np.zeros_like(a)
    for i, j in np.ndindex(2, 3):
        places = [(2 * i + r, 2 * j + c) for r in range(2) for c in range(2)]
        best = max(places, key=lambda p: (a[p], -places.index(p)))
        expected[best] += delta[i, j]
    s, da = pooled("max_pool", a, delta)
    np.testing.assert_array_equal(
        s, [[a[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max() for j in range(3)] for i in range(2)]
    )
    np.testing.assert_array_equal(da, expected)


def test_f3_22_on_symbols() -> None:
    sympy = pytest.importorskip("sympy")
    from minigraph.backends.sympy import branches_at, symbols

    a, d = symbols("a", (2, 2)), sympy.Symbol("d")
    s, da = pooled("max_pool", a, [[d]], "sympy")
    assert s[0, 0] == sympy.Max(*a.ravel())
    for winner in np.ndindex(2, 2):
        point = {symbol: float(place == winner) for place, symbol in np.ndenumerate(a)}
        assert [e.subs(point) for e in da.ravel()] == [d if place == winner else 0 for place in np.ndindex(2, 2)]
        with branches_at(point):
            s_there, da_there = pooled("max_pool", a, [[d]], "sympy")
        assert s_there[0, 0] == a[winner]
        assert da_there[winner] == d
        assert np.count_nonzero(da_there) == 1


@settings(max_examples=30)
@given(maps)
def test_f3_23_each_input_gets_a_quarter(a: np.ndarray) -> None:
    delta = np.arange(1.0, 7).reshape(2, 3)
    s, da = pooled("avg_pool", a, delta)
    np.testing.assert_allclose(s, a.reshape(2, 2, 3, 2).mean((1, 3)), atol=1e-12)
    np.testing.assert_array_equal(da, np.kron(delta / 4, np.ones((2, 2))))


@settings(max_examples=60)
@given(arrays.arrays(float, (4, 3), elements=st.floats(0, 9)))
def test_f3_26_max_pooling_is_invariant_to_a_shift_within_its_windows(columns: np.ndarray) -> None:
    a = np.zeros((4, 6))
    a[:, ::2] = columns  # the left column of each window
    np.testing.assert_array_equal(pooled("max_pool", np.roll(a, 1, axis=1))[0], pooled("max_pool", a)[0])


def test_f3_26_counter_example_a_shift_across_windows_shows() -> None:
    a = np.zeros((4, 6))
    a[0, 1] = 5  # at the right border of its window: one step leads into the next
    before, after = (pooled("max_pool", m)[0] for m in (a, np.roll(a, 1, axis=1)))
    assert before.tolist() == [[5, 0, 0], [0, 0, 0]]
    assert after.tolist() == [[0, 5, 0], [0, 0, 0]]


# Softmax, F3-29


@settings(max_examples=60)
@given(rows, st.floats(-1000, 1000))
def test_softmax_does_not_change_with_a_shift_of_all_logits(x: np.ndarray, c: float) -> None:
    np.testing.assert_allclose(run(tf.nn.softmax, x + c), special.softmax(x, axis=1), rtol=1e-9, atol=1e-12)


def test_softmax_shift_on_symbols() -> None:
    sympy = pytest.importorskip("sympy")
    from minigraph.backends.sympy import symbols

    x, c = symbols("x", (1, 3)), sympy.Symbol("c", real=True)
    with tf.Graph().as_default(), tf.Session(backend="sympy") as session:
        logits = tf.placeholder(tf.float64, [1, 3])
        p = tf.nn.softmax(logits)
        there, moved = (session.run(p, {logits: v}) for v in (x, x + c))
    assert all(sympy.simplify(a - b) == 0 for a, b in zip(there.flat, moved.flat, strict=True))


def test_f3_29_the_sigmoid_saturates() -> None:
    x = np.linspace(-12, 12, 241)
    y, slope = run(lambda t: (tf.sigmoid(t), tf.gradients(tf.sigmoid(t), t)[0]), x)
    np.testing.assert_allclose(y, special.expit(x), atol=1e-12)
    np.testing.assert_allclose(slope, special.expit(x) * special.expit(-x), atol=1e-12)
    assert slope.max() == slope[120] == 0.25
    assert np.all(np.diff(slope[:121]) > 0)
    assert np.all(np.diff(slope[120:]) < 0)
    assert np.all(slope[np.abs(x) > 4] < 0.02)
    assert np.all(slope[np.abs(x) > 10] < 1e-4)


# EQ-BN: the gradient through the batch's statistics (the layer itself is tested in test_batch_norm.py)

EPSILON = 1e-3


def normalise(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, stop: bool = False) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, [0])
    if stop:
        mean, variance = tf.stop_gradient(mean), tf.stop_gradient(variance)
    y: tf.Tensor = tf.nn.batch_normalization(x, mean, variance, beta, gamma, EPSILON)
    return y


@settings(max_examples=40)
@given(st.integers(2, 8), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_eq_bn_gradient_through_the_batch_statistics(batch: int, features: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, delta = random.normal(size=(2, batch, features))
    gamma, beta = random.normal(size=(2, features))
    gradients = run(lambda d, *v: tf.gradients(normalise(*v), list(v), grad_ys=d), delta, x, gamma, beta)
    r = 1 / np.sqrt(x.var(0) + EPSILON)  # the biased variance
    hat = (x - x.mean(0)) * r
    expected = gamma * r * (delta - delta.mean(0) - hat * (delta * hat).mean(0))
    for got, wanted in zip(gradients, (expected, (delta * hat).sum(0), delta.sum(0)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10)


def gradient_of_x(stop: bool) -> Any:
    return lambda d, x, gamma, beta: tf.gradients(normalise(x, gamma, beta, stop), x, grad_ys=d)[0]


def test_eq_bn_erratum_mean_and_variance_are_no_parameters_but_gradients_flow_through_them() -> None:
    """Erratum: mean and variance are printed as learned. γ and β are; a shift of the whole batch changes nothing."""
    random = np.random.default_rng(0)
    x, delta = random.normal(size=(2, 5, 1))
    gamma, beta = np.array([1.5]), np.array([0.5])
    through, stopped = (run(gradient_of_x(stop), delta, x, gamma, beta) for stop in (False, True))
    np.testing.assert_allclose(through.sum(), 0, atol=1e-12)
    np.testing.assert_allclose(stopped, delta * gamma / np.sqrt(x.var(0) + EPSILON), rtol=1e-10)
    assert np.abs(through - stopped).max() > 0.1
