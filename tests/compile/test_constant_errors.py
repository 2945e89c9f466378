"""An op on constants that it refuses gives the error of a run at every level: folding does not raise it earlier."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph as tf

LEVELS: Any = ("O0", "O1", "O2", "O3")
FLOATS, INTS = np.array([1.0, 2.0], np.float32), np.array([1, 2], np.int32)
CASES: dict[str, tuple[Callable[[Any, Any], Any], Any, Any, str]] = {
    "gather": (tf.gather, FLOATS, [5], r"indices\[0\] = 5 is not in \[0, 2\)"),
    "gather of ints": (tf.gather, INTS, [5], r"indices\[0\] = 5 is not in \[0, 2\)"),
    "gather below": (tf.gather, FLOATS, [-1], r"indices\[0\] = -1 is not in \[0, 2\)"),
    "gather of one": (tf.gather, INTS, 7, r"indices = 7 is not in \[0, 2\)"),
    "gather along an axis": (lambda a, b: tf.gather(a, b, axis=1), FLOATS[None], [5], r"indices\[0\] = 5 is not in"),
    "gather_nd": (tf.gather_nd, FLOATS[None], [[0, 5]], r"indices\[0\] = \[0, 5\] does not index into"),
    "embedding": (tf.nn.embedding_lookup, FLOATS[:, None], [5], r"indices\[0\] = 5 is not in \[0, 2\)"),
    "labels": (
        lambda a, b: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=b, logits=a),
        FLOATS[None], [5], r"labels\[0\] = 5 is not in \[0, 2\)",
    ),
    "floor division": (lambda a, b: a // b, INTS, [0, 1], r"Integer division by zero: the divisor\[0\] = 0"),
    "remainder": (lambda a, b: a % b, INTS, [0, 1], r"Integer division by zero: the divisor\[0\] = 0"),
    "power": (tf.pow, INTS, [-1, 1], r"negative integer powers are not allowed: the exponent\[0\] = -1"),
    "scatter_nd": (lambda a, b: tf.scatter_nd(b, a, [2]), FLOATS[:1], [[5]], r"indices\[0\] = \[5\] does not index"),
    "check_numerics": (lambda a, b: tf.check_numerics(a / tf.cast(b, tf.float32), "bad"), FLOATS, [0, 1], "bad"),
    "boxes": (
        lambda a, b: tf.image.crop_and_resize(a, [[0.0, 0.0, 1.0, 1.0]], b, [2, 2]),
        np.ones((1, 2, 2, 1), np.float32), [4], r"box_ind\[0\] = 4 is not in \[0, 1\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("name", CASES)
def test_the_error_names_node_and_line_at_every_level(name: str, backend: str) -> None:
    function, first, second, wanted = CASES[name]
    messages = set()
    for source in (tf.constant, lambda v: tf.placeholder_with_default(v, v.shape)):
        for level in LEVELS:
            with tf.Graph().as_default(), tf.Session(backend=backend, optimize=level) as session:
                result = function(source(first), source(np.array(second, np.int32)))
                with pytest.raises(tf.errors.InvalidArgumentError, match=wanted) as caught:
                    session.run(result)
                messages.add(str(caught.value))
    assert len(messages) == 1
    assert re.search(r"\(in \w+ node '.+', made at .*test_constant_errors\.py:\d+", messages.pop())


@pytest.mark.parametrize("level", LEVELS)
def test_an_op_that_is_not_fetched_is_not_computed(level: Any) -> None:
    wrong = tf.gather(tf.constant([1.0]), tf.constant([5]))
    with tf.Session(optimize=level) as session:
        assert session.run(tf.ones_like(wrong) + 1.0) == 2


@pytest.mark.parametrize("level", ["O0", "O3"])
def test_shapes_that_are_computed_and_do_not_fit(level: Any) -> None:
    with pytest.raises(tf.errors.ShapeError, match="cannot have shape"):
        tf.fill(tf.constant([-2]), 1.0)
    x = tf.placeholder(tf.float32, [None])
    results = tf.fill([tf.shape(x)[0] - 3], 1.0), tf.broadcast_to(x, [3])
    with tf.Session(optimize=level) as session:
        for result in results:
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"cannot have shape .*made at .*test_constant_er"):
                session.run(result, {x: FLOATS})
