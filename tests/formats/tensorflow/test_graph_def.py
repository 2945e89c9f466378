"""TensorFlow's GraphDef: what is written and read back computes the same, and misfits are refused whole.

Tests `formats/tensorflow/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

import minigraph as tf
from minigraph.core.errors import DataLossError, GraphError, NotFoundError
from minigraph.core.op import REGISTRY
from minigraph.formats.tensorflow.graph_def import read_graph
from minigraph.formats.tensorflow.importing import OWN


def test_import_under_a_name() -> None:
    with tf.Graph().as_default() as graph:
        v = tf.Variable(2.0, name="v")
        tf.multiply(v, 3.0, name="y")
        tf.global_variables_initializer()
    with tf.Graph().as_default() as other:
        assert tf.import_graph_def(graph.as_graph_def()) is None
        y, init = tf.import_graph_def(graph.as_graph_def(), return_elements=["y:0", "init"])
        assert (y.name, init.name) == ("import_1/y:0", "import_1/init")
        (third,) = tf.import_graph_def(graph.as_graph_def(), name="a/b", return_elements=["y"])
        assert third.name == "a/b/y"
        with tf.Session() as session:
            session.run(["import/init", "a/b/init"])
            session.run(other.get_operation_by_name("import/v/Assign"))
            with pytest.raises(tf.errors.FailedPreconditionError, match="import_1/v"):
                session.run(y)
            assert session.run("a/b/y:0") == 6.0


def test_import_with_other_inputs() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        tf.add_n([tf.reduce_sum(x, axis=1), tf.zeros([3])], name="y")
    definition = graph.as_graph_def()
    with tf.Graph().as_default():
        mine = tf.constant(np.arange(12.0, dtype=np.float32).reshape(3, 4))
        (y,) = tf.import_graph_def(definition, {"x:0": mine}, ["y:0"], name="")
        with tf.Session() as session:
            np.testing.assert_array_equal(session.run(y), [6.0, 22.0, 38.0])
        count = len(tf.get_default_graph().nodes)
        for wrong, message in [
            ({"nosuch": mine}, "not found in graph_def: .*nosuch"),
            ({"x": tf.constant([1])}, "node .Sum. .*incompatible with expected float32"),
            ({"x": tf.constant(np.zeros((5, 4), np.float32))}, "node 'y' "),
        ]:
            count = len(tf.get_default_graph().nodes)
            with pytest.raises(GraphError, match=message):
                tf.import_graph_def(definition, wrong, name="")
            assert len(tf.get_default_graph().nodes) == count
        with pytest.raises(GraphError, match=r"return_element 'y:1' not found"):
            tf.import_graph_def(definition, return_elements=["y:1"])
        with pytest.raises(TypeError, match="graph_def must be"):
            tf.import_graph_def(graph)


# every op


def messaged(graph: tf.Graph) -> Any:
    """The graph's message, after a trip through bytes."""
    return tf.GraphDef.FromString(graph.as_graph_def().SerializeToString())


_OPS = [n for n, k in REGISTRY.items() if k.__module__.startswith("minigraph.ops.") and not k.draws]
_OPS.remove("Merge")  # it takes what a condition's branches give


@pytest.mark.parametrize("name", _OPS)
def test_every_op_gives_the_same_after_a_trip(name: str) -> None:
    """Every op's sample cases, in TensorFlow's form or, where it has none, in minigraph's own."""
    for sample in REGISTRY[name].samples():
        with tf.Graph().as_default() as graph:
            kinds = [np.asarray(i) for i in sample.inputs]
            inputs = [tf.placeholder(i.dtype, i.shape) for i in kinds]
            stored = [tf.Variable(k, name=f"v{i}") if i in sample.op.writes else None for i, k in enumerate(kinds)]
            given = [x if v is None else v.ref for x, v in zip(inputs, stored, strict=True)]
            tables = [i for i, k in enumerate(kinds) if k.dtype.kind in "iu" and i not in sample.op.writes]
            given = [tf.constant(kinds[i]) if i in tables else x for i, x in enumerate(given)]
            node = graph.add(sample.op, given, "n")
            init = tf.global_variables_initializer()
            message = messaged(graph)
        feeds = {x.name: k for x, k in zip(inputs, kinds, strict=True)}
        count = 1 if name in ("MaxPool", "TopKV2") else len(node.outputs)
        if name in ("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"):
            count = 2
        names = [f"n:{i}" for i in range(count)] or ["n"]
        results = []
        for again in (graph, tf.Graph()):
            if again is not graph:
                with again.as_default():
                    tf.import_graph_def(message, name="")
            with tf.Session(graph=again, backend="numpy") as session:
                session.run(init.name)
                results.append(session.run(names, feeds))
        for a, b in zip(*results, strict=True):
            if a is not None:
                np.testing.assert_allclose(b, a, rtol=1e-6, atol=1e-6)


def test_ops_that_tensorflow_lacks_keep_their_form() -> None:
    x = tf.placeholder(tf.float32, [1, 5, 5, 1], name="x")
    y = tf.nn.median2d(x, 3, name="y")
    message = messaged(y.graph)
    (node,) = (n for n in message.node if n.op == "MedianFilter")
    assert OWN in node.attr
    image = np.random.RandomState(0).rand(1, 5, 5, 1)
    wanted = tf.Session().run(y, {x: image})
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
        np.testing.assert_array_equal(tf.Session(graph=graph).run(y.name, {"x:0": image}), wanted)


# files


def small() -> tf.Graph:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        tf.nn.softmax(tf.matmul(x, tf.constant(np.eye(3, dtype=np.float32))), name="y")
    return graph


@pytest.mark.parametrize(("name", "as_text"), [("g.pbtxt", True), ("g.pb", False)])
def test_files(tmp_path: Path, name: str, as_text: bool) -> None:
    graph = small()
    path = tf.train.write_graph(graph, tmp_path / "new", name, as_text)
    assert read_graph(path) == graph.as_graph_def()
    if as_text:
        message = tf.GraphDef()
        text_format.Merge(Path(path).read_text(), message)
        assert message == graph.as_graph_def()


def test_damaged_files(tmp_path: Path) -> None:
    whole = small().as_graph_def().SerializeToString()
    path = tmp_path / "g.pb"
    for content in (b"", whole[:-7], whole[: len(whole) // 2], b"\xff" * 40, b"node {", b"hello", b"\x89PNG\r\n"):
        path.write_bytes(content)
        with pytest.raises(DataLossError, match=r"g\.pb"):
            read_graph(path)
    with pytest.raises(NotFoundError, match="none"):
        read_graph(tmp_path / "none")
    with pytest.raises(DataLossError, match="a folder"):
        read_graph(tmp_path)


@pytest.mark.parametrize("seed", range(30))
def test_random_damage_ends_in_an_error_of_ours(tmp_path: Path, seed: int) -> None:
    random = np.random.RandomState(seed)
    content = bytearray(small().as_graph_def().SerializeToString())
    for _ in range(random.randint(1, 6)):
        content[random.randint(len(content))] = random.randint(256)
    path = tmp_path / "g.pb"
    path.write_bytes(content)
    try:
        with tf.Graph().as_default():
            tf.import_graph_def(read_graph(path), name="")
    except (DataLossError, GraphError):
        pass


# what is refused


def edited(change: Any) -> Any:
    message = small().as_graph_def()
    change(message)
    return message


def test_unknown_ops_are_named_at_once() -> None:
    message = small().as_graph_def()
    message.node.add(name="a", op="Bessel")
    message.node.add(name="b", op="WarpDrive")
    with pytest.raises(GraphError, match=r"(?s)node 'a' \(Bessel\).*node 'b' \(WarpDrive\)"):
        tf.import_graph_def(message)
    assert not tf.get_default_graph().get_operations()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: m.node.add(name="x", op="NoOp"), "two nodes .* named 'x'"),
        (lambda m: m.node.add(name="z", op="Relu", input=["q"]), "reads 'q', which is not in the graph"),
        (lambda m: m.node.add(name="z", op="Relu", input=["x:3"]), "'x:3', which its node does not give"),
        (lambda m: m.node.add(name="z", op="Relu", input=["z"]), "depends on itself"),
        (lambda m: m.node.add(name="z/", op="NoOp"), "not a valid name"),
        (lambda m: m.node.add(name="z", op="Const"), r"node 'z' \(Const\)"),
        (lambda m: m.node.add(name="z", op="Conv2D", input=["x", "x"]), r"node 'z' \(Conv2D\)"),
        (lambda m: m.node.add(name="z", op="MatMul", input=["x"]), r"node 'z' \(MatMul\)"),
    ],
)
def test_misfits(change: Any, text: str) -> None:
    with pytest.raises((GraphError, DataLossError), match=text):
        tf.import_graph_def(edited(change))
    assert not tf.get_default_graph().get_operations()


def test_nodes_may_come_in_any_order() -> None:
    message = small().as_graph_def()
    nodes = list(message.node)[::-1]
    del message.node[:]
    message.node.extend(nodes)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
        tf.Session(graph=graph).run("y:0", {"x:0": np.ones((2, 3))})


def test_the_largest_classes_are_written_in_the_dtypes_that_tensorflow_takes() -> None:
    scores = np.array([[0.1, 0.9], [0.5, 0.2]])
    for of_scores, of_classes in ((np.float16, np.uint8), (np.float32, np.int16), (np.float32, np.int64)):
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(of_scores, [2, 2], name="x")
            tf.nn.in_top_k(x, tf.constant(np.array([1, 1], of_classes)), tf.constant(1), name="y")
            message = messaged(graph)
        (written,) = [n for n in message.node if n.op == "InTopKV2"]
        assert written.attr["T"].type in (3, 9)  # int32, int64
        with tf.Graph().as_default() as again, tf.Session(backend="numpy") as session:
            tf.import_graph_def(message, name="")
            read = again.get_tensor_by_name(f"{written.name}:0")
            assert read.op.inputs[0].dtype == tf.float32
            assert session.run(read, {"x:0": scores}).tolist() == [True, False]
    for k in (1.0, tf.placeholder(tf.int32, []), [1]):
        with pytest.raises(TypeError, match="whole number"):
            tf.nn.in_top_k(scores, [0, 1], k)
