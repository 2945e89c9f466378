"""Programs for TensorFlow 1 run unchanged under `minigraph run`, learn, and have the losses that TensorFlow recorded.

`goldens/record_programs.py` made `goldens/programs.json`.

Tests `tf1/estimator.py` and `tf1/before_1_0.py`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from support.paths import TESTS
from support.program import run_command

import minigraph as tf

PROGRAMS = TESTS / "programs"
DIGITS = TESTS.parent / "minigraph" / "data" / "digits"
RECORDED: dict[str, list[float]] = json.loads((TESTS / "goldens" / "programs.json").read_text())["losses"]

# What each prints at its end, and the least that shows that it has learned.
LEAST_ACCURACY = {
    "batch_norm": 0.8, "cnn_layers": 0.8, "cnn_raw": 0.8, "mlp": 0.8, "slim_cnn": 0.7, "summaries": 0.8,
    "transfer": 0.5, "vgg_small": 0.6,
}  # fmt: skip
LINTS = (
    tf.DoubleSoftmaxWarning, tf.DropoutInEvaluationWarning, tf.GraphGrowsWarning, tf.UnorderedUpdatesWarning,
    tf.SameBatchWarning, tf.StaleMovingAveragesWarning, tf.EmptyBatchWarning, tf.LostPixelsWarning,
)  # fmt: skip
QUICK = {"mlp", "monitored", "save_restore"}


def run(name: str, folder: Path, *arguments: str) -> str:
    program = PROGRAMS / f"{name}.py"
    if "data_dir" in program.read_text():
        arguments = (f"--data_dir={DIGITS}", *arguments)
    done = run_command(folder, "run", str(program), *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert not [w.__name__ for w in LINTS if w.__name__ in done.stderr], done.stderr[-3000:]
    return done.stdout


def losses(output: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"loss (\S+)", output)]


def number(output: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", output, re.MULTILINE)
    assert found, output[-500:]
    return float(found.group(1))


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_the_first_losses_are_tensorflows(name: str, tmp_path: Path) -> None:
    output = run(name, tmp_path, "--max_steps=20" if name == "summaries" else "--steps=20")
    np.testing.assert_allclose(losses(output)[: len(RECORDED[name])], RECORDED[name], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in sorted(RECORDED)]
)
def test_a_program_runs_to_its_end_and_learns(name: str, tmp_path: Path) -> None:
    output = run(name, tmp_path)
    found = losses(output)
    assert np.mean(found[-5:]) < np.mean(found[:5])
    if name in LEAST_ACCURACY:
        assert number(output, "accuracy") > LEAST_ACCURACY[name]
    if name == "autoencoder":
        assert number(output, "test error") < number(output, "error of the mean")
    if name == "transfer":
        assert number(output, "moved") == 0
    if name == "save_restore":
        assert (number(output, "kept"), number(output, "restored step")) == (2, 20)


def test_every_program_is_recorded_or_tested_below() -> None:
    names = {path.stem for path in PROGRAMS.glob("*.py")}
    assert names == {*RECORDED, "l3_6_mnist_cnn", "l3_7_image_folders", "l3_9_vgg_transfer"}


def test_the_chapters_network_for_digits(tmp_path: Path) -> None:
    output = run("l3_6_mnist_cnn", tmp_path, "--batch_size=32", "--max_steps=2")
    assert number(output, "parameters") == 6_640_394
    assert all(np.isfinite(losses(output)))
    assert len(losses(output)) == 2


@pytest.mark.slow
def test_the_chapters_network_for_digits_learns(tmp_path: Path) -> None:
    assert number(run("l3_6_mnist_cnn", tmp_path, "--epochs=3"), "accuracy") > 0.9


def test_the_chapters_network_for_folders(tmp_path: Path) -> None:
    small = ("--width=8", "--size=32", "--batch_size=18", "--epochs=10", "--learning_rate=0.003")
    output = run("l3_7_image_folders", tmp_path, *small)
    assert number(output, "accuracy") > 0.8


@pytest.mark.slow
def test_the_chapters_transfer_from_vgg16(tmp_path: Path) -> None:
    output = run("l3_9_vgg_transfer", tmp_path, "--steps=24", "--batch_size=8")
    assert number(output, "restored variables") == 32
    found = losses(output)
    assert np.mean(found[-6:]) < np.mean(found[:6]) / 2
