"""The order of effects in exported graphs, which TensorFlow keeps although its optimizer of graphs moves casts.

The edges are looked at, because no TensorFlow is at hand to run the graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph as tf

UPDATES: dict[str, Callable[[Any], Any]] = {
    "assign": lambda v: tf.assign(v, [[9, 9], [9, 9]]),
    "assign_add": lambda v: tf.assign_add(v, [[8, 7], [6, 5]]),
    "assign_sub": lambda v: tf.assign_sub(v, [[-8, -7], [-6, -5]]),
    "scatter_update": lambda v: tf.scatter_update(v, [1, 0], [[9, 9], [9, 9]]),
    "step": lambda v: tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(v * [[-8, -7], [-6, -5]])),
    "group": lambda v: tf.group(tf.assign_add(v, [[8, 7], [6, 5]])),
}
START, AFTER = np.array([[1.0, 2.0], [3.0, 4.0]]), np.full((2, 2), 9.0)
READS: dict[str, Callable[[Any], Any]] = {
    "cast": lambda v: tf.cast(v, tf.float32),
    "read_value": lambda v: tf.cast(v.read_value(), tf.float32),
    "reshape": lambda v: tf.cast(tf.reshape(v, [4]), tf.float32),
    "transpose": lambda v: tf.cast(tf.transpose(v), tf.int32),
    "identity": lambda v: tf.cast(tf.identity(tf.identity(v)), tf.float32),
    "finite": lambda v: tf.is_finite(v),
    "stopped": lambda v: tf.cast(tf.stop_gradient(v), tf.float32),
}


def before(definition: Any, name: str, control_only: bool) -> set[str]:
    """The nodes that come before a node of a `GraphDef`; with control_only, not by the node's own data inputs."""
    inputs = {node.name: list(node.input) for node in definition.node}
    found: set[str] = set()
    stack = [i for i in inputs[name] if i.startswith("^") or not control_only]
    while stack:
        at = stack.pop().lstrip("^").partition(":")[0]
        if at not in found:
            found.add(at)
            stack += inputs[at]
    return found


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("read", READS)
def test_casts_after_an_update_wait_for_it_themselves(update: str, read: str) -> None:
    with tf.Graph().as_default() as graph:
        v = tf.Variable(START, name="v", dtype=tf.float64)
        step = UPDATES[update](v)
        with tf.control_dependencies([step]):
            y = READS[read](v)
        early = tf.cast(tf.reshape(v, [4]), tf.float32, name="early")
    definition = graph.as_graph_def()
    writer = {n.name for n in definition.node if "v" in n.input and n.op != "Identity"} - {"v/Assign"}
    assert len(writer) == 1
    assert writer <= before(definition, y.op.name, control_only=True)
    assert not writer & before(definition, early.op.name, control_only=False)

    with tf.Graph().as_default():
        tf.import_graph_def(definition, name="")
        with tf.Session() as session:
            session.run("v/Assign")
            value = session.run(y.name)
    np.testing.assert_array_equal(value.ravel(), AFTER.ravel().astype(y.dtype.as_numpy_dtype))


def test_averages_after_an_optimizers_step_count_the_step() -> None:
    with tf.Graph().as_default() as graph:
        w = tf.Variable([1.0, 2.0], name="w")
        count = tf.train.get_or_create_global_step()
        step = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w), count, name="step")
        with tf.control_dependencies([step]):
            tf.train.ExponentialMovingAverage(0.9, count).apply([w])
    definition = graph.as_graph_def()
    casts = [n.name for n in definition.node if n.op == "Cast" and n.name.startswith("ExponentialMovingAverage")]
    assert casts
    assert all("step" in before(definition, name, control_only=True) for name in casts)
    (update,) = (n.name for n in definition.node if n.op == "AssignSub")
    reads = [n for n in definition.node if n.op == "Identity" and n.name in before(definition, update, False)]
    assert all("^step" in n.input for n in reads if n.name.startswith("ExponentialMovingAverage"))
