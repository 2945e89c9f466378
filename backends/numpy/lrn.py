"""Local response normalisation, on blocks of pixels that stay in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, block_elements, blocks, copy
from minigraph.core.op import Op
from minigraph.ops.nn.lrn import LRN, WindowSum


def _window_sum(x: Array, out: Array, radius: int) -> list[Launch]:
    """out = the sums of x over the windows. Both are [pixels, channels]."""
    steps = [copy(out, x)]
    for k in range(1, min(radius, x.shape[1] - 1) + 1):
        steps.append(partial(np.add, out[:, k:], x[:, :-k], out[:, k:]))
        steps.append(partial(np.add, out[:, :-k], x[:, k:], out[:, :-k]))
    return steps


def _pixels(type: Any) -> tuple[int, int]:
    channels = type.static[-1] if type.static else 1
    return (type.size // channels if channels else 0), channels


def window_sum(op: WindowSum, in_types: Types, out_types: Types) -> Lowered:
    pixels, channels = _pixels(out_types[0])
    lines = max(1, block_elements(out_types[0].dtype.np_dtype) // max(channels, 1))

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        x, y = (a.reshape(pixels, channels) for a in (inputs[0], outputs[0]))
        return in_sequence([step for p in blocks(pixels, lines) for step in _window_sum(x[p], y[p], op.radius)])

    return Lowered(bind)


def lrn(op: LRN, in_types: Types, out_types: Types) -> Lowered:
    pixels, channels = _pixels(out_types[0])
    kind = out_types[0].dtype.np_dtype
    lines = min(pixels, max(1, block_elements(kind) // max(channels, 1)))
    layout = ArrayLayout()
    for _ in range(2):
        layout.reserve((lines, channels), kind)
    bias, alpha, power = (np.array(v, kind) for v in (op.bias, op.alpha, -op.beta))

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        x, y = (a.reshape(pixels, channels) for a in (inputs[0], outputs[0]))
        buffers = layout.arrays(workspace)
        steps: list[Launch] = []
        for p in blocks(pixels, lines):
            squares, s = (a[: p.stop - p.start] for a in buffers)
            steps += [partial(np.multiply, x[p], x[p], squares), *_window_sum(squares, s, op.depth_radius)]
            steps += [partial(np.multiply, s, alpha, s), partial(np.add, s, bias, s), partial(np.power, s, power, s)]
            steps.append(partial(np.multiply, x[p], s, y[p]))
        return in_sequence(steps)

    return Lowered(bind, layout.nbytes, inplace=(0,))


KERNELS: dict[type[Op], Kernel] = {LRN: lrn, WindowSum: window_sum}
