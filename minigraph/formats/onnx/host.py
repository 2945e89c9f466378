"""Operators whose results have sizes that depend on values, computed on the host between two plans; and scatters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.dtypes import int64
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import like, select
from minigraph.ops.builder import apply, apply_all
from minigraph.ops.host.base import HostOp
from minigraph.ops.host.image_files import decoded


class OnnxUnique(HostOp):
    """ONNX's Unique: the different elements, or slices along `axis`; where each first occurs; the number of each input
    element among them; how often each occurs. Sorted, or in the order of their first occurrence."""

    axis: int | None = None
    in_order: bool = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        shape = (None,) if self.axis is None else x.shape and (*x.shape[: self.axis], None, *x.shape[self.axis + 1 :])
        vector = TensorType(int64, (None,))
        return TensorType(x.dtype, shape), vector, vector, vector

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        found = np.unique(x, True, True, True, axis=self.axis)
        values, first, inverse, counts = found[0], found[1], np.ravel(found[2]), found[3]
        if not self.in_order:
            order = np.argsort(first, kind="stable")
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            values = np.take(values, order, self.axis or 0)
            first, inverse, counts = first[order], rank[inverse], counts[order]
        numbers = [a.astype(np.int64) for a in (first, inverse, counts)]
        return (values, *numbers)


class OnnxNonMaxSuppression(HostOp):
    """ONNX's NonMaxSuppression: rows (batch, class, box) of the boxes kept, int64 [count, 3]."""

    centers: bool = False

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(int64, (None, 3)),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        boxes, scores, *numbers = arrays
        limit, bound, lowest = int(np.ravel(numbers[0])[0]), *(float(np.ravel(n)[0]) for n in numbers[1:])
        rows = []
        for b in range(scores.shape[0]):
            corners = _corners(boxes[b], self.centers)
            for c in range(scores.shape[1]):
                rows += [(b, c, k) for k in _kept(corners, scores[b, c], limit, bound, lowest)]
        return (np.array(rows, np.int64).reshape(-1, 3),)


def _corners(boxes: Any, centers: bool) -> Any:
    """The least and the largest coordinates of the boxes: [4,N]."""
    a = boxes.T
    if centers:
        x, y, w, h = a
        return np.stack([y - h / 2, x - w / 2, y + h / 2, x + w / 2])
    return np.stack([np.minimum(a[0], a[2]), np.minimum(a[1], a[3]), np.maximum(a[0], a[2]), np.maximum(a[1], a[3])])


def _kept(corners: Any, scores: Any, limit: int, bound: float, lowest: float) -> list[int]:
    """The boxes kept, best first: each overlaps those before it by no more than `bound` of their union."""
    order = [int(k) for k in np.argsort(-scores, kind="stable") if scores[k] > lowest]
    areas = (corners[2] - corners[0]) * (corners[3] - corners[1])
    kept: list[int] = []
    for k in order:
        if len(kept) == limit:
            break
        others = np.array(kept, int)
        low, high = np.maximum(corners[:2, others].T, corners[:2, k]), np.minimum(corners[2:, others].T, corners[2:, k])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = areas[others] + areas[k] - shared
        with np.errstate(all="ignore"):
            if not (shared / union > bound).any():
                kept.append(k)
    return kept


class OnnxImageDecoder(HostOp):
    """ONNX's ImageDecoder: the pixels uint8 [H,W,C] of a file given as a vector of bytes; none of a damaged one."""

    format: str = "RGB"

    @property
    def channels(self) -> int:
        return 1 if self.format == "Grayscale" else 3

    def infer(self, contents: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(contents.dtype, (None, None, self.channels)),)

    def forward(self, xp: Any, contents: Any) -> tuple[Any, ...]:
        try:
            pixels = decoded(contents.tobytes(), self.channels)
        except InvalidArgumentError:
            pixels = np.empty((0, 0, self.channels), np.uint8)
        return (pixels[..., ::-1] if self.format == "BGR" else pixels,)


class OnnxScatter(Op):
    """x with updates at index vectors, as ONNX's ScatterND: in place of the elements, or combined with them."""

    reduction: str = "none"
    differentiable = False
    on_host = True

    def infer(self, x: TensorType, indices: TensorType, updates: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any, indices: Any, updates: Any) -> tuple[Any, ...]:
        out, places = np.array(x), tuple(np.moveaxis(np.asarray(indices), -1, 0))
        for axis, place in enumerate(places):
            if place.size and (place.min() < -x.shape[axis] or place.max() >= x.shape[axis]):
                raise InvalidArgumentError(
                    f"scatter: an index is out of range for axis {axis} of length {x.shape[axis]}"
                )
        if self.reduction == "none":
            out[places] = updates
        else:
            _COMBINED[self.reduction].at(out, places, updates)
        return (out,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return ()


_COMBINED: dict[str, Any] = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _unique(call: OnnxNode) -> Result:
    axis = call.attr("axis", None)
    op = OnnxUnique(None if axis is None else axis % call.rank(), bool(call.attr("sorted", 1)))
    return apply_all(op, call.x())


def _image_decoder(call: OnnxNode) -> Result:
    pixels = call.attr("pixel_format", "RGB")
    if pixels not in ("RGB", "BGR", "Grayscale"):
        call.unsupported(f"pixel_format '{pixels}' is unknown")
    return apply(OnnxImageDecoder(pixels), call.x())


def _non_max_suppression(call: OnnxNode) -> Result:
    defaults: list[Any] = [None, None, np.zeros(1, np.int64), np.zeros(1, np.float32), np.full(1, -np.inf, np.float32)]
    inputs = [call.x(i) if call.has(i) else tf.constant(d) for i, d in enumerate(defaults)]
    return apply(OnnxNonMaxSuppression(bool(call.attr("center_point_box", 0))), *inputs)


def _compress(call: OnnxNode) -> Result:
    axis = call.attr("axis", None)
    x = tf.reshape(call.x(), [-1]) if axis is None else call.x()
    places = tf.squeeze(tf.where(call.x(1)), [1])
    return tf.gather(x, places, axis=0 if axis is None else axis % call.rank())


def _scatter_elements(call: OnnxNode) -> Result:
    """ScatterND with an index vector for each element: its own place, but for the axis."""
    axis, shape = call.attr("axis", 0) % call.rank(), call.static(1)
    call.check_size(len(shape), *shape)
    places = [tf.constant(p) for p in np.indices(shape).astype(call.type(1).dtype.np_dtype)]
    places[axis] = call.x(1)
    return _scattered(call, tf.stack(places, -1), call.x(2))


def _scattered(call: OnnxNode, indices: Tensor, updates: Tensor) -> Result:
    """With no reduction or a sum, by ops that have gradients."""
    x, reduction = call.x(), call.attr("reduction", "none")
    if reduction not in ("none", *_COMBINED):
        call.unsupported(f"reduction '{reduction}' is unknown")
    if reduction not in ("none", "add") or not x.dtype.is_floating:
        return apply(OnnxScatter(reduction), x, indices, updates)
    shape = call.static()
    depth = (indices.type.shape or (None,))[-1]
    limits = tf.constant(np.array(shape[:depth], indices.dtype.np_dtype))
    places = select(indices < like(indices, 0), indices + limits, indices)
    added = tf.scatter_nd(places, updates, shape)
    if reduction == "add":
        return x + added
    hits = tf.scatter_nd(places, tf.ones_like(updates), shape)
    return select(hits > like(hits, 0), added, x)


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "Compress": _compress,
    "ImageDecoder": _image_decoder,
    "NonMaxSuppression": _non_max_suppression,
    "NonZero": lambda call: tf.transpose(tf.where(call.x()), (1, 0)),
    "Scatter": _scatter_elements,
    "ScatterElements": _scatter_elements,
    "ScatterND": lambda call: _scattered(call, call.x(1), call.x(2)),
    "Unique": _unique,
}
