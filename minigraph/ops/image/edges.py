"""Thinning and linking of edges: the last two steps of Canny's edge detector.

Source: J. Canny, A Computational Approach to Edge Detection, IEEE PAMI 8 (1986), sections on non-maximum suppression
and on thresholding with hysteresis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from minigraph.core.dtypes import bool_, int32
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, cast, constant, where
from minigraph.core.types import Shape, TensorType, format_shape, merge
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index, Inside
from minigraph.loops.kernel import Buffer, Kernel
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

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k, kind = Statement("non_maximum_suppression"), accumulator(in_types[0].dtype)
        x, down, right = map(k.operand, in_types)
        y = k.result(out_types[0])
        with k.over(*y.shape, names="nhwc") as (n, h, w, c):
            inside = (Inside(h, 1, y.shape[1] - 1), Inside(w, 1, y.shape[2] - 1))

            def at(row: int, column: int) -> Scalar:
                return cast(x.get((n, h + row, w + column, c), constant(0, x.dtype), inside), kind)

            centre, dy, dx = at(0, 0), cast(down[n, h, w, c], kind), cast(right[n, h, w, c], kind)
            size_y, size_x = call("absolute", dy), call("absolute", dx)
            steep, falling = k.let(call("greater", size_y, size_x)), k.let(call("greater_equal", dy * dx, 0))
            larger = where(steep, size_y, size_x)
            weight = k.let(where(steep, size_x, size_y) / where(call("equal", larger, 0), 1, larger))
            kept = call("greater", centre, 0)
            for sign in (1, -1):
                direct = where(steep, at(sign, 0), at(0, sign))
                slanted = where(falling, at(sign, sign), where(steep, at(sign, -sign), at(-sign, sign)))
                beside = direct * (-weight + 1) + slanted * weight
                kept = call("logical_and", kept, call("less_equal", beside, centre))
            k.store(y, (n, h, w, c), where(kept, centre, 0))
        return k.done()

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

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """Rounds of a pass forward and one backward over each image, as long as pixels are added."""
        k, (images, rows, columns, channels) = Statement("hysteresis"), out_types[0].static
        weak, strong, y = k.operand(in_types[0]), k.operand(in_types[1]), k.result(out_types[0])
        more = k.workspace(int32, (images, channels))
        with k.over(images, channels, names="nc") as (n, c):
            with k.steps(rows) as h, k.steps(columns) as w:
                at = n, h, w, c
                k.store(y, at, call("logical_and", weak[at], strong[at]))
            k.store(more, (n, c), constant(1, int32))
            with k.steps(rows * columns), k.when(Inside(k.index(more[n, c], 2), 1, 2)):
                k.store(more, (n, c), constant(0, int32))
                for back in (False, True):
                    with k.steps(rows) as r, k.steps(columns) as s:
                        at = n, rows - 1 - r if back else r, columns - 1 - s if back else s, c
                        found = self._beside(y, *at)
                        new = call("logical_and", weak[at], call("logical_not", y[at]))
                        added = k.let(call("logical_and", new, found))
                        k.store(more, (n, c), call("maximum", more[n, c], cast(added, int32)))
                        k.store(y, at, call("logical_or", y[at], added))
        return k.done()

    @staticmethod
    def _beside(y: Buffer, n: Index, h: Index, w: Index, c: Index) -> Scalar:
        """Whether a pixel of the 3×3 window is found."""
        none = constant(False, bool_)
        window = [Statement.padded(y, (n, h + r, w + s, c), none) for r in (-1, 0, 1) for s in (-1, 0, 1)]
        return reduce(lambda a, b: call("logical_or", a, b), window)

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
