"""Convolution in one to three dimensions, by the rank of the image."""

from __future__ import annotations

from typing import Any

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.typing import DataFormat, Padding, Size, TensorLike
from minigraph.ops.builder import composed
from minigraph.ops.data_format import NHWC
from minigraph.ops.nn.conv2d import conv2d
from minigraph.ops.nn.conv3d import conv3d
from minigraph.ops.nn.convolve import conv1d
from minigraph.ops.window import parse_sizes

__all__ = ["atrous_conv2d", "convolution"]


def convolution(
    input: TensorLike, filter: TensorLike | None = None, padding: Padding = "VALID", strides: Size | None = None,
    dilation_rate: Size | None = None, name: str | None = None, data_format: DataFormat | None = None,
    filters: TensorLike | None = None, dilations: Size | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlate in one, two or three dimensions: conv1d, conv2d or conv3d by the rank of `input`.

    Args:
        input: Tensor [N,L,C], [N,H,W,C] or [N,D,H,W,C] of a floating dtype; [N,C,H,W] with data_format NCHW.
        filter: Filters [K,C,O], [KH,KW,C,O] or [KD,KH,KW,C,O] of the dtype of `input`.
        padding: SAME or VALID.
        strides: One number, or one for each spatial axis; 1 by default.
        dilation_rate: Distances between the taps of a filter: one number, or one for each spatial axis; 1 by default.
        name: Name of the operation.
        data_format: NWC, NHWC (also NCHW) or NDHWC, by the rank; channels last by default.
        filters: TensorFlow 2's name of `filter`.
        dilations: TensorFlow 2's name of `dilation_rate`.

    Returns:
        A tensor of the rank and dtype of `input`, with O channels.

    Raises:
        ShapeError: `input` has another rank, or the shapes do not fit.
        DTypeError: The dtypes differ or are not floating.
        ValueError: An argument has an invalid value.

    Example:
        >>> y = tf.nn.convolution(tf.ones([1, 6, 2]), tf.ones([3, 2, 4]), padding="SAME", strides=2)
        >>> y.shape.as_list()
        [1, 3, 4]
    """
    x = convert_to_tensor(input)
    count = (x.type.rank or 0) - 2
    form: Any = data_format  # the function of this rank checks it
    weights = renamed("filters", filters, "filter", filter)
    rate = renamed("dilations", dilations, "dilation_rate", dilation_rate)
    if count not in (1, 2, 3):
        raise ShapeError(f"Input tensor must be of rank 3, 4 or 5 but was {count + 2}.")
    given = ((strides, "strides"), (rate, "dilation_rate"))
    step, spread = (parse_sizes(1 if v is None else v, what, form, count) for v, what in given)
    with composed(name, "convolution", x, weights) as scope:
        whole = scope if max(spread) == 1 else "BatchToSpaceND"  # TensorFlow's last node for a dilated convolution
        if count == 1:
            return conv1d(x, weights, step, padding, data_format=form, dilations=spread)
        if count == 3:
            return conv3d(x, weights, step, padding, form or "NDHWC", spread, name=scope)
        return conv2d(x, weights, step, padding, data_format=form or NHWC, dilations=spread, name=whole)


def atrous_conv2d(
    value: TensorLike, filters: TensorLike, rate: Size, padding: Padding, name: str | None = None
) -> Tensor:
    """Cross-correlate images with dilated filters: conv2d with rate − 1 pixels left out between the taps.

    Source: Chen, Papandreou, Kokkinos, Murphy and Yuille 2015, Semantic Image Segmentation with Deep Convolutional Nets
    and Fully Connected CRFs.

    Args:
        value: Images [N,H,W,C] of a floating dtype.
        filters: Filters [KH,KW,C,O] of the dtype of `value`.
        rate: Distance between the taps: one number, or [rows, columns].
        padding: SAME or VALID.
        name: Name of the operation.

    Returns:
        A tensor [N,P,Q,O] of the dtype of `value`.

    Raises:
        ShapeError: The shapes do not fit.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `rate` or `padding` has an invalid value.

    Example:
        >>> y = tf.nn.atrous_conv2d(tf.ones([1, 5, 5, 1]), tf.ones([3, 3, 1, 1]), rate=2, padding="VALID")
        >>> tf.Session().run(y)
        array([[[[9.]]]], dtype=float32)
    """
    return convolution(value, filters, padding, dilation_rate=parse_sizes(rate, "rate"), name=name)
