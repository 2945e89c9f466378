"""Loops with compiled bodies: each body becomes a program, and the passes improve it."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.compile.specialise import specialise
from minigraph.core.dtypes import string
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.compiled_loop import CompiledLoop
from minigraph.ir.program import Cell, Feed, Instr, Program, Value, copy_instr
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ir.regions import values_of
from minigraph.ir.scan import LoopBody, ScanLoop
from minigraph.ops.constant import Const
from minigraph.rewrite.pipeline import Pass, run_pipeline

_OUTSIDE = ("hoist", "recompute")  # passes that need the variables, or the memory, of the whole run


def with_compiled_loops(program: Program, passes: Sequence[Pass]) -> Program:
    """The program with `CompiledLoop` for each `ScanLoop` whose states keep their shapes and whose body has no effects.

    What a body computes from its constants alone is computed once, in front of the loop.
    """
    if not any(isinstance(i.op, ScanLoop) for i in program.instrs):
        return program
    return rebuild(program, lambda old, new: _compiled(old, new, passes))


def body_program(body: LoopBody, types: Sequence[TensorType], passes: Sequence[Pass]) -> Program | None:
    """The program of a body for inputs of these types; None if it has effects that each step must have in order."""
    found = _specialised(body, types, passes)
    return None if found is None else _improved(found, passes)


def _specialised(body: LoopBody, types: Sequence[TensorType], passes: Sequence[Pass]) -> Program | None:
    if any(_has_effects(n.op) or any(t.dtype is string for t in n.outputs) for n in body.nodes):
        return None
    checks = [n for n in body.nodes if n.op.checks]
    program = with_compiled_loops(specialise(body.outputs, checks, body.inputs, types), passes)
    return None if any(isinstance(i.op, Cell) for i in program.instrs) else program


def _improved(program: Program, passes: Sequence[Pass]) -> Program:
    return run_pipeline(program, [p for p in passes if p.name not in _OUTSIDE])[0]


def _compiled(old: Instr, new: Rebuilder, passes: Sequence[Pass]) -> list[Value] | None:
    op = old.op
    if not isinstance(op, ScanLoop) or old.control:
        return None
    first, last = op.carried, op.carried + op.scanned
    kinds = [v.type for v in old.inputs]
    types = [*kinds[:first], *(TensorType(t.dtype, t.static[1:]) for t in kinds[first:last]), *kinds[last:]]
    body = _specialised(op.body, types, passes)
    if body is None or [v.type for v in body.results[:first]] != types[:first]:
        return None
    body, further = _invariants_outside(body, last, [new.values[v] for v in old.inputs], new)
    inputs = [*(new.values[v] for v in old.inputs), *further]
    loop = CompiledLoop(_improved(body, passes), first, op.scanned, op.reverse)
    return values_of(new.builder.add(loop, inputs, (), old.name, old.source))


def _has_effects(op: Op) -> bool:
    return bool(op.stateful or op.draws or op.staged or op.writes)


def _invariants_outside(
    body: Program, last: int, inputs: Sequence[Value], new: Rebuilder
) -> tuple[Program, list[Value]]:
    """The body with a further feed for each value that follows from the feeds from `last` on, and these values in the
    program around it."""
    found = _invariants(body, last)
    read = [v for i in body.instrs if i not in found for v in i.inputs] + list(body.results)
    moved = [v for v in dict.fromkeys(read) if v.instr in found and not isinstance(v.instr.op, Feed | Const)]
    if not moved:
        return body, []
    outer: dict[Value, Value] = {}
    for instr in body.instrs:
        if isinstance(instr.op, Feed):
            outer[Value(instr, 0)] = inputs[instr.op.slot]
        elif instr in found or isinstance(instr.op, Const):
            copy_instr(instr, new.builder, outer)
    slots = {v: len(body.feeds) + n for n, v in enumerate(moved)}
    makers = {v.instr for v in moved}

    def replace(instr: Instr, inner: Rebuilder) -> Sequence[Value] | None:
        if instr not in makers:
            return None
        copy = inner.copy(instr)
        return [inner.add(Feed(slots[v], v.type)) if v in slots else Value(copy, v.output) for v in values_of(instr)]

    rebuilt = rebuild(body, replace)
    return rebuilt._replace(feeds=(*body.feeds, *(v.type for v in moved))), [outer[v] for v in moved]


def _invariants(body: Program, last: int) -> set[Instr]:
    """The feeds from `last` on, and what follows from them and constants."""
    found: set[Instr] = set()
    for instr in body.instrs:
        if isinstance(instr.op, Feed):
            is_invariant = instr.op.slot >= last
        else:
            known = [v.instr in found or isinstance(v.instr.op, Const) for v in instr.inputs]
            free = not (instr.control or instr.op.stateful or instr.op.checks)
            is_invariant = free and all(known) and any(v.instr in found for v in instr.inputs)
        if is_invariant:
            found.add(instr)
    return found
