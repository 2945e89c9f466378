"""Runs programs by `minigraph run`, each in a process of its own."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path


@cache
def _server() -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(__file__).with_name("command_server.py"))]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)  # closes its standard input, which ends it
    return server


def run_command(folder: Path, *arguments: str, seconds: int = 500) -> subprocess.CompletedProcess[str]:
    """Run `minigraph` with these arguments in `folder`, for `seconds` at most."""
    server = _server()
    assert server.stdin
    assert server.stdout
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        request = {
            "arguments": arguments, "folder": str(folder), "environment": dict(os.environ), "seconds": seconds,
            "stdout": str(out), "stderr": str(err),
        }  # fmt: skip
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(["minigraph", *arguments], code, out.read_text(), err.read_text())


def run(
    folder: Path, source: str, *arguments: str, before: tuple[str, ...] = (), name: str = "script.py"
) -> subprocess.CompletedProcess[str]:
    """Run a source, as file `name` in `folder`, with its arguments and, `before` it, options of the command."""
    (folder / name).write_text(source)
    return run_command(folder, "run", *before, name, *arguments)
