"""Convolution in one to three dimensions, by the rank of the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.ops.builder import composed
from minigraph.ops.data_format import NHWC, spatial_sizes
from minigraph.ops.nn.conv2d import conv2d
from minigraph.ops.nn.conv3d import conv3d
from minigraph.ops.nn.convolve import conv1d

__all__ = ["atrous_conv2d", "convolution"]


def convolution(
    input: Any, filter: Any = None, padding: Any = "VALID", strides: Any = None, dilation_rate: Any = None,
    name: str | None = None, data_format: str | None = None, filters: Any = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """Cross-correlation in one, two or three dimensions, by the rank of `input`: [N,L,C], [N,H,W,C] or [N,D,H,W,C].

    strides and dilation_rate: a number, or one for each dimension.
    """
    x = convert_to_tensor(input)
    count = (x.type.rank or 0) - 2
    weights = filters if filter is None else filter
    step, spread = (_each(v, count) for v in (strides, dilations if dilation_rate is None else dilation_rate))
    with composed(name, "convolution", x, weights) as scope:
        whole = scope if max(spread) == 1 else "BatchToSpaceND"  # where TensorFlow's form of a dilated one ends
        if count == 1:
            return conv1d(x, weights, step, padding, data_format=data_format, dilations=spread)
        if count == 3:
            dilated = [1, *spread, 1]
            return conv3d(x, weights, [1, *step, 1], padding, data_format or "NDHWC", dilated, name=scope)
        form = data_format or NHWC
        steps, dilated = spatial_sizes(step, form), spatial_sizes(spread, form)
        return conv2d(x, weights, steps, padding, data_format=form, dilations=dilated, name=whole)


def _each(value: Any, count: int) -> list[int]:
    if count not in (1, 2, 3):
        raise ShapeError(f"Input tensor must be of rank 3, 4 or 5 but was {count + 2}.")
    sizes = [int(v) for v in np.ravel(1 if value is None else value)]
    return sizes * count if len(sizes) == 1 else sizes


def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: Any, name: str | None = None) -> Tensor:
    """conv2d with `rate` − 1 elements left out between the filter's taps. Source: Chen et al. 2015."""
    return convolution(value, filters, padding, dilation_rate=np.broadcast_to(rate, (2,)), name=name)
