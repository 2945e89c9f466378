"""Hysteresis of an edge detector on images [N,H,W,C]: whole blocks share the pixels of an image."""

from __future__ import annotations

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy.kernel import BLOCK, Code, Emitter, Launch, Types, kernel, pointer, reads
from minigraph.core.op import Op
from minigraph.ops.image.edges import Hysteresis


def hysteresis(op: Op, in_types: Types, out_types: Types) -> Code | None:
    """A block for each channel of an image repeats until no pixel is added. The order does not change the result."""
    images, height, width, channels = in_types[0].static
    size = height * width
    body = [
        f"__shared__ bool part[{BLOCK}];",
        f"const auto first = (long long)(blockIdx.x / {channels}) * {size * channels} + blockIdx.x % {channels};",
        "x0 += first, x1 += first, y0 += first;",
        f"for (int k = threadIdx.x; k < {size}; k += {BLOCK})",
        f"    y0[k * {channels}] = x0[k * {channels}] && x1[k * {channels}];",
        "for (bool more = true; more;) {",
        "    __syncthreads();",
        "    bool added = false;",
        f"    for (int k = threadIdx.x; k < {size}; k += {BLOCK}) {{",
        f"        if (!x0[k * {channels}] || y0[k * {channels}]) continue;",
        "        bool beside = false;",
        f"        const int h = k / {width}, w = k % {width};",
        f"        for (int r = h > 0 ? h - 1 : 0; r <= h + 1 && r < {height}; ++r)",
        f"            for (int s = w > 0 ? w - 1 : 0; s <= w + 1 && s < {width}; ++s)",
        f"                beside = beside || ((volatile bool*)y0)[(r * {width} + s) * {channels}];",
        f"        if (beside) y0[k * {channels}] = added = true;",
        "    }",
        f"    more = mg::block_reduce<{BLOCK}>(added, part, mg::Or());",
        "}",
    ]
    parameters = [*reads(in_types), pointer(out_types[0].dtype, "y0", False)]
    made = kernel("hysteresis", parameters, body, images * channels if size else 0, BLOCK)
    return Code((Launch(made, (*ins(0, 1), *outs(0))),))


EMITTERS: dict[type[Op], Emitter] = {Hysteresis: hysteresis}
