"""Sums of products over named axes against NumPy, for shapes that are known, partly known and unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
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
@settings(max_examples=25)
@example(("a,bc->abc", [(0,), (0, 0)], [[0], [0, None]]))
@example(("abc,cd->abd", [(2, 3, 0), (0, 4)], [[None, None, 0], [0, None]]))
@example(("zabc,zcde->zabde", [(1, 2, 0, 3), (1, 3, 2, 2)], [[None] * 4, [None] * 4]))
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


def test_a_contraction_over_nothing() -> None:
    x, y = tf.placeholder(tf.float32, [None, None, 0]), tf.placeholder(tf.float32, [0, 4])
    with tf.Session() as session:
        found = session.run(tf.tensordot(x, y, 1), {x: np.zeros((2, 3, 0)), y: np.zeros((0, 4))})
    assert np.array_equal(found, np.zeros((2, 3, 4)))


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("equation", ["bij,bjk->bik", "ij,kj->", "bi,bj->bij", "ij,ij->j", "ij,i->ji"])
def test_gradients_of_einsum(equation: str, backend: str) -> None:
    """∂/∂x Σ w·y for the linear y of x is what y gives at each unit vector."""
    labels = equation.partition("->")[0].split(",")
    sizes = {"b": 2, "i": 3, "j": 2, "k": 3}
    a, b = (np.random.RandomState(i).randn(*(sizes[c] for c in label)) for i, label in enumerate(labels))
    w = np.random.RandomState(2).randn(*np.einsum(equation, a, b).shape)
    x, y = tf.placeholder(tf.float64, [None] * a.ndim), tf.placeholder(tf.float64, b.shape)
    gradient = tf.gradients(tf.reduce_sum(tf.einsum(equation, x, y) * w), x)[0]
    expected = [np.sum(np.einsum(equation, unit.reshape(a.shape), b) * w) for unit in np.eye(a.size)]
    with tf.Session(backend=backend) as session:
        np.testing.assert_allclose(session.run(gradient, {x: a, y: b}).reshape(-1), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (2, 3, 0)])
def test_a_mask_of_a_tensor_without_elements(shape: tuple[int, ...]) -> None:
    x, mask = np.zeros(shape, np.float32), np.arange(shape[0]) % 2 == 0
    for known in (shape, [None] * len(shape)):
        given, test = tf.placeholder(tf.float32, known), tf.placeholder(tf.bool, [None])
        with tf.Session() as session:
            assert session.run(tf.boolean_mask(given, test), {given: x, test: mask}).shape == x[mask].shape


@pytest.mark.parametrize("dtype", ["int32", "float32"])
@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0, 0.5]])
def test_the_number_of_classes_may_be_found_in_the_run(weights: list[float] | None, dtype: str) -> None:
    """Weights take the dtype before they are added, so halves count nothing among integers."""
    labels, found = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None])
    rows, columns = [0, 2, 2, 0], [0, 0, 2, 0]
    feed, options = {labels: rows, found: columns}, {"weights": weights, "dtype": dtype}
    want = np.zeros((3, 3), dtype)
    np.add.at(want, (rows, columns), np.ones(4, dtype) if weights is None else np.asarray(weights).astype(dtype))
    counts: list[Any] = [None, 3, np.int64(3), tf.constant(3), tf.reduce_max(labels) + 1]
    made = [tf.confusion_matrix(labels, found, n, name="told", **options) for n in counts]
    free = made[0]
    assert [y.op.name for y in made[:2]] == ["told", "told_1"]
    with tf.Session() as session:
        for got in session.run(made, feed):
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, want)
        if weights is None:
            assert session.run(free, {labels: [], found: []}).shape == (0, 0)
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(free, {**feed, found: [0, 0, -2, 1]})
