"""Thinning and linking of edges: the last two steps of Canny's edge detector.

Source: J. Canny, A Computational Approach to Edge Detection, IEEE PAMI 8 (1986), sections on non-maximum suppression
and on thresholding with hysteresis.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigraph.core.dtypes import bool_
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import Shape, TensorType, format_shape, merge
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import first, make, require_float

__all__ = ["hysteresis", "non_maximum_suppression"]

_EYE = np.eye(5)[None, :, :, None]


def _images(kind: str, *types: TensorType) -> Shape:
    """The common shape [N,H,W,C] of all operands."""
    shape: Shape = (None,) * 4
    for each in types:
        if each.shape is not None and len(each.shape) != 4:
            raise ShapeError(f"Shape must be rank 4 but is {format_shape(each.shape)} for '{kind}'")
        shape = merge(shape, each.shape)
    return shape


class NonMaximumSuppression(Op):
    """The gradient's magnitude where it is a maximum along the gradient's direction; 0 elsewhere and at the border.

    Inputs: magnitude, and the gradient's components along rows and columns, all [N,H,W,C]. On either side the direction
    passes between a direct neighbour and a diagonal one. Their magnitudes a and d are interpolated linearly,
    a·(1 − w) + d·w with w = smaller component / larger component. A pixel stays if it is not below either value.
    """

    differentiable = False

    def infer(self, magnitude: TensorType, down: TensorType, right: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("NonMaximumSuppression", magnitude, down, right)
        return (TensorType(dtype, _images("NonMaximumSuppression", magnitude, down, right)),)

    def forward(self, xp: Any, magnitude: Any, down: Any, right: Any) -> tuple[Any, ...]:
        inner = (slice(None), slice(1, -1), slice(1, -1))
        centre, dy, dx = magnitude[inner], down[inner], right[inner]

        def at(row: int, column: int) -> Any:
            rows, columns = magnitude.shape[1:3]
            return magnitude[:, 1 + row : rows - 1 + row, 1 + column : columns - 1 + column]

        steep = abs(dy) > abs(dx)
        falling = dy * dx >= 0  # the direction points down right or up left
        larger = xp.where(steep, abs(dy), abs(dx))
        weight = xp.where(steep, abs(dx), abs(dy)) / xp.where(larger == 0, 1, larger)
        kept = centre > 0
        for sign in (1, -1):
            direct = xp.where(steep, at(sign, 0), at(0, sign))
            rising = xp.where(steep, at(sign, -sign), at(-sign, sign))
            beside = direct * (1 - weight) + xp.where(falling, at(sign, sign), rising) * weight
            kept = kept & (beside <= centre)
        result = xp.zeros_like(magnitude)
        result[inner] = xp.where(kept, centre, 0)
        return (result,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        down, right = np.random.RandomState(0).randn(2, 2, 5, 6, 1)
        yield Sample(cls(), (np.hypot(down, right), down, right))


class Hysteresis(Op):
    """The weak pixels that connect to a strong pixel through 8-connected weak pixels.

    Inputs and output: bool [N,H,W,C]. Strong pixels that are not weak do not count.
    """

    differentiable = False

    def infer(self, weak: TensorType, strong: TensorType) -> tuple[TensorType, ...]:
        if weak.dtype is not bool_ or strong.dtype is not bool_:
            raise DTypeError(f"'Hysteresis' takes bool tensors, not {weak.dtype.name} and {strong.dtype.name}")
        return (TensorType(bool_, _images("Hysteresis", weak, strong)),)

    def forward(self, xp: Any, weak: Any, strong: Any) -> tuple[Any, ...]:
        rows, columns = weak.shape[1:3]
        found, before = weak & strong, -1
        while found.sum() != before:
            before = found.sum()
            padded = xp.pad(found, ((0, 0), (1, 1), (1, 1), (0, 0)))
            for r in range(3):
                for s in range(3):
                    found = found | (weak & padded[:, r : r + rows, s : s + columns])
        return (found,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        weak = (_EYE + _EYE[:, :, ::-1] + np.roll(_EYE, 2, 2)) > 0
        strong = np.zeros(weak.shape, bool)
        strong[0, 0, 0, 0] = strong[0, 0, 1, 0] = True
        yield Sample(cls(), (weak, strong))
        yield Sample(
            cls(), (np.random.RandomState(1).rand(2, 8, 9, 2) > 0.6, np.random.RandomState(2).rand(2, 8, 9, 2) > 0.9)
        )


def non_maximum_suppression(
    magnitude: TensorLike, down: TensorLike, right: TensorLike, name: str | None = None
) -> Tensor:
    """Keep the gradient's magnitude where it is a maximum along the gradient's direction, and put 0 elsewhere.

    This step of Canny's detector thins edges to one pixel. TensorFlow 1 has no function for it. A pixel is compared
    with the magnitudes interpolated between the two neighbours on either side of it; pixels at the border become 0.
    Source: Canny 1986, A Computational Approach to Edge Detection.

    Args:
        magnitude: Magnitude of the gradient, images [N,H,W,C] of a floating dtype.
        down: Component of the gradient along the rows' index, of the dtype and shape of `magnitude`.
        right: Component along the columns' index, likewise.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `magnitude`. No gradient flows through it.

    Raises:
        ShapeError: The shapes differ, or are not 4-dimensional.
        DTypeError: The dtypes differ or are not floating.

    Example:
        >>> magnitude = tf.constant([[1.0, 3.0, 2.0]] * 3)[None, :, :, None]
        >>> y = tf.nn.non_maximum_suppression(magnitude, tf.zeros_like(magnitude), magnitude)
        >>> tf.Session().run(y)[0, 1, :, 0]
        array([0., 3., 0.], dtype=float32)
    """
    operands = {"magnitude": magnitude, "down": down, "right": right}
    return first(make(NonMaximumSuppression(), name, "NonMaximumSuppression", operands))


def hysteresis(weak: TensorLike, strong: TensorLike, name: str | None = None) -> Tensor:
    """Keep the weak pixels that connect to a strong pixel through weak pixels.

    This last step of Canny's detector links edges across 8 neighbours. TensorFlow 1 has no function for it.
    Source: Canny 1986, A Computational Approach to Edge Detection.

    Args:
        weak: Bool images [N,H,W,C], such as magnitudes above a low threshold.
        strong: Bool images of the shape of `weak`, such as magnitudes above a high threshold. Strong pixels that are
            not weak do not count.
        name: Name of the node.

    Returns:
        A bool tensor [N,H,W,C].

    Raises:
        ShapeError: The shapes differ, or are not 4-dimensional.
        DTypeError: An input is not bool.

    Example:
        >>> magnitude = tf.constant([5.0, 2.0, 0.0, 2.0])[None, None, :, None]
        >>> y = tf.nn.hysteresis(magnitude > 1.0, magnitude > 4.0)
        >>> tf.Session().run(y)[0, 0, :, 0].tolist()
        [True, True, False, False]
    """
    return first(make(Hysteresis(), name, "Hysteresis", {"weak": weak, "strong": strong}))
