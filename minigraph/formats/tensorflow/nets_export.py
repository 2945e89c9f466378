"""Exporters of convolutions, pooling, normalisation, losses and resizing. `nets.py` has the importers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigraph.core.dtypes import int32
from minigraph.formats.tensorflow.emit import Exporter, TfExport, typed


def _window(e: TfExport, *, dilated: bool) -> dict[str, Any]:
    op = e.op
    found: dict[str, Any] = {"strides": (1, *map(int, op.strides), 1), "data_format": "NHWC"}
    if dilated:
        found["dilations"] = (1, *map(int, op.dilations), 1)
    if isinstance(op.padding, str):
        return found | {"padding": op.padding}
    pads = tuple(int(p) for pair in op.padding for p in pair)
    return found | {"padding": "EXPLICIT", "explicit_paddings": (0, 0, *pads, 0, 0)}


def _conv(kind: str, operands: Callable[[TfExport], list[str]], filters: int, result: int | None = None) -> Exporter:
    """A convolution or a gradient of one. filters: the input that is the filter, or has its shape.

    result: the input whose shape the result has; None for the convolution itself.
    """

    def export(e: TfExport) -> Any:
        if e.op.groups == 1:
            return e.give(kind, *operands(e), T=e.dtype(), **_window(e, dilated=True))
        return _depthwise(e, kind, operands(e), filters, result)

    return export


def _depthwise(e: TfExport, kind: str, names: list[str], filters: int, result: int | None) -> Any:
    shape, groups = e.inputs[filters].type.shape, e.op.groups
    if shape is None or None in shape or shape[2] != 1:
        e.unsupported(
            "a convolution in groups is written where each group is one channel, and the filter's shape known"
        )
    if not isinstance(e.op.padding, str):
        e.unsupported("a depthwise convolution is written with the padding SAME or VALID")
    rows, columns, _, outputs = (d for d in shape if d is not None)
    deep = e.constant((rows, columns, groups, outputs // groups), "filter_shape")
    native = kind.replace("Conv2D", "DepthwiseConv2dNative")
    attributes = {"T": e.dtype(), **_window(e, dilated=True)}
    if result == filters:
        made = e.help(native, "depthwise", names[0], deep, names[2], **attributes)
        return e.give("Reshape", made, e.shape_of(filters), T=e.dtype(), Tshape=int32)
    place = names.index(e.read(filters))
    names[place] = e.help("Reshape", "filter", names[place], deep, T=e.dtype(), Tshape=int32)
    return e.give(native, *names, **attributes)


def _pool_window(e: TfExport) -> dict[str, Any]:
    if not isinstance(e.op.padding, str):
        e.unsupported("pooling is written with the padding SAME or VALID")
    return _window(e, dilated=False) | {"ksize": (1, *map(int, e.op.ksize), 1)}


def _max_pool(e: TfExport) -> None:
    e.same("MaxPool", T=e.dtype(), **_pool_window(e))
    del e.sheet.names[e.node.outputs[1]]  # which element is the largest, TensorFlow's gradient finds out itself


def _max_pool_grad(kind: str, where: int, grad: int) -> Exporter:
    def export(e: TfExport) -> Any:
        pool = e.inputs[where].node
        if pool.type != "MaxPool" or not {pool.inputs[0], pool.outputs[0]} <= e.sheet.names.keys():
            e.unsupported("it reads the places of maxima from elsewhere than max pooling")
        names = [e.sheet.names[pool.inputs[0]], e.sheet.names[pool.outputs[0]], e.read(grad)]
        return e.give(kind, *names, T=e.dtype(grad), **_pool_window(e))

    return export


def _lrn(e: TfExport) -> None:
    numbers = {n: float(getattr(e.op, n)) for n in ("bias", "alpha", "beta")}
    e.same("LRN", T=e.dtype(), depth_radius=int(e.op.depth_radius), **numbers)


def _sparse_entropy(e: TfExport) -> None:
    labels = e.read(1)
    kind = e.dtype(1)
    if kind.name not in ("int32", "int64"):
        labels, kind = e.help("Cast", "labels", labels, SrcT=kind, DstT=int32), int32
    e.give("SparseSoftmaxCrossEntropyWithLogits", e.read(), labels, T=e.dtype(), Tlabels=kind)


def _flags(e: TfExport) -> dict[str, bool]:
    return {n: bool(getattr(e.op, n)) for n in ("align_corners", "half_pixel_centers")}


def _resize(kind: str) -> Exporter:
    def export(e: TfExport) -> Any:
        size = e.read(1) if e.op.size is None else e.constant(e.op.size, "size")
        flags = _flags(e)
        if kind == "ResizeArea":
            del flags["half_pixel_centers"]
        return e.give(kind, e.read(), size, T=e.dtype(), **flags)

    return export


def _resize_grad(e: TfExport) -> None:
    method = e.op.method
    if method == "ResizeNearestNeighbor":
        cut = e.constant([1], "begin"), e.constant([2], "size")
        size = e.help("Slice", "lengths", e.shape_of(1), *cut, T=int32, Index=int32)
        e.give("ResizeNearestNeighborGrad", e.read(), size, T=e.dtype(), **_flags(e))
    elif method in ("ResizeBilinear", "ResizeBicubic"):
        e.give(f"{method}Grad", *e.reads, T=e.dtype(1), **_flags(e))
    else:
        e.unsupported(f"the gradient of {method} has no form in TensorFlow's graphs")


EXPORT: dict[str, Exporter] = {
    "AvgPool": lambda e: e.same("AvgPool", T=e.dtype(), **_pool_window(e)),
    "AvgPoolGrad": lambda e: e.give("AvgPoolGrad", e.shape_of(0), e.read(1), T=e.dtype(1), **_pool_window(e)),
    "Conv2D": _conv("Conv2D", lambda e: e.reads, 1),
    "Conv2DBackpropFilter": _conv(
        "Conv2DBackpropFilter", lambda e: [e.read(), e.shape_of(1), e.read(2)], filters=1, result=1
    ),
    "Conv2DBackpropInput": _conv(
        "Conv2DBackpropInput", lambda e: [e.shape_of(0), e.read(1), e.read(2)], filters=1, result=0
    ),
    "L2Loss": typed("L2Loss"),
    "LRN": _lrn,
    "LogSoftmax": typed("LogSoftmax"),
    "MaxPool": _max_pool,
    "MaxPoolGather": _max_pool_grad("MaxPoolGradGrad", 1, 0),
    "MaxPoolGrad": _max_pool_grad("MaxPoolGrad", 1, 2),
    "ResizeArea": _resize("ResizeArea"),
    "ResizeBicubic": _resize("ResizeBicubic"),
    "ResizeBilinear": _resize("ResizeBilinear"),
    "ResizeGrad": _resize_grad,
    "ResizeNearestNeighbor": _resize("ResizeNearestNeighbor"),
    "Softmax": typed("Softmax"),
    "SoftmaxCrossEntropyWithLogits": typed("SoftmaxCrossEntropyWithLogits"),
    "SparseSoftmaxCrossEntropyWithLogits": _sparse_entropy,
}
