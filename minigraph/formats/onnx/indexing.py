"""Operators that select elements by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import like, select
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.library import as_onnx_dtype
from minigraph.ops.builder import apply
from minigraph.ops.math.ranking import TakeAlongLast, smallest_k


def _counted_from_0(call: OnnxNode, index: int, axis: int) -> Tensor:
    """Indices into an axis with negative ones, which count from the end, made positive."""
    value, length = call.value(index), call.shape()[axis]
    if value.array is not None and (not (value.array < 0).any() or length is not None):
        array = np.asarray(value.array)
        return tf.constant(np.where(array < 0, array + (length or 0), array).astype(array.dtype))
    x = call.x(index)
    end = tf.cast(tf.shape(call.x())[axis], x.dtype) if length is None else like(x, length)
    return select(x < like(x, 0), x + end, x)


def _gather(call: OnnxNode) -> Result:
    axis = call.attr("axis", 0) % call.rank()
    return tf.gather(call.x(), _counted_from_0(call, 1, axis), axis=axis)


def _gather_elements(call: OnnxNode) -> Result:
    """Gather along the last axis; another axis is moved there and back."""
    axis, rank = call.attr("axis", 0) % call.rank(), call.rank()
    perm = [i for i in range(rank) if i != axis] + [axis]
    shape, lookup = call.shape(), call.type(1).shape or ()
    grid = [slice(0, None if i == axis else n) for i, n in enumerate(lookup)]
    x = call.x() if all(g.stop in (None, n) for g, n in zip(grid, shape, strict=True)) else call.x()[tuple(grid)]
    places = tf.transpose(_counted_from_0(call, 1, axis), perm)
    found = apply(TakeAlongLast(), tf.transpose(x, perm), places)
    return tf.transpose(found, [int(i) for i in np.argsort(perm)])


def _gather_nd(call: OnnxNode) -> Result:
    shape, batch = call.static(), call.attr("batch_dims", 0)
    if batch == 0:
        depth = (call.type(1).shape or (None,))[-1] or 0
        limits = tf.constant(np.array(shape[:depth], call.type(1).dtype.np_dtype))
        x = call.x(1)
        return tf.gather_nd(call.x(), select(x < like(x, 0), x + limits, x))
    indices = np.asarray(call.array(1))
    depth = batch + indices.shape[-1]
    call.check_size(max(len(indices.shape), 1), *indices.shape)
    lead = np.indices(indices.shape[:-1])[:batch]
    places = [*lead, *np.moveaxis(indices, -1, 0)]
    places = [np.where(p < 0, p + n, p) for p, n in zip(places, shape[:depth], strict=True)]
    flat: Any = np.ravel_multi_index(tuple(places), shape[:depth])
    return tf.gather(tf.reshape(call.x(), [-1, *shape[depth:]]), flat.astype(np.int64))


def _top_k(call: OnnxNode) -> Result:
    """Select along the last axis; another axis is moved there and back. Ties keep their order."""
    k = call.integer(1) if call.has(1) else call.attr("k")
    axis, rank = call.attr("axis", -1) % call.rank(), call.rank()
    perm = [i for i in range(rank) if i != axis] + [axis]
    back = [int(i) for i in np.argsort(perm)]
    x = tf.transpose(call.x(), perm)
    if call.attr("largest", 1):
        values, places = tf.nn.top_k(x, k)
    else:
        values, places = smallest_k(x, k)
    return [tf.transpose(values, back), tf.transpose(tf.cast(places, tf.int64), back)]


def _one_hot(call: OnnxNode) -> Result:
    depth = call.integer(1)
    indices = call.x(0)
    if not indices.dtype.is_integer:
        indices = tf.cast(indices, tf.int64)
    indices = select(indices < like(indices, 0), indices + like(indices, depth), indices)
    off, on = tf.unstack(call.x(2), 2)
    return tf.one_hot(indices, depth, on, off, axis=call.attr("axis", -1))


def _trilu(call: OnnxNode) -> Result:
    rows, columns = call.static()[-2:]
    k = call.integer(1, 0)
    call.check_size(rows, columns)
    cut = np.triu if call.attr("upper", 1) else np.tril
    mask = tf.constant(cut(np.ones((rows, columns)), k).astype(bool))
    x = call.x()
    if x.dtype == tf.bool:
        return tf.logical_and(x, mask)
    return select(mask, x, tf.zeros_like(x))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "OneHot": _one_hot,
    "TopK": _top_k,
    "Trilu": _trilu,
}


def _one_hot_out(e: Emit) -> None:
    """ONNX counts negative indices from the end; in minigraph they are out of range and give no `on`."""
    row = e.ints([0], "axes")
    values = [e.add("Unsqueeze", e.plain(i), row) for i in (2, 1)]
    indices = e.as_int64(0)
    negative = e.add("Less", indices, e.ints(0, "zero"))
    indices = e.add("Where", negative, e.ints(e.op.depth, "none"), indices)
    e.give(e.add("OneHot", indices, e.ints([e.op.depth], "depth"), e.add("Concat", *values, axis=0), axis=e.op.axis))


def _top_k_out(e: Emit) -> None:
    values, places = e.sheet.add(
        "TopK", [e.plain(), e.ints([e.op.k], "k")], e.name, 2, axis=-1, largest=int(e.op.largest)
    )
    e.give(values)
    e.give(e.add("Cast", places, to=as_onnx_dtype(e.node.outputs[1].dtype)), 1)


def _unique_out(e: Emit) -> None:
    values, _, numbers = e.sheet.add("Unique", [e.plain()], e.name, 3, sorted=0)
    e.give(values)
    e.give(e.add("Cast", numbers, to=as_onnx_dtype(e.op.out_idx)), 1)


EXPORT: dict[str, Callable[[Emit], None]] = {
    "GatherNd": lambda e: e.give(e.add("GatherND", e.plain(0), e.as_int64(1))),
    "GatherV2": lambda e: e.give(e.add("Gather", e.plain(0), e.plain(1), axis=e.op.axis)),
    "OneHot": _one_hot_out,
    "TakeAlongLast": lambda e: e.give(e.add("GatherElements", e.plain(0), e.as_int64(1), axis=-1)),
    "TopKV2": _top_k_out,
    "Unique": _unique_out,
}
