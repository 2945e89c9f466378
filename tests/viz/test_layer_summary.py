"""Summaries of the user's own graphs, against sums made by hand."""

from __future__ import annotations

import pytest

import minigraph as tf
from minigraph.core.errors import GraphError
from minigraph.viz.layer_summary import GraphSummary


@pytest.fixture(autouse=True)
def new_graph() -> None:
    tf.reset_default_graph()


def named(summary: GraphSummary) -> dict[str, list[str]]:
    return {layer.name: layer.inputs for layer in summary.layers}


def test_layers_without_scopes() -> None:
    """As in a program for TensorFlow 1: variables and operations have their default names."""
    x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
    filters = tf.Variable(tf.zeros([3, 3, 3, 4]))
    biases = tf.Variable(tf.zeros([4]))
    maps = tf.nn.relu(tf.nn.conv2d(x, filters, [1, 1, 1, 1], "SAME") + biases)
    pooled = tf.nn.max_pool(maps, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    logits = tf.matmul(tf.reshape(pooled, [-1, 64]), tf.Variable(tf.zeros([64, 10])))
    found = tf.summary_of(logits, batch_size=2)
    assert found.trainable == 3 * 3 * 3 * 4 + 4 + 640
    assert [layer.operations for layer in found.layers] == [
        ["Conv2D", "AddV2", "Relu"],
        ["MaxPool"],
        ["Reshape"],
        ["MatMul"],
    ]
    convolution = found.layers[0]
    assert convolution.parameters == 112
    assert convolution.output is not None
    assert convolution.output.shape == (2, 8, 8, 4)
    assert convolution.flops == 2 * 8 * 8 * 4 * (2 * 27 + 2)
    assert convolution.nbytes == 4 * 2 * 8 * 8 * 4
    assert convolution.inputs == ["x"]
    assert found.layers[1].inputs == [convolution.name]


def test_branches_are_connected() -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 2], name="x")
    a = tf.layers.conv2d(x, 4, 1, name="a")
    b = tf.layers.conv2d(x, 4, 3, padding="same", name="b")
    both = tf.concat([a, b], 3, name="joined")
    found = tf.summary_of(tf.layers.conv2d(both, 3, 1, name="last"))
    assert named(found) == {"a": ["x"], "b": ["x"], "joined": ["a", "b"], "last": ["joined"]}
    assert "connected to" in found.text(140)
    assert "connected to" not in tf.summary_of(a).text(140)


def test_moving_statistics_are_not_trained() -> None:
    x = tf.placeholder(tf.float32, [None, 8], name="x")
    y = tf.layers.dense(tf.layers.batch_normalization(tf.layers.dense(x, 5, name="a"), name="norm"), 2, name="b")
    found = tf.summary_of(y)
    assert (found.trainable, found.frozen) == (8 * 5 + 5 + 2 * 5 + 5 * 2 + 2, 10)
    assert "10 values that are not trained" in str(found)


@pytest.mark.parametrize("width", [50, 80, 200])
def test_the_table_fits(width: int) -> None:
    x = tf.placeholder(tf.float32, [None, 64, 64, 3], name="x")
    with tf.variable_scope("a_network_with_a_long_name/and_a_block"):
        y = tf.layers.conv2d(x, 64, 3, activation=tf.nn.relu, name="first_convolution")
        y = tf.layers.conv2d(y, 64, 3, activation=tf.nn.relu, name="second_convolution")
    text = tf.summary_of(y).text(width)
    table = [line for line in text.splitlines() if line[:1] in "┌│├└"]
    assert len(table) == 2 + 4
    assert max(map(len, text.splitlines())) <= width
    assert "36,928" in text
    assert ("FLOPs" in text.splitlines()[1]) is (width > 50)


def test_several_outputs_and_scalar_placeholders() -> None:
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    keep = tf.placeholder(tf.float32, [], name="keep")
    y = tf.nn.dropout(tf.layers.dense(x, 3, name="a"), keep)
    found = tf.summary_of([y, tf.layers.dense(x, 2, name="b")], batch_size=7)
    assert found.inputs["x"].shape == (7, 4)
    assert found.trainable == 15 + 10
    assert found.totals()[0] == "inputs: x (7, 4)"


def test_an_unknown_rank_is_refused() -> None:
    with pytest.raises(GraphError, match="the placeholder x has a shape of unknown rank"):
        tf.summary_of(tf.square(tf.placeholder(tf.float32, name="x")))
