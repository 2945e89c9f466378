"""Reductions, arg-max, softmax and sums along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.library import as_onnx_dtype
from minigraph.formats.onnx.values import Last
from minigraph.ops.math.casting import widened

Reducer = Callable[..., Tensor]


def _reduction(function: Reducer) -> Callable[[OnnxNode], Result]:
    def build(call: OnnxNode) -> Result:
        axes = call.ints(1, "axes")
        if axes == [] or axes is None:
            axes = [] if call.attr("noop_with_empty_axes", 0) else list(range(call.rank()))
        keep = bool(call.attr("keepdims", 1))
        rank = call.rank()
        if keep and call.value().is_last and rank > 2:
            places = [a % rank for a in axes]
            return Last(function(call.last(), [a if a == 0 else rank - 1 if a == 1 else a - 1 for a in places], keep))
        return function(call.x(), axes, keep)

    return build


def _sum(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return tf.reduce_sum(x, axes, keep)


def _max(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return (tf.reduce_any if x.dtype == tf.bool else tf.reduce_max)(x, axes, keep)


def _min(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return (tf.reduce_all if x.dtype == tf.bool else tf.reduce_min)(x, axes, keep)


def _l2(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    wide = widened(x)
    return tf.cast(tf.sqrt(_sum(wide * wide, axes, keep)), x.dtype)


def _sum_square(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    wide = widened(x)
    return tf.cast(_sum(wide * wide, axes, keep), x.dtype)


def _arg(function: Callable[..., Tensor]) -> Callable[[OnnxNode], Result]:
    def build(call: OnnxNode) -> Result:
        axis = call.attr("axis", 0)
        x = call.x()
        if call.attr("select_last_index", 0):
            length = call.shape()[axis]
            if length is None:
                call.needs_shape("the length of the axis must be known for select_last_index")
            found = tf.constant(np.int64(length - 1)) - function(tf.reverse(x, [axis]), axis)
        else:
            found = function(x, axis)
        return tf.expand_dims(found, axis) if call.attr("keepdims", 1) else found

    return build


def _softmax(function: Callable[..., Tensor]) -> Callable[[OnnxNode], Result]:
    def build(call: OnnxNode) -> Result:
        rank = call.rank()
        if call.opset < 13:
            return _flattened(call, lambda x: function(x, -1))
        axis = call.attr("axis", -1) % rank
        if call.value().is_last and axis == 1:
            return Last(function(call.last(), -1))
        return function(call.x(), axis)

    return build


def _flattened(call: OnnxNode, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Before operator set 13: on rows that combine all axes from `axis` on."""
    shape = call.shape()
    axis = call.attr("axis", 1) % max(len(shape), 1)
    if None in shape[axis:]:
        call.needs_shape(f"the axes from {axis} on must be known, not {call.type()}")
    row = int(np.prod(shape[axis:]))  # type: ignore[arg-type]
    x = call.x()
    if axis == len(shape) - 1:
        return function(x)
    rows = function(tf.reshape(x, [-1, row]))
    return tf.reshape(rows, tf.shape(x) if None in shape else shape)


def _hardmax(call: OnnxNode) -> Result:
    def hardmax(x: Tensor, axis: int) -> Tensor:
        length = (x.type.shape or (None,))[axis]
        if length is None:
            call.needs_shape("the length of the axis must be known")
        return tf.one_hot(tf.argmax(x, axis), length, axis=axis, dtype=x.dtype)

    if call.opset < 13:
        return _flattened(call, lambda x: hardmax(x, -1))
    return hardmax(call.x(), call.attr("axis", -1))


def _cumulative_sum(call: OnnxNode) -> Result:
    axis = call.integer(1)
    return tf.cumsum(call.x(), axis, bool(call.attr("exclusive", 0)), bool(call.attr("reverse", 0)))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "ArgMax": _arg(tf.argmax),
    "ArgMin": _arg(tf.argmin),
    "CumSum": _cumulative_sum,
    "Hardmax": _hardmax,
    "LogSoftmax": _softmax(tf.nn.log_softmax),
    "ReduceL1": _reduction(lambda x, axes, keep: _sum(tf.abs(x), axes, keep)),
    "ReduceL2": _reduction(_l2),
    "ReduceLogSum": _reduction(lambda x, axes, keep: tf.cast(tf.log(_sum(widened(x), axes, keep)), x.dtype)),
    "ReduceLogSumExp": _reduction(tf.reduce_logsumexp),
    "ReduceMax": _reduction(_max),
    "ReduceMean": _reduction(tf.reduce_mean),
    "ReduceMin": _reduction(_min),
    "ReduceProd": _reduction(tf.reduce_prod),
    "ReduceSum": _reduction(_sum),
    "ReduceSumSquare": _reduction(_sum_square),
    "Softmax": _softmax(tf.nn.softmax),
}


FIRST = {0: 0, 1: 2, 2: 3, 3: 1}  # where the axes of an image are with its channels first


def _axes_out(e: Emit) -> tuple[str, list[int], bool]:
    """The input, the reduced axes in its layout, and whether the result has the channels first."""
    rank = e.inputs[0].type.rank
    if rank is None:
        e.unsupported("the rank of the input must be known")
    axes = sorted(a % rank for a in (range(rank) if e.op.axis is None else e.op.axis))
    rest = set(range(rank)) - set(axes)
    in_order = e.op.keep_dims or not (3 in rest and rest & {1, 2})
    if rank == 4 and e.is_first() and in_order:
        return e.first(), sorted(FIRST[a] for a in axes), e.op.keep_dims
    return e.plain(), axes, False


def _reduction_out(kind: str, via: Any = None) -> Callable[[Emit], None]:
    """Export a reduction. via: the dtype to compute in, for reductions that ONNX lacks for booleans."""

    def build(e: Emit) -> None:
        name, axes, first = _axes_out(e)
        keep = int(e.op.keep_dims)
        if via is not None:
            name = e.add("Cast", name, to=as_onnx_dtype(via))
        if not axes:
            name = e.add("Identity", name)
        elif kind == "ReduceSum":
            name = e.add(kind, name, e.ints(axes, "axes"), keepdims=keep)
        else:
            name = e.add(kind, name, axes=axes, keepdims=keep)
        if via is not None:
            name = e.add("Cast", name, to=as_onnx_dtype(tf.bool))
        e.result(name, first)

    return build


def _arg_out(kind: str) -> Callable[[Emit], None]:
    def build(e: Emit) -> None:
        name = e.add(kind, e.plain(), axis=e.op.axis, keepdims=0)
        e.give(name if e.out.dtype == tf.int64 else e.add("Cast", name, to=as_onnx_dtype(e.out.dtype)))

    return build


def _softmax_out(kind: str) -> Callable[[Emit], None]:
    def build(e: Emit) -> None:
        first = e.is_first()
        e.result(e.add(kind, e.first() if first else e.plain(), axis=1 if first else -1), first)

    return build


def _l2_loss_out(e: Emit) -> None:
    total = e.add("ReduceSumSquare", e.plain(), keepdims=0)
    e.give(e.add("Mul", total, e.number(0.5, "half")))


def _cumsum_out(e: Emit) -> None:
    flags = {"exclusive": int(e.op.exclusive), "reverse": int(e.op.reverse)}
    e.give(e.add("CumSum", e.plain(), e.ints(e.op.axis, "axis"), **flags))


EXPORT: dict[str, Callable[[Emit], None]] = {
    "All": _reduction_out("ReduceMin", tf.int32),
    "Any_": _reduction_out("ReduceMax", tf.int32),
    "ArgMax": _arg_out("ArgMax"),
    "ArgMin": _arg_out("ArgMin"),
    "Cumsum": _cumsum_out,
    "L2Loss": _l2_loss_out,
    "LogSoftmax": _softmax_out("LogSoftmax"),
    "Max": _reduction_out("ReduceMax"),
    "Mean": _reduction_out("ReduceMean"),
    "Min": _reduction_out("ReduceMin"),
    "Prod": _reduction_out("ReduceProd"),
    "Softmax": _softmax_out("Softmax"),
    "Sum": _reduction_out("ReduceSum"),
}
