"""Three-dimensional cross-correlation, composed of conv2d: every backend runs it and all its gradients.

The K_D planes under a window become channels side by side. One two-dimensional convolution, with the filter's planes
arranged in the same way, then sums over all of them.
"""

from __future__ import annotations

from typing import Any, Literal

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import Dim, format_shape
from minigraph.core.typing import Padding, Size, TensorLike
from minigraph.ops.array.joining import concat
from minigraph.ops.array.reshape import reshape, transpose
from minigraph.ops.array.shape import known_dims
from minigraph.ops.array.slicing import getitem, pad
from minigraph.ops.builder import as_tensor_like, graph_of
from minigraph.ops.nn.conv2d import conv2d
from minigraph.ops.window import explicit_padding, output_size, parse_sizes, reach

__all__ = ["conv3d"]


def conv3d(
    input: TensorLike, filter: TensorLike | None = None, strides: Size | None = None, padding: Padding | None = None,
    data_format: Literal["NDHWC"] = "NDHWC", dilations: Size = (1, 1, 1, 1, 1), name: str | None = None,
    filters: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlate volumes with filters: conv2d with a third spatial axis, the depth.

    Args:
        input: Volumes [N,D,H,W,C] of a floating dtype. Their depth must be known if `padding` is SAME and the stride
            along it is above 1.
        filter: Filters [KD,KH,KW,C,O] of known shape and of the dtype of `input`.
        strides: [1, depth, rows, columns, 1], the three in the middle, or one number for them.
        padding: SAME or VALID.
        data_format: NDHWC, the only one supported.
        dilations: Distances between the taps of a filter, in the forms of `strides`.
        name: Name scope of the nodes.
        filters: TensorFlow 2's name of `filter`.

    Returns:
        A tensor [N,P,Q,R,O] of the dtype of `input`.

    Raises:
        ShapeError: The shapes do not fit, or a size that must be known is unknown.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> y = tf.nn.conv3d(tf.ones([1, 3, 3, 3, 2]), tf.ones([2, 2, 2, 2, 1]), strides=[1] * 5, padding="VALID")
        >>> y.shape.as_list(), tf.Session().run(y).max().item()
        ([1, 2, 2, 2, 1], 16.0)
    """
    if data_format != "NDHWC":
        raise ValueError(f"data_format must be NDHWC, not {data_format!r}")
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be SAME or VALID, not {padding!r}")
    step, spread = parse_sizes(strides, "strides", rank=3), parse_sizes(dilations, "dilations", rank=3)
    given = as_tensor_like(renamed("filters", filters, "filter", filter))
    graph = graph_of([as_tensor_like(input), given])
    with graph.as_default(), graph.name_scope(name or "Conv3D") as scope:
        x = convert_to_tensor(input)
        w = convert_to_tensor(given, x.dtype)
        _check(x, w)
        kernel, rows, columns, depth, outs = w.type.static
        before, after = _depth_padding(x, kernel, step[0], spread[0], padding)
        if before or after:
            x = pad(x, [[0, 0], [before, after], [0, 0], [0, 0], [0, 0]])
        planes = _planes(x, kernel, step[0], spread[0])
        flat = reshape(planes, [-1, *known_dims(planes, (2, 3)), kernel * depth])
        filters2d = reshape(transpose(w, [1, 2, 0, 3, 4]), [rows, columns, kernel * depth, outs])
        y = conv2d(flat, filters2d, [1, *step[1:], 1], padding, dilations=[1, *spread[1:], 1])
        out = output_size(x.type.shape[1], kernel, step[0], spread[0], "VALID")  # type: ignore[index]
        tail = [known_dims(planes, (1,))[0], *known_dims(y, (1, 2)), outs]
        batch = -1 if outs else known_dims(x, (0,))[0]
        result = reshape(y, [batch, *tail], scope)
        result.set_shape([x.type.shape[0], out, *y.type.shape[1:]])  # type: ignore[index]
        return result


def _planes(x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    """[N,D',H,W,K·C]: the K input planes under the window of each output plane, side by side."""
    last = reach(kernel, dilation) - 1
    found = []
    for t in range(0, last + 1, dilation):
        stop = t - last if t < last else None
        found.append(getitem(x, (slice(None), slice(t, stop, stride))))
    return found[0] if kernel == 1 else concat(found, 4)


def _depth_padding(x: Tensor, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    depth: Dim = (x.type.shape or ())[1]
    if padding == "SAME" and stride > 1 and depth is None:
        raise ShapeError("conv3d: with SAME and a stride over the depth, the depth must be known")
    return explicit_padding(depth or 1, kernel, stride, dilation, padding)


def _check(x: Tensor, w: Tensor) -> None:
    if x.type.rank != 5 or not w.type.is_static or w.type.rank != 5:
        shapes = f"{format_shape(x.type.shape)} and {format_shape(w.type.shape)}"
        raise ShapeError(f"conv3d takes [N,D,H,W,C] and a filter [KD,KH,KW,C,O] of known shape; got {shapes}")
    require_elements("conv3d", x.type.shape, w)
    channels = x.type.shape[4]  # type: ignore[index]
    if channels != w.type.static[3]:
        raise ShapeError(f"Dimensions must be equal, but are {channels} (channels) and {w.type.static[3]} for 'Conv3D'")


def require_elements(op: str, volume: Any, w: Tensor) -> None:
    """ShapeError if a size of a volume [N,D,H,W,C] but N, or one of a filter [KD,KH,KW,C,O] but O, is below 1."""
    if 0 in w.type.static[:4] or any(size is not None and size < (axis > 0) for axis, size in enumerate(volume)):
        shapes = f"the volume {format_shape(volume)} and the filter {format_shape(w.type.shape)}"
        raise ShapeError(
            f"{op}: the sizes and channels of volumes and the sizes of filters must be positive; got {shapes}"
        )
