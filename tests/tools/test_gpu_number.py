"""A GPU that is chosen by its number is the one that runs: by a command's option, in programs and for ONNX.

Tests `tools/run.py`, `tools/train_command.py`, `tools/retrain/command.py`, `tools/shared/options.py` and
`formats/onnx/backend.py`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from gpu.host import COMPILER
from gpu.strict.environment import for_children
from gpu.strict.installed import two_gpus
from gpu.strict.machine import Machine
from PIL import Image
from support.digits_folder import write_digits

import minigraph as tf
from minigraph.backend.discovery import get_backend
from minigraph.core.errors import BackendError, MinigraphError
from minigraph.tools.cli import main
from minigraph.tools.shared.options import backend_line
from minigraph.tools.shared.running import recorded
from minigraph.tools.shared.train import TrainingSettings

MAIN = "from minigraph.tools.cli import main; main()"

pytestmark = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with two_gpus(monkeypatch) as made:
        yield made


class OpenedError(Exception):
    """A session has been opened."""


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("command", ["train", "retrain"])
def test_the_session_of_a_command_runs_on_the_gpu(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def session(backend: str, **_: Any) -> None:
        opened.append(get_backend(backend).label)
        raise OpenedError

    given = ["train", "mnist-cnn", "--data", str(write_digits(tmp_path / "digits", 20, 20)), "--batch-size", "4"]
    if command == "retrain":
        for name in ("a", "b"):
            (tmp_path / "images" / name).mkdir(parents=True)
            for n in range(3):
                Image.fromarray(np.full((8, 8, 3), n, np.uint8)).save(tmp_path / "images" / name / f"{n}.png")
        given = ["retrain", "--image-dir", str(tmp_path / "images"), "--model", "folder-cnn", "--from-scratch"]
    monkeypatch.setattr(tf, "Session", session)
    result = CliRunner().invoke(main, [*given, "--out", str(tmp_path / "out"), "--backend", "cupy:1"])
    assert isinstance(result.exception, OpenedError), result.output
    assert opened == ["cupy:1"]


def test_a_program_runs_on_the_gpu_and_the_line_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in for_children().items():
        monkeypatch.setenv(name, value)
    text = "import tensorflow as tf\nprint(tf.Session().backend.label)\nprint(tf.Session())\n"
    (tmp_path / "program.py").write_text(text, "utf-8")
    command = [sys.executable, "-c", MAIN, "run", "--backend", "cupy:1", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)  # Python itself reads PYTHONPATH
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("cupy:1\n<tf.Session on cupy:1,")
    assert "backend: cupy:1" in done.stderr


@pytest.mark.usefixtures("machine")
def test_the_line_names_the_gpu() -> None:
    assert [backend_line(name) for name in ("cupy", "cupy:1")] == ["backend: cupy:0", "backend: cupy:1"]


def test_a_run_may_be_resumed_on_another_gpu_but_not_on_another_backend() -> None:
    kept = [
        recorded(TrainingSettings("mnist-cnn", 10, 0.1, None, None, 0, name)) for name in ("cupy:0", "cupy:1", "llvm")
    ]
    assert kept[0] == kept[1] != kept[2]
    assert [k["backend"] for k in kept] == ["cupy", "cupy", "llvm"]


def test_devices_of_onnx_have_numbers(machine: Machine) -> None:
    pytest.importorskip("onnx", reason="needs the onnx package")
    from minigraph import onnx

    x = tf.placeholder(tf.float32, [2, 300], name="x")
    model = onnx.to_model({"y": tf.exp(x)})
    before = list(machine.used)
    prepared = onnx.Backend.prepare(model, "CUDA:1")
    assert prepared.session.backend.label == "cupy:1"
    assert (prepared.run(np.zeros((2, 300), np.float32))[0] == 1).all()
    assert machine.used[0] == before[0]
    known = {"CPU": True, "CPU:0": True, "CPU:1": False, "CUDA": True, "cuda:1": True, "CUDA:7": False, "CUDA:x": False}
    assert {name: onnx.Backend.supports_device(name) for name in known} == known
    with pytest.raises(BackendError, match="there is no GPU cupy:7; the CUDA runtime finds only 2"):
        onnx.Backend.prepare(model, "CUDA:7")
    with pytest.raises(MinigraphError, match="no device CPU:1"):
        onnx.Backend.prepare(model, "CPU:1")
