"""Quantised networks: QuantizeLinear and DequantizeLinear in and out, with the numbers of ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph import quantization  # noqa: E402
from minigraph.onnx import load, save, to_model  # noqa: E402

Array = npt.NDArray[Any]
BACKENDS = ("numpy", "llvm")


class _Network:
    """Nodes on quantised numbers: each layer dequantises its operands and quantises its result."""

    def __init__(self, seed: int, signed: bool) -> None:
        self.random = np.random.RandomState(seed)
        self.kind = np.int8 if signed else np.uint8
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def constant(self, array: Any) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def quantized(self, x: str, scale: float, zero: int) -> tuple[str, float]:
        """The dequantised numbers, and their scale."""
        parameters = self.constant(np.float32(scale)), self.constant(self.kind(zero))
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *parameters), *parameters), scale

    def weights(self, shape: Sequence[int], axis: int, x_scale: float) -> list[str]:
        """Dequantised weights, and a bias in the scales of the sums."""
        q = self.random.randint(-127, 128, shape).astype(np.int8)
        scales = self.random.uniform(0.001, 0.01, shape[axis]).astype(np.float32)
        bias = self.random.randint(-2000, 2000, shape[axis]).astype(np.int32)
        parts = (q, scales, axis), (bias, np.float32(x_scale) * scales, 0)
        return [self.node("DequantizeLinear", self.constant(a), self.constant(s), axis=at) for a, s, at in parts]

    def model(self, result: str, shape: Sequence[int]) -> Any:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
        y = helper.make_tensor_value_info(result, TensorProto.FLOAT, [None] * len(shape))
        graph = helper.make_graph(self.nodes, "quantised", [x], [y], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _by_onnx_runtime(model: Any, x: Array, integers: bool = False) -> Array:
    """The output of a network, whose products are in float32 or, where ONNX Runtime optimises it, of integers."""
    found: Array = onnx_runtime.evaluate(model, {"x": x}, optimised=integers)[0]
    return found


def _ours(model: Any, x: Array, backend: str) -> Array:
    with tf.Graph().as_default():
        imported = load(model)
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            found: Array = session.run(next(iter(imported.outputs.values())), {imported.inputs["x"]: x})
    return found


CASES = {
    "1x1": ((2, 20, 5, 6), (33, 20, 1, 1), {}),
    "3x3": ((1, 16, 9, 7), (40, 16, 3, 3), {"pads": [1, 1, 1, 1]}),
    "stride": ((2, 8, 9, 8), (12, 8, 3, 3), {"pads": [1, 0, 0, 1], "strides": [2, 2]}),
    "dilated": ((1, 6, 11, 9), (5, 6, 3, 2), {"pads": [2, 1, 2, 1], "dilations": [2, 1]}),
    "few channels": ((2, 3, 23, 21), (18, 3, 7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    "groups": ((1, 8, 6, 6), (8, 4, 3, 3), {"group": 2}),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_convolution_has_the_numbers_of_onnx_runtime(case: str, signed: bool) -> None:
    shape, filters, attributes = CASES[case]
    net = _Network(3, signed)
    zero = -11 if signed else 117
    x, scale = net.quantized("x", 0.02, zero)
    w, b = net.weights(filters, 0, scale)
    y, _ = net.quantized(net.node("Conv", x, w, b, **attributes), 0.05, -128 if signed else 0)
    model = net.model(y, shape)
    feed = net.random.normal(size=shape).astype(np.float32)
    expected = _by_onnx_runtime(model, feed, integers=True)
    assert len(np.unique(expected)) > 20
    for backend in BACKENDS:
        found = _ours(model, feed, backend)
        if case == "groups":  # in float32, so a number next to a half may be rounded the other way
            assert (found != expected).mean() < 0.01
        else:
            np.testing.assert_array_equal(found, expected)


def test_a_product_has_the_numbers_of_onnx_runtime() -> None:
    net = _Network(5, signed=False)
    x, scale = net.quantized("x", 0.02, 128)
    w, b = net.weights((70, 37), 1, scale)
    y, _ = net.quantized(net.node("Add", net.node("MatMul", x, w), b), 0.05, 100)
    model = net.model(y, (6, 70))
    feed = net.random.normal(size=(6, 70)).astype(np.float32)
    plain = _by_onnx_runtime(model, feed)
    for backend in BACKENDS:
        found = _ours(model, feed, backend)
        assert (found != plain).mean() < 0.01  # ONNX Runtime adds this bias in float32
        np.testing.assert_allclose(found, plain, atol=0.0501)


def _residual() -> tuple[Any, tuple[int, ...]]:
    """A block of a residual network, with a pool before it, in channels-first layout."""
    net, shape = _Network(7, signed=False), (2, 16, 12, 10)
    x, scale = net.quantized("x", 0.03, 120)
    x = net.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    x, scale = net.quantized(x, scale, 120)
    y, y_scale = x, scale
    for _ in range(2):
        w, b = net.weights((16, 16, 3, 3), 0, y_scale)
        y = net.node("Relu", net.node("Conv", y, w, b, pads=[1, 1, 1, 1]))
        y, y_scale = net.quantized(y, 0.05, 0)
    y, _ = net.quantized(net.node("Relu", net.node("Add", y, x)), 0.06, 0)
    return net.model(y, shape), shape


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_residual_block_is_within_a_step_of_onnx_runtime(backend: str) -> None:
    model, shape = _residual()
    feed = np.random.RandomState(1).normal(size=shape).astype(np.float32)
    expected, found = _by_onnx_runtime(model, feed), _ours(model, feed, backend)
    assert len(np.unique(expected)) > 20
    np.testing.assert_allclose(found, expected, atol=0.0601)  # ONNX Runtime adds quantised numbers in another order
    assert (found != expected).mean() < 0.02


def test_an_imported_network_is_exported_with_its_integers(tmp_path: Path) -> None:
    model, shape = _residual()
    feed = np.random.RandomState(1).normal(size=shape).astype(np.float32)
    with tf.Graph().as_default():
        imported = load(model)
        result = next(iter(imported.outputs.values()))
        save(tmp_path / "again.onnx", {"y": result})
    again = onnx.load(tmp_path / "again.onnx")
    kinds = [n.op_type for n in again.graph.node]
    assert kinds.count("Conv") == 2
    assert all(len(n.input) == 3 for n in again.graph.node if n.op_type == "Conv")
    assert sum(i.data_type == TensorProto.INT8 and len(i.dims) == 4 for i in again.graph.initializer) == 2
    assert not any(i.data_type == TensorProto.FLOAT and len(i.dims) == 4 for i in again.graph.initializer)
    np.testing.assert_array_equal(_by_onnx_runtime(again, feed), _by_onnx_runtime(model, feed))


def test_the_exporter_keeps_scales_along_any_axis(tmp_path: Path) -> None:
    q = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
    x = tf.placeholder(tf.float32, [2, 3, 4], name="x")
    scales = np.array([[0.1], [0.2], [0.3]], np.float32)
    zeros = np.array([[1], [2], [3]], np.int8)
    y = quantization.dequantize_linear(q, scales, zeros) + x
    save(tmp_path / "model.onnx", {"y": y})
    model = onnx.load(tmp_path / "model.onnx")
    feed = np.ones((2, 3, 4), np.float32)
    np.testing.assert_allclose(_by_onnx_runtime(model, feed), (q - zeros) * scales + feed, rtol=1e-6)


@pytest.mark.parametrize(
    "zeros", [np.int8(-2), np.int8([[[7]]]), np.int8([[1], [2], [3]]), np.uint16([[5], [900], [0]])]
)
@pytest.mark.parametrize("fed", [False, True])
def test_scales_and_zero_points_are_exported_known_or_fed(zeros: Any, fed: bool) -> None:
    x = np.random.RandomState(0).normal(size=(2, 3, 4)).astype(np.float32)
    scales = np.float32([[0.1], [0.2], [0.3]])
    feeds = {"x": x, **({"scales": scales, "zeros": zeros} if fed else {})}
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        inputs = {k: tf.placeholder(v.dtype, v.shape, name=k) for k, v in feeds.items()}
        by = [inputs.get("scales", scales), inputs.get("zeros", zeros)]
        q = quantization.quantize_linear(inputs["x"], *by)
        results = [q, quantization.dequantize_linear(q, *by)]
        wanted = session.run(results, {t: feeds[k] for k, t in inputs.items()})
        model = to_model(results, list(inputs.values()))
    found = onnx_runtime.evaluate(model, {k: np.asarray(v) for k, v in feeds.items()})
    for mine, theirs in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(mine, theirs)
