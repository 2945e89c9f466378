"""The environment of child processes that run on the stand-in."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent


def for_children() -> dict[str, str]:
    """The variables that make a process import the stand-in, and run on it by default."""
    paths = [str(HERE / "modules"), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return {"MINIGRAPH_BACKEND": "cupy", "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
