"""The passes' work on one program, carried over to another program that differs in sizes only, such as the batch.

The passes are not run again. Only the steps that depend on sizes are redone: each rule where it applied, with its
conditions; the choice for each convolution; each region, around its resized inner program. Attributes that were equal
in the first program must be equal in the other, so that computations that were merged may stay merged. If any step
fails, nothing is carried over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minigraph.core.errors import MinigraphError
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, counterparts, renamed
from minigraph.ir.rebuild import Trial
from minigraph.ir.regions import Region
from minigraph.rewrite.driver import Change
from minigraph.rewrite.pipeline import Stage


class CompileRecord(NamedTuple):
    """A compilation's specialised program and the record of each pass, kept for compilations of other sizes."""

    program: Program
    stages: Sequence[Stage]


class _Different(Exception):
    """For the other sizes the passes would do, or might do, something else than they did for the first."""


def resize(record: CompileRecord, program: Program) -> tuple[Program, Sequence[Stage]]:
    """`program`, specialised for other sizes, after the stages of the record that could be carried over; and these.

    The caller runs the remaining passes, which start with the first that is not `Replayable`.
    """
    count = next((n for n, s in enumerate(record.stages) if not s.is_replayable), len(record.stages))
    stages = record.stages[:count]
    pairs = counterparts(record.program, program)
    if not stages or pairs is None:
        return program, ()
    try:
        return _Resizer(pairs, program.feeds).run(stages, program), stages
    except (_Different, MinigraphError):  # the latter comes from a rule or from an op's type rule
        return program, ()


class _Resizer:
    def __init__(self, pairs: dict[Instr, Instr], feeds: tuple[TensorType, ...]) -> None:
        self.feeds = feeds
        self.new = Trial()
        self.pairs: dict[Instr, Instr] = {}  # of instructions at any stage
        self.ops: dict[Op, Op] = {}
        self.regions: dict[int, Region] = {}  # by identity: equal ones may have other names inside
        for a, b in pairs.items():
            if not isinstance(a.op, Feed):
                self._learn(a.op, b.op)

    def run(self, stages: Sequence[Stage], program: Program) -> Program:
        for stage in stages:
            for change in stage.changes:
                self._redo(change)
        found = self._program(stages[-1].program, self.feeds)
        if [v.type for v in found.results] != [v.type for v in program.results]:
            raise _Different
        return found

    def _learn(self, old: Op, new: Op) -> None:
        if self.ops.setdefault(old, new) != new:
            raise _Different

    def _redo(self, change: Change) -> None:
        roots = [self._instr(i) for i in change.roots]
        values = change.redo(roots, self.new)
        if isinstance(values, str) or [v.type for v in values] != [t for i in roots for t in i.types]:
            raise _Different
        for old, new in zip(change.values, values, strict=True):
            self._pair(old, new)

    def _pair(self, old: Value, new: Value) -> None:
        """Check that both were made in the same way, and record the counterpart of each new op."""
        a, b = old.instr, new.instr
        if old.output != new.output or type(a.op) is not type(b.op) or len(a.inputs) != len(b.inputs):
            raise _Different
        if a not in self.pairs:
            for x, y in zip(a.inputs, b.inputs, strict=True):
                self._pair(x, y)
            self._learn(a.op, b.op)
            self.pairs[a] = b
        elif self.pairs[a] is not b:
            raise _Different

    def _instr(self, root: Instr) -> Instr:
        """The counterpart of an instruction, made with everything it needs."""
        stack = [root]
        while stack:
            instr = stack[-1]
            pending = [p for p in instr.predecessors if p not in self.pairs]
            if pending and instr not in self.pairs:
                stack += pending
                continue
            stack.pop()
            if instr not in self.pairs:
                self._copy(instr, self.new.builder, self.pairs, self.feeds)
        return self.pairs[root]

    def _program(self, program: Program, feeds: tuple[TensorType, ...]) -> Program:
        builder = Builder()
        pairs: dict[Instr, Instr] = {}
        for instr in program.instrs:
            made = self._copy(instr, builder, pairs, feeds)
            made.names += [n for n in instr.names if n not in made.names] if made.names else instr.names
        return Program(tuple(dict.fromkeys(pairs.values())), renamed(program.results, pairs), feeds)

    def _copy(self, instr: Instr, builder: Builder, pairs: dict[Instr, Instr], feeds: tuple[TensorType, ...]) -> Instr:
        inputs = renamed(instr.inputs, pairs)
        control = [pairs[c] for c in instr.control]
        op = self._op(instr.op, tuple([v.type for v in inputs]), feeds)
        made = pairs[instr] = builder.add(op, inputs, control, None, instr.source)
        return made

    def _op(self, op: Op, types: tuple[TensorType, ...], feeds: tuple[TensorType, ...]) -> Op:
        if isinstance(op, Feed):
            return Feed(op.slot, feeds[op.slot])
        if op in self.ops:
            return self.ops[op]
        if isinstance(op, Region):
            if id(op) not in self.regions:
                self.regions[id(op)] = self._region(op, types)
            return self.regions[id(op)]
        if op.fields:
            raise _Different
        return op

    def _region(self, op: Region, types: tuple[TensorType, ...]) -> Region:
        found = op.resized(self._program(op.program, types))
        if found is None:
            raise _Different
        return found
