"""Two-dimensional cross-correlation (which deep learning calls convolution) and its two gradients.

The three are linear in each operand and closed under differentiation, so all orders of derivatives exist.
Layout: images NHWC, filters HWIO. With G groups, the filter has 1/G of the image's channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.dtypes import DType
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar, cast
from minigraph.core.types import Dim, TensorType, format_shape
from minigraph.core.typing import DataFormat2D, PaddingLike, Size, TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.builder import apply, first, make, require_float, require_gradient
from minigraph.ops.counting import convolution_flops
from minigraph.ops.data_format import in_nhwc
from minigraph.ops.window import Padding, Pair, Window, parse_padding, parse_sizes, tap

__all__ = ["conv2d"]

CASES: tuple[tuple[dict[str, Any], tuple[int, ...], tuple[int, ...]], ...] = (
    ({"padding": "SAME"}, (2, 4, 5, 2), (3, 2, 2, 3)),
    ({"padding": "VALID", "strides": (2, 1)}, (1, 5, 4, 2), (2, 3, 2, 2)),
    ({"padding": ((1, 0), (2, 1)), "strides": (2, 2)}, (1, 5, 4, 1), (3, 2, 1, 2)),
    ({"padding": "SAME", "dilations": (2, 1)}, (1, 6, 4, 1), (3, 2, 1, 2)),
    ({"padding": "SAME", "groups": 2}, (1, 3, 3, 4), (2, 2, 2, 6)),
)


def _random(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.RandomState(seed).randn(*shape)


class Convolution(Op, abstract=True):
    """The attributes that the convolution and its gradients share."""

    strides: Pair = (1, 1)
    padding: Padding = "SAME"
    dilations: Pair = (1, 1)
    groups: int = 1
    contracts = True
    accumulates = True

    def window(self, filter_shape: Sequence[Any]) -> Window:
        return Window((filter_shape[0], filter_shape[1]), self.strides, self.dilations, self.padding)

    def out_shape(self, x: tuple[Dim, ...], w: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """The output's NHWC shape. ShapeError unless the filter fits the image."""
        if len(x) != 4 or len(w) != 4:
            rank = len(x) if len(x) != 4 else len(w)
            raise ShapeError(
                f"Shape must be rank 4 but is rank {rank} for 'Conv2D': the input has shape {format_shape(x)}, "
                f"the filter {format_shape(w)}"
            )
        if w[2] == 0 and not x[3]:
            raise ShapeError(f"the filter {format_shape(w)} of 'Conv2D' takes no channels")
        self.check_channels(x, w)
        if 0 in w[:2]:
            raise ShapeError(f"the filter {format_shape(w)} of 'Conv2D' has no height or no width")
        if w[0] is None or w[1] is None:
            return (x[0], None, None, w[3])
        return (x[0], *self.window(w).out(x[1], x[2]), w[3])

    def check_channels(self, x: tuple[Dim, ...] | None, w: tuple[Dim, ...] | None) -> None:
        """ShapeError unless the channels of image and filter fit the number of groups, as far as they are known."""
        if x is None or w is None or len(x) != 4 or len(w) != 4:
            return
        if x[3] is not None and w[2] is not None and (x[3] != self.groups * w[2] or x[3] == 0):
            groups = "" if self.groups == 1 else f" in {self.groups} groups"
            raise ShapeError(
                f"Dimensions must be equal, but are {x[3]} and {w[2]} for 'Conv2D': the input {format_shape(x)} has "
                f"{x[3]} channels, the filter {format_shape(w)} takes {w[2]}{groups}"
            )
        if w[3] is not None and w[3] % self.groups:
            raise ShapeError(f"{w[3]} output channels cannot be split into {self.groups} groups for 'Conv2D'")

    def with_numbers(self, x: tuple[int, ...], w: tuple[int, ...]) -> dict[str, Any]:
        """The attributes with SAME and VALID as explicit numbers."""
        pads = self.window(w).pads(x[1], x[2])
        return {"strides": self.strides, "padding": pads, "dilations": self.dilations, "groups": self.groups}

    @property
    def attributes(self) -> tuple[Any, ...]:
        return self.strides, self.padding, self.dilations, self.groups


def _pad(xp: Any, x: Any, pads: tuple[Pair, Pair]) -> Any:
    return xp.pad(x, ((0, 0), *pads, (0, 0)))


def _slices(groups: int, w_shape: Sequence[int]) -> list[tuple[slice, slice]]:
    """The input channels and the output channels of each group."""
    depth, fan = w_shape[2], w_shape[3] // groups
    return [(slice(g * depth, (g + 1) * depth), slice(g * fan, (g + 1) * fan)) for g in range(groups)]


def correlation(
    op: Convolution, name: str, in_types: Sequence[TensorType], out: TensorType, kind: DType,
    read: Callable[[Scalar], Scalar],
) -> Kernel:  # fmt: skip
    """The kernel of a convolution with sums of dtype `kind`. read: from a pixel's element to its number."""
    k = Statement(name)
    x, w, y = *map(k.operand, in_types), k.result(out)
    at, (rows, columns, depth, outputs) = op.window(w.shape).indices(*x.shape[1:3]), w.shape
    with k.over(*y.shape, names="npqo") as (n, p, q, o):
        first = o // (outputs // op.groups) * depth

        def term(r: Index, s: Index, i: Index) -> Any:
            h, v = at.pixel(p, q, r, s)
            product = read(x[n, h, v, first + i]) * cast(w[r, s, i, o], kind)
            return [product], x.inside(n, h, v, first + i)[1:3]

        (total,) = k.reduce([rows, columns, depth], ADD, [0], [kind], term)
        k.store(y, (n, p, q, o), total)
    return k.done()


class Conv2D(Convolution):
    """y[n,p,q,o] = Σ_{r,s,i} x[n, p·S + r·D − P, q·S + s·D − P, i]·w[r,s,i,o]."""

    def infer(self, x: TensorType, w: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("Conv2D", x, w)
        if x.shape is None or w.shape is None:
            return (TensorType(dtype, (None, None, None, w.shape[3] if w.rank == 4 else None)),)  # type: ignore[index]
        return (TensorType(dtype, self.out_shape(x.shape, w.shape)),)

    def forward(self, xp: Any, x: Any, w: Any) -> tuple[Any, ...]:
        window = self.window(w.shape)
        out = self.out_shape(x.shape, w.shape)
        padded = _pad(xp, x, window.pads(*x.shape[1:3]))
        y = xp.zeros(out, x.dtype)
        for inside, outside in _slices(self.groups, w.shape):
            for r in range(w.shape[0]):
                for s in range(w.shape[1]):
                    part = tap(padded, window, r, s, out[1:3])[..., inside]  # type: ignore[arg-type]
                    y[..., outside] += xp.matmul(part, w[r, s, :, outside])
        return (y,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        kind = accumulator(out_types[0].dtype)
        return correlation(self, "conv2d", in_types, out_types[0], kind, lambda x: cast(x, kind))

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return convolution_flops(out_types[0], in_types[1].static)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True, False), (False,))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, w = node.inputs
        return (
            apply(Conv2DBackpropInput(*self.attributes), x, w, grad),
            apply(Conv2DBackpropFilter(*self.attributes), x, w, grad),
        )

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Conv2D(**self.with_numbers(types[0].static, types[1].static)), (0, 1)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, x, w in CASES:
            yield Sample(cls(**attributes), (_random(1, x), _random(2, w)))


class Conv2DBackpropInput(Convolution):
    """∂L/∂x from the filter and δ = ∂L/∂y. The first input gives the image's shape only."""

    def infer(self, x: TensorType, w: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("Conv2DBackpropInput", w, grad)
        self.check_channels(x.shape, w.shape)
        require_gradient(grad, Conv2D(*self.attributes), TensorType(dtype, x.shape), w)
        return (TensorType(dtype, x.shape),)

    def forward(self, xp: Any, x: Any, w: Any, grad: Any) -> tuple[Any, ...]:
        record = Conv2DInputGrad(**self.with_numbers(x.shape, w.shape), shape=x.shape)
        return record.forward(xp, w, grad)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return convolution_flops(in_types[2], in_types[1].static)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        _, w, delta = node.inputs
        return (
            None,
            apply(Conv2DBackpropFilter(*self.attributes), grad, w, delta),
            apply(Conv2D(*self.attributes), grad, w),
        )

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        x, w, _ = (t.static for t in types)
        return Conv2DInputGrad(**self.with_numbers(x, w), shape=x), (1, 2)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, x, w in CASES:
            y = Conv2D(**attributes).out_shape(x, w)
            yield Sample(cls(**attributes), (_random(1, x), _random(2, w), _random(3, y)))  # type: ignore[arg-type]


class Conv2DInputGrad(Convolution):
    """Conv2DBackpropInput with the image's `shape` as numbers."""

    shape: tuple[int, ...] = ()

    def infer(self, w: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("Conv2DInputGrad", w, grad)
        require_gradient(grad, Conv2D(*self.attributes), TensorType(dtype, self.shape), w)
        return (TensorType(dtype, self.shape),)

    def forward(self, xp: Any, w: Any, grad: Any) -> tuple[Any, ...]:
        window = self.window(w.shape)
        (top, bottom), (left, right) = window.pads(*self.shape[1:3])
        n, height, width, channels = self.shape
        padded = xp.zeros((n, top + height + bottom, left + width + right, channels), grad.dtype)
        for inside, outside in _slices(self.groups, w.shape):
            for r in range(w.shape[0]):
                for s in range(w.shape[1]):
                    part = xp.matmul(grad[..., outside], w[r, s, :, outside].T)
                    tap(padded, window, r, s, grad.shape[1:3])[..., inside] += part
        return (padded[:, top : top + height, left : left + width].copy(),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k, kind = Statement("conv2d_input_grad"), accumulator(out_types[0].dtype)
        w, grad, x = *map(k.operand, in_types), k.result(out_types[0])
        at, (rows, columns, depth, outputs) = self.window(w.shape).indices(*x.shape[1:3]), w.shape
        fan = outputs // self.groups
        with k.over(*x.shape, names="nhwc") as (n, h, v, c):
            first = c // depth * fan

            def term(r: Index, s: Index, j: Index) -> Any:
                p, q, whole = at.window_at(h, v, r, s)
                product = cast(grad[n, p, q, first + j], kind) * cast(w[r, s, c % depth, first + j], kind)
                return [product], (*whole, *grad.inside(n, p, q, first + j)[1:3])

            (total,) = k.reduce([rows, columns, fan], ADD, [0], [kind], term)
            k.store(x, (n, h, v, c), total)
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return convolution_flops(in_types[1], in_types[0].static)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((False, True), (False,))

    def for_batch(self, size: int) -> Op:
        return self.replace(shape=(size, *self.shape[1:]))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        w, delta = node.inputs
        return apply(Conv2DBackpropFilter(*self.attributes), grad, w, delta), apply(Conv2D(*self.attributes), grad, w)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, x, w in CASES:
            record = Conv2D(**attributes)
            y = record.out_shape(x, w)
            yield Sample(
                cls(**record.with_numbers(x, w), shape=x),
                (_random(2, w), _random(3, y)),  # type: ignore[arg-type]
            )


class Conv2DBackpropFilter(Convolution):
    """∂L/∂w[r,s,i,o] = Σ_{n,p,q} x[n, p·S + r·D − P, q·S + s·D − P, i]·δ[n,p,q,o]: the cross-correlation of the
    image with δ. The second input gives the filter's shape only."""

    def infer(self, x: TensorType, w: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("Conv2DBackpropFilter", x, grad)
        self.check_channels(x.shape, w.shape)
        require_gradient(grad, Conv2D(*self.attributes), x, TensorType(dtype, w.shape))
        return (TensorType(dtype, w.shape),)

    def forward(self, xp: Any, x: Any, w: Any, grad: Any) -> tuple[Any, ...]:
        record = Conv2DFilterGrad(**self.with_numbers(x.shape, w.shape), shape=w.shape)
        return record.forward(xp, x, grad)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return convolution_flops(in_types[-1], out_types[0].static)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, _, delta = node.inputs
        return (
            apply(Conv2DBackpropInput(*self.attributes), x, grad, delta),
            None,
            apply(Conv2D(*self.attributes), x, grad),
        )

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        x, w, _ = (t.static for t in types)
        return Conv2DFilterGrad(**self.with_numbers(x, w), shape=w), (0, 2)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, x, w in CASES:
            y = Conv2D(**attributes).out_shape(x, w)
            yield Sample(cls(**attributes), (_random(1, x), _random(2, w), _random(3, y)))  # type: ignore[arg-type]


class Conv2DFilterGrad(Convolution):
    """Conv2DBackpropFilter with the filter's `shape` as numbers."""

    shape: tuple[int, ...] = ()

    def infer(self, x: TensorType, grad: TensorType) -> tuple[TensorType, ...]:
        dtype = require_float("Conv2DFilterGrad", x, grad)
        require_gradient(grad, Conv2D(*self.attributes), x, TensorType(dtype, self.shape))
        return (TensorType(dtype, self.shape),)

    def forward(self, xp: Any, x: Any, grad: Any) -> tuple[Any, ...]:
        window = self.window(self.shape)
        padded = _pad(xp, x, window.pads(*x.shape[1:3]))
        w = xp.zeros(self.shape, x.dtype)
        for inside, outside in _slices(self.groups, self.shape):
            for r in range(self.shape[0]):
                for s in range(self.shape[1]):
                    part = tap(padded, window, r, s, grad.shape[1:3])[..., inside]
                    w[r, s, :, outside] += xp.tensordot(part, grad[..., outside], axes=((0, 1, 2), (0, 1, 2)))
        return (w,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """The sums of a line of taps together, as they read the same δ."""
        k, kind = Statement("conv2d_filter_grad"), accumulator(out_types[0].dtype)
        x, grad, w = *map(k.operand, in_types), k.result(out_types[0])
        at, (rows, columns, depth, outputs) = self.window(w.shape).indices(*x.shape[1:3]), w.shape
        taps = [Index.of(s) for s in range(columns)]
        with k.over(rows, depth, outputs, names="rio") as (r, i, o):
            channel = o // (outputs // self.groups) * depth + i

            def term(n: Index, p: Index, q: Index) -> list[Any]:
                pixels = [k.padded(x, (n, *at.pixel(p, q, r, s), channel), 0) for s in taps]
                return [cast(pixel, kind) * cast(grad[n, p, q, o], kind) for pixel in pixels]

            for s, total in zip(
                taps, k.reduce(grad.shape[:3], ADD, [0] * columns, [kind] * columns, term), strict=True
            ):
                k.store(w, (r, s, i, o), total)
        return k.done()

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return convolution_flops(in_types[-1], out_types[0].static)

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True, True), (True,))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, delta = node.inputs
        return (
            apply(Conv2DBackpropInput(*self.attributes), x, grad, delta),
            apply(Conv2D(*self.attributes), x, grad),
        )

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for attributes, x, w in CASES:
            record = Conv2D(**attributes)
            y = record.out_shape(x, w)
            yield Sample(
                cls(**record.with_numbers(x, w), shape=w),
                (_random(1, x), _random(3, y)),  # type: ignore[arg-type]
            )


def conv2d(
    input: TensorLike, filter: TensorLike | None = None, strides: Size | None = None,
    padding: PaddingLike | None = None, use_cudnn_on_gpu: bool = True, data_format: DataFormat2D = "NHWC",
    dilations: Size = (1, 1, 1, 1), name: str | None = None, filters: TensorLike | None = None,
) -> Tensor:  # fmt: skip
    """Cross-correlate images with filters, which deep learning calls convolution.

    y[n,p,q,o] = Σ_{r,s,i} x[n, p·S + r·D − P, q·S + s·D − P, i]·w[r,s,i,o], with strides S, dilations D and padding P.

    Args:
        input: Images [N,H,W,C] of a floating dtype; [N,C,H,W] with data_format NCHW.
        filter: Filters [KH,KW,C,O] of the dtype of `input`.
        strides: Steps between windows, in the order of `data_format`: [1, rows, columns, 1]. Also one number for both
            axes, or [rows, columns]; 1 by default.
        padding: SAME for ⌈H/S⌉ rows of output, VALID for no padding, or the numbers of zeros before and after each
            dimension, [[0, 0], [top, bottom], [left, right], [0, 0]], in the order of `data_format`.
        use_cudnn_on_gpu: Accepted for TensorFlow's sake; without effect.
        data_format: NHWC or NCHW.
        dilations: Distances between the taps of a filter, in the forms of `strides`.
        name: Name of the node.
        filters: TensorFlow 2's name of `filter`.

    Returns:
        A tensor [N,P,Q,O], or [N,O,P,Q] with data_format NCHW, of the dtype of `input`.

    Raises:
        ShapeError: `input` or `filter` is not 4-dimensional, their numbers of channels differ, or a filter is larger
            than the padded image.
        DTypeError: The dtypes differ or are not floating.
        ValueError: `strides`, `padding`, `dilations` or `data_format` has an invalid value.

    Example:
        >>> image = tf.reshape(tf.range(9.0), [1, 3, 3, 1])
        >>> y = tf.nn.conv2d(image, tf.ones([2, 2, 1, 1]), strides=[1, 1, 1, 1], padding="VALID")
        >>> tf.Session().run(y)[0, :, :, 0]
        array([[ 8., 12.],
               [20., 24.]], dtype=float32)
    """
    weights = renamed("filters", filters, "filter", filter)
    return grouped_conv2d(input, weights, 1, strides, padding, data_format, dilations, name)


def grouped_conv2d(
    input: TensorLike, filter: TensorLike | None, groups: int, strides: Size | None, padding: PaddingLike | None,
    data_format: DataFormat2D = "NHWC", dilations: Size = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """conv2d in groups, which TensorFlow 1 does not have: output channel o sums over the input channels of its group.

    filter: [KH,KW,C/groups,O].
    """
    op = Conv2D(
        parse_sizes(strides if strides is not None else 1, "strides", data_format),
        parse_padding(padding, data_format),
        parse_sizes(dilations, "dilations", data_format),
        groups,
    )

    def convolve(image: Any, name: str | None) -> Tensor:
        return first(make(op, name, "Conv2D", {"input": image, "filter": filter}))

    return in_nhwc(input, data_format, name, "Conv2D", convolve)
