"""Values that depend on variables only: computed once, and kept between runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.ir.hoist import Fixed, Hoist, changes_variables
from minigraph.ir.program import Cell, Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ops.constant import Const
from minigraph.rewrite.driver import Applied, Outcome
from minigraph.rewrite.pipeline import Replayable


@dataclass(frozen=True)
class HoistFixed(Replayable):
    """Keeping what depends on variables only.

    before      f(g(w), x): g computed in every run, though w is a variable
    after       f(hoist(g(w)), x): g computed when it is needed first, and again only after a variable has changed
    conditions  the run changes no variable; g(w) is no mere view of w; neither feeds nor random numbers, updates or
                control dependencies lie behind it
    formula     the same value
    """

    name: str = field(default="hoist", init=False)

    def run(self, program: Program) -> Outcome:
        chosen = _chosen(program)
        if not chosen:
            return Outcome(program, [], [], 1)

        def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
            if old not in chosen:
                return None
            copy = new.copy(old)
            new.current = old
            kept = [new.add(Hoist(), Value(copy, i)) for i in range(len(old.types))]
            new.current = None
            return kept

        applied = [Applied(self.name, i.name, str(i.source), "Hoist") for i in chosen]
        return Outcome(rebuild(program, replace), applied, [], 1)


def _chosen(program: Program) -> dict[Instr, None]:
    """The instructions that compute fixed values which the caller or an unfixed instruction reads."""
    if changes_variables(program):
        return {}
    fixed = Fixed()
    read = [v for i in program.instrs if not all(fixed(Value(i, n)) for n in range(len(i.types))) for v in i.inputs]
    return {
        v.instr: None
        for v in (*read, *program.results)
        if fixed(v) and not isinstance(v.instr.op, Hoist) and _is_made(v)
    }


def _is_made(value: Value) -> bool:
    """Whether some work on a variable lies behind a fixed value: it is neither a constant nor a view of a variable."""
    instr = value.instr
    while instr.op.is_view:
        instr = instr.inputs[0].instr
    if isinstance(instr.op, Cell | Const | Hoist):
        return False
    stack, seen = [instr], set()
    while stack:
        current = stack.pop()
        if isinstance(current.op, Cell):
            return True
        if current not in seen:
            seen.add(current)
            stack += current.predecessors
    return False


hoist = HoistFixed()
