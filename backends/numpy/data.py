"""Elements looked up by indices: gathering and one-hot vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, copy, steps_only
from minigraph.core.indices import require_below
from minigraph.core.op import Op
from minigraph.ops.array.gathering import GatherGrad, GatherV2
from minigraph.ops.array.one_hot import OneHot


def gather(op: GatherV2, in_types: Types, out_types: Types) -> Lowered:
    """Slices by `take` in the mode that needs no buffer, as the indices are checked before."""
    length = in_types[0].static[op.axis]

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        params, indices = inputs
        take = partial(np.take, params, indices, op.axis, outputs[0], "clip")
        return [partial(require_below, "indices", indices, length), *([take] if outputs[0].size else [])]

    return steps_only(steps)


def gather_grad(op: GatherGrad, in_types: Types, out_types: Types) -> Lowered:
    """The sum of the slices at their source positions."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        grad, indices = inputs[:2]
        out = outputs[0]
        axis = op.axis % out.ndim
        moved = np.moveaxis(grad, range(axis, axis + indices.ndim), range(indices.ndim))
        checked = partial(require_below, "indices", indices, out.shape[axis])
        return [checked, partial(out.fill, 0), partial(np.add.at, np.moveaxis(out, axis, 0), indices, moved)]

    return steps_only(steps)


def one_hot(op: OneHot, in_types: Types, out_types: Types) -> Lowered:
    """`off` everywhere, then `on` where the index equals the position."""
    indices, out = in_types[0], out_types[0]
    axis = op.axis % len(out.static)
    positions = np.arange(op.depth, dtype=np.int64).reshape((-1,) + (1,) * (len(out.static) - 1 - axis))
    kind = indices.dtype.np_dtype
    if op.depth == 0 or positions.max() <= np.iinfo(kind).max:
        positions = positions.astype(kind)  # avoids a cast inside the comparison
    layout = ArrayLayout()
    layout.reserve(out.static, np.bool_)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (hit,) = layout.arrays(workspace)
        index, on, off = inputs
        return in_sequence(
            [
                partial(np.equal, np.expand_dims(index, axis), positions, hit),
                copy(outputs[0], off),
                partial(np.copyto, outputs[0], on, where=hit),
            ]
        )

    return Lowered(bind, layout.nbytes)


KERNELS: dict[type[Op], Kernel] = {
    GatherV2: gather,
    GatherGrad: gather_grad,
    OneHot: one_hot,
}
