"""Ops that only move data: copies between strided views."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types
from minigraph.backend.host import HostArray
from minigraph.backends.numpy.common import copy, steps_only
from minigraph.core.moves import Moves, Strided


def moving(moves: Moves, out_types: Types) -> Lowered:
    """The fills and copies into the results that are read."""
    gaps = list(moves.gaps(out_types))

    def steps(inputs: Sequence[HostArray], outputs: Sequence[HostArray | None]) -> list[Launch]:
        made: list[Launch] = []
        for gap in gaps:
            out = outputs[gap.target.position]
            if out is not None:
                value: Any = np.asarray(moves.fill).astype(out.dtype)
                made.append(partial(_part(out, gap.shape, gap.target).fill, value))
        for move in moves.parts:
            out = outputs[move.target.position]
            if out is not None:
                source = _part(inputs[move.source.position], move.shape, move.source)
                made.append(copy(_part(out, move.shape, move.target), source))
        return made

    return steps_only(steps)


def _part(array: HostArray, shape: tuple[int, ...], part: Strided) -> HostArray:
    size = array.itemsize
    return np.ndarray(shape, array.dtype, array, part.offset * size, tuple(s * size for s in part.strides))
