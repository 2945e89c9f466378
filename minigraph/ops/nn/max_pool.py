"""Maximum pooling of images [N,H,W,C], and its gradients.

Pooling records the position of each maximum, as the element's number in the window in row-major order. Gradients flow
to these positions only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype, int32, int64, uint8
from minigraph.core.errors import ShapeError, UnimplementedError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar, call
from minigraph.core.scalar import where as choose
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import DataFormat2D, DTypeLike, PaddingLike, Size, TensorLike
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, FIRST_MAXIMUM, Kernel
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import known_dims
from minigraph.ops.builder import apply, composed, require_real
from minigraph.ops.counting import no_flops, per_gradient
from minigraph.ops.data_format import NHWC
from minigraph.ops.math.casting import cast
from minigraph.ops.math.integer_division import floordiv, floormod
from minigraph.ops.nn.pool import CASES, Pool, pooled_images, sample_image
from minigraph.ops.window import parse_padding, parse_sizes, tap
from minigraph.util.nest import listed

__all__ = ["max_pool", "max_pool2d", "max_pool_with_argmax"]


class MaxPool(Pool):
    """The largest element of each window, and its number in the window; the first on ties.

    NaN counts as the largest, so a window with NaNs gives NaN, and the first of them takes the gradient.
    """

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_real(type(self).__name__, x)
        pooled = self.pooled(x)
        kind = uint8 if self.ksize[0] * self.ksize[1] <= 256 else int32
        return pooled, TensorType(kind, pooled.shape)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        padded = self.padded(xp, x, low)
        out = self.window.out(*x.shape[1:3])
        stacked = xp.stack([tap(padded, self.window, r, s, out) for r, s in self.taps])  # type: ignore[arg-type]
        where = xp.argmax(stacked, axis=0)
        kind = self.infer(TensorType(uint8, x.shape))[1].dtype.np_dtype
        return xp.max(stacked, axis=0), where.astype(kind)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k = Statement("max_pool")
        x, y, place = k.operand(in_types[0]), k.result(out_types[0]), k.result(out_types[1])
        at = self.window.indices(*x.shape[1:3])
        with k.over(*y.shape, names="npqc") as (n, p, q, c):

            def term(r: Index, s: Index) -> Any:
                h, w = at.pixel(p, q, r, s)
                return [x[n, h, w, c], k.number(at.number(r, s), int32)], x.inside(n, h, w, c)

            best, first = k.reduce(self.ksize, FIRST_MAXIMUM, [x.dtype.lowest, 0], [x.dtype, int32], term)
            k.store(y, (n, p, q, c), best)
            k.store(place, (n, p, q, c), first)
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return math.prod(self.ksize) * out_types[0].size

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (False, False))

    def vjp(self, node: Node, grad: Tensor | None, _where: Any = None) -> Sequence[Tensor | None]:
        assert grad is not None
        return (apply(MaxPoolGrad(*self.attributes), node.inputs[0], node.outputs[1], grad),)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return MaxPool(*self.with_numbers(types[0])), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, shape in CASES:
            yield Sample(cls(*attributes), (sample_image(shape),))


class MaxPoolGrad(Pool):
    """δ placed where each maximum was. The first input gives the image's shape only."""

    accumulates = True

    def infer(self, x: TensorType, where: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        self.require_pooled(x.shape, where, grad)
        return (TensorType(grad.dtype, x.shape),)

    def forward(self, xp: Any, x: Any, where: Any, grad: Any) -> tuple[Any, ...]:
        parts = ((t, xp.where(where == i, grad, xp.zeros_like(grad))) for i, t in enumerate(self.taps))
        like = xp.zeros(x.shape, grad.dtype)
        return (self.scatter(xp, parts, like, grad.shape[1:3]),)

    flops = per_gradient

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return None, None, apply(MaxPoolGather(*self.attributes), grad, node.inputs[1])

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return MaxPoolInputGrad(*self.with_numbers(types[0]), types[0].static), (1, 2)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, shape in CASES:
            x = sample_image(shape)
            y, where = MaxPool(*attributes).forward(np, x)
            yield Sample(cls(*attributes), (x, where, np.cos(y)))


class MaxPoolInputGrad(Pool):
    """MaxPoolGrad with the image's `shape` as numbers."""

    shape: tuple[int, ...] = ()
    accumulates = True

    def infer(self, where: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        self.require_pooled(self.shape, where, grad)
        return (TensorType(grad.dtype, self.shape),)

    def forward(self, xp: Any, where: Any, grad: Any) -> tuple[Any, ...]:
        return MaxPoolGrad(*self.attributes).forward(xp, xp.zeros(self.shape, grad.dtype), where, grad)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k = Statement("max_pool_grad")
        place, grad = map(k.operand, in_types)

        def share(n: Index, p: Index, q: Index, c: Index, tap: Index) -> Scalar:
            here = call("equal", place[n, p, q, c], k.number(tap, place.dtype))
            return choose(here, grad[n, p, q, c], 0)

        return self.scattered(k, out_types[0], in_types[1], share)

    flops = per_gradient

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True, True), (False,))

    def for_batch(self, size: int) -> Op:
        return self.replace(shape=(size, *self.shape[1:]))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return None, apply(MaxPoolGather(*self.attributes), grad, node.inputs[0])

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, shape in CASES:
            y, where = MaxPool(*attributes).forward(np, sample_image(shape))
            explicit = MaxPool(*attributes).with_numbers(TensorType(uint8, shape))
            yield Sample(cls(*explicit, shape), (where, np.cos(y)))


class MaxPoolGather(Pool):
    """The elements of an image where each maximum was: the adjoint of MaxPoolGrad."""

    def infer(self, x: TensorType, where: TensorType) -> tuple[TensorType, ...]:
        self.require_pooled(x.shape, where)
        return (TensorType(x.dtype, where.shape),)

    def forward(self, xp: Any, x: Any, where: Any) -> tuple[Any, ...]:
        padded = self.padded(xp, x, 0)
        total = xp.zeros(where.shape, x.dtype)
        for i, (r, s) in enumerate(self.taps):
            total = xp.where(where == i, tap(padded, self.window, r, s, where.shape[1:3]), total)
        return (total,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k = Statement("max_pool_gather")
        x, place, y = *map(k.operand, in_types), k.result(out_types[0])
        at = self.window.indices(*x.shape[1:3])
        with k.over(*y.shape, names="npqc") as (n, p, q, c):

            def term(r: Index, s: Index) -> Any:
                h, w = at.pixel(p, q, r, s)
                here = call("equal", place[n, p, q, c], k.number(at.number(r, s), place.dtype))
                return [choose(here, x[n, h, w, c], 0)], x.inside(n, h, w, c)

            (found,) = k.reduce(self.ksize, ADD, [0], [x.dtype], term)
            k.store(y, (n, p, q, c), found)
        return k.done()

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, where = node.inputs
        return apply(MaxPoolGrad(*self.attributes), x, where, grad), None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return MaxPoolGather(*self.with_numbers(types[0])), (0, 1)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, shape in CASES:
            x = sample_image(shape)
            yield Sample(cls(*attributes), (np.sin(x), MaxPool(*attributes).forward(np, x)[1]))


def max_pool(
    value: TensorLike | None = None, ksize: Size | None = None, strides: Size | None = None,
    padding: PaddingLike | None = None, data_format: DataFormat2D = "NHWC", name: str | None = None,
    input: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Compute the largest element of each window. A gradient flows to the first of equal elements.

    NaN counts as the largest: a window with NaNs gives NaN, and its gradient flows to the first of them.

    Args:
        value: Images [N,H,W,C] of a numeric dtype; [N,C,H,W] with data_format NCHW.
        ksize: Size of the window, in the order of `data_format`: [1, rows, columns, 1]. Also one number for both axes,
            or [rows, columns]. [1, 1, 1, n] pools n neighbouring channels each; `strides` must then be the same.
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME for ⌈H/stride⌉ rows of output, VALID for windows inside the image only, or explicit numbers as
            `conv2d` takes them. Padding is never the maximum.
        data_format: NHWC or NCHW.
        name: Name of the node.
        input: TensorFlow 2's name of `value`.

    Returns:
        A tensor [N,P,Q,C], or [N,C,P,Q] with data_format NCHW, of the dtype of `value`.

    Raises:
        ShapeError: `value` is not 4-dimensional, or a window is larger than the padded image.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.
        UnimplementedError: A window spans channels and pixels, or its channels do not divide those of the images.

    Example:
        >>> image = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
        >>> y = tf.nn.max_pool(image, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
        >>> tf.Session().run(y)[0, :, :, 0]
        array([[ 5.,  7.],
               [13., 15.]], dtype=float32)
    """
    images = renamed("input", input, "value", value)
    if isinstance(ksize, list | tuple) and len(ksize) == 4 and data_format == NHWC and ksize[3] != 1:
        return _across_channels(images, list(ksize), strides, padding, name)
    return pooled_images(MaxPool, images, ksize, strides, padding, data_format, name)


def _across_channels(images: Any, ksize: list[int], strides: Any, padding: Any, name: str | None) -> Tensor:
    """The maxima of groups of neighbouring channels."""
    if ksize[:3] != [1, 1, 1]:
        raise UnimplementedError(
            f"max_pool pools either across rows and columns or across channels, not both: ksize is {ksize}"
        )
    if ksize[3] < 1:
        raise ValueError(f"max_pool takes a ksize of positive numbers, not {ksize}")
    if listed(strides) != ksize:
        raise UnimplementedError(
            f"max_pool across channels requires the depth window to equal the depth stride: ksize is {ksize}, "
            f"strides are {strides}"
        )
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"max_pool across channels takes the padding SAME or VALID, not {padding!r}")
    with composed(name, "MaxPool", images) as scope:
        x = convert_to_tensor(images)
        count = ksize[3]
        if x.type.rank != 4:
            raise ShapeError(f"max_pool takes images [N,H,W,C], not a tensor of shape {format_shape(x.type.shape)}")
        channels = x.type.shape[3] if x.type.shape else None
        if channels is None or channels % count:
            raise UnimplementedError(
                f"max_pool across channels requires the depth window to evenly divide the input depth: {channels} "
                f"channels in groups of {count}"
            )
        line = reshape(x, [-1, 1, channels, 1])
        pooled = apply(MaxPool((1, count), (1, count), "VALID"), line)
        return reshape(pooled, [*known_dims(x, range(3)), channels // count], name=scope)


def max_pool2d(
    input: TensorLike, ksize: Size, strides: Size, padding: PaddingLike, data_format: DataFormat2D = "NHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Compute the largest element of each window: `max_pool` of images.

    Args:
        input: Images [N,H,W,C] of a numeric dtype; [N,C,H,W] with data_format NCHW.
        ksize: Size of the window, in the forms that `max_pool` takes.
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME, VALID or numbers, as `conv2d` takes them.
        data_format: NHWC or NCHW.
        name: Name of the node.

    Returns:
        A tensor [N,P,Q,C], or [N,C,P,Q] with data_format NCHW, of the dtype of `input`.

    Raises:
        ShapeError: `input` is not 4-dimensional, or a window is larger than the padded image.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.

    Example:
        >>> image = tf.reshape([1.0, 9.0, 7.0, 3.0], [1, 2, 2, 1])
        >>> tf.Session().run(tf.nn.max_pool2d(image, ksize=2, strides=2, padding="VALID")).item()
        9.0
    """
    return max_pool(input, ksize, strides, padding, data_format, name)


def max_pool_with_argmax(
    input: TensorLike, ksize: Size, strides: Size, padding: PaddingLike, data_format: Literal["NHWC"] = NHWC,
    Targmax: DTypeLike | None = None, name: str | None = None, output_dtype: DTypeLike | None = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Compute the largest element of each window, and its index in the flattened image.

    The element at row y, column x, channel c has index (y·W + x)·C + c; with `include_batch_in_index` the element of
    image b has index ((b·H + y)·W + x)·C + c. Of equal elements the first counts.

    Args:
        input: Images [N,H,W,C] of a numeric dtype. H, W and C must be known; with `include_batch_in_index` N, too.
        ksize: Size of the window: [1, rows, columns, 1]. Also one number for both axes, or [rows, columns].
        strides: Steps between windows, in the forms of `ksize`.
        padding: SAME, VALID, or numbers, as `max_pool` takes them.
        data_format: NHWC, the only one supported.
        Targmax: The older name of `output_dtype`.
        name: Name scope of the nodes.
        output_dtype: Integer dtype of the indices, int64 by default.
        include_batch_in_index: Whether indices count across the whole batch.

    Returns:
        The maxima, of the dtype of `input`, and their indices, of `output_dtype`; both [N,P,Q,C].

    Raises:
        ShapeError: `input` is not 4-dimensional, or a size that must be known is unknown.
        ValueError: `ksize`, `strides`, `padding` or `data_format` has an invalid value.

    Example:
        >>> image = tf.reshape([1.0, 9.0, 7.0, 3.0], [1, 2, 2, 1])
        >>> y, index = tf.nn.max_pool_with_argmax(image, ksize=2, strides=2, padding="VALID")
        >>> [a.item() for a in tf.Session().run([y, index])]
        [9.0, 1]
    """
    if data_format != NHWC:
        raise ValueError("Data formats other than 'NHWC' are not yet supported")
    chosen = renamed("output_dtype", output_dtype, "Targmax", Targmax)
    kind = int64 if chosen is None else as_dtype(chosen)
    with composed(name, "MaxPoolWithArgmax", input) as scope:
        x = convert_to_tensor(input)
        op = MaxPool(parse_sizes(ksize, "ksize"), parse_sizes(strides, "strides"), parse_padding(padding))
        pooled, where = x.graph.add(op, (x,), scope).outputs
        start, line = _starts(op, x, include_batch_in_index, kind.np_dtype)
        place = cast(where, kind)
        width = kind.np_dtype.type(op.ksize[1])
        row, column = floordiv(place, width), floormod(place, width)
        argmax: Tensor = row * line[0] + column * line[1] + start
        return pooled, argmax


def _starts(op: MaxPool, x: Tensor, batch: bool, kind: Any) -> tuple[np.ndarray, np.ndarray]:
    """The flat index of each window's first element, and the strides of rows and columns in flat indices."""
    dims = x.type.shape
    if dims is None or None in dims[0 if batch else 1 :]:
        raise ShapeError(f"max_pool_with_argmax needs to know the image's size, not {format_shape(dims)}")
    count, height, width, channels = dims[0] or 1, *(int(d or 0) for d in dims[1:])
    rows, columns = op.window.out(height, width)
    (top, _), (left, _) = op.window.pads(height, width)
    y = np.arange(rows or 0)[:, None, None] * op.strides[0] - top
    z = np.arange(columns or 0)[:, None] * op.strides[1] - left
    start = (y * width + z) * channels + np.arange(channels)
    shift = np.arange(count if batch else 1)[:, None, None, None] * (height * width * channels)
    return (start + shift).astype(kind), np.array([width * channels, channels], kind)
