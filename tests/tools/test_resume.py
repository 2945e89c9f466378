"""A training run that was killed or interrupted goes on with the losses of one that was not.

Tests `tools/shared/running.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.digits_folder import write_digits
from support.program import run_command

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

BATCH, EACH, EPOCHS = 4, 6, 2  # 24 digits: six steps an epoch
MAIN = "from minigraph.tools.cli import main; main()"


def training(digits: Path, out: Path, *more: str) -> list[str]:
    fixed = ["--data", str(digits), "--batch-size", str(BATCH), "--epochs", str(EPOCHS), "--seed", "11"]
    return ["train", "mnist-cnn", *fixed, "--out", str(out), *more]


def history(out: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((out / "history.json").read_text())
    return content


def interrupt(arguments: list[str], out: Path, step: int, number: int) -> tuple[int, str]:
    """Start, send the signal once there is a checkpoint of at least `step`; the exit code and stderr."""
    command = [sys.executable, "-c", MAIN, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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
    done = run_command(out, *training(digits, out, "--quiet"))
    assert done.returncode == 0, done.stderr
    assert "epoch" not in done.stderr
    return history(out)


def test_killed_twice(tmp_path: Path, digits: Path, expected: dict[str, object]) -> None:
    arguments = training(digits, tmp_path, "--checkpoint-every", "2")
    for step in (2, 8):  # in the first epoch, then in the second
        code, errors = interrupt(arguments, tmp_path, step, signal.SIGKILL)
        assert code == -signal.SIGKILL, errors
        assert last_step(tmp_path) < EPOCHS * EACH
    done = run_command(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert "going on from" in done.stderr
    assert history(tmp_path) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path: Path, digits: Path, expected: dict[str, object], number: int) -> None:
    arguments = training(digits, tmp_path)
    code, errors = interrupt(training(digits, tmp_path, "--checkpoint-every", "2"), tmp_path, 2, number)
    assert code == 130, errors
    step = last_step(tmp_path)
    message = errors.splitlines()[-1]
    assert message.startswith(f"Stopped after step {step} of {EPOCHS * EACH}. Saved {tmp_path}")
    assert "Traceback" not in errors
    assert {name.partition("-")[0] for name in os.listdir(tmp_path)} == {"checkpoint", "checkpoint.json", "events"}

    done = run_command(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert history(tmp_path) == expected


def test_more_epochs(tmp_path: Path, digits: Path, expected: dict[str, object]) -> None:
    done = run_command(tmp_path, *training(digits, tmp_path), "--epochs", "1")
    assert done.returncode == 0, done.stderr
    done = run_command(tmp_path, *training(digits, tmp_path))
    assert done.returncode == 0, done.stderr
    assert history(tmp_path) == expected


def in_a_terminal(arguments: list[str], seconds: float, key: bytes) -> tuple[int, str]:
    """Run a command in a terminal of its own and type a key after some time; the exit code, and what it shows."""
    import fcntl
    import pty
    import termios

    def prepare() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which is ignored where the tests run in the background

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=prepare,
    )  # fmt: skip
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + seconds
    os.set_blocking(ours, False)
    while process.poll() is None:
        if deadline and time.monotonic() > deadline:
            os.write(ours, key)
            deadline = 0.0
        with contextlib.suppress(BlockingIOError, OSError):
            shown += os.read(ours, 1 << 16)
        time.sleep(0.01)
    with contextlib.suppress(BlockingIOError, OSError):
        shown += os.read(ours, 1 << 16)
    os.close(ours)
    return process.returncode, shown.decode("utf-8", "replace")


@pytest.mark.parametrize("seconds", [0.6, 1.2])
def test_ctrl_c_in_a_terminal_while_it_starts(seconds: float, tmp_path: Path, digits: Path) -> None:
    """It ends, and what it leaves is whole: no temporary, and a checkpoint only if there was a step."""
    code, shown = in_a_terminal(training(digits, tmp_path, "--epochs", "1000"), seconds, b"\x03")
    assert code in (130, -signal.SIGINT), shown
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]
    if "Traceback" in shown:  # of Python itself, before the command began
        assert not list(tmp_path.iterdir())


def test_sigterm_before_training_begins(tmp_path: Path) -> None:
    """The command ends as by Ctrl-C."""
    program = (
        "import os, signal, click\nfrom minigraph.tools.cli import main\n"
        "@main.command('own')\ndef own(): os.kill(os.getpid(), signal.SIGTERM)\n"
        "main(['own'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")
