"""Sufficient statistics against NumPy, with all that may be known of the shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize("dims", [[2, 3, 4], [None, 3, None], None])
@pytest.mark.parametrize("axes", [0, [1], [0, 2], [2, 0], [-1], [0, -1], [], None])
@pytest.mark.parametrize("keep", [False, True])
def test_sums_and_count(dims: Any, axes: Any, keep: bool) -> None:
    x = tf.placeholder(tf.float32, dims)
    chosen = axes if axes is None else tuple(np.ravel(axes).astype(int))
    if dims is None and (chosen is None or min(chosen, default=0) < 0):
        with pytest.raises(tf.errors.ShapeError, match="rank"):
            tf.nn.sufficient_statistics(x, axes)
        return
    count, total, squares, shift = tf.nn.sufficient_statistics(x, axes, shift=1.0, keepdims=keep)
    found = tf.Session().run([count, total, squares, shift], {x: X})
    reduced = range(3) if chosen is None else [a % 3 for a in chosen]
    assert found[0] == np.prod([X.shape[a] for a in reduced])
    for sums, values in zip(found[1:3], (X - 1, (X - 1) ** 2), strict=True):
        np.testing.assert_allclose(sums, values.sum(axis=chosen, keepdims=keep), rtol=1e-6)
    assert found[3] == 1.0


def test_misuse_is_told() -> None:
    with pytest.raises(tf.errors.ShapeError, match="reduction dimension 5"):
        tf.nn.sufficient_statistics(X, [5])
    with pytest.raises(TypeError, match="floating"):
        tf.nn.sufficient_statistics(X.astype(np.int32), [0])
