"""Runs programs by `minigraph run`, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(
    folder: Path, source: str, *arguments: str, before: tuple[str, ...] = (), name: str = "script.py"
) -> subprocess.CompletedProcess[str]:
    """Run a source, as file `name` in `folder`, with its arguments and, `before` it, options of the command."""
    (folder / name).write_text(source)
    main = "from minigraph.tools.cli import main; main()"
    command = [sys.executable, "-c", main, "run", *before, name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)
