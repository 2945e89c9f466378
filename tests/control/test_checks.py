"""Assertions in bodies of loops run: in short loops, which are unrolled (`ir.scan`), in long ones, and when read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf


def below(limit: float, x: Any) -> Any:
    return tf.Assert(x < limit, [x])


def doubled(x: Any) -> Any:
    with tf.control_dependencies([below(100.0, x)]):
        return x * 2.0


def added(total: Any, x: Any) -> Any:
    with tf.control_dependencies([below(100.0, x)]):
        return total + x


def looped(x: Any) -> Any:
    def body(i: Any, total: Any) -> Any:
        with tf.control_dependencies([below(100.0, total)]):
            return i + 1, total + tf.gather(x, i)

    return tf.while_loop(lambda i, _: i < tf.shape(x)[0], body, [0, 0.0])[1]


LOOPS: dict[str, Callable[[Any], Any]] = {
    "map": lambda x: tf.map_fn(doubled, x),
    "scan": lambda x: tf.scan(added, x),
    "foldl": lambda x: tf.foldl(added, x),
    "while": looped,
}


@pytest.mark.parametrize("steps", [4, 99])
@pytest.mark.parametrize(("backend", "read"), [("numpy", False), ("numpy", True), ("llvm", False)])
@pytest.mark.parametrize("loop", LOOPS)
def test_an_assertion_in_a_body_fails(loop: str, backend: str, steps: int, read: bool) -> None:
    with tf.Graph().as_default() as graph:
        tf.identity(LOOPS[loop](tf.placeholder(tf.float32, [None], name="x")), name="y")
    if read:
        definition = tf.GraphDef()
        definition.ParseFromString(graph.as_graph_def().SerializeToString())
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(definition, name="")
    good = np.zeros(steps, np.float32)
    bad = good.copy()
    bad[-2] = 200.0
    with tf.Session(graph=graph, backend=backend) as session:
        assert not np.any(session.run("y:0", {"x:0": good}))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[200"):
            session.run("y:0", {"x:0": bad})
