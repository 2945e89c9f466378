"""Convolutions without cuDNN.

Those of many groups, such as depthwise ones, run element by element, as a matrix product per group would be many small
launches. The others are those of `conv.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy import conv
from minigraph.backends.cupy.conv import ConvSizes, shape_of
from minigraph.backends.cupy.kernel import Code, Emitter, Launch, Types, per_element, pointer, reads
from minigraph.backends.cupy.pool import over_outputs, over_taps
from minigraph.backends.cupy.reduce import ReduceTerm, reduction
from minigraph.backends.cupy.source import c_type, literal, summing, total
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.nn import conv2d as C

MANY = 8  # least number of groups that run element by element


def forward(s: ConvSizes, filters: TensorType) -> Code:
    """y[n,p,q,o] = Σ over taps and the channels of o's group."""
    kind, outputs = c_type(summing(s.dtype)), s.fan * s.groups
    inner = [
        f"for (int k = 0; k < {s.depth}; ++k)",
        f"    total += ({kind})x0[at - c3 + first + k] * ({kind})x1[(tap * {s.depth} + k) * {outputs} + c3];",
    ]
    body = [total(s.dtype), f"const int first = c3 / {s.fan} * {s.depth};", *over_taps(s.window, s.image, inner)]
    shape = (s.image.static[0], s.rows, s.columns, outputs)
    parameters = [*reads([s.image, filters]), pointer(s.dtype, "y0", False)]
    made = per_element("grouped", shape, parameters, [*body, "y0[i] = total;"])
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def input_grad(s: ConvSizes, filters: TensorType) -> Code:
    """∂L/∂x[n,h,w,c] = Σ over the outputs of c's group that read it through a tap."""
    kind, outputs = c_type(summing(s.dtype)), s.fan * s.groups
    inner = [
        f"const auto from = ((c0 * {s.rows} + p) * {s.columns} + q) * {outputs} + first;",
        f"for (int k = 0; k < {s.fan}; ++k)",
        f"    total += ({kind})x1[from + k] * ({kind})x0[(tap * {s.depth} + c3 % {s.depth}) * {outputs} + first + k];",
    ]
    body = [total(s.dtype), f"const int first = c3 / {s.depth} * {s.fan};"]
    body += over_outputs(s.window, s.image, (s.rows, s.columns), inner)
    parameters = [*reads([filters, s.image]), pointer(s.dtype, "y0", False)]
    made = per_element("grouped_input_grad", s.image.static, parameters, [*body, "y0[i] = total;"])
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def filter_grad(s: ConvSizes) -> Code:
    """∂L/∂w[r,s,k,o] = Σ over images and outputs."""
    batch, height, width, channels = s.image.static
    outputs = s.fan * s.groups
    (top, _), (left, _) = s.window.pads(height, width)
    (kh, kw), (sh, sw), (dh, dw) = s.window.kernel, s.window.strides, s.window.dilations

    def term(c: Sequence[str]) -> tuple[list[str], str]:
        n, p, q, r, t, k, o = c
        lines = [f"const int h = {p} * {sh} + {r} * {dh} - {top}, w = {q} * {sw} + {t} * {dw} - {left};"]
        lines.append(f"const bool inside = h >= 0 && h < {height} && w >= 0 && w < {width};")
        x = f"x0[(({n} * {height} + h) * {width} + w) * {channels} + {o} / {s.fan} * {s.depth} + {k}]"
        kind = c_type(summing(s.dtype))
        grad = f"x1[(({n} * {s.rows} + {p}) * {s.columns} + {q}) * {outputs} + {o}]"
        return lines, f"inside ? ({kind}){x} * ({kind}){grad} : {literal(0, summing(s.dtype))}"

    space = (batch, s.rows, s.columns, kh, kw, s.depth, outputs)
    operands = ReduceTerm([pointer(s.dtype, "x0"), pointer(s.dtype, "x1")], (0, 1), term)
    return reduction("sum", space, (0, 1, 2), operands, s.dtype)


def _conv2d(op: C.Conv2D, in_types: Types, out_types: Types) -> Code | None:
    s = shape_of(op, in_types[0], in_types[1].static)
    return forward(s, in_types[1]) if s.groups >= MANY else conv.conv2d(op, in_types, out_types)


def _input_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    s = shape_of(op, out_types[0], in_types[0].static)
    return input_grad(s, in_types[0]) if s.groups >= MANY else conv.input_grad(op, in_types, out_types)


def _filter_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    s = shape_of(op, in_types[0], out_types[0].static)
    return filter_grad(s) if s.groups >= MANY else conv.filter_grad(op, in_types, out_types)


EMITTERS: dict[type[Op], Emitter] = {
    C.Conv2D: _conv2d,
    C.Conv2DInputGrad: _input_grad,
    C.Conv2DFilterGrad: _filter_grad,
}
