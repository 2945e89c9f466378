"""Single-node ONNX models over operators, attributes and dtypes, and what ONNX Runtime gives for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotImplemented_

F32, F64, F16 = np.float32, np.float64, np.float16
I8, U8, I32, I64 = np.int8, np.uint8, np.int32, np.int64

OPTIONS = ort.SessionOptions()
OPTIONS.log_severity_level = 4
OPTIONS.intra_op_num_threads = 1
OPTIONS.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL


@dataclass
class Case:
    """A node. inputs: the first is data; the others are initialisers, None where an optional one is left out."""

    kind: str
    opset: int
    inputs: Sequence[npt.NDArray[Any] | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1

    def __str__(self) -> str:
        parts = [f"{k}={_text(v)}" for k, v in self.attributes.items()]
        parts += [
            "-" if a is None else a.dtype.char + _text(a.tolist() if a.size < 9 else a.shape) for a in self.inputs[1:]
        ]
        data = self.inputs[0]
        assert data is not None
        return f"{self.kind}-{self.opset}-{data.dtype}{_text(data.shape)}-{','.join(parts)}".replace(" ", "")

    def model(self, feed: str, results: Sequence[npt.NDArray[Any]] = ()) -> onnx.ModelProto:
        """feed: how the first input is given: `known` and `unknown` are the axes of an input, or `constant`."""
        names = ["" if a is None else f"i{n}" for n, a in enumerate(self.inputs)]
        outputs = [f"y{n}" for n in range(self.outputs)]
        node = onnx.helper.make_node(self.kind, names, outputs, "the_node", **self.attributes)
        arrays = {n: a for n, a in zip(names, self.inputs, strict=True) if a is not None}
        entries = []
        if feed != "constant":
            data = arrays.pop("i0")
            entries = [_info("i0", data, data.shape if feed == "known" else [None] * data.ndim)]
        weights = [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()]
        found = [_info(n, a, [None] * a.ndim) for n, a in zip(outputs, results, strict=False)]
        found = found or [onnx.helper.make_empty_tensor_value_info(n) for n in outputs]
        graph = onnx.helper.make_graph([node], "g", entries, found, weights)
        opset = onnx.helper.make_opsetid("", self.opset)
        return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)

    def expected(self) -> list[npt.NDArray[Any]] | None:
        """The outputs; None if ONNX Runtime does not compute the node."""
        model = self.model("unknown").SerializeToString()
        try:
            session = ort.InferenceSession(model, OPTIONS, providers=["CPUExecutionProvider"])
            return [np.asarray(a) for a in session.run(None, {"i0": self.inputs[0]})]
        except (NotImplemented_, InvalidGraph, InvalidArgument, Fail):
            return None


def _info(name: str, array: npt.NDArray[Any], shape: Sequence[int | None]) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), shape)


def _text(value: Any) -> str:
    return str(list(value) if isinstance(value, tuple) else value)


def data(*shape: int, dtype: Any = F32, seed: int = 0) -> npt.NDArray[Any]:
    """Normal numbers, and small integers with both signs."""
    random = np.random.RandomState(seed)
    if np.dtype(dtype).kind == "f":
        return random.standard_normal(shape).astype(dtype)
    if dtype is bool:
        return random.rand(*shape) > 0.5
    return random.randint(0 if np.dtype(dtype).kind == "u" else -9, 10, shape).astype(dtype)


def ints(*values: int) -> npt.NDArray[Any]:
    return np.array(values, I64)


def cases() -> Iterator[Case]:
    for family in (_pad, _slice, _resize, _upsample, _gather, _shapes, _joined, _reduce, _arg, _soft, _pool, _conv):
        yield from family()
    yield from _conv_transpose()
    yield from _pointwise()
    yield from _ranked()


def _pad() -> Iterator[Case]:
    x = data(2, 5)
    amounts = [
        (0, 1, 0, 2),
        (1, 2, 1, 3),
        (0, 4, 0, 4),
        (0, 9, 1, 11),
        (0, -1, 0, 2),
        (1, -2, -1, 0),
        (0, 0, 0, 0),
        (0, -5, 0, 3),
    ]
    for mode, pads in product(("constant", "edge", "reflect"), amounts):
        yield Case("Pad", 13, [x, ints(*pads)], {"mode": mode})
    for pads in [(0, 1, 0, 2), (0, 5, 0, 5), (1, 7, 2, 11), (0, -1, 0, 6), (0, 3, 0, -2), (1, 0, 3, 0)]:
        yield Case("Pad", 19, [x, ints(*pads)], {"mode": "wrap"})
    for mode in ("constant", "edge", "reflect", "wrap"):
        yield Case("Pad", 19, [data(2, 3, 4), ints(2, 1), None, ints(-1)], {"mode": mode})
        yield Case("Pad", 19, [data(2, 3, 4), ints(2, 1, 1, 2), None, ints(2, -2)], {"mode": mode})
        for dtype in (F64, I32, I64, U8, bool):
            yield Case("Pad", 19, [data(3, 4, dtype=dtype), ints(0, 1, 0, 2)], {"mode": mode})
    for value, dtype in (
        (2**53 + 1, I64),
        (-(2**31), I32),
        (255, U8),
        (0.1, F64),
        (1.5, F32),
        (np.inf, F32),
        (-0.0, F32),
    ):
        yield Case("Pad", 13, [data(2, 3, dtype=dtype), ints(0, 1, 1, 0), np.array(value, dtype)])
    yield Case("Pad", 2, [x], {"pads": [0, 1, 0, 2], "value": 2.5})
    yield Case("Pad", 2, [x], {"pads": [0, 1, 0, 2], "mode": "edge"})


def _slice() -> Iterator[Case]:
    x = data(3, 5)
    far = [-(2**63), 2**63 - 1, -(2**31), 2**31 - 1]
    for step in (1, 2, -1, -2, -3):
        for start, end in product(
            (-6, -5, -1, 0, 2, 4, 5, 9, far[0], far[1], far[2], far[3]), (-7, -5, -4, -1, 2, 5, *far)
        ):
            if (start * 7 + end * 3 + step) % 3 == 0:
                yield Case("Slice", 13, [x, ints(start), ints(end), ints(1), ints(step)])
    yield from (
        Case("Slice", 13, [x, ints(s), ints(e), ints(-1), ints(-1)]) for s in (4, -1, 9) for e in (-5, -6, -9, 0)
    )
    yield Case("Slice", 13, [x, ints(0, 4), ints(2, -6), ints(0, 1), ints(1, -2)])
    yield Case("Slice", 13, [x, ints(-1, 4), ints(-9, -6), ints(-2, -1), ints(-1, -2)])
    yield Case("Slice", 13, [x, ints(1), ints(2)])
    yield Case("Slice", 10, [x, ints(1, 1), ints(5, 9)])
    yield Case("Slice", 1, [x], {"starts": [1], "ends": [-1], "axes": [1]})
    yield Case("Slice", 1, [x], {"starts": [0, -3], "ends": [2, 1000]})
    yield Case("Slice", 13, [x, *(np.array([n], I32) for n in (3, -(2**31), 1, -1))])
    yield Case("Slice", 13, [data(0, 4), ints(3), ints(-9), ints(0), ints(-1)])
    for dtype in (F64, I32, I64, U8, bool):
        yield Case("Slice", 13, [data(3, 5, dtype=dtype), ints(-1), ints(-6), ints(1), ints(-2)])


COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric")
ROUNDING = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def _resize() -> Iterator[Case]:
    x = data(1, 2, 5, 7)
    scales = [(0.6, 0.7), (1.3, 1.7), (2.0, 0.5), (0.2, 1.0), (1 / 3, 2 / 3), (2.5, 3.3)]
    for where, scale in product(COORDINATES, scales):
        pair = np.array([1, 1, *scale], F32)
        opset = 19 if where == "half_pixel_symmetric" else 13
        for rounding in ROUNDING:
            attributes = {"coordinate_transformation_mode": where, "nearest_mode": rounding}
            yield Case("Resize", opset, [x, None, pair], attributes)
        for mode in ("linear", "cubic"):
            attributes = {"coordinate_transformation_mode": where, "mode": mode}
            yield Case("Resize", opset, [x, None, pair], attributes)
    for where, size in product(COORDINATES, ((3, 4), (7, 10), (1, 1), (10, 3), (1, 7))):
        opset = 19 if where == "half_pixel_symmetric" else 13
        for mode in ("nearest", "linear", "cubic"):
            attributes = {"coordinate_transformation_mode": where, "mode": mode}
            yield Case("Resize", opset, [x, None, None, ints(1, 2, *size)], attributes)
    for mode, policy, size in product(("nearest", "linear"), ("not_larger", "not_smaller"), ((9, 8), (3, 6))):
        attributes = {"mode": mode, "keep_aspect_ratio_policy": policy, "axes": [2, 3]}
        yield Case("Resize", 18, [x, None, None, ints(*size)], attributes)
    for mode, scale in product(("linear", "cubic"), ((0.6, 0.7), (0.4, 1.6))):
        for extra in ({"antialias": 1}, {"antialias": 1, "exclude_outside": 1}):
            if mode == "cubic" or len(extra) == 1:
                yield Case("Resize", 18, [x, None, np.array([1, 1, *scale], F32)], {"mode": mode, **extra})
    for extra in ({"exclude_outside": 1}, {"cubic_coeff_a": -0.5}):
        yield Case("Resize", 13, [x, None, np.array([1, 1, 0.8, 1.4], F32)], {"mode": "cubic", **extra})
    roi = np.array([0, 0, 0.2, 0.3, 1, 1, 0.9, 1.2], F32)
    for mode in ("nearest", "linear", "cubic"):
        attributes = {"mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 9.0}
        yield Case("Resize", 13, [x, roi, None, ints(1, 2, 4, 6)], attributes)
        yield Case("Resize", 13, [x, roi, np.array([1, 1, 0.8, 1.6], F32)], attributes)
    for rounding in ROUNDING:
        attributes = {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": rounding}
        yield Case("Resize", 11, [x, np.zeros(0, F32), np.array([1, 1, 0.6, 1.7], F32)], attributes)
    for dtype, mode in product((I32, U8, I8, F16), ("nearest", "linear")):
        image = data(1, 2, 4, 5, dtype=dtype)
        yield Case("Resize", 13, [image, None, np.array([1, 1, 1.5, 0.7], F32)], {"mode": mode})
    for size, scale in ((3, 1.7), (11, 0.31), (20, 0.35), (7, 1.4), (10, 2.7), (13, 1 / 1.3), (49, 1 / 49)):
        for where in ("half_pixel", "align_corners", "asymmetric"):
            attributes = {"coordinate_transformation_mode": where, "nearest_mode": "floor"}
            yield Case("Resize", 13, [data(1, 1, size, 2), None, np.array([1, 1, scale, 1], F32)], attributes)
    yield Case("Resize", 10, [x, np.array([1, 1, 1.3, 0.6], F32)], {"mode": "nearest"})
    yield Case("Resize", 10, [x, np.array([1, 1, 1.3, 0.6], F32)], {"mode": "linear"})


def _upsample() -> Iterator[Case]:
    x = data(1, 2, 3, 4)
    for mode, scale in product(("nearest", "linear"), ((2, 2), (1.5, 2.7), (1.0, 1.3))):
        yield Case("Upsample", 9, [x, np.array([1, 1, *scale], F32)], {"mode": mode})
        yield Case("Upsample", 7, [x], {"mode": mode, "scales": [1.0, 1.0, *map(float, scale)]})


def _gather() -> Iterator[Case]:
    x = data(3, 4, 5)
    for axis in (0, 1, 2, -1, -3):
        for index in (ints(0, 2), ints(-1, 1), np.array(-2), np.array([[0, -1], [1, 2]])):
            yield Case("Gather", 13, [x, index], {"axis": axis})
        index = np.random.RandomState(1).randint(-3, 3, (2, 3, 4))
        yield Case("GatherElements", 13, [x, index], {"axis": axis})
    for dtype in (F64, I32, I64, U8, bool):
        yield Case("Gather", 13, [data(3, 4, dtype=dtype), np.array([1, -1], I32)], {"axis": 1})
    yield Case("Gather", 1, [x, ints(2, 0)], {})
    for batch in (0, 1):
        yield Case("GatherND", 13, [data(2, 3, 4), ints(0, 1, 1, 2).reshape(2, 2)], {"batch_dims": batch})
        yield Case("GatherND", 13, [data(2, 3, 4), ints(-1, -1).reshape(2, 1)], {"batch_dims": batch})


def _shapes() -> Iterator[Case]:
    x = data(1, 3, 1, 4)
    for axes in ((0,), (2,), (-2,), (0, 2), (-4, -2), (2, 0)):
        yield Case("Squeeze", 13, [x, ints(*axes)])
        yield Case("Squeeze", 11, [x], {"axes": list(axes)})
    yield Case("Squeeze", 13, [x])
    for axes in ((0,), (2,), (-1,), (0, 3), (3, 0), (-1, -3), (1, -1), (-5, 1)):
        if min(axes) >= -4 - len(axes) + 2:
            yield Case("Unsqueeze", 13, [data(2, 3, 4), ints(*axes)])
            yield Case("Unsqueeze", 11, [data(2, 3, 4)], {"axes": list(axes)})
    for axis, opset in product(range(-3, 4), (11, 13)):
        yield Case("Flatten", opset, [data(2, 3, 4)], {"axis": axis})
    yield Case("Flatten", 9, [data(2, 3, 4)], {})
    yield Case("Flatten", 13, [data(3)], {})
    yield Case("Flatten", 13, [np.array(2.0, F32)], {"axis": 0})
    for target in ((2, 12), (0, -1), (-1,), (0, 0, 2, 2), (1, 2, 3, 4), (4, -1, 2), (0, 4, -1)):
        yield Case("Reshape", 13, [data(2, 3, 4), ints(*target)])
    yield Case("Reshape", 14, [data(0, 3), ints(3, 0)], {"allowzero": 1})
    yield Case("Reshape", 14, [data(2, 0), ints(0, 0, 5)])
    for perm in (None, [2, 0, 1], [0, 2, 1]):
        yield Case("Transpose", 13, [data(2, 3, 4)], {} if perm is None else {"perm": perm})
    for repeats in ((1, 1), (2, 3), (0, 2), (1, 4)):
        yield Case("Tile", 13, [data(2, 3), ints(*repeats)])
    for target in ((2, 3), (4, 2, 3), (1, 1), (2, 1), (1,), (5, 2, 1, 3)):
        yield Case("Expand", 13, [data(2, 1), ints(*target)])
        yield Case("Expand", 13, [data(2, 3), ints(*(d if d != 2 or t else 2 for t, d in enumerate(target)))])
    for dtype in (I32, I64, bool, F64, U8):
        yield Case("Expand", 13, [data(2, 1, dtype=dtype), ints(3, 2, 4)])
        yield Case("Tile", 13, [data(2, 3, dtype=dtype), ints(2, 2)])
        yield Case("Transpose", 13, [data(2, 3, dtype=dtype)])
    for start, end in ((None, None), (1, None), (-2, None), (0, -1), (-9, 9), (2, 1)):
        attributes = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
        yield Case("Shape", 15, [data(2, 3, 4)], attributes)
    yield Case("Size", 13, [data(2, 3, 4)])
    for mode in ("DCR", "CRD"):
        yield Case("DepthToSpace", 13, [data(1, 8, 2, 3)], {"blocksize": 2, "mode": mode})
    yield Case("SpaceToDepth", 13, [data(1, 2, 4, 6)], {"blocksize": 2})
    for axis, exclusive, reverse in product((0, 1, -1), (0, 1), (0, 1)):
        yield Case("CumSum", 14, [data(3, 4), np.array(axis, I64)], {"exclusive": exclusive, "reverse": reverse})
    for k, upper in product((-4, -1, 0, 1, 5), (0, 1)):
        yield Case("Trilu", 14, [data(3, 4), np.array(k, I64)], {"upper": upper})


def _joined() -> Iterator[Case]:
    for axis, opset in product((-3, -2, -1, 0, 1, 2), (11, 13)):
        yield Case("Concat", opset, [data(2, 3, 4), data(2, 3, 4, seed=1)], {"axis": axis})
    for dtype in (I32, I64, bool, F64, U8):
        yield Case("Concat", 13, [data(2, 3, dtype=dtype), data(2, 3, dtype=dtype)], {"axis": 1})
    yield Case("Concat", 13, [data(2, 0), data(2, 3)], {"axis": 1})
    yield Case("Concat", 13, [data(2, 3)], {"axis": 0})
    for axis in (0, 1, -1, -2):
        yield Case("Split", 13, [data(6, 4)], {"axis": axis}, 2)
        parts = (1, 5) if axis % 2 == 0 else (1, 3)
        yield Case("Split", 13, [data(6, 4), ints(*parts)], {"axis": axis}, 2)
        yield Case("Split", 11, [data(6, 4)], {"axis": axis, "split": list(parts)}, 2)
        yield Case("Split", 18, [data(7, 5)], {"axis": axis, "num_outputs": 3}, 3)
    yield Case("Split", 13, [data(6, 4), ints(0, 6)], {}, 2)


SUMS = ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
REDUCTIONS = [f"Reduce{name}" for name in SUMS]


def _reduce() -> Iterator[Case]:
    for kind in REDUCTIONS:
        x = np.abs(data(2, 3, 4)) + F32(0.1)
        for axes, keep in product((None, [1], [-1, 0], [0, 1, 2]), (0, 1)):
            own = {} if axes is None else {"axes": axes}
            if kind != "ReduceSum":
                yield Case(kind, 11, [x], {**own, "keepdims": keep})
            given = [] if axes is None else [ints(*axes)]
            yield Case(kind, 18 if kind != "ReduceSum" else 13, [x, *given], {"keepdims": keep})
        for noop in (0, 1):
            yield Case(kind, 18, [x, ints()], {"noop_with_empty_axes": noop})
            yield Case(kind, 18, [x], {"noop_with_empty_axes": noop})
            yield Case(kind, 18, [x, ints(1)], {"noop_with_empty_axes": noop})
        more = {"ReduceSum": (I64,), "ReduceMax": (U8, I8), "ReduceMin": (U8, I8)}.get(kind, ())
        for dtype in (F64, I32, *more):
            yield Case(kind, 18, [np.abs(data(2, 3, dtype=dtype)) + np.array(1, dtype), ints(1)])
    for kind in ("ReduceMax", "ReduceMin"):
        yield Case(kind, 20, [data(2, 3, dtype=bool), ints(1)])
    for kind in ("ReduceSum", "ReduceMean", "ReduceProd"):
        yield Case(kind, 18, [data(0, 3), ints(1)])
    yield Case("ReduceSum", 18, [data(0, 3), ints(0)])


def _arg() -> Iterator[Case]:
    x = np.array([[1, 3, 3, 0], [2, 2, 1, 2], [3, 1, 0, 3]], F32)
    for kind, axis, keep, last in product(("ArgMax", "ArgMin"), (0, 1, -1), (0, 1), (0, 1)):
        yield Case(kind, 13, [x], {"axis": axis, "keepdims": keep, "select_last_index": last})
    for kind, dtype in product(("ArgMax", "ArgMin"), (F64, I32, U8, I8)):
        yield Case(kind, 13, [x.astype(dtype)], {})


def _soft() -> Iterator[Case]:
    for kind, axis, opset in product(("Softmax", "LogSoftmax", "Hardmax"), (None, 0, 1, 2, -1, -2), (11, 13)):
        yield Case(kind, opset, [data(2, 3, 4)], {} if axis is None else {"axis": axis})
    for kind in ("Softmax", "LogSoftmax"):
        yield Case(kind, 13, [data(2, 3, 4, dtype=F64)], {"axis": 1})
        yield Case(kind, 9, [data(2, 3)], {})
    for axis, p in product((0, 1, -1), (1, 2)):
        yield Case("LpNormalization", 1, [data(3, 4)], {"axis": axis, "p": p})


def _pool() -> Iterator[Case]:
    x = data(1, 2, 7, 8)
    layouts: list[dict[str, Any]] = [
        {"kernel_shape": [2, 3]},
        {"kernel_shape": [3, 3], "strides": [2, 2]},
        {"kernel_shape": [3, 2], "strides": [3, 2], "pads": [1, 0, 1, 1]},
        {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 2, 2]},
        {"kernel_shape": [2, 2], "strides": [3, 3], "pads": [0, 1, 0, 1]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"kernel_shape": [2, 2], "strides": [1, 1], "auto_pad": "SAME_LOWER"},
        {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "VALID"},
    ]
    for layout, ceil in product(layouts, (0, 1)):
        if ceil and "auto_pad" in layout:
            continue
        for dilations in (None, [2, 2], [1, 2]):
            spread = {} if dilations is None else {"dilations": dilations}
            if dilations is None or "auto_pad" not in layout:
                yield Case("MaxPool", 12, [x], {**layout, "ceil_mode": ceil, **spread})
            for inclusive in (0, 1):
                if "auto_pad" not in layout or not (inclusive or spread):  # ONNX Runtime then departs from the standard
                    more = {"ceil_mode": ceil, "count_include_pad": inclusive, **spread}
                    yield Case("AveragePool", 19, [x], {**layout, **more})
        if not ceil:
            yield Case("LpPool", 18, [x], {**layout, "p": 1 + len(layout) % 3})
    for kind in ("MaxPool", "AveragePool", "LpPool"):
        yield Case(kind, 11, [data(2, 3, 9)], {"kernel_shape": [4], "strides": [2], "pads": [1, 2]})
        yield Case(kind, 11, [data(1, 2, 4, 5, 6)], {"kernel_shape": [2, 3, 2], "strides": [2, 1, 2]})
    for order in (0, 1):
        yield Case("MaxPool", 12, [data(2, 2, 5, 4)], {"kernel_shape": [2, 2], "storage_order": order}, 2)
        more = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1], "storage_order": order}
        yield Case("MaxPool", 12, [data(2, 2, 5, 4)], more, 2)
    yield Case("MaxPool", 12, [data(1, 2, 5, 4, dtype=U8)], {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]})
    yield Case("MaxPool", 12, [data(1, 2, 5, 4, dtype=I8)], {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]})
    yield Case("MaxPool", 12, [data(1, 2, 5, 4, dtype=F64)], {"kernel_shape": [2, 2]})
    yield Case("AveragePool", 11, [data(1, 2, 5, 4)], {"kernel_shape": [3, 3], "pads": [2, 2, 2, 2]})
    for kind in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        yield Case(kind, 2 if kind == "GlobalLpPool" else 1, [x])
        yield Case(kind, 2 if kind == "GlobalLpPool" else 1, [data(2, 3, 4)])


WINDOWS: list[dict[str, Any]] = [
    {},
    {"strides": [2, 2]},
    {"pads": [1, 0, 2, 1]},
    {"dilations": [2, 1]},
    {"strides": [2, 3], "dilations": [2, 2], "pads": [2, 1, 1, 2]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID", "strides": [2, 1]},
]


def _conv() -> Iterator[Case]:
    for layout, group in product(WINDOWS, (1, 2, 4)):
        filters = data(8, 4 // group, 3, 2, seed=1)
        yield Case("Conv", 11, [data(2, 4, 7, 8), filters], {**layout, "group": group})
    yield Case("Conv", 11, [data(2, 4, 7, 8), data(3, 4, 3, 2), data(3)], {"kernel_shape": [3, 2]})
    for group in (1, 2):
        one: list[dict[str, Any]] = [{}, {"strides": [2], "pads": [1, 2]}, {"dilations": [2]}]
        for more in one:
            yield Case("Conv", 11, [data(2, 4, 9), data(6, 4 // group, 3)], {**more, "group": group})
        three = {"group": group, "strides": [2, 1, 1], "pads": [1, 0, 1, 0, 1, 1]}
        yield Case("Conv", 11, [data(1, 4, 4, 5, 5), data(2, 4 // group, 2, 3, 2)], three)
    for a, b in product((0, 1), (0, 1)):
        left, right = data(*((4, 3) if a else (3, 4))), data(*((5, 4) if b else (4, 5)))
        attributes = {"transA": a, "transB": b, "alpha": 0.5, "beta": 2.0}
        for c in (data(3, 5), data(5), data(3, 1), data(1), np.array(2, F32), None):
            yield Case("Gemm", 13, [left, right, *([] if c is None else [c])], attributes)
    for left, right in ((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)):
        yield Case("MatMul", 13, [data(*left), data(*right)])


def _conv_transpose() -> Iterator[Case]:
    more: list[dict[str, Any]] = [
        {"strides": [3, 2], "output_padding": [1, 1]},
        {"strides": [2, 2], "output_shape": [9, 11]},
        {"strides": [2, 2], "output_shape": [8, 11], "auto_pad": "SAME_UPPER"},
        {"strides": [3, 2], "pads": [0, 1, 1, 0], "dilations": [1, 2]},
    ]
    for layout, group in product([*WINDOWS, *more], (1, 2)):
        filters = data(4, 6 // group, 3, 2, seed=1)
        yield Case("ConvTranspose", 11, [data(2, 4, 4, 5), filters], {**layout, "group": group})
    yield Case("ConvTranspose", 11, [data(1, 4, 4, 5), data(4, 3, 3, 2), data(3)], {"strides": [2, 1]})
    for group in (1, 2):
        yield Case(
            "ConvTranspose", 11, [data(2, 4, 5), data(4, 3, 3)], {"group": group, "strides": [2], "pads": [1, 0]}
        )
        three = {"group": group, "strides": [2, 1, 2], "output_padding": [1, 0, 1]}
        yield Case("ConvTranspose", 11, [data(1, 4, 3, 3, 2), data(4, 2, 2, 3, 2)], three)


def _pointwise() -> Iterator[Case]:
    x = data(3, 4) * F32(3)
    low, high = np.array(-1, F32), np.array(2, F32)
    for limits in ([low, high], [low], [None, high], [], [high, low]):
        yield Case("Clip", 13, [x, *limits])
    own: list[dict[str, Any]] = [{}, {"min": -1.0}, {"max": 1.5}, {"min": -1.0, "max": 1.0}, {"min": 0.0, "max": 6.0}]
    for bounds in own:
        yield Case("Clip", 6, [x], bounds)
    for dtype in (F64, I32, I64, U8, I8):
        yield Case("Clip", 13, [data(3, 4, dtype=dtype), np.array(2, dtype), np.array(5, dtype)])
    kinds = [F32, F64, F16, I8, U8, I32, I64, bool]
    numbers = np.array([0, 0.5, -0.5, 1.7, -2.3, 100.4, 120], F64)
    for source, target in product(kinds, kinds):
        array = (
            np.abs(numbers).astype(source)
            if np.dtype(U8) in (np.dtype(source), np.dtype(target))
            else numbers.astype(source)
        )
        yield Case("Cast", 13, [array], {"to": onnx.helper.np_dtype_to_tensor_dtype(np.dtype(target))})
    activations: list[tuple[str, dict[str, Any]]] = [
        ("LeakyRelu", {"alpha": 0.3}), ("Elu", {"alpha": 0.7}), ("Selu", {}), ("Selu", {"alpha": 1.2, "gamma": 0.9}),
        ("Celu", {"alpha": 0.8}), ("ThresholdedRelu", {"alpha": 0.6}), ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        ("Shrink", {"lambd": 1.0, "bias": 0.5}), ("HardSwish", {}), ("Softplus", {}), ("Softsign", {}),
    ]  # fmt: skip
    opsets = {"Celu": 12, "ThresholdedRelu": 10, "Shrink": 9, "HardSwish": 14}
    for kind, attributes in activations:
        yield Case(kind, opsets.get(kind, 6), [x], attributes)
    for shape in ((4,), (3, 1), (1,), (3, 4)):
        yield Case("PRelu", 9, [x, data(*shape, seed=2)])
    for fmod, dtype in product((0, 1), (I32, I64, I8, F32)):
        if fmod or dtype is not F32:
            yield Case("Mod", 13, [data(3, 4, dtype=dtype), np.array([3, -4, 7, 5], dtype)], {"fmod": fmod})
    for dtype in (I32, I64, I8, U8):
        divisor = np.array([3, 4 if dtype is U8 else -4, 7, 5], dtype)
        yield Case("Div", 14, [data(3, 4, dtype=dtype), divisor])
    for base, exponent in product((F32, I32, I64), (F32, I32, I64)):
        yield Case("Pow", 15, [np.array([1, 2, 3], base), np.array([2, 3, 0], exponent)])
    for kind in ("Add", "Sub", "Mul", "Max", "Min"):
        for dtype in (F64, I32, I64, U8):
            yield Case(
                kind, 14 if kind in ("Add", "Sub", "Mul") else 13, [data(3, 4, dtype=dtype), data(4, dtype=dtype)]
            )
    for positive, negative in product((0, 1), (0, 1)):
        values = np.array([1, np.inf, -np.inf, np.nan], F32)
        yield Case("IsInf", 10, [values], {"detect_positive": positive, "detect_negative": negative})
    yield Case("Round", 11, [np.array([0.5, 1.5, 2.5, -0.5, -1.5, 2.4], F32)])


def _ranked() -> Iterator[Case]:
    x = np.array([[1, 3, 3, 0], [2, 2, 1, 2], [3, 1, 0, 3]], F32)
    for axis, largest, k in product((0, 1, -1), (0, 1), (1, 2, 3)):
        yield Case("TopK", 11, [x, ints(k)], {"axis": axis, "largest": largest}, 2)
    for dtype in (F64, I32, I64, U8):
        for largest in (0, 1):
            yield Case("TopK", 11, [x.astype(dtype), ints(2)], {"largest": largest}, 2)
    for axis in (-1, 0, 1):
        values = np.array([0, 1], F32)
        yield Case("OneHot", 11, [np.array([[0, 2, -1], [5, -4, 1]], I64), np.array(4, I64), values], {"axis": axis})
    for size, bias in product((1, 3, 5), (1.0, 2.0)):
        yield Case("LRN", 13, [data(2, 6, 3, 3)], {"size": size, "bias": bias, "alpha": 0.02, "beta": 0.6})
    channel = [np.abs(data(3, seed=s)) + F32(0.1) for s in range(4)]
    for shape in ((2, 3), (2, 3, 4), (2, 3, 4, 5), (1, 3, 2, 2, 2)):
        yield Case("BatchNormalization", 15, [data(*shape), *channel], {"epsilon": 1e-3})
        if len(shape) > 2:
            yield Case("InstanceNormalization", 6, [data(*shape), *channel[:2]], {"epsilon": 1e-3})
