"""Exporters of activations and of what looks elements up, orders or resizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigraph.core.dtypes import int64
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.library import as_onnx_dtype


def _number(e: Emit, value: float, name: str) -> str:
    return e.constant(np.asarray(value, e.out.dtype.np_dtype), name)


def _plain_kind(kind: str) -> Callable[[Emit], None]:
    def build(e: Emit) -> None:
        (name,), first = e.operands()
        e.result(e.add(kind, name), first)

    return build


def _relu6(e: Emit) -> None:
    (name,), first = e.operands()
    e.result(e.add("Clip", name, _number(e, 0, "low"), _number(e, 6, "high")), first)


def _leaky_relu(e: Emit) -> None:
    (name,), first = e.operands()
    e.result(e.add("LeakyRelu", name, alpha=float(e.op.alpha)), first)


def _expm1(e: Emit) -> None:
    (name,), first = e.operands()
    e.result(e.add("Sub", e.add("Exp", name), _number(e, 1, "one")), first)


def _div_no_nan(e: Emit) -> None:
    (x, y), first = e.operands()
    zero = _number(e, 0, "zero")
    e.result(e.add("Where", e.add("Equal", y, zero), zero, e.add("Div", x, y)), first)


def _lrn(e: Emit) -> None:
    """ONNX divides alpha by the size of the window."""
    size = 2 * e.op.depth_radius + 1
    attributes: dict[str, Any] = {"alpha": float(e.op.alpha * size), "beta": float(e.op.beta), "bias": float(e.op.bias)}
    e.give_first(e.add("LRN", e.first(), size=size, **attributes))


def _l2_loss(e: Emit) -> None:
    total = e.add("ReduceSumSquare", e.plain(), keepdims=0)
    e.give(e.add("Mul", total, _number(e, 0.5, "half")))


def _cumsum(e: Emit) -> None:
    flags = {"exclusive": int(e.op.exclusive), "reverse": int(e.op.reverse)}
    e.give(e.add("CumSum", e.plain(), e.ints(e.op.axis, "axis"), **flags))


def _int64(e: Emit, index: int) -> str:
    return e.add("Cast", e.plain(index), to=as_onnx_dtype(int64))


def _gather_nd(e: Emit) -> None:
    e.give(e.add("GatherND", e.plain(0), _int64(e, 1)))


def _take_along_last(e: Emit) -> None:
    e.give(e.add("GatherElements", e.plain(0), _int64(e, 1), axis=-1))


def _top_k(e: Emit) -> None:
    values, places = e.sheet.add("TopK", [e.plain(), e.ints([e.op.k], "k")], e.name, 2, axis=-1)
    e.give(values)
    e.give(e.add("Cast", places, to=as_onnx_dtype(e.node.outputs[1].dtype)), 1)


def _resize(mode: str) -> Callable[[Emit], None]:
    def build(e: Emit) -> None:
        if not e.inputs[0].dtype.is_floating or e.inputs[0].dtype is not e.out.dtype:
            e.unsupported("it is exported for floating-point images")
        if mode == "nearest" and e.op.half_pixel_centers:
            places, rounding = "half_pixel", "round_prefer_ceil"
        else:
            places = "half_pixel" if e.op.half_pixel_centers else "asymmetric"
            rounding = "floor"
        if e.op.align_corners:
            places, rounding = "align_corners", "round_prefer_ceil"
        image = e.first()
        kept = e.add("Slice", e.add("Shape", image), e.ints([0], "from"), e.ints([2], "to"))
        size = _int64(e, 1) if e.op.size is None else e.ints(e.op.size, "size")
        sizes = e.add("Concat", kept, size, axis=0)
        how: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": places, "nearest_mode": rounding}
        e.give_first(e.add("Resize", image, "", "", sizes, **how))

    return build


EXPORT: dict[str, Callable[[Emit], None]] = {
    "Cumsum": _cumsum,
    "DivNoNan": _div_no_nan,
    "Erf": _plain_kind("Erf"),
    "Expm1": _expm1,
    "GatherNd": _gather_nd,
    "L2Loss": _l2_loss,
    "LRN": _lrn,
    "LeakyRelu": _leaky_relu,
    "Relu6": _relu6,
    "ResizeBilinear": _resize("linear"),
    "ResizeNearestNeighbor": _resize("nearest"),
    "Selu": _plain_kind("Selu"),
    "Softsign": _plain_kind("Softsign"),
    "TakeAlongLast": _take_along_last,
    "TopKV2": _top_k,
}
