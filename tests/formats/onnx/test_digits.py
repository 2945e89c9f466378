"""Functions that ONNX or minigraph spells by others keep their digits and range, and images of integers theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from onnx import TensorProto, helper  # noqa: E402
from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.onnx import load, to_model  # noqa: E402

KINDS = {np.float16: TensorProto.FLOAT16, np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE}
FUNCTIONS = {"Sinh": np.sinh, "Cosh": np.cosh, "Asinh": np.arcsinh, "Acosh": np.arccosh, "Atanh": np.arctanh}


def in_runtime(model: Any, x: np.ndarray) -> np.ndarray:
    return np.asarray(onnx_runtime.evaluate(model, {"x": x})[0])


def imported(model: Any, x: np.ndarray, backend: str = "numpy", optimize: str = "O3") -> np.ndarray:
    with tf.Graph().as_default() as graph, tf.Session(backend=backend, optimize=optimize) as session:
        (y,) = load(model).outputs.values()
        return np.asarray(session.run(y, {graph.get_tensor_by_name("x:0"): x}))


def single(op: str, x: np.ndarray, kind: Any, **attributes: Any) -> Any:
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    ends = [helper.make_tensor_value_info(n, kind, list(x.shape)) for n in ("x", "y")]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def numbers(function: str, dtype: Any) -> np.ndarray:
    """From the least to the largest, at and beside 0 and 1, and where the function overflows."""
    limits = np.finfo(dtype)
    with np.errstate(all="ignore"):
        sizes = np.concatenate([
            [0.0, limits.tiny, 1e-30, 1e-6, 1e-3, 0.1, 0.5, 1 - limits.eps, 1.0, 1 + limits.eps, 1.001, 2.0],
            [5.0, 10.0, 11.0, 19.99, 20.0, 21.0, 88.7, 89.4, 89.5, 710.0, 710.4, 711.0, 1e4, 0.9e8, 1e8, 1e10, 1e20],
            [1e30, float(limits.max), np.inf, np.nan],
        ]).astype(dtype)  # fmt: skip
    return sizes if function == "Acosh" else np.concatenate([sizes, -sizes])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_hyperbolic_functions_keep_digits_and_range(function: str, dtype: Any) -> None:
    x = numbers(function, dtype)
    with np.errstate(all="ignore"):
        want = FUNCTIONS[function](x.astype(np.longdouble)).astype(dtype)
    near(imported(single(function, x, KINDS[dtype]), x), want, 8)


def near(got: np.ndarray, want: np.ndarray, ulps: float, signs: bool = True) -> None:
    assert got.dtype == want.dtype
    limits = np.finfo(want.dtype)
    np.testing.assert_allclose(got, want, rtol=ulps * float(limits.eps), atol=2 * float(limits.smallest_subnormal))
    zeros = (want == 0) & signs
    np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(want[zeros]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "oracle"), [(tf.log1p, np.log1p), (tf.math.expm1, np.expm1)])
def test_exported_log1p_and_expm1_keep_digits(function: Any, oracle: Any, dtype: Any) -> None:
    """In ONNX Runtime, and when they are read back and compiled."""
    sizes = [0.0, 1e-30, 1e-10, 1e-7, 1e-4, 0.3, 0.9, 1.0, 3.0, 50.0, 1e10, np.inf, np.nan]
    x = np.array([*sizes, *(-s for s in sizes if s <= 1)], dtype)
    with tf.Graph().as_default():
        given = tf.placeholder(dtype, x.shape, "x")
        model = to_model([function(given)], [given])
    with np.errstate(all="ignore"):
        want = oracle(x)
    near(in_runtime(model, x), want, 8, signs=False)  # its Where loses the sign of zeros
    for backend in ("numpy", "llvm"):
        for optimize in ("O0", "O3"):
            near(imported(model, x, backend, optimize), want, 8)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_resized_images_of_integers(mode: str, dtype: Any) -> None:
    """As resized in float32, within the dtype's range; ONNX Runtime truncates, too."""
    x = np.arange(16).reshape(1, 1, 4, 4).astype(dtype) * 7
    scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1.0, 1.0, 2.0, 1.5])

    def model(kind: Any) -> Any:
        node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode)
        ends = [helper.make_tensor_value_info(n, kind, s) for n, s in (("x", [1, 1, 4, 4]), ("y", [1, 1, 8, 6]))]
        graph = helper.make_graph([node], "g", ends[:1], ends[1:], [scales])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    got = imported(model(helper.np_dtype_to_tensor_dtype(np.dtype(dtype))), x)
    wide = np.trunc(in_runtime(model(TensorProto.FLOAT), x.astype(np.float32)))
    want = np.clip(wide, np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert got.dtype == dtype
    assert np.abs(got - want).max() <= 1  # where the float is next to a whole number
    assert np.mean(got == want) > 0.8
    if mode == "linear":
        np.testing.assert_allclose(got, in_runtime(model(helper.np_dtype_to_tensor_dtype(np.dtype(dtype))), x), atol=1)
