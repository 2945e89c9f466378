"""Depthwise convolution (one filter per channel): a product and a sum for each tap, on a block in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, block_elements, blocks
from minigraph.backends.numpy.taps import Tap, Taps
from minigraph.ops.nn.conv2d import Convolution

Dims = tuple[int, ...]


def fits(x: Dims, w: Dims) -> bool:
    """Whether every channel is a group of its own with one filter."""
    return w[2] == 1 and x[3] == w[3]


class _Blocks:
    """Blocks of images and output rows of one depthwise convolution."""

    def __init__(self, op: Convolution, x: Dims, w: Dims, y: Dims, kind: np.dtype[Any]) -> None:
        self.taps = Taps(op.window(w), x)
        line = max(y[2] * y[3], 1)
        lines = max(1, block_elements(kind) // line)
        self.parts = [(n, rows) for n in range(y[0]) for rows in blocks(y[1], lines)] if x[1] * x[2] else []
        self.layout = ArrayLayout()
        self.layout.reserve(min(lines, y[1]) * line, kind)

    def products(self, n: int, rows: slice, buffer: Array, y: Array) -> list[tuple[Tap, Array, Array]]:
        """For each tap, the output elements it reaches and a temporary of their shape."""
        found = []
        for tap in self.taps.over(rows):
            part = y[(n, *(_shifted(tap, rows)))]
            found.append((tap, part, buffer[: part.size].reshape(part.shape)))
        return found


def _shifted(tap: Tap, rows: slice) -> tuple[slice, slice]:
    down, across = tap.out
    return slice(down.start + rows.start, down.stop + rows.start), across


def forward(op: Convolution, x: Dims, w: Dims, y: Dims, kind: np.dtype[Any]) -> Lowered:
    """y = Σ over taps of x·w[tap]."""
    plan = _Blocks(op, x, w, y, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (buffer,) = plan.layout.arrays(workspace)
        image, filters = inputs
        steps: list[Launch] = []
        for n, rows in plan.parts:
            steps.append(partial(outputs[0][n, rows].fill, 0))
            for tap, target, product in plan.products(n, rows, buffer, outputs[0]):
                steps.append(partial(np.multiply, image[(n, *tap.image)], filters[tap.row, tap.column, 0], product))
                steps.append(partial(np.add, target, product, target))
        return in_sequence(steps or [partial(outputs[0].fill, 0)])

    return Lowered(bind, plan.layout.nbytes)


def input_grad(op: Convolution, x: Dims, w: Dims, y: Dims, kind: np.dtype[Any]) -> Lowered:
    """∂L/∂x: δ·w[tap] added to the image elements under the tap."""
    plan = _Blocks(op, x, w, y, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (buffer,) = plan.layout.arrays(workspace)
        filters, delta = inputs
        steps: list[Launch] = [partial(outputs[0].fill, 0)]
        for n, rows in plan.parts:
            for tap, part, product in plan.products(n, rows, buffer, delta):
                target = outputs[0][(n, *tap.image)]
                steps.append(partial(np.multiply, part, filters[tap.row, tap.column, 0], product))
                steps.append(partial(np.add, target, product, target))
        return in_sequence(steps)

    return Lowered(bind, plan.layout.nbytes)


def filter_grad(op: Convolution, x: Dims, w: Dims, y: Dims, kind: np.dtype[Any]) -> Lowered:
    """∂L/∂w[tap] = Σ x·δ, where BLAS computes the column sums of each block."""
    plan = _Blocks(op, x, w, y, kind)
    plan.layout.reserve(x[3], kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        buffer, sums = plan.layout.arrays(workspace)
        image, delta = inputs
        ones = np.ones(max(y[1] * y[2], 1), kind)
        steps: list[Launch] = [partial(outputs[0].fill, 0)]
        for n, rows in plan.parts:
            for tap, part, product in plan.products(n, rows, buffer, delta):
                target, flat = outputs[0][tap.row, tap.column, 0], product.reshape(-1, x[3])
                steps.append(partial(np.multiply, part, image[(n, *tap.image)], product))
                steps.append(partial(np.matmul, ones[: len(flat)], flat, sums))
                steps.append(partial(np.add, target, sums, target))
        return in_sequence(steps)

    return Lowered(bind, plan.layout.nbytes)
