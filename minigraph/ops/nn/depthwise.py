"""Depthwise and separable convolution."""

from __future__ import annotations

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import Dim, format_shape
from minigraph.core.typing import DataFormat2D, PaddingLike, Size, TensorLike
from minigraph.ops.array.reshape import reshape
from minigraph.ops.builder import composed, convert_pair
from minigraph.ops.data_format import NCHW, NHWC
from minigraph.ops.nn.conv2d import conv2d, grouped_conv2d
from minigraph.ops.window import parse_sizes

__all__ = ["depthwise_conv2d", "depthwise_conv2d_native", "separable_conv2d"]


def depthwise_conv2d(
    input: TensorLike, filter: TensorLike, strides: Size, padding: PaddingLike, rate: Size | None = None,
    name: str | None = None, data_format: DataFormat2D | None = None, dilations: Size | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlate each channel with filters of its own.

    Output channel i·M + m is the cross-correlation of input channel i with filter[:, :, i, m].

    Args:
        input: Images [N,H,W,C] of a floating dtype; [N,C,H,W] with data_format NCHW.
        filter: M filters for each channel, [KH,KW,C,M], of known shape and of the dtype of `input`.
        strides: [1, rows, columns, 1], in the order of `data_format`.
        padding: SAME, VALID or numbers, as `conv2d` takes them.
        rate: Distances between the taps of a filter: one number, or [rows, columns]; 1 by default.
        name: Name of the operation.
        data_format: NHWC (the default) or NCHW.
        dilations: TensorFlow 2's name of `rate`.

    Returns:
        A tensor [N,P,Q,C·M], or [N,C·M,P,Q] with data_format NCHW, of the dtype of `input`.

    Raises:
        ShapeError: The shapes do not fit, or the shape of `filter` is not known.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `rate` or `data_format` has an invalid value.

    Example:
        >>> image = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 1, 2, 2])
        >>> weights = tf.reshape([1.0, 10.0, 100.0, 1000.0], [1, 1, 2, 2])
        >>> y = tf.nn.depthwise_conv2d(image, weights, strides=[1, 1, 1, 1], padding="VALID")
        >>> tf.Session().run(y)[0, 0]
        array([[1.e+00, 1.e+01, 2.e+02, 2.e+03],
               [3.e+00, 3.e+01, 4.e+02, 4.e+03]], dtype=float32)
    """
    with composed(name, "depthwise", input, filter) as scope:
        x, w = convert_pair(input, filter)
        return _depthwise(x, w, strides, padding, renamed("dilations", dilations, "rate", rate), data_format, scope)


def depthwise_conv2d_native(
    input: TensorLike, filter: TensorLike, strides: Size, padding: PaddingLike,
    data_format: DataFormat2D | None = None, dilations: Size | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlate each channel with filters of its own: `depthwise_conv2d` with its arguments in another order.

    Args:
        input: Images [N,H,W,C] of a floating dtype; [N,C,H,W] with data_format NCHW.
        filter: M filters for each channel, [KH,KW,C,M], of known shape and of the dtype of `input`.
        strides: [1, rows, columns, 1], in the order of `data_format`.
        padding: SAME, VALID or numbers, as `conv2d` takes them.
        data_format: NHWC (the default) or NCHW.
        dilations: Distances between the taps of a filter, in the forms of `strides`.
        name: Name of the operation.

    Returns:
        A tensor [N,P,Q,C·M], or [N,C·M,P,Q] with data_format NCHW, of the dtype of `input`.

    Raises:
        ShapeError: The shapes do not fit, or the shape of `filter` is not known.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> image, weights = tf.ones([1, 2, 2, 3]), tf.ones([2, 2, 3, 1])
        >>> y = tf.nn.depthwise_conv2d_native(image, weights, strides=[1, 1, 1, 1], padding="VALID")
        >>> tf.Session().run(y)[0, 0]
        array([[4., 4., 4.]], dtype=float32)
    """
    given = None if dilations is None else parse_sizes(dilations, "dilations", data_format or NHWC)
    return depthwise_conv2d(input, filter, strides, padding, given, name, data_format)


def separable_conv2d(
    input: TensorLike, depthwise_filter: TensorLike, pointwise_filter: TensorLike, strides: Size,
    padding: PaddingLike, rate: Size | None = None, name: str | None = None,
    data_format: DataFormat2D | None = None, dilations: Size | None = None,
) -> Tensor:  # fmt: skip
    """Apply a depthwise convolution, then a 1×1 convolution that mixes the channels.

    Args:
        input: Images [N,H,W,C] of a floating dtype; [N,C,H,W] with data_format NCHW.
        depthwise_filter: Filters [KH,KW,C,M] of known shape and of the dtype of `input`.
        pointwise_filter: Filters [1,1,C·M,O] of the dtype of `input`.
        strides, padding, rate: Those of the depthwise convolution, in the forms that `depthwise_conv2d` takes.
        name: Name scope of the nodes.
        data_format: NHWC (the default) or NCHW.
        dilations: TensorFlow 2's name of `rate`.

    Returns:
        A tensor [N,P,Q,O], or [N,O,P,Q] with data_format NCHW, of the dtype of `input`.

    Raises:
        ShapeError: The shapes do not fit, or the shape of `depthwise_filter` is not known.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `rate` or `data_format` has an invalid value.

    Example:
        >>> image, deep, mix = tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 2, 1]), tf.ones([1, 1, 2, 5])
        >>> y = tf.nn.separable_conv2d(image, deep, mix, strides=[1, 1, 1, 1], padding="VALID")
        >>> y.shape.as_list(), tf.Session().run(y).max().item()
        ([1, 2, 2, 5], 18.0)
    """
    with composed(name, "separable_conv2d", input, depthwise_filter, pointwise_filter) as scope:
        x, w = convert_pair(input, depthwise_filter)
        mixing = convert_to_tensor(pointwise_filter, x.dtype)
        if mixing.type.rank != 4 or not set((mixing.type.shape or ())[:2]) <= {1, None}:
            raise ShapeError(f"the pointwise filter must be [1,1,C,O], not {format_shape(mixing.type.shape)}")
        deep = _depthwise(
            x, w, strides, padding, renamed("dilations", dilations, "rate", rate), data_format, "depthwise"
        )
        return conv2d(deep, mixing, 1, "VALID", data_format=data_format or NHWC, name=scope)


def _depthwise(
    x: Tensor, w: Tensor, strides: Size, padding: PaddingLike, rate: Size | None, form: DataFormat2D | None, name: str
) -> Tensor:
    if w.type.rank != 4 or not w.type.is_static:
        raise ShapeError(f"a depthwise filter must be [KH,KW,C,M] of known shape, not {format_shape(w.type.shape)}")
    rows, columns, channels, fan = w.type.static
    found: Dim = None if x.type.rank != 4 else x.type.shape[1 if form == NCHW else 3]  # type: ignore[index]
    if found not in (None, channels):
        raise ShapeError(f"Dimensions must be equal, but are {found} (channels) and {channels} (depthwise filter)")
    flat = reshape(w, [rows, columns, 1, channels * fan])
    spread = parse_sizes(1 if rate is None else rate, "rate", form)
    return grouped_conv2d(x, flat, channels, strides, padding, form or NHWC, spread, name)
