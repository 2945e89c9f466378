"""Pooling operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.types import Dim
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.conv import padding
from minigraph.formats.onnx.elementwise import like
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.shape import pad
from minigraph.formats.onnx.values import Last, last_perm
from minigraph.formats.onnx.windows import OnnxWindows, Pairs, output_sizes, windows
from minigraph.ops.builder import apply_all
from minigraph.ops.math.casting import widened
from minigraph.ops.nn.avg_pool import AvgPool
from minigraph.ops.nn.max_pool import MaxPool


def _windows(call: OnnxNode) -> tuple[OnnxWindows, list[Dim], Pairs]:
    lengths = call.shape()[2:]
    w = windows(call, call.attr("kernel_shape"), lengths)
    sizes, extra = output_sizes(call, w, lengths, bool(call.attr("ceil_mode", 0)))
    return w, sizes, extra


def _joined(a: Pairs, b: Pairs) -> Pairs:
    return [(p[0] + q[0], p[1] + q[1]) for p, q in zip(a, b, strict=True)]


def _is_plain(w: OnnxWindows) -> bool:
    """Whether minigraph's pooling supports these windows."""
    return w.rank <= 2 and set(w.dilations) == {1}


def _pooled(
    op: type[MaxPool] | type[AvgPool], call: OnnxNode, w: OnnxWindows, pads: Pairs, x: Tensor
) -> Sequence[Tensor]:
    """All outputs of minigraph's pooling of `x`, channels last."""
    if w.rank == 1:
        record = op((1, w.kernel[0]), (1, w.strides[0]), ((0, 0), pads[0]))
        return [tf.squeeze(y, [1]) for y in apply_all(record, tf.expand_dims(x, 1))]
    return apply_all(op(tuple(w.kernel), tuple(w.strides), tuple(pads)), x)  # type: ignore[arg-type]


def _max_pool(call: OnnxNode) -> Result:
    w, sizes, extra = _windows(call)
    pads = _joined(w.pads, extra)
    if call.wants(1):
        return _with_indices(call, w, sizes, pads)
    if _is_plain(w):
        return Last(_pooled(MaxPool, call, w, pads, call.last())[0])
    return reduce(tf.maximum, _taps(call, w, sizes, pads, _lowest(call.x())))


def _lowest(x: Tensor) -> float:
    return float(-np.inf if x.dtype.is_floating else x.dtype.min)


def _taps(call: OnnxNode, w: OnnxWindows, sizes: Sequence[Dim], pads: Pairs, fill: float) -> list[Tensor]:
    if None in sizes:
        call.needs_shape(f"the size of the image must be known, but it is {call.type()}")
    call.check_count(*w.kernel)
    padded = pad(call.x(), [(0, 0), (0, 0), *pads], value=fill)
    return list(w.taps(padded, sizes))  # type: ignore[arg-type]


def _with_indices(call: OnnxNode, w: OnnxWindows, sizes: Sequence[Dim], pads: Pairs) -> Result:
    """The maxima and their indices in the whole tensor, in row-major order, or in column-major order of the image
    (storage_order 1)."""
    if w.rank != 2 or not _is_plain(w):
        call.unsupported("indices are supported for two axes without dilation")
    n, channels, height, width = call.static()
    y, where = _pooled(MaxPool, call, w, pads, call.last())
    element = tf.cast(where, tf.int64)
    columns = tf.constant(np.int64(w.kernel[1]))
    call.check_size(n, channels)
    call.check_size(sum(size or 0 for size in sizes))
    starts = [np.arange(size or 0) * w.strides[i] - pads[i][0] for i, size in enumerate(sizes)]
    rows = element // columns + tf.constant(starts[0].reshape(-1, 1, 1))
    places = element - element // columns * columns + tf.constant(starts[1].reshape(-1, 1))
    plane = np.arange(n).reshape(-1, 1, 1, 1) * channels + np.arange(channels)
    wide, high = (tf.constant(np.int64(v)) for v in (width, height))
    inside = places * high + rows if call.attr("storage_order", 0) else rows * wide + places
    return [Last(y), Last(inside + tf.constant(plane.astype(np.int64) * height * width))]


def _average_pool(call: OnnxNode) -> Result:
    w, sizes, extra = _windows(call)
    inclusive = call.attr("count_include_pad", 0)
    rank = w.rank
    if _is_plain(w):
        x, pads = call.last(), _joined(w.pads, extra)
        if inclusive:
            x, pads = pad(x, [(0, 0), *w.pads, (0, 0)]), extra
        return Last(_pooled(AvgPool, call, w, pads, x)[0])
    total = reduce(tf.add, _taps(call, w, sizes, _joined(w.pads, extra), 0.0))
    fill = 1.0 if inclusive else 0.0
    call.check_size(*(n + sum(p) for n, p in zip(call.static()[2:], w.pads, strict=True)))
    valid = np.pad(np.ones(call.static()[2:]), w.pads, constant_values=fill)
    valid = np.pad(valid, extra)
    counts = _counted(valid, w, sizes)
    return total / tf.constant(counts.reshape((1, 1, *counts.shape)).astype(total.dtype.np_dtype)) if rank else total


def _counted(valid: np.ndarray, w: OnnxWindows, sizes: Sequence[Dim]) -> Any:
    """The number of elements in each window that count."""
    with tf.Graph().as_default(), np.errstate(all="ignore"):
        x = tf.constant(valid[None, None])
        taps = [t.node.op.reference(valid[None, None])[0] for t in w.taps(x, sizes)]  # type: ignore[arg-type]
    return np.asarray(sum(taps))[0, 0]


def _lp_pool(call: OnnxNode) -> Result:
    """(Σ |x|^p)^(1/p) over each window."""
    p = call.attr("p", 2)
    w, sizes, extra = _windows(call)
    taps = _taps(call, w, sizes, _joined(w.pads, extra), 0.0)
    total = reduce(tf.add, [_power(widened(t), p) for t in taps])
    return tf.cast(_root(total, p), call.type().dtype)


def _power(x: Tensor, p: float) -> Tensor:
    return x * x if p == 2 else tf.pow(tf.abs(x), like(x, p))


def _root(x: Tensor, p: float) -> Tensor:
    return tf.sqrt(x) if p == 2 else tf.pow(x, like(x, 1 / p))


def _global(function: Callable[[Tensor, list[int]], Tensor]) -> Callable[[OnnxNode], Result]:
    """Pool over all axes of the image, which become 1."""

    def build(call: OnnxNode) -> Result:
        rank = call.rank()
        if call.value().is_last:
            return Last(function(call.value().form(last_perm(rank)), list(range(1, rank - 1))))
        return function(call.x(), list(range(2, rank)))

    return build


def _global_lp(call: OnnxNode) -> Result:
    p = call.attr("p", 2)
    axes = list(range(2, call.rank()))
    powers = _power(widened(call.x()), p)
    return tf.cast(_root(tf.reduce_sum(powers, axes, keepdims=True), p), call.type().dtype)


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global(lambda x, axes: tf.reduce_mean(x, axes, keepdims=True)),
    "GlobalLpPool": _global_lp,
    "GlobalMaxPool": _global(lambda x, axes: tf.reduce_max(x, axes, keepdims=True)),
    "LpPool": _lp_pool,
    "MaxPool": _max_pool,
}


def _pool_out(kind: str) -> Callable[[Emit], None]:
    def build(e: Emit) -> None:
        w = e.op.window
        pads = padding(e, w, *(e.inputs[0].type.shape or (None,) * 4)[1:3])
        e.give_first(e.add(kind, e.first(), kernel_shape=list(w.kernel), strides=list(w.strides), **pads))

    return build


EXPORT: dict[str, Callable[[Emit], None]] = {"AvgPool": _pool_out("AveragePool"), "MaxPool": _pool_out("MaxPool")}
