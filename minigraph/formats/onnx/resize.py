"""Resizing of images: along each axis a product with a weight matrix, or a selection of elements.

Positions are computed in float32, in the order of ONNX Runtime's operations, because rounding decides which element is
the nearest one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.dtypes import DType
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.emit import Emit

ONE, HALF = np.float32(1), np.float32(0.5)


def _resize(call: OnnxNode) -> Result:
    """Resize, and Upsample before it. Up to operator set 10 there are neither coordinate modes nor rounding modes."""
    old = call.opset < 11
    axes, scales, sizes = _old_targets(call) if old else _targets(call)
    mode = call.attr("mode", "nearest")
    where = "asymmetric" if old else call.attr("coordinate_transformation_mode", "half_pixel")
    crops = where == "tf_crop_and_resize"
    roi = np.ravel(call.array(1)).astype(np.float32) if crops else ()
    x = call.x()
    for i, axis in enumerate(axes):
        length = call.static_axes([axis])[axis]
        if sizes[i] == length and scales[i] == 1 and not crops:
            continue
        places = _places(call, where, length, sizes[i], scales[i], [roi[i], roi[i + len(axes)]] if crops else [])
        if mode == "nearest":
            rounding = (
                ("ceil" if scales[i] < 1 else "floor") if old else call.attr("nearest_mode", "round_prefer_floor")
            )
            chosen = np.clip(_nearest(call, places, rounding), 0, length - 1)
            y = tf.gather(x, chosen.astype(np.int32), axis=axis)
        elif mode in ("linear", "cubic"):
            kernel = _linear if mode == "linear" else _cubic(call.attr("cubic_coeff_a", -0.75))
            shrink = min(float(scales[i]), 1.0) if call.attr("antialias", 0) else 1.0
            y = _multiplied(x, _weights(places, length, kernel, shrink, bool(call.attr("exclude_outside", 0))), axis)
        else:
            call.unsupported(f"mode '{mode}' is unknown")
        x = _outside(call, y, places, length, axis) if crops else y
    dtype = call.type().dtype
    return x if x.dtype is dtype else _narrowed(x, dtype)


Targets = tuple[list[int], list[np.float32], list[int]]


def _old_targets(call: OnnxNode) -> Targets:
    return _scaled(call, list(range(call.rank())), call.array(1) if call.has(1) else call.attr("scales"))


def _targets(call: OnnxNode) -> Targets:
    """The scale and the new size of each axis."""
    axes = [a % call.rank() for a in call.attr("axes", range(call.rank()))]
    if not (call.has(3) and np.size(call.array(3))):
        return _scaled(call, axes, call.array(2))
    sizes = [int(s) for s in np.ravel(call.array(3))]
    lengths = call.static_axes(axes)
    scales = [np.float32(s) / np.float32(lengths[a]) for a, s in zip(axes, sizes, strict=True)]
    policy = call.attr("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        scale = (min if policy == "not_larger" else max)(scales)
        sizes = [int(np.floor(scale * np.float32(lengths[a]) + HALF)) for a in axes]
        scales = [scale] * len(axes)
    return axes, scales, sizes


def _scaled(call: OnnxNode, axes: Sequence[int], given: Any) -> Targets:
    pairs = zip(axes, np.ravel(given).astype(np.float32), strict=True)
    kept = [(a, s) for a, s in pairs if s != 1 or call.shape()[a] is not None]
    lengths = call.static_axes([a for a, _ in kept])
    sizes = [int(s * np.float32(lengths[a])) for a, s in kept]
    return [a for a, _ in kept], [s for _, s in kept], sizes


def _places(
    call: OnnxNode, mode: str, length: int, size: int, scale: np.float32, roi: Sequence[np.float32]
) -> np.ndarray:
    """The position, in float32, of each element of the result on the image's axis."""
    call.check_size(size, 1 if call.attr("mode", "nearest") == "nearest" else length)
    out = np.arange(size, dtype=np.float32)
    last, end = np.float32(length - 1), np.float32(max(size - 1, 1))
    if mode == "asymmetric":
        return out / scale
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and size > 1):
        return (out + HALF) / scale - HALF
    if mode == "pytorch_half_pixel":
        return np.zeros(size, np.float32)
    if mode == "tf_half_pixel_for_nn":
        return (out + HALF) / scale
    if mode == "align_corners":
        return out * last / end
    if mode == "tf_crop_and_resize":
        first, stop = roi
        if size > 1:
            return first * last + out * (stop - first) * last / end
        return np.full(size, HALF * (first + stop) * last)
    if mode == "half_pixel_symmetric":
        exact = scale * np.float32(length)
        offset = np.float32(length) / np.float32(2) * (ONE - np.float32(size) / exact)
        return (np.float64(offset) + (out + 0.5) / np.float64(scale) - 0.5).astype(np.float32)
    return call.unsupported(f"coordinate_transformation_mode '{mode}' is unknown")


def _nearest(call: OnnxNode, places: np.ndarray, mode: str) -> Any:
    if mode == "floor":
        return np.floor(places)
    if mode == "ceil":
        return np.ceil(places)
    if mode == "round_prefer_floor":
        return np.ceil(places - HALF)
    if mode == "round_prefer_ceil":
        return np.floor(places + HALF)
    return call.unsupported(f"nearest_mode '{mode}' is unknown")


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
    reach = int(np.ceil(min(2 / shrink, 2 * length))) + 1
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
    """The product along an axis: integers in float64, float16 in float32."""
    wide = x.dtype if x.dtype in (tf.float32, tf.float64) else tf.float32 if x.dtype.is_floating else tf.float64
    x = tf.cast(x, wide)
    rank = x.type.rank or 0
    perm = [i for i in range(rank) if i != axis] + [axis]
    weights = tf.constant(matrix.T.astype(x.dtype.np_dtype))
    y = tf.matmul(tf.transpose(x, perm), weights)
    return tf.transpose(y, [int(i) for i in np.argsort(perm)])


def _narrowed(x: Tensor, dtype: DType) -> Tensor:
    """Integers saturate and are truncated, in float32, where a sum just below a whole number is that number."""
    return tf.cast(x, dtype) if dtype.is_floating else tf.saturate_cast(tf.cast(x, tf.float32), dtype)


def _outside(call: OnnxNode, y: Tensor, places: np.ndarray, length: int, axis: int) -> Any:
    """Cropping: elements outside the image get a fixed value."""
    out = (places < 0) | (places > length - 1)
    shape = [-1 if i == axis else 1 for i in range(call.rank())]
    value = call.attr("extrapolation_value", 0.0)
    inside = tf.constant((~out).reshape(shape).astype(y.dtype.np_dtype))
    return y * inside + tf.constant((out * value).reshape(shape).astype(y.dtype.np_dtype))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"Resize": _resize, "Upsample": _resize}


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
