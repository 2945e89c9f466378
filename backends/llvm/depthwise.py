"""Convolution with one filter per channel, and its gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minigraph.backend.base import Types
from minigraph.backends.llvm.native import LoweringContext, Native
from minigraph.backends.llvm.nest_native import from_loops
from minigraph.core.dtypes import float32
from minigraph.core.types import TensorType
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution

TAPS = 25  # most taps of a window that is computed here


def _fits(op: Convolution, x: Sequence[int], w: Sequence[int], y: Sequence[int], out: TensorType) -> bool:
    fits = w[2] == 1 and x[3] == w[3] and out.dtype is float32 and 0 not in (*x, *y)
    return fits and math.prod(w[:2]) <= TAPS


def conv2d(op: Conv2D, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """y = Σ over taps of x·w[tap]; None if channels share filters."""
    x, w, y = in_types[0].static, in_types[1].static, out_types[0].static
    return from_loops(op, in_types, out_types, how) if _fits(op, x, w, y, out_types[0]) else None


def input_grad(op: Conv2DInputGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂x: Σ over taps of δ·w[tap]."""
    w, y = (t.static for t in in_types)
    return from_loops(op, in_types, out_types, how) if _fits(op, op.shape, w, y, out_types[0]) else None


def filter_grad(op: Conv2DFilterGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """∂L/∂w: the sums over all windows."""
    x, y = (t.static for t in in_types)
    return from_loops(op, in_types, out_types, how) if _fits(op, x, op.shape, y, out_types[0]) else None
