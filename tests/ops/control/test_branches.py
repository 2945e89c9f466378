"""Branches: what a merge says of the branch that was taken."""

from __future__ import annotations

from typing import Any

import pytest

import minigraph as tf


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("optimize", ["O0", "O3"])
def test_the_second_output_of_a_merge_is_the_number_of_the_branch(backend: str, optimize: Any) -> None:
    """As in TensorFlow: 1 for the true branch, 0 for the false one; the first output is the branch's value."""
    flag = tf.placeholder(tf.bool, [])
    y = tf.cond(flag, lambda: tf.constant(5.0), lambda: tf.constant(7.0))
    value, number = y.op.outputs
    with tf.Session(backend=backend, optimize=optimize) as session:
        assert session.run([value, number, number + 1], {flag: True}) == [5.0, 1, 2]
        assert session.run([value, number, number + 1], {flag: False}) == [7.0, 0, 1]


@pytest.mark.parametrize("taken", [False, True])
def test_the_index_of_the_branch_that_ran(taken: bool) -> None:
    pred = tf.placeholder(tf.bool, [])
    tf.cond(pred, lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    (merge,) = [node for node in tf.get_default_graph().nodes if node.type == "Merge"]
    with tf.Session() as session:
        assert session.run(list(merge.outputs), {pred: taken}) == [1.0 if taken else 2.0, int(taken)]
