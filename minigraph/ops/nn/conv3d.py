"""Three-dimensional cross-correlation, composed of conv2d, so that every backend has it with all its gradients.

The K_D planes that a window covers are laid side by side as channels; then one two-dimensional convolution with the
filter's planes laid the same way sums over all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import Dim, format_shape
from minigraph.ops.array.joining import concat, stack
from minigraph.ops.array.shape import reshape, shape, transpose
from minigraph.ops.array.slicing import getitem, pad
from minigraph.ops.builder import as_tensor_like, graph_of
from minigraph.ops.nn.conv2d import conv2d
from minigraph.ops.window import explicit_padding, output_size, reach

__all__ = ["conv3d"]


def conv3d(
    input: Any, filter: Any = None, strides: Any = None, padding: Any = None, data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1), name: str | None = None, filters: Any = None,
) -> Tensor:  # fmt: skip
    """Cross-correlation of `input` [N,D,H,W,C] with `filter` [KD,KH,KW,C,O], whose shape must be known.

    strides and dilations: [1, depth, rows, columns, 1]. padding: SAME or VALID. The depth may be unknown unless it is
    padded (SAME) and strided. ShapeError where the shapes do not fit.
    """
    if data_format != "NDHWC":
        raise ValueError(f"data_format must be NDHWC, not {data_format!r}")
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be SAME or VALID, not {padding!r}")
    step, spread = _sizes(strides, "strides"), _sizes(dilations, "dilations")
    given = as_tensor_like(filters if filter is None else filter)
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
        flat = reshaped(planes, [-1, *known_dims(planes, (2, 3)), kernel * depth])
        filters2d = reshape(transpose(w, [1, 2, 0, 3, 4]), [rows, columns, kernel * depth, outs])
        y = conv2d(flat, filters2d, [1, *step[1:], 1], padding, dilations=[1, *spread[1:], 1])
        out = output_size(x.type.shape[1], kernel, step[0], spread[0], "VALID")  # type: ignore[index]
        tail = [known_dims(planes, (1,))[0], *known_dims(y, (1, 2)), outs]
        result = reshaped(y, [-1, *tail], scope)
        result.set_shape([x.type.shape[0], out, *y.type.shape[1:]])  # type: ignore[index]
        return result


def _planes(x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    """[N,D',H,W,K·C]: for each output plane the planes of the window over it, side by side."""
    last = reach(kernel, dilation) - 1
    found = []
    for t in range(0, last + 1, dilation):
        stop = t - last if t < last else None
        found.append(getitem(x, (slice(None), slice(t, stop, stride))))
    return found[0] if kernel == 1 else concat(found, 4)


def known_dims(x: Tensor, axes: Sequence[int]) -> list[Any]:
    """Sizes as numbers where they are known, else as tensors."""
    known = x.type.shape or ()
    return [known[a] if known[a] is not None else getitem(shape(x), a) for a in axes]


def reshaped(x: Tensor, dims: list[Any], name: str | None = None) -> Tensor:
    return reshape(x, stack(dims) if any(isinstance(d, Tensor) for d in dims) else dims, name=name)


def _depth_padding(x: Tensor, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    depth: Dim = (x.type.shape or ())[1]
    if padding == "SAME" and stride > 1 and depth is None:
        raise ShapeError("conv3d: with SAME and a stride over the depth, the depth must be known")
    return explicit_padding(depth or 1, kernel, stride, dilation, padding)


def _check(x: Tensor, w: Tensor) -> None:
    if x.type.rank != 5 or not w.type.is_static or w.type.rank != 5:
        shapes = f"{format_shape(x.type.shape)} and {format_shape(w.type.shape)}"
        raise ShapeError(f"conv3d takes [N,D,H,W,C] and a filter [KD,KH,KW,C,O] of known shape; got {shapes}")
    channels = x.type.shape[4]  # type: ignore[index]
    if channels != w.type.static[3]:
        raise ShapeError(f"Dimensions must be equal, but are {channels} (channels) and {w.type.static[3]} for 'Conv3D'")


def _sizes(value: Any, what: str) -> tuple[int, int, int]:
    sizes = [1, value, value, value, 1] if isinstance(value, int) else list(value or ())
    if len(sizes) != 5 or (sizes[0], sizes[4]) != (1, 1) or any(int(s) < 1 for s in sizes):
        raise ValueError(f"{what} must be [1, depth, rows, columns, 1], all positive, got {value!r}")
    depth, rows, columns = (int(s) for s in sizes[1:4])
    return depth, rows, columns
