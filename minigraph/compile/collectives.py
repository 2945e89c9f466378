"""The exchanges of a plan with other ranks: agreement on them, and progress while they are under way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from minigraph.backend.base import Launch, in_sequence
from minigraph.compile.assignment import Step
from minigraph.ir.buckets import AllReduceStart, AllReduceWait
from minigraph.ops.collective.collective import Collective
from minigraph.ops.collective.transfer import Agreement, Transfer
from minigraph.ops.collective.world import WORLD


def transfers(steps: Sequence[Step]) -> list[Transfer]:
    """The exchanges of a plan in order."""
    found = []
    for step in steps:
        instr = step.instr
        if isinstance(instr.op, Collective):
            where = instr.source.describe() if instr.source else ""
            made = instr.op.transfers([v.type for v in instr.inputs], instr.names, where)
            found += [transfer._replace(carrier=step.lowered.carrier) for transfer in made]
    return found


def exchanges_begun(steps: Sequence[Step]) -> list[int | None]:
    """For each step that waits for an exchange, the number of the step that begins it."""
    begun = {step.instr: number for number, step in enumerate(steps) if isinstance(step.instr.op, AllReduceStart)}
    waits = [isinstance(step.instr.op, AllReduceWait) for step in steps]
    return [begun[step.instr.inputs[0].instr] if wait else None for step, wait in zip(steps, waits, strict=True)]


def agreement(steps: Sequence[Step]) -> Agreement | None:
    """What the ranks have to agree on before a run; None if there is nothing."""
    exchanges = [] if WORLD.size == 1 else transfers(steps)
    return Agreement(exchanges) if exchanges else None


def with_agreement(steps: Sequence[Step], launches: Sequence[Launch]) -> list[Launch]:
    """The launches of a plan; the ranks agree before the first exchange, and MPI works between start and wait."""
    found = list(launches)
    exchanges = agreement(steps)
    if exchanges is None:
        return found
    under_way = 0
    for place, step in enumerate(steps):
        if under_way:
            found[place] = in_sequence([WORLD.progress, found[place]])
        under_way += isinstance(step.instr.op, AllReduceStart) - isinstance(step.instr.op, AllReduceWait)
    first = next(place for place, step in enumerate(steps) if isinstance(step.instr.op, Collective))
    found[first] = in_sequence([WORLD.confirm, found[first]])
    found[0] = in_sequence([partial(WORLD.propose, exchanges), found[0]])
    return found
