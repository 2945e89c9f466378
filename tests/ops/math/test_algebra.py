"""Sums of products over named axes against NumPy, for shapes that are known, partly known and unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigraph as tf


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]], list[list[int | None]]]:
    """An equation, the shapes of its operands, and what the graph knows of them."""
    letters = "abcd"
    sizes = {c: draw(st.integers(0, 3)) for c in letters}
    labels = [
        "".join(draw(st.permutations(letters))[: draw(st.integers(0, 3))]) for _ in range(draw(st.integers(1, 3)))
    ]
    used = sorted(set("".join(labels)))
    kept = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
    shapes = [tuple(sizes[c] for c in label) for label in labels]
    known = [[draw(st.sampled_from([n, None])) for n in shape] for shape in shapes]
    return f"{','.join(labels)}->{''.join(kept)}", shapes, known


@given(equations())
@settings(max_examples=40)
def test_einsum(case: tuple[str, list[tuple[int, ...]], list[list[int | None]]]) -> None:
    equation, shapes, known = case
    arrays = [np.random.RandomState(i).randint(-3, 4, shape).astype(np.float32) for i, shape in enumerate(shapes)]
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        given = [tf.placeholder(tf.float32, shape) for shape in known]
        result = tf.einsum(equation, *given)
        found = session.run(result, dict(zip(given, arrays, strict=True)))
    expected = np.einsum(equation, *arrays)
    assert np.array_equal(found, expected)
    assert all(a in (None, b) for a, b in zip(result.shape.as_list(), expected.shape, strict=True))


@pytest.mark.parametrize("axes", [0, 1, 2, ([2], [1]), ([0, 2], [2, 0]), ([1, 0], [2, 1])])
@pytest.mark.parametrize("known", [(2, 2, 2), (None, 2, None), (None, None, None)])
def test_tensordot(axes: int | tuple[list[int], list[int]], known: tuple[int | None, ...]) -> None:
    a, b = (np.random.RandomState(i).randint(-3, 4, [2, 2, 2]).astype(np.float32) for i in (0, 1))
    x, y = tf.placeholder(tf.float32, known), tf.placeholder(tf.float32, known)
    with tf.Session() as session:
        assert np.array_equal(session.run(tf.tensordot(x, y, axes), {x: a, y: b}), np.tensordot(a, b, axes))
