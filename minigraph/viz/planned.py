"""What a plan knows of its launches: the places of values in the arena, and the code that the backend made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from minigraph.compile.memory import lower_bound
from minigraph.compile.plan import Plan
from minigraph.ir.program import Instr
from minigraph.util.alignment import aligned
from minigraph.viz.amount import amount


class Place(NamedTuple):
    """A buffer in the arena: the box and name of the value it is made for, its place, and its first and last moment."""

    box: str
    name: str
    offset: int
    bytes: int
    first: int
    last: int


class LaunchCode:
    """The code of the launches of a plan. boxes: their ids."""

    def __init__(self, plan: Plan, ids: Mapping[Instr, str]) -> None:
        self._backend = plan.backend
        plans = [plan] if plan.fixed is None else [plan, plan.fixed]
        self._launches = {ids[s.instr]: s.instr for p in plans for s in p.steps if s.instr in ids}

    @property
    def boxes(self) -> Collection[str]:
        return self._launches.keys()

    def of(self, box: str, assembly: bool = False) -> dict[str, str]:
        """The code of a launch as texts by title."""
        instr = self._launches[box]
        return dict(self._backend.kernel_text(instr.op, [v.type for v in instr.inputs], instr.types, assembly))


class Planned(NamedTuple):
    """The buffers of a plan by offset, the bytes of its arena, a line about it, and its code."""

    places: tuple[Place, ...] = ()
    peak: int = 0
    summary: str = ""
    code: LaunchCode | None = None


def planned(plan: Plan, ids: Mapping[Instr, str]) -> Planned:
    """Describe a plan. ids: of the boxes of its program's instructions."""
    owners: dict[int, Instr] = {}
    for value, slot in plan.slots.items():
        owners.setdefault(slot, value.instr)
    for step in plan.steps:
        if step.workspace >= 0:
            owners.setdefault(step.workspace, step.instr)
    places = [
        Place(ids[owner], owner.name, plan.layout.offsets[slot], aligned(life.size), max(life.start, 0), life.end)
        for slot, owner in owners.items()
        if owner in ids and (life := plan.lifetimes[slot]).size
    ]
    return Planned(
        tuple(sorted(places, key=lambda p: (p.offset, p.first))), plan.peak, _summary(plan), LaunchCode(plan, ids)
    )


def _summary(plan: Plan) -> str:
    bound, alone = lower_bound(plan.lifetimes), sum(aligned(life.size) for life in plan.lifetimes)
    return (
        f"{amount(plan.peak, 'B')} planned, {plan.peak / bound if bound else 1:.3g} × the least that holds what is "  # noqa: RUF001
        f"live at once; {amount(alone, 'B')} without sharing"
    )
