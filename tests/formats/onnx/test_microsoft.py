"""Operators of com.microsoft, as ONNX Runtime computes them: fused, and on quantised numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from onnx import helper, numpy_helper  # noqa: E402
from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.onnx import load  # noqa: E402

Array = npt.NDArray[Any]
RANDOM = np.random.RandomState(0)


def floats(*shape: int) -> Array:
    return RANDOM.randn(*shape).astype(np.float32)


def whole(*shape: int, signed: bool = False) -> Array:
    return RANDOM.randint(-100 if signed else 0, 100, shape).astype(np.int8 if signed else np.uint8)


def scale(value: float) -> Array:
    return np.float32(value)  # type: ignore[return-value]


def zero(value: int, signed: bool = False) -> Array:
    return (np.int8 if signed else np.uint8)(value)  # type: ignore[return-value]


X, Q, S, Z = floats(2, 4, 6, 6), whole(2, 4, 6, 6), scale(0.05), zero(60)
CASES: list[tuple[str, list[Array | None], Mapping[str, Any], str]] = [
    ("FusedConv", [X, floats(8, 2, 3, 3), floats(8)], {"group": 2, "pads": [1, 1, 1, 1], "activation": "Relu"}, ""),
    (
        "FusedConv", [X, floats(4, 4, 3, 3), floats(4), floats(2, 4, 4, 4)],
        {"activation": "LeakyRelu", "activation_params": [0.2]}, "",
    ),
    ("FusedMatMul", [floats(3, 5, 4), floats(3, 6, 5)], {"transA": 1, "transB": 1, "alpha": 0.5}, ""),
    ("Gelu", [X], {}, ""),
    ("BiasGelu", [floats(3, 5), floats(5)], {}, ""),
    ("FastGelu", [floats(3, 5), floats(5)], {}, ""),
    ("QuickGelu", [X], {"alpha": 1.5}, ""),
    ("SkipLayerNormalization", [floats(2, 3, 8), floats(2, 3, 8), floats(8), floats(8), floats(8)], {}, ""),
    ("DynamicQuantizeMatMul", [floats(3, 8), whole(8, 5, signed=True), scale(0.02), zero(3, True), floats(5)], {}, ""),
    (
        "MatMulIntegerToFloat", [whole(3, 8), whole(8, 5, signed=True), S, S, zero(7), zero(-2, True), floats(5)],
        {}, "",
    ),
    ("QLinearAdd", [Q, S, Z, whole(4, 1, 1), scale(0.1), zero(3), scale(0.0813), zero(100)], {}, ""),
    ("QLinearMul", [Q, S, Z, whole(4, 1, 1), scale(0.1), zero(3), scale(0.2137), zero(100)], {}, ""),
    ("QLinearSigmoid", [Q, S, Z, scale(1 / 256), zero(0)], {}, ""),
    ("QLinearLeakyRelu", [Q, S, Z, scale(0.04), zero(20)], {"alpha": 0.1}, ""),
    ("QLinearGlobalAveragePool", [Q, S, Z, scale(0.03), zero(50)], {"channels_last": 0}, ""),
    ("QLinearConcat", [scale(0.06), zero(40), Q, S, Z, whole(2, 3, 6, 6), scale(0.1), zero(9)], {"axis": 1}, ""),
    (
        "QLinearConv",
        [Q, S, Z, whole(8, 2, 3, 3, signed=True), np.linspace(0.01, 0.05, 8, dtype=np.float32), np.zeros(8, np.int8),
         scale(0.9), zero(120), RANDOM.randint(-500, 500, 8).astype(np.int32)],
        {"group": 2, "strides": [2, 2], "pads": [0, 1, 1, 0]}, "default",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_as_onnx_runtime(case: tuple[str, list[Array], dict[str, Any], str]) -> None:
    kind, inputs, attributes, domain = case
    names = [f"i{n}" for n in range(len(inputs))]
    node = helper.make_node(kind, names, ["y"], "node", domain="" if domain else "com.microsoft", **attributes)
    arrays = dict(zip(names, map(np.asarray, inputs), strict=True))
    data = {"i0": arrays.pop("i0")} if kind != "QLinearConcat" else {"i2": arrays.pop("i2")}
    ((name, x),) = data.items()
    given = helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), ["N", *x.shape[1:]])
    whole_result = kind.startswith("QLinear")
    result = onnx.TensorProto.UINT8 if whole_result else onnx.TensorProto.FLOAT
    rank = 4 if x.ndim == 4 else x.ndim
    graph = helper.make_graph(
        [node], "g", [given], [helper.make_tensor_value_info("y", result, [None] * rank)],
        [numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    (wanted,) = onnx_runtime.evaluate(model, data)
    with tf.Graph().as_default():
        found = load(model)
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            got = session.run(found.outputs["y"], {found.inputs[name]: x})
    assert got.dtype == wanted.dtype
    if whole_result:  # products of scales in float32 may round to a neighbour
        assert np.abs(got.astype(int) - wanted.astype(int)).max() <= 1
        assert np.mean(got != wanted) < 0.01
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)
