"""A training run that was killed or interrupted goes on with the losses of one that was not.

Tests `tools/shared/running.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.digits_folder import write_digits

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

BATCH, EACH, EPOCHS = 4, 6, 2  # 24 digits: six steps an epoch
MAIN = "from minigraph.tools.cli import main; main()"


def command(digits: Path, out: Path, *more: str) -> list[str]:
    fixed = ["--data", str(digits), "--batch-size", str(BATCH), "--epochs", str(EPOCHS), "--seed", "11"]
    return [sys.executable, "-c", MAIN, "train", "mnist-cnn", *fixed, "--out", str(out), *more]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120)


def history(out: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((out / "history.json").read_text())
    return content


def interrupt(arguments: list[str], out: Path, step: int, number: int) -> tuple[int, str]:
    """Start, send the signal once there is a checkpoint of at least `step`; the exit code and stderr."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while last_step(out) < step and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def last_step(out: Path) -> int:
    return max((int(path.stem.rpartition("-")[2]) for path in out.glob("checkpoint-*.safetensors")), default=-1)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), BATCH * EACH, 20)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> dict[str, object]:
    out = tmp_path_factory.mktemp("whole")
    done = run(command(digits, out, "--quiet"))
    assert done.returncode == 0, done.stderr
    assert "epoch" not in done.stderr
    return history(out)


def test_killed_twice(tmp_path: Path, digits: Path, expected: dict[str, object]) -> None:
    arguments = command(digits, tmp_path, "--checkpoint-every", "2")
    for step in (2, 8):  # in the first epoch, then in the second
        code, errors = interrupt(arguments, tmp_path, step, signal.SIGKILL)
        assert code == -signal.SIGKILL, errors
        assert last_step(tmp_path) < EPOCHS * EACH
    done = run(arguments)
    assert done.returncode == 0, done.stderr
    assert "going on from" in done.stderr
    assert history(tmp_path) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path: Path, digits: Path, expected: dict[str, object], number: int) -> None:
    arguments = command(digits, tmp_path)
    code, errors = interrupt(command(digits, tmp_path, "--checkpoint-every", "2"), tmp_path, 2, number)
    assert code == 130, errors
    step = last_step(tmp_path)
    message = errors.splitlines()[-1]
    assert message.startswith(f"Stopped after step {step} of {EPOCHS * EACH}. Saved {tmp_path}")
    assert "Traceback" not in errors
    assert {name.partition("-")[0] for name in os.listdir(tmp_path)} == {"checkpoint", "checkpoint.json"}

    done = run(arguments)
    assert done.returncode == 0, done.stderr
    assert history(tmp_path) == expected


def test_more_epochs(tmp_path: Path, digits: Path, expected: dict[str, object]) -> None:
    done = run([*command(digits, tmp_path), "--epochs", "1"])
    assert done.returncode == 0, done.stderr
    done = run(command(digits, tmp_path))
    assert done.returncode == 0, done.stderr
    assert history(tmp_path) == expected
