"""Code for vectors of other widths than this CPU's: LLVM breaks up what is too wide, so the results can be checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

from minigraph.backends.llvm.compiler import host

CHILD = """
import sys, pytest
from minigraph.backends.llvm import compiler
found = compiler.host()._replace(lanes=int(sys.argv[1]))
compiler.host = lambda: found
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""
OTHERS = [lanes for lanes in (4, 16) if lanes != host().lanes]
FEW = ["test_kernels.py", "-k", "test_matrix_products or test_convolution_and"]  # test_nests.py has the loop nests
MOST = [
    "test_kernels.py",
    "test_small.py",
    "test_ops.py",
    "../../passes/test_packed.py",
    "-k",
    "not threads and not cache",
]


def run(lanes: int, what: list[str]) -> None:
    made = subprocess.run(
        [sys.executable, "-c", CHILD, str(lanes), *what], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert not made.returncode, made.stdout[-4000:] + made.stderr[-2000:]


@pytest.mark.parametrize("lanes", OTHERS)
def test_vectors_of_other_widths(lanes: int) -> None:
    run(lanes, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", OTHERS)
def test_vectors_of_other_widths_in_all_kernels(lanes: int) -> None:
    run(lanes, MOST)
