"""Pooling over NHWC images. Each element gathers its gradient, so no two threads write the same one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy.kernel import Code, Emitter, Launch, Types, per_element, pointer, reads
from minigraph.backends.cupy.source import c_type, literal, summing, total
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.nn import pool as P
from minigraph.ops.window import Window


def over_taps(window: Window, image: TensorType, inner: list[str]) -> list[str]:
    """For the output (c0, c1, c2, channel c3): `inner` for each tap (r, s), number `tap`, inside the image, at
    element `at`."""
    _, height, width, channels = image.static
    (top, _), (left, _) = window.pads(height, width)
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.strides, window.dilations
    return [
        f"for (int r = 0, tap = 0; r < {kh}; ++r)",
        f"    for (int s = 0; s < {kw}; ++s, ++tap) {{",
        f"        const int h = c1 * {sh} + r * {dh} - {top}, w = c2 * {sw} + s * {dw} - {left};",
        f"        if (h < 0 || h >= {height} || w < 0 || w >= {width}) continue;",
        f"        const auto at = ((c0 * {height} + h) * {width} + w) * {channels} + c3;",
        *(f"        {line}" for line in inner),
        "    }",
    ]


def over_outputs(window: Window, image: TensorType, out: Sequence[int], inner: list[str]) -> list[str]:
    """For the image element (c0, c1, c2, channel c3): `inner` for each output (p, q) that reads it through tap (r, s).

    `tap` is the tap's number. The output has `out` rows and columns; `at` is its element if it has as many channels as
    the image.
    """
    rows, columns = out
    _, height, width, channels = image.static
    (top, _), (left, _) = window.pads(height, width)
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.strides, window.dilations
    return [
        f"for (int r = 0, tap = 0; r < {kh}; ++r)",
        f"    for (int s = 0; s < {kw}; ++s, ++tap) {{",
        f"        const int h = c1 + {top} - r * {dh}, w = c2 + {left} - s * {dw};",
        f"        if (h < 0 || w < 0 || h % {sh} || w % {sw}) continue;",
        f"        const int p = h / {sh}, q = w / {sw};",
        f"        if (p >= {rows} || q >= {columns}) continue;",
        f"        const auto at = ((c0 * {rows} + p) * {columns} + q) * {channels} + c3;",
        *(f"        {line}" for line in inner),
        "    }",
    ]


def max_pool(op: P.MaxPool, in_types: Types, out_types: Types) -> Code | None:
    """The first largest element of each window; NaN counts as the largest."""
    x, where = in_types[0], out_types[1]
    low = -np.inf if x.dtype.is_floating else x.dtype.min
    body = [f"{c_type(x.dtype)} best = {literal(low, x.dtype)};", "int first = -1;"]
    inner = [f"const {c_type(x.dtype)} a = x0[at];"]
    inner += ["if (first < 0 || (best == best && (a > best || a != a))) { best = a; first = tap; }"]
    taps = over_taps(op.window, x, inner)
    # Taps outside the image hold the lowest value, so the first tap wins if no element is above it.
    body += [*taps, f"if (first < 0 || best == {literal(low, x.dtype)}) first = 0;"]
    body += ["if (y0) y0[i] = best;", f"if (y1) y1[i] = ({c_type(where.dtype)})first;"]
    parameters = [*reads(in_types), pointer(x.dtype, "y0", False), pointer(where.dtype, "y1", False)]
    made = per_element("max_pool", out_types[0].static, parameters, body)
    return Code((Launch(made, (*ins(0), *outs(0, 1))),))


def max_pool_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    """Σ δ over the windows that have their maximum at this element."""
    _, grad = in_types
    body = [total(grad.dtype)]
    body += over_outputs(op.window, out_types[0], grad.static[1:3], ["if (x0[at] == tap) total += x1[at];"])
    parameters = [*reads(in_types), pointer(grad.dtype, "y0", False)]
    made = per_element("max_pool_grad", out_types[0].static, parameters, [*body, "y0[i] = total;"])
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def max_pool_gather(op: P.MaxPoolGather, in_types: Types, out_types: Types) -> Code | None:
    x, _ = in_types
    body = [total(x.dtype), "const int wanted = x1[i];"]
    body += over_taps(op.window, x, ["if (tap == wanted) total = x0[at];"])
    parameters = [*reads(in_types), pointer(x.dtype, "y0", False)]
    made = per_element("max_pool_gather", out_types[0].static, parameters, [*body, "y0[i] = total;"])
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


def avg_pool(op: P.AvgPool, in_types: Types, out_types: Types) -> Code | None:
    x = in_types[0]
    kind = c_type(summing(x.dtype))
    body = [total(x.dtype), "int count = 0;", *over_taps(op.window, x, ["total += x0[at];", "++count;"])]
    body.append(f"y0[i] = total / ({kind})count;")
    made = per_element("avg_pool", out_types[0].static, [*reads(in_types), pointer(x.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0), *outs(0))),))


def avg_pool_grad(op: Any, in_types: Types, out_types: Types) -> Code | None:
    """Σ δ / count over the windows that contain this element."""
    grad = in_types[0]
    kind = c_type(summing(grad.dtype))
    _, height, width, _ = out_types[0].static
    (top, _), (left, _) = op.window.pads(height, width)
    counted = []
    for name, out, kernel, stride, before, size in (
        ("high", "p", op.ksize[0], op.strides[0], top, height),
        ("wide", "q", op.ksize[1], op.strides[1], left, width),
    ):
        counted.append(f"const int {name}0 = {out} * {stride} - {before}, {name}1 = {name}0 + {kernel};")
        counted.append(f"const int {name} = ({name}1 < {size} ? {name}1 : {size}) - ({name}0 > 0 ? {name}0 : 0);")
    inner = [*counted, f"total += x0[at] / ({kind})(high * wide);"]
    body = [total(grad.dtype), *over_outputs(op.window, out_types[0], grad.static[1:3], inner), "y0[i] = total;"]
    parameters = [*reads(in_types), pointer(grad.dtype, "y0", False)]
    made = per_element("avg_pool_grad", out_types[0].static, parameters, body)
    return Code((Launch(made, (*ins(0), *outs(0))),))


EMITTERS: dict[type[Op], Emitter] = {
    P.MaxPool: max_pool,
    P.MaxPoolInputGrad: max_pool_grad,
    P.MaxPoolGather: max_pool_gather,
    P.AvgPool: avg_pool,
    P.AvgPoolInputGrad: avg_pool_grad,
}
