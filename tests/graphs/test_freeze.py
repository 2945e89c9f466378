"""Frozen graphs: the same results without variables, and no freezing of what changes them.

Tests `graph_util.py`, `formats/tensorflow/graph_util.py` and `graphs/walk.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.errors import FailedPreconditionError, GraphError
from minigraph.core.graph_def import GraphRecords
from minigraph.graphs.freeze import convert_variables_to_constants, extract_sub_graph
from minigraph.graphs.importing import add_nodes

X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


def network(training: bool = False) -> tf.Tensor:
    x = tf.placeholder(tf.float32, [None, 5], name="x")
    w = tf.get_variable("w", [5, 3])
    h = tf.layers.batch_normalization(tf.matmul(x, w), training=training, name="bn")
    return tf.nn.softmax(tf.nn.relu(h), name="y")


def started() -> tf.Session:
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def rerun(definition: GraphRecords) -> np.ndarray:
    with tf.Graph().as_default() as graph:
        add_nodes(graph, definition)
        return tf.Session(graph=graph).run("y:0", {"x:0": X})


def test_gives_the_same_numbers_without_variables() -> None:
    y = network()
    cost = tf.reduce_sum(y)
    train = tf.train.AdamOptimizer(0.1).minimize(cost)
    with started() as session:
        session.run(train, {"x:0": X})
        wanted = session.run(y, {"x:0": X})
        frozen = convert_variables_to_constants(session, tf.get_default_graph().as_records(), ["y"])
    kinds = {node.name: node.op for node in frozen.node}
    assert kinds["w"] == kinds["bn/moving_mean"] == "Const"
    assert kinds["w/read"] == "Identity"
    assert not {"VariableV2", "ReadVariable", "Assign"} & set(kinds.values())
    assert not [name for name in kinds if "Adam" in name or "gradients" in name]
    np.testing.assert_allclose(rerun(frozen), wanted, rtol=1e-6)


def test_a_frozen_graph_is_written_and_read() -> None:
    y = network()
    with started() as session:
        wanted = session.run(y, {"x:0": X})
        frozen = convert_variables_to_constants(session, tf.get_default_graph().as_records(), ["y"])
    again = GraphRecords.from_text(frozen.to_text())
    np.testing.assert_allclose(rerun(again), wanted, rtol=1e-6)


def test_lists_choose_variables() -> None:
    network()
    with started() as session:
        definition = tf.get_default_graph().as_records()
        some = convert_variables_to_constants(session, definition, ["y"], variable_names_whitelist=["w"])
        others = convert_variables_to_constants(session, definition, ["y"], variable_names_blacklist=["w"])
    left = [{node.name for node in found.node if node.op == "VariableV2"} for found in (some, others)]
    assert left == [{"bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance"}, {"w"}]


def test_the_part_that_outputs_need() -> None:
    network()
    tf.constant(1.0, name="other")
    definition = tf.get_default_graph().as_records()
    part = extract_sub_graph(definition, ["x"])
    assert [node.name for node in part.node] == ["x"]
    with pytest.raises(GraphError, match="nothing is not in graph"):
        extract_sub_graph(definition, ["nothing"])
    with pytest.raises(TypeError, match="must be a list"):
        extract_sub_graph(definition, "x")
    torn = GraphRecords([node for node in definition.node if node.name != "w/read"], definition.op_count)
    with pytest.raises(GraphError, match="w/read is read, but not in graph"):
        extract_sub_graph(torn, ["y"])


def test_what_changes_a_variable_is_refused() -> None:
    w = tf.Variable(1.0, name="w")
    tf.assign_add(w, 1.0, name="y")
    with started() as session, pytest.raises(GraphError, match=r"cannot freeze 'w'.*'y' \(AssignAdd"):
        convert_variables_to_constants(session, tf.get_default_graph().as_records(), ["y"])


def test_variables_need_values() -> None:
    tf.identity(tf.Variable(1.0, name="w"), name="y")
    with pytest.raises(FailedPreconditionError, match="no value yet: w"):
        convert_variables_to_constants(tf.Session(), tf.get_default_graph().as_records(), ["y"])
