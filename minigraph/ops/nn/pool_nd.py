"""Pooling in one and three dimensions, composed of two-dimensional pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.shape import expand_dims, squeeze
from minigraph.ops.builder import composed
from minigraph.ops.data_format import NCHW, NHWC
from minigraph.ops.nn.conv3d import known_dims, reshaped
from minigraph.ops.nn.pool import avg_pool, max_pool

__all__ = ["avg_pool1d", "avg_pool3d", "max_pool1d", "max_pool3d", "pool"]

Pooling = Callable[..., Tensor]


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The largest element of each window of `input` [N,L,C]."""
    return _pool1d(max_pool, input, ksize, strides, padding, data_format, name or "MaxPool1d")


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The mean of the valid elements of each window of `input` [N,L,C]."""
    return _pool1d(avg_pool, input, ksize, strides, padding, data_format, name or "AvgPool1D")


def _pool1d(pool: Pooling, value: Any, ksize: Any, strides: Any, padding: Any, form: str, name: str) -> Tensor:
    if form not in ("NWC", "NCW"):
        raise ValueError(f"data_format must be NWC or NCW, not {form!r}")
    last = form == "NWC"
    with composed(name, name, value) as scope:
        x = convert_to_tensor(value)
        window, step = (_along(v, last) for v in (ksize, strides))
        at = 1 if last else 2
        y = pool(expand_dims(x, at), window, step, padding, NHWC if last else NCHW, name=scope)
        return squeeze(y, [at])


def _along(value: Any, last: bool) -> list[int]:
    sizes = [int(v) for v in np.ravel(value)]
    size = sizes[0] if len(sizes) == 1 else sizes[1 if last else 2]
    return [1, 1, size, 1] if last else [1, 1, 1, size]


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The largest element of each window of `input` [N,D,H,W,C]."""
    return _pool3d(max_pool, input, ksize, strides, padding, data_format, name or "MaxPool3D")


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The mean of the valid elements of each window of `input` [N,D,H,W,C]."""
    return _pool3d(avg_pool, input, ksize, strides, padding, data_format, name or "AvgPool3D")


def _pool3d(pool: Pooling, value: Any, ksize: Any, strides: Any, padding: Any, form: str, name: str) -> Tensor:
    """Over the planes first, then over the depth: windows are boxes, so maxima and means can be had so."""
    if form != "NDHWC":
        raise ValueError(f"data_format must be NDHWC, not {form!r}")
    (depth, *window), (deep, *step) = ([int(s) for s in np.broadcast_to(v, 5)][1:4] for v in (ksize, strides))
    with composed(name, name, value) as scope:
        x = convert_to_tensor(value)
        if x.type.rank != 5:
            raise ShapeError(f"{name} takes [N,D,H,W,C], not {format_shape(x.type.shape)}")
        rows, columns, channels = known_dims(x, (2, 3, 4))
        planes = pool(reshaped(x, [-1, rows, columns, channels]), [1, *window, 1], [1, *step, 1], padding)
        p, q = known_dims(planes, (1, 2))
        columns_of_planes = reshaped(planes, [-1, known_dims(x, (1,))[0], p * q, channels])
        y = pool(columns_of_planes, [1, depth, 1, 1], [1, deep, 1, 1], padding)
        result = reshaped(y, [-1, known_dims(y, (1,))[0], p, q, channels], scope)
        static = [planes.type.shape, y.type.shape]
        result.set_shape([x.type.shape[0], static[1][1], *static[0][1:]])  # type: ignore[index]
        return result


def pool(
    input: Any, window_shape: Any, pooling_type: str, padding: Any, dilation_rate: Any = None, strides: Any = None,
    name: str | None = None, data_format: str | None = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """MAX or AVG pooling in one, two or three dimensions, by the length of `window_shape`; strides are 1 by default."""
    window = [int(w) for w in window_shape]
    steps = [1] * len(window) if strides is None else [int(s) for s in np.broadcast_to(strides, len(window))]
    spread = dilations if dilation_rate is None else dilation_rate
    if spread is not None and np.max(spread) > 1:
        raise ValueError("tf.nn.pool: a dilation_rate above 1 is not supported")
    if any(s > w for s, w in zip(steps, window, strict=True)):
        raise ValueError(f"strides > window_shape is not supported: {steps}, {window}")
    table: dict[tuple[str, int], tuple[Pooling, str]] = {
        ("MAX", 1): (max_pool1d, "NWC"), ("MAX", 2): (max_pool, NHWC), ("MAX", 3): (max_pool3d, "NDHWC"),
        ("AVG", 1): (avg_pool1d, "NWC"), ("AVG", 2): (avg_pool, NHWC), ("AVG", 3): (avg_pool3d, "NDHWC"),
    }  # fmt: skip
    if (pooling_type, len(window)) not in table:
        raise ValueError(f"{len(window)}-D {pooling_type} pooling is not supported.")
    function, usual = table[pooling_type, len(window)]
    form = data_format or usual
    around = [(1, 1), ()] if form.startswith("NC") else [(1,), (1,)]
    sizes, step = ([*around[0], *v, *around[1]] for v in (window, steps))
    return function(input, sizes, step, padding, form, name=name or f"{pooling_type.lower()}_pool")
