"""`minigraph train` on several processes: equal losses, resumption, interruption, and processes that die."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.digits_folder import write_digits
from support.ranks import mpiexec, run_limited

import minigraph as tf
from minigraph.core.errors import MissingPackageError
from minigraph.models.bundle import make_bundle, save_bundle
from minigraph.models.record import Preprocessing
from minigraph.ops.collective.launch import find_mpiexec
from minigraph.tools.profile import print_profile
from minigraph.tools.shared.workers import Notes, without
from minigraph.weights import load_weights

MAIN = "from minigraph.tools.cli import main; main()"
LIMIT = 400


def test_the_ranks_get_the_arguments_without_those_of_the_starter() -> None:
    given = ["train", "m", "--workers", "4", "--out", "--workers", "--restarts=3", "--quiet"]
    assert without(given, ("--workers", "--restarts")) == ["train", "m", "--out", "--quiet"]


def test_notes_of_mpiexec_are_no_lines_of_the_ranks() -> None:
    line = "-" * 76 + "\n"
    notes = Notes()
    text = [
        "step 1\n",
        line,
        "prterun noticed that process rank 3 with PID 7 on node a exited on\n",
        "signal 9 (Killed).\n",
    ]
    assert "".join(map(notes.take, [*text, line, "step 2\n"])) == "step 1\nstep 2\n"
    assert notes.killed == "rank 3 was ended by signal 9"


def test_only_mpiexec_starts_ranks(tmp_path: Path) -> None:
    clean = {name: "" for name in os.environ if name.startswith(("OMPI", "PMI", "SLURM"))}
    done = run_limited([sys.executable, "-c", MAIN, "train", "mnist-cnn", "--distributed"], LIMIT, tmp_path, **clean)
    assert done.code == 1
    assert "--workers 4 starts mpiexec itself" in done.err


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        find_mpiexec()
    except MissingPackageError as error:
        pytest.skip(str(error))
    return write_digits(tmp_path_factory.mktemp("digits"), 44, 20)


def command(digits: Path, out: Path, *more: str) -> list[str]:
    fixed = ["--data", str(digits), "--batch-size", "8", "--epochs", "4", "--seed", "11", "--keep-prob", "1"]
    return [sys.executable, "-c", MAIN, "train", "mnist-cnn", *fixed, "--out", str(out), *more]


def losses(out: Path) -> list[float]:
    found: list[float] = json.loads((out / "history.json").read_text())["loss"]
    return found


@pytest.mark.slow
def test_losses_do_not_depend_on_the_number_of_processes(tmp_path: Path, digits: Path) -> None:
    """For some steps: Adam makes full steps of gradients that are mere rounding, so that differences grow later."""
    found = {}
    for count in (1, 2, 4):
        out = tmp_path / str(count)
        more = ["--batch-size", "10", "--learning-rate", "1e-4", "--max-steps", "8", "--workers", str(count)]
        done = run_limited(command(digits, out, *more), LIMIT)
        assert done.code == 0, done.err
        found[count] = losses(out)
        assert len(found[count]) == 8
    for count in (2, 4):
        np.testing.assert_allclose(found[count], found[1], 1e-5)


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path, digits: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run_limited(command(digits, whole, "--learning-rate", "1e-5", "--max-steps", "12"), LIMIT).code == 0
    for count, steps in ((2, 3), (3, 7), (1, 9), (2, 12)):
        more = ["--learning-rate", "1e-5", "--workers", str(count), "--max-steps", str(steps)]
        done = run_limited(command(digits, parts, *more), LIMIT)
        assert done.code == 0, done.err
        assert len(losses(parts)) == steps
    np.testing.assert_allclose(losses(parts), losses(whole), 1e-5)


@contextmanager
def started(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A command in a session of its own, of which nothing is left afterwards."""
    process = subprocess.Popen(
        arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        for pid in ranks(arguments):
            os.kill(pid, signal.SIGKILL)
        process.kill()


def ranks(arguments: list[str]) -> list[int]:
    """The processes that mpiexec has started for a command, which its folder tells."""
    out = arguments[arguments.index("--out") + 1].encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            parts = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if out in parts and b"--distributed" in parts and b"-n" not in parts:
            found.append(int(entry.parent.name))
    return sorted(found)


def wait_for(out: Path, step: int) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        steps = [int(p.stem.rpartition("-")[2]) for p in out.glob("checkpoint-*.safetensors")]
        if max(steps, default=-1) >= step:
            return
        time.sleep(0.01)
    pytest.fail(f"no checkpoint of step {step}")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
@pytest.mark.parametrize("restarts", [0, 2])
def test_a_killed_rank_ends_all_and_restarts_go_on(tmp_path: Path, digits: Path, restarts: int) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    fixed = ["--workers", "2", "--checkpoint-every", "2"]
    assert run_limited(command(digits, whole, *fixed), LIMIT).code == 0
    arguments = command(digits, killed, *fixed, "--restarts", str(restarts))
    with started(arguments) as process:
        wait_for(killed, 4)
        os.kill(random.Random(restarts).choice(ranks(arguments)), signal.SIGKILL)
        _, errors = process.communicate(timeout=LIMIT)
        assert not ranks(arguments)
    assert "was ended by signal 9" in errors
    assert errors.count("Error:") == 1
    if restarts:
        assert process.returncode == 0, errors
        assert "starting again from the last checkpoint, restart 1 of 2" in errors
        assert losses(killed) == losses(whole)
        files = [out / "checkpoint-20.safetensors" for out in (whole, killed)]
        states = [load_weights(file) for file in files]
        assert states[0].keys() == states[1].keys()
        assert all((states[0][name] == states[1][name]).all() for name in states[0])
        assert tf.train.read_metadata(files[0]) == tf.train.read_metadata(files[1])
    else:
        assert process.returncode != 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupted_run_saves_and_goes_on(tmp_path: Path, digits: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert run_limited(command(digits, whole, "--workers", "2"), LIMIT).code == 0
    arguments = command(digits, stopped, "--workers", "2", "--checkpoint-every", "2")
    with started(arguments) as process:
        wait_for(stopped, 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, errors
    assert errors.count("Stopped after step") == 1
    assert run_limited(command(digits, stopped, "--workers", "2"), LIMIT).code == 0
    assert losses(stopped) == losses(whole)


@pytest.mark.slow
def test_ranks_with_other_options_or_too_small_batches_are_refused(tmp_path: Path, digits: Path) -> None:
    pick = "import os, sys; rank = os.environ['OMPI_COMM_WORLD_RANK']; sys.argv += ['--distributed', '--seed', rank]; "
    done = mpiexec(2, [sys.executable, "-c", pick + MAIN, *command(digits, tmp_path / "a")[3:]], LIMIT)
    assert done.code != 0
    assert done.err.count("Error: seed differs: 1 on rank 1, 0 on rank 0") == 1
    done = run_limited(command(digits, tmp_path / "b", "--workers", "9"), LIMIT)
    assert done.code == 1
    assert done.err.count("a batch of 8 examples cannot be divided among 9 processes") == 1


@pytest.mark.slow
def test_photographs_are_divided_among_the_processes(tmp_path: Path, digits: Path) -> None:
    del digits  # skips without MPI
    numbers = np.random.RandomState(0)
    (tmp_path / "photos").mkdir()
    for number in range(5):
        pixels = numbers.randint(0, 256, [20, 30, 3]).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    images = tf.placeholder(tf.float32, [None, 8, 8, 3])
    scores = tf.nn.softmax(tf.reduce_mean(images, [1, 2]))
    bundle = tmp_path / "small.mgb"
    with tf.Session() as session:
        made = make_bundle(session, images, scores, ["a", "b", "c"], Preprocessing("RGB", (0.0,) * 3, (9.0,) * 3))
    save_bundle(bundle, made)
    arguments = [sys.executable, "-c", MAIN, "predict", str(bundle), str(tmp_path / "photos"), "--json"]
    alone, three = run_limited(arguments, LIMIT), run_limited([*arguments, "--workers", "3"], LIMIT)
    assert (alone.code, three.code) == (0, 0), three.err
    assert json.loads(three.out) == json.loads(alone.out)
    assert [Path(each["photo"]).stem for each in json.loads(three.out)] == ["0", "1", "2", "3", "4"]
    assert three.err.count("backend:") == 1


def test_a_profile_says_that_processes_exchange_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.profile(tf.negative(tf.constant([1.0, 2.0]) + tf.random_uniform([2])), repeat=1)
    print_profile(found, 5, 2)
    assert "The 2 processes exchange nothing" in capsys.readouterr().out
    print_profile(found, 5)
    assert "exchange nothing" not in capsys.readouterr().out
