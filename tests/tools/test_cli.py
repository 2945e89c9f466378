"""The `minigraph` command: what it writes, and what it answers to mistakes.

Tests `tools/environment.py`, `tools/report.py`, `tools/train_command.py`, `tools/shared/devices.py`,
`tools/shared/options.py`, `tools/shared/folder.py` and `tools/shared/train.py`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.digits_folder import TEST, write_digits

import minigraph as tf
from minigraph.tools.cli import main

EPOCHS, BATCH, EACH = 2, 16, 2


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], env=environment)


def train(digits: Path, out: Path, *more: object) -> Result:
    return run("train", "mnist-cnn", "--data", digits, "--out", out, "--batch-size", BATCH, *more)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("runs") / "deep" / "run"
    return out, train(digits, out, "--epochs", EPOCHS)


def test_version_and_help() -> None:
    assert run("--version").output.startswith("minigraph 0.")
    for command in ([], ["train"], ["eval"], ["data"], ["models"]):
        result = run(*command, "--help")
        assert result.exit_code == 0, result.output
        assert "Usage:" in result.output


def test_models() -> None:
    result = run("models")
    assert result.exit_code == 0, result.output
    assert "mnist-cnn" in result.output
    assert "6,640,394" in result.output


def test_devices() -> None:
    result = run("devices")
    assert result.exit_code == 0, result.output
    rows = {line.split()[1]: line for line in result.output.splitlines() if line.startswith("│")}
    assert set(rows) >= {"numpy", "llvm", "cupy"}
    assert "yes" in rows["numpy"]
    if importlib.util.find_spec("cupy") is None:
        assert re.search(r'CuPy[^:]*: pip install "minigraph\[cuda1\d\]"', rows["cupy"])


def test_installed_command(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from minigraph.tools.cli import main; main()", "train", "mnist_cnm"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "Error: unknown model 'mnist_cnm'; did you mean mnist-cnn?\n"
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "meant"), [("--lr", "--learning-rate"), ("--bs", "--batch-size"), ("--epoch", "--epochs")]
)
def test_an_option_may_be_meant_by_its_first_letters(given: str, meant: str) -> None:
    result = run("train", "lenet5", given, "1")
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.output


def test_what_training_writes(trained: tuple[Path, Result]) -> None:
    out, result = trained
    assert result.exit_code == 0, result.output
    steps = EPOCHS * EACH
    names = {f"checkpoint-{steps}.safetensors", f"checkpoint-{EACH}.safetensors"}
    others = {"best.safetensors", "checkpoint.json", "events", "history.json", "loss.png", "predictions.png"}
    assert set(os.listdir(out)) == names | others
    history = json.loads((out / "history.json").read_text())
    assert history["model"] == "mnist-cnn"
    assert history["steps_per_epoch"] == EACH
    assert [len(history[key]) for key in ("loss", "accuracy", "test_accuracy")] == [steps, steps, EPOCHS]
    right = round(history["test_accuracy"][-1] * TEST)
    assert f"test accuracy  {right / TEST:.4f}  ({right} of {TEST})" in result.output
    for name in ("loss.png", "predictions.png"):
        with Image.open(out / name) as picture:
            picture.load()
            assert min(picture.size) > 300
            assert len(set(picture.convert("L").resize((100, 100)).tobytes())) > 5


def test_evaluation_agrees(trained: tuple[Path, Result], digits: Path) -> None:
    out, result = trained
    for checkpoint in (out, out / f"checkpoint-{EPOCHS * EACH}.safetensors"):
        again = run("eval", "mnist-cnn", "--checkpoint", checkpoint, "--data", digits)
        assert again.exit_code == 0, again.output
        assert again.stdout.strip() in result.output
        assert again.stderr == "backend: numpy\n"


def test_finished_run_is_shown_again(trained: tuple[Path, Result], digits: Path) -> None:
    out, first = trained
    before = (out / "history.json").read_text()
    result = train(digits, out, "--epochs", EPOCHS)
    assert result.exit_code == 0, result.output
    assert "has all 4 steps already" in result.output
    assert (out / "history.json").read_text() == before
    assert first.output.splitlines()[-3] in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--learning-rate", "0.02"], "learning-rate 0.002 instead of 0.02"),
        (["--seed", "3"], "seed 0 instead of 3"),
        (["--keep-prob", "0.5"], "keep-prob 0.75 instead of 0.5"),
        (["--batch-size", "8"], "batch-size 16 instead of 8"),
        (["--data", "sample"], "data 40 x 784"),
    ],
)
def test_run_of_other_settings_is_kept(
    trained: tuple[Path, Result], digits: Path, change: list[str], message: str
) -> None:
    out, _ = trained
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    result = train(digits, out, *change)
    assert result.exit_code == 1
    assert message in result.output
    assert "--no-resume" in result.output
    assert result.output.count("\n") == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_replacing_a_run(digits: Path, tmp_path: Path) -> None:
    assert train(digits, tmp_path, "--epochs", 2).exit_code == 0
    result = train(digits, tmp_path, "--epochs", 1, "--seed", 5, "--no-resume", "--quiet")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("test accuracy")
    assert [n for n in os.listdir(tmp_path) if n.startswith("checkpoint-")] == [f"checkpoint-{EACH}.safetensors"]
    assert json.loads((tmp_path / "history.json").read_text())["seed"] == 5


def test_loss_that_is_not_finite(digits: Path, tmp_path: Path) -> None:
    result = train(digits, tmp_path, "--learning-rate", "1e30")
    assert result.exit_code == 1
    message = result.output.splitlines()[-1]
    assert message.startswith("Error: the loss became ")
    assert "--learning-rate" in message
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".png")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "0"], "'--batch-size': expected a whole number at least 1, got 0"),
        (["--batch-size", "1.5"], "'--batch-size': expected a whole number at least 1, got 1.5"),
        (["--batch-size", "41"], "'--batch-size': expected at most 40, the training images of"),
        (["--epochs", "-1"], "'--epochs': expected a whole number at least 1, got -1"),
        (["--learning-rate", "nan"], "'--learning-rate': expected a finite number above 0, got nan"),
        (["--learning-rate", "-0.1"], "'--learning-rate': expected a finite number above 0, got -0.1"),
        (["--learning-rate", "inf"], "'--learning-rate': expected a finite number above 0, got inf"),
        (["--keep-prob", "0"], "'--keep-prob': expected a finite number above 0 and at most 1, got 0"),
        (["--keep-prob", "1.5"], "'--keep-prob': expected a finite number above 0 and at most 1, got 1.5"),
        (["--stddev", "0"], "'--stddev': expected a finite number above 0, got 0"),
        (["--seed", "-1"], "'--seed': expected a whole number at least 0 and at most 2147483647, got -1"),
        (["--checkpoint-every", "0"], "'--checkpoint-every': expected a whole number at least 1, got 0"),
        (["--backend", "nonesuch"], "unknown backend 'nonesuch'; there are auto, cupy, llvm, numpy, sympy"),
        (
            ["--data", "nonesuch"],
            "cifar10, or a folder with the files of a data set, got 'nonesuch'",
        ),
        (["--data", "."], "cannot find the files of mnist"),
        (["--out", __file__], "is a file"),
        (["--learning-rat", "1"], "No such option"),
    ],
)
def test_bad_options(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = train(digits, Path("out"), *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output
    assert not os.listdir(tmp_path)


def test_bad_commands(tmp_path: Path) -> None:
    for arguments, message in (
        (["trian"], "No such command"),
        (["train"], "Missing argument 'MODEL'"),
        (["data", "imagenet"], "'imagenet' is not"),
        (["data", "mnist", "--from", tmp_path, "--to", tmp_path / "to"], "expected train-images-idx3-ubyte.gz"),
        (["eval", "mnist-cnn", "--checkpoint", tmp_path], "no checkpoint in this folder"),
        (["eval", "mnist-cnn", "--checkpoint", tmp_path / "absent.safetensors"], "absent.safetensors"),
    ):
        result = run(*arguments)
        assert result.exit_code in (1, 2), result.output
        assert message in result.output
        assert result.output.count("\n") == 1


def test_debug_shows_the_traceback() -> None:
    for arguments in (["--debug", "train", "nonesuch"], ["train", "nonesuch", "--debug"]):
        assert isinstance(run(*arguments).exception, tf.errors.MinigraphError | LookupError)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff" * 4096])
def test_damaged_checkpoint(digits: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint-2.safetensors"
    path.write_bytes(content)
    for result in (
        train(digits, tmp_path),
        run("eval", "mnist-cnn", "--checkpoint", path, "--data", digits),
    ):
        assert result.exit_code == 1
        assert path.name in result.output
        assert result.output.count("\n") == 1, result.output
    assert path.read_bytes() == content


def test_foreign_checkpoint(digits: Path, tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable(1.0)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, tmp_path / "checkpoint", 7)
    result = train(digits, tmp_path)
    assert result.exit_code == 1
    assert "not a checkpoint of `minigraph train`" in result.output


def test_the_chapters_settings(digits: Path, tmp_path: Path) -> None:
    losses = []
    for number, more in enumerate(([], ["--as-in-chapter"])):
        result = train(digits, tmp_path / str(number), "--max-steps", 1, *more)
        assert result.exit_code == 0, result.output
        assert result.output.count("backend: ") == 1
        losses.append(json.loads((tmp_path / str(number) / "history.json").read_text())["loss"][0])
    assert losses[0] < 5  # ten classes by chance: log 10 = 2.3
    assert losses[1] > 1000
    folder = run("train", "folder-cnn", "--image-dir", tmp_path, "--as-in-chapter")
    assert "the chapter has no settings for folder-cnn" in folder.output
