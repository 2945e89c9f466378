"""Convolutions of several groups of channels and their gradients: one plain convolution for each group."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Types
from minigraph.backend.host import HostArray
from minigraph.backend.workspace import WorkspaceLayout, ins, outs
from minigraph.backends.llvm import conv, folded
from minigraph.backends.llvm.moves import copying, together
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.core.dtypes import float32
from minigraph.core.moves import read
from minigraph.core.types import TensorType
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad

GROUPS = 64  # most groups; each adds calls
FLOAT = 4  # bytes of an element


def conv2d(op: Conv2D, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """y of several groups."""
    return _by_groups(op.replace(groups=1), conv.conv2d, op.groups, in_types, out_types[0], how)


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂x of several groups."""
    smaller = op.replace(shape=(*op.shape[:3], op.shape[3] // op.groups), groups=1)
    return _by_groups(smaller, folded.input_grad, op.groups, in_types, out_types[0], how)


def filter_grad(op: Conv2DFilterGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂w of several groups."""
    smaller = op.replace(shape=(*op.shape[:3], op.shape[3] // op.groups), groups=1)
    return _by_groups(smaller, conv.filter_grad, op.groups, in_types, out_types[0], how)


def _by_groups(
    op: Any,
    kernel: Callable[[Any, Types, Types, LoweringContext], Native | None],
    groups: int,
    in_types: Types,
    out: TensorType,
    how: LoweringContext,
) -> Native | None:
    """`op` on each group of channels, the last axis of all operands. Each group is first made contiguous."""
    whole = (*in_types, out)
    if how.epilogue or how.pitch or not 1 < groups <= GROUPS:
        return None
    if out.dtype is not float32 or any(0 in t.static for t in whole):
        return None
    part = [TensorType(t.dtype, (*t.static[:-1], t.static[-1] // groups)) for t in whole]
    native = kernel(op, part[:-1], part[-1:], how._replace(adds=False))
    if native is None:
        return None
    layout = WorkspaceLayout()
    places = [layout.reserve(t.nbytes) for t in whole]
    work = layout.reserve(native.workspace)

    def make() -> list[Call]:
        regroupings = [read(t, partial(_grouped, groups=groups)).parts[0] for t in whole]
        *before, result = regroupings
        copies = [copying(m, ins(n)[0], places[n]) for n, m in enumerate(before)]
        after = copying(result._replace(source=result.target, target=result.source), places[-1], outs(0)[0], how.adds)
        calls = together(copies, FLOAT, how)
        for g in range(groups):
            here = [place.shifted(g * p.nbytes) for place, p in zip(places, part, strict=True)]
            calls += [c.relocated(here[:-1], here[-1:], work) for c in native.calls((True,))]
        return calls + together([after], FLOAT, how)

    return Native(always(make), layout.nbytes)


def _grouped(whole: HostArray, groups: int) -> HostArray:
    """A view with the groups of the last axis as the first axis."""
    return np.moveaxis(whole.reshape(*whole.shape[:-1], groups, whole.shape[-1] // groups), -2, 0)
