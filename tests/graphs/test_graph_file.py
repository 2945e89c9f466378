"""Saved graphs: what is written comes back to the bit, and what is no graph is refused whole.

Tests `core/graph_def.py`, `core/record.py` and `graphs/importing.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_graphs import Case, evaluate, random_graphs
from support.verify_graph import verify_graph

import minigraph as tf
from minigraph.core.dtypes import ALL
from minigraph.core.errors import DataLossError, GraphError, NotFoundError
from minigraph.core.graph_def import GraphRecords, Saved
from minigraph.core.op import REGISTRY
from minigraph.core.types import TensorType
from minigraph.graphs.graph_file import write_graph_file
from minigraph.graphs.importing import add_nodes
from minigraph.tools.cli import main
from minigraph.tools.shared.target import load_target


def reread(graph: tf.Graph) -> tf.Graph:
    """A graph after a round trip through the text of a file."""
    again = tf.Graph()
    add_nodes(again, GraphRecords.from_text(graph.as_records().to_text()))
    return again


def const(array: Any) -> Any:
    """The value of a constant after a round trip."""
    with tf.Graph().as_default() as graph:
        tf.constant(array, name="c")
    return reread(graph).get_operation_by_name("c").get_attr("value")


def training(path: Path) -> tuple[tf.Graph, Any]:
    """A small network with dropout, Adam and a step counter, saved to `path`; its graph and what to feed."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        x = tf.placeholder(tf.float32, [None, 5], name="x")
        w = tf.get_variable("w", [5, 3])
        b = tf.Variable(tf.zeros([3]), name="b")
        tf.Variable(1.0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], name="local")
        y = tf.nn.dropout(tf.nn.relu(tf.matmul(x, w) + b), 0.5)
        loss = tf.reduce_mean(tf.square(y - 1.0), name="loss")
        tf.add_to_collection(tf.GraphKeys.LOSSES, loss)
        tf.add_to_collection("notes", "made for a test")
        tf.add_to_collection("notes", 3)
        tf.train.AdamOptimizer(0.1).minimize(loss, tf.train.get_or_create_global_step(), name="step")
        tf.train.export_meta_graph(path)
    return graph, np.random.RandomState(0).randn(4, 5).astype(np.float32)


def losses(graph: tf.Graph, x: np.ndarray, steps: int = 3) -> list[float]:
    with tf.Session(graph=graph) as session, graph.as_default():
        session.run(tf.global_variables_initializer())
        return [session.run(["loss:0", "step"], {"x:0": x})[0] for _ in range(steps)]


# round trips


@settings(max_examples=60)
@given(random_graphs())
def test_random_graphs(case: Case) -> None:
    again = reread(case.graph)
    verify_graph(again)
    assert str(again) == str(case.graph)
    element = again.as_graph_element
    fetches = [element(case.graph.as_graph_element(getattr(f, "ref", f)).name) for f in case.fetches]
    feeds = {element(h.name): v for h, v in case.feeds.items()}
    there = evaluate(Case(again, fetches, feeds, element(case.initialise.name)))
    for a, b in zip(evaluate(case), there, strict=True):
        assert a.tobytes() == b.tobytes()


def test_the_training_graph_of_a_model(tmp_path: Path) -> None:
    target = load_target("mnist-cnn", 4)
    tf.train.export_meta_graph(tmp_path / "m.graph", graph=target.graph)
    assert (tmp_path / "m.graph").stat().st_size < 100_000  # zeros of slots are not written one by one
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(tmp_path / "m.graph")
    assert str(graph) == str(target.graph)
    keys = target.graph.get_all_collection_keys()
    assert graph.get_all_collection_keys() == keys
    for key in keys:
        assert [i.name for i in graph.get_collection(key)] == [i.name for i in target.graph.get_collection(key)]
    assert [repr(v) for v in graph.get_collection("variables")] == [
        repr(v) for v in target.graph.get_collection("variables")
    ]
    feeds = {k.name: v for k, v in target.feeds.items()}
    results = []
    for each in (target.graph, graph):
        with tf.Session(graph=each) as session, each.as_default():
            session.run(tf.global_variables_initializer())
            fetches = [each.get_operation_by_name("Adam"), "loss:0"]
            results.append([session.run(fetches, feeds)[1] for _ in range(2)])
    assert results[0] == results[1]


def test_a_training_run_goes_on_from_the_file(tmp_path: Path) -> None:
    graph, x = training(tmp_path / "g.graph")
    expected = losses(graph, x, 5)
    with tf.Session(graph=graph) as session, graph.as_default():
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            session.run("step", {"x:0": x})
        tf.train.Saver().save(session, tmp_path / "c")
    with tf.Graph().as_default() as again:
        saver = tf.train.import_meta_graph(tmp_path / "g.graph")
        assert saver is not None
        with tf.Session() as session:
            saver.restore(session, tmp_path / "c")
            assert [session.run(["loss:0", "step"], {"x:0": x})[0] for _ in range(3)] == expected[2:]
            assert session.run(tf.train.get_global_step()) == 5
        names = [v.name for v in tf.trainable_variables()]
        assert names == ["w:0", "b:0"]
        assert [v.name for v in tf.local_variables()] == ["local:0"]
        assert tf.get_collection("notes") == ["made for a test", 3]
        assert tf.get_collection(tf.GraphKeys.LOSSES)[0] is again.get_tensor_by_name("loss:0")
        # new gradients and optimizers work on the variables that were read
        assert len(tf.train.GradientDescentOptimizer(0.1).compute_gradients(again.get_tensor_by_name("loss:0"))) == 2


def test_what_is_built_after_reading_is_named_and_seeded_the_same(tmp_path: Path) -> None:
    graph, _ = training(tmp_path / "g.graph")
    with tf.Graph().as_default() as again:
        tf.train.import_meta_graph(tmp_path / "g.graph")
    made = []
    for each in (graph, again):
        with each.as_default():
            tf.set_random_seed(7)
            with tf.name_scope("step"):
                made.append([tf.random_normal([2]).name, tf.Variable(0.0, name="w").name])
            with tf.Session() as session:
                made[-1].append(session.run(made[-1][0]).tobytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("name", [d.name for d in ALL])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (4, 25)])
def test_arrays_come_back_to_the_bit(name: str, shape: tuple[int, ...]) -> None:
    dtype = tf.as_dtype(name).np_dtype
    bits = np.random.RandomState(1).randint(0, 256, (*shape, dtype.itemsize), np.uint8)
    array = np.frombuffer((bits % 2 if dtype.kind == "b" else bits).tobytes(), dtype).reshape(shape)
    for each in (array, np.zeros(shape, dtype), np.ones(shape, dtype)):
        found = const(each)
        assert (found.dtype, found.shape, found.tobytes()) == (each.dtype, each.shape, each.tobytes())


@pytest.mark.parametrize("count", [1, 3, 40])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 0.1, 1e-45, 16777217.0])
def test_special_numbers(value: float, count: int) -> None:
    for dtype in (np.float16, np.float32, np.float64):
        with np.errstate(over="ignore"):
            array = np.full(count, value).astype(dtype)
        assert const(array).tobytes() == array.tobytes()
        negative = -array  # the sign of a NaN counts
        assert const(negative).tobytes() == negative.tobytes()


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(ALL)
    | st.builds(
        lambda d, s: TensorType(d, s), st.sampled_from(ALL), st.none() | st.tuples(st.none(), st.integers(0, 9))
    )
    | st.sampled_from([np.float32(0.1), np.int64(-(2**63)), np.float64(-0.0), np.bool_(True)]),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(_VALUES)
def test_attributes_come_back_as_they_were(value: Any) -> None:
    from minigraph.core.op import attribute_key

    with tf.Graph().as_default() as graph:
        tf.no_op(name="n")
    definition = graph.as_records()
    definition.node[0] = definition.node[0]._replace(attr={"a": value})
    again = GraphRecords.from_text(definition.to_text())
    found = again.node[0].attr["a"]
    assert attribute_key(found) == attribute_key(value)


@pytest.mark.parametrize("name", [n for n, k in REGISTRY.items() if k.__module__.startswith("minigraph.ops.")])
def test_every_op(name: str) -> None:
    """Every op's sample cases, whatever its attributes, so that a new op needs nothing of its own here."""
    for sample in REGISTRY[name].samples():
        with tf.Graph().as_default() as graph:
            inputs = [tf.constant(i) for i in sample.inputs]
            states = sample.op.writes if sample.op.draws else ()
            graph.add(sample.op, [x for i, x in enumerate(inputs) if i not in states], "n")
        assert reread(graph).get_operation_by_name("n").op == sample.op


def test_the_file_is_a_line_a_node(tmp_path: Path) -> None:
    graph, _ = training(tmp_path / "a.graph")
    with graph.as_default():
        tf.identity(graph.get_tensor_by_name("loss:0"), name="more")
        tf.train.export_meta_graph(tmp_path / "b.graph")
    a, b = ((tmp_path / n).read_text("utf-8").splitlines() for n in ("a.graph", "b.graph"))
    json.loads("\n".join(b))
    assert len(b) == len(a) + 1
    assert len(set(b) - set(a)) <= 3  # the new line, the one before it, and the count of nodes


def test_sources_are_kept(tmp_path: Path) -> None:
    graph, _ = training(tmp_path / "g.graph")
    again = reread(graph)
    assert [n.source for n in again.nodes] == [n.source for n in graph.nodes]
    with tf.Session(graph=again) as session, pytest.raises(tf.errors.FailedPreconditionError) as caught:
        session.run("loss:0", {"x:0": np.zeros((1, 5), np.float32)})
    assert "test_graph_file.py" in str(caught.value)


def test_meta_graph_in_a_scope_next_to_itself(tmp_path: Path) -> None:
    _, x = training(tmp_path / "g.graph")
    with tf.Graph().as_default():
        for scope in ("a", "b"):
            assert tf.train.import_meta_graph(tmp_path / "g.graph", import_scope=scope) is not None
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run("a/step", {"a/x:0": x})
            a, b = (session.run(f"{s}/b:0") for s in "ab")
            assert np.any(a != 0)
            assert np.all(b == 0)


def test_without_variables_there_is_no_saver() -> None:
    with tf.Graph().as_default():
        tf.constant(1.0)
        saved = tf.train.export_meta_graph()
    with tf.Graph().as_default():
        assert tf.train.import_meta_graph(saved) is None


def test_items_without_a_form_are_left_out_with_a_warning() -> None:
    with tf.Graph().as_default():
        tf.add_to_collection("things", object())
        tf.add_to_collection("things", 1.5)
        with pytest.warns(UserWarning, match="'things' is saved without <object"):
            assert tf.train.export_meta_graph().collections == {"things": (1.5,)}


# what is no graph


def spoil(text: str, change: Callable[[dict[str, Any]], Any]) -> str:
    found = json.loads(text)
    change(found)
    return json.dumps(found)


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, last, value = path

    def change(found: Any) -> None:
        for step in way:
            found = found[step]
        found[last] = value

    return change


BAD: list[tuple[Any, type[Exception], str]] = [
    (_set("version", 2), DataLossError, "of version 2, this reads version 1"),
    (_set("format", "other"), DataLossError, "is not a graph file"),
    (_set("op_count", "x"), DataLossError, "'op_count' must be a int"),
    (
        _set("nodes", 0, "op", "Plaeholder"),
        GraphError,
        "node 'x'.*no op named 'Plaeholder'.*close names are Placeholder",
    ),
    (_set("nodes", 0, "name", "x y"), GraphError, "node 'x y'.*name is not valid"),
    (_set("nodes", 1, "name", "x"), GraphError, "node 'x'.*occurs twice"),
    (_set("nodes", 0, "attr", {}), GraphError, "node 'x'.*lacks"),
    (_set("nodes", 0, "attr", "more", 1), GraphError, "node 'x'.*has no .'more'"),
    (_set("nodes", 0, "attr", "dtype", "float32"), GraphError, "node 'x'.*do not fit"),
    (
        _set("nodes", 0, "attr", "dtype", {"dtype": "f5"}),
        DataLossError,
        "node 0 'x': attribute 'dtype': .*cannot be held",
    ),
    (_set("nodes", 0, "types", ["float32[5]"]), GraphError, "node 'x'.*the file gives the output types .float32.5"),
    (_set("nodes", 0, "types", ["float32[5"]), DataLossError, "node 0 'x': expected a type such as"),
    (_set("nodes", 0, "source", ["a", 1]), DataLossError, "node 0 'x': 'source' must be"),
    (_set("nodes", 0, "input", ["y"]), GraphError, "node 'x'.*no node 'y' comes before it"),
    (_set("nodes", 0, "input", ["^y"]), GraphError, "node 'x'.*runs after 'y'"),
    (_set("nodes", 0, 5), DataLossError, "node 0: expected an object"),
    (_set("variables", 0, "snapshot", "q:0"), GraphError, "variable 'w' refers to 'q:0'"),
    (_set("variables", 0, "trainable", 1), DataLossError, "variable 0 'w': 'trainable' must be a bool"),
    (_set("collections", "losses", [{"tensor": "q:0"}]), GraphError, "'losses' refers to the tensor 'q:0'"),
    (_set("collections", "losses", 1), DataLossError, "collection 'losses': expected a list"),
]


@pytest.mark.parametrize(("change", "kind", "message"), BAD)
def test_bad_files(tmp_path: Path, change: Any, kind: type[Exception], message: str) -> None:
    path = tmp_path / "g.graph"
    training(path)
    path.write_text(spoil(path.read_text("utf-8"), change), "utf-8")
    with tf.Graph().as_default() as graph:
        with pytest.raises(kind, match=message) as caught:
            tf.train.import_meta_graph(path)
        assert not graph.nodes
        assert not graph.get_all_collection_keys()
    shown = CliRunner().invoke(main, ["explain", str(path)])
    assert shown.exit_code == 1
    assert str(path) in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr
    assert kind is GraphError or str(path) in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {"array": "float32[2]", "values": [1.0]},
        {"array": "float32[?]", "values": [1.0]},
        {"array": "int32[1]", "values": [1.5]},
        {"array": "uint8[1]", "values": [256]},
        {"array": "float32[1]", "data": "AAAA"},
        {"array": "float32[1]", "data": "?"},
        {"array": "bool[1]", "data": "Ag=="},
        {"array": "float32[1]", "more": 1},
        {"array": "bool[1]", "values": [1]},
        {"float": "x"},
        {"dtype": []},
        {"nosuch": 1},
    ],
)
def test_bad_values(tmp_path: Path, value: Any) -> None:
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="c")
    path = Path(tf.train.write_graph(graph, tmp_path, "g.json"))
    path.write_text(spoil(path.read_text("utf-8"), _set("nodes", 0, "attr", "value", value)), "utf-8")
    with pytest.raises(DataLossError, match="node 0 'c': attribute 'value': "):
        tf.train.import_meta_graph(path)


def test_every_cut_is_found(tmp_path: Path) -> None:
    path = tmp_path / "g.graph"
    training(path)
    content = path.read_bytes()
    for end in (0, 1, 20, 200, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:end])
        with pytest.raises(DataLossError, match="cut off" if end > 100 else "is not a graph file"):
            tf.train.import_meta_graph(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[1]", b"hello", b"[" * 100_000, b'{"format": {}}'])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(DataLossError, match="is not a graph file"):
        tf.train.import_meta_graph(path)
    with pytest.raises(NotFoundError, match="none"):
        tf.train.import_meta_graph(tmp_path / "none")


def test_an_attribute_that_cannot_be_written() -> None:
    with tf.Graph().as_default() as graph:
        tf.no_op(name="n")
    definition = graph.as_records()
    for value in (object(), [1], np.array(["a"])):
        definition.node[0] = definition.node[0]._replace(attr={"a": value})
        with pytest.raises(GraphError, match=r"node 'n' .NoOp. cannot be written: its attribute 'a' is "):
            definition.to_text()


def test_attributes_newer_than_the_file_have_their_defaults() -> None:
    with tf.Graph().as_default() as graph:
        tf.nn.conv2d(tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 2, 5]), 1, "SAME", name="y")
    definition = graph.as_records()
    (place,) = (i for i, node in enumerate(definition.node) if node.name == "y")
    old = {name: value for name, value in definition.node[place].attr.items() if name != "groups"}
    definition.node[place] = definition.node[place]._replace(attr=old)
    again = add_nodes(tf.Graph(), definition)
    assert again["y"].get_attr("groups") == 1


# the command


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("command", ["viz", "profile", "explain", "bisect"])
def test_the_commands_take_it(tmp_path: Path, command: str, whole: bool) -> None:
    graph, _ = training(tmp_path / "g.graph")
    if not whole:
        write_graph_file(tmp_path / "g.graph", Saved(graph.as_records()))
    more = ["-o", str(tmp_path / "g.dot")] if command == "viz" else []
    done = CliRunner().invoke(main, [command, str(tmp_path / "g.graph"), *more])
    assert done.exit_code == 0, done.output
    if command == "viz":
        assert "18 parameters" in (tmp_path / "g.dot").read_text("utf-8") or not whole
