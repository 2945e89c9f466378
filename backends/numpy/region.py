"""Instructions made of others: blocked regions, whose temporaries lie in a small workspace, and joint updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, fallback
from minigraph.backends.numpy.products import in_parallel
from minigraph.backends.numpy.threads import TEAM
from minigraph.compile.blocks import BlockLayout
from minigraph.core.dtypes import float16
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.program import Feed, Value
from minigraph.ir.regions import Blocked, inner_types, values_of

LANES = 4  # independent parts of the batch, and so the most threads that have work

Lower = Callable[[Any, Types, Types], Lowered]


class _LoweredBlock(BlockLayout[Lowered]):
    """A region lowered for one block size. Each block's share of a sum lies in the workspace."""

    def __init__(self, op: Blocked, size: int, lower: Lower) -> None:
        types = inner_types(op, size)
        codes = [
            lower(i.op.for_batch(size), [types[v] for v in i.inputs], [types[v] for v in values_of(i)])
            for i in op.members
        ]
        super().__init__(op, size, codes, buffer_sums=True)
        self.results = {v: i for i, v in enumerate(op.program.results)}

    def overwritable(self) -> tuple[int, ...]:
        """The operands whose buffers result 0 may take over.

        They have the type of the result. In each block, nothing reads them after the instruction that makes the result,
        and that one only if its kernel allows it.
        """
        result = self.op.program.results[0]
        last = self.members[-1]
        if result.instr is not last.instr or self.op.sums[0]:
            return ()
        fits = []
        for instr in self.op.program.instrs:
            if isinstance(instr.op, Feed) and instr.types[0] == result.type and self.op.cut[instr.op.slot]:
                at = [i for i, v in enumerate(last.instr.inputs) if v.instr is instr]
                if len(at) <= 1 and all(i in last.code.inplace for i in at):
                    fits.append(instr.op.slot)
        return tuple(fits)

    def bind(
        self, start: int, first: bool, inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array
    ) -> list[Launch]:
        """The launches for the rows from `start`. The `first` block sets the sums, the others add to them."""
        rows = slice(start, start + self.size)
        views: dict[Value, Array] = {}

        def view(value: Value) -> Array | None:
            if value in views:
                return views[value]
            found: Array | None = None
            if isinstance(value.instr.op, Feed):
                slot = value.instr.op.slot
                found = inputs[slot][rows] if self.op.cut[slot] else inputs[slot]
            elif value in self.offsets:
                offset, kind = self.offsets[value], self.types[value]
                found = workspace[offset : offset + kind.nbytes].view(kind.dtype.np_dtype).reshape(kind.static)
            elif value in self.results and (whole := outputs[self.results[value]]) is not None:
                found = whole[rows]
            if found is not None:
                views[value] = found
            return found

        launches: list[Launch] = []
        for instr, code, _, offset in self.members:
            made = values_of(instr)
            space = workspace[offset : offset + code.workspace]
            launches.append(code.bind([view(v) for v in instr.inputs], [view(v) for v in made], space))
            for value in made:
                if value in self.results and self.op.sums[self.results[value]]:
                    total, part = outputs[self.results[value]], view(value)
                    if total is not None and part is not None:
                        begin: Launch = partial(np.copyto, total, part)
                        launches.append(begin if first else partial(np.add, total, part, total))
        return launches


def blocked(op: Blocked, lower: Lower, size: int, threads: bool = True) -> Lowered:
    """The region as one launch: blocks of at most `size` rows in LANES lanes, which the threads share.

    Each lane has its own sums, added at the end, so results do not depend on the number of threads.
    """
    if not op.batch:
        return fallback(op, op.program.feeds, [v.type for v in op.program.results])
    if any(is_sum and v.type.dtype is float16 for is_sum, v in zip(op.sums, op.program.results, strict=True)):
        size = op.batch  # sums of float16 are rounded once
    count = -(-op.batch // size)
    starts = [op.batch * i // count for i in range(count + 1)]
    pieces = {n: _LoweredBlock(op, n, lower) for n in {b - a for a, b in pairwise(starts)}}
    lanes = [list(pairwise(starts))[count * i // LANES : count * (i + 1) // LANES] for i in range(LANES)]
    lanes = [lane for lane in lanes if lane]
    workers = min(TEAM.size, len(lanes)) if threads else 1
    layout = ArrayLayout()
    spaces = [layout.reserve(max(p.nbytes for p in pieces.values()), np.uint8) for _ in range(workers)]
    sums = [i for i, is_sum in enumerate(op.sums) if is_sum]
    kinds = [v.type for v in op.program.results]
    parts = [{i: layout.reserve(kinds[i].static, kinds[i].dtype.np_dtype) for i in sums} for _ in lanes[1:]]

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        arrays = layout.arrays(workspace)
        work: list[list[Launch]] = [[] for _ in range(workers)]
        for number, lane in enumerate(lanes):
            own = list(outputs)
            if number:
                own = [arrays[parts[number - 1][i]] if i in sums and o is not None else o for i, o in enumerate(own)]
            space = arrays[spaces[number % workers]]
            for start, end in lane:
                piece = pieces[end - start]
                work[number % workers] += piece.bind(start, start == lane[0][0], inputs, own, space)
        totals = [(outputs[i], arrays[part[i]]) for part in parts for i in sums]
        adding = [partial(np.add, total, part, total) for total, part in totals if total is not None]
        return in_sequence([in_parallel(work), *adding])

    piece = pieces[starts[1]]
    return Lowered(bind, layout.nbytes, piece.overwritable(), any(m.code.fallback for m in piece.members))


def together(op: MultiTensorApply, in_types: Types, out_types: Types, lower: Lower) -> Lowered:
    """Several updates as one launch, with one workspace."""
    parts = [lower(op.op, given, made) for given, made in zip(op.pieces(in_types), op.pieces(out_types), strict=True)]

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        pieces = zip(parts, op.pieces(inputs), op.pieces(outputs), strict=True)
        return in_sequence([part.bind(given, made, workspace[: part.workspace]) for part, given, made in pieces])

    return Lowered(bind, max(part.workspace for part in parts))
