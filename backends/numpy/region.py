"""Instructions made of others: blocked regions, whose temporaries live in a small workspace, and joint updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, Scratch, fallback
from minigraph.backends.numpy.threads import TEAM
from minigraph.compile.memory import Lifetime, plan_memory
from minigraph.core.dtypes import float16
from minigraph.core.types import TensorType
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.program import Feed, Instr, Value
from minigraph.ir.regions import Blocked, inner_types

TARGET = 800 << 10  # bytes of the largest temporary of a block, so that all of them and the columns stay in L2
LANES = 4  # independent parts of the batch; more than this many threads find nothing to do

Lower = Callable[[Any, Types, Types], Lowered]


class _Step(NamedTuple):
    instr: Instr
    lowered: Lowered
    workspace: int  # index among the lifetimes, or -1


class _LoweredBlock:
    """The inner program lowered for one block size."""

    def __init__(self, op: Blocked, size: int, lower: Lower) -> None:
        self.op = op
        self.size = size
        self.types = inner_types(op, size)
        self.results = {v: i for i, v in enumerate(op.program.results)}
        self.steps: list[_Step] = []
        self.lifetimes: list[Lifetime] = []
        self.slots: dict[Value, int] = {}
        instrs = op.members
        last = {v: step for step, i in enumerate(instrs) for v in i.inputs}
        used = set(last) | set(self.results)
        for step, instr in enumerate(instrs):
            outs = [Value(instr, i) for i in range(len(instr.types))]
            piece = instr.op.for_batch(size)
            lowered = lower(piece, [self.types[v] for v in instr.inputs], [self.types[v] for v in outs])
            for value in outs:
                wanted = value in used or len(outs) == 1
                if wanted and (value not in self.results or op.sums[self.results[value]]):
                    self.slots[value] = len(self.lifetimes)
                    self.lifetimes.append(Lifetime(self.types[value].nbytes, step, last.get(value, step)))
            workspace = len(self.lifetimes) if lowered.workspace else -1
            if lowered.workspace:
                self.lifetimes.append(Lifetime(lowered.workspace, step, step))
            self.steps.append(_Step(instr, lowered, workspace))
        self.layout = plan_memory(self.lifetimes)

    def overwritable(self) -> tuple[int, ...]:
        """The operands in whose buffer result 0 may lie: those of its type that are read, in each block, by nothing
        after the instruction that makes the result, and by that one only if it allows it."""
        result = self.op.program.results[0]
        last = self.steps[-1]
        if result.instr is not last.instr or self.op.sums[0]:
            return ()
        fits = []
        for instr in self.op.program.instrs:
            if isinstance(instr.op, Feed) and instr.types[0] == result.type and self.op.cut[instr.op.slot]:
                at = [i for i, v in enumerate(last.instr.inputs) if v.instr is instr]
                if len(at) <= 1 and all(i in last.lowered.inplace for i in at):
                    fits.append(instr.op.slot)
        return tuple(fits)

    def bind(
        self, start: int, first: bool, inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array
    ) -> list[Launch]:
        """The launches for the rows from `start`. What they add to sums is the `first`, or is added."""
        rows = slice(start, start + self.size)
        views: dict[Value, Array] = {}

        def room(slot: int, kind: TensorType) -> Array:
            offset = self.layout.offsets[slot]
            return workspace[offset : offset + kind.nbytes].view(kind.dtype.np_dtype).reshape(kind.static)

        def view(value: Value) -> Array | None:
            if value in views:
                return views[value]
            found: Array | None = None
            if isinstance(value.instr.op, Feed):
                slot = value.instr.op.slot
                found = inputs[slot][rows] if self.op.cut[slot] else inputs[slot]
            elif value in self.slots:
                found = room(self.slots[value], self.types[value])
            elif value in self.results and (whole := outputs[self.results[value]]) is not None:
                found = whole[rows]
            if found is not None:
                views[value] = found
            return found

        launches: list[Launch] = []
        for step in self.steps:
            outs = [Value(step.instr, i) for i in range(len(step.instr.types))]
            space = workspace[:0]
            if step.workspace >= 0:
                offset = self.layout.offsets[step.workspace]
                space = workspace[offset : offset + step.lowered.workspace]
            launches.append(step.lowered.bind([view(v) for v in step.instr.inputs], [view(v) for v in outs], space))
            for value in outs:
                if value in self.results and self.op.sums[self.results[value]]:
                    total, part = outputs[self.results[value]], view(value)
                    if total is not None and part is not None:
                        begin: Launch = partial(np.copyto, total, part)
                        launches.append(begin if first else partial(np.add, total, part, total))
        return launches


def block_size(op: Blocked) -> int:
    """Images in a block: as many as keep the largest value that passes inside within TARGET bytes."""
    passed = [v for i in op.members for v in outputs_of(i) if v not in op.program.results]
    largest = max((v.type.nbytes for v in passed), default=1)
    return max(1, min(op.batch, TARGET * op.batch // max(largest, 1)))


def outputs_of(instr: Instr) -> list[Value]:
    """All values that an instruction makes."""
    return [Value(instr, i) for i in range(len(instr.types))]


def blocked(op: Blocked, lower: Lower, size: int, threads: bool = True) -> Lowered:
    """The region as one launch: blocks of at most `size` rows in LANES lanes, which the threads share out among
    themselves.

    Each lane has its own sums, added up in the end, so results do not depend on the number of threads.
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
    room = max(p.layout.peak for p in pieces.values())
    scratch = Scratch()
    rooms = [scratch.add(room, np.uint8) for _ in range(workers)]
    sums = [i for i, is_sum in enumerate(op.sums) if is_sum]
    kinds = [v.type for v in op.program.results]
    parts = [{i: scratch.add(kinds[i].static, kinds[i].dtype.np_dtype) for i in sums} for _ in lanes[1:]]

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        arrays = scratch.open(workspace)
        work: list[list[Launch]] = [[] for _ in range(workers)]
        for number, lane in enumerate(lanes):
            own = list(outputs)
            if number:
                own = [arrays[parts[number - 1][i]] if i in sums and o is not None else o for i, o in enumerate(own)]
            space = arrays[rooms[number % workers]]
            for start, end in lane:
                piece = pieces[end - start]
                work[number % workers] += piece.bind(start, start == lane[0][0], inputs, own, space)
        totals = [(outputs[i], arrays[part[i]]) for part in parts for i in sums]
        adding = [partial(np.add, total, part, total) for total, part in totals if total is not None]
        if workers == 1:
            return in_sequence([*work[0], *adding])
        return in_sequence([partial(TEAM.run, [in_sequence(launches) for launches in work]), *adding])

    piece = pieces[starts[1]]
    return Lowered(bind, scratch.nbytes, piece.overwritable(), any(s.lowered.fallback for s in piece.steps))


def together(op: MultiTensorApply, in_types: Types, out_types: Types, lower: Lower) -> Lowered:
    """Several updates as one launch, with one workspace."""
    parts = [lower(op.op, given, made) for given, made in zip(op.pieces(in_types), op.pieces(out_types), strict=True)]

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        pieces = zip(parts, op.pieces(inputs), op.pieces(outputs), strict=True)
        return in_sequence([part.bind(given, made, workspace[: part.workspace]) for part, given, made in pieces])

    return Lowered(bind, max(part.workspace for part in parts))
