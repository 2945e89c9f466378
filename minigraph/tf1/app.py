"""`tf.app`: parses the flags and runs a program's `main`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from minigraph.tf1 import flags

__all__ = ["flags", "run"]


def run(main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Parse the flags, call `main` (default: the program's) with the remaining arguments, and exit with its result."""
    rest = flags.FLAGS(sys.argv if argv is None else argv, known_only=True)
    chosen = main if main is not None else sys.modules["__main__"].main
    sys.exit(chosen(rest))
