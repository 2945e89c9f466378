"""Real pretrained weights, where there are some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def weight_file(name: str) -> Path:
    """The file of that name in the folder `weights` of MINIGRAPH_DATA; without it, the test is skipped."""
    folder = os.environ.get("MINIGRAPH_DATA")
    path = Path(folder or ".") / "weights" / name
    if not folder or not path.is_file():
        pytest.skip(f"MINIGRAPH_DATA names no folder with weights/{name}")
    return path
