"""Resizing of images: along each axis a product with a weight matrix, or a selection of elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.emit import Emit


def _upsample(call: OnnxNode) -> Result:
    scales = [float(s) for s in np.ravel(call.array(1) if call.has(1) else call.attr("scales"))]
    lengths = call.static_axes([i for i, s in enumerate(scales) if s != 1])
    nearest = call.attr("mode", "nearest") == "nearest"
    x = call.x() if nearest else _as_float(call.x())
    for axis, length in lengths.items():
        size = int(length * scales[axis])
        places = np.arange(size) / scales[axis]
        if nearest:
            x = tf.gather(x, np.floor(places).astype(np.int32), axis=axis)
        else:
            x = _multiplied(x, _weights(places, length, _linear, 1.0, False), axis)
    return tf.saturate_cast(x, call.type().dtype)


def _as_float(x: Tensor) -> Tensor:
    """Images of integers as float32, in which they are weighted; the result saturates and is truncated."""
    return x if x.dtype.is_floating else tf.cast(x, tf.float32)


def _resize(call: OnnxNode) -> Result:
    if call.opset < 11:
        return _upsample(call)
    axes, scales, sizes = _targets(call)
    mode = call.attr("mode", "nearest")
    x = call.x() if mode == "nearest" else _as_float(call.x())
    roi = [float(r) for r in np.ravel(call.array(1))] if call.has(1) else []
    crops = call.attr("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    for i, axis in enumerate(axes):
        length = call.static_axes([axis])[axis]
        if sizes[i] == length and scales[i] == 1 and not crops:
            continue
        places = _places(call, length, sizes[i], scales[i], [roi[i], roi[i + len(axes)]] if crops else [])
        if mode == "nearest":
            chosen = np.clip(_nearest(places, call.attr("nearest_mode", "round_prefer_floor")), 0, length - 1)
            y = tf.gather(x, chosen.astype(np.int32), axis=axis)
        else:
            kernel = _linear if mode == "linear" else _cubic(call.attr("cubic_coeff_a", -0.75))
            shrink = min(scales[i], 1.0) if call.attr("antialias", 0) else 1.0
            y = _multiplied(x, _weights(places, length, kernel, shrink, bool(call.attr("exclude_outside", 0))), axis)
        x = _outside(call, y, places, length, axis) if crops else y
    return tf.saturate_cast(x, call.type().dtype)


def _targets(call: OnnxNode) -> tuple[list[int], list[float], list[int]]:
    """The scale and the new size of each axis."""
    axes = [a % call.rank() for a in call.attr("axes", range(call.rank()))]
    if call.has(3) and np.size(call.array(3)):
        sizes = [int(s) for s in np.ravel(call.array(3))]
        lengths = call.static_axes(axes)
        scales = [s / lengths[a] for a, s in zip(axes, sizes, strict=True)]
        policy = call.attr("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            scale = (min if policy == "not_larger" else max)(scales)
            sizes = [int(np.floor(scale * lengths[a] + 0.5)) for a in axes]
            scales = [scale] * len(axes)
        return axes, scales, sizes
    scales = [float(s) for s in np.ravel(call.array(2))]
    pairs = [(a, s) for a, s in zip(axes, scales, strict=True) if s != 1 or call.shape()[a] is not None]
    lengths = call.static_axes([a for a, _ in pairs])
    return [a for a, _ in pairs], [s for _, s in pairs], [int(np.floor(lengths[a] * s)) for a, s in pairs]


def _places(call: OnnxNode, length: int, size: int, scale: float, roi: Sequence[float]) -> np.ndarray:
    """The position of each element of the result on the image's axis."""
    out = np.arange(size, dtype=np.float64)
    mode = call.attr("coordinate_transformation_mode", "half_pixel")
    if mode == "asymmetric":
        return out / scale
    if mode == "align_corners":
        return np.zeros(1) if size == 1 else out * (length - 1) / (length * scale - 1)
    if mode == "tf_crop_and_resize":
        start, end = roi
        if size == 1:
            return np.array([0.5 * (start + end) * (length - 1)])
        return start * (length - 1) + out * (end - start) * (length - 1) / (size - 1)
    if mode == "pytorch_half_pixel" and size == 1:
        return np.zeros(1) - 0.5
    if mode == "half_pixel_symmetric":
        adjustment = size / (length * scale)
        return length / 2 * (1 - adjustment) + (out + 0.5) / scale - 0.5
    return (out + 0.5) / scale - 0.5


def _nearest(places: np.ndarray, mode: str) -> Any:
    if mode == "floor":
        return np.floor(places)
    if mode == "ceil":
        return np.ceil(places)
    return np.ceil(places - 0.5) if mode == "round_prefer_floor" else np.floor(places + 0.5)


def _linear(distance: np.ndarray) -> Any:
    return np.maximum(1 - np.abs(distance), 0)


def _cubic(a: float) -> Callable[[np.ndarray], np.ndarray]:
    """Keys 1981, with the parameter a."""

    def kernel(distance: np.ndarray) -> np.ndarray:
        d = np.abs(distance)
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        return np.where(d <= 1, near, np.where(d < 2, far, 0))

    return kernel


def _weights(
    places: np.ndarray, length: int, kernel: Callable[[np.ndarray], np.ndarray], shrink: float, exclude: bool
) -> np.ndarray:
    """[size, length]: the weight of each image element in each result element; edges extend outside."""
    reach = int(np.ceil(2 / shrink)) + 1
    near = np.floor(places)[:, None] + np.arange(-reach, reach + 2)
    parts = kernel((near - places[:, None]) * shrink)
    if exclude:
        parts = np.where((near < 0) | (near >= length), 0, parts)
    parts = parts / parts.sum(1, keepdims=True)
    matrix = np.zeros((len(places), length))
    rows = np.repeat(np.arange(len(places)), near.shape[1])
    np.add.at(matrix, (rows, np.clip(near, 0, length - 1).astype(int).ravel()), parts.ravel())
    return matrix


def _multiplied(x: Tensor, matrix: np.ndarray, axis: int) -> Tensor:
    rank = x.type.rank or 0
    perm = [i for i in range(rank) if i != axis] + [axis]
    weights = tf.constant(matrix.T.astype(x.dtype.np_dtype))
    y = tf.matmul(tf.transpose(x, perm), weights)
    return tf.transpose(y, [int(i) for i in np.argsort(perm)])


def _outside(call: OnnxNode, y: Tensor, places: np.ndarray, length: int, axis: int) -> Any:
    """Cropping: elements outside the image get a fixed value."""
    out = (places < 0) | (places > length - 1)
    shape = [-1 if i == axis else 1 for i in range(call.rank())]
    value = call.attr("extrapolation_value", 0.0)
    inside = tf.constant((~out).reshape(shape).astype(y.dtype.np_dtype))
    return y * inside + tf.constant((out * value).reshape(shape).astype(y.dtype.np_dtype))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"Resize": _resize, "Upsample": _upsample}


def _resize_out(mode: str) -> Callable[[Emit], None]:
    def build(e: Emit) -> None:
        if not e.inputs[0].dtype.is_floating or e.inputs[0].dtype is not e.out.dtype:
            e.unsupported("it is exported for floating-point images")
        if mode == "nearest" and e.op.half_pixel_centers:
            places, rounding = "half_pixel", "round_prefer_ceil"
        else:
            places = "half_pixel" if e.op.half_pixel_centers else "asymmetric"
            rounding = "floor"
        if e.op.align_corners:
            places, rounding = "align_corners", "round_prefer_ceil"
        image = e.first()
        kept = e.add("Slice", e.add("Shape", image), e.ints([0], "from"), e.ints([2], "to"))
        size = e.as_int64(1) if e.op.size is None else e.ints(e.op.size, "size")
        sizes = e.add("Concat", kept, size, axis=0)
        how: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": places, "nearest_mode": rounding}
        e.give_first(e.add("Resize", image, "", "", sizes, **how))

    return build


EXPORT: dict[str, Callable[[Emit], None]] = {
    "ResizeBilinear": _resize_out("linear"),
    "ResizeNearestNeighbor": _resize_out("nearest"),
}
