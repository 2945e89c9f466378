"""Depthwise and separable convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import Dim, format_shape
from minigraph.ops.array.shape import reshape
from minigraph.ops.builder import composed, convert_pair
from minigraph.ops.data_format import NCHW, NHWC, spatial_sizes
from minigraph.ops.nn.conv2d import conv2d

__all__ = ["depthwise_conv2d", "separable_conv2d"]


def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, rate: Any = None, name: str | None = None,
    data_format: str | None = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """Each channel of `input` [N,H,W,C] with its own M filters of `filter` [KH,KW,C,M]: [N,P,Q,C·M], the M results of a
    channel side by side. The filter's shape must be known."""
    with composed(name, "depthwise", input, filter) as scope:
        x, w = convert_pair(input, filter)
        return _depthwise(x, w, strides, padding, dilations if rate is None else rate, data_format, scope)


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, rate: Any = None,
    name: str | None = None, data_format: str | None = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """A depthwise convolution with `depthwise_filter` [KH,KW,C,M], then a pointwise one with `pointwise_filter`
    [1,1,C·M,O]."""
    with composed(name, "separable_conv2d", input, depthwise_filter, pointwise_filter) as scope:
        x, w = convert_pair(input, depthwise_filter)
        mixing = convert_to_tensor(pointwise_filter, x.dtype)
        if mixing.type.rank != 4 or not set((mixing.type.shape or ())[:2]) <= {1, None}:
            raise ShapeError(f"the pointwise filter must be [1,1,C,O], not {format_shape(mixing.type.shape)}")
        deep = _depthwise(x, w, strides, padding, dilations if rate is None else rate, data_format, "depthwise")
        return conv2d(deep, mixing, 1, "VALID", data_format=data_format or NHWC, name=scope)


def _depthwise(x: Tensor, w: Tensor, strides: Any, padding: Any, rate: Any, form: str | None, name: str) -> Tensor:
    if w.type.rank != 4 or not w.type.is_static:
        raise ShapeError(f"a depthwise filter must be [KH,KW,C,M] of known shape, not {format_shape(w.type.shape)}")
    rows, columns, channels, fan = w.type.static
    found: Dim = None if x.type.rank != 4 else x.type.shape[1 if form == NCHW else 3]  # type: ignore[index]
    if found not in (None, channels):
        raise ShapeError(f"Dimensions must be equal, but are {found} (channels) and {channels} (depthwise filter)")
    flat = reshape(w, [rows, columns, 1, channels * fan])
    spread = [1, 1] if rate is None else list(np.ravel(rate))
    return conv2d(x, flat, strides, padding, data_format=form or NHWC, dilations=spatial_sizes(spread, form), name=name)
