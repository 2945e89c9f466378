"""Loops in graphs that TensorFlow 1.15.5 froze; `goldens/record_loops.py` made the archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import GOLDENS

import minigraph
import minigraph.tf1 as tf
from minigraph.core.errors import DataLossError, GraphError
from minigraph.formats.tensorflow.values import UnreadableError

ARCHIVE = GOLDENS / "tf_loops.zip"
NAMES = sorted(name[:-3] for name in zipfile.ZipFile(ARCHIVE).namelist() if name.endswith(".pb"))


def message(name: str) -> Any:
    found = tf.GraphDef()
    found.ParseFromString(zipfile.ZipFile(ARCHIVE).read(f"{name}.pb"))
    return found


PLAIN = [name for name in NAMES if not name.endswith(("_gradient", "_functional"))]


@pytest.mark.parametrize(("name", "backend"), [*((n, "numpy") for n in NAMES), *((n, "llvm") for n in PLAIN)])
def test_loops_of_tensorflow(name: str, backend: str) -> None:
    arrays = dict(np.load(io.BytesIO(zipfile.ZipFile(ARCHIVE).read(f"{name}.npz"))))
    wanted = arrays.pop("y")
    with minigraph.Graph().as_default(), minigraph.Session(backend=backend) as session:
        tf.import_graph_def(message(name), name="")
        found = session.run("y:0", arrays)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def test_a_gradient_flows_through_a_loop() -> None:
    """y = ((((x + 1)x + 1)x + 1)x + 1)x + 1."""
    with minigraph.Graph().as_default() as graph, minigraph.Session() as session:
        tf.import_graph_def(message("powers"), name="")
        x, y = (graph.get_tensor_by_name(n) for n in ("x:0", "y:0"))
        (slope,) = tf.gradients(y, x)
        found = session.run(slope, {x: 1.5})
    np.testing.assert_allclose(found, sum(k * 1.5 ** (k - 1) for k in range(1, 6)), rtol=1e-6)


def test_a_loop_of_a_condition_is_added_once_also_with_exits_that_nothing_reads() -> None:
    def loops(read: Any) -> list[str]:
        with minigraph.Graph().as_default() as graph:
            tf.import_graph_def(read, name="")
            return [node.type for node in graph.get_operations() if "While" in node.type]

    found = message("loop_in_test")
    before = loops(found)
    left = {node.input[0].partition(":")[0] for node in found.node if node.op == "Exit"}
    switches = [node for node in found.node if node.op == "Switch" and node.name not in left]
    assert len(switches) == 3  # the counters of the three loops
    for switch in switches:
        leave = found.node.add(name=f"{switch.name}/unread", op="Exit", input=[switch.name])
        leave.attr["T"].CopyFrom(switch.attr["T"])
    assert loops(found) == before


def _without(kind: str) -> Any:
    """A loop whose nodes of one kind compute something else."""
    found = message("powers")
    for node in found.node:
        if node.op == kind:
            node.op = "Identity"
            node.attr["T"].type = node.attr["T"].type or 10
            del node.input[1:]
    return found


@pytest.mark.parametrize("kind", ["LoopCond", "Switch", "NextIteration", "Enter", "Merge"])
def test_broken_loops_are_refused(kind: str) -> None:
    with minigraph.Graph().as_default() as graph:
        with pytest.raises((UnreadableError, minigraph.errors.OpError, ValueError)) as caught:
            tf.import_graph_def(_without(kind), name="")
        assert "node" in str(caught.value) or "loop" in str(caught.value)
        assert not graph.nodes


def test_a_function_that_is_missing_or_calls_itself_is_refused() -> None:
    missing, endless = message("called"), message("called")
    del missing.library.function[:]
    for function in endless.library.function:
        function.node_def[0].op = function.signature.name
        del function.node_def[0].input[len(function.signature.input_arg) :]
    for graph, said in (
        (missing, "no form of these ops|calls the function"),
        (endless, "functions (call|do not fit)|, which takes"),
    ):
        with minigraph.Graph().as_default() as into:
            with pytest.raises(UnreadableError, match=said):
                tf.import_graph_def(graph, name="")
            assert not into.nodes


@pytest.mark.parametrize("field", ["input", "cond", "T"])
def test_broken_functional_loops_are_refused(field: str) -> None:
    found = message("powers_functional")
    (loop,) = (node for node in found.node if node.op.endswith("While"))
    if field == "input":
        del loop.input[2:]
    elif field == "cond":
        loop.attr["cond"].CopyFrom(loop.attr["body"])
    else:
        del loop.attr["T"].list.type[1:]
    with minigraph.Graph().as_default(), pytest.raises(UnreadableError, match="While"):
        tf.import_graph_def(found, name="")


@pytest.mark.parametrize("kind", ["StackV2", "StackPushV2", "StackPopV2"])
def test_broken_stacks_are_refused(kind: str) -> None:
    found = message("powers_gradient")
    for node in found.node:
        if node.op == kind:
            node.op = "Identity"
            node.attr["T"].CopyFrom(node.attr["elem_type"])
    with minigraph.Graph().as_default() as graph:
        with pytest.raises(GraphError, match=r"[Ss]tack"):
            tf.import_graph_def(found, name="")
        assert not graph.nodes


def test_a_stack_that_several_loops_push_to_or_a_push_without_value_is_refused() -> None:
    for kind in ("StackPushV2", "StackPopV2"):
        found = message("powers_gradient")
        entered = {node.name: node for node in found.node if node.op == "Enter"}
        (user,) = [node for node in found.node if node.op == kind][:1]
        enter = entered[user.input[0].partition(":")[0]]
        found.node.add(name="again").CopyFrom(enter)
        found.node[-1].name = "again"
        found.node.add().CopyFrom(user)
        found.node[-1].name = "again/user"
        found.node[-1].input[0] = "again"
        with minigraph.Graph().as_default(), pytest.raises(UnreadableError, match="several places"):
            tf.import_graph_def(found, name="")
    found = message("powers_gradient")
    for node in found.node:
        if node.op == "StackPushV2":
            del node.input[1:]
    with minigraph.Graph().as_default(), pytest.raises(UnreadableError, match="no value to push"):
        tf.import_graph_def(found, name="")


def test_a_loop_may_have_a_name_that_is_no_text() -> None:
    found = message("powers")
    for node in found.node:
        if node.op == "Enter":
            # Through the wire format: the name may be any bytes.
            node.attr["frame_name"].s = b"\xff" + node.attr["frame_name"].s
    arrays = dict(np.load(io.BytesIO(zipfile.ZipFile(ARCHIVE).read("powers.npz"))))
    wanted = arrays.pop("y")
    with minigraph.Graph().as_default(), minigraph.Session(backend="numpy") as session:
        tf.import_graph_def(found, name="")
        np.testing.assert_allclose(session.run("y:0", arrays), wanted, rtol=1e-6)


def _calls(outputs: str, read: str, value: Any = (1.0,), calls: int = 1) -> Any:
    """A graph that calls a function which gives back an output of a function within it, by the output's name."""
    from google.protobuf import text_format

    text = f"""
    node {{ name: "x" op: "Const" attr {{ key: "dtype" value {{ type: DT_FLOAT }} }}
      attr {{ key: "value" value {{ tensor {{ dtype: DT_FLOAT tensor_shape {{}} float_val: 3 }} }} }} }}
    library {{
      function {{
        signature {{ name: "inner" input_arg {{ name: "a" type: DT_FLOAT }} {outputs} }}
        node_def {{ name: "neg" op: "Neg" input: "a" attr {{ key: "T" value {{ type: DT_FLOAT }} }} }}
        ret {{ key: "p" value: "a" }} ret {{ key: "q" value: "neg:y:0" }} }}
      function {{
        signature {{ name: "outer" input_arg {{ name: "a" type: DT_FLOAT }} output_arg {{ name: "r" type: DT_FLOAT }} }}
        node_def {{ name: "c" op: "inner" input: "a" }}
        ret {{ key: "r" value: "{read}" }} }} }}
    """
    found = text_format.Parse(text, tf.GraphDef())
    for i in range(calls):
        node = found.node.add(name=f"y{i}", op="PartitionedCall", input=["x"])
        node.attr["f"].func.name = "outer"
    return found


TWO = 'output_arg { name: "p" type: DT_FLOAT } output_arg { name: "q" type: DT_FLOAT }'


@pytest.mark.parametrize(("read", "want"), [("c:p:0", 3.0), ("c:q:0", -3.0)])
def test_a_function_reads_the_outputs_of_another_by_their_names(read: str, want: float) -> None:
    with minigraph.Graph().as_default(), minigraph.Session(backend="numpy") as session:
        tf.import_graph_def(_calls(TWO, read), name="")
        assert session.run("y0:0") == want


def test_outputs_that_a_function_does_not_have_are_refused() -> None:
    with minigraph.Graph().as_default(), pytest.raises(UnreadableError, match="p, q"):
        tf.import_graph_def(_calls(TWO, "c:r:0"), name="")


def test_functions_may_not_multiply_what_a_file_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant of 64 KiB in a function of 64 calls, and the caller's message, which an import leaves as it is."""
    found = _calls(TWO, "c:q:0", calls=64)
    constant = found.library.function[0].node_def.add(name="table", op="Const")
    constant.attr["dtype"].type = 1
    constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.arange(2**14, dtype=np.float32)))
    before = found.SerializeToString(deterministic=True)
    with minigraph.Graph().as_default():
        tf.import_graph_def(found, name="")
    assert found.SerializeToString(deterministic=True) == before
    monkeypatch.setenv("MINIGRAPH_READ_LIMIT", str(2**21))
    with minigraph.Graph().as_default(), pytest.raises(UnreadableError, match="too often"):
        tf.import_graph_def(found, name="")


def _choice(count: int) -> Any:
    """A Case whose functions multiply by 1, 2, …, and whose nodes have names that the choice's own nodes may have."""
    names = ("last", "zero", "below", "clipped", "middle", "less", "pivot", "switch_0", "merge_0", "then", "chosen")
    found = tf.GraphDef()
    for name, kind in (("x", 1), ("which", 3)):
        found.node.add(name=name, op="Placeholder").attr["dtype"].type = kind
    message = found.node.add(name="y", op="Case", input=["which", "x"])
    message.attr["Tin"].list.type.append(1)
    message.attr["Tout"].list.type.append(1)
    for factor in range(1, count + 1):
        function = found.library.function.add()
        function.signature.name = message.attr["branches"].list.func.add(name=f"times_{factor}").name
        function.signature.input_arg.add(name="a", type=1)
        function.signature.output_arg.add(name="r", type=1)
        constant = function.node_def.add(name="factor", op="Const")
        constant.attr["dtype"].type = 1
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float32(factor)))
        for name, before in zip(names, ("a", *names), strict=False):
            function.node_def.add(name=name, op="Identity", input=[before if before == "a" else f"{before}:output:0"])
        function.node_def.add(name="product", op="Mul", input=[f"{names[-1]}:output:0", "factor:output:0"])
        function.ret["r"] = "product:z:0"
    return found


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_choice_runs_the_function_of_its_number_or_the_last(count: int) -> None:
    with minigraph.Graph().as_default(), minigraph.Session(backend="numpy") as session:
        tf.import_graph_def(_choice(count), name="")
        found = [session.run("y:0", {"x:0": 10.0, "which:0": k}) for k in range(-1, count + 2)]
    assert found == [10.0 * (k + 1 if 0 <= k < count else count) for k in range(-1, count + 2)]


def test_a_choice_of_one_function_checks_its_number() -> None:
    message = _choice(1)
    limit = message.node.add(name="limit", op="Const")
    limit.attr["dtype"].type = 3
    limit.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.int32(7)))
    message.node.add(name="small", op="Less", input=["which", "limit"])
    message.node.add(name="assert", op="Assert", input=["small", "which"]).attr["T"].list.type.append(3)
    message.node.add(name="number", op="Identity", input=["which", "^assert"])
    message.node[2].input[0] = "number"
    with minigraph.Graph().as_default(), minigraph.Session(backend="numpy") as session:
        tf.import_graph_def(message, name="")
        assert session.run("y:0", {"x:0": 10.0, "which:0": 6}) == 10.0
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run("y:0", {"x:0": 10.0, "which:0": 7})


def test_a_saved_model_of_functions(tmp_path: Path) -> None:
    """TensorFlow 2's form, with variables in no collection, a loop and a condition; `record_saved_model.py` made it."""
    zipfile.ZipFile(GOLDENS / "tf2_saved_model.zip").extractall(tmp_path)
    arrays = np.load(tmp_path / "expected.npz")
    with minigraph.Graph().as_default(), minigraph.Session(backend="numpy") as session:
        model = tf.saved_model.loader.load(session, ["serve"], str(tmp_path))
        signature = model.signature_def["serving_default"]
        x, scores = signature.inputs["x"].name, signature.outputs["scores"].name
        first, both = (session.run(scores, {x: arrays["x"][:n]}) for n in (1, 2))
    np.testing.assert_allclose(first, arrays["first"], rtol=1e-6)
    np.testing.assert_allclose(both, arrays["both"], rtol=1e-6)
    assert first[0, 0] * both[0, 0] < 0  # both branches


def test_a_variable_in_no_collection_may_not_be_larger_than_a_file_of_its_size_may_hold() -> None:
    from google.protobuf import text_format

    text = """
    graph_def {
      node { name: "names" op: "Const" attr { key: "dtype" value { type: DT_STRING } }
        attr { key: "value" value { tensor { dtype: DT_STRING tensor_shape { dim { size: 1 } } string_val: "w" } } } }
      node { name: "w" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } }
        attr { key: "shape" value { shape { dim { size: 34359738368 } } } } }
      node { name: "r" op: "RestoreV2" input: "names" input: "names" input: "names"
        attr { key: "dtypes" value { list { type: DT_FLOAT } } } }
      node { name: "a" op: "Assign" input: "w" input: "r" attr { key: "T" value { type: DT_FLOAT } } } }
    """
    with minigraph.Graph().as_default() as graph:
        with pytest.raises(DataLossError, match="'w' of shape"):
            tf.train.import_meta_graph(text_format.Parse(text, tf.MetaGraphDef()))
        assert not graph.nodes
