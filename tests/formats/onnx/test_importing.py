"""ONNX models in and out: layouts, weights, shapes as data, and what is wrong with a file.

Tests `onnx.py`, `formats/onnx/modelfile.py`, `formats/onnx/unread.py`, `formats/onnx/values.py`,
`formats/onnx/inputs.py`, `formats/onnx/deferred.py`, `formats/onnx/building.py` and `formats/onnx/call.py`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from click.testing import CliRunner  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from support.lines import here  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.core.errors import DataLossError, NotFoundError  # noqa: E402
from minigraph.onnx import UnsupportedError, load, save, to_model  # noqa: E402
from minigraph.tools.cli import main  # noqa: E402

RANDOM = np.random.RandomState(0)


def info(name: str, shape: Sequence[Any], kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes: list[Any], inputs: list[Any], outputs: list[Any], **weights: np.ndarray) -> Any:
    arrays = [numpy_helper.from_array(a, n) for n, a in weights.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def conv_model() -> Any:
    """Two convolutions with a ReLU between them, and a flattening whose shape is computed."""
    w = RANDOM.randn(4, 3, 3, 3).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1], name="first"),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "v"], ["c"], name="second"),
        helper.make_node("Shape", ["c"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axes"], ["rows"]),
        helper.make_node("Concat", ["rows", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["c", "shape"], ["y"]),
    ]
    weights = {"w": w, "v": RANDOM.randn(2, 4, 1, 1).astype(np.float32), "zero": np.array(0), "axes": np.array([0])}
    return model_of(nodes, [info("x", ["N", 3, 5, 6])], [info("y", ["N", 60])], rest=np.array([60]), **weights)


def reference(model: Any, **feeds: np.ndarray) -> list[Any]:
    """By the interpreter that the onnx package has."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, feeds)  # type: ignore[no-any-return]


def run(found: Any, **feeds: np.ndarray) -> list[Any]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        outputs = list(found.outputs.values())
        return session.run(outputs, {found.inputs[n]: v for n, v in feeds.items()})  # type: ignore[no-any-return]


def test_import_keeps_the_batch_open_and_makes_few_transposes() -> None:
    model = conv_model()
    with tf.Graph().as_default() as graph:
        found = load(model)
        assert found.outputs["y"].type.shape == (None, 60)
        assert [n.type for n in graph.nodes].count("Transpose") == 2  # in front, and before the flattening
        assert {v.op.name for v in tf.trainable_variables()} == {"w", "v"}
        for count in (1, 3):
            x = RANDOM.randn(count, 3, 5, 6).astype(np.float32)
            np.testing.assert_allclose(run(found, x=x)[0], reference(model, x=x)[0], rtol=1e-4, atol=1e-5)


def test_constants_instead_of_variables() -> None:
    with tf.Graph().as_default():
        load(conv_model(), variables=False)
        assert not tf.global_variables()


def test_an_input_may_be_a_tensor() -> None:
    x, model = RANDOM.randn(2, 3, 5, 6).astype(np.float32), conv_model()
    with tf.Graph().as_default():
        mine = tf.placeholder(tf.float32, [2, 3, 5, 6])
        found = load(model, {"x": mine * 2.0})
        assert not found.inputs
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            got = session.run(found.outputs["y"], {mine: x})
    np.testing.assert_allclose(got, reference(model, x=2 * x)[0], rtol=1e-4, atol=1e-5)


def test_gradients_flow_through_an_import() -> None:
    with tf.Graph().as_default():
        found = load(conv_model())
        loss = tf.reduce_sum(tf.square(found.outputs["y"]))
        step = tf.train.GradientDescentOptimizer(1e-4).minimize(loss)
        x = {found.inputs["x"]: np.ones((2, 3, 5, 6), np.float32)}
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            before = session.run(loss, x)
            session.run(step, x)
            assert session.run(loss, x) < before


def test_weights_of_bfloat16() -> None:
    """Values are rounded to 8 binary digits: 1 + 2^-8 is half way between two numbers, and goes to the even one."""
    nodes = [
        helper.make_node("Cast", ["x"], ["b"], to=TensorProto.BFLOAT16),
        helper.make_node("Add", ["b", "w"], ["y"]),
    ]
    model = model_of(nodes, [info("x", [2])], [info("y", [2], TensorProto.BFLOAT16)])
    model.graph.initializer.append(helper.make_tensor("w", TensorProto.BFLOAT16, [2], [1.0, 2.0]))
    with tf.Graph().as_default():
        (y,) = run(load(model), x=np.array([2.0**-8, 2.0**-5], np.float32))
    assert y.dtype.name == "bfloat16"
    assert y.astype(float).tolist() == [1.0, 2.03125]


def test_a_shape_may_be_fed_or_fixed() -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"], name="bend")]
    inputs = [info("x", [2, 6]), info("shape", [2], TensorProto.INT64)]
    model = model_of(nodes, inputs, [info("y", [None, None])])
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    with tf.Graph().as_default():
        found = load(model)
        for shape in ([3, 4], [4, -1], [0, 6]):  # 0 stands for the old length
            (got,) = run(found, x=x, shape=np.array(shape))
            np.testing.assert_array_equal(got, x.reshape([2 if d == 0 else d for d in shape]))
    with tf.Graph().as_default():
        found = load(model, {"shape": np.array([3, 4])})
        assert found.outputs["y"].type.shape == (3, 4)


def test_all_unsupported_operators_are_named_at_once() -> None:
    nodes = [
        helper.make_node("RandomUniformLike", ["x"], ["a"], name="where"),
        helper.make_node("StringNormalizer", ["x"], ["b"], name="kinds"),
        helper.make_node("Odd", ["x"], ["c"], name="mine", domain="acme"),
    ]
    model = model_of(nodes, [info("x", [4])], [info("c", [4])])
    model.opset_import.append(helper.make_opsetid("acme", 1))
    with tf.Graph().as_default(), pytest.raises(UnsupportedError) as caught:
        load(model)
    for part in ("'where' (RandomUniformLike", "'kinds' (StringNormalizer", "'mine' (acme.Odd"):
        assert part in str(caught.value)


def test_an_attribute_that_is_not_supported_names_the_node() -> None:
    nodes = [helper.make_node("Einsum", ["x", "w"], ["y"], name="ellipses", equation="...i,...i->...")]
    with tf.Graph().as_default(), pytest.raises(UnsupportedError, match=r"'ellipses' \(Einsum\)"):
        load(model_of(nodes, [info("x", [3, 3]), info("w", [3])], [info("y", [3])]))


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    whole = conv_model().SerializeToString()
    with pytest.raises(NotFoundError, match="no such file"):
        load(path)
    for content in (b"", b"hello", whole[: len(whole) // 2], whole[:20]):
        path.write_bytes(content)
        with tf.Graph().as_default() as graph, pytest.raises(DataLossError, match=r"m\.onnx"):
            load(path)
        assert not graph.nodes


def test_invalid_model() -> None:
    nodes = [helper.make_node("Relu", ["nowhere"], ["y"])]
    with pytest.raises(DataLossError, match="nowhere"):
        load(model_of(nodes, [info("x", [2])], [info("y", [2])]))


@pytest.fixture
def external(tmp_path: Path) -> Any:
    """A function that writes a model whose weights are said to be at a place, and gives its path."""
    folder = tmp_path / "model"
    folder.mkdir()
    values = np.arange(6, dtype=np.float32)
    (folder / "weights.bin").write_bytes(values.tobytes())
    (tmp_path / "secret.bin").write_bytes(values.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")

    def write(location: str, **entries: str) -> Path:
        model = model_of([helper.make_node("Add", ["x", "w"], ["y"])], [info("x", [6])], [info("y", [6])], w=values)
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=value)
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        return folder / "m.onnx"

    return write


def test_external_data(external: Any) -> None:
    with tf.Graph().as_default():
        found = load(external("weights.bin", offset="0", length="24"))
        np.testing.assert_array_equal(run(found, x=np.zeros(6, np.float32))[0], np.arange(6))


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/passwd", "link.bin", "sub/../../secret.bin", "", "."])
def test_external_data_may_not_leave_the_folder(external: Any, place: str) -> None:
    with tf.Graph().as_default() as graph, pytest.raises(DataLossError, match="outside of the model's folder"):
        load(external(place))
    assert not graph.nodes


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": "8", "length": "24"}, "which has 24"),
        ({"offset": "-4"}, "which has 24"),
        ({"length": "x"}, "has 24"),
    ],
)
def test_external_data_of_a_wrong_size(external: Any, entries: dict[str, str], message: str) -> None:
    with pytest.raises(DataLossError, match=message):
        load(external("weights.bin", **entries))
    with pytest.raises(DataLossError, match="does not exist"):
        load(external("other.bin"))


def test_export_refuses_training_and_names_lines() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3])
        y, line = tf.nn.dropout(x, 0.5), here()
        total = tf.Variable(0.0)
        changed, other = tf.assign_add(total, tf.reduce_sum(y)), here()
        with pytest.raises(UnsupportedError) as caught:
            to_model([y, changed])
    for part in ("dropout", line, "draws random numbers", other, "AssignAdd", "only training does"):
        assert part in str(caught.value)


def test_export_of_dropout_at_inference() -> None:
    with tf.Graph().as_default():
        x, keep = tf.placeholder(tf.float32, [None, 3], "x"), tf.placeholder(tf.float32, [], "keep")
        y = tf.nn.relu(tf.nn.dropout(x, keep), name="y")
        model = to_model(y, fixed={keep: 1.0})
        with pytest.raises(UnsupportedError, match="draws random numbers"):
            to_model(y, fixed={keep: 0.5})
    assert [n.op_type for n in model.graph.node] == ["Relu"]
    assert [i.name for i in model.graph.input] == ["x"]


def test_commands(tmp_path: Path) -> None:
    model, graph, again = (tmp_path / n for n in ("m.onnx", "m.graph", "again.onnx"))
    for arguments in (["export", "mnist-cnn", model], ["import", model, "-o", graph], ["export", graph, again]):
        done = CliRunner().invoke(main, list(map(str, arguments)))
        assert done.exit_code == 0, done.output
    images = RANDOM.uniform(size=(2, 784)).astype(np.float32)
    first, second = (reference(onnx.load(p), images=images)[0] for p in (model, again))
    np.testing.assert_array_equal(first, second)
    assert [n.op_type for n in onnx.load(again).graph.node].count("Transpose") == 2
    wrong = CliRunner().invoke(main, ["export", "mnist-cnn", str(model), "--set", "keep_prob"])
    assert "expected INPUT=VALUE" in wrong.output


def test_without_the_package() -> None:
    program = """
import sys
sys.modules["onnx"] = None
import minigraph.onnx
try:
    minigraph.onnx.load("m.onnx")
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert 'pip install "minigraph[onnx]"' in done.stdout, done.stderr


def test_save_writes_a_checked_model(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 2], "x")
        save(tmp_path / "m.onnx", {"out": x + 1.0})
    assert reference(onnx.load(tmp_path / "m.onnx"), x=np.zeros((1, 2), np.float32))[0].tolist() == [[1, 1]]
