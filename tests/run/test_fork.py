"""A process that forks while another of its threads is in `run` has children that can run sessions."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.paths import TESTS

PROGRAM = TESTS / "support" / "fork_program.py"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_children_run_sessions_of_their_own_and_the_parents(backend: str) -> None:
    if backend == "llvm":
        pytest.importorskip("llvmlite", reason="needs llvmlite")
    done = subprocess.run([sys.executable, str(PROGRAM), backend], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, "done after True\n"), done.stderr
