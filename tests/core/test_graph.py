"""The user's graph: names, scopes, control inputs, look-up, provenance, verification, printing, threads.

Tests `core/collections.py`, `core/contexts.py`, `core/graph_views.py`, `core/naming.py`, `core/scopes.py`,
`core/record.py` and `graphs/scoping.py`.
"""

from __future__ import annotations

import copy
import linecache
import pickle
import re
import sys
import threading
from typing import Any

import numpy as np
import pytest
from support.verify_graph import verify_graph

import minigraph as tf
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph, reset_default_graph
from minigraph.core.errors import DTypeError, FinalizedError, GraphError, ShapeError, VerificationError
from minigraph.core.graph import Graph, Tensor
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType
from minigraph.ir.printer import format_program
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, reachable
from minigraph.ir.verifier import verify_program
from minigraph.ops.array.joining import split
from minigraph.ops.constant import constant, placeholder
from minigraph.ops.identity import identity
from minigraph.ops.math.add_n import add_n
from minigraph.ops.math.arithmetic import Add, Neg, add, multiply, negative
from minigraph.ops.math.casting import cast
from minigraph.ops.math.clipping import clip_by_value
from minigraph.ops.math.exponential import exp
from minigraph.ops.math.matmul import matmul
from minigraph.ops.state.variable import group, no_op, tuple_


def names(graph: Graph) -> list[str]:
    return [n.name for n in graph.nodes]


# names


def test_names_get_suffixes_whatever_their_case(graph: Graph) -> None:
    for name in ("Variable", "Variable", "variable", "Variable_1", "VARIABLE", "Variable"):
        no_op(name)
    assert names(graph) == ["Variable", "Variable_1", "variable_2", "Variable_1_1", "VARIABLE_3", "Variable_4"]


def test_a_suffix_skips_names_that_are_taken(graph: Graph) -> None:
    for name in ("a_1", "a", "a", "a"):
        no_op(name)
    assert names(graph) == ["a_1", "a", "a_2", "a_3"]


def test_scopes(graph: Graph) -> None:
    with graph.name_scope("a") as scope:
        assert scope == "a/"
        no_op("x")
        with graph.name_scope("b"):
            no_op("x")
            with graph.name_scope(None) as root:
                assert root == ""
                no_op("x")
            no_op("x")
    with graph.name_scope("a"):
        no_op("x")
    with graph.name_scope(scope) as again:
        assert again == "a/"
        no_op("x")
        with graph.name_scope("b"):
            no_op("y")
    assert names(graph) == ["a/x", "a/b/x", "x", "a/b/x_1", "a_1/x", "a/x_1", "a/b_1/y"]
    assert graph.nodes[1].scope == "a/b"
    with pytest.raises(TypeError):
        graph.name_scope(3).__enter__()  # type: ignore[arg-type]


def test_a_scope_and_a_node_share_their_names(graph: Graph) -> None:
    no_op("a")
    with graph.name_scope("a") as scope:
        assert scope == "a_1/"
    with graph.name_scope("A") as scope:
        assert scope == "A_2/"


def test_a_name_with_a_slash_at_its_end_is_taken_as_it_stands(graph: Graph) -> None:
    with graph.name_scope("loss") as scope:
        total = add(constant(1.0), constant(2.0), name=scope)
        with pytest.raises(GraphError, match=r"'loss' is taken.*test_graph\.py"):
            add(total, total, name=scope)
    no_op("new/")
    no_op("new")
    assert total.name == "loss:0"
    assert names(graph)[-2:] == ["new", "new_1"]
    verify_graph(graph)


def test_names_of_composed_ops_and_their_constants(graph: Graph) -> None:
    x = placeholder("float32", [2])
    y = x + 1.0
    z = multiply(x, 2.0, name="double")
    clip_by_value(x, 0.0, 1.0)
    found = names(graph)
    assert found[:3] == ["Placeholder", "add/y", "add"]
    assert (y.name, z.name, z.op.inputs[1].name) == ("add:0", "double:0", "double/y:0")
    assert found[-1] == "clip_by_value"
    assert "clip_by_value/Minimum" in found


# control dependencies


def test_control_dependencies(graph: Graph) -> None:
    x = placeholder("float32", [], name="x")
    first, second = no_op("first"), no_op("second")
    with graph.control_dependencies([first]):
        a = identity(x, name="a")
        with graph.control_dependencies([second, x, "first"]):
            b = identity(x, name="b")
            with graph.control_dependencies(None):
                c = identity(x, name="c")
            assert graph.has_control
        d = constant(1.0)
    assert not graph.has_control
    assert [n.control_inputs for n in (a.node, b.node, c.node, d.node)] == [(first,), (first, second), (), (first,)]
    done = group(a, b, second)
    assert done.control_inputs == (a.node, b.node, second)
    gated = tuple_([a, None, b])
    assert gated[1] is None
    assert all(t is None or t.node.control_inputs[0].type == "NoOp" for t in gated)
    with pytest.raises(TypeError), graph.control_dependencies([3]):
        pass


def test_a_node_does_not_repeat_the_dependencies_of_its_inputs() -> None:
    """The control inputs that TensorFlow 1.15.5 gives the same program."""
    with tf.Graph().as_default() as graph:
        c, a, e = tf.constant(1.0), tf.no_op("a"), tf.no_op("e")
        with tf.control_dependencies([a]):
            b = tf.identity(c, "b")
            tf.add(b, c, "d")
            with tf.control_dependencies([e]):
                f = tf.identity(b, "f")
                tf.identity(f, "g")
                tf.identity(c, "h")
                with tf.control_dependencies([b]):
                    tf.identity(b, "k")
            with tf.control_dependencies([f]):
                tf.identity(c, "m")
    found = {n: [i.name for i in graph.get_operation_by_name(n).control_inputs] for n in "bdfghkm"}
    assert found == {"b": ["a"], "d": [], "f": ["e"], "g": [], "h": ["a", "e"], "k": ["e"], "m": ["a", "f"]}


# collections and look-up


def test_collections(graph: Graph) -> None:
    with graph.name_scope("net"):
        a = constant(1.0, name="a")
    b = constant(1.0, name="b")
    for value in (a, b, "text"):
        graph.add_to_collection("things", value)
    assert graph.get_collection("things") == [a, b, "text"]
    assert graph.get_collection("things", "net/") == [a]
    assert graph.get_collection("nothing") == []
    graph.get_collection("things").clear()
    graph.get_collection_ref("things").pop()
    assert len(graph.get_collection("things")) == 2
    graph.get_collection_ref("empty")
    assert graph.get_all_collection_keys() == ["things", "empty"]
    graph.clear_collection("things")
    assert graph.get_collection("things") == []


def test_look_up_by_name(graph: Graph) -> None:
    pieces = split(constant([1.0, 2.0]), 2, name="pieces")
    assert graph.get_tensor_by_name("pieces:1") is pieces[1]
    assert graph.get_operation_by_name("pieces") is pieces[0].op
    assert graph.as_graph_element("pieces:0") is pieces[0]
    assert graph.as_graph_element(pieces[0].op) is pieces[0].op
    for name, message in (("peices:0", "Close names: pieces"), ("zzz", "in the graph"), ("pieces:2", "2 outputs")):
        with pytest.raises(KeyError, match=message):
            graph.as_graph_element(name)
    with pytest.raises(ValueError, match="pieces:0"):
        graph.get_tensor_by_name("pieces")
    with pytest.raises(ValueError, match="not a node"):
        graph.get_operation_by_name("pieces:0")
    for thing in (3, None, np.zeros(2)):
        with pytest.raises(TypeError, match="Can not convert"):
            graph.as_graph_element(thing)
    with pytest.raises(ValueError, match="not an element"):
        Graph().as_graph_element(pieces[0])


def test_attributes_of_a_node(graph: Graph) -> None:
    product = matmul(np.eye(2), np.eye(2), transpose_b=True)
    assert product.op.get_attr("transpose_b") is True
    with pytest.raises(ValueError, match=r"'MatMul' has no attr named 'strides'.*transpose_a"):
        product.op.get_attr("strides")


def test_consumers(graph: Graph) -> None:
    x = placeholder("float32")
    y, z = exp(x), add(x, x)
    assert x.consumers() == [y.op, z.op]
    assert y.consumers() == []


# graphs


def test_a_finalized_graph_takes_no_nodes(graph: Graph) -> None:
    x = constant(1.0)
    graph.finalize()
    with pytest.raises(FinalizedError, match="finalized"):
        exp(x)
    assert issubclass(FinalizedError, RuntimeError)


def test_tensors_of_two_graphs_do_not_mix(graph: Graph) -> None:
    ours = constant(1.0)
    with Graph().as_default():
        theirs = constant(2.0)
    for mix in (lambda: ours + theirs, lambda: graph.add(Add(), [ours, theirs]), lambda: add_n([ours, theirs])):
        with pytest.raises(ValueError, match="must be from the same graph") as caught:
            mix()
        assert len(re.findall(r"\S*test_graph.py:\d+", str(caught.value))) == 2
    assert exp(theirs).graph is theirs.graph


def test_a_graph_is_not_pickled(graph: Graph) -> None:
    x = constant(1.0)
    for call in pickle.dumps, copy.deepcopy:
        for element in graph, x, x.op:
            with pytest.raises(TypeError, match="export_meta_graph"):
                call(element)


def test_default_graphs_nest() -> None:
    outer, inner = Graph(), Graph()
    process = get_default_graph()
    with outer.as_default():
        with inner.as_default(), outer.as_default():
            assert get_default_graph() is outer
        with inner.as_default():
            with outer.as_default():
                pass
            assert get_default_graph() is inner
            with pytest.raises(AssertionError):
                reset_default_graph()
        assert get_default_graph() is outer
    assert get_default_graph() is process
    reset_default_graph()
    assert get_default_graph() is not process


def test_a_failed_node_leaves_the_scope_as_it_was(graph: Graph) -> None:
    x, y = placeholder("float32", [2]), placeholder("float32", [3])
    with pytest.raises(ShapeError):
        x + y
    assert exp(x).name == "Exp:0"
    assert len(graph) == 3


# tensors


def test_a_tensor_has_no_truth_value_length_or_iteration(graph: Graph) -> None:
    x = placeholder("float32", [2])
    with pytest.raises(TypeError, match=r"bool.*not allowed"):
        bool(x)
    with pytest.raises(TypeError, match="iterable"):
        list(x)
    with pytest.raises(TypeError):
        len(x)
    with pytest.raises(TypeError):
        0.0 < x < 1.0  # noqa: B015
    assert x == x
    assert x in {x: 1}


def test_how_a_tensor_looks(graph: Graph) -> None:
    x = placeholder("float32", [None, 3], name="x")
    unknown = placeholder("int32", name="u")
    assert repr(x) == "<tf.Tensor 'x:0' shape=(?, 3) dtype=float32>"
    assert str(x) == 'Tensor("x:0", shape=(?, 3), dtype=float32)'
    assert str(unknown) == 'Tensor("u:0", dtype=int32)'
    assert repr(x.op) == "<tf.Operation 'x' type=Placeholder>"
    assert x.get_shape().as_list() == [None, 3]
    x.set_shape([4, None])
    assert x.shape.as_list() == [4, 3]
    with pytest.raises(ValueError, match="not compatible"):
        x.set_shape([5, 3])


def test_conversion(graph: Graph) -> None:
    x = constant(1.5)
    assert convert_to_tensor(x) is x
    assert convert_to_tensor(x, "float32") is x
    with pytest.raises(DTypeError, match="requested dtype"):
        convert_to_tensor(x, cast(x, "int32").dtype)
    packed = convert_to_tensor([x, 2.0])
    assert (packed.node.type, packed.shape.as_list()) == ("Pack", [2])
    assert convert_to_tensor(1, preferred_dtype="float64").dtype == np.float64
    assert convert_to_tensor(np.float64(1), preferred_dtype="float32").dtype == np.float64


# provenance


def here() -> int:
    return sys._getframe(1).f_lineno


def test_a_node_remembers_the_users_line(graph: Graph) -> None:
    y, line = clip_by_value(constant(1.0), 0.0, 1.0), here()
    for node in graph.nodes:
        assert node.source == Source(__file__, line, "test_a_node_remembers_the_users_line")
    assert "clip_by_value(constant(1.0), 0.0, 1.0)" in y.op.source.text
    assert str(y.op.source) == f"{__file__}:{line}"


def test_a_shape_error_shows_the_users_line(graph: Graph) -> None:
    x, w = placeholder("float32", [2, 3]), placeholder("float32", [4, 5])
    with pytest.raises(ShapeError) as caught:
        matmul(x, w)  # widths differ
    text = str(caught.value)
    assert "are 3 and 4" in text
    assert "float32[2,3], float32[4,5]" in text
    assert f"{__file__}:" in text
    assert "matmul(x, w)  # widths differ" in text
    assert isinstance(caught.value, ValueError)


def test_a_source_without_its_file() -> None:
    linecache.clearcache()
    source = Source("<string>", 3, "f")
    assert source.text == ""
    assert source.describe() == "<string>:3, in f"


# networkx, printer, verifier


def test_to_networkx(graph: Graph) -> None:
    x = placeholder("float32", [2], name="x")
    with graph.control_dependencies([no_op("before")]):
        y = add(x, x, name="y")
    found = graph.to_networkx()
    assert set(found.nodes) == {"x", "before", "y"}
    assert found.nodes["y"]["type"] == "Add"
    assert found.nodes["y"]["node"] is y.op
    assert sorted(d["input"] for _, _, d in found.edges(data=True) if not d["control"]) == [0, 1]
    assert [(a, b) for a, b, d in found.edges(data=True) if d["control"]] == [("before", "y")]


def test_printed_graphs(graph: Graph) -> None:
    x = placeholder("float32", [None, 2], name="x")
    with graph.control_dependencies([no_op("before")]):
        matmul(x, np.eye(2, dtype=np.float32), transpose_b=True)
    _, second = split(x, 2, axis=1)
    negative(second)
    lines = str(graph).splitlines()
    assert str(graph) == "\n".join(lines)
    assert len(lines) == len(graph)
    assert lines[0].startswith("%0 = Placeholder() {dtype=")
    assert f"# x at {__file__}:" in lines[0]
    product = next(line for line in lines if "= MatMul(" in line)
    assert "(%0, %2) {transpose_a=False, transpose_b=True} ^%1 : float32[?,2]" in product
    assert "= Neg(%4.1)" in lines[-1]


def small(graph: Graph) -> Tensor:
    x = placeholder("float32", [2], name="x")
    y = exp(x)
    verify_graph(graph)
    return y


def test_the_verifier_finds_planted_faults(graph: Graph) -> None:
    y = small(graph)
    node = y.op
    old = node.inputs, node.name, node.id, y.type, node.outputs, node.control_inputs
    faults: list[tuple[Any, str, Any]] = [
        (node, "inputs", (y,)), (node, "name", "x"), (node, "id", 7), (y, "type", TensorType(y.dtype, (3,))),
        (node, "outputs", (y, y)), (node, "control_inputs", (node,)), (y, "type", TensorType(constant(1).dtype, (2,))),
    ]  # fmt: skip
    for owner, attribute, value in faults:
        setattr(owner, attribute, value)
        with pytest.raises(VerificationError, match=r"made at .*test_graph\.py"):
            verify_graph(graph)
        node.inputs, node.name, node.id, y.type, node.outputs, node.control_inputs = old
    verify_graph(graph)
    y.set_shape([2])
    with Graph().as_default():
        foreign = constant([1.0, 2.0])
    node.inputs = (foreign,)
    with pytest.raises(VerificationError, match="does not come before"):
        verify_graph(graph)


F32 = TensorType(convert_to_tensor(1.0).dtype, (2,))


def test_programs_share_equal_instructions() -> None:
    builder = Builder()
    x = reachable([builder.add(Feed(0, F32))])[0]
    value = Value(x, 0)
    a, b = builder.add(Neg(), [value], name="a"), builder.add(Neg(), [value], name="b")
    assert a is b
    assert a.names == ["a", "b"]
    total = builder.add(Add(), [Value(a, 0), Value(a, 0)], control=[x], source=Source("file.py", 3, "f"))
    program = Program(reachable([total]), (Value(total, 0),), (F32,))
    verify_program(program)
    assert format_program(program).splitlines() == [
        f"%0 = Feed() {{slot=0, type={F32}}} : float32[2]  # Feed#0",
        "%1 = Neg(%0) : float32[2]  # a",
        "%2 = Add(%1, %1) ^%0 : float32[2]  # Add#2 at file.py:3",
        "return %2",
    ]
    for bad, message in (
        (program._replace(instrs=program.instrs[::-1]), "does not come before"),
        (program._replace(instrs=program.instrs[:1]), "not computed"),
        (program._replace(results=(Value(total, 1),)), "not computed"),
    ):
        for verified in (None, program):
            with pytest.raises(VerificationError, match=message):
                verify_program(bad, verified)
    wrong = Instr(a.op, a.inputs, (), (F32._replace(shape=(3,)),), a.serial)
    for verified in (None, program):
        with pytest.raises(VerificationError, match="its rule gives"):
            verify_program(Program((x, wrong), (Value(wrong, 0),), (F32,)), verified)


# threads


def test_threads_build_side_by_side() -> None:
    graph = Graph()
    with graph.as_default():
        x = placeholder("float32", [2], name="x")
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def build(number: int) -> None:
        try:
            start.wait()
            with graph.as_default(), graph.name_scope(f"thread{number}"):
                gate = no_op("gate")
                with graph.control_dependencies([gate]):
                    for _ in range(200):
                        y = add(x, 1.0)
                        assert y.name.startswith(f"thread{number}/")
                        assert y.op.control_inputs == (gate,)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=build, args=(n,)) for n in range(8)]
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(old)
    assert failures == []
    assert len(graph) == 1 + 8 * (1 + 200 * 2)
    verify_graph(graph)
    with graph.as_default():
        assert no_op("after").name == "after"
    assert not graph.has_control


def test_threads_share_a_scope_without_taking_a_name_twice() -> None:
    graph = Graph()

    def build() -> None:
        with graph.as_default():
            for _ in range(200):
                no_op("same")

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names(graph))) == 1600
    verify_graph(graph)
