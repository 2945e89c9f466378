"""Commands that are killed at random moments and started again: their results must be those of an undisturbed run."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from support.digits_folder import write_digits

from minigraph.weights import save_weights

MAIN = "from minigraph.tools.cli import main; main()"
KILLS = 3  # most kills of one run
PATIENCE = 300  # seconds
LEFTOVERS = (".tmp", ".part", ".lock")


class Command(NamedTuple):
    """A command of `minigraph` that goes on, or begins again, when it is started again.

    prepare: writes what the command reads, in a folder. arguments: of the command, which runs in that folder and writes
    into the folder `out`. results: the files there whose bytes must be those of an undisturbed run, as patterns.
    """

    prepare: Callable[[Path], object]
    arguments: tuple[str, ...]
    results: tuple[str, ...]


def _digits(folder: Path) -> None:
    write_digits(folder / "digits", 24, 20)


def _weights(folder: Path) -> None:
    (folder / "out").mkdir()
    rng = np.random.default_rng(0)
    save_weights(folder / "w.npz", {f"layer{i}/w": rng.standard_normal((500, 1000), np.float32) for i in range(8)})


def _train(*more: str) -> Command:
    fixed = ("--data", "digits", "--batch-size", "4", "--epochs", "2", "--seed", "11", "--checkpoint-every", "1")
    return Command(_digits, ("train", "mnist-cnn", *fixed, "--out", "out", *more), ("*.safetensors", "history.json"))


COMMANDS = {
    "train on numpy": _train("--backend", "numpy"),
    "train on llvm": _train("--backend", "llvm"),
    "convert": Command(_weights, ("convert", "w.npz", "out/w.safetensors"), ("w.safetensors",)),
}


def _start(command: Command, folder: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"MINIGRAPH_CACHE": str(folder / "cache")}  # so that it is killed while it writes there
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *command.arguments], cwd=folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def _finish(command: Command, folder: Path) -> None:
    process = _start(command, folder)
    _, errors = process.communicate(timeout=PATIENCE)
    if process.returncode:
        raise AssertionError(f"exit code {process.returncode}: {errors.decode(errors='replace')}")


def _digest(command: Command, folder: Path) -> dict[str, str]:
    files = [path for pattern in command.results for path in (folder / "out").glob(pattern)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


class Undisturbed(NamedTuple):
    """How long a command takes, and what it writes."""

    seconds: float
    digest: dict[str, str]


def undisturbed(command: Command, folder: Path) -> Undisturbed:
    """Run a command in a new folder."""
    command.prepare(folder)
    started = time.monotonic()
    _finish(command, folder)
    return Undisturbed(time.monotonic() - started, _digest(command, folder))


def kill(command: Command, expected: Undisturbed, folder: Path, seed: int) -> int:
    """Kill a command up to KILLS times and let it finish; the number of kills that found it running.

    Raises AssertionError if it fails, writes other bytes than `expected`, or leaves temporary files.
    """
    rng = random.Random(seed)
    command.prepare(folder)
    kills = 0
    for _ in range(rng.randint(1, KILLS)):
        process = _start(command, folder)
        try:
            process.communicate(timeout=rng.uniform(0, expected.seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
    _finish(command, folder)
    found = _digest(command, folder)
    assert found == expected.digest, f"seed {seed}: other bytes: {found.items() ^ expected.digest.items()}"
    left = [str(p.relative_to(folder)) for p in (folder / "out").rglob("*") if p.name.endswith(LEFTOVERS)]
    assert not left, f"seed {seed}: files left over: {left}"
    return kills


def campaigns() -> dict[str, Callable[[Path], Callable[[Path, int], int]]]:
    """For each command, a function that runs it undisturbed in a folder and returns what kills it in another one."""

    def prepared(command: Command, folder: Path) -> Callable[[Path, int], int]:
        expected = undisturbed(command, folder)
        return lambda place, seed: kill(command, expected, place, seed)

    return {f"kills: {name}": partial(prepared, command) for name, command in COMMANDS.items()}
