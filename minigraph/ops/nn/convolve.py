"""True convolution in one and two dimensions, and TensorFlow's conv1d: compositions of conv2d.

Layers cross-correlate: y[n] = Σ_k x[n + k]·h[k]. Signal processing convolves: y[n] = Σ_k x[k]·h[n − k], which is the
cross-correlation with the reversed kernel, h[K − 1 − k].
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import float64, int64
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import Padding, Size, TensorLike
from minigraph.ops.array.reshape import expand_dims, squeeze, tile
from minigraph.ops.array.reversal import reverse
from minigraph.ops.builder import as_tensor_like, graph_of
from minigraph.ops.math.casting import cast
from minigraph.ops.nn.conv2d import conv2d, grouped_conv2d
from minigraph.ops.window import Pair, parse_sizes

__all__ = ["conv1d", "convolve1d", "convolve2d"]

ConvolveMode: TypeAlias = Literal["full", "same", "valid"]


def convolve2d(images: TensorLike, kernel: TensorLike, mode: ConvolveMode = "full", name: str | None = None) -> Tensor:
    """Convolve each channel with one kernel: y(n1,n2) = Σ Σ x(k1,k2)·h(n1−k1,n2−k2), where x is 0 outside the image.

    This is the convolution of signal processing, `scipy.signal.convolve2d`; TensorFlow 1 has no function for it.

    Args:
        images: Tensor [H,W], [N,H,W], or [N,H,W,C] with known C, of a floating or an integer dtype. Integers are
            computed in float64, so they are exact as long as all sums are below 2**53. A sum beyond the dtype wraps,
            as in SciPy.
        kernel: Tensor [KH,KW] of known size, of the dtype of `images`.
        mode: Rows of the result (columns likewise). "full": all H+KH−1 rows in which the kernel meets the image;
            "same": H rows of these, from row (KH−1)//2 on; "valid": the H−KH+1 rows in which the whole kernel lies on
            the image.
        name: Name scope of the nodes.

    Returns:
        A tensor of the rank and dtype of `images`.

    Raises:
        ShapeError: `images` or `kernel` has another rank, or the number of channels or the kernel's size is unknown.
        DTypeError: The dtypes differ or are neither floating nor integer.
        ValueError: `mode` is unknown.

    Example:
        >>> y = tf.nn.convolve2d([[1.0, 2.0], [3.0, 4.0]], [[1.0, -1.0]])
        >>> tf.Session().run(y)
        array([[ 1.,  1., -2.],
               [ 3.,  1., -4.]], dtype=float32)
    """
    if mode not in get_args(ConvolveMode):
        raise ValueError(f"mode must be one of {', '.join(get_args(ConvolveMode))}, not {mode!r}")
    graph = graph_of([as_tensor_like(images), as_tensor_like(kernel)])
    with graph.as_default(), graph.name_scope(name or "convolve2d"):
        x = convert_to_tensor(images)
        h = convert_to_tensor(kernel, x.dtype)
        if x.type.rank not in (2, 3, 4) or h.type.rank != 2:
            given = f"{format_shape(x.type.shape)} and {format_shape(h.type.shape)}"
            raise ShapeError(f"convolve2d takes [H,W], [N,H,W] or [N,H,W,C], and a kernel [KH,KW]; got {given}")
        if None in (h.type.shape or ()):
            raise ShapeError(
                f"convolve2d needs a kernel of known size, such as [3,3], not {format_shape(h.type.shape)}"
            )
        pads, channels = [_padding(k, mode) for k in h.type.static], _channels(x)
        batch, filters = _as_batch(x), _rotated(h, channels)
        if x.dtype.is_integer:
            batch, filters = cast(batch, float64), cast(filters, float64)
        y = grouped_conv2d(batch, filters, channels, 1, pads)
        if x.dtype.is_integer:
            y = cast(
                cast(y, int64), x.dtype
            )  # from int64 it wraps; from float64, the value beyond a dtype is undefined
        added = {2: [0, 3], 3: [3], 4: []}[x.type.rank]
        return squeeze(y, added) if added else y


def convolve1d(x: TensorLike, kernel: TensorLike, mode: ConvolveMode = "full", name: str | None = None) -> Tensor:
    """Convolve signals with a kernel: y(n) = Σ x(k)·h(n−k), where x is 0 outside the signal.

    This is the convolution of signal processing, `np.convolve`; TensorFlow 1 has no function for it.

    Args:
        x: Signals [L] or [N,L] of a floating or an integer dtype, as in `convolve2d`.
        kernel: Tensor [K] of the dtype of `x`.
        mode: "full" for L+K−1 elements, "same" for L, "valid" for L−K+1, as in `convolve2d`.
        name: Name scope of the nodes.

    Returns:
        A tensor of the rank and dtype of `x`.

    Raises:
        ShapeError: `x` or `kernel` has another rank.
        DTypeError: The dtypes differ or are neither floating nor integer.
        ValueError: `mode` is unknown.

    Example:
        >>> tf.Session().run(tf.nn.convolve1d([1.0, 2.0, 3.0], [1.0, 10.0]))
        array([ 1., 12., 23., 30.], dtype=float32)
    """
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


def _channels(x: Tensor) -> int:
    channels = (x.type.shape or ())[3] if x.type.rank == 4 else 1
    if channels is None:
        raise ShapeError(
            f"convolve2d needs to know the number of channels; the images are {format_shape(x.type.shape)}"
        )
    return channels


def _rotated(h: Tensor, channels: int) -> Tensor:
    """The kernel rotated by 180°, as one filter for each channel: [KH,KW,1,C]."""
    filters = expand_dims(expand_dims(reverse(h, [0, 1]), 2), 3)
    return filters if channels == 1 else tile(filters, [1, 1, 1, channels])


def _padding(size: int, mode: str) -> Pair:
    if mode == "full":
        return size - 1, size - 1
    return (size // 2, (size - 1) // 2) if mode == "same" else (0, 0)


def conv1d(
    value: TensorLike | None = None, filters: TensorLike | None = None, stride: Size | None = None,
    padding: Padding | None = None, use_cudnn_on_gpu: bool | None = None, data_format: Literal["NWC"] | None = None,
    name: str | None = None, input: TensorLike | None = None, dilations: Size | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlate signals with filters: y[n,p,o] = Σ_{k,i} x[n, p·S + k·D − P, i]·w[k,i,o].

    Args:
        value: Signals [N,L,C] of a floating dtype.
        filters: Filters [K,C,O] of the dtype of `value`.
        stride: Step S between windows: a number or [1, number, 1]; 1 by default.
        padding: SAME or VALID.
        use_cudnn_on_gpu: Accepted for TensorFlow's sake; without effect.
        data_format: NWC, the only one supported.
        name: Name scope of the nodes.
        input: TensorFlow 2's name of `value`.
        dilations: Distance D between the taps of a filter, in the forms of `stride`.

    Returns:
        A tensor [N,P,O] of the dtype of `value`.

    Raises:
        ShapeError: The shapes do not fit.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `stride`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> x = tf.reshape([1.0, 2.0, 3.0, 4.0], [1, 4, 1])
        >>> y = tf.nn.conv1d(x, tf.reshape([1.0, 10.0], [2, 1, 1]), stride=1, padding="VALID")
        >>> tf.Session().run(y).ravel()
        array([21., 32., 43.], dtype=float32)
    """
    signals: Any = renamed("input", input, "value", value)
    weights: Any = filters
    x = convert_to_tensor(signals)
    if data_format not in (None, "NWC"):
        raise ValueError(f"data_format must be NWC, not {data_format!r}")
    given = ((stride, "stride"), (dilations, "dilations"))
    (step,), (dilation,) = (parse_sizes(1 if v is None else v, what, rank=1) for v, what in given)
    with x.graph.as_default(), x.graph.name_scope(name or "conv1d") as scope:
        w = expand_dims(convert_to_tensor(weights, x.dtype), 0, name="ExpandDims_1")
        rows = expand_dims(x, 1, name="ExpandDims")
        y = conv2d(rows, w, [1, 1, step, 1], padding, dilations=[1, 1, dilation, 1])
        return squeeze(y, [1], name=scope if name else "Squeeze")
