"""Output that fits the terminal, or the place that it is piped to."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 140  # columns of what is not shown on a terminal, unless COLUMNS says otherwise
_LEAST = 12  # columns of a cell that is cut


def console(file: IO[str] | None = None) -> Console:
    """A rich console on standard output, or `file`, of `output_width()` columns."""
    from rich.console import Console

    target = sys.stdout if file is None else file
    return Console(file=target, width=output_width(target))


def output_width(file: IO[str] | None = None) -> int:
    """The columns of standard output or `file`: COLUMNS if that is set, else the terminal's, else 140."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size((file or sys.stdout).fileno()).columns or PIPE_WIDTH
    except (OSError, ValueError, AttributeError):
        return PIPE_WIDTH


class Column(NamedTuple):
    """A column of a table.

    right: aligned to the right, for numbers. cut: the side at which long cells may be cut, "start" or "end"; "" for
    none. drop: columns with larger numbers are left out first where there is no room; 0 for one that always stays.
    """

    title: str
    right: bool = False
    cut: Literal["", "start", "end"] = ""
    drop: int = 0

    def cell(self, text: str, size: int) -> str:
        """The text in at most `size` characters."""
        if len(text) <= size:
            return text
        return f"…{text[1 - size :]}" if self.cut == "start" else f"{text[: size - 1]}…"


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Table:
    """A table of one line for each row, at most `width` columns wide where that is possible."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    longest = [max(len(c.title), *(len(row[i]) for row in rows), 0) for i, c in enumerate(columns)]
    least = [min(size, _LEAST) if c.cut else size for size, c in zip(longest, columns, strict=True)]
    kept = list(range(len(columns)))
    while (left := width - 1 - sum(3 + least[i] for i in kept)) < 0 and any(columns[i].drop for i in kept):
        kept.remove(max(kept, key=lambda i: columns[i].drop))
    found, cells = Table(box=box.SQUARE), []
    for i in kept:
        size = min(longest[i], least[i] + max(left, 0))
        left -= size - least[i]
        found.add_column(columns[i].title, width=size, justify="right" if columns[i].right else "left", no_wrap=True)
        cells.append([Text(columns[i].cell(row[i], size)) for row in rows])
    for line in zip(*cells, strict=True):
        found.add_row(*line)
    return found
