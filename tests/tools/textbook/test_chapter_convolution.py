"""The chapter's rows on convolution; docs/chapter.md says which. Names begin with the row's id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.needed import needed

import minigraph as tf

signal = needed("scipy.signal")
sympy = needed("sympy")
symbolic = needed("minigraph.backends.sympy", "sympy")
sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def layer(
    a: Any, w: Any, delta: Any = None, padding: Any = "VALID", flip: bool = True, backend: str = "numpy"
) -> list[Any]:
    """s, and with δ also ∂L/∂w and ∂L/∂a, of a layer of one map whose kernel is flipped or not."""
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        x, kernel = (tf.placeholder(tf.float64, np.shape(v)) for v in (a, w))
        used = kernel[::-1, ::-1] if flip else kernel
        s = tf.nn.conv2d(x[None, :, :, None], used[:, :, None, None], [1, 1, 1, 1], padding)[0, :, :, 0]
        if delta is None:
            return [session.run(s, {x: a, kernel: w})]
        d = tf.placeholder(tf.float64, np.shape(delta))
        dw, da = tf.gradients(s, [kernel, x], grad_ys=[d])
        out: list[Any] = session.run([s, dw, da], {x: a, kernel: w, d: delta})
        return out


def full(x: Any, h: Any) -> Any:
    """The full convolution of two arrays of symbols, by a graph."""
    rows, columns = np.shape(h)
    padding = ((rows - 1, rows - 1), (columns - 1, columns - 1))
    return layer(x, h, padding=padding, backend="sympy")[0]


def zero(expressions: Any) -> bool:
    return all(sympy.expand(e) == 0 for e in np.asarray(expressions).flat)


def placed(h: Any, row: int, column: int, shape: tuple[int, int]) -> np.ndarray:
    out = np.full(shape, sympy.S.Zero)
    out[row : row + h.shape[0], column : column + h.shape[1]] = h
    return out


@pytest.fixture(scope="module")
def maps() -> Any:
    """An image, a kernel and a gradient of symbols."""
    shapes = {"a": (3, 3), "w": (2, 2), "d": (2, 2)}
    return [symbolic.symbols(name, shape) for name, shape in shapes.items()]


# C-LSI, F3-2, F3-6/7, EQ-conv2d


def test_c_lsi_scaling_and_superposition_on_symbols() -> None:
    x, y, h = symbolic.symbols("x", (2, 3)), symbolic.symbols("y", (2, 3)), symbolic.symbols("h", (2, 2))
    p, q = sympy.symbols("p q")
    assert zero(full(p * x + q * y, h) - p * full(x, h) - q * full(y, h))


def test_c_lsi_shift_invariance_on_symbols() -> None:
    x, h = symbolic.symbols("x", (2, 2)), symbolic.symbols("h", (2, 2))
    moved = full(placed(x, 1, 2, (3, 4)), h)
    assert zero(moved - placed(full(x, h), 1, 2, (4, 5)))


def test_f3_2_an_impulse_gives_back_the_impulse_response() -> None:
    """Erratum: the signal is the unit impulse, not the unit step, whose answer is another one."""
    h = symbolic.symbols("h", (2, 3))
    assert zero(full(np.array([[1]]), h) - h)
    assert not zero(full(np.ones((2, 2)), h)[:2, :3] - h)


def test_f3_6_7_a_signal_is_the_sum_of_its_shifted_impulses() -> None:
    impulse = np.array([[1]])
    parts = [
        height * placed(impulse, n1, n2, (2, 2)) for height, n1, n2 in ((1, 0, 0), (2, 0, 1), (3, 1, 1))
    ]  # fmt: skip
    x = sum(parts)
    assert x.tolist() == [[1, 2], [0, 3]]
    h = symbolic.symbols("h", (2, 2))
    assert zero(full(x, h) - sum(full(p, h) for p in parts))


def test_eq_conv2d_linearity_and_shift_invariance_give_convolution() -> None:
    """The answer to an impulse at (k1, k2) is h moved there (shift invariance), and to x their weighted sum
    (linearity); on a 2×3 signal and a 3×2 response the graph's convolution is this sum, term by term."""
    x, h = symbolic.symbols("x", (2, 3)), symbolic.symbols("h", (3, 2))
    answers = [x[k1, k2] * placed(h, k1, k2, (4, 4)) for k1, k2 in np.ndindex(2, 3)]
    y = full(x, h)
    assert zero(y - sum(answers))
    for n1, n2 in np.ndindex(4, 4):
        by_formula = sum(
            x[k1, k2] * h[n1 - k1, n2 - k2]
            for k1, k2 in np.ndindex(2, 3)
            if 0 <= n1 - k1 < 3 and 0 <= n2 - k2 < 2
        )  # fmt: skip
        assert sympy.expand(y[n1, n2] - by_formula) == 0


def test_f3_8_9_full_convolution() -> None:
    (y,) = layer([[4, 5], [2, 3]], [[1, 2], [3, 4]], padding=((1, 1), (1, 1)))
    assert y.tolist() == [[4, 13, 10], [14, 38, 26], [6, 17, 12]]


# C-xcorr, EQ-convfwd, EQ-convbackprop


@settings(max_examples=40)
@given(sizes, sizes, st.integers(0, 3), st.integers(0, 3), seeds)
def test_c_xcorr_layers_cross_correlate_and_the_flipped_kernel_convolves(
    rows: int, columns: int, more: int, wider: int, seed: int
) -> None:
    a, w = numbers(seed, rows + more, columns + wider), numbers(seed + 1, rows, columns)
    np.testing.assert_allclose(layer(a, w, flip=False)[0], signal.correlate2d(a, w, "valid"), atol=1e-10)
    np.testing.assert_allclose(layer(a, w, flip=True)[0], signal.convolve2d(a, w, "valid"), atol=1e-10)


def test_eq_convfwd_f3_21_each_output(maps: Any) -> None:
    a, w, _ = maps
    a11, a12, a13, a21, a22, a23, a31, a32, a33 = a.ravel()
    w11, w12, w21, w22 = w.ravel()
    (s,) = layer(a, w, backend="sympy")
    expected = [
        [w22 * a11 + w21 * a12 + w12 * a21 + w11 * a22, w22 * a12 + w21 * a13 + w12 * a22 + w11 * a23],
        [w22 * a21 + w21 * a22 + w12 * a31 + w11 * a32, w22 * a22 + w21 * a23 + w12 * a32 + w11 * a33],
    ]
    assert zero(s - np.array(expected))


def test_eq_convfwd_erratum_s22_has_w21_a23(maps: Any) -> None:
    """Erratum: s22 is printed with w23·a22 for w21·a23."""
    a, w, _ = maps
    (s,) = layer(a, w, backend="sympy")
    assert s[1, 1].coeff(a[1, 2]) == w[1, 0]
    assert s[1, 1].coeff(a[1, 1]) == w[1, 1]


def test_eq_convbackprop_each_weight(maps: Any) -> None:
    a, w, delta = maps
    a11, a12, a13, a21, a22, a23, a31, a32, a33 = a.ravel()
    d11, d12, d21, d22 = delta.ravel()
    _, dw, _ = layer(a, w, delta, backend="sympy")
    expected = [
        [d11 * a22 + d12 * a23 + d21 * a32 + d22 * a33, d11 * a21 + d12 * a22 + d21 * a31 + d22 * a32],
        [d11 * a12 + d12 * a13 + d21 * a22 + d22 * a23, d11 * a11 + d12 * a12 + d21 * a21 + d22 * a22],
    ]
    assert zero(dw - np.array(expected))


def test_eq_convbackprop_erratum_the_index_formula(maps: Any) -> None:
    """Erratum: the general formula. Right is ∂L/∂w_ij = Σ_mn δ_mn·a_(m+2−i)(n+2−j), places counted from 1."""
    a, w, delta = maps
    _, dw, _ = layer(a, w, delta, backend="sympy")
    for i, j in np.ndindex(2, 2):
        right = sum(delta[m, n] * a[m + 1 - i, n + 1 - j] for m, n in np.ndindex(2, 2))
        assert sympy.expand(dw[i, j] - right) == 0


def test_eq_convbackprop_erratum_the_gradient_of_the_input(maps: Any) -> None:
    """Left out in print: each a_kl gets δ from every output that it went into, times the weight it met there."""
    a, w, delta = maps
    _, _, da = layer(a, w, delta, backend="sympy")
    expected = np.full((3, 3), sympy.S.Zero)
    for i, j in np.ndindex(2, 2):
        expected[i : i + 2, j : j + 2] += delta[i, j] * w[::-1, ::-1]
    assert zero(da - expected)


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.integers(0, 4), seeds)
def test_eq_convbackprop_the_flipped_gradient_is_a_correlation(
    rows: int, columns: int, more: int, wider: int, seed: int
) -> None:
    """flip(∂L/∂W) = A ⋆ δ = A ∗ flip(δ), and ∂L/∂A = δ ⋆ W in full, for maps and kernels of any size."""
    a, w = numbers(seed, rows + more, columns + wider), numbers(seed + 1, rows, columns)
    delta = numbers(seed + 2, more + 1, wider + 1)
    _, dw, da = layer(a, w, delta)
    np.testing.assert_allclose(dw[::-1, ::-1], signal.correlate2d(a, delta, "valid"), atol=1e-10)
    np.testing.assert_allclose(dw[::-1, ::-1], signal.convolve2d(a, delta[::-1, ::-1], "valid"), atol=1e-10)
    np.testing.assert_allclose(da, signal.correlate2d(delta, w, "full"), atol=1e-10)


def test_eq_convbackprop_without_the_flip() -> None:
    """A layer that cross-correlates: ∂L/∂W = A ⋆ δ itself, and ∂L/∂A = δ ∗ W in full."""
    a, w, delta = numbers(0, 5, 6), numbers(1, 2, 3), numbers(2, 4, 4)
    _, dw, da = layer(a, w, delta, flip=False)
    np.testing.assert_allclose(dw, signal.correlate2d(a, delta, "valid"), atol=1e-10)
    np.testing.assert_allclose(da, signal.convolve2d(delta, w, "full"), atol=1e-10)


# C-pad, EQ-share, EQ-equiv


@settings(max_examples=40)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(1, 4), seeds)
def test_c_pad_same_puts_the_odd_zero_at_the_right_and_the_bottom(
    rows: int, columns: int, height: int, width: int, seed: int
) -> None:
    x, w = numbers(seed, rows, columns), numbers(seed + 1, height, width)
    (top, left), (bottom, right) = ((n // 2 for n in (height - 1, width - 1)), (height // 2, width // 2))
    padded = np.pad(x, ((top, bottom), (left, right)))
    (same,) = layer(x, w, padding="SAME", flip=False)
    np.testing.assert_allclose(same, signal.correlate2d(padded, w, "valid"), atol=1e-10)


@pytest.mark.parametrize(("n", "k", "side"), [(4, 4, 3), (32, 28, 5), (7, 3, 2)])
def test_eq_share_weights_of_a_full_connection_against_a_filter(n: int, k: int, side: int) -> None:
    """k²·n² weights join an n×n map to a k×k map; a filter has its own size, whatever the maps'."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [1, n * n])
        weights = tf.Variable(tf.zeros([n * n, k * k]))
        assert tf.matmul(x, weights).shape.as_list() == [1, k * k]
        assert count(tf.trainable_variables()) == k**2 * n**2
    with tf.Graph().as_default():
        for size in (n, 2 * n):
            tf.nn.conv2d(tf.zeros([1, size, size, 1]), shared_filter(side), [1, 1, 1, 1], "SAME")
        assert count(tf.trainable_variables()) == side**2


def shared_filter(side: int) -> tf.Variable:
    with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
        return tf.get_variable("filter", [side, side, 1, 1])


def count(variables: list[tf.Variable]) -> int:
    return int(sum(np.prod(v.get_shape().as_list()) for v in variables))


def shifted(x: np.ndarray, down: int, right: int) -> np.ndarray:
    out = np.zeros_like(x)
    out[down:, right:] = x[: len(x) - down, : x.shape[1] - right]
    return out


@settings(max_examples=40)
@given(st.integers(0, 3), st.integers(0, 3), st.sampled_from([1, 3, 5]), seeds)
def test_eq_equiv_f3_24_25_translation_and_convolution_commute_inside(
    down: int, right: int, side: int, seed: int
) -> None:
    x, w = numbers(seed, 12, 13), numbers(seed + 1, side, side)
    (moved_first,) = layer(shifted(x, down, right), w, padding="SAME")
    convolved_first = shifted(layer(x, w, padding="SAME")[0], down, right)
    edge = side // 2
    inside = (slice(down + edge, 12 - edge), slice(right + edge, 13 - edge))
    np.testing.assert_allclose(moved_first[inside], convolved_first[inside], atol=1e-10)


def test_eq_equiv_at_the_borders_they_differ() -> None:
    x, w = numbers(0, 6, 6), numbers(1, 3, 3)
    (moved_first,) = layer(shifted(x, 0, 1), w, padding="SAME")
    assert np.abs(moved_first - shifted(layer(x, w, padding="SAME")[0], 0, 1)).max() > 0.1
