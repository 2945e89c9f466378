"""Operators that make, change or report shapes, and constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import Dim
from minigraph.formats.onnx.call import MOST_MADE, OnnxNode, Result
from minigraph.formats.onnx.library import from_onnx_dtype
from minigraph.formats.onnx.values import Last, OnnxValue, UnknownDim
from minigraph.ops.array.slicing import StridedSlice
from minigraph.ops.broadcast import BroadcastTo
from minigraph.ops.builder import apply


def _constant(call: OnnxNode) -> Result:
    for name, dtype in (("value_float", "f4"), ("value_floats", "f4"), ("value_int", "i8"), ("value_ints", "i8")):
        if name in call.attributes:
            return np.asarray(call.attributes[name], dtype)
    value = call.attr("value", None)
    return call.unsupported("only a dense constant of numbers is supported") if value is None else value


def _constant_of_shape(call: OnnxNode) -> Result:
    value = np.ravel(call.attr("value", np.zeros(1, np.float32)))[0]
    shape = call.dims(0)
    if None in shape:
        return tf.fill(tf.cast(call.x(), tf.int32), tf.constant(value))
    if math.prod(shape) > MOST_MADE:  # type: ignore[arg-type]
        return tf.fill(shape, tf.constant(value))
    return np.full(shape, value)


def _shape(call: OnnxNode) -> Result:
    dims = call.shape()
    start, end = call.attr("start", 0), call.attr("end", len(dims))
    part = dims[start:end]
    if None not in part:
        return np.array(part, np.int64)
    value, bounds = call.value(), slice(start, end)
    known = np.array([UnknownDim() if d is None else d for d in part], object)
    return OnnxValue("", dims=known, build=lambda: tf.shape(value.form(), out_type=tf.int64)[bounds])


def _size(call: OnnxNode) -> Result:
    dims = call.shape()
    return tf.size(call.x(), out_type=tf.int64) if None in dims else np.array(math.prod(dims), np.int64)  # type: ignore[arg-type]


def reshape(x: Tensor, shape: Sequence[Dim], call: OnnxNode) -> Tensor:
    """`x` reshaped; one dimension may be unknown."""
    if sum(d in (None, -1) for d in shape) > 1:
        call.needs_shape(f"of a new shape only one dimension may be unknown, not {list(shape)}")
    return tf.reshape(x, [-1 if d is None else d for d in shape])


def _reshape(call: OnnxNode) -> Result:
    shape = call.dims(1) if call.opset >= 5 else list(call.attr("shape"))
    old = call.shape()
    if not call.attr("allowzero", 0):
        shape = [old[i] if d == 0 else d for i, d in enumerate(shape)]
    if shape.count(None) and -1 in shape:
        shape = _settle(old, shape)
    if sum(d in (None, -1) for d in shape) > 1 and call.value(1).dims is not None:
        return _reshaped(call, shape)
    return reshape(call.x(), shape, call)


def _reshaped(call: OnnxNode, shape: Sequence[Dim]) -> Tensor:
    """The data in a shape that is computed from shapes in the run. shape: what is known of it; None if unknown."""
    target = tf.cast(call.x(1), tf.int32)
    given = call.dims(1)
    if 0 in given:  # the length of the old axis
        old = tf.shape(call.x())
        target = tf.stack([old[i] if d == 0 else target[i] for i, d in enumerate(given)])
    result = tf.reshape(call.x(), target)
    result.set_shape([None if d == -1 else d for d in shape])
    return result


def _settle(old: Sequence[Dim], new: list[Dim]) -> list[Dim]:
    """If `old` and `new` share their only unknown dimension, −1 stands for it."""
    if sum(d is None for d in old) != 1 or new.count(None) != 1:
        return new
    total = math.prod(d for d in old if d is not None)
    rest = math.prod(d for d in new if d is not None and d != -1)
    return [total // rest if d == -1 else d for d in new] if rest and total % rest == 0 else new


def _flatten(call: OnnxNode) -> Result:
    dims = call.shape()
    axis = call.attr("axis", 1)
    axis += len(dims) if axis < 0 else 0
    parts = [_product(dims[:axis]), _product(dims[axis:])]
    return reshape(call.x(), parts, call)


def _product(dims: Sequence[Dim]) -> Dim:
    return None if None in dims else math.prod(dims)  # type: ignore[arg-type]


def _transpose(call: OnnxNode) -> Result:
    perm = call.attr("perm", tuple(reversed(range(call.rank()))))
    return tf.transpose(call.x(), perm)


def _squeeze(call: OnnxNode) -> Result:
    axes = call.ints(1, "axes")
    return tf.squeeze(call.x(), axes) if axes != [] else call.value()


def _unsqueeze(call: OnnxNode) -> Result:
    axes = call.ints(1, "axes") or []
    rank = call.rank() + len(axes)
    x = call.x()
    for axis in sorted(a % rank for a in axes):
        x = tf.expand_dims(x, axis)
    return x


def _concat(call: OnnxNode) -> Result:
    axis, rank = call.attr("axis", 1), call.rank()
    axis %= rank
    values = [call.value(i) for i in range(len(call.inputs))]
    if len(values) == 1:
        return values[0]
    if rank > 2 and any(v.is_last for v in values):
        place = axis if axis == 0 else rank - 1 if axis == 1 else axis - 1
        return Last(tf.concat([call.last(i) for i in range(len(values))], place))
    return tf.concat(call.xs(), axis)


def _split(call: OnnxNode) -> Result:
    axis = call.attr("axis", 0) % call.rank()
    sizes = call.ints(1, "split")
    if sizes is not None:
        return tf.split(call.x(), sizes, axis)
    count, length = len(call.outputs), call.shape()[axis]
    if "num_outputs" in call.attributes:
        count = call.attr("num_outputs")
        if length is None:
            return _parts(call, axis, count)
        each = -(-length // count)
        return tf.split(call.x(), [each] * (count - 1) + [length - each * (count - 1)], axis)
    return tf.split(call.x(), count, axis)


def _parts(call: OnnxNode, axis: int, count: int) -> list[Tensor]:
    """`count` parts of an axis of unknown length: of equal lengths, but the last may be shorter."""
    x, rank = call.x(), call.rank()
    length = tf.shape(x)[axis]
    each = tf.floordiv(length + (count - 1), count)
    parts = []
    for i in range(count):
        size = each if i < count - 1 else length - each * (count - 1)
        part = tf.slice(
            x, tf.stack([each * i if a == axis else 0 for a in range(rank)]),
            tf.stack([size if a == axis else -1 for a in range(rank)]),
        )  # fmt: skip
        part.set_shape([None if a == axis else d for a, d in enumerate(call.shape())])
        parts.append(part)
    return parts


def _slice(call: OnnxNode) -> Result:
    starts, ends = call.ints(1, "starts") or [], call.ints(2, "ends") or []
    axes = call.ints(3, "axes") or list(range(len(starts)))
    steps = call.ints(4, "steps") or [1] * len(starts)
    rank = call.rank()
    spec: list[tuple[Any, ...]] = [("slice", None, None, None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step == 0:
            call.unsupported(f"steps: the step along axis {axis} is 0")
        spec[axis % rank] = ("slice", _first(call, start, step, axis), _stop(end), step)
    return apply(StridedSlice(tuple(spec)), call.x())


def _stop(end: int) -> int | None:
    """ONNX's end as Python's. The largest int32 and int64 stand for the last element in the direction of the step."""
    return None if end in (2**31 - 1, 2**63 - 1) else end


def _first(call: OnnxNode, start: int, step: int, axis: int) -> int:
    """ONNX's start as Python's. With a negative step, a start before the first element stands for the first one."""
    length = call.shape()[axis]
    if step > 0 or start >= -1:
        return start
    if length is not None:
        return max(start + length, 0)
    if start <= -(2**31):
        return 0
    return call.needs_shape(f"starts: {start} with a negative step needs the length of axis {axis} of {call.type()}")


def _expand(call: OnnxNode) -> Result:
    target = call.dims(1)
    old = call.shape()
    rank = max(len(target), len(old))
    pairs = zip([1] * (rank - len(old)) + list(old), [1] * (rank - len(target)) + target, strict=True)
    shape = [a if b == 1 else b for a, b in pairs]
    if None not in shape:
        same = tuple(shape) == old
        return call.value() if same else apply(BroadcastTo(tuple(shape)), call.x())  # type: ignore[arg-type]
    x = call.x()
    zeros = tf.fill(tf.cast(call.x(1), tf.int32), tf.constant(np.zeros((), x.dtype.np_dtype)))
    return x + zeros


def _pad(call: OnnxNode) -> Result:
    pads = call.ints(1, "pads" if call.opset > 1 else "paddings") or []
    axes = [a % call.rank() for a in call.ints(3, "axes") or range(call.rank())]
    value = np.ravel(call.array(2))[0].item() if call.has(2) else call.attr("value", 0.0)
    pairs = [(0, 0)] * call.rank()
    for i, axis in enumerate(axes):
        pairs[axis] = pads[i], pads[i + len(axes)]
    mode = call.attr("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        call.unsupported(f"mode '{mode}' is unknown")
    return pad(call.x(), pairs, mode, value)


def pad(x: Tensor, pairs: Sequence[tuple[int, int]], mode: str = "constant", value: float = 0.0) -> Tensor:
    """`x` with (before, after) elements added along each axis; negative numbers remove elements."""
    if any(min(p) < 0 for p in pairs):
        spec = tuple(("slice", max(-a, 0) or None, min(b, 0) or None, None) for a, b in pairs)
        x = apply(StridedSlice(spec), x)
        pairs = [(max(a, 0), max(b, 0)) for a, b in pairs]
    if not any(map(any, pairs)):
        return x
    if mode == "constant":
        return tf.pad(x, pairs, constant_values=value)
    if mode == "reflect":
        return tf.pad(x, pairs, "REFLECT")
    for axis, pair in enumerate(pairs):
        if any(pair):
            x = tf.gather(x, _padding_places(x, axis, pair, mode), axis=axis)
    return x


def _padding_places(x: Tensor, axis: int, pair: tuple[int, int], mode: str) -> Any:
    """For each element of the padded axis, the index of the element that it repeats."""
    length = (x.type.shape or (None,) * (axis + 1))[axis]
    if length == 0:
        raise ShapeError(f"mode '{mode}' cannot pad axis {axis} of length {length}")
    if length is not None:
        if length + sum(pair) > MOST_MADE:
            raise ShapeError(f"axis {axis} of length {length} is padded by {pair}, which is too much")
        places: np.ndarray = np.pad(np.arange(length), pair, mode)  # type: ignore[call-overload]
        return places.astype(np.int32)
    n = tf.shape(x)[axis]
    place = tf.cumsum(tf.fill(tf.stack([n + sum(pair)]), np.int32(1))) - (1 + pair[0])
    return tf.maximum(tf.minimum(place, n - 1), 0) if mode == "edge" else tf.floormod(place, n)


def _center_crop_pad(call: OnnxNode) -> Result:
    wanted = call.ints(1, "") or []
    dims = call.static()
    axes = [a % len(dims) for a in call.attr("axes", range(len(dims)))]
    x, pairs = call.x(), [(0, 0)] * len(dims)
    for size, axis in zip(wanted, axes, strict=True):
        extra = size - dims[axis]
        before = extra // 2 if extra > 0 else -(-extra // 2)
        pairs[axis] = before, extra - before
    return pad(x, pairs)


def _range(call: OnnxNode) -> Result:
    start, limit, delta = (np.ravel(call.array(i))[0] for i in range(3))
    call.check_size(max((float(limit) - float(start)) // float(delta), 0))
    return np.arange(start, limit, delta, dtype=start.dtype)


def _eye_like(call: OnnxNode) -> Result:
    rows, columns = call.static()
    call.check_size(rows, columns)
    dtype = from_onnx_dtype(call.attr("dtype")) if "dtype" in call.attributes else call.type().dtype
    return np.eye(rows, columns, call.attr("k", 0), dtype=dtype.np_dtype)


def _depth_to_space(call: OnnxNode) -> Result:
    n, depth, height, width = call.shape()
    b = call.attr("blocksize")
    if depth is None or height is None or width is None:
        call.needs_shape(f"depth, height and width must be known, not {call.type()}")
    across = call.attr("mode", "DCR") == "DCR"
    split = [b, b, depth // (b * b)] if across else [depth // (b * b), b, b]
    perm = (0, 3, 4, 1, 5, 2) if across else (0, 1, 4, 2, 5, 3)
    x = tf.transpose(reshape(call.x(), [n, *split, height, width], call), perm)
    return reshape(x, [n, depth // (b * b), height * b, width * b], call)


def _space_to_depth(call: OnnxNode) -> Result:
    n, depth, height, width = call.shape()
    b = call.attr("blocksize")
    if depth is None or height is None or width is None:
        call.needs_shape(f"depth, height and width must be known, not {call.type()}")
    x = reshape(call.x(), [n, depth, height // b, b, width // b, b], call)
    perm = (0, 1, 3, 5, 2, 4) if call.attr("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    return reshape(tf.transpose(x, perm), [n, depth * b * b, height // b, width // b], call)


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "CenterCropPad": _center_crop_pad,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "DepthToSpace": _depth_to_space,
    "Expand": _expand,
    "EyeLike": _eye_like,
    "Flatten": _flatten,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": lambda call: tf.tile(call.x(), call.ints(1, "repeats") or []),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
