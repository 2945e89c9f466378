"""The choice among boxes that overlap, and distances between sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.ops.array.known import in_graph
from minigraph.ops.host.base import HostOp


class NonMaxSuppression(HostOp):
    """The numbers of the boxes with the highest scores, without those that overlap a better one too much."""

    def infer(self, boxes: TensorType, scores: TensorType, *limits: TensorType) -> tuple[TensorType, ...]:
        if boxes.rank not in (None, 2) or (boxes.shape is not None and boxes.shape[1] not in (None, 4)):
            raise ShapeError(f"boxes must be [num_boxes, 4], not {format_shape(boxes.shape)}")
        if scores.rank not in (None, 1):
            raise ShapeError(f"scores must be a vector, not {format_shape(scores.shape)}")
        if boxes.shape is not None and scores.shape is not None and not compatible(boxes.shape[:1], scores.shape):
            shapes = f"{format_shape(boxes.shape)} and {format_shape(scores.shape)}"
            raise ShapeError(f"there must be a score for each box; the shapes are {shapes}")
        for name, limit in zip(("max_output_size", "iou_threshold", "score_threshold"), limits, strict=True):
            if limit.rank not in (None, 0):
                raise ShapeError(f"{name} must be a scalar, not {format_shape(limit.shape)}")
        return (TensorType(tf.int32, (None,)),)

    def forward(self, xp: Any, boxes: Any, scores: Any, most: Any, overlap: Any, least: Any) -> tuple[Any, ...]:
        if not 0 <= overlap <= 1:
            raise InvalidArgumentError(f"iou_threshold must be in [0, 1], not {overlap}")
        if most < 0:
            raise InvalidArgumentError(f"max_output_size must not be negative, not {most}")
        low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
        areas = np.prod(high - low, axis=1)
        chosen: list[int] = []
        for i in np.argsort(-scores, kind="stable"):
            if len(chosen) >= most or not scores[i] > least:
                break
            sides = np.minimum(high[i], high[chosen]) - np.maximum(low[i], low[chosen])
            shared = np.prod(np.maximum(sides, 0), axis=1)
            real = (areas[i] > 0) & (areas[chosen] > 0)
            joint = np.where(real, areas[i] + areas[chosen] - shared, 1)
            if not np.any(np.where(real, shared / joint, 0) >= overlap):
                chosen.append(int(i))
        return (np.array(chosen, np.int32),)


def non_max_suppression(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = -np.inf,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The numbers [M] of at most `max_output_size` boxes, by descending scores.

    A box is left out if its intersection with a chosen one, divided by their union, is at least `iou_threshold`, or its
    score is not above `score_threshold`.

    boxes: [num_boxes, 4], two opposite corners (y, x, y, x) each; scores: [num_boxes].
    """
    with tf.name_scope(name, "non_max_suppression") as scope:
        corners = convert_to_tensor(boxes, tf.float32)
        with corners.graph.counted_as(3 + sum(not in_graph(v) for v in (scores, max_output_size))):
            values = convert_to_tensor(scores, corners.dtype)
            if not corners.dtype.is_floating:
                raise DTypeError(f"boxes must be floating-point, not {corners.dtype.name}")
            limits = [convert_to_tensor(max_output_size, tf.int32)]
            limits += [convert_to_tensor(v, tf.float32) for v in (iou_threshold, score_threshold)]
            return corners.graph.add(NonMaxSuppression(), (corners, values, *limits), scope).outputs[0]


class EditDistance(HostOp):
    """The Levenshtein distances of rows of values at sparse places, divided by the true lengths if `normalize`."""

    normalize: bool

    def infer(self, *parts: TensorType) -> tuple[TensorType, ...]:
        sizes = [None if part.shape is None else part.shape[0] for part in (parts[2], parts[5])]
        self._refuse_ranks(*sizes)
        rank = sizes[0] if sizes[1] is None else sizes[1]
        return (TensorType(tf.float32, None if rank is None else (None,) * (rank - 1)),)

    def _refuse_ranks(self, given: int | None, wanted: int | None) -> None:
        if given is not None and wanted is not None and given != wanted:
            raise ShapeError(f"edit_distance takes SparseTensors of one rank, not of {given} and {wanted} axes")

    def forward(self, xp: Any, *parts: Any) -> tuple[Any, ...]:
        self._refuse_ranks(len(parts[2]), len(parts[5]))
        shape = tuple(np.maximum(parts[2][:-1], parts[5][:-1]))
        rows, truths = (_rows(*part) for part in (parts[:3], parts[3:]))
        out = np.zeros(shape, np.float32)
        for place in np.ndindex(*shape):
            row, truth = rows.get(place, []), truths.get(place, [])
            steps = _steps(row, truth)
            if self.normalize:
                out[place] = steps / len(truth) if truth else np.inf if row else 0.0
            else:
                out[place] = steps
        return (out,)


def _rows(indices: Any, values: Any, shape: Any) -> dict[tuple[int, ...], list[Any]]:
    found: dict[tuple[int, ...], list[Any]] = {}
    for place, value in zip(indices.tolist(), values.tolist(), strict=True):
        if not all(0 <= p < n for p, n in zip(place, shape, strict=True)):
            raise InvalidArgumentError(f"edit_distance: the place {place} is outside the shape {list(shape)}")
        found.setdefault(tuple(place[:-1]), []).append(value)
    return found


def _steps(row: list[Any], truth: list[Any]) -> int:
    """The smallest number of insertions, deletions and replacements. Source: Wagner and Fischer 1974."""
    last = list(range(len(truth) + 1))
    for i, value in enumerate(row, 1):
        line = [i]
        for j, wanted in enumerate(truth, 1):
            line.append(min(last[j] + 1, line[j - 1] + 1, last[j - 1] + (value != wanted)))
        last = line
    return last[-1]


def edit_distance(hypothesis: Any, truth: Any, normalize: bool = True, name: str = "edit_distance") -> Tensor:
    """The Levenshtein distances of the rows along the last axis of two SparseTensors; relative if `normalize`."""
    parts = [convert_to_tensor(p) for sparse in (hypothesis, truth) for p in sparse]
    if parts[1].dtype != parts[4].dtype:
        raise DTypeError(f"edit_distance takes one dtype, not {parts[1].dtype.name} and {parts[4].dtype.name}")
    return parts[1].graph.add(EditDistance(bool(normalize)), parts, name).outputs[0]
