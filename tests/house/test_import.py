"""`import minigraph` imports what every program needs; the rest comes when it is used."""

from __future__ import annotations

import subprocess
import sys

LATER = ("backend", "compile", "data", "formats", "inspect", "ir", "layers", "losses", "metrics", "passes", "rewrite")
LATER += ("summary", "tf1", "train", "viz")


def test_an_import_loads_no_compiler_and_no_files() -> None:
    program = "import sys, minigraph; print(*(name for name in sys.modules if name.startswith('minigraph.')))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {name.split(".")[1] for name in loaded} & set(LATER) == set()
