"""Gathering slices at indices, and its gradient."""

from __future__ import annotations

import math

from minigraph.backend.base import Types
from minigraph.backend.workspace import ins, outs
from minigraph.backends.llvm.builder import (
    I8,
    Frame,
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
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.scalar import add, load, store
from minigraph.ops.array.joining import GatherGrad, GatherV2


def gather(op: GatherV2, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The slices at the indices."""
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

    return checked(Native(always(make)), indices, 1, length, "indices")


def gather_grad(op: GatherGrad, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The sum of the slices at their source positions."""
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

    return checked(Native(always(make)), indices, 1, length, "indices")
