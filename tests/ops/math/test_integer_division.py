"""Division that rounds down, on every backend."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigraph as tf

BACKENDS = ("numpy", "llvm")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_quotient_of_floats_is_rounded_before_it_is_rounded_down(backend: str, kind: type) -> None:
    """As in TensorFlow: ⌊1 / 0.1⌋ is 10. The remainder is exact, so the two differ there, as in Python."""
    rng = np.random.default_rng(0)
    a = kind([*(rng.integers(-50, 50, 200) / 10), 1, -1, 3, 0, -0.0, 1e9, 5, -5, math.inf, 7])  # type: ignore[operator]
    b = kind([*(rng.integers(1, 9, 200) / 10), 0.1, 0.1, 0.3, 2, 2, 0.3, 0, 0, 2, math.inf])  # type: ignore[operator]
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        x, y = tf.placeholder(kind, [None]), tf.placeholder(kind, [None])
        found = session.run([tf.floordiv(x, y), x // y], {x: a, y: b})
    with np.errstate(all="ignore"):
        want = np.floor(a / b)
    assert (want[:200] != a[:200] // b[:200]).any(), "the numbers tell the two rules apart"
    for got in found:
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64])
def test_integers_are_divided_as_in_python(backend: str, kind: type) -> None:
    pairs = [(i, j) for i in range(-20, 21) for j in (-7, -3, -2, 2, 3, 7)]
    a, b = (np.array(column, kind) for column in zip(*pairs, strict=True))
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        x, y = tf.placeholder(kind, [None]), tf.placeholder(kind, [None])
        quotient, remainder = session.run([x // y, x % y], {x: a, y: b})
    assert quotient.tolist() == [i // j for i, j in pairs]
    assert remainder.tolist() == [i % j for i, j in pairs]


def test_division_to_zero_keeps_floats_and_has_no_gradient() -> None:
    """As TensorFlow's kernels: floats are not rounded, and no gradient flows through `truncatediv`."""
    x = tf.placeholder(tf.float64, [None])
    y = tf.truncatediv(x, 2.0)
    assert tf.gradients(y, x) == [None]
    with tf.Session() as session:
        fed = {x: [7.0, -7.0, 0.5]}
        assert session.run([y, tf.realdiv(x, 2.0)], fed)[0].tolist() == [3.5, -3.5, 0.25]
        assert session.run(tf.gradients(tf.realdiv(x, 2.0), x)[0], fed).tolist() == [0.5, 0.5, 0.5]
        assert session.run(tf.realdiv([7, -7], 2)).tolist() == [3, -3]
    for call, left, right in (
        (tf.truncatediv, 1.0, 2.0),
        (tf.truncatediv, 1, 2),
        (tf.realdiv, 1, 2),
        (tf.realdiv, 1.0, 2.0),
    ):
        assert call(left, right, name=f"q{call.__name__}{left}".replace(".", "")).op.name.startswith(
            f"q{call.__name__}1"
        )
