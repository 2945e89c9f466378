"""The parts that maximum and average pooling share: windows on images [N,H,W,C], and gradients that scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigraph.core.dtypes import int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.core.scalar import Scalar
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import Shape, TensorType, format_shape
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Buffer, Kernel
from minigraph.ops.builder import first, make, require_shape
from minigraph.ops.data_format import in_nhwc
from minigraph.ops.window import Padding, Pair, Window, parse_padding, parse_sizes, tap

CASES: tuple[tuple[tuple[Any, ...], tuple[int, ...]], ...] = (
    (((2, 2), (2, 2), "VALID"), (2, 4, 6, 3)),
    (((3, 2), (2, 1), "SAME"), (1, 5, 4, 2)),
    (((2, 2), (2, 2), "SAME"), (1, 5, 3, 1)),
)


def sample_image(shape: tuple[int, ...]) -> np.ndarray:
    """Distinct elements, far enough apart that a small step changes no maximum's position."""
    size = int(np.prod(shape))
    return np.random.RandomState(size).permutation(size).reshape(shape) / 7.0


Share = Callable[[Index, Index, Index, Index, Index], Scalar]


class Pool(Op, abstract=True):
    """The attributes that the pooling ops share."""

    ksize: Pair
    strides: Pair
    padding: Padding = "VALID"

    @property
    def window(self) -> Window:
        return Window(self.ksize, self.strides, (1, 1), self.padding)

    @property
    def attributes(self) -> tuple[Any, ...]:
        return self.ksize, self.strides, self.padding

    @property
    def taps(self) -> list[Pair]:
        return [(r, s) for r in range(self.ksize[0]) for s in range(self.ksize[1])]

    def pooled(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return TensorType(x.dtype, (None,) * 4)
        if len(x.shape) != 4:
            raise ShapeError(f"Shape must be rank 4 but is {format_shape(x.shape)} for '{type(self).__name__}'")
        n, height, width, channels = x.shape
        return TensorType(x.dtype, (n, *self.window.out(height, width), channels))

    def require_pooled(self, shape: Shape, *results: TensorType) -> None:
        """ShapeError unless `results` can have the shape of images of the given shape after pooling."""
        for given in results:
            require_shape("the gradient of pooling", given.shape, self.pooled(TensorType(int32, shape)).shape)

    def with_numbers(self, x: TensorType) -> tuple[Pair, Pair, Padding]:
        """The attributes with the padding as explicit numbers."""
        return self.ksize, self.strides, self.window.pads(*x.static[1:3])

    def padded(self, xp: Any, x: Any, fill: Any) -> Any:
        return xp.pad(x, ((0, 0), *self.window.pads(*x.shape[1:3]), (0, 0)), constant_values=fill)

    def scattered(self, k: Statement, out: TensorType, grad: TensorType, share: Share) -> Kernel:
        """The kernel of a gradient: each image element is the sum of `share` over the windows and taps that meet it.

        share(n, p, q, c, tap) is what element (p, q) of the output gives to its tap of that number.
        """
        y, at = k.result(out), self.window.indices(*out.static[1:3])
        kind = accumulator(out.dtype)
        windows = Buffer("windows", grad.dtype, grad.static, "in")
        with k.over(*y.shape, names="nhwc") as (n, h, w, c):

            def term(r: Index, s: Index) -> Any:
                p, q, whole = at.window_at(h, w, r, s)
                return [cast_scalar(share(n, p, q, c, at.number(r, s)), kind)], (*whole, *windows.inside(n, p, q, c))

            (total,) = k.reduce(self.ksize, ADD, [0], [kind], term)
            k.store(y, (n, h, w, c), total)
        return k.done()

    def scatter(self, xp: Any, parts: Iterable[tuple[Pair, Any]], like: Any, out: Pair) -> Any:
        """The sum of `parts`, each added at the place of its window element, in the shape of `like`."""
        (top, bottom), (left, right) = self.window.pads(*like.shape[1:3])
        n, height, width, channels = like.shape
        total = xp.zeros((n, top + height + bottom, left + width + right, channels), like.dtype)
        for (r, s), part in parts:
            tap(total, self.window, r, s, out)[...] += part
        return total[:, top : top + height, left : left + width].copy()


def pooled_images(
    op: type[Pool], value: Any, ksize: Any, strides: Any, padding: Any, data_format: str, name: str | None
) -> Tensor:
    sizes = parse_sizes(ksize, "ksize", data_format), parse_sizes(strides, "strides", data_format)
    record = op(*sizes, parse_padding(padding, data_format))
    return in_nhwc(
        value, data_format, name, op.__name__, lambda image, n: first(make(record, n, op.__name__, {"value": image}))
    )
