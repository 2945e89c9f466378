"""`minigraph explain --kernel`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from minigraph.tools.cli import main

FILE = """
import minigraph as tf
x = tf.placeholder(tf.float32, [2, 8, 8, 3], name="x")
pooled = tf.nn.max_pool(x, 3, 2, "SAME", name="pooled")
fetches = [tf.nn.softmax(tf.reshape(pooled, [2, 48]), name="p"), tf.tanh(x, name="t")]
"""


@pytest.mark.parametrize(
    ("backend", "texts"),
    [("llvm", ["LLVM IR of max_pool", "# task", "fcmp"]), ("numpy", [])],
)
def test_a_kernel_is_shown_as_statement_schedule_and_code(backend: str, texts: list[str], tmp_path: Path) -> None:
    file = tmp_path / "graph.py"
    file.write_text(FILE)
    done = CliRunner().invoke(main, ["explain", str(file), "--backend", backend, "--kernel", "pooled"])
    assert done.exit_code == 0, done.output
    assert "# statement of MaxPool" in done.output
    assert "first_maximum from -inf:float32, 0:int32 over r < 3, r1 < 3" in done.output
    for text in texts:
        assert text in done.output


def test_other_nodes_are_explained(tmp_path: Path) -> None:
    file = tmp_path / "graph.py"
    file.write_text(FILE)

    def message(node: str) -> str:
        done = CliRunner().invoke(main, ["explain", str(file), "--backend", "numpy", "--kernel", node])
        assert done.exit_code == 1
        return done.output

    assert "no launch computes 'nothing'; nodes with a kernel in the loop language: p, pooled" in message("nothing")


@pytest.mark.parametrize(
    ("backend", "node", "options", "texts"),
    [
        ("numpy", "t", (), ["# NumPy calls of Tanh", "def "]),
        ("llvm", "t", (), ["# LLVM IR of", "define "]),
        ("llvm", "y", (), ["# LLVM IR of MatMul", "define ", "llvm.fma"]),  # a kernel that is scheduled by hand
        ("llvm", "y", ("--assembly",), ["# assembly of MatMul", "ret"]),
        ("llvm", "c", (), [", part 1: tile_", ": kernel\ndefine "]),  # a packed filter
        ("llvm", "pooled", ("--assembly",), ["# assembly of max_pool", "ret"]),
    ],
)
def test_kernels_without_a_statement_and_assembly(
    backend: str, node: str, options: tuple[str, ...], texts: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "graph.py"
    more = """
fetches.append(tf.matmul(tf.placeholder(tf.float32, [8, 9]), tf.ones([9, 7]), name="y"))
fetches.append(tf.nn.conv2d(tf.placeholder(tf.float32, [1, 7, 7, 16]), tf.ones([3, 3, 16, 8]), 1, "SAME", name="c"))
"""
    file.write_text(FILE + more)
    command = ["explain", str(file), "--backend", backend, "--optimize", "O0", "--kernel", node, *options]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    for text in texts:
        assert text in done.output
    assert ("# assembly" in done.output) is bool(options)
