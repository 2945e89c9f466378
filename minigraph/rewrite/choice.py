"""Choices between several ways to compute the same result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from minigraph.ir.program import Program
from minigraph.rewrite.pipeline import Pass


class Choice(NamedTuple):
    """The label of the chosen way, and the reason."""

    label: str
    reason: str


class Chooser(Protocol):
    """Decides between ways to run a program."""

    def __call__(self, program: Program, ways: Mapping[str, Callable[[], Program]], expected: str) -> Choice:
        """Choose one of `ways`, by label, to run `program`. expected: the label that an estimate prefers."""


@runtime_checkable
class TunablePass(Pass, Protocol):
    """A pass with choices that timed trials can make in place of its estimates."""

    def tuned(self, chooser: Chooser) -> Pass:
        """The pass whose choices `chooser` makes."""
