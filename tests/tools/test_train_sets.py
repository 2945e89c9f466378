"""Recipes on the data sets: fitted images, validation, early stopping, the best variables, event files.

Tests `tools/shared/events.py`, `tools/shared/data.py`, `tools/shared/grey.py` and `tools/shared/train.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.data_sets import write_cifar10
from support.digits_folder import write_digits
from support.needed import needed

from minigraph.core.errors import InvalidArgumentError
from minigraph.data import Dataset, load
from minigraph.models import get_model, get_recipe
from minigraph.tools.cli import main
from minigraph.tools.shared.data import Fitted, TrainingData, fitted
from minigraph.tools.shared.grey import luma
from minigraph.tools.shared.train import History, TrainingRun
from minigraph.weights import load_weights


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sets")
    return {
        "cifar10": write_cifar10(folder / "cifar10", each=8, test=6),
        "mnist": write_digits(folder / "mnist"),
        "fashion-mnist": write_digits(folder / "fashion-mnist"),
    }


def fit(name: str, images: np.ndarray) -> np.ndarray:
    """The images of a data set as a network takes them."""
    labels = np.eye(10, dtype=np.float32)[: len(images)]
    data = Dataset(images, labels, images, labels, tuple("0123456789"))
    model = get_model(name)
    found = fitted(data, model, get_recipe(model).image_shape)
    (batch, _) = found.batches(len(images), 0).next_batch()
    shown = found.test_images[:]
    assert sorted(batch.sum((1, 2, 3)).tolist()) == sorted(shown.sum((1, 2, 3)).tolist())
    np.testing.assert_array_equal(found.test_images[1], shown[1])
    return shown


def test_grey_images_get_a_border_and_three_channels() -> None:
    ink = np.zeros((2, 28, 28), np.float32)
    ink[1, 3, 27] = 1.0
    found = fit("resnet20", ink.reshape(2, 784))
    assert found.shape == (2, 32, 32, 3)
    assert found.dtype == np.float32
    expected = -np.ones((2, 32, 32, 3))  # black is −1
    expected[1, 5, 29] = 1.0
    np.testing.assert_array_equal(found, expected)


def test_colour_images_become_grey() -> None:
    """0.299 of red, as in Pillow's mode L; the paper's LeNet-5 takes −0.1 for black and 1.175 for white."""
    colours = np.zeros((2, 32, 32, 3), np.float32)
    colours[0, :, :, 0] = 1.0
    colours[1] = 1.0
    found = fit("lenet5", colours)
    assert found.shape == (2, 32, 32, 1)
    np.testing.assert_allclose(found[0], (255 * 0.299 - 20) / 200, rtol=1e-5)
    np.testing.assert_allclose(found[1], 1.175, rtol=1e-5)


@pytest.mark.parametrize("name", ["vgg-small", "resnet20", "mobilenet"])
def test_images_of_the_right_size_are_scaled_as_the_network_predicts(name: str, sets: dict[str, Path]) -> None:
    data, model = load("cifar10", sets["cifar10"]), get_model(name)
    found = fitted(data, model, get_recipe(model).image_shape).test_images[:3]
    np.testing.assert_allclose(found, model.preprocessing.apply(255 * data.test_images[:3]), rtol=1e-6)
    assert found.min() < 0


def test_images_that_fit_are_left_alone_and_large_ones_refused(sets: dict[str, Path]) -> None:
    digits = load()
    model = get_model("mnist-cnn")
    assert fitted(digits, model, (784,)) is digits
    with pytest.raises(InvalidArgumentError, match="mnist-cnn takes images of 28x28, and the data has 32x32"):
        fitted(load("cifar10", sets["cifar10"]), model, (784,))


@pytest.mark.parametrize(
    ("model", "data"),
    [
        ("lenet5-modern", "cifar10"),
        *(
            pytest.param(model, data, marks=pytest.mark.slow)
            for model in ("lenet5", "vgg-small", "resnet20", "mobilenet")
            for data in ("mnist", "fashion-mnist", "cifar10")
        ),
    ],
)
def test_recipes_run_and_evaluation_agrees(model: str, data: str, sets: dict[str, Path], tmp_path: Path) -> None:
    result = run("train", model, "--data", sets[data], "--epochs", 1, "--batch-size", 20, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "epoch 1: validation loss" in result.output
    for checkpoint in ("best.safetensors", "."):
        again = run("eval", model, "--checkpoint", tmp_path / checkpoint, "--data", sets[data])
        assert again.exit_code == 0, again.output
        assert again.stdout.strip() in result.output
    history = json.loads((tmp_path / "history.json").read_text())
    if model in ("resnet20", "mobilenet"):
        names = load_weights(tmp_path / "best.safetensors")
        assert any(name.endswith("moving_mean") for name in names)
        assert not any("Adam" in name for name in names)
    assert len(history["test_loss"]) == 1


def test_the_default_data_is_asked_for_by_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    monkeypatch.delenv("MINIGRAPH_DATA", raising=False)
    result = run("train", "resnet20", "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "`minigraph data cifar10` downloads them" in result.output
    assert not (tmp_path / "run").exists()


class _Run(TrainingRun):
    """Only the history, and what follows from it."""

    def __init__(self, losses: list[float]) -> None:
        self.history = History(test_loss=losses)


@pytest.mark.parametrize(
    ("losses", "best", "stuck"),
    [([], 0, False), ([3.0], 1, False), ([3, 2, 2.5], 2, False), ([3, 2, 2.5, 2.0], 2, True), ([1, 2, 3], 1, True)],
)
def test_patience(losses: list[float], best: int, stuck: bool) -> None:
    """Two epochs in a row without a smaller loss than the least before them."""
    found = _Run(losses)
    assert found.best_epoch == best
    assert found.is_stuck(2) is stuck
    assert not found.is_stuck(None)


def test_early_stopping_and_event_files(sets: dict[str, Path], tmp_path: Path) -> None:
    """With an enormous rate the loss soon grows; a repeated command sees that the run has stopped."""
    command = ["train", "lenet5-modern", "--data", sets["mnist"], "--batch-size", 4, "--learning-rate", 0.3]
    command += ["--epochs", 9, "--patience", 2, "--out", tmp_path]
    result = run(*command)
    assert result.exit_code == 0, result.output
    losses = json.loads((tmp_path / "history.json").read_text())["test_loss"]
    best = int(np.argmin(losses)) + 1
    assert len(losses) == best + 2 < 9
    assert f"stopped early after epoch {best + 2}: the validation loss was least after epoch {best}" in result.output
    assert f"best           epoch {best}: validation loss {losses[best - 1]:.4g}" in result.output
    assert "has stopped early already" in run(*command).output

    accumulator = needed("tensorboard.backend.event_processing.event_accumulator")
    scalars: dict[str, Any] = {}
    for part in ("train", "validation"):
        events = accumulator.EventAccumulator(str(tmp_path / "events" / part)).Reload()
        scalars[part] = events.Scalars("loss")
    assert [e.value for e in scalars["validation"]] == pytest.approx(losses, rel=1e-6)
    assert [e.step for e in scalars["validation"]] == [10 * (i + 1) for i in range(len(losses))]
    assert [e.step for e in scalars["train"]] == [10 * (i + 1) for i in range(len(losses))]


def test_a_run_that_replaces_another_leaves_nothing_of_it(
    sets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["train", "lenet5-modern", "--data", sets["mnist"], "--batch-size", 4, "--out", tmp_path]
    assert run(*command, "--epochs", 2).exit_code == 0
    first = json.loads((tmp_path / "history.json").read_text())
    best = tmp_path / "best.safetensors"
    seen = []
    train = TrainingRun.train

    def watched(self: TrainingRun, *arguments: Any) -> Any:
        seen.append(best.exists())
        return train(self, *arguments)

    monkeypatch.setattr(TrainingRun, "train", watched)
    assert run(*command, "--epochs", 1, "--seed", 5, "--no-resume").exit_code == 0
    assert run(*command, "--epochs", 1, "--seed", 5).exit_code == 0  # resumed: the best variables stay
    assert seen == [False, True]
    assert best.exists()
    second = json.loads((tmp_path / "history.json").read_text())
    assert second["test_loss"] != first["test_loss"][:1]

    accumulator = needed("tensorboard.backend.event_processing.event_accumulator")
    for part in ("train", "validation"):
        events = accumulator.EventAccumulator(str(tmp_path / "events" / part)).Reload()
        assert [e.step for e in events.Scalars("loss")] == [10]
    assert [e.value for e in events.Scalars("loss")] == pytest.approx(second["test_loss"], rel=1e-6)


def test_networks_without_dropout_say_so(sets: dict[str, Path], tmp_path: Path) -> None:
    result = run("train", "lenet5", "--data", sets["mnist"], "--keep-prob", 0.5, "--out", tmp_path)
    assert result.exit_code == 2
    assert "lenet5 has no dropout" in result.output


def test_the_luma_is_pillows_grey() -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype("u1")
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)
    found = luma(pixels.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, grey[..., None], rtol=0, atol=0.51)


def test_a_data_set_is_training_data() -> None:
    data: TrainingData = Fitted(load(), get_model("resnet20"))
    assert data.identity() == load().identity()
