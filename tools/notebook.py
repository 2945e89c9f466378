"""Notebooks as programs, and what only IPython understands."""

from __future__ import annotations

import io
import json
import re
import tokenize
from typing import Any, NamedTuple

from minigraph.core.errors import MinigraphError

_MAGIC = re.compile(r"^(\s*)([%!?]|\w[\w.]*\?{1,2}\s*$)")
_ASSIGNED = re.compile(r"^\s*[\w.,\s]+=\s*[%!]")


class NotebookError(MinigraphError, ValueError):
    """A file that is no notebook, or one in another language than Python."""


class Plain(NamedTuple):
    """A program without IPython's lines, and these lines with their numbers."""

    source: str
    dropped: list[tuple[int, str]]


def notebook_source(text: str, name: str) -> str:
    """The code cells of a notebook, of version 3 or 4 of the format, joined by blank lines.

    Raises NotebookError.
    """
    try:
        content = json.loads(text)
        language = content["metadata"].get("kernelspec", {}).get("language", "python")
        cells = content["cells"] if "cells" in content else [c for s in content["worksheets"] for c in s["cells"]]
        codes = [_code(cell) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookError(f"{name} is not a notebook: {type(error).__name__}: {error}") from None
    if language != "python":
        raise NotebookError(f"{name} is a notebook in {language}, not Python")
    return "\n\n".join(codes) + "\n"


def _code(cell: dict[str, Any]) -> str:
    """A cell's text; that of a cell for another program (`%%bash`) as comments."""
    lines = cell["source"] if "source" in cell else cell["input"]
    text = lines if isinstance(lines, str) else "".join(lines)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.startswith("%%") and first.split()[0] not in ("%%time", "%%timeit", "%%capture"):
        return "\n".join(f"%{line}" for line in text.splitlines())
    return text


def without_magics(source: str) -> Plain:
    """The program with IPython's magics, shell commands and help as `pass`, in Python's place and indentation.

    A program that Python can read is left as it is.
    """
    try:
        compile(source, "program", "exec", dont_inherit=True)
    except SyntaxError:
        pass
    else:
        return Plain(source, [])
    kept: list[str] = []
    dropped: list[tuple[int, str]] = []
    inside = False
    for number, line in enumerate(source.splitlines(), 1):
        if inside or (_is_magic(line) and not _continues(kept)):
            dropped.append((number, line.strip()))
            indent = re.match(r"\s*", line)
            kept.append(f"{indent.group() if indent else ''}pass")
            inside = line.rstrip().endswith("\\")
        else:
            kept.append(line)
    return Plain("\n".join(kept) + "\n", dropped) if dropped else Plain(source, [])


def _is_magic(line: str) -> bool:
    return bool(_MAGIC.match(line) or _ASSIGNED.match(line))


def _continues(lines: list[str]) -> bool:
    """Whether the lines end within brackets, a string or a continued line, where `%` and `!` are Python's."""
    try:
        list(tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline))
    except tokenize.TokenError:
        return True
    except SyntaxError:
        pass
    return bool(lines) and lines[-1].endswith("\\")


class Shell:
    """What `get_ipython()` gives a program: its magics do nothing."""

    def magic(self, arg_s: str) -> None:
        """Do nothing."""

    def system(self, cmd: str) -> None:
        """Do nothing."""

    def run_line_magic(self, magic_name: str, line: str) -> None:
        """Do nothing."""

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> None:
        """Do nothing."""
