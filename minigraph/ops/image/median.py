"""The median filter. It is not linear: the median of a sum is not the sum of the medians."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from minigraph.core.dtypes import DType, int32, int64
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar, call, cast, constant, where
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import Size, TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.builder import first, make, require_float
from minigraph.ops.window import Pair, Window, parse_sizes, tap

__all__ = ["median2d"]

NETWORK = 49  # most elements of a window that a sorting network sorts; those of larger ones are ranked by counting

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

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """The padded image, then the elements in the middle of each window."""
        k, kind = Statement("median"), accumulator(in_types[0].dtype)
        (images, height, width, channels), (rows, columns) = in_types[0].static, self.size
        x, y = k.operand(in_types[0]), k.result(out_types[0])
        around = k.workspace(kind, (images, height + rows - 1, width + columns - 1, channels))
        with k.over(*around.shape, names="nhwc") as (n, h, w, c):
            if self.border == "replicate":
                value = x[n, _held(k, h - rows // 2, height), _held(k, w - columns // 2, width), c]
            else:
                value = k.padded(x, (n, h - rows // 2, w - columns // 2, c), np.nan)
            k.store(around, (n, h, w, c), value)
        low, high = (np.unique(m).tolist() for m in self.middle(in_types[0].static))
        with k.over(*y.shape, names="nhwc") as (n, h, w, c):
            count = None if self.border == "replicate" else self.window.indices(height, width).taps_inside(h, w, int32)

            def middle(tap: Callable[[Index, Index], Scalar]) -> Scalar:
                if rows * columns > NETWORK:
                    place = constant(rows * columns, int32) if count is None else count
                    ends = [k.let(call("floor_divide", place - 1, 2)), k.let(call("floor_divide", place, 2))]
                    found = _ranked(k, tap, self.size, ends, kind)
                else:
                    taps = [tap(Index({}, r), Index({}, s)) for r in range(rows) for s in range(columns)]
                    by_place = _sorted_at(k, taps, {*low, *high})
                    if count is None:
                        return by_place[low[0]]
                    ends = [call("floor_divide", count - 1, 2), call("floor_divide", count, 2)]
                    found = [_chosen(e, {p: by_place[p] for p in m}) for e, m in zip(ends, (low, high), strict=True)]
                same = call("equal", ends[0], ends[1])
                return where(same, found[0], found[0] * 0.5 + found[1] * 0.5)

            k.store(y, (n, h, w, c), middle(lambda r, s: around[n, h + r, w + s, c]))
        return k.done()

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (False,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = np.random.RandomState(0).randn(2, 4, 5, 2)
        for border in get_args(Border):
            yield Sample(cls((3, 3), border), (x,))
            yield Sample(cls((1, 5), border), (x,))
            yield Sample(cls((3, 17), border), (x.round(),))  # too large for a network, with ties


def _held(k: Statement, i: Index, length: int) -> Index:
    """An index held at the ends of an axis."""
    return k.index(call("minimum", call("maximum", k.number(i, int64), 0), length - 1), length)


def _comparators(count: int) -> Iterator[Pair]:
    """The places that Batcher's odd-even merge sort compares, in order (K. Batcher, "Sorting networks", 1968)."""
    size = 1
    while size < count:
        step = size
        while step:
            for start in range(step % size, count - step, 2 * step):
                for i in range(start, min(start + step, count - step)):
                    if i // (2 * size) == (i + step) // (2 * size):
                        yield i, i + step
            step //= 2
        size *= 2


def _sorted_at(k: Statement, values: list[Scalar], wanted: Collection[int]) -> dict[int, Scalar]:
    """The values at some places of their ascending order, by a sorting network without what these do not need."""
    needed, network = set(wanted), []
    for pair in reversed(list(_comparators(len(values)))):
        if needed.intersection(pair):
            network.append((pair, pair[0] in needed, pair[1] in needed))
            needed.update(pair)
    for (a, b), lower, upper in reversed(network):
        x, y = values[a], values[b]
        swap = k.let(_comes_before(y, x))
        values[a] = k.let(where(swap, y, x)) if lower else x
        values[b] = k.let(where(swap, x, y)) if upper else y
    return {place: values[place] for place in wanted}


def _comes_before(x: Scalar, y: Scalar) -> Scalar:
    """Whether x stands before y, not beside it, in ascending order with NaN at the end."""
    number = call("logical_not", call("isnan", x))
    return call("logical_or", call("less", x, y), call("logical_and", number, call("isnan", y)))


def _ranked(
    k: Statement, tap: Callable[[Index, Index], Scalar], size: Pair, places: Sequence[Scalar], kind: DType
) -> list[Scalar]:
    """The values at some places of a window's ascending order: those before which as many others stand."""

    def term(r: Index, s: Index) -> list[Scalar]:
        own, number = k.let(tap(r, s)), r * size[1] + s

        def before(u: Index, v: Index) -> list[Scalar]:
            other, earlier = tap(u, v), call("less", k.number(u * size[1] + v, int32), k.number(number, int32))
            ties = call("logical_and", earlier, call("logical_not", _comes_before(own, other)))
            return [cast(call("logical_or", _comes_before(other, own), ties), int32)]

        (rank,) = k.reduce(size, ADD, [0], [int32], before)
        return [where(call("equal", rank, place), own, 0) for place in places]

    return k.reduce(size, ADD, [0] * len(places), [kind] * len(places), term)


def _chosen(place: Scalar, values: Mapping[int, Scalar]) -> Scalar:
    """The value at a place, which is one of those known."""
    (_, found), *others = values.items()
    for number, value in others:
        found = where(call("equal", place, number), value, found)
    return found


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
