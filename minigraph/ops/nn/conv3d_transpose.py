"""The transpose of conv3d, composed of that of conv2d.

Each plane of the value reaches KD planes of the result. conv2d_transpose computes the rows and columns of all KD as
channels side by side. `_along_depth` then adds each of these planes at its place along the depth. It moves S neighbours
together, because the stride S sets the KD planes of neighbouring values S places apart.
"""

from __future__ import annotations

from typing import Any, Literal

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import Padding, ShapeLike, Size, TensorLike
from minigraph.ops.array.known import in_graph
from minigraph.ops.array.reshape import reshape, transpose
from minigraph.ops.array.shape import known_dims, packed, shape_operand, static_dims
from minigraph.ops.array.slicing import getitem, pad
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.math.add_n import add_n
from minigraph.ops.nn.conv3d import require_elements
from minigraph.ops.nn.conv_transpose import conv2d_transpose
from minigraph.ops.window import explicit_padding, output_size, parse_sizes

__all__ = ["conv3d_transpose"]


def conv3d_transpose(
    value: TensorLike | None = None, filter: TensorLike | None = None, output_shape: ShapeLike | TensorLike = None,
    strides: Size | None = None, padding: Padding = "SAME", data_format: Literal["NDHWC"] = "NDHWC",
    name: str | None = None, input: TensorLike | None = None, filters: TensorLike | None = None,
    dilations: Size | None = None,
) -> Tensor:  # fmt: skip
    """Apply the transpose of conv3d, which maps an output of the convolution back to the shape of a volume.

    Source: Zeiler, Krishnan, Taylor and Fergus 2010, Deconvolutional Networks.

    Args:
        value: Tensor [N,P,Q,R,I] of a floating dtype, with P, Q and R known.
        filter: Filters [KD,KH,KW,O,I] of known shape and of the dtype of `value`: those of a convolution from O to I
            channels.
        output_shape: Shape [N,D,H,W,O] of the result: numbers, an integer tensor, or a list of both. All but N must be
            known when the graph is built.
        strides: [1, depth, rows, columns, 1] of the convolution, the three in the middle, or one number for them; they
            enlarge the result.
        padding: SAME or VALID.
        data_format: NDHWC, the only one supported.
        name: Name of the result.
        input: TensorFlow 2's name of `value`.
        filters: TensorFlow 2's name of `filter`.
        dilations: Distances between the taps of a filter, which must be 1, as on TensorFlow's CPUs.

    Returns:
        A tensor of the shape `output_shape` and the dtype of `value`.

    Raises:
        ShapeError: A convolution from `output_shape` does not give the shape of `value`, or a size that must be known
            is unknown.
        ValueError: `strides`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> x, w = tf.ones([1, 1, 1, 1, 2]), tf.ones([2, 2, 2, 1, 2])
        >>> y = tf.nn.conv3d_transpose(x, w, [1, 2, 2, 2, 1], strides=[1, 2, 2, 2, 1])
        >>> tf.Session().run(y)[0, 0, :, :, 0]
        array([[2., 2.],
               [2., 2.]], dtype=float32)
    """
    if data_format != "NDHWC":
        raise ValueError(f"data_format must be NDHWC, not {data_format!r}")
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be SAME or VALID, not {padding!r}")
    if dilations is not None and parse_sizes(dilations, "dilations", rank=3) != (1, 1, 1):
        raise ValueError(f"conv3d_transpose: dilations must be 1, not {dilations}")
    given, weights = renamed("input", input, "value", value), renamed("filters", filters, "filter", filter)
    steps = parse_sizes(strides, "strides", rank=3)
    with composed(name, "conv3d_transpose", as_tensor_like(given), as_tensor_like(weights)) as scope:
        y = convert_to_tensor(given)
        w = convert_to_tensor(weights, y.dtype)
        with y.graph.counted_as(1 + (not in_graph(output_shape))):
            return _transposed(y, w, output_shape, steps, padding, scope)


def _transposed(y: Tensor, w: Tensor, output_shape: Any, steps: tuple[int, ...], padding: Padding, name: str) -> Tensor:
    target = shape_operand(output_shape)
    dims: Any = (static_dims(target) or ()) if isinstance(target, Tensor) else target
    _check(y, w, dims, steps, padding)
    kernel, rows, columns, outs, channels = w.type.static
    batch, planes, *sides = known_dims(y, (0, 1, 2, 3))
    height, width = dims[2:4]
    flat = reshape(y, [batch * planes, *sides, channels])
    filters2d = reshape(transpose(w, [1, 2, 0, 3, 4]), [rows, columns, kernel * outs, channels])
    spread = packed([batch * planes, height, width, kernel * outs])
    reached = conv2d_transpose(flat, filters2d, spread, steps[1:], padding)
    whole = _along_depth(reshape(reached, [-1, planes, height * width, kernel, outs]), steps[0])
    before = explicit_padding(dims[1], kernel, steps[0], 1, padding)[0]
    volume = getitem(whole, (slice(None), slice(before, before + dims[1])))
    reached_depth: Any = (volume.type.shape or ())[1]
    if missing := dims[1] - reached_depth:  # planes that no window reaches
        volume = pad(volume, [[0, 0], [0, missing], [0, 0], [0, 0]])
    result = reshape(volume, target, name)
    result.set_shape(dims)
    return result


def _along_depth(x: Tensor, stride: int) -> Tensor:
    """[N,P,F,K,O] as [N,D,F,O]: tap k of plane p is added at p·stride + k. D is a multiple of the stride."""
    known: Any = x.type.shape
    _, planes, area, kernel, outs = known
    groups = -(-kernel // stride)
    x = pad(x, [[0, 0], [0, 0], [0, 0], [0, groups * stride - kernel], [0, 0]])
    x = transpose(reshape(x, [-1, planes, area, groups, stride, outs]), [3, 0, 1, 4, 2, 5])
    x = reshape(x, [groups, -1, planes * stride, area, outs])
    moved = []
    for g in range(groups):
        around = [[0, 0], [g * stride, (groups - 1 - g) * stride], [0, 0], [0, 0]]
        moved.append(pad(getitem(x, g), around))
    return add_n(moved)


def _check(y: Tensor, w: Tensor, dims: Any, steps: tuple[int, ...], padding: str) -> None:
    here = y.type.shape or ()
    if len(here) != 5 or w.type.rank != 5 or not w.type.is_static or len(dims) != 5 or None in (*dims[1:], *here[1:4]):
        shapes = f"{format_shape(y.type.shape)}, {format_shape(w.type.shape)} and {format_shape(dims)}"
        raise ShapeError(f"conv3d_transpose takes a value [N,P,Q,R,I], a filter [KD,KH,KW,O,I] and an output_shape "
                         f"[N,D,H,W,O], with all sizes but N known; got {shapes}")  # fmt: skip
    require_elements("conv3d_transpose", dims, w)
    windows = zip(dims[1:4], w.type.static[:3], steps, strict=True)
    expected = (dims[0], *(output_size(d, k, s, 1, padding) for d, k, s in windows), w.type.static[4])
    agree = all(None in pair or pair[0] == pair[1] for pair in zip(here, expected, strict=True))
    if not agree or dims[4] != w.type.static[3]:
        raise ShapeError(
            f"{format_shape(here)} is not the shape of a convolution from {format_shape(dims)} with the filter "
            f"{format_shape(w.type.shape)}, which is {format_shape(expected)}"
        )
