"""Ops that only move data: loops over the axes of strided views that copy or fill memory along the last axis."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef, ins, outs
from minigraph.backends.llvm.builder import Frame, at, copy, function, index, loop, offset, splat
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, LoweringContext, Native
from minigraph.backends.llvm.text import F32, I1, I8, I64, POINTER, VOID, IRBuilder, IRValue, integer
from minigraph.core.moves import Gap, Move, Moves
from minigraph.core.types import TensorType

GRAIN = 1 << 15  # elements of a task
TASKS = 64  # most tasks
MOST = 32  # most copies in one op; each adds to the code

# Writes `count` elements of a kind: (builder, kind, stride of each array, count, address of each array)
Row = Callable[[IRBuilder, Any, Sequence[int], IRValue, Sequence[IRValue]], None]


class Nest(NamedTuple):
    """Nested loops over axes given as (length, stride in each array). `row` writes the innermost one.

    Array n begins `offsets[n]` elements after `args[n]`.
    """

    args: tuple[BufferRef, ...]
    offsets: tuple[int, ...]
    axes: Sequence[tuple[int, ...]]
    size: int
    row: Row


def moving(moves: Moves, out_types: Types, how: LoweringContext) -> Native | None:
    """The fills and copies into the results that are read; None if there are too many."""
    if len(moves.parts) > MOST:
        return None

    @cache
    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        fills = [
            filling(gap, outs(gap.target.position)[0], moves.fill, out_types[gap.target.position])
            for gap in moves.gaps(out_types)
            if wanted[gap.target.position]
        ]
        copies = [
            copying(move, ins(move.source.position)[0], outs(move.target.position)[0])
            for move in moves.parts
            if wanted[move.target.position]
        ]
        size = out_types[0].dtype.size
        return [*together(fills, size, how), *together(copies, size, how)]

    return Native(calls)


def copying(move: Move, source: BufferRef, target: BufferRef, adds: bool = False) -> Nest:
    """A copy between two arrays. adds: add to the elements of the target, of float32 only."""
    args, offsets = (target, source), (move.target.offset, move.source.offset)
    axes = [(length, into, from_) for length, from_, into in move.merged()]
    return Nest(args, offsets, axes, move.size, _add_row if adds else _copy_row)


def filling(gap: Gap, target: BufferRef, value: Any, kind: TensorType) -> Nest:
    """A fill of all elements of a gap with one value."""
    content = np.asarray(value).astype(kind.dtype.np_dtype).tobytes()

    def row(b: IRBuilder, kind: Any, strides: Sequence[int], count: IRValue, to: Sequence[IRValue]) -> None:
        if strides[0] == 1 and len(set(content)) == 1:
            memset = function(b, "llvm.memset.p0.i64", VOID, [POINTER, I8, I64, I1])
            b.call(memset, [to[0], I8(content[0]), b.mul(count, index(len(content))), I1(0)])
        else:
            _repeat(b, kind, strides[0], count, to[0], kind(int.from_bytes(content, sys.byteorder)))

    return Nest((target,), (gap.target.offset,), gap.merged(), gap.size, row)


def together(nests: Sequence[Nest], size: int, how: LoweringContext) -> list[Call]:
    """Nests on elements of `size` bytes, in any order, as one call."""
    nests = [n for n in nests if n.size]
    if not nests:
        return []
    args = list(dict.fromkeys(p for n in nests for p in n.args))
    tasks = 1 if how.inside else max(1, min(TASKS, sum(n.size for n in nests) // GRAIN))
    kind = integer(8 * size)
    frame = Frame(len(args))
    with frame.tasks("kernel") as task:
        b = frame.b
        for nest in nests:
            low, high = (b.sdiv(b.mul(b.add(task, index(n)), index(nest.axes[0][0])), index(tasks)) for n in (0, 1))
            begins = zip(nest.args, nest.offsets, strict=True)
            to = [at(b, frame.pointers[args.index(p)], index(start), kind) for p, start in begins]
            _write(b, kind, nest.axes, low, high, to, nest.row)
    return [Call(frame.text, "kernel", tasks, tuple(args))]


def _write(
    b: IRBuilder,
    kind: Any,
    axes: Sequence[tuple[int, ...]],
    low: IRValue,
    high: IRValue,
    to: Sequence[IRValue],
    row: Row,
) -> None:
    """Write a nest from `low` to `high` on its first axis. to: the addresses of the arrays."""
    (_, *strides), *inner = axes

    def moved(i: IRValue) -> list[IRValue]:
        return [at(b, address, offset(b, (i, stride)), kind) for address, stride in zip(to, strides, strict=True)]

    if not inner:
        row(b, kind, strides, b.sub(high, low), moved(low))
        return
    with loop(b, low, high) as i:
        _write(b, kind, inner, index(0), index(inner[0][0]), moved(i), row)


def _copy_row(b: IRBuilder, kind: Any, strides: Sequence[int], count: IRValue, to: Sequence[IRValue]) -> None:
    target, source = strides
    if target == source == 1:
        copy(b, to[0], to[1], b.mul(count, index(kind.bits // 8)))
    elif source == 0:
        with b.if_then(b.icmp_signed("<", index(0), count)):
            _repeat(b, kind, target, count, to[0], b.load(to[1], kind, align=1))
    else:
        with loop(b, index(0), count) as i:
            value = b.load(at(b, to[1], offset(b, (i, source)), kind), kind, align=1)
            b.store(value, at(b, to[0], offset(b, (i, target)), kind), align=1)


def _add_row(b: IRBuilder, kind: Any, strides: Sequence[int], count: IRValue, to: Sequence[IRValue]) -> None:
    with loop(b, index(0), count) as i:
        into, from_ = (at(b, a, offset(b, (i, stride)), F32) for a, stride in zip(to, strides, strict=True))
        b.store(b.fadd(b.load(into, F32, align=1), b.load(from_, F32, align=1)), into, align=1)


def _repeat(b: IRBuilder, kind: Any, stride: int, count: IRValue, to: IRValue, value: IRValue) -> None:
    """Write one value to `count` elements, by vectors if the elements are adjacent."""
    whole = index(0)
    if stride == 1:
        width = 4 * host().lanes * 8 // kind.bits
        whole = b.mul(b.sdiv(count, index(width)), index(width))
        wide = splat(b, value, width)
        with loop(b, index(0), whole, width) as i:
            b.store(wide, at(b, to, i, kind), align=1)
    with loop(b, whole, count) as i:
        b.store(value, at(b, to, offset(b, (i, stride)), kind), align=1)
