"""One rule for NaN and ties on all backends and levels: NaN is the extreme, and the first of equal elements counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gpu.some_device import has_device, some_device

import minigraph as tf
from minigraph.backend import discovery

NAN = np.nan
ROWS = [
    [1.0, NAN, 2.0, 0.0],
    [NAN, 1.0, NAN, 3.0],
    [0.0, -1.0, 5.0, NAN],
    [2.0, 2.0, -0.0, 0.0],
    [-np.inf, -np.inf, -7.0, -np.inf],
]
SETTINGS = [("numpy", "O0"), ("numpy", "O3"), ("llvm", "O0"), ("llvm", "O3")]


def pooled(x: Any) -> Any:
    return tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "max_pool": pooled,
    "overlapping": lambda x: tf.nn.max_pool(x, [1, 3, 3, 1], [1, 1, 1, 1], "SAME"),
    "relu, max_pool": lambda x: pooled(tf.nn.relu(x)),
    "max_pool, relu": lambda x: tf.nn.relu(pooled(x)),
}


def images(dtype: Any) -> np.ndarray:
    """Each row as a window of 2 × 2, in 17 channels: whole vectors and a rest."""
    windows = np.array(ROWS).reshape(-1, 2, 2, 1)
    return np.tile(windows, (1, 1, 1, 17)).astype(dtype)


def value_and_gradient(function: str, x: np.ndarray, **how: Any) -> list[np.ndarray]:
    with tf.Graph().as_default(), tf.Session(**how) as session:
        given = tf.placeholder(x.dtype, x.shape)
        y = FUNCTIONS[function](given)
        return list(session.run([y, tf.gradients(y, given)[0]], {given: x}))


def expected(function: str, x: np.ndarray) -> list[np.ndarray]:
    """By loops over windows; NumPy's argmax has the same rule. ReLU's gradient is 0 at NaN."""
    relu = "relu" in function
    size, stride, before = (3, 1, 1) if function == "overlapping" else (2, 2, 0)
    image = np.where(x > 0, x, np.where(np.isnan(x), x, 0)) if function == "relu, max_pool" else x
    n, height, width, channels = x.shape
    y = np.zeros((n, height // stride, width // stride, channels), x.dtype)
    gradient = np.zeros_like(x)
    for i, p, q, c in np.ndindex(y.shape):
        top, left = p * stride - before, q * stride - before
        rows, columns = range(max(top, 0), min(top + size, height)), range(max(left, 0), min(left + size, width))
        places = [(i, r, s, c) for r in rows for s in columns]
        best = places[int(np.argmax([image[place] for place in places]))]
        y[i, p, q, c] = image[best] if not relu or not image[best] <= 0 else 0
        gradient[best] += 1 if not relu or image[best] > 0 else 0
    return [y, gradient]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("how", SETTINGS, ids="-".join)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_max_pool(function: str, how: tuple[str, str], dtype: Any) -> None:
    x = images(dtype)
    for got, want in zip(
        value_and_gradient(function, x, backend=how[0], optimize=how[1]), expected(function, x), strict=True
    ):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("how", SETTINGS, ids="-".join)
@pytest.mark.parametrize("function", ["max_pool", "overlapping"])
def test_an_infinite_gradient_of_max_pool_goes_to_the_maximum_alone(
    function: str, how: tuple[str, str], dtype: Any
) -> None:
    """Beside it the gradient is 0, not ∞·0. The same holds for the elements that the second derivative picks."""
    x = np.random.RandomState(0).permutation(4 * 4 * 17).reshape(1, 4, 4, 17).astype(dtype)
    y, plain = expected(function, x)
    delta = np.full(y.shape, np.inf, dtype)
    beside = np.where(plain == 0, np.nan, 1).astype(dtype)
    with tf.Graph().as_default(), tf.Session(backend=how[0], optimize=how[1]) as session:
        image, weight = tf.placeholder(dtype, x.shape), tf.placeholder(dtype, y.shape)
        gradient = tf.gradients(FUNCTIONS[function](image), image, grad_ys=weight)[0]
        picked = tf.gradients(gradient, weight, grad_ys=tf.constant(beside))[0]
        found, ones = session.run([gradient, picked], {image: x, weight: delta})
    np.testing.assert_array_equal(found, np.where(plain > 0, np.inf, 0))
    np.testing.assert_array_equal(ones, np.ones_like(y))


EXTREMES = {"reduce_max": (tf.reduce_max, np.max), "reduce_min": (tf.reduce_min, np.min)}
PLACES = {"argmax": (tf.argmax, np.argmax), "argmin": (tf.argmin, np.argmin)}


def shares(row: np.ndarray, extreme: Any) -> np.ndarray:
    hits = np.isnan(row) if np.isnan(extreme) else row == extreme
    return hits / hits.sum()


def check_rows(axis: int, **how: Any) -> None:
    x = np.repeat(np.array(ROWS, np.float32), 9, axis=1)
    given = x if axis == 1 else x.T.copy()
    with tf.Graph().as_default(), tf.Session(**how) as session:
        feed = tf.placeholder(tf.float32, given.shape)
        found = {n: f(feed, axis) for n, (f, _) in (EXTREMES | PLACES).items()}
        gradients = {n: tf.gradients(found[n], feed)[0] for n in EXTREMES}
        values, slopes = session.run([found, gradients], {feed: given})
    for name, (_, oracle) in (EXTREMES | PLACES).items():
        np.testing.assert_array_equal(values[name], oracle(given, axis), err_msg=name)
    for name, (_, oracle) in EXTREMES.items():
        want = np.array([shares(row, oracle(row)) for row in x])
        np.testing.assert_allclose(slopes[name] if axis == 1 else slopes[name].T, want, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("how", SETTINGS, ids="-".join)
@pytest.mark.parametrize("axis", [0, 1])
def test_reductions_and_positions(axis: int, how: tuple[str, str]) -> None:
    check_rows(axis, backend=how[0], optimize=how[1])


@pytest.mark.slow
@pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")
def test_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigraph.backends.cupy.backend import CupyBackend

    monkeypatch.setitem(discovery._loaded, "cupy", CupyBackend(some_device()))
    for optimize in ("O0", "O3"):
        for axis in (0, 1):
            check_rows(axis, backend="cupy", optimize=optimize)
        for function in FUNCTIONS:
            x = images(np.float32)
            found = value_and_gradient(function, x, backend="cupy", optimize=optimize)
            for got, want in zip(found, expected(function, x), strict=True):
                np.testing.assert_array_equal(got, want)
