"""Small loops that only updates wait for become one instruction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from minigraph.ir.joint import Joint
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.program import Instr, Program, Value, readers_of
from minigraph.ir.rebuild import Rebuilder, rebuild_in_order
from minigraph.ir.regions import Loop, values_of
from minigraph.ops.state.update import Apply
from minigraph.rewrite.driver import Applied, Outcome

POINTERS = 400  # most operands and results of one instruction: the parameters of a launch are limited to 4 KB


@dataclass(frozen=True)
class JoinSmall:
    """Joint small loops.

    before      a = f(x, s), b = g(y, t), …: loops over few elements, such as the gradients of batch normalisations'
                scales, each before the update that reads it
    after       a, b, … = joint(x, s, y, t, …), one launch, where the last of the loops stood
    conditions  each loop has from 1 to `max_elements` elements, and no sums; only updates read its results: joint ones,
                or those of variables with at most `max_elements` elements (the gradients of larger ones would stay in
                memory until the last loop has run); it waits for no write, so no loop waits for another; no control
                inputs, and nothing has the loop as a control input
    formula     the same loops
    """

    max_elements: int = 0
    name: str = field(default="join_small", init=False)

    def run(self, program: Program) -> Outcome:
        readers = readers_of(program)
        awaited = {before for instr in program.instrs for before in instr.control}
        behind: set[Instr] = set()  # what waits for a write
        fit: list[Instr] = []
        for instr in program.instrs:
            if (instr.op.writes and not instr.op.draws) or not behind.isdisjoint(instr.predecessors):
                behind.add(instr)
            elif self._fits(instr) and instr not in awaited and all(map(self._is_update, _readers(instr, readers))):
                fit.append(instr)
        groups = [g for g in _groups(fit) if len(g) > 1]
        if not groups:
            return Outcome(program, [], [], 1)
        order = list(program.instrs)
        for group in groups:
            order = _with_adjacent(order, group)
        made = rebuild_in_order(Program(tuple(order), program.results, program.feeds), groups, _joined)
        applied = [Applied(self.name, g[0].name, str(g[0].source), f"{len(g)} loops together") for g in groups]
        return Outcome(made, applied, [], 1)

    def _fits(self, instr: Instr) -> bool:
        small = isinstance(instr.op, Loop) and all(0 < t.size <= self.max_elements for t in instr.types)
        return small and not instr.control and all(i.is_pointwise for i in instr.op.members)  # type: ignore[attr-defined]

    def _is_update(self, reader: Instr | None) -> bool:
        """Whether a reader is an update that may wait for the other gradients."""
        if reader is None or isinstance(reader.op, MultiTensorApply):
            return reader is not None
        return isinstance(reader.op, Apply) and reader.types[0].size <= self.max_elements


def _readers(instr: Instr, readers: Mapping[Value, list[Instr | None]]) -> Iterator[Instr | None]:
    return (r for v in values_of(instr) for r in readers.get(v, []))


def _groups(instrs: Sequence[Instr]) -> Iterator[list[Instr]]:
    """The instructions in groups that a launch has parameters for."""
    group: list[Instr] = []
    used = 0
    for instr in instrs:
        own = len(instr.inputs) + len(instr.types)
        if used + own > POINTERS:
            yield group
            group, used = [], 0
        group.append(instr)
        used += own
    yield group


def _with_adjacent(order: Sequence[Instr], group: Sequence[Instr]) -> list[Instr]:
    """The order with the group, and what depends on it, moved back to its last member."""
    waiting: dict[Instr, None] = {}
    found: list[Instr] = []
    for instr in order:
        if instr is group[-1]:
            found += [*group, *(i for i in waiting if i not in group)]
            waiting = {}
        elif instr in group or any(p in waiting for p in instr.predecessors):
            waiting[instr] = None
        else:
            found.append(instr)
    return found


def _joined(group: Sequence[Instr], new: Rebuilder) -> dict[Value, Value]:
    """The one instruction, and what becomes of each loop's results."""
    loops = tuple(i.op for i in group if isinstance(i.op, Loop))
    op = Joint(loops, tuple(tuple(v.type for v in i.inputs) for i in group))
    made = new.builder.add(op, [new.values[v] for i in group for v in i.inputs], (), group[0].name, group[0].source)
    made.names.extend(i.name for i in group[1:])
    return {old: Value(made, n) for n, old in enumerate(v for i in group for v in values_of(i))}


join_small = JoinSmall()
