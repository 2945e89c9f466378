"""Importers that read images at computed places, and that reverse parts of sequences."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.conv import convolve
from minigraph.formats.onnx.elementwise import like
from minigraph.formats.onnx.values import Last, OnnxValue, last_perm
from minigraph.formats.onnx.windows import OnnxWindows, windows

Weighted = list[tuple[Any, Any]]  # places along an axis, as whole numbers in a floating dtype, and their weights


def _grid_sample(call: OnnxNode) -> Result:
    """Samples of an image [N,C,…] at places [N,…,rank] between −1 and 1, the last axis first."""
    lengths, rank = call.static()[2:], call.rank() - 2
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(call.attr("mode", "linear"), call.attr("mode", "linear"))
    padding, corners = call.attr("padding_mode", "zeros"), bool(call.attr("align_corners", 0))
    if mode not in ("linear", "nearest", "cubic") or padding not in ("zeros", "border", "reflection"):
        call.unsupported(f"mode '{mode}' with padding_mode '{padding}' is unknown")
    grid, x = call.x(1), call.last()
    axes: list[Weighted] = []
    for axis in range(rank):
        place = grid[..., rank - 1 - axis]
        length = lengths[axis]
        if corners:
            place = (place + like(place, 1)) * like(place, (length - 1) / 2)
        else:
            place = ((place + like(place, 1)) * like(place, length) - like(place, 1)) * like(place, 0.5)
        axes.append(_taps(_inside(place, length, padding, corners, mode), mode))
    total, rest = _sum_of_taps(x, axes, lengths, padding, corners), list(range(1, rank + 1))
    return tf.transpose(total, (0, rank + 1, *rest))


def _inside(place: Any, length: int, padding: str, corners: bool, mode: str) -> Any:
    if padding == "border" and mode != "cubic":
        return tf.clip_by_value(place, like(place, 0), like(place, length - 1))
    return _reflected(place, length, corners) if padding == "reflection" and mode != "cubic" else place


def _reflected(place: Any, length: int, corners: bool) -> Any:
    """Places outside the image mirrored at its edges, the outermost pixels' centres (`corners`) or borders."""
    low, high = (0.0, length - 1.0) if corners else (-0.5, length - 0.5)
    span = high - low
    if span == 0:
        return tf.zeros_like(place)
    away = tf.floormod(place - like(place, low), like(place, 2 * span))
    found = like(place, low) + tf.minimum(away, like(place, 2 * span) - away)
    return tf.clip_by_value(found, like(place, 0), like(place, length - 1))


def _taps(place: Any, mode: str) -> Weighted:
    if mode == "nearest":
        return [(tf.round(place), None)]
    base = tf.floor(place)
    t = place - base
    if mode == "linear":
        return [(base, like(t, 1) - t), (base + like(t, 1), t)]
    a = -0.75

    def near(d: Any) -> Any:
        return ((like(d, a + 2) * d - like(d, a + 3)) * d) * d + like(d, 1)

    def far(d: Any) -> Any:
        return ((like(d, a) * d - like(d, 5 * a)) * d + like(d, 8 * a)) * d - like(d, 4 * a)

    one = like(t, 1)
    weights = [far(t + one), near(t), near(one - t), far(one - t + one)]
    return [(base + like(t, k - 1), w) for k, w in enumerate(weights)]


def _read(x: Tensor, places: list[Any], weights: list[Any], lengths: Any, padding: str, corners: bool) -> Any:
    """The elements at whole places, times their weights. `padding` decides about places outside the image."""
    inside: Any = None
    index = []
    for place, length in zip(places, lengths, strict=True):
        if padding == "zeros":
            fits = tf.logical_and(place >= like(place, 0), place <= like(place, length - 1))
            inside = fits if inside is None else tf.logical_and(inside, fits)
        elif padding == "reflection":
            place = _reflected(place, length, corners)
        index.append(tf.cast(tf.clip_by_value(place, like(place, 0), like(place, length - 1)), tf.int32))
    shape = tf.shape(index[0])
    batch = tf.reshape(tf.range(tf.shape(x)[0]), [-1] + [1] * ((index[0].type.rank or 1) - 1))
    batch = batch + tf.zeros(shape, tf.int32)
    found: Any = tf.gather_nd(x, tf.stack([batch, *index], -1))
    for weight in weights:
        if weight is not None:
            found = found * tf.expand_dims(weight, -1)
    if inside is not None:
        found = found * tf.expand_dims(tf.cast(inside, found.dtype), -1)
    return found


def _reverse_sequence(call: OnnxNode) -> Result:
    return tf.reverse_sequence(call.x(0), call.x(1), call.attr("time_axis", 0), call.attr("batch_axis", 1))


def _max_unpool(call: OnnxNode) -> Result:
    """Zeros of the larger image with the maxima at the places that MaxPool gave."""
    n, channels, *sizes = call.static()
    kernel = call.attr("kernel_shape")
    strides, pads = call.attr("strides", [1] * len(kernel)), call.attr("pads", [0] * 2 * len(kernel))
    rank = len(kernel)
    own = [
        (s - 1) * t + k - pads[i] - pads[i + rank]
        for i, (s, t, k) in enumerate(zip(sizes, strides, kernel, strict=True))
    ]
    shape = [int(d) for d in call.array(2)] if call.has(2) else [n, channels, *own]
    places = tf.reshape(call.x(1), [-1])
    if shape[2:] != own:  # the places count elements of the smaller image
        planes = int(np.prod(own))
        inner = places - places // like(places, planes) * like(places, planes)
        plane, moved = places // like(places, planes), tf.zeros_like(places)
        for i in range(rank):
            rest = int(np.prod(own[i + 1 :]))
            at = inner // like(places, rest)
            inner = inner - at * like(places, rest)
            moved = moved + at * like(places, np.prod(shape[3 + i :]))
        places = plane * like(places, np.prod(shape[2:])) + moved
    flat = tf.scatter_nd(tf.expand_dims(places, 1), tf.reshape(call.x(), [-1]), [int(np.prod(shape))])
    return tf.reshape(flat, shape)


def _roi_align(call: OnnxNode) -> Result:
    """Averages, or maxima, of bilinear samples in the cells of boxes [x1, y1, x2, y2] of an image [N,C,H,W]."""
    height, width = call.static()[2:]
    high, wide = call.attr("output_height", 1), call.attr("output_width", 1)
    ratio, scale = call.attr("sampling_ratio", 0), call.attr("spatial_scale", 1.0)
    if not ratio:
        call.unsupported("sampling_ratio=0, a number of samples that depends on the box, is not supported")
    call.check_size(high, wide, ratio, ratio)
    shift = (
        0.5 if call.attr("coordinate_transformation_mode", "half_pixel") == "half_pixel" and call.opset >= 16 else 0.0
    )
    boxes, x = call.x(1), call.last()
    corners = [boxes[:, i] * like(boxes, scale) - like(boxes, shift) for i in range(4)]
    sides = [corners[2] - corners[0], corners[3] - corners[1]]
    if not shift:
        sides = [tf.maximum(s, like(s, 1)) for s in sides]
    columns = _sample_places(corners[0], sides[0], wide, ratio)
    rows = _sample_places(corners[1], sides[1], high, ratio)
    batch = tf.cast(call.x(2), tf.int32)
    parts = []
    for place_y, weight_y in _edge_taps(rows, height):
        for place_x, weight_x in _edge_taps(columns, width):
            zero = tf.zeros_like(tf.expand_dims(place_y, 2) + tf.expand_dims(place_x, 1))
            index = [
                tf.reshape(batch, [-1, 1, 1]) + zero, tf.expand_dims(place_y, 2) + zero,
                tf.expand_dims(place_x, 1) + zero,
            ]  # fmt: skip
            weight = tf.expand_dims(weight_y, 2) * tf.expand_dims(weight_x, 1)
            parts.append(tf.gather_nd(x, tf.stack(index, -1)) * tf.expand_dims(weight, -1))
    count, channels = tf.shape(boxes)[0], call.static()[1]
    cells = [tf.reshape(p, tf.stack([count, high, ratio, wide, ratio, channels])) for p in parts]
    if call.attr("mode", "avg") == "max":
        best = reduce(tf.maximum, cells)
        return tf.transpose(tf.reduce_max(best, [2, 4]), (0, 3, 1, 2))
    return tf.transpose(tf.reduce_mean(reduce(tf.add, cells), [2, 4]), (0, 3, 1, 2))


def _sample_places(start: Any, side: Any, cells: int, ratio: int) -> Any:
    """The places of the samples along an axis: [boxes, cells·ratio]."""
    offsets = (np.arange(cells * ratio) + 0.5) / (cells * ratio)
    return tf.expand_dims(start, 1) + tf.expand_dims(side, 1) * tf.constant(offsets.astype(start.dtype.np_dtype))


def _edge_taps(place: Any, length: int) -> list[tuple[Any, Any]]:
    """The two neighbours of each place and their weights; a place more than 1 outside of the image has weight 0."""
    inside = tf.logical_and(place >= like(place, -1), place <= like(place, length))
    place = tf.maximum(place, like(place, 0))
    base = tf.minimum(tf.floor(place), like(place, length - 1))
    t = tf.where(place >= like(place, length - 1), tf.zeros_like(place), place - base)
    after = tf.minimum(base + like(place, 1), like(place, length - 1))
    counts = tf.cast(inside, place.dtype)
    return [(tf.cast(base, tf.int32), (like(t, 1) - t) * counts), (tf.cast(after, tf.int32), t * counts)]


def _deform_conv(call: OnnxNode) -> Result:
    """A convolution of an image [N,C,H,W] that reads each element at a computed place: of the samples, put side by
    side, with the kernel's size as strides."""
    n, channels, *lengths = call.static()
    kernel = list(call.static(1)[2:])
    if len(lengths) != 2:
        call.unsupported("the image must have two axes")
    w, groups = windows(call, kernel, lengths), call.attr("offset_group", 1)
    sizes = list(call.static(2)[2:])
    call.check_size(*kernel, *sizes)
    call.check_count(groups, *kernel)
    offsets = tf.reshape(call.x(2), [n, groups, *kernel, 2, *sizes])
    masks = tf.reshape(call.x(4), [n, groups, *kernel, *sizes]) if call.has(4) else None
    parts = []
    for group, x in enumerate(tf.split(call.last(), groups, -1)):
        axes = []
        for axis in range(2):
            own = offsets[:, group, :, :, axis]
            taps = np.arange(kernel[axis]).reshape(-1, *[1] * (3 - axis)) * w.dilations[axis]
            starts = np.arange(sizes[axis]).reshape(-1, *[1] * (1 - axis)) * w.strides[axis] - w.pads[axis][0]
            axes.append(_taps(own + tf.constant((taps + starts).astype(own.dtype.np_dtype)), "linear"))
        found = _sum_of_taps(x, axes, lengths)
        parts.append(found if masks is None else found * tf.expand_dims(masks[:, group], -1))
    samples = tf.transpose(tf.concat(parts, -1), (0, 3, 1, 4, 2, 5))  # [N, out, kernel, out, kernel, C]
    image = tf.reshape(samples, [n, sizes[0] * kernel[0], sizes[1] * kernel[1], channels])
    apart = OnnxWindows(kernel, kernel, [1, 1], [(0, 0), (0, 0)])
    y = convolve(call, OnnxValue(call.name, forms={last_perm(4): image}), call.value(1), apart)
    return Last(tf.nn.bias_add(y, call.x(3)) if call.has(3) else y)


def _sum_of_taps(x: Tensor, axes: list[Weighted], lengths: Any, padding: str = "zeros", corners: bool = False) -> Any:
    """Interpolated samples of an image [N,…,C]: [N,…,C]."""
    parts = [_read(x, [p for p, _ in t], [w for _, w in t], lengths, padding, corners) for t in product(*axes)]
    return reduce(tf.add, parts)


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "DeformConv": _deform_conv,
    "GridSample": _grid_sample,
    "MaxUnpool": _max_unpool,
    "ReverseSequence": _reverse_sequence,
    "RoiAlign": _roi_align,
}
