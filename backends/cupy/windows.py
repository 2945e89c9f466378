"""Loops over the taps of windows of NHWC images, in CUDA C."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.types import TensorType
from minigraph.ops.window import Window


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
