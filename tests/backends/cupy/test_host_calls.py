"""No program and no network runs an op on the host, so each of their plans is captured whole.

Tests `backends/cupy/emit.py`. The networks' steps are tested where the other tests of models are.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gpu import host_calls
from support.paths import TESTS

from minigraph.core.op import REGISTRY

DIGITS = TESTS.parent / "minigraph" / "data" / "digits"
QUICK = {"slim_cnn"}  # checks its loss and gradients, as slim does by default
SHORT = {
    "summaries": ["--max_steps=3"],
    "l3_6_mnist_cnn": ["--batch_size=8", "--max_steps=2"],
    "l3_7_image_folders": ["--width=8", "--size=32", "--batch_size=18", "--epochs=1"],
    "l3_9_vgg_transfer": ["--steps=1", "--batch_size=2"],
}
PROGRAMS = sorted(path.stem for path in (TESTS / "programs").glob("*.py"))


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in PROGRAMS])
def test_a_tensorflow_program_has_no_host_calls(name: str, tmp_path: Path) -> None:
    program = TESTS / "programs" / f"{name}.py"
    folder = [f"--data_dir={DIGITS}"] if "data_dir" in program.read_text() else []
    command = [sys.executable, host_calls.__file__, str(program), *folder, *SHORT.get(name, ["--steps=2"])]
    environment = os.environ | {"MINIGRAPH_BACKEND": "numpy"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["plans"] > 1
    assert found["host calls"] == []


def test_a_host_call_is_found(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import tensorflow as tf\n"
        "with tf.Session() as session:\n"
        "    session.run(tf.Print(tf.random.uniform([2]), [1.0], name='shown') * 2.0)\n"
    )
    done = subprocess.run([sys.executable, host_calls.__file__, str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["host calls"] == ["shown"]


def test_the_documentation_lists_the_host_calls_of_the_registry() -> None:
    page = (TESTS.parent / "docs" / "gpu.md").read_text("utf-8")
    listed = re.search(r"Ops without native code: (.*?)\. These", page, re.DOTALL)
    assert listed
    ours = {name: kind for name, kind in REGISTRY.items() if kind.__module__.startswith("minigraph.ops.")}
    expected = {name for name, kind in ours.items() if kind.on_host}
    assert set(re.findall(r"`(\w+)`", listed[1])) == expected
