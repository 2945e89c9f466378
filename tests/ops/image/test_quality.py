"""Patches, structural similarity, running products and segments, against loops of NumPy, on the backends at hand.

Tests `ops/array/sequences.py` and `ops/math/segments.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf

A = np.random.RandomState(0).rand(2, 9, 8, 2).astype(np.float32)
B = np.random.RandomState(1).rand(2, 9, 8, 2).astype(np.float32)


@pytest.fixture(params=["numpy", "llvm"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "llvm":
        pytest.importorskip("llvmlite")
    return str(request.param)


def run(fetches: object, backend: str) -> np.ndarray:
    with tf.Session(backend=backend) as session:
        return np.asarray(session.run(fetches))


def test_ssim_is_the_mean_over_windows(backend: str) -> None:
    size, sigma, c1, c2 = 5, 1.1, 0.01**2, 0.03**2
    line = np.exp(-((np.arange(size) - 2) ** 2) / (2 * sigma**2))
    weights = np.outer(line, line) / np.outer(line, line).sum()
    expected = []
    for a, b in zip(A.astype(np.float64), B.astype(np.float64), strict=True):
        found = []
        for i, j, c in np.ndindex(5, 4, 2):
            p, q = a[i : i + 5, j : j + 5, c], b[i : i + 5, j : j + 5, c]
            m, n = (weights * p).sum(), (weights * q).sum()
            vp, vq = (weights * (p - m) ** 2).sum(), (weights * (q - n) ** 2).sum()
            cov = (weights * (p - m) * (q - n)).sum()
            found.append((2 * m * n + c1) * (2 * cov + c2) / ((m * m + n * n + c1) * (vp + vq + c2)))
        expected.append(np.mean(found))
    np.testing.assert_allclose(run(tf.image.ssim(A, B, 1.0, size, sigma), backend), expected, rtol=1e-5)
    np.testing.assert_allclose(run(tf.image.ssim(A, A, 1.0, size, sigma), backend), [1, 1], rtol=1e-6)


def test_psnr(backend: str) -> None:
    expected = 10 * np.log10(4 / np.mean((A - B) ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(run(tf.image.psnr(A, B, 2.0), backend), expected, rtol=1e-5)
    assert run(tf.image.psnr(A, A, 1.0), backend).tolist() == [np.inf, np.inf]


def test_patches_are_the_windows(backend: str) -> None:
    patches = tf.image.extract_image_patches(A, [1, 2, 3, 1], [1, 2, 1, 1], [1, 3, 2, 1], "VALID")
    expected = [[[a[i : i + 4 : 3, j : j + 5 : 2].ravel() for j in range(4)] for i in range(0, 6, 2)] for a in A]
    np.testing.assert_array_equal(run(patches, backend), expected)


def test_running_products_and_segments(backend: str) -> None:
    np.testing.assert_allclose(run(tf.cumprod(A[0], 1), backend), np.cumprod(A[0], 1), rtol=1e-6)
    ids = tf.placeholder(tf.int32, [None])
    with tf.Session(backend=backend) as session:
        total = session.run(tf.segment_sum(A, ids) * 2.0, {ids: [1, 1]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="not increasing"):
            session.run(tf.segment_sum(A, ids), {ids: [1, 0]})
    np.testing.assert_allclose(total, np.stack([0 * A[0], 2 * (A[0] + A[1])]), rtol=1e-6)


def test_division_of_integers_by_zero(backend: str) -> None:
    x = tf.placeholder(tf.int32, [2])
    with tf.Session(backend=backend) as session:
        for y in (tf.constant([4, 7]) // x, 5 % x, tf.div(x, x), tf.floordiv(1, x)):
            assert session.run(y, {x: [2, 3]}).shape == (2,)
            with pytest.raises(tf.errors.InvalidArgumentError, match="Integer division by zero"):
                session.run(y, {x: [2, 0]})
