"""Reductions by segment against loops of NumPy, at empty segments, ties, zeros and NaN, on the backends at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf

X = np.array([[1.5, np.nan], [0.0, 3.0], [-2.5, 0.0], [2.5, -0.75], [-1.25, 4.0], [0.5, -np.inf]])
IDS = [2, 0, 2, -1, 4, 0]
KINDS: dict[str, Any] = {"max": np.maximum, "min": np.minimum, "prod": np.multiply}


@pytest.fixture(params=["numpy", "llvm"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "llvm":
        pytest.importorskip("llvmlite")
    return str(request.param)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_segment_is_reduced(kind: str, dtype: str, backend: str) -> None:
    x = X.astype(dtype) if dtype.startswith("float") else np.nan_to_num(np.abs(X), posinf=9).astype(dtype)
    limits = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype)
    wanted = np.full((5, 2), {"max": limits.min, "min": limits.max, "prod": 1}[kind], dtype)
    for row, at in zip(x, IDS, strict=True):
        if at >= 0:
            wanted[at] = KINDS[kind](wanted[at], row)
    data, ids = tf.placeholder(dtype, [None, 2]), tf.placeholder(tf.int64, [None])
    y = getattr(tf, f"unsorted_segment_{kind}")(data, ids, 5)
    with tf.Session(backend=backend) as session:
        np.testing.assert_allclose(session.run(y, {data: x, ids: IDS}), wanted, rtol=1e-3 if dtype == "float16" else 0)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"segment_ids\[1\] = 5 is not in \[0, 5\)"):
            session.run(y, {data: x[:2], ids: [0, 5]})
        assert session.run(y, {data: x[:0], ids: []}).shape == (5, 2)


def test_gradients_at_zeros_and_second_gradients(backend: str) -> None:
    """The product of the others, where one, several or no factors are zero; ∂²(a·b)/∂a∂b = 1."""
    x = tf.constant([2.0, 0.0, 3.0, 0.0, 0.0, 5.0, 7.0])
    y = tf.unsorted_segment_prod(x, [0, 0, 0, 1, 1, 2, 2], 3)
    (first,) = tf.gradients(y, x)
    (second,) = tf.gradients(first[6], x)
    with tf.Session(backend=backend) as session:
        np.testing.assert_allclose(session.run(first), [0, 6, 0, 0, 0, 7, 5], rtol=1e-6)
        np.testing.assert_allclose(session.run(second), [0, 0, 0, 0, 0, 1, 0], rtol=1e-6)


def test_segments_in_order_may_have_gaps(backend: str) -> None:
    ids = tf.placeholder(tf.int32, [None])
    with tf.Session(backend=backend) as session:
        for kind, wanted in (("max", [4, 0, 8]), ("min", [2, 0, 8]), ("prod", [8, 1, 8])):
            call = getattr(tf, f"segment_{kind}")
            for given in (ids, [0, 0, 2]):
                assert session.run(call([2, 4, 8], given), {ids: [0, 0, 2]}).tolist() == wanted
            with pytest.raises(tf.errors.InvalidArgumentError, match="not increasing"):
                call([2, 4], [1, 0])


@pytest.mark.parametrize("kind", ["sum", *KINDS])
def test_no_ids_are_no_segments_and_numbers_of_segments_may_be_tensors(kind: str, backend: str) -> None:
    x, ids, count = (
        tf.placeholder(tf.float32, [None, 2]),
        tf.placeholder(tf.int32, [None]),
        tf.placeholder(tf.int64, []),
    )
    ordered, unsorted = getattr(tf, f"segment_{kind}")(x, ids), getattr(tf, f"unsorted_segment_{kind}")
    for wrong in (tf.placeholder(tf.float32, []), tf.placeholder(tf.int32, [2])):
        with pytest.raises((TypeError, ValueError), match="num_segments"):
            unsorted(x, ids, wrong)
    results = [unsorted(x, ids, n) for n in (3, np.int64(3), tf.constant(3), count, tf.shape(x)[0])]
    with tf.Session(backend=backend) as session:
        assert session.run(ordered, {x: np.zeros((0, 2)), ids: []}).shape == (0, 2)
        feed = {x: [[1, 2], [3, 4], [5, 6]], ids: [2, 0, -1], count: 3}
        for got in session.run(results, feed):
            np.testing.assert_array_equal(got[[0, 2]], [[3, 4], [1, 2]])
        for slope in session.run([tf.gradients(y[2], x)[0] for y in results], feed):
            np.testing.assert_array_equal(slope, [[1, 1], [0, 0], [0, 0]])
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(ordered, {x: np.zeros((2, 2)), ids: [-1, 0]})
        for y in results:
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1\]"):
                session.run(y, {**feed, ids: [0, 3, 1]})
