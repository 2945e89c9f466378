"""Average pooling of images [N,H,W,C], and its gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.dtypes import uint8
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import TensorType
from minigraph.core.typing import DataFormat2D, PaddingLike, Size, TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.builder import apply, require_float
from minigraph.ops.nn.pool import CASES, Pool, pooled_images, sample_image
from minigraph.ops.window import tap

__all__ = ["avg_pool"]


class AvgPool(Pool):
    """The mean of the valid elements of each window."""

    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_float("AvgPool", x)
        return (self.pooled(x),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        padded = self.padded(xp, x, 0)
        out = self.window.out(*x.shape[1:3])
        total: Any = sum(tap(padded, self.window, r, s, out) for r, s in self.taps)  # type: ignore[arg-type]
        return ((total / xp.asarray(self.counts(x.shape), dtype=x.dtype)),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k, kind = Statement("avg_pool"), accumulator(in_types[0].dtype)
        x, y = k.operand(in_types[0]), k.result(out_types[0])
        at = self.window.indices(*x.shape[1:3])
        with k.over(*y.shape, names="npqc") as (n, p, q, c):

            def term(r: Index, s: Index) -> Any:
                h, w = at.pixel(p, q, r, s)
                return [cast_scalar(x[n, h, w, c], kind)], x.inside(n, h, w, c)

            (total,) = k.reduce(self.ksize, ADD, [0], [kind], term)
            k.store(y, (n, p, q, c), total / at.taps_inside(p, q, kind))
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return math.prod(self.ksize) * out_types[0].size

    def counts(self, shape: tuple[int, ...]) -> np.ndarray:
        """How many valid elements each window has: [1, rows, columns, 1]."""
        out = self.window.out(*shape[1:3])
        valid = self.padded(np, np.ones((1, *shape[1:3], 1)), 0)
        return np.asarray(sum(tap(valid, self.window, r, s, out) for r, s in self.taps))  # type: ignore[arg-type]

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (False,))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(AvgPoolGrad(*self.attributes), node.inputs[0], grad),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return AvgPool(*self.with_numbers(types[0])), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, shape in CASES:
            yield Sample(cls(*attributes), (sample_image(shape),))


class AvgPoolGrad(Pool):
    """δ spread evenly over each window's valid elements. The first input gives the image's shape only."""

    accumulates = True

    def infer(self, x: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        self.require_pooled(x.shape, grad)
        return (TensorType(grad.dtype, x.shape),)

    def forward(self, xp: Any, x: Any, grad: Any) -> tuple[Any, ...]:
        pool = AvgPool(*self.attributes)
        share = grad / xp.asarray(pool.counts(x.shape), dtype=grad.dtype)
        like = xp.zeros(x.shape, grad.dtype)
        return (self.scatter(xp, ((t, share) for t in self.taps), like, grad.shape[1:3]),)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return math.prod(self.ksize) * in_types[-1].size

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return None, apply(AvgPool(*self.attributes), grad)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return AvgPoolInputGrad(*self.with_numbers(types[0]), types[0].static), (1,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, shape in CASES:
            y = AvgPool(*attributes).forward(np, sample_image(shape))[0]
            yield Sample(cls(*attributes), (sample_image(shape), np.cos(y)))


class AvgPoolInputGrad(Pool):
    """AvgPoolGrad with the image's `shape` as numbers."""

    shape: tuple[int, ...] = ()
    accumulates = True

    def infer(self, grad: TensorType) -> tuple[TensorType, ...]:
        self.require_pooled(self.shape, grad)
        return (TensorType(grad.dtype, self.shape),)

    def forward(self, xp: Any, grad: Any) -> tuple[Any, ...]:
        return AvgPoolGrad(*self.attributes).forward(xp, xp.zeros(self.shape, grad.dtype), grad)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k, kind = Statement("avg_pool_grad"), accumulator(in_types[0].dtype)
        grad, at = k.operand(in_types[0]), self.window.indices(*self.shape[1:3])

        def share(n: Index, p: Index, q: Index, c: Index, tap: Index) -> Scalar:
            return cast_scalar(grad[n, p, q, c], kind) / at.taps_inside(p, q, kind)

        return self.scattered(k, out_types[0], in_types[0], share)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return math.prod(self.ksize) * in_types[-1].size

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (False,))

    def for_batch(self, size: int) -> Op:
        return self.replace(shape=(size, *self.shape[1:]))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(AvgPool(*self.attributes), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, shape in CASES:
            y = AvgPool(*attributes).forward(np, sample_image(shape))[0]
            explicit = AvgPool(*attributes).with_numbers(TensorType(uint8, shape))
            yield Sample(cls(*explicit, shape), (np.cos(y),))


def avg_pool(
    value: TensorLike | None = None, ksize: Size | None = None, strides: Size | None = None,
    padding: PaddingLike | None = None, data_format: DataFormat2D = "NHWC", name: str | None = None,
    input: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Compute the mean of each window; padding does not count.

    Args:
        value: Images [N,H,W,C] of a floating dtype; [N,C,H,W] with data_format NCHW.
        ksize: Size of the window, in the order of `data_format`: [1, rows, columns, 1]. Also one number for both axes,
            or [rows, columns].
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME for ⌈H/stride⌉ rows of output, VALID for windows inside the image only, or explicit numbers as
            `conv2d` takes them.
        data_format: NHWC or NCHW.
        name: Name of the node.
        input: TensorFlow 2's name of `value`.

    Returns:
        A tensor [N,P,Q,C], or [N,C,P,Q] with data_format NCHW, of the dtype of `value`.

    Raises:
        ShapeError: `value` is not 4-dimensional, or a window is larger than the padded image.
        DTypeError: The dtype of `value` is not floating.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.

    Example:
        >>> image = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
        >>> y = tf.nn.avg_pool(image, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
        >>> tf.Session().run(y)[0, :, :, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """
    return pooled_images(AvgPool, renamed("input", input, "value", value), ksize, strides, padding, data_format, name)
