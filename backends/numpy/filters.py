"""Filters that are not convolutions: medians by partial sorting, thinning of edges, linking of edges by flooding."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import BLOCK_BYTES, Array, ArrayLayout, Kernel, blocks, copy
from minigraph.core.op import Op
from minigraph.ops.image.edges import Hysteresis
from minigraph.ops.image.median import MedianFilter


def median_filter(op: MedianFilter, in_types: Types, out_types: Types) -> Lowered:
    """For some rows at a time: copies of all windows, a partial sort of each, and its middle values."""
    n, height, width, channels = in_types[0].static
    kind = in_types[0].dtype.np_dtype
    (top, _), (left, _) = op.pads
    count = op.size[0] * op.size[1]
    middle = [np.broadcast_to(m, (1, height, width, channels)) for m in op.middle((n, height, width, channels))]
    kth = sorted({int(v) for m in middle for v in np.unique(m)})
    lines = max(1, 8 * BLOCK_BYTES // max(width * channels * count * kind.itemsize, 1))
    layout = ArrayLayout()
    layout.reserve((height + 2 * top, width + 2 * left, channels), kind)
    layout.reserve(min(lines, height) * width * channels * count, kind)
    layout.reserve(min(lines, height) * width * channels, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        padded, buffer, upper = layout.arrays(workspace)
        h, w, c = padded.strides
        steps: list[Launch] = []
        for image, result in zip(inputs[0], outputs[0], strict=True):
            steps += _continued(op, padded, image)
            for rows in blocks(height, lines) if image.size else []:
                shape = (rows.stop - rows.start, width, channels)
                part = padded[rows.start :]
                windows = as_strided(part, (*shape, *op.size), (h, w, c, h, w), writeable=False)
                values = buffer[: windows.size].reshape(-1, count)
                low, high = (m[0, rows].ravel() + count * np.arange(len(values)) for m in middle)
                target, other = result[rows].reshape(-1), upper[: len(values)]
                steps += [copy(values.reshape(windows.shape), windows), partial(values.partition, kth, axis=1)]
                steps.append(partial(np.take, values, low, out=target, mode="clip"))
                if op.border == "shrink":
                    steps.append(partial(np.take, values, high, out=other, mode="clip"))
                    steps.append(partial(_mean, target, other))
        return in_sequence(steps)

    return Lowered(bind, layout.nbytes)


def _continued(op: MedianFilter, padded: Array, image: Array) -> list[Launch]:
    """The steps that copy an image [H,W,C] into the larger `padded` and extend it over its edges."""
    (top, _), (left, _) = op.pads
    height, width = image.shape[:2]
    inside = padded[top : top + height, left : left + width]
    if op.border == "shrink":
        return [partial(padded.fill, np.nan), copy(inside, image)]
    rows = padded[top : top + height]
    return [
        copy(inside, image),
        copy(rows[:, :left], image[:, :1]),
        copy(rows[:, left + width :], image[:, -1:]),
        copy(padded[:top], rows[:1]),
        copy(padded[top + height :], rows[-1:]),
    ]


def _mean(lower: Array, upper: Array) -> None:
    """lower = the mean of both, where they differ."""
    np.multiply(lower, 0.5, lower)
    np.multiply(upper, 0.5, upper)
    np.add(lower, upper, lower)


def hysteresis(op: Hysteresis, in_types: Types, out_types: Types) -> Lowered:
    """Flooding from the strong pixels. Each round visits only the pixels found in the round before."""
    n, height, width, channels = in_types[0].static
    layout = ArrayLayout()
    layout.reserve((n, height + 2, width + 2, channels), np.bool_)
    line = (width + 2) * channels
    around = [r * line + s * channels for r in (-1, 0, 1) for s in (-1, 0, 1) if (r, s) != (0, 0)]

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (frame,) = layout.arrays(workspace)
        inside, flat, steps = frame[:, 1:-1, 1:-1], frame.reshape(-1), np.array(around)

        def flood() -> None:
            """`frame` holds the weak pixels not found yet, with an empty border."""
            frame.fill(False)
            np.logical_and(inputs[0], inputs[1], inside)
            front = np.flatnonzero(flat)
            inside[...] = inputs[0]
            flat[front] = False
            while front.size:
                near = (front[:, None] + steps).reshape(-1)
                front = np.unique(near[flat[near]])
                flat[front] = False
            np.logical_xor(inputs[0], inside, outputs[0])

        return flood

    return Lowered(bind, layout.nbytes)


KERNELS: dict[type[Op], Kernel] = {MedianFilter: median_filter, Hysteresis: hysteresis}
