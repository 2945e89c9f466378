"""True convolution in one and two dimensions, and TensorFlow's conv1d: all composed of conv2d.

Layers cross-correlate: y[n] = Σ_k x[n + k]·h[k]. Signal processing convolves: y[n] = Σ_k x[k]·h[n − k], which is the
cross-correlation with the turned kernel, h[K − 1 − k].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.shape import expand_dims, squeeze, tile
from minigraph.ops.array.slicing import reverse
from minigraph.ops.builder import as_tensor_like, graph_of
from minigraph.ops.nn.conv2d import conv2d
from minigraph.ops.window import Pair

__all__ = ["conv1d", "convolve1d", "convolve2d"]

MODES = ("full", "same", "valid")


def convolve2d(images: Any, kernel: Any, mode: str = "full", name: str | None = None) -> Tensor:
    """The convolution y(n1,n2) = Σ Σ x(k1,k2)·h(n1−k1,n2−k2) of each channel with one kernel; outside, x is 0.

    images: [H,W], [N,H,W] or [N,H,W,C] with known C. kernel: [KH,KW], of the same floating dtype. mode, as in SciPy:
    "full" gives every n at which a product is there, H+KH−1 rows; "same" the H rows in the middle of these (from
    (KH−1)//2 on); "valid" the H−KH+1 rows for which the whole kernel lies on the image. ShapeError for other ranks.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    graph = graph_of([as_tensor_like(images), as_tensor_like(kernel)])
    with graph.as_default(), graph.name_scope(name or "convolve2d"):
        x = convert_to_tensor(images)
        h = convert_to_tensor(kernel, x.dtype)
        if x.type.rank not in (2, 3, 4) or h.type.rank != 2:
            given = f"{format_shape(x.type.shape)} and {format_shape(h.type.shape)}"
            raise ShapeError(f"convolve2d takes [H,W], [N,H,W] or [N,H,W,C], and a kernel [KH,KW]; got {given}")
        y = conv2d(_as_batch(x), _turned(x, h), 1, [_padding(k, mode) for k in h.type.static])
        added = {2: [0, 3], 3: [3], 4: []}[x.type.rank]
        return squeeze(y, added) if added else y


def convolve1d(x: Any, kernel: Any, mode: str = "full", name: str | None = None) -> Tensor:
    """The convolution y(n) = Σ x(k)·h(n−k) of x [L] or [N,L] with a kernel [K]; `mode` as for convolve2d."""
    tensor = convert_to_tensor(x)
    with tensor.graph.as_default(), tensor.graph.name_scope(name or "convolve1d"):
        h = convert_to_tensor(kernel, tensor.dtype)
        if tensor.type.rank not in (1, 2) or h.type.rank != 1:
            given = f"{format_shape(tensor.type.shape)} and {format_shape(h.type.shape)}"
            raise ShapeError(f"convolve1d takes [L] or [N,L], and a kernel [K]; got {given}")
        return squeeze(convolve2d(expand_dims(tensor, -2), expand_dims(h, 0), mode), [-2])


def _as_batch(x: Tensor) -> Tensor:
    """[H,W] and [N,H,W] as [N,H,W,1]."""
    if x.type.rank == 2:
        x = expand_dims(x, 0)
    return expand_dims(x, 3) if x.type.rank == 3 else x


def _turned(x: Tensor, h: Tensor) -> Tensor:
    """The kernel turned by 180°, as one filter for each channel of `x`: [KH,KW,1,C]."""
    channels = (x.type.shape or ())[3] if x.type.rank == 4 else 1
    if channels is None:
        raise ShapeError(
            f"convolve2d needs to know the number of channels; the images are {format_shape(x.type.shape)}"
        )
    filters = expand_dims(expand_dims(reverse(h, [0, 1]), 2), 3)
    return filters if channels == 1 else tile(filters, [1, 1, 1, channels])


def _padding(size: int, mode: str) -> Pair:
    if mode == "full":
        return size - 1, size - 1
    return (size // 2, (size - 1) // 2) if mode == "same" else (0, 0)


def conv1d(
    value: Any = None, filters: Any = None, stride: Any = None, padding: Any = None,
    use_cudnn_on_gpu: Any = None, data_format: str | None = None, name: str | None = None,
    input: Any = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """Cross-correlation of `value` [N,L,C] with `filters` [K,C,O]; padding SAME or VALID."""
    x = convert_to_tensor(input if value is None else value)
    if data_format not in (None, "NWC"):
        raise ValueError(f"data_format must be NWC, not {data_format!r}")
    step, dilation = (_along(v, what) for v, what in ((stride, "stride"), (dilations, "dilations")))
    with x.graph.as_default(), x.graph.name_scope(name or "conv1d") as scope:
        w = expand_dims(convert_to_tensor(filters, x.dtype), 0, name="ExpandDims_1")
        rows = expand_dims(x, 1, name="ExpandDims")
        y = conv2d(rows, w, [1, 1, step, 1], padding, dilations=[1, 1, dilation, 1])
        return squeeze(y, [1], name=scope if name else "Squeeze")


def _along(value: Any, what: str) -> int:
    """A step along the only axis, from an int or NWC's three."""
    sizes = [1 if value is None else value] if np.ndim(value if value is not None else 1) == 0 else list(value)
    if len(sizes) == 3 and sizes[0] == sizes[2] == 1:
        sizes = sizes[1:2]
    if len(sizes) != 1 or int(sizes[0]) < 1:
        raise ValueError(f"{what} must be a positive number or [1, {what}, 1], got {value!r}")
    return int(sizes[0])
