"""Pooling in one and three dimensions, composed of two-dimensional pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from minigraph.core.arguments import integers, renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import DataFormat, DataFormat1D, Padding, Size, TensorLike
from minigraph.ops.array.reshape import expand_dims, reshape, squeeze
from minigraph.ops.array.shape import known_dims
from minigraph.ops.builder import composed
from minigraph.ops.data_format import NCHW, NHWC
from minigraph.ops.nn.avg_pool import avg_pool
from minigraph.ops.nn.max_pool import max_pool
from minigraph.ops.window import parse_sizes

__all__ = ["avg_pool1d", "avg_pool3d", "max_pool1d", "max_pool3d", "pool"]

Pooling = Callable[..., Tensor]


def max_pool1d(
    input: TensorLike, ksize: Size, strides: Size, padding: Padding,
    data_format: DataFormat1D = "NWC", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the largest element of each window of signals.

    Args:
        input: Signals [N,L,C], or [N,C,L] with data_format NCW, of a numeric dtype.
        ksize: Size of the window: a number, or [1, number, 1] in the order of `data_format`.
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME or VALID.
        data_format: NWC or NCW.
        name: Name of the operation.

    Returns:
        A tensor [N,P,C], or [N,C,P] with data_format NCW, of the dtype of `input`.

    Raises:
        ShapeError: `input` is not 3-dimensional, or a window is longer than the padded signal.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.

    Example:
        >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 4, 1])
        >>> tf.Session().run(tf.nn.max_pool1d(x, ksize=2, strides=2, padding="VALID")).ravel()
        array([2., 4.], dtype=float32)
    """
    return _pool1d(max_pool, input, ksize, strides, padding, data_format, name or "MaxPool1d")


def avg_pool1d(
    input: TensorLike, ksize: Size, strides: Size, padding: Padding,
    data_format: DataFormat1D = "NWC", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the mean of each window of signals; padding does not count.

    Args:
        input: Signals [N,L,C], or [N,C,L] with data_format NCW, of a floating dtype.
        ksize: Size of the window: a number, or [1, number, 1] in the order of `data_format`.
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME or VALID.
        data_format: NWC or NCW.
        name: Name of the operation.

    Returns:
        A tensor [N,P,C], or [N,C,P] with data_format NCW, of the dtype of `input`.

    Raises:
        ShapeError: `input` is not 3-dimensional, or a window is longer than the padded signal.
        DTypeError: The dtype of `input` is not floating.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.

    Example:
        >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 4, 1])
        >>> tf.Session().run(tf.nn.avg_pool1d(x, ksize=2, strides=2, padding="VALID")).ravel()
        array([1.5, 3.5], dtype=float32)
    """
    return _pool1d(avg_pool, input, ksize, strides, padding, data_format, name or "AvgPool1D")


def _pool1d(pool: Pooling, value: Any, ksize: Any, strides: Any, padding: Any, form: str, name: str) -> Tensor:
    if form not in ("NWC", "NCW"):
        raise ValueError(f"data_format must be NWC or NCW, not {form!r}")
    last = form == "NWC"
    given = ((ksize, "ksize"), (strides, "strides"))
    window, step = ((1, *parse_sizes(v, what, form, rank=1)) for v, what in given)
    with composed(name, name, value) as scope:
        x = convert_to_tensor(value)
        at = 1 if last else 2
        y = pool(expand_dims(x, at), window, step, padding, NHWC if last else NCHW, name=scope)
        return squeeze(y, [at])


def max_pool3d(
    input: TensorLike, ksize: Size, strides: Size, padding: Padding,
    data_format: Literal["NDHWC"] = "NDHWC", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the largest element of each window of volumes.

    Args:
        input: Volumes [N,D,H,W,C] of a numeric dtype.
        ksize: Size of the window: [1, depth, rows, columns, 1], or one number for the three spatial axes.
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME or VALID.
        data_format: NDHWC, the only one supported.
        name: Name of the operation.

    Returns:
        A tensor [N,P,Q,R,C] of the dtype of `input`.

    Raises:
        ShapeError: `input` is not 5-dimensional, or a window is larger than the padded volume.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.

    Example:
        >>> x = tf.reshape(tf.range(8.0), [1, 2, 2, 2, 1])
        >>> tf.Session().run(tf.nn.max_pool3d(x, ksize=2, strides=2, padding="VALID")).item()
        7.0
    """
    return _pool3d(max_pool, input, ksize, strides, padding, data_format, name or "MaxPool3D")


def avg_pool3d(
    input: TensorLike, ksize: Size, strides: Size, padding: Padding,
    data_format: Literal["NDHWC"] = "NDHWC", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the mean of each window of volumes; padding does not count.

    Args:
        input: Volumes [N,D,H,W,C] of a floating dtype.
        ksize: Size of the window: [1, depth, rows, columns, 1], or one number for the three spatial axes.
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME or VALID.
        data_format: NDHWC, the only one supported.
        name: Name of the operation.

    Returns:
        A tensor [N,P,Q,R,C] of the dtype of `input`.

    Raises:
        ShapeError: `input` is not 5-dimensional, or a window is larger than the padded volume.
        DTypeError: The dtype of `input` is not floating.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.

    Example:
        >>> x = tf.reshape(tf.range(8.0), [1, 2, 2, 2, 1])
        >>> tf.Session().run(tf.nn.avg_pool3d(x, ksize=2, strides=2, padding="VALID")).item()
        3.5
    """
    return _pool3d(avg_pool, input, ksize, strides, padding, data_format, name or "AvgPool3D")


def _pool3d(pool: Pooling, value: Any, ksize: Any, strides: Any, padding: Any, form: str, name: str) -> Tensor:
    """Pool over the planes first, then over the depth: maxima and means over boxes are separable."""
    if form != "NDHWC":
        raise ValueError(f"data_format must be NDHWC, not {form!r}")
    given = ((ksize, "ksize"), (strides, "strides"))
    (depth, *window), (deep, *step) = (parse_sizes(v, what, rank=3) for v, what in given)
    with composed(name, name, value) as scope:
        x = convert_to_tensor(value)
        if x.type.rank != 5:
            raise ShapeError(f"{name} takes [N,D,H,W,C], not {format_shape(x.type.shape)}")
        rows, columns, channels = known_dims(x, (2, 3, 4))
        planes = pool(reshape(x, [-1, rows, columns, channels]), [1, *window, 1], [1, *step, 1], padding)
        p, q = known_dims(planes, (1, 2))
        columns_of_planes = reshape(planes, [-1, known_dims(x, (1,))[0], p * q, channels])
        y = pool(columns_of_planes, [1, depth, 1, 1], [1, deep, 1, 1], padding)
        result = reshape(y, [-1, known_dims(y, (1,))[0], p, q, channels], scope)
        static = [planes.type.shape, y.type.shape]
        result.set_shape([x.type.shape[0], static[1][1], *static[0][1:]])  # type: ignore[index]
        return result


def pool(
    input: TensorLike, window_shape: Sequence[int], pooling_type: Literal["MAX", "AVG"], padding: Padding,
    dilation_rate: Size | None = None, strides: Size | None = None, name: str | None = None,
    data_format: DataFormat | None = None, dilations: Size | None = None,
) -> Tensor:  # fmt: skip
    """Pool in one, two or three dimensions, by the length of `window_shape`.

    Args:
        input: Tensor [N,L,C], [N,H,W,C] or [N,D,H,W,C]; [N,C,L] or [N,C,H,W] with data_format NCW or NCHW.
        window_shape: Sizes of the window along the spatial axes.
        pooling_type: MAX for the largest element of each window, AVG for the mean.
        padding: SAME or VALID.
        dilation_rate: Must be 1 or None; dilated windows are not supported.
        strides: Steps between windows: one number, or one for each spatial axis; 1 by default. At most the size of the
            window.
        name: Name of the operation.
        data_format: NWC, NCW, NHWC, NCHW or NDHWC, by the rank; channels last by default.
        dilations: TensorFlow 2's name of `dilation_rate`.

    Returns:
        A tensor of the rank and dtype of `input`.

    Raises:
        ShapeError: `input` has another rank, or a window is larger than the padded input.
        ValueError: An argument has an invalid value.

    Example:
        >>> x = tf.reshape([1.0, 5.0, 3.0, 4.0], [1, 4, 1])
        >>> tf.Session().run(tf.nn.pool(x, [2], "MAX", "VALID", strides=[2])).ravel()
        array([5., 4.], dtype=float32)
    """
    window = integers(window_shape) or ()
    if not window:
        raise ValueError(f"window_shape must be a list of integers, not {window_shape!r}")
    steps = parse_sizes(1 if strides is None else strides, "strides", data_format, len(window))
    spread = renamed("dilations", dilations, "dilation_rate", dilation_rate)
    if spread is not None and np.max(spread) > 1:
        raise ValueError("tf.nn.pool: a dilation_rate above 1 is not supported")
    if any(s > w for s, w in zip(steps, window, strict=True)):
        raise ValueError(f"strides > window_shape is not supported: {list(steps)}, {list(window)}")
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
