"""Unknown axes and fed shapes: one graph for all sizes, as ONNX Runtime; with gradients; and files of such graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.core.errors import InvalidArgumentError  # noqa: E402
from minigraph.onnx import UnsupportedError, load  # noqa: E402

Array = npt.NDArray[Any]
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
W = np.random.RandomState(0).randn(4, 4, 3, 3).astype(np.float32)


def model_of(
    nodes: list[Any], inputs: dict[str, tuple[int, list[Any]]], outputs: dict[str, int], **weights: Any
) -> Any:
    """outputs: their ranks by name."""
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, *i) for n, i in inputs.items()],
        [helper.make_tensor_value_info(n, FLOAT, [None] * rank) for n, rank in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def image(*shape: int) -> Array:
    return np.random.RandomState(sum(shape)).randn(*shape).astype(np.float32)


def check(model: Any, feeds: list[dict[str, Array]], backend: str = "numpy") -> Any:
    """One import for all feeds."""
    session = onnx_runtime.session_of(model)
    with tf.Graph().as_default():
        found = load(model)
        with tf.Session(backend=backend) as mine:
            mine.run(tf.global_variables_initializer())
            for feed in feeds:
                got = mine.run(list(found.outputs.values()), {found.inputs[n]: a for n, a in feed.items()})
                for a, b in zip(got, session.run(None, feed), strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    return found


IMAGE = {"x": (FLOAT, ["N", 4, "height", "width"])}
IMAGES = [{"x": image(1, 4, 8, 12)}, {"x": image(2, 4, 11, 7)}]
NODES = {
    "same": helper.make_node("Conv", ["x", "w"], ["y"], "node", auto_pad="SAME_UPPER", strides=[2, 2]),
    "lower": helper.make_node("MaxPool", ["x"], ["y"], "node", auto_pad="SAME_LOWER", kernel_shape=[2, 2]),
    "ceil": helper.make_node("AveragePool", ["x"], ["y"], "node", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    "dilated": helper.make_node("MaxPool", ["x"], ["y"], "node", kernel_shape=[2, 2], dilations=[2, 2]),
    "scales": helper.make_node("Resize", ["x", "", "scales"], ["y"], "node", mode="linear"),
    "transposed": helper.make_node("ConvTranspose", ["x", "w"], ["y"], "node", strides=[2, 2], pads=[1, 0, 0, 1]),
    "depth": helper.make_node("DepthToSpace", ["x"], ["y"], "node", blocksize=2),
    "instance": helper.make_node("InstanceNormalization", ["x", "four", "four"], ["y"], "node"),
    "layer": helper.make_node("LayerNormalization", ["x", "one"], ["y"], "node"),
    "reverse": helper.make_node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"], "node"),
    "gather": helper.make_node("GatherND", ["x", "places"], ["y"], "node"),
    "last": helper.make_node("ReduceSum", ["x", "axes"], ["y"], "node", keepdims=0),
}
WEIGHTS = {
    "w": W, "scales": np.array([1, 1, 2, 1.5], np.float32), "four": np.arange(4, dtype=np.float32),
    "one": np.ones(1, np.float32), "starts": [-3], "ends": [-100], "axes": [3], "steps": [-2],
    "places": [[0, -1]],
}  # fmt: skip

RANKS = {"gather": 3, "last": 3}


@pytest.mark.parametrize("kind", NODES)
def test_unknown_sizes(kind: str) -> None:
    used = {n: WEIGHTS[n] for n in NODES[kind].input if n in WEIGHTS}
    check(model_of([NODES[kind]], IMAGE, {"y": RANKS.get(kind, 4)}, **used), IMAGES)


def test_on_another_backend() -> None:
    used = {n: WEIGHTS[n] for n in NODES["scales"].input if n in WEIGHTS}
    check(model_of([NODES["scales"]], IMAGE, {"y": 4}, **used), IMAGES, "llvm")


def test_shapes_computed_from_shapes() -> None:
    """Twice the size of an image, by integer and by floating-point arithmetic, and a shape of two unknown lengths."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Slice", ["s", "two", "four"], ["size"]),
        helper.make_node("Cast", ["size"], ["real"], to=FLOAT),
        helper.make_node("Mul", ["real", "factor"], ["more"]),
        helper.make_node("Floor", ["more"], ["floor"]),
        helper.make_node("Cast", ["floor"], ["whole"], to=INT),
        helper.make_node("Slice", ["s", "zero", "two"], ["front"]),
        helper.make_node("Concat", ["front", "whole"], ["sizes"], axis=0),
        helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="nearest"),
        helper.make_node("Concat", ["size", "front"], ["other"], axis=0),
        helper.make_node("Reshape", ["x", "other"], ["z"]),
        helper.make_node("Expand", ["one", "size"], ["e"]),
    ]
    numbers = {n: np.array([i]) for n, i in {"zero": 0, "two": 2, "four": 4}.items()}
    one = np.ones((1, 1), np.float32)
    model = model_of(nodes, IMAGE, {"y": 4, "z": 4, "e": 2}, factor=np.array([1.5, 2], np.float32), one=one, **numbers)
    found = check(model, IMAGES)
    assert found.outputs["z"].type.rank == 4


def test_fed_parameters() -> None:
    """Bounds of a slice, margins, repeats, and the number of largest elements."""
    nodes = [
        helper.make_node("Slice", ["x", "a", "b", "c"], ["y"]),
        helper.make_node("Pad", ["x", "margins"], ["p"], mode="edge"),
        helper.make_node("Tile", ["x", "repeats"], ["t"]),
        helper.make_node("TopK", ["x", "k"], ["v", "places"], axis=1),
    ]
    vectors = {"a": 1, "b": 1, "c": 1, "margins": 4, "repeats": 2, "k": 1}
    inputs = {"x": (FLOAT, [None, None])} | {n: (INT, [length]) for n, length in vectors.items()}
    feeds = [
        {"x": image(4, 5), "a": [1], "b": [3], "c": [0], "margins": [1, 0, 2, 1], "repeats": [2, 1], "k": [2]},
        {"x": image(3, 6), "a": [-2], "b": [9], "c": [1], "margins": [0, 0, 0, 3], "repeats": [1, 3], "k": [6]},
    ]
    arrays = [{n: np.asarray(v, None if n == "x" else np.int64) for n, v in f.items()} for f in feeds]
    check(model_of(nodes, inputs, dict.fromkeys("yptv", 2)), arrays)


def test_conditions_that_are_fed() -> None:
    """Branches of different ranks; only the branch taken is computed."""
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(kind, ["x"], [name], **how)],
            name,
            [],
            [helper.make_tensor_value_info(name, FLOAT, [None] * rank)],
        )
        for name, kind, rank, how in (("then", "Flatten", 2, {"axis": 2}), ("else", "Relu", 4, {}))
    }
    model = model_of(
        [helper.make_node("If", ["c"], ["m"], **branches), helper.make_node("ReduceMax", ["m"], ["y"], keepdims=0)],
        {"x": (FLOAT, ["N", 4, None, None]), "c": (BOOL, [])}, {"y": 0},
    )  # fmt: skip
    check(model, [{"x": image(2, 4, 3, 3), "c": np.array(c)} for c in (True, False)])


@pytest.mark.parametrize("kind", ["same", "lower", "scales", "transposed"])
def test_gradients_of_nodes_with_unknown_sizes(kind: str) -> None:
    """The same as with known sizes, to second order."""
    used = {n: WEIGHTS[n] for n in NODES[kind].input if n in WEIGHTS}
    model = model_of([NODES[kind]], IMAGE, {"y": 4}, **used)
    found = []
    for shapes in ({}, {"x": (2, 4, 6, 5)}):
        with tf.Graph().as_default():
            loaded = load(model, shapes=shapes, variables=False)
            x = loaded.inputs["x"]
            (first,) = tf.gradients(tf.square(loaded.outputs["y"]), x)
            (second,) = tf.gradients(tf.square(first), x)
            with tf.Session(backend="numpy") as session:
                found.append(session.run([first, second], {x: image(2, 4, 6, 5)}))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


def test_sizes_that_the_caller_gives() -> None:
    model = model_of([NODES["depth"]], IMAGE, {"y": 4})
    with tf.Graph().as_default():
        assert load(model, dims={"height": 4, "width": 6}).outputs["y"].type.shape == (None, 1, 8, 12)
        assert load(model, shapes={"x": [1, 4, 4, None]}).outputs["y"].type.shape == (1, 1, 8, None)
        for given, message in (
            ({"dims": {"depth": 3}}, r"no symbolic dimensions \['depth'\]; it has \['N', 'height', 'width'\]"),
            ({"shapes": {"z": [1]}}, r"no inputs \['z'\]; it has \['x'\]"),
            ({"shapes": {"x": [1, 3, 8, 8]}}, r"'x' is to have the shape \(1, 3, 8, 8\), but is \(\?, 4, \?, \?\)"),
        ):
            with pytest.raises(UnsupportedError, match=message):
                load(model, **given)


def test_a_graph_file_of_unknown_sizes(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        load(model_of([NODES["scales"]], IMAGE, {"y": 4}, scales=WEIGHTS["scales"]))
        tf.train.export_meta_graph(tmp_path / "m.graph")
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(str(tmp_path / "m.graph"))
        with tf.Session(backend="numpy") as session:
            assert session.run("y:0", {"x:0": image(1, 4, 3, 2)}).shape == (1, 4, 6, 3)
        assert any(n.type == "DeferredOnnx" for n in graph.nodes)


def test_misfits_in_a_run_name_the_node() -> None:
    node = helper.make_node("DepthToSpace", ["x"], ["y"], "deepen", blocksize=2)
    with tf.Graph().as_default():
        found = load(model_of([node], {"x": (FLOAT, [None] * 4)}, {"y": 4}))
        with tf.Session(backend="numpy") as session, pytest.raises(InvalidArgumentError, match="'deepen"):
            session.run(found.outputs["y"], {found.inputs["x"]: image(1, 3, 2, 2)})


def test_what_needs_a_size_is_named() -> None:
    """An operator without ONNX's rules for its types is built at import only."""
    node = helper.make_node("FusedConv", ["x", "w"], ["y"], "fused", domain="com.microsoft", auto_pad="SAME_UPPER")
    model = model_of([node], IMAGE, {"y": 4}, w=W)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with tf.Graph().as_default():
        with pytest.raises(UnsupportedError, match=r"'fused' \(FusedConv\).*--dim: x=N,4,height,width"):
            load(model)
        assert load(model, dims={"height": 6, "width": 7}).outputs["y"].type.shape == (None, 4, 6, 7)
