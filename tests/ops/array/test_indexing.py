"""Gathers and scatters by index vectors, and blocks at places that come as data, against naive loops.

Tests `core/indices.py`.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError

BACKENDS = ["numpy", "llvm"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", ["update", "add", "sub"])
def test_an_update_may_read_the_variable_that_it_scatters_to(backend: str, function: str) -> None:
    """All operands are read before the first slice is written, although the variable is changed in place."""
    start = np.arange(12.0, dtype=np.float32).reshape(4, 3)
    places = [1, 3, 1, 0]
    want = start.copy()
    for place, row in zip(places, start.copy(), strict=True):
        want[place] = {"update": row, "add": want[place] + row, "sub": want[place] - row}[function]
    with tf.Session(backend=backend) as session:
        v = tf.Variable(start)
        session.run(tf.global_variables_initializer())
        session.run(getattr(tf, f"scatter_{function}")(v, places, v.value()))
        np.testing.assert_array_equal(session.run(v), want)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_index_out_of_range_leaves_the_variable_as_it_was(backend: str) -> None:
    with tf.Session(backend=backend) as session:
        v, places = tf.Variable([1.0, 2.0, 3.0]), tf.placeholder(tf.int32, [2])
        session.run(tf.global_variables_initializer())
        step = tf.scatter_add(v, places, [10.0, 20.0])
        with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 3 is not in \[0, 3\)"):
            session.run(step, {places: [0, 3]})
        assert session.run(v).tolist() == [1.0, 2.0, 3.0]
        assert session.run(step, {places: [2, 2]}).tolist() == [1.0, 2.0, 33.0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int64])
def test_slices_at_equal_vectors_are_added_up(backend: str, kind: Any) -> None:
    random = np.random.RandomState(0)
    vectors = random.randint(0, 3, (40, 2)).astype(np.int64)
    values = random.randint(-4, 5, (40, 5)).astype(kind)
    want = np.zeros((3, 3, 5), kind)
    for (a, b), row in zip(vectors, values, strict=True):
        want[a, b] += row
    given = tf.placeholder(tf.int64, vectors.shape)
    added = tf.scatter_nd(given, tf.constant(values), [3, 3, 5])
    with tf.Session(backend=backend) as session:
        total, back = session.run([added, tf.gather_nd(added, given)], {given: vectors})
    np.testing.assert_array_equal(total, want)
    np.testing.assert_array_equal(back, want[vectors[:, 0], vectors[:, 1]])


@pytest.mark.parametrize("backend", BACKENDS)
def test_blocks_at_every_place(backend: str) -> None:
    x = np.arange(60.0, dtype=np.float32).reshape(3, 4, 5)
    begin = tf.placeholder(tf.int32, [3])
    block = tf.slice(tf.constant(x), begin, [2, 1, 3])
    (back,) = tf.gradients(block, begin.graph.get_tensor_by_name(block.op.inputs[0].name))
    with tf.Session(backend=backend) as session:
        for a, b, c in itertools.product(range(2), range(4), range(3)):
            found, grad = session.run([block, back], {begin: [a, b, c]})
            np.testing.assert_array_equal(found, x[a : a + 2, b : b + 1, c : c + 3])
            want = np.zeros_like(x)
            want[a : a + 2, b : b + 1, c : c + 3] = 1
            np.testing.assert_array_equal(grad, want)
        with pytest.raises(InvalidArgumentError, match="slice of 2 from 2 leaves a dimension of size 3"):
            session.run(block, {begin: [2, 0, 0]})
