"""The caller's place, as error messages show it."""

from __future__ import annotations

import sys
from pathlib import Path


def here() -> str:
    """`file.py:line` of the caller."""
    frame = sys._getframe(1)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
