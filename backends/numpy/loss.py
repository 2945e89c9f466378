"""Softmax and cross-entropy, in blocks of rows that stay in the cache, and the L2 loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import (
    Array,
    ArrayLayout,
    Kernel,
    block_elements,
    blocks,
    fallback,
)
from minigraph.core.indices import require_below
from minigraph.core.op import Op
from minigraph.ops.nn import loss as L
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.softmax import LogSoftmax, Softmax

_largest = partial(np.maximum.reduce, axis=1, keepdims=True)
_total = partial(np.add.reduce, axis=1, keepdims=True)


def _rows(shape: Sequence[int]) -> tuple[int, int, int]:
    """(rows, row length, rows of a block) of a shape seen as rows along its last axis."""
    width = shape[-1]
    rows = math.prod(shape[:-1])
    return rows, width, min(rows, max(1, block_elements(np.dtype(np.float32)) // max(width, 1)))


def softmax(op: Softmax, in_types: Types, out_types: Types) -> Lowered:
    """e^(x − max x) / Σ."""
    return _along_rows(out_types, log=False)


def log_softmax(op: LogSoftmax, in_types: Types, out_types: Types) -> Lowered:
    """x − max x − log Σ e^(x − max x)."""
    return _along_rows(out_types, log=True)


def _along_rows(out_types: Types, log: bool) -> Lowered:
    kind = out_types[0].dtype.np_dtype
    rows, width, some = _rows(out_types[0].static)
    if rows * width == 0:
        return Lowered(lambda inputs, outputs, workspace: in_sequence([]))
    layout = ArrayLayout()
    layout.reserve((some, 1), kind)
    layout.reserve((some, width) if log else 0, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        column, powers = layout.arrays(workspace)
        source, target = inputs[0].reshape(rows, width), outputs[0].reshape(rows, width)
        made: list[Launch] = []
        for part in blocks(rows, some):
            x, y = source[part], target[part]
            one = column[: len(x)]
            made += [partial(_largest, x, out=one), partial(np.subtract, x, one, y)]
            if log:
                e = powers[: len(x)]
                made += [partial(np.exp, y, e), partial(_total, e, out=one), partial(np.log, one, one)]
                made.append(partial(np.subtract, y, one, y))
            else:
                made += [partial(np.exp, y, y), partial(_total, y, out=one), partial(np.divide, y, one, y)]
        return in_sequence(made)

    return Lowered(bind, layout.nbytes, inplace=(0,))


def cross_entropy(op: SoftmaxCrossEntropyWithLogits, in_types: Types, out_types: Types) -> Lowered:
    """The loss −Σ y·log p and p − y per row."""
    if in_types[0].shape != in_types[1].shape or not in_types[0].size:
        return fallback(op, in_types, out_types)
    return _cross_entropy(in_types, sparse=False)


def sparse_cross_entropy(op: SparseSoftmaxCrossEntropyWithLogits, in_types: Types, out_types: Types) -> Lowered:
    """The loss −log p_y and p − onehot(y) per row."""
    if not in_types[0].size:
        return fallback(op, in_types, out_types)
    return _cross_entropy(in_types, sparse=True)


def _cross_entropy(in_types: Types, sparse: bool) -> Lowered:
    kind = in_types[0].dtype.np_dtype
    rows, width, some = _rows(in_types[0].static)
    classes = np.arange(width)
    if sparse and width <= np.iinfo(in_types[1].dtype.np_dtype).max:
        classes = classes.astype(in_types[1].dtype.np_dtype)  # avoids a cast inside the comparison
    layout = ArrayLayout()
    for shape in ((some, 1), (some, width), (some, width)):
        layout.reserve(shape, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        buffers = layout.arrays(workspace)
        made: list[Launch] = [partial(require_below, "labels", inputs[1], width)] if sparse else []
        for part in blocks(rows, some):
            logits, labels = inputs[0][part], inputs[1][part]
            loss, backprop = (None if out is None else out[part] for out in outputs)
            one, log_p, spare = (a[: len(logits)] for a in buffers)
            e = spare if backprop is None else backprop
            made += [partial(_largest, logits, out=one), partial(np.subtract, logits, one, log_p)]
            made += [partial(np.exp, log_p, e), partial(_total, e, out=one)]
            if backprop is not None:
                made.append(partial(np.divide, e, one, backprop))
            if loss is not None:
                made += [partial(np.log, one, one), partial(np.subtract, log_p, one, log_p)]
            if sparse:
                made.append(partial(np.equal, labels[:, None], classes, spare))  # one-hot, in the floats' dtype
                labels = spare
            if loss is not None:
                made += [partial(np.multiply, labels, log_p, log_p), partial(np.add.reduce, log_p, axis=1, out=loss)]
                made.append(partial(np.negative, loss, loss))
            if backprop is not None:
                made.append(partial(np.subtract, backprop, labels, backprop))
        return in_sequence(made)

    return Lowered(bind, layout.nbytes)


def l2_loss(op: L.L2Loss, in_types: Types, out_types: Types) -> Lowered:
    """Σ x² / 2: a dot product for each block, then NumPy's pairwise sum of these."""
    kind = in_types[0].dtype.np_dtype
    parts = blocks(in_types[0].size, 4096)
    layout = ArrayLayout()
    layout.reserve(len(parts), kind)
    half = np.array(0.5, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (sums,) = layout.arrays(workspace)
        flat, out = inputs[0].reshape(-1), outputs[0]
        made: list[Launch] = [partial(np.dot, flat[p], flat[p], sums[i, ...]) for i, p in enumerate(parts)]
        return in_sequence([*made, partial(np.add.reduce, sums, out=out), partial(np.multiply, out, half, out)])

    return Lowered(bind, layout.nbytes)


KERNELS: dict[type[Op], Kernel] = {
    Softmax: softmax,
    LogSoftmax: log_softmax,
    SoftmaxCrossEntropyWithLogits: cross_entropy,
    SparseSoftmaxCrossEntropyWithLogits: sparse_cross_entropy,
    L.L2Loss: l2_loss,
}
