"""Copies with constant strides: joining and splitting, slices, padding, transposes; and gathering, by indices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from minigraph.backend.base import Types
from minigraph.backend.host import HostArray
from minigraph.backends.llvm.builder import (
    F32,
    I8,
    Builder,
    Frame,
    Value,
    at,
    copy,
    element,
    index,
    larger,
    loop,
    offset,
    smaller,
    zero,
)
from minigraph.backends.llvm.indices import checked, write_index
from minigraph.backends.llvm.loop import Elementwise, Output, elementwise
from minigraph.backends.llvm.native import Call, LoweringContext, Native, Place, always, ins, outs
from minigraph.backends.llvm.rows import TASKS
from minigraph.backends.llvm.scalar import add, load, store
from minigraph.core.scalar import constant
from minigraph.core.types import TensorType
from minigraph.ops.array.joining import ConcatV2, GatherGrad, GatherV2, Pack, SplitV, Unpack
from minigraph.ops.array.shape import Tile, Transpose
from minigraph.ops.array.slicing import Pad, PutSlice, StridedSlice

GRAIN = 1 << 15  # elements of a task
MOST = 16  # arrays joined or split; each adds to the code


class View(NamedTuple):
    """Elements of the array at `place`: the first one's number, and how far apart they are along each axis."""

    place: Place
    start: int
    strides: tuple[int, ...]


class Move(NamedTuple):
    """A copy of that many elements along each axis. adds: to what is there; of float32 only."""

    shape: tuple[int, ...]
    source: View
    target: View
    adds: bool = False


def layout(shape: Sequence[int]) -> HostArray:
    """An array of that shape in C order whose elements nobody may touch: views of it tell starts and strides."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), tuple(shape), strides)


def _start(array: HostArray) -> int:
    found: int = array.__array_interface__["data"][0]
    return found


def move(
    source: Place, whole_source: HostArray, part: HostArray, target: Place, whole_target: HostArray, into: HostArray
) -> Move:
    """What copies `part` of the one whole array into a part of the other."""
    part = np.broadcast_to(part, into.shape)
    return Move(
        into.shape,
        View(source, _start(part) - _start(whole_source), part.strides),
        View(target, _start(into) - _start(whole_target), into.strides),
    )


def _axes(move: Move) -> list[tuple[int, int, int]]:
    """Length and strides of source and target along each axis, with those made one that lie one behind the other."""
    axes: list[tuple[int, int, int]] = []
    for length, source, target in zip(move.shape, move.source.strides, move.target.strides, strict=True):
        if length == 1:
            continue
        if axes and axes[-1][1:] == (source * length, target * length):
            axes[-1] = (axes[-1][0] * length, source, target)
        else:
            axes.append((length, source, target))
    return axes or [(1, 1, 1)]


def _write(
    b: Builder, kind: Any, adds: bool, axes: Sequence[tuple[int, int, int]], low: Value, high: Value, to: Any
) -> None:
    """Copy or add elements of a kind; to: addresses of source and target."""
    (_, source, target), *inner = axes

    def moved(i: Value) -> tuple[Value, Value]:
        return at(b, to[0], offset(b, (i, source)), kind), at(b, to[1], offset(b, (i, target)), kind)

    if not inner and source == target == 1 and not adds:
        from_, into = moved(low)
        copy(b, into, from_, b.mul(b.sub(high, low), index(kind.width // 8)))
        return
    with loop(b, low, high) as i:
        from_, into = moved(i)
        if inner:
            _write(b, kind, adds, inner, index(0), index(inner[0][0]), (from_, into))
        else:
            value = b.load(from_, typ=kind, align=1)
            b.store(b.fadd(b.load(into, typ=kind, align=1), value) if adds else value, into, align=1)


def copying(moves: Sequence[Move], size: int, how: LoweringContext) -> list[Call]:
    """The copies of elements of `size` bytes as one call."""
    moves = [m for m in moves if math.prod(m.shape)]
    if not moves:
        return []
    places = list(dict.fromkeys(p for m in moves for p in (m.source.place, m.target.place)))
    tasks = 1 if how.inside else max(1, min(TASKS, sum(math.prod(m.shape) for m in moves) // GRAIN))
    frame = Frame(len(places))
    with frame.tasks("kernel") as task:
        b = frame.b
        for each in moves:
            axes = _axes(each)
            low, high = (b.sdiv(b.mul(b.add(task, index(n)), index(axes[0][0])), index(tasks)) for n in (0, 1))
            to = [
                at(b, frame.pointers[places.index(v.place)], index(v.start), ir.IntType(8 * size))
                for v in (each.source, each.target)
            ]
            _write(b, F32 if each.adds else ir.IntType(8 * size), each.adds, axes, low, high, to)
    return [Call(frame.text, "kernel", tasks, tuple(places))]


def _copies(out: TensorType, how: LoweringContext, moves: Sequence[Move]) -> Native:
    return Native(always(lambda: copying(moves, out.dtype.size, how)))


def _view(x: TensorType, out: TensorType, how: LoweringContext, part: Callable[[HostArray], HostArray]) -> Native:
    """A result that is a part of the operand."""
    whole, into = layout(x.static), layout(out.static)
    return _copies(out, how, [move(ins(0)[0], whole, part(whole), outs(0)[0], into, into)])


def _put(
    x: TensorType, out: TensorType, how: LoweringContext, value: float, part: Callable[[HostArray], HostArray]
) -> Native | None:
    """The operand as a part of the result, which else is `value`."""
    what = Elementwise((out.size,), (), (Output(constant(value, out.dtype)),))
    if not out.size or not what.is_printable:
        return None
    filling = elementwise(what, how)
    whole, into = layout(x.static), layout(out.static)
    inside = move(ins(0)[0], whole, whole, outs(0)[0], into, part(into))
    return Native(always(lambda: [*filling.calls((True,)), *copying([inside], out.dtype.size, how)]))


def transpose(op: Transpose, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Axes in another order."""
    return _view(in_types[0], out_types[0], how, lambda x: x.transpose(op.perm))


def strided_slice(op: StridedSlice, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """x[spec]."""
    return _view(in_types[0], out_types[0], how, lambda x: x[_indexed(op)])


def _indexed(op: StridedSlice | PutSlice) -> tuple[Any, ...]:
    """The index with an ellipsis: without, NumPy reads the element where every axis has an index."""
    found = StridedSlice(op.spec).index
    return found if Ellipsis in found else (*found, Ellipsis)


def put_slice(op: PutSlice, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The adjoint of a slice."""
    return _put(in_types[0], out_types[0], how, 0, lambda y: y[_indexed(op)])


def pad(op: Pad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Borders of one value."""
    inside = tuple(slice(a, a + d) for (a, _), d in zip(op.paddings, in_types[0].static, strict=True))
    return _put(in_types[0], out_types[0], how, op.value, lambda y: y[inside])


def tile(op: Tile, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Copies side by side: through a view that has an axis of copies before each axis."""
    x, out = in_types[0], out_types[0]
    once = [d for length in x.static for d in (1, length)]
    several = [d for length, m in zip(x.static, op.multiples, strict=True) for d in (m, length)]
    whole, into = layout(once), layout(several)
    return _copies(out, how, [move(ins(0)[0], whole, whole, outs(0)[0], into, into)])


def _sections(types: Types, axis: int) -> list[tuple[slice, ...]]:
    """Where each of the arrays lies in all of them joined."""
    axis %= len(types[0].static)
    ends = np.cumsum([0, *(t.static[axis] for t in types)]).tolist()
    return [(slice(None),) * axis + (slice(a, b),) for a, b in pairwise(ends)]


def concat(op: ConcatV2, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """One behind the other along an axis."""
    return _join(in_types, out_types[0], how, _sections(in_types, op.axis))


def pack(op: Pack, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """One behind the other along a new axis."""
    axis = op.axis % len(out_types[0].static)
    return _join(in_types, out_types[0], how, [(slice(None),) * axis + (i,) for i in range(len(in_types))])


def _join(in_types: Types, out: TensorType, how: LoweringContext, where: Sequence[Any]) -> Native | None:
    if len(where) > MOST:
        return None
    into, moves = layout(out.static), []
    for n, (kind, section) in enumerate(zip(in_types, where, strict=True)):
        whole = layout(kind.static)
        moves.append(move(ins(n)[0], whole, whole, outs(0)[0], into, into[(*section, ...)]))
    return _copies(out, how, moves)


def split(op: SplitV, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The adjoint of a concatenation."""
    return _divide(in_types[0], out_types, how, _sections(out_types, op.axis))


def unpack(op: Unpack, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The slices along an axis."""
    axis = op.axis % len(in_types[0].static)
    return _divide(in_types[0], out_types, how, [(slice(None),) * axis + (i,) for i in range(op.num)])


def _divide(x: TensorType, out_types: Types, how: LoweringContext, where: Sequence[Any]) -> Native | None:
    if len(where) > MOST:
        return None
    whole, moves = layout(x.static), []
    for n, (kind, section) in enumerate(zip(out_types, where, strict=True)):
        into = layout(kind.static)
        moves.append(move(ins(0)[0], whole, whole[(*section, ...)], outs(n)[0], into, into))

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        return copying([m for m, is_read in zip(moves, wanted, strict=True) if is_read], x.dtype.size, how)

    return Native(calls)


def gather(op: GatherV2, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Slices at indices."""
    params, indices = in_types
    if not out_types[0].size:
        return None
    axis = op.axis % len(params.static)
    length, run = params.static[axis], math.prod(params.static[axis + 1 :]) * params.dtype.size
    count, outer = indices.size, math.prod(params.static[:axis])

    def make() -> list[Call]:
        frame = Frame(3)
        with frame.tasks("kernel") as task, loop(frame.b, index(0), index(outer)) as o:
            b = frame.b
            where = smaller(b, larger(b, write_index(frame, indices, 1, task), index(0)), index(length - 1))
            to, from_ = offset(b, (o, count * run), (task, run)), offset(b, (o, length * run), (where, run))
            copy(b, at(b, frame.pointers[2], to, I8), at(b, frame.pointers[0], from_, I8), index(run))
        return [Call(frame.text, "kernel", count, (*ins(0, 1), *outs(0)))]

    return checked(Native(always(make)), indices, 1, length, f"gather indices must lie in [0, {length})")


def gather_grad(op: GatherGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Slices added up where they came from; indices out of range have been refused by the gather."""
    grad, indices, _ = in_types
    out = out_types[0]
    if not grad.size or not out.size or out.dtype.np_dtype.kind not in "fiu" or out.dtype.name == "float16":
        return None
    axis = op.axis % len(out.static)
    length, run = out.static[axis], math.prod(out.static[axis + 1 :])
    count, outer, kind = indices.size, math.prod(out.static[:axis]), element(out.dtype)

    def make() -> list[Call]:
        frame = Frame(3)
        with frame.tasks("kernel") as o:
            b = frame.b
            target = at(b, frame.pointers[2], offset(b, (o, length * run)), kind)
            zero(b, target, index(length * run * out.dtype.size))
            with loop(b, index(0), index(count)) as n:
                where = write_index(frame, indices, 1, n)
                with b.if_then(b.icmp_unsigned("<", where, index(length))), loop(b, index(0), index(run)) as j:
                    from_ = at(b, frame.pointers[0], offset(b, (o, count * run), (n, run), (j, 1)), kind)
                    to = at(b, target, offset(b, (where, run), (j, 1)), kind)
                    total = add(b, load(b, to, out.dtype, 1), load(b, from_, out.dtype, 1), out.dtype)
                    store(b, total, to, out.dtype, 1)
        return [Call(frame.text, "kernel", outer, (*ins(0, 1), *outs(0)))]

    return Native(always(make))
