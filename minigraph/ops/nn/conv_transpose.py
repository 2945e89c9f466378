"""Transposed convolution, and the gradients of conv2d as functions."""

from __future__ import annotations

from typing import Any, Literal

from minigraph.core.arguments import renamed
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import DataFormat2D, PaddingLike, ShapeLike, Size, TensorLike
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.known import in_graph
from minigraph.ops.array.shape import fill, shape_operand
from minigraph.ops.builder import as_tensor_like, composed, convert_pair, first, graph_of
from minigraph.ops.data_format import NCHW, NHWC, in_nhwc
from minigraph.ops.nn.conv2d import Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput
from minigraph.ops.window import parse_padding, parse_sizes

__all__ = ["conv2d_backprop_filter", "conv2d_backprop_input", "conv2d_transpose"]


def conv2d_backprop_input(
    input_sizes: ShapeLike | TensorLike, filter: TensorLike | None = None, out_backprop: TensorLike | None = None,
    strides: Size | None = None, padding: PaddingLike | None = None, use_cudnn_on_gpu: bool = True,
    data_format: DataFormat2D = NHWC, dilations: Size = (1, 1, 1, 1), name: str | None = None,
    filters: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Compute the gradient of conv2d with respect to its images: the adjoint of x ↦ conv2d(x, filter).

    Args:
        input_sizes: Shape [N,H,W,C] of the images, in the order of `data_format`: numbers, or an integer tensor.
        filter: Filters [KH,KW,C,O] of a floating dtype.
        out_backprop: Gradient of a loss with respect to the convolution's output, [N,P,Q,O], in the order of
            `data_format`.
        strides, padding, data_format, dilations: Those of the convolution, in the forms that `conv2d` takes.
        use_cudnn_on_gpu: Accepted for TensorFlow's sake; without effect.
        name: Name of the node.
        filters: TensorFlow 2's name of `filter`.

    Returns:
        A tensor of the shape `input_sizes` and the dtype of `out_backprop`.

    Raises:
        ShapeError: `out_backprop` does not have the shape of the convolution's output.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> w, grad = tf.ones([2, 2, 1, 1]), tf.ones([1, 2, 2, 1])
        >>> dx = tf.nn.conv2d_backprop_input([1, 3, 3, 1], w, grad, strides=[1, 1, 1, 1], padding="VALID")
        >>> tf.Session().run(dx)[0, :, :, 0]
        array([[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]], dtype=float32)
    """
    weights: Any = renamed("filters", filters, "filter", filter)
    return _transposed(
        out_backprop, weights, input_sizes, strides, padding, data_format, dilations, name, "Conv2DBackpropInput"
    )


def conv2d_backprop_filter(
    input: TensorLike, filter_sizes: ShapeLike | TensorLike, out_backprop: TensorLike, strides: Size | None,
    padding: PaddingLike | None, use_cudnn_on_gpu: bool = True, data_format: Literal["NHWC"] = NHWC,
    dilations: Size = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the gradient of conv2d with respect to its filters: the adjoint of w ↦ conv2d(input, w).

    Args:
        input: Images [N,H,W,C] of a floating dtype.
        filter_sizes: Shape [KH,KW,C,O] of the filters: numbers, or an integer tensor.
        out_backprop: Gradient [N,P,Q,O] of a loss with respect to the convolution's output, of the dtype of `input`.
        strides, padding, dilations: Those of the convolution, in the forms that `conv2d` takes.
        use_cudnn_on_gpu: Accepted for TensorFlow's sake; without effect.
        data_format: NHWC, the only one supported.
        name: Name of the node.

    Returns:
        A tensor of the shape `filter_sizes` and the dtype of `input`.

    Raises:
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> image, grad = tf.reshape(tf.range(9.0), [1, 3, 3, 1]), tf.ones([1, 2, 2, 1])
        >>> dw = tf.nn.conv2d_backprop_filter(image, [2, 2, 1, 1], grad, strides=[1, 1, 1, 1], padding="VALID")
        >>> tf.Session().run(dw)[:, :, 0, 0]
        array([[ 8., 12.],
               [20., 24.]], dtype=float32)
    """
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
    value: TensorLike | None = None, filter: TensorLike | None = None, output_shape: ShapeLike | TensorLike = None,
    strides: Size | None = None, padding: PaddingLike = "SAME", data_format: DataFormat2D = NHWC,
    name: str | None = None, input: TensorLike | None = None, filters: TensorLike | None = None,
    dilations: Size | None = None,
) -> Tensor:  # fmt: skip
    """Apply the transpose of conv2d, which maps an output of the convolution back to the shape of an image.

    Source: Zeiler, Krishnan, Taylor and Fergus 2010, Deconvolutional Networks.

    Args:
        value: Tensor [N,P,Q,I] of a floating dtype; [N,I,P,Q] with data_format NCHW.
        filter: Filters [KH,KW,O,I] of the dtype of `value`: those of a convolution from O to I channels.
        output_shape: Shape [N,H,W,O] of the result, in the order of `data_format`: numbers, an integer tensor, or a
            list of both.
        strides: Strides of the convolution, in the forms that `conv2d` takes; they enlarge the result.
        padding: SAME, VALID, or numbers, as `conv2d` takes them.
        data_format: NHWC or NCHW.
        name: Name of the node.
        input: TensorFlow 2's name of `value`.
        filters: TensorFlow 2's name of `filter`.
        dilations: Distances between the taps of a filter, in the forms of `strides`.

    Returns:
        A tensor of the shape `output_shape` and the dtype of `value`.

    Raises:
        ShapeError: A convolution from `output_shape` does not give the shape of `value`.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 2, 2, 1])
        >>> y = tf.nn.conv2d_transpose(x, tf.ones([2, 2, 1, 1]), [1, 4, 4, 1], strides=[1, 2, 2, 1])
        >>> tf.Session().run(y)[0, :, :, 0]
        array([[1., 1., 2., 2.],
               [1., 1., 2., 2.],
               [3., 3., 4., 4.],
               [3., 3., 4., 4.]], dtype=float32)
    """
    image, weights = renamed("input", input, "value", value), renamed("filters", filters, "filter", filter)
    dilated = (1, 1, 1, 1) if dilations is None else dilations
    return _transposed(
        image, weights, output_shape, strides, padding, data_format, dilated, name, "conv2d_transpose"
    )  # fmt: skip


def _transposed(
    grad: Any, weights: Any, sizes: Any, strides: Any, padding: Any, form: str, dilations: Any, name: str | None,
    default: str,
) -> Tensor:  # fmt: skip
    op = Conv2DBackpropInput(
        parse_sizes(strides, "strides", form), parse_padding(padding, form), parse_sizes(dilations, "dilations", form)
    )
    graph = graph_of([as_tensor_like(v) for v in (grad, weights, sizes)])

    def transposed(delta: Any, name: str | None) -> Tensor:
        with graph.name_scope(name or default) as scope:
            y, w = convert_pair(delta, weights)
            dims, last = shape_operand(sizes), graph.last_id
            like = fill(_in_nhwc(dims, form), y.dtype.np_dtype.type(0), name="input_sizes")
            graph.last_id = last + (not in_graph(sizes))
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
