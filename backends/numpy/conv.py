"""Convolution and its gradients as matrix products with the column matrix, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy import depthwise
from minigraph.backends.numpy.columns import ALL, Columns
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, copy, fallback, with_threads
from minigraph.backends.numpy.products import count_pieces, in_parallel, product, shares
from minigraph.backends.numpy.taps import Taps
from minigraph.core.op import Op
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution
from minigraph.ops.window import reach

Dims = tuple[int, ...]


def _columns(op: Convolution, x: Dims, w: Dims, y: Dims, dtype: np.dtype[Any]) -> Columns:
    """The windows of image x [N,H,W,C] for filter w [KH,KW,C/groups,O] and output y."""
    (top, _), (left, _) = op.window(w).pads(*x[1:3])
    start, out = (-top, -left), (y[1], y[2])
    return Columns(x, (w[0], w[1]), op.strides, op.dilations, start, out, op.groups, dtype)


def _outputs(group: int, fan: int) -> slice:
    """The output channels of a group."""
    return slice(group * fan, (group + 1) * fan)


class _Correlation:
    """The products of column blocks with filters, by one thread or by the team.

    The team shares the blocks, each thread with buffers of its own, or if there are fewer pixels than output channels,
    the channels of each block.
    """

    def __init__(self, columns: Columns, fan: int, threads: bool) -> None:
        pixels = columns.image[0] * prod(columns.out)
        self.by_channels = threads and pixels < fan
        if threads and not self.by_channels:
            columns = replace(columns, count=count_pieces(pixels, columns.length, fan * columns.groups, pixels))
        self.columns = columns
        self.shares = shares(len(columns.blocks())) if threads and not self.by_channels else [ALL]
        self.layout = ArrayLayout()
        self.buffers = [columns.reserve(self.layout) for _ in self.shares]

    def launch(
        self, image: Array, filters: Sequence[Array], targets: Sequence[Array], arrays: Sequence[Array]
    ) -> Launch:
        """filters, targets: for each group a matrix [length, outputs] and the output pixels [pixels, outputs]."""
        work: list[list[Launch]] = []
        for some, (padded, column) in zip(self.shares, self.buffers, strict=True):
            steps: list[Launch] = []
            for block, group, load, matrix in self.columns.load(image, arrays[padded], arrays[column], some):
                target = targets[group][block.pixels]
                steps += [*load, product(matrix, filters[group], target, self.by_channels)]
            work.append(steps)
        return in_parallel(work)


def conv2d(op: Conv2D, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """y = columns(x)·w."""
    x, w = (t.static for t in in_types)
    y = out_types[0].static
    kind = out_types[0].dtype.np_dtype
    if kind.itemsize < 4:
        return fallback(op, in_types, out_types)
    if depthwise.fits(x, w):
        return depthwise.forward(op, x, w, y, kind)
    columns = _columns(op, x, w, y, kind)
    parts = [_outputs(group, w[3] // columns.groups) for group in range(columns.groups)]
    correlation = _Correlation(columns, w[3] // columns.groups, threads)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        filters, pixels = inputs[1].reshape(columns.length, w[3]), outputs[0].reshape(-1, w[3])
        arrays = correlation.layout.arrays(workspace)
        return correlation.launch(inputs[0], [filters[:, p] for p in parts], [pixels[:, p] for p in parts], arrays)

    return Lowered(bind, correlation.layout.nbytes)


def filter_grad(op: Conv2DFilterGrad, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """∂L/∂w = columns(x)ᵀ·δ, summed over the blocks."""
    x, y = (t.static for t in in_types)
    w = op.shape
    kind = out_types[0].dtype.np_dtype
    if kind.itemsize < 4:
        return fallback(op, in_types, out_types)
    if depthwise.fits(x, w):
        return depthwise.filter_grad(op, x, w, y, kind)
    columns = _columns(op, x, w, y, kind)
    fan = w[3] // columns.groups
    layout = ArrayLayout()
    columns.reserve(layout)
    layout.reserve((columns.length, fan), kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        padded, column, part = layout.arrays(workspace)
        deltas, filters = inputs[1].reshape(-1, w[3]), outputs[0].reshape(columns.length, w[3])
        steps: list[Launch] = []
        for block, group, load, matrix in columns.load(inputs[0], padded, column):
            some = _outputs(group, fan)
            total, delta = filters[:, some], deltas[block.pixels, some]
            first = block.pixels.start == 0
            steps += [*load, product(matrix.T, delta, total if first else part, threads)]
            if not first:
                steps.append(partial(np.add, total, part, total))
        return in_sequence(steps or [partial(filters.fill, 0)])

    return Lowered(bind, layout.nbytes)


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, threads: bool = False) -> Lowered:
    """∂L/∂x. With stride 1 it is the convolution of δ with the rotated filter, otherwise a scatter of δ·wᵀ."""
    w, y = (t.static for t in in_types)
    kind = out_types[0].dtype.np_dtype
    if kind.itemsize < 4:
        return fallback(op, in_types, out_types)
    if depthwise.fits(op.shape, w):
        return depthwise.input_grad(op, op.shape, w, y, kind)
    if op.strides == (1, 1):
        return _correlate(op, w, y, kind, threads)
    return _scatter(op, w, y, kind, threads)


def _correlate(op: Conv2DInputGrad, w: Dims, y: Dims, kind: np.dtype[Any], threads: bool) -> Lowered:
    (top, _), (left, _) = op.window(w).pads(*op.shape[1:3])
    start = top + 1 - reach(w[0], op.dilations[0]), left + 1 - reach(w[1], op.dilations[1])
    groups = op.groups
    fan = w[3] // groups
    columns = Columns(y, (w[0], w[1]), (1, 1), op.dilations, start, (op.shape[1], op.shape[2]), groups, kind)
    correlation = _Correlation(columns, w[2], threads)
    layout = correlation.layout
    layout.reserve((groups, w[0], w[1], fan, w[2]), kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        *buffers, turned = layout.arrays(workspace)
        split = inputs[0].reshape(*w[:3], groups, fan)
        filters, pixels = turned.reshape(groups, columns.length, w[2]), outputs[0].reshape(-1, op.shape[3])
        turn = copy(turned, split[::-1, ::-1].transpose(3, 0, 1, 4, 2))
        targets = [pixels[:, _outputs(group, w[2])] for group in range(groups)]
        return in_sequence([turn, correlation.launch(inputs[1], list(filters), targets, buffers)])

    return Lowered(bind, layout.nbytes)


def _scatter(op: Conv2DInputGrad, w: Dims, y: Dims, kind: np.dtype[Any], threads: bool) -> Lowered:
    columns = _columns(op, op.shape, w, y, kind)
    taps = Taps(op.window(w), op.shape)
    fan, depth = w[3] // columns.groups, w[2]
    layout = ArrayLayout()
    largest = max((b.pixels.stop - b.pixels.start for b in columns.blocks()), default=0)
    layout.reserve(largest * columns.length, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (buffer,) = layout.arrays(workspace)
        filters, deltas, out = inputs[0].reshape(columns.length, w[3]), inputs[1].reshape(-1, w[3]), outputs[0]
        steps: list[Launch] = []
        for block in columns.blocks():
            if block.rows.start == 0:
                steps.append(partial(out[block.images].fill, 0))
            count = block.pixels.stop - block.pixels.start
            matrix = buffer[: count * columns.length].reshape(count, columns.length)
            shape = (-1, block.rows.stop - block.rows.start, y[2], w[0], w[1], depth)
            for group in range(columns.groups):
                some = _outputs(group, fan)
                steps.append(product(deltas[block.pixels, some], filters[:, some].T, matrix, threads))
                for tap in taps.over(block.rows):
                    target = out[(block.images, *tap.image, slice(group * depth, (group + 1) * depth))]
                    part = matrix.reshape(shape)[(slice(None), *tap.out, tap.row, tap.column)]
                    steps.append(partial(np.add, target, part, target))
        return in_sequence(steps or [partial(out.fill, 0)])

    return Lowered(bind, layout.nbytes)


KERNELS: dict[type[Op], Kernel] = {
    Conv2D: conv2d,
    Conv2DFilterGrad: filter_grad,
    Conv2DInputGrad: input_grad,
}

SHARED: dict[type[Op], Kernel] = with_threads(KERNELS)
