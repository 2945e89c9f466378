"""Matrix products."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from minigraph.backend.base import Types
from minigraph.backend.workspace import WorkspaceLayout, ins, outs, work
from minigraph.backends.llvm.builder import Frame, at, index, intrinsic, loop, offset, printed, splat, zero
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.native import Call, LoweringContext, Native, Packing, always
from minigraph.backends.llvm.panels import Panels, operands_of, overwritable, packing, panels_code
from minigraph.backends.llvm.product import Product, product
from minigraph.backends.llvm.text import F32, IRValue, vector
from minigraph.backends.llvm.tile import NarrowTiles, TileSet, parts
from minigraph.backends.llvm.total import total
from minigraph.core.dtypes import float32, uint16
from minigraph.core.types import TensorType
from minigraph.ops.math.matmul import BatchMatMulV2, MatMul

FEW = 8  # most rows of the result for which B is streamed once, term by term
LONG = 2048  # most terms for which B is packed: many rows of A must fit into the L2 cache beside a panel
PARTS = 16  # most parts of the sum where there are few rows; each part is a task
LEAST = 64  # least terms of such a part
MATRICES = 1024  # most matrices of a batch, each of which is a call
GRAIN = 1 << 16  # least bytes of B that are worth waking a thread


def matmul(op: MatMul, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """C, for float32 matrices; otherwise None."""
    a, b = (t.static for t in in_types)
    if out_types[0].dtype is not float32 or len(a) != 2 or len(b) != 2 or 0 in (*a, *b):
        return None
    rows, columns = out_types[0].static
    depth = a[0] if op.transpose_a else a[1]
    a_row, a_term = (1, rows) if op.transpose_a else (depth, 1)
    b_term, b_column = (1, depth) if op.transpose_b else (columns, 1)
    if how.packed:
        tiles = NarrowTiles if how.narrow else TileSet
        return _packed(Panels(rows, depth, columns, epilogue=how.epilogue, tiles=tiles))
    if how.epilogue:
        return None
    if rows <= FEW and not op.transpose_b:
        return _few_rows(rows, columns, depth, a_row, a_term)
    return product(Product(depth, a_row, a_term, b_term, b_column, columns), rows, columns)


def batched(op: BatchMatMulV2, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Products of matrices along leading axes, which broadcast; None if there are too many."""
    (a, b), c = (t.static for t in in_types), out_types[0].static
    if len(b) == 2 and not op.transpose_a:  # the rows of all matrices are those of one
        one = [TensorType(t.dtype, (math.prod(t.static[:-1]), t.static[-1])) for t in (in_types[0], out_types[0])]
        return matmul(MatMul(False, op.transpose_b), [one[0], in_types[1]], [one[1]], how)
    kinds = [TensorType(t.dtype, t.static[-2:]) for t in (*in_types, *out_types)]
    each = matmul(MatMul(op.transpose_a, op.transpose_b), kinds[:2], kinds[2:], how)
    if each is None or math.prod(c[:-2]) > MATRICES:
        return None
    matrices = [np.arange(math.prod(s[:-2])).reshape(s[:-2]) for s in (a, b, c)]
    starts = [np.broadcast_to(m, c[:-2]).ravel().tolist() for m in matrices]
    refs = (*ins(0, 1), *outs(0))

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        made = []
        for places in zip(*starts, strict=True):
            moved = [r._replace(offset=n * t.nbytes) for r, n, t in zip(refs, places, kinds, strict=True)]
            made += [call.relocated(moved[:2], moved[2:], work()) for call in each.calls(wanted)]
        return made

    return Native(calls, each.workspace)


def packs(op: MatMul, in_types: Types, narrow: bool) -> Packing | None:
    """The packed layout of the second factor for `matmul`, if packing pays; of bfloat16 if `narrow`.

    For few rows the time to read the factor counts, so it pays if that halves.
    """
    a, b = (t.static for t in in_types)
    if in_types[0].dtype is not float32 or len(a) != 2 or len(b) != 2 or 0 in (*a, *b) or op.transpose_a:
        return None
    rows, depth = a
    if not narrow if rows <= FEW else depth > LONG:
        return None
    columns = b[0] if op.transpose_b else b[1]
    strides = (0, 0, 1, depth) if op.transpose_b else (0, 0, columns, 1)
    call = partial(packing, (1, 1, depth, columns), strides, 0, narrow=narrow)
    return Packing(1, Panels(rows, depth, columns).floats, call, uint16 if narrow else float32)


def _packed(what: Panels) -> Native:
    args = (*ins(0, 1), *outs(0), *operands_of(what.epilogue))
    calls = always(lambda: [Call(panels_code(what), "kernel", what.tasks, args)])
    return Native(calls, inplace=overwritable(what.epilogue))


def _few_rows(rows: int, columns: int, depth: int, a_row: int, a_term: int) -> Native:
    """Each task sums some terms of the whole result and reads B in memory order."""
    count = max(1, min(PARTS, depth // LEAST, 4 * depth * columns // GRAIN))
    layout = WorkspaceLayout()
    sums = layout.reserve(4 * rows * columns * count) if count > 1 else outs(0)[0]

    def make() -> list[Call]:
        module = printed(_few_rows_module, rows, columns, depth, a_row, a_term, count)
        main = Call(module, "kernel", count, (*ins(0, 1), sums))
        return [main, *total(rows * columns, count, sums, outs(0)[0])] if count > 1 else [main]

    return Native(always(make), layout.nbytes)


def _few_rows_module(rows: int, columns: int, depth: int, a_row: int, a_term: int, count: int) -> Frame:
    frame = Frame(3)
    with frame.tasks("kernel") as task:
        b = frame.b
        total = at(b, frame.pointers[2], b.mul(task, index(rows * columns)), F32)
        zero(b, total, index(rows * columns * 4))
        low, high = (b.sdiv(b.mul(b.add(task, index(i)), index(depth)), index(count)) for i in (0, 1))
        step = 8 if rows == 1 else 4  # rows of B at a time; each is a separate stream for the prefetcher
        whole = b.add(low, b.mul(b.sdiv(b.sub(high, low), index(step)), index(step)))
        for start, stop, some in ((low, whole, step), (whole, high, 1)):
            with loop(b, start, stop, some) as k:
                _add_terms(frame, total, k, some, (rows, columns), (a_row, a_term))
    return frame


def _add_terms(frame: Frame, total: IRValue, k: IRValue, some: int, shape: tuple[int, int], a: tuple[int, int]) -> None:
    """C += A[:, k : k + some]·B[k : k + some]."""
    b, (rows, columns), (a_row, a_term) = frame.b, shape, a
    factors = [
        [
            b.load(at(b, frame.pointers[0], offset(b, (b.add(k, index(t)), a_term), (index(r), a_row)), F32), F32)
            for t in range(some)
        ]
        for r in range(rows)
    ]
    source = at(b, frame.pointers[1], b.mul(k, index(columns)), F32)

    def column(j: IRValue, width: int) -> None:
        kind = vector(F32, width)
        row = [b.load(at(b, source, b.add(j, index(t * columns)), F32), kind, align=4) for t in range(some)]
        for r in range(rows):
            place = at(b, total, b.add(j, index(r * columns)), F32)
            value = b.load(place, kind, align=4)
            for t in range(some):
                value = intrinsic(b, "fma", splat(b, factors[r][t], width), row[t], value)
            b.store(value, place, align=4)

    lanes = host().lanes
    whole = columns // lanes * lanes
    with loop(b, index(0), index(whole), lanes) as j:
        column(j, lanes)
    for start, width in parts(columns - whole):
        column(index(whole + start), width)
