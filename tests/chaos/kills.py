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
from PIL import Image
from support.digits_folder import write_digits

import minigraph as tf
from minigraph.models.registry import get_model
from minigraph.weights import save_weights

MAIN = "from minigraph.tools.cli import main; main()"
KILLS = 3  # most kills of one run
PATIENCE = 300  # seconds
LEFTOVERS = (".tmp", ".part", ".lock")


class Command(NamedTuple):
    """A command of `minigraph` that goes on, or begins again, when it is started again.

    prepare: writes what the command reads, in a folder. arguments: of the command, which runs in that folder and writes
    into the folder {out}. results: the files there whose bytes must be those of an undisturbed run, as patterns.
    copies: processes that run at once on one cache, each with a folder of its own in `out`.
    """

    prepare: Callable[[Path], object]
    arguments: str
    results: tuple[str, ...]
    copies: int = 1


def _digits(folder: Path) -> None:
    write_digits(folder / "digits", 24, 20)


def _weights(folder: Path) -> None:
    rng = np.random.default_rng(0)
    save_weights(folder / "w.npz", {f"layer{i}/w": rng.standard_normal((500, 1000), np.float32) for i in range(8)})


def _photos(folder: Path) -> None:
    """Images of two colours, and initial values in place of pretrained weights."""
    rng, model = np.random.default_rng(0), get_model("resnet20")
    for name, channel in (("red", 0), ("blue", 2)):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(0, 100, (32, 32, 3), np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(folder / "photos" / name / f"{i}.png")
    with tf.Graph().as_default() as graph, tf.Session(graph=graph, backend="numpy") as session:
        tf.set_random_seed(1)
        model.build(tf.placeholder(tf.float32, [None, *model.image_shape]), num_classes=model.classes)
        session.run(tf.global_variables_initializer())
        save_weights(folder / "pretrained.npz", {v.op.name: session.run(v) for v in tf.global_variables()})


def _train(more: str, copies: int = 1) -> Command:
    fixed = "--data digits --batch-size 4 --epochs 2 --seed 11 --checkpoint-every 1 --out {out}"
    return Command(_digits, f"train mnist-cnn {fixed} {more}", ("*.safetensors", "history.json"), copies)


COMMANDS = {
    "train on numpy": _train("--backend numpy"),
    "train on llvm": _train("--backend llvm"),
    "train on llvm, three at once": _train("--backend llvm", copies=3),
    "retrain": Command(
        _photos,
        "retrain --image-dir photos --model resnet20 --weights pretrained.npz --bottleneck-dir bottlenecks"
        " --how-many-training-steps 30 --train-batch-size 4 --out {out}",
        ("*.mgb", "labels.txt"),
    ),
    "convert": Command(_weights, "convert w.npz {out}/w.safetensors", ("w.safetensors",)),
}


class Running(NamedTuple):
    """The processes of a command."""

    processes: tuple[subprocess.Popen[bytes], ...]

    def finish(self, seconds: float) -> None:
        """Wait for their end. AssertionError if one fails, TimeoutExpired if one runs longer; none is left running."""
        until = time.monotonic() + seconds
        try:
            for process in self.processes:
                _, errors = process.communicate(timeout=max(until - time.monotonic(), 0))
                if process.returncode:
                    raise AssertionError(f"exit code {process.returncode}: {errors.decode(errors='replace')}")
        finally:
            for process in self.processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def _start(command: Command, folder: Path) -> Running:
    environment = os.environ | {"MINIGRAPH_CACHE": str(folder / "cache")}  # so that it is killed while it writes there
    outs = ["out"] if command.copies == 1 else [f"out/{k}" for k in range(command.copies)]
    (folder / "out").mkdir(exist_ok=True)

    def process(out: str) -> subprocess.Popen[bytes]:
        call = [sys.executable, "-c", MAIN, *command.arguments.format(out=out).split()]
        return subprocess.Popen(
            call, cwd=folder, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    return Running(tuple(map(process, outs)))


def _digest(command: Command, folder: Path) -> dict[str, str]:
    files = [path for pattern in command.results for path in (folder / "out").rglob(pattern)]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)}


class Undisturbed(NamedTuple):
    """How long a command takes, and what it writes."""

    seconds: float
    digest: dict[str, str]


def undisturbed(command: Command, folder: Path) -> Undisturbed:
    """Run a command in a new folder."""
    command.prepare(folder)
    started = time.monotonic()
    _start(command, folder).finish(PATIENCE)
    return Undisturbed(time.monotonic() - started, _digest(command, folder))


def kill(command: Command, expected: Undisturbed, folder: Path, seed: int) -> int:
    """Kill a command up to KILLS times and let it finish; the number of kills that found it running.

    Raises AssertionError if it fails, writes other bytes than `expected`, or leaves temporary files.
    """
    rng = random.Random(seed)
    command.prepare(folder)
    kills = 0
    for _ in range(rng.randint(1, KILLS)):
        try:
            _start(command, folder).finish(rng.uniform(0, expected.seconds))
        except subprocess.TimeoutExpired:
            kills += 1
    _start(command, folder).finish(PATIENCE)
    found = _digest(command, folder)
    assert found == expected.digest, f"seed {seed}: other bytes: {found.items() ^ expected.digest.items()}"
    left = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.name.endswith(LEFTOVERS)]
    assert not left, f"seed {seed}: files left over: {left}"
    return kills


def campaigns() -> dict[str, Callable[[Path], Callable[[Path, int], int]]]:
    """For each command, a function that runs it undisturbed in a folder and returns what kills it in another one."""

    def prepared(command: Command, folder: Path) -> Callable[[Path, int], int]:
        expected = undisturbed(command, folder)
        return lambda place, seed: kill(command, expected, place, seed)

    return {f"kills: {name}": partial(prepared, command) for name, command in COMMANDS.items()}
