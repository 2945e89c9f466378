"""Images [N,H,W,C]: sums over mirrored borders, medians, hysteresis of an edge detector."""

from __future__ import annotations

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy.kernel import BLOCK, Code, Emitter, Launch, Types, kernel, per_element, pointer, reads
from minigraph.backends.cupy.source import c_type, library, literal, offset, summing, total
from minigraph.backends.cupy.windows import over_taps
from minigraph.core.moves import c_strides
from minigraph.core.op import Op
from minigraph.ops.array.slicing import MirrorPadGrad
from minigraph.ops.image.edges import Hysteresis, NonMaximumSuppression
from minigraph.ops.image.median import MedianFilter


def _mirrored(position: str, size: int, mode: str) -> str:
    """The element visible at a position outside of an axis."""
    return f"mg::mirrored<{size}, {'true' if mode == 'SYMMETRIC' else 'false'}>({position})"


def mirror_pad_grad(op: MirrorPadGrad, in_types: Types, out_types: Types) -> Code | None:
    """Each element sums the gradients at its own position and at the border positions that mirror it."""
    grad, out = in_types[0], out_types[0]
    body = [total(grad.dtype)]
    places = []
    for axis, ((before, after), n) in enumerate(zip(op.paddings, out.static, strict=True)):
        if not before and not after:
            places.append(f"c{axis}")
            continue
        at = f"p{axis}"
        places.append(f"({at} + {before})")
        body.append(f"for (int k{axis} = 0; k{axis} <= {before + after}; ++k{axis}) {{")
        body.append(f"const int q{axis} = k{axis} <= {before} ? -k{axis} : {n - 1 - before} + k{axis};")
        body.append(f"const int {at} = k{axis} ? q{axis} : (int)c{axis};")
        body.append(f"if (k{axis} && {_mirrored(at, n, op.mode)} != c{axis}) continue;")
    padded = sum(1 for before, after in op.paddings if before or after)
    body += [f"total += x0[{offset(places, c_strides(grad.static))}];", *["}"] * padded, "y0[i] = total;"]
    made = per_element("mirror_pad_grad", out.static, [*reads(in_types), pointer(grad.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0), *outs(0))),))


def median(op: MedianFilter, in_types: Types, out_types: Types) -> Code | None:
    """A thread per pixel sorts its window, NaN after all numbers."""
    x = in_types[0]
    _, height, width, channels = x.static
    kind, (rows, columns) = c_type(summing(x.dtype)), op.size
    put = ["int k = count++;", "for (; k > 0 && (seen[k - 1] > a || (seen[k - 1] != seen[k - 1] && a == a)); --k)"]
    put += ["    seen[k] = seen[k - 1];", "seen[k] = a;"]
    body = [f"{kind} seen[{rows * columns}];", "int count = 0;"]
    if op.border == "shrink":
        body += over_taps(op.window, x, [f"const {kind} a = x0[at];", *put])
    else:
        body += [f"for (int r = -{rows // 2}; r <= {rows // 2}; ++r)"]
        body += [f"    for (int s = -{columns // 2}; s <= {columns // 2}; ++s) {{"]
        body += [f"        const int h = mg::clamped<{height}>(c1 + r), w = mg::clamped<{width}>(c2 + s);"]
        body += [f"        const {kind} a = x0[((c0 * {height} + h) * {width} + w) * {channels} + c3];"]
        body += [*(f"        {line}" for line in put), "    }"]
    body += [f"const {kind} low = seen[(count - 1) / 2], high = seen[count / 2];"]
    body += ["y0[i] = count % 2 ? low : low / 2 + high / 2;"]
    made = per_element("median", x.static, [*reads(in_types), pointer(x.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0), *outs(0))),))


def non_maximum_suppression(op: Op, in_types: Types, out_types: Types) -> Code | None:
    x = in_types[0]
    _, height, width, channels = x.static
    number = summing(x.dtype)
    kind, absolute = c_type(number), library("fabs", number)
    row = width * channels
    body = [
        f"bool kept = c1 > 0 && c1 < {height - 1} && c2 > 0 && c2 < {width - 1} && x0[i] > 0;",
        f"const {kind} centre = x0[i], down = x1[i], right = x2[i];",
        f"const bool steep = {absolute}(down) > {absolute}(right), falling = down * right >= 0;",
        f"const {kind} larger = {absolute}(steep ? down : right), smaller = {absolute}(steep ? right : down);",
        f"const {kind} weight = smaller / (larger == 0 ? {literal(1, number)} : larger);",
        "for (int sign = 1; kept && sign >= -1; sign -= 2) {",
        f"    const {kind} direct = x0[i + sign * (steep ? {row} : {channels})];",
        f"    const int slant = falling ? {row + channels} : steep ? {row - channels} : {channels - row};",
        f"    const {kind} beside = direct * (1 - weight) + x0[i + sign * slant] * weight;",
        "    kept = beside <= centre;",
        "}",
        f"y0[i] = kept ? centre : {literal(0, number)};",
    ]
    made = per_element("suppress", x.static, [*reads(in_types), pointer(x.dtype, "y0", False)], body)
    return Code((Launch(made, (*ins(0, 1, 2), *outs(0))),))


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


EMITTERS: dict[type[Op], Emitter] = {
    MirrorPadGrad: mirror_pad_grad,
    MedianFilter: median,
    NonMaximumSuppression: non_maximum_suppression,
    Hysteresis: hysteresis,
}
