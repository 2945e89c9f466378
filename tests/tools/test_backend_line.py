"""Each command that runs a program says once, on stderr, which backend runs it, and why if that is a slow one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.program import run_command

PROGRAM = """
import tensorflow as tf
with tf.Session() as session:
    print(session.run(tf.constant(1.0) + 1.0))
"""


@pytest.mark.parametrize(
    "command",
    [
        ["profile", "lenet5", "--batch-size", "2", "--steps", "1", "--inference"],
        ["viz", "lenet5", "--batch-size", "2", "--steps", "1", "--inference", "--profile", "-o", "graph.dot"],
        ["bisect", "lenet5", "--batch-size", "2", "--inference", "--compiled"],
        ["filter", "image.png", "--kind", "mean"],
        ["run", "program.py"],
    ],
    ids=lambda command: command[0],
)
def test_the_backend_is_named_once(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("image.png")
    Path("program.py").write_text(PROGRAM, "utf-8")
    done = run_command(tmp_path, command[0], "--backend", "numpy", *command[1:])
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("backend: numpy") == 1


WITHOUT_COMPILERS = """
from minigraph.backend import discovery
load = discovery._load
def without_compilers(name):
    if name != "numpy":
        raise discovery.BackendError(f"no {name} here")
    return load(name)
discovery._load = without_compilers
from minigraph.tools.cli import main
main(["filter", "image.png", "--kind", "mean"])
"""


def test_the_line_gives_the_reason_for_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAPH_BACKEND", "auto")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("image.png")
    done = subprocess.run([sys.executable, "-c", WITHOUT_COMPILERS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "numpy" in line]
    assert line.startswith("backend: numpy (")
    assert "no llvm here" in line
