"""The median filter. It is not linear: the median of a sum is not the sum of the medians."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import Size, TensorLike
from minigraph.ops.builder import first, make, require_float
from minigraph.ops.window import Pair, Window, parse_sizes, tap

__all__ = ["median2d"]

Border: TypeAlias = Literal["replicate", "shrink"]


class MedianFilter(Op):
    """The median of the window of odd `size` around each pixel. NaN counts as the largest number.

    border: "replicate" repeats the pixels at the edge beyond it. "shrink" leaves out the part of a window outside the
    image; the median of an even number of values is the mean of the middle two.
    """

    size: Pair
    border: str = "replicate"
    differentiable = False

    @property
    def pads(self) -> tuple[Pair, Pair]:
        rows, columns = ((n // 2, n // 2) for n in self.size)
        return rows, columns

    @property
    def window(self) -> Window:
        return Window(self.size, (1, 1), (1, 1), self.pads)

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_float("MedianFilter", x)
        if x.shape is not None and len(x.shape) != 4:
            raise ShapeError(f"Shape must be rank 4 but is {format_shape(x.shape)} for 'MedianFilter'")
        if x.shape is not None and 0 in x.shape[1:3]:
            raise ShapeError(f"'MedianFilter' takes images with pixels, not of shape {format_shape(x.shape)}")
        return (TensorType(x.dtype, x.shape or (None,) * 4),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        around = ((0, 0), *self.pads, (0, 0))
        if self.border == "replicate":
            padded = xp.pad(x, around, mode="edge")
        else:
            padded = xp.pad(x, around, constant_values=np.nan)  # NaN sorts after all numbers
        taps = [(r, s) for r in range(self.size[0]) for s in range(self.size[1])]
        values = xp.sort(xp.stack([tap(padded, self.window, r, s, x.shape[1:3]) for r, s in taps]), axis=0)
        low, high = (xp.broadcast_to(xp.asarray(m), x.shape)[None] for m in self.middle(x.shape))
        lower, upper = (xp.take_along_axis(values, m, axis=0)[0] for m in (low, high))
        return (xp.where(low[0] == high[0], lower, lower / 2 + upper / 2),)

    def middle(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The indices of the middle two of a window's sorted values: two arrays [1, rows, columns, 1]."""
        if self.border == "replicate":
            count = np.full((*shape[1:3],), self.size[0] * self.size[1])
        else:
            rows, columns = (
                np.minimum(np.arange(n) + half, n - 1) - np.maximum(np.arange(n) - half, 0) + 1
                for n, (half, _) in zip(shape[1:3], self.pads, strict=True)
            )
            count = np.multiply.outer(rows, columns)
        return (count[None, :, :, None] - 1) // 2, count[None, :, :, None] // 2

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (False,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = np.random.RandomState(0).randn(2, 4, 5, 2)
        for border in get_args(Border):
            yield Sample(cls((3, 3), border), (x,))
            yield Sample(cls((1, 5), border), (x,))


def median2d(images: TensorLike, size: Size = 3, border: Border = "replicate", name: str | None = None) -> Tensor:
    """Compute the median of the window around each pixel.

    TensorFlow 1 has no function for it. NaN counts as the largest number.

    Args:
        images: Images [N,H,W,C] of a floating dtype.
        size: Size of the window: one odd number for both axes, or [rows, columns].
        border: "replicate" repeats the pixels at the edge beyond it. "shrink" leaves out the part of a window outside
            the image; the median of an even number of values is the mean of the middle two.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `images`. No gradient flows through it.

    Raises:
        ShapeError: `images` is not 4-dimensional.
        DTypeError: The dtype of `images` is not floating.
        ValueError: `size` is even or not positive, or `border` is unknown.

    Example:
        >>> image = tf.constant([1.0, 9.0, 2.0, 3.0])[None, None, :, None]
        >>> tf.Session().run(tf.nn.median2d(image, size=[1, 3])).ravel()
        array([1., 2., 3., 3.], dtype=float32)
    """
    window = parse_sizes(size, "size")
    if not (window[0] % 2 and window[1] % 2):
        raise ValueError(f"a median filter's size must be odd, got {size!r}")
    if border not in get_args(Border):
        raise ValueError(f"border must be replicate or shrink, not {border!r}")
    return first(make(MedianFilter(window, border), name, "MedianFilter", {"images": images}))
