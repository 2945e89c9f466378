"""Moving data: transposes, joining and splitting, slices, padding, gathering."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, Kernel, Scratch, copy, steps_only
from minigraph.core.op import Op
from minigraph.ops.array.joining import ConcatV2, GatherGrad, GatherV2, OneHot, Pack, SplitV, Unpack
from minigraph.ops.array.shape import Tile, Transpose
from minigraph.ops.array.slicing import Pad, PutSlice, StridedSlice


def transpose(op: Transpose, in_types: Types, out_types: Types) -> Lowered:
    return steps_only(lambda x, out: [copy(_one(out), x[0].transpose(op.perm))])


def concat(op: ConcatV2, in_types: Types, out_types: Types) -> Lowered:
    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        return [partial(np.concatenate, tuple(inputs), op.axis, outputs[0])]  # type: ignore[list-item]

    return steps_only(steps)


def pack(op: Pack, in_types: Types, out_types: Types) -> Lowered:
    """One copy an input, to its slice of the output."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        moved = np.moveaxis(_one(outputs), op.axis, 0)
        return [copy(moved[i, ...], x) for i, x in enumerate(inputs)]

    return steps_only(steps)


def split(op: SplitV, in_types: Types, out_types: Types) -> Lowered:
    """Copies of the pieces that somebody reads."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        ends = np.cumsum([t.static[op.axis] for t in out_types])[:-1]
        parts = np.split(inputs[0], ends.tolist(), axis=op.axis)
        return [copy(out, part) for out, part in zip(outputs, parts, strict=True) if out is not None]

    return steps_only(steps)


def unpack(op: Unpack, in_types: Types, out_types: Types) -> Lowered:
    """Copies of the slices that somebody reads."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        moved = np.moveaxis(inputs[0], op.axis, 0)
        return [copy(out, moved[i, ...]) for i, out in enumerate(outputs) if out is not None]

    return steps_only(steps)


def _one(outputs: Sequence[Any]) -> Array:
    array: Array = outputs[0]
    return array


def _view_index(op: StridedSlice | PutSlice) -> tuple[Any, ...]:
    """The index with an ellipsis: without, NumPy gives a number and no view where every axis has an index."""
    index = StridedSlice(op.spec).index
    return index if Ellipsis in index else (*index, Ellipsis)


def strided_slice(op: StridedSlice, in_types: Types, out_types: Types) -> Lowered:
    return steps_only(lambda x, out: [copy(_one(out), x[0][_view_index(op)])])


def put_slice(op: PutSlice, in_types: Types, out_types: Types) -> Lowered:
    return steps_only(lambda x, out: [partial(_one(out).fill, 0), copy(_one(out)[_view_index(op)], x[0])])


def pad(op: Pad, in_types: Types, out_types: Types) -> Lowered:
    """The borders filled, axis by axis, and the input copied between them."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        inner = _one(outputs)
        value = np.array(op.value).astype(inner.dtype)
        made: list[Launch] = []
        for axis, (before, after) in enumerate(op.paddings):
            first, end = (slice(None),) * axis, inner.shape[axis]
            made += [copy(inner[(*first, slice(0, before))], value)] if before else []
            made += [copy(inner[(*first, slice(end - after, end))], value)] if after else []
            inner = inner[(*first, slice(before, end - after))]
        return [*made, copy(inner, inputs[0])]

    return steps_only(steps)


def tile(op: Tile, in_types: Types, out_types: Types) -> Lowered:
    """One copy through a view that has an axis of copies before each axis."""
    once = [d for length in in_types[0].static for d in (1, length)]
    whole = [d for length, m in zip(in_types[0].static, op.multiples, strict=True) for d in (m, length)]
    return steps_only(lambda x, out: [copy(_one(out).reshape(whole), x[0].reshape(once))])


def _check(indices: Array, length: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= length):
        raise IndexError(f"gather indices must lie in [0, {length})")


def gather(op: GatherV2, in_types: Types, out_types: Types) -> Lowered:
    """Slices by `take`, in the mode that needs no buffer: the indices are checked before."""
    length = in_types[0].static[op.axis]

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        params, indices = inputs
        take = partial(np.take, params, indices, op.axis, outputs[0], "clip")
        return [partial(_check, indices, length), *([take] if outputs[0].size else [])]

    return steps_only(steps)


def gather_grad(op: GatherGrad, in_types: Types, out_types: Types) -> Lowered:
    """Slices added up where they came from."""

    def steps(inputs: Sequence[Array], outputs: Sequence[Any]) -> list[Launch]:
        grad, indices = inputs[:2]
        out = _one(outputs)
        axis = op.axis % out.ndim
        moved = np.moveaxis(grad, range(axis, axis + indices.ndim), range(indices.ndim))
        return [partial(out.fill, 0), partial(np.add.at, np.moveaxis(out, axis, 0), indices, moved)]

    return steps_only(steps)


def one_hot(op: OneHot, in_types: Types, out_types: Types) -> Lowered:
    """`off` everywhere, then `on` where the index equals the position."""
    indices, out = in_types[0], out_types[0]
    axis = op.axis % len(out.static)
    positions = np.arange(op.depth, dtype=np.int64).reshape((-1,) + (1,) * (len(out.static) - 1 - axis))
    kind = indices.dtype.np_dtype
    if op.depth == 0 or positions.max() <= np.iinfo(kind).max:
        positions = positions.astype(kind)  # no cast inside the comparison
    scratch = Scratch()
    scratch.add(out.static, np.bool_)

    def bind(inputs: Sequence[Array], outputs: Sequence[Any], workspace: Array) -> Launch:
        (hit,) = scratch.open(workspace)
        index, on, off = inputs
        return in_sequence([
            partial(np.equal, np.expand_dims(index, axis), positions, hit),
            copy(outputs[0], off),
            partial(np.copyto, outputs[0], on, where=hit),
        ])  # fmt: skip

    return Lowered(bind, scratch.nbytes)


KERNELS: dict[type[Op], Kernel] = {
    Transpose: transpose,
    ConcatV2: concat,
    SplitV: split,
    Pack: pack,
    Unpack: unpack,
    StridedSlice: strided_slice,
    PutSlice: put_slice,
    Pad: pad,
    Tile: tile,
    GatherV2: gather,
    GatherGrad: gather_grad,
    OneHot: one_hot,
}
