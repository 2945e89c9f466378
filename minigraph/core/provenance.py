"""Where in the user's program a node was made."""

from __future__ import annotations

import os
import re
import sys
from typing import NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_MODELS = _PACKAGE + "models" + os.sep  # networks are programs like the user's own
_INPUT = re.compile(r"\bipython-input-(\d+)-")  # a cell's file in IPython before 8, such as <ipython-input-3-0e2f>
_internal: dict[str, bool] = {}


class Source(NamedTuple):
    """One line of the user's program."""

    file: str
    line: int
    function: str

    @property
    def text(self) -> str:
        """The line itself, stripped; empty where the file is gone."""
        import linecache

        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        return f"{self.cell or self.file}:{self.line}"

    @property
    def cell(self) -> str:
        """The notebook's cell, such as `Cell In[3]`; empty for a line of a file."""
        ipython = sys.modules.get("IPython")
        shell = ipython and ipython.get_ipython()
        if not shell:
            return ""
        naming = getattr(shell.compile, "format_code_name", None)
        if naming is None:  # IPython before 8
            number = _INPUT.search(self.file)
            return f"Cell In[{number[1]}]" if number else ""
        known = naming(self.file)
        return " ".join(known) if known else ""

    def describe(self) -> str:
        """`file:line, in function: the line's text`; for a notebook `Cell In[3], line 1, in …`."""
        text, cell = self.text, self.cell
        place = f"{cell}, line {self.line}" if cell else str(self)
        return f"{place}, in {self.function}" + (f": {text}" if text else "")


def is_internal(file: str) -> bool:
    """Whether a file is minigraph's own code. Networks count as the user's programs."""
    known = _internal.get(file)
    if known is None:
        known = _internal[file] = file.startswith(_PACKAGE) and not file.startswith(_MODELS)
    return known


def count_as_internal(file: str) -> None:
    """Look past a file's frames, as past minigraph's own: whoever calls what it defines made the node."""
    _internal[file] = True


def caller() -> Source:
    """The innermost frame that is not minigraph's own code."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return Source(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
