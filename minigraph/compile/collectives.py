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
    for instr in (step.instr for step in steps):
        if isinstance(instr.op, Collective):
            where = instr.source.describe() if instr.source else ""
            found += instr.op.transfers([v.type for v in instr.inputs], instr.names, where)
    return found


def with_agreement(steps: Sequence[Step], launches: Sequence[Launch]) -> list[Launch]:
    """The launches of a plan; the ranks agree before the first exchange, and MPI works between start and wait."""
    found = list(launches)
    if WORLD.size == 1 or not (exchanges := transfers(steps)):
        return found
    under_way = 0
    for place, step in enumerate(steps):
        if under_way:
            found[place] = in_sequence([WORLD.progress, found[place]])
        under_way += isinstance(step.instr.op, AllReduceStart) - isinstance(step.instr.op, AllReduceWait)
    first = next(place for place, step in enumerate(steps) if isinstance(step.instr.op, Collective))
    found[first] = in_sequence([WORLD.confirm, found[first]])
    found[0] = in_sequence([partial(WORLD.propose, Agreement(exchanges)), found[0]])
    return found
