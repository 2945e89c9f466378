"""Pooling and its gradients: one pass for each window element, on blocks of rows that stay in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, blocks
from minigraph.backends.numpy.taps import Tap, Taps
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.nn import pool as P
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolInputGrad
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolGather, MaxPoolInputGrad

_BYTES = 1 << 19  # bytes of the image in a block


class _Part(NamedTuple):
    """Some images and some of their output rows."""

    images: slice
    rows: slice
    taps: list[Tap]

    @property
    def out(self) -> tuple[slice, slice]:
        return self.images, self.rows


class _Plan:
    """The blocks of a pooling over images of shape `image`."""

    def __init__(self, op: P.Pool, image: tuple[int, ...], kind: np.dtype[Any]) -> None:
        self.taps = Taps(op.window, image)
        n, _, width, channels = image
        rows, columns = self.taps.out
        line = max(op.strides[0] * width * channels * kind.itemsize, 1)
        lines = max(1, _BYTES // line)
        images = max(1, lines // max(rows, 1))
        cuts = [(part, list(self.taps.over(part))) for part in blocks(rows, lines)]
        self.parts = [_Part(some, part, taps) for some in blocks(n, images) for part, taps in cuts]
        self.size = min(n, images) * min(rows, lines) * columns * channels  # elements of the largest block's output
        apart = op.ksize[0] <= op.strides[0] and op.ksize[1] <= op.strides[1]
        (top, _), (left, _) = self.taps.pads
        full = op.ksize == op.strides and rows * op.strides[0] - top >= image[1]
        self.apart = apart  # no two windows overlap
        self.tiling = full and columns * op.strides[1] - left >= image[2]  # and every element lies in a window


def _cut(scratch: Array, like: Array) -> Array:
    return scratch[: like.size].reshape(like.shape)


def max_pool(op: MaxPool, in_types: Types, out_types: Types) -> Lowered:
    """The running maximum over the taps, and the number of the tap that gave it. NaN wins: the first."""
    x = in_types[0]
    kind, index_kind = x.dtype.np_dtype, out_types[1].dtype.np_dtype
    plan = _Plan(op, x.static, kind)
    low = np.array(-np.inf if x.dtype.is_floating else x.dtype.min, kind)
    layout = ArrayLayout()
    for dtype in (kind, np.bool_, index_kind):
        layout.reserve(plan.size, dtype)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        values, greater, number = layout.arrays(workspace)
        steps: list[Launch] = []
        for part in plan.parts:
            image = inputs[0][part.images]
            shape = (len(image), part.rows.stop - part.rows.start, *out_types[0].static[2:])
            y, where = (None if out is None else out[part.out] for out in outputs)
            if y is None:
                y = values[: int(np.prod(shape))].reshape(shape)
            taps = part.taps
            if len(taps) > 1 and _covers(taps[0], y) and _covers(taps[1], y) and taps[1].number == 1:
                first, second = (image[:, *t.image] for t in taps[:2])
                if where is not None:
                    steps.append(partial(np.greater, second, first, where))
                steps.append(partial(np.maximum, first, second, out=y))
                taps = taps[2:]
            else:
                steps.append(partial(y.fill, low))
                if where is not None:
                    steps.append(partial(where.fill, 0))
            for tap in taps:
                x_tap, best = image[:, *tap.image], y[:, *tap.out]
                if where is not None:
                    place, mask, mark = where[:, *tap.out], _cut(greater, best), _cut(number, best)
                    steps += [partial(np.greater, x_tap, best, mask)]
                    steps += [partial(np.multiply, mask, np.array(tap.number, index_kind), mark)]
                    steps += [partial(np.maximum, place, mark, out=place)]  # the taps' order is ascending
                steps.append(partial(np.maximum, best, x_tap, out=best))
            if where is not None and y.size and x.dtype.is_floating:
                steps.append(partial(_place_nans, y, where, [(t.number, image[:, *t.image], t.out) for t in part.taps]))
        return in_sequence(steps)

    return Lowered(bind, layout.nbytes)


def _place_nans(y: Array, where: Array, taps: list[tuple[int, Array, tuple[slice, slice]]]) -> None:
    """Where a maximum is NaN: the number of the first tap that is, because comparisons miss it."""
    if np.isnan(y.max()):
        for number, x, out in reversed(taps):
            np.copyto(where[:, *out], where.dtype.type(number), where=np.isnan(x))


def _covers(tap: Tap, y: Array) -> bool:
    """Whether a tap lies in the image for every output of a block."""
    return all(s.start == 0 and s.stop == d for s, d in zip(tap.out, y.shape[1:3], strict=True))


def max_pool_input_grad(op: MaxPoolInputGrad, in_types: Types, out_types: Types) -> Lowered:
    """δ at each maximum, 0 elsewhere: written if windows do not overlap, otherwise added."""
    where_type, grad_type = in_types
    kind = grad_type.dtype.np_dtype
    plan = _Plan(op, op.shape, kind)
    layout = ArrayLayout()
    layout.reserve(plan.size, np.bool_)
    layout.reserve(0 if plan.apart else plan.size, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        buffer, products = layout.arrays(workspace)
        steps: list[Launch] = []
        for part in plan.parts:
            dx = outputs[0][part.images]
            where, delta = (a[part.out] for a in inputs)
            if not plan.tiling and part.rows.start == 0:
                steps.append(partial(dx.fill, 0))
            for tap in part.taps:
                target, some = dx[:, *tap.image], delta[:, *tap.out]
                mask = _cut(buffer, some)
                steps.append(partial(np.equal, where[:, *tap.out], _index(tap, where_type), mask))
                product = target if plan.apart else _cut(products, some)
                steps.append(partial(np.multiply, _bits(some), mask, _bits(product)))
                if not plan.apart:
                    steps.append(partial(np.add, target, product, target))
        return in_sequence(steps)

    return Lowered(bind, layout.nbytes)


def _bits(array: Array) -> Array:
    """A view of floats as integers. Their product with a mask is 0 or the float itself, where ∞·0 would be NaN."""
    return array.view(f"u{array.itemsize}")


def _index(tap: Tap, where: TensorType) -> Array:
    return np.array(tap.number, where.dtype.np_dtype)


def max_pool_gather(op: MaxPoolGather, in_types: Types, out_types: Types) -> Lowered:
    """The image's elements at the maxima."""
    x, where_type = in_types
    kind = x.dtype.np_dtype
    plan = _Plan(op, x.static, kind)
    layout = ArrayLayout()
    layout.reserve(plan.size, np.bool_)
    layout.reserve(plan.size, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        buffer, products = layout.arrays(workspace)
        steps: list[Launch] = []
        for part in plan.parts:
            image, where, y = inputs[0][part.images], inputs[1][part.out], outputs[0][part.out]
            steps.append(partial(y.fill, 0))
            for tap in part.taps:
                target = y[:, *tap.out]
                mask, product = _cut(buffer, target), _cut(products, target)
                steps.append(partial(np.equal, where[:, *tap.out], _index(tap, where_type), mask))
                steps.append(partial(np.multiply, _bits(image[:, *tap.image]), mask, _bits(product)))
                steps.append(partial(np.add, target, product, target))
        return in_sequence(steps)

    return Lowered(bind, layout.nbytes)


def avg_pool(op: AvgPool, in_types: Types, out_types: Types) -> Lowered:
    """The sum over the taps, divided by the number of elements that are not padding."""
    x = in_types[0]
    plan = _Plan(op, x.static, x.dtype.np_dtype)
    counts = op.counts(x.static).astype(x.dtype.np_dtype)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        steps: list[Launch] = []
        for part in plan.parts:
            image, y = inputs[0][part.images], outputs[0][part.out]
            steps.append(partial(y.fill, 0))
            for tap in part.taps:
                target = y[:, *tap.out]
                steps.append(partial(np.add, target, image[:, *tap.image], target))
            steps.append(partial(np.divide, y, counts[:, part.rows], y))
        return in_sequence(steps)

    return Lowered(bind)


def avg_pool_input_grad(op: AvgPoolInputGrad, in_types: Types, out_types: Types) -> Lowered:
    """δ over the count of each window: written to its elements if windows do not overlap, otherwise added."""
    grad = in_types[0]
    kind = grad.dtype.np_dtype
    plan = _Plan(op, op.shape, kind)
    counts = AvgPool(*op.attributes).counts(op.shape).astype(kind)
    layout = ArrayLayout()
    layout.reserve(plan.size, kind)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (buffer,) = layout.arrays(workspace)
        steps: list[Launch] = []
        for part in plan.parts:
            dx, delta = outputs[0][part.images], inputs[0][part.out]
            share = _cut(buffer, delta)
            if not plan.tiling and part.rows.start == 0:
                steps.append(partial(dx.fill, 0))
            steps.append(partial(np.divide, delta, counts[:, part.rows], share))
            for tap in part.taps:
                target, some = dx[:, *tap.image], share[:, *tap.out]
                steps.append(partial(np.copyto, target, some) if plan.apart else partial(np.add, target, some, target))
        return in_sequence(steps)

    return Lowered(bind, layout.nbytes)


KERNELS: dict[type[Op], Kernel] = {
    MaxPool: max_pool,
    MaxPoolInputGrad: max_pool_input_grad,
    MaxPoolGather: max_pool_gather,
    AvgPool: avg_pool,
    AvgPoolInputGrad: avg_pool_input_grad,
}
