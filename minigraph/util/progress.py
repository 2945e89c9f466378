"""A line on a terminal for work inside the library that takes longer than two seconds."""

from __future__ import annotations

import sys
import time

PATIENCE = 2.0  # seconds of work before the line appears
EVERY = 0.1  # least seconds between two versions of it


class Progress:
    """Counts steps of some work, and shows their number on standard error if that is a terminal.

    what: the work, as "compiling". The line disappears when all steps that are known are done.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.total = self.done = 0
        self._start = self._shown = 0.0
        self._width = 0

    def more(self) -> None:
        """Add a step that is to be done."""
        if self.total == self.done:
            self.total = self.done = 0
            self._start = time.monotonic()
        self.total += 1

    def step(self) -> None:
        """Count a step as done."""
        self.done += 1
        now = time.monotonic()
        if self.done == self.total:
            self._show("")
        elif now - self._start > PATIENCE and now - self._shown > EVERY and sys.stderr.isatty():
            self._shown = now
            self._show(f"minigraph: {self.what}, {self.done} of {self.total}")

    def _show(self, line: str) -> None:
        if line or self._width:
            sys.stderr.write("\r" + line.ljust(self._width) + ("" if line else "\r"))
            sys.stderr.flush()
            self._width = len(line)
