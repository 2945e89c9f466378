"""Convolutions without cuDNN.

Those of many groups, such as depthwise ones, run element by element, as a matrix product per group would be many small
launches. The others are those of `conv.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.backends.cupy import conv
from minigraph.backends.cupy.conv import ConvSizes, shape_of
from minigraph.backends.cupy.kernel import Code, Emitter, Types, pointer
from minigraph.backends.cupy.nests import from_loops
from minigraph.backends.cupy.reduce import ReduceTerm, reduction
from minigraph.backends.cupy.source import c_type, literal, summing
from minigraph.core.op import Op
from minigraph.ops.nn import conv2d as C

MANY = 8  # least number of groups that run element by element


def filter_grad(s: ConvSizes) -> Code:
    """∂L/∂w[r,s,k,o] = Σ over images and outputs."""
    batch, height, width, channels = s.image.static
    outputs = s.fan * s.groups
    (top, _), (left, _) = s.window.pads(height, width)
    (kh, kw), (sh, sw), (dh, dw) = s.window.kernel, s.window.strides, s.window.dilations

    def term(c: Sequence[str]) -> tuple[list[str], list[str]]:
        n, p, q, r, t, k, o = c
        lines = [f"const int h = {p} * {sh} + {r} * {dh} - {top}, w = {q} * {sw} + {t} * {dw} - {left};"]
        lines.append(f"const bool inside = h >= 0 && h < {height} && w >= 0 && w < {width};")
        x = f"x0[(({n} * {height} + h) * {width} + w) * {channels} + {o} / {s.fan} * {s.depth} + {k}]"
        kind = c_type(summing(s.dtype))
        grad = f"x1[(({n} * {s.rows} + {p}) * {s.columns} + {q}) * {outputs} + {o}]"
        return lines, [f"inside ? ({kind}){x} * ({kind}){grad} : {literal(0, summing(s.dtype))}"]

    space = (batch, s.rows, s.columns, kh, kw, s.depth, outputs)
    operands = ReduceTerm([pointer(s.dtype, "x0"), pointer(s.dtype, "x1")], (0, 1), term, s.image.size)
    return reduction("sum", space, (0, 1, 2), operands, [s.dtype])


def _conv2d(op: C.Conv2D, in_types: Types, out_types: Types) -> Code | None:
    s = shape_of(op, in_types[0], in_types[1].static)
    return from_loops(op, in_types, out_types) if s.groups >= MANY else conv.conv2d(op, in_types, out_types)


def _input_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    s = shape_of(op, out_types[0], in_types[0].static)
    return from_loops(op, in_types, out_types) if s.groups >= MANY else conv.input_grad(op, in_types, out_types)


def _filter_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    s = shape_of(op, in_types[0], out_types[0].static)
    return filter_grad(s) if s.groups >= MANY else conv.filter_grad(op, in_types, out_types)


EMITTERS: dict[type[Op], Emitter] = {
    C.Conv2D: _conv2d,
    C.Conv2DInputGrad: _input_grad,
    C.Conv2DFilterGrad: _filter_grad,
}
