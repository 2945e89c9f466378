"""Convolutions that are `conv2d` and its gradients in another guise: depthwise, separable, dilated, transposed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import Dim, format_shape
from minigraph.ops.array.joining import gather
from minigraph.ops.array.shape import fill, reshape, shape_operand
from minigraph.ops.builder import as_tensor_like, composed, first, graph_of
from minigraph.ops.data_format import NCHW, NHWC, in_nhwc
from minigraph.ops.nn.conv2d import Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput, conv2d
from minigraph.ops.nn.conv3d import conv3d
from minigraph.ops.nn.convolve import conv1d
from minigraph.ops.window import parse_padding, parse_sizes


def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, rate: Any = None, name: str | None = None,
    data_format: str | None = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """Each channel of `input` [N,H,W,C] with its own M filters of `filter` [KH,KW,C,M]: [N,P,Q,C·M], the M results of a
    channel side by side. The filter's shape must be known."""
    with composed(name, "depthwise", input, filter) as scope:
        x, w = _operands(input, filter)
        return _depthwise(x, w, strides, padding, dilations if rate is None else rate, data_format, scope)


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, rate: Any = None,
    name: str | None = None, data_format: str | None = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """A depthwise convolution with `depthwise_filter` [KH,KW,C,M], then a pointwise one with `pointwise_filter`
    [1,1,C·M,O]."""
    with composed(name, "separable_conv2d", input, depthwise_filter, pointwise_filter) as scope:
        x, w = _operands(input, depthwise_filter)
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
    return conv2d(x, flat, strides, padding, data_format=form or NHWC, dilations=_four(spread, form), name=name)


def _four(pair: Sequence[Any], form: str | None) -> list[int]:
    """[1, rows, columns, 1] in the order of the data format; four numbers are taken as they stand."""
    if len(pair) == 4:
        return [int(v) for v in pair]
    rows, columns = (int(v) for v in (pair if len(pair) == 2 else [*pair, *pair]))
    return [1, 1, rows, columns] if form == NCHW else [1, rows, columns, 1]


def _operands(image: Any, weights: Any) -> tuple[Tensor, Tensor]:
    x = convert_to_tensor(image)
    return x, convert_to_tensor(weights, x.dtype)


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
        steps, dilated = _four(step, form), _four(spread, form)
        return conv2d(x, weights, steps, padding, data_format=form, dilations=dilated, name=whole)


def _each(value: Any, count: int) -> list[int]:
    if count not in (1, 2, 3):
        raise ShapeError(f"Input tensor must be of rank 3, 4 or 5 but was {count + 2}.")
    sizes = [int(v) for v in np.ravel(1 if value is None else value)]
    return sizes * count if len(sizes) == 1 else sizes


def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: Any, name: str | None = None) -> Tensor:
    """conv2d with `rate` − 1 elements left out between the filter's taps. Source: Chen et al. 2015."""
    return convolution(value, filters, padding, dilation_rate=np.broadcast_to(rate, (2,)), name=name)


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
        x, grad = _operands(input, out_backprop)
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
            y, w = _operands(delta, weights)
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
