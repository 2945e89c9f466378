"""Pipelines: passes in order, with one hook between them for the verifier, timers, traces and pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from minigraph.core.errors import MinigraphError, VerificationError
from minigraph.ir.printer import format_program
from minigraph.ir.program import Program
from minigraph.ir.verifier import verify_program
from minigraph.rewrite.driver import Applied, Change, Missed, Outcome, Rule, rewrite


class Pass(Protocol):
    """A transformation of programs, chosen or switched off by its name."""

    @property
    def name(self) -> str: ...

    def run(self, program: Program) -> Outcome: ...


class Replayable:
    """Base of passes whose work on one program can be redone for another that differs in sizes only, such as the batch.

    The outcome of such a pass names in `changes` every replacement that depends on sizes. Attributes of regions are
    excepted: `Region.resized` adapts them. A pass without this base is run again for each size.
    """


@dataclass(frozen=True)
class RulePass(Replayable):
    """A pass that applies rewrite rules to a fixed point."""

    name: str
    rules: tuple[Rule, ...]

    def run(self, program: Program) -> Outcome:
        return rewrite(program, self.rules)


class Stage(NamedTuple):
    """The record of one pass: the program after it, its applications, missed candidates, sweeps and seconds.

    changes: as in `Outcome`. is_replayable: whether the pass was a `Replayable` one.
    """

    name: str
    program: Program
    applied: list[Applied]
    missed: list[Missed]
    sweeps: int
    seconds: float
    changes: Sequence[Change] = ()
    is_replayable: bool = False

    def to_json(self) -> dict[str, Any]:
        """The stage as plain data, without the program."""
        return {
            "pass": self.name,
            "instructions": len(self.program.instrs),
            "sweeps": self.sweeps,
            "seconds": round(self.seconds, 6),
            "applied": [a._asdict() for a in self.applied],
            "missed": [d._asdict() for d in self.missed],
        }


Hook = Callable[[Program, Stage], None]


def run_pipeline(program: Program, passes: Sequence[Pass], hooks: Iterable[Hook] = ()) -> tuple[Program, list[Stage]]:
    """Run `passes` in order; returns the last program and the record of each pass.

    hooks: called after each pass with the program before it and its record. A changed program is verified first.
    VerificationError names the pass that broke the program and shows the program before it.
    """
    stages: list[Stage] = []
    verified: Program | None = None
    for each in passes:
        started = time.perf_counter()
        try:
            outcome = each.run(program)
            if outcome.program is not program:
                verify_program(outcome.program, verified)
                verified = outcome.program
        except MinigraphError as error:
            dump = format_program(program)
            raise VerificationError(f"the pass '{each.name}' broke the program: {error}\nbefore it:\n{dump}") from error
        seconds = time.perf_counter() - started
        stage = Stage(each.name, *outcome[:-1], seconds, outcome.changes, isinstance(each, Replayable))
        for hook in hooks:
            hook(program, stage)
        stages.append(stage)
        program = outcome.program
    return program, stages
