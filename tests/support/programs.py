"""Programs for tests of passes: specialised from tensors, and described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minigraph.compile.specialise import specialise
from minigraph.core.types import TensorType
from minigraph.ir.program import Cell, Feed, Program
from minigraph.ops.constant import Const
from minigraph.rewrite.driver import Outcome
from minigraph.rewrite.pipeline import Pass, run_pipeline


def program_of(
    fetches: Sequence[Any], feeds: Sequence[Any] | Mapping[Any, Any] = (), targets: Sequence[Any] = ()
) -> Program:
    """The program for tensors; the feeds are placeholders of static shapes, or with arrays of the shapes to take."""
    shapes = [a.shape for a in feeds.values()] if isinstance(feeds, Mapping) else [f.type.static for f in feeds]
    types = [TensorType(f.dtype, shape) for f, shape in zip(feeds, shapes, strict=True)]
    return specialise(list(fetches), list(targets), list(feeds), types)


def ops(program: Program) -> list[str]:
    """All ops of a program by name, in its order."""
    return [type(i.op).__name__ for i in program.instrs]


def kinds(program: Program) -> list[str]:
    """The ops of a program by name, sorted, without feeds, variables and constants."""
    return sorted(type(i.op).__name__ for i in program.instrs if not isinstance(i.op, Feed | Cell | Const))


def after(program: Program, *passes: Pass) -> Outcome:
    """The last pass's outcome, all being verified."""
    final, stages = run_pipeline(program, passes)
    last = stages[-1]
    return Outcome(final, last.applied, last.missed, last.sweeps)


def reasons(outcome: Outcome) -> set[str]:
    """Why candidates were missed."""
    return {d.reason for d in outcome.missed}
