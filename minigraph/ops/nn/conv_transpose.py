"""Transposed convolution, and the gradients of conv2d as functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.joining import gather
from minigraph.ops.array.shape import fill, shape_operand
from minigraph.ops.builder import as_tensor_like, composed, convert_pair, first, graph_of
from minigraph.ops.data_format import NCHW, NHWC, in_nhwc
from minigraph.ops.nn.conv2d import Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput
from minigraph.ops.window import parse_padding, parse_sizes

__all__ = ["conv2d_backprop_filter", "conv2d_backprop_input", "conv2d_transpose"]


def conv2d_backprop_input(
    input_sizes: Any, filter: Any = None, out_backprop: Any = None, strides: Any = None, padding: Any = None,
    use_cudnn_on_gpu: bool = True, data_format: str = NHWC, dilations: Any = (1, 1, 1, 1), name: str | None = None,
    filters: Any = None,
) -> Tensor:  # fmt: skip
    """The gradient of conv2d for its image, of the shape `input_sizes` (numbers or a tensor)."""
    return _transposed(
        out_backprop, filters if filter is None else filter, input_sizes, strides, padding, data_format, dilations,
        name, "Conv2DBackpropInput",
    )  # fmt: skip


def conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any, use_cudnn_on_gpu: bool = True,
    data_format: str = NHWC, dilations: Any = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of conv2d for its filter, of the shape `filter_sizes` (numbers)."""
    if data_format != NHWC:
        raise ValueError(f"data_format must be NHWC, not {data_format!r}")
    with composed(name, "Conv2DBackpropFilter", input, out_backprop) as scope:
        x, grad = convert_pair(input, out_backprop)
        op = Conv2DBackpropFilter(
            parse_sizes(strides, "strides"), parse_padding(padding), parse_sizes(dilations, "dilations")
        )
        like = fill(filter_sizes, x.dtype.np_dtype.type(0), name="filter_sizes")
        return first(x.graph.add(op, (x, like, grad), scope))


def conv2d_transpose(
    value: Any = None, filter: Any = None, output_shape: Any = None, strides: Any = None, padding: Any = "SAME",
    data_format: str = NHWC, name: str | None = None, input: Any = None, filters: Any = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """The transpose of conv2d: `value` [N,P,Q,I] with `filter` [KH,KW,O,I] gives `output_shape` [N,H,W,O], which may be
    numbers, a tensor, or a list of both. Source: Zeiler et al. 2010."""
    image, weights = input if value is None else value, filters if filter is None else filter
    dilated = (1, 1, 1, 1) if dilations is None else dilations
    return _transposed(
        image, weights, output_shape, strides, padding, data_format, dilated, name, "conv2d_transpose"
    )  # fmt: skip


def _transposed(
    grad: Any, weights: Any, sizes: Any, strides: Any, padding: Any, form: str, dilations: Any, name: str | None,
    default: str,
) -> Tensor:  # fmt: skip
    spread = 1 if tuple(np.ravel(dilations)) == (1, 1, 1, 1) else dilations
    op = Conv2DBackpropInput(
        parse_sizes(strides, "strides", form), parse_padding(padding, form), parse_sizes(spread, "dilations", form)
    )
    graph = graph_of([as_tensor_like(v) for v in (grad, weights, sizes)])

    def transposed(delta: Any, name: str | None) -> Tensor:
        with graph.name_scope(name or default) as scope:
            y, w = convert_pair(delta, weights)
            dims, last = shape_operand(sizes), graph.last_id
            like = fill(_in_nhwc(dims, form), y.dtype.np_dtype.type(0), name="input_sizes")
            graph.last_id = last + (not isinstance(dims, Tensor))  # the sizes, a constant
            _check_fit(op, like, w, y)
            return first(graph.add(op, (like, w, y), scope))

    with graph.as_default():
        return in_nhwc(grad, form, name, default, transposed)


def _in_nhwc(dims: Any, form: str) -> Any:
    order = [0, 2, 3, 1]
    if form != NCHW:
        return dims
    return gather(dims, order) if isinstance(dims, Tensor) else [dims[i] for i in order]


def _check_fit(op: Conv2D | Conv2DBackpropInput, x: Tensor, w: Tensor, y: Tensor) -> None:
    """ShapeError unless the convolution of an image like `x` with `w` has the shape of `y`."""
    if x.type.shape is None or w.type.shape is None or y.type.shape is None:
        return
    expected = op.out_shape(x.type.shape, w.type.shape)
    if len(y.type.shape) != 4 or any(None not in p and p[0] != p[1] for p in zip(expected, y.type.shape, strict=True)):
        raise ShapeError(
            f"{format_shape(y.type.shape)} is not the shape of a convolution from {format_shape(x.type.shape)} with "
            f"the filter {format_shape(w.type.shape)}, which is {format_shape(expected)}"
        )
