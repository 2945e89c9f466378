"""Training on folders of photographs: the output, the verdict against guessing, and resumed runs.

Tests `tools/train_command.py`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.needed import needed

from minigraph.data import Distortions, read_image_folder
from minigraph.models.registry import get_model
from minigraph.tools.cli import main
from minigraph.tools.shared.baseline import Baseline, cross_entropy
from minigraph.tools.shared.data import load_photographs

special = needed("scipy.special")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def write_photos(root: Path, told_apart: bool, per_class: int = 6) -> Path:
    """Two classes, dark and bright; or black images only, from which nothing can be learned."""
    random = np.random.RandomState(0)
    for name, level in (("bright", 160), ("dark", 60)):
        (root / name).mkdir(parents=True)
        for i in range(per_class):
            pixels = random.randint(0, 80, (64, 64, 3)) + level if told_apart else np.zeros((64, 64, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{i}.png")
    return root


def train(photos: Path, out: Path, *more: object) -> Result:
    options = ("--batch-size", 5, "--validation-percentage", 34, "--out", out)
    return run("train", "folder-cnn", "--image-dir", photos, *options, *more)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"), told_apart=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("run")
    return out, train(photos, out, "--epochs", 2)


def history(out: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((out / "history.json").read_text())
    return content


def test_what_is_printed_and_written(trained: tuple[Path, Result]) -> None:
    out, result = trained
    assert result.exit_code == 0, result.output
    assert "12 images of 2 classes: 6 bright, 6 dark" in result.output
    # Two of each class are held out: the priors are equal, their entropy is ln 2.
    assert f"the class priors alone give a loss of {math.log(2):.4g}" in result.output
    assert "baseline       0.5000  (always 'bright')" in result.output
    found = history(out)
    assert found["steps_per_epoch"] == 2  # of 5 and 3 images: none is left out
    assert len(found["loss"]) == 4  # type: ignore[arg-type]
    assert len(found["test_loss"]) == len(found["test_accuracy"]) == 2  # type: ignore[arg-type]
    with Image.open(out / "predictions.png") as picture:
        assert picture.mode == "RGB"


def test_going_on_gives_the_same_losses(tmp_path: Path, photos: Path, trained: tuple[Path, Result]) -> None:
    """Distortions, order and dropout are those of a run that was not interrupted."""
    result = train(photos, tmp_path, "--epochs", 2, "--max-steps", 3)
    assert result.exit_code == 0, result.output
    result = train(photos, tmp_path, "--epochs", 2)
    assert "going on from" in result.output
    assert history(tmp_path) == history(trained[0])


def test_evaluation(trained: tuple[Path, Result], photos: Path, tmp_path: Path) -> None:
    out, result = trained
    options = ("--checkpoint", out, "--image-dir")
    held_out = run("eval", "folder-cnn", *options, photos, "--held-out")
    assert held_out.output.splitlines()[-1] in result.output
    assert "of 4)" in held_out.output
    assert "of 12)" in run("eval", "folder-cnn", *options, photos).output
    for name in ("bright", "grey"):
        Image.new("RGB", (9, 9)).save(_made(tmp_path / name / "1.png"))
        Image.new("RGB", (9, 9)).save(tmp_path / name / "2.png")
    other = run("eval", "folder-cnn", *options, tmp_path)
    assert other.exit_code == 1
    assert "are bright, dark; those of" in other.output
    assert "are bright, grey" in other.output


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path


def test_a_network_that_sees_black_learns_nothing(tmp_path: Path) -> None:
    """What the textbook's program does: its images are black once they are whole numbers again."""
    result = train(write_photos(tmp_path / "photos", told_apart=False), tmp_path / "run", "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert "The network has learned nothing: a loss of" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["folder-cnn"], "learns from a folder of images, with a folder for each class: --image-dir"),
        (["mnist-cnn", "--image-dir", "{photos}"], "mnist-cnn takes grey images"),
        (["mnist-cnn", "--random-crop", "5"], "--random-crop needs --image-dir"),
        (["folder-cnn", "--image-dir", "{photos}", "--data", "sample"], "expected --data or --image-dir, not both"),
        (["folder-cnn", "--image-dir", "{photos}", "--stddev", "1"], "folder-cnn has fixed initial values"),
        (["folder-cnn", "--image-dir", "{photos}", "--random-crop", "-1"], "at least 0, got -1"),
    ],
)
def test_mistakes(photos: Path, arguments: list[str], message: str) -> None:
    result = run("train", *(part.format(photos=photos) for part in arguments))
    assert result.exit_code == 2
    assert message in result.output


def test_a_missing_folder_is_named(photos: Path) -> None:
    result = run("train", "folder-cnn", "--image-dir", str(photos / "nowhere"))
    assert result.exit_code == 1
    assert f"{photos / 'nowhere'}: no such folder" in result.output


def test_another_folder_or_distortion_is_another_run(trained: tuple[Path, Result], photos: Path) -> None:
    out, _ = trained
    assert "random-crop 20.0 instead of 30.0" in train(photos, out, "--random-crop", 30).output
    assert "seed 0 instead of 1" in train(photos, out, "--seed", 1).output


def test_images_are_from_0_to_1(photos: Path) -> None:
    """✗ The textbook casts them back to whole numbers after the division."""
    data = load_photographs(read_image_folder(photos), get_model("folder-cnn"), Distortions(), 34, 0)
    images, labels = data.batches(8, 0).next_batch()
    assert images.dtype == np.float32
    assert 0.2 < images.min() < 0.4 < 0.8 < images.max() < 1
    bright = images[labels[:, 0] == 1].mean(axis=(1, 2, 3))
    assert (bright > 0.7).all()
    assert len(data.test_images) == 4
    whole = data.test_images[0:4]
    assert (data.test_images[2] == whole[2]).all()


logits = st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=5)


@given(logits)
def test_cross_entropy(rows: list[list[float]]) -> None:
    x = np.array(rows, np.float32)
    labels = np.eye(3, dtype=np.float32)[np.arange(len(x)) % 3]
    expected = -(labels * special.log_softmax(x.astype(np.float64), axis=1)).sum(1)
    np.testing.assert_allclose(cross_entropy(x, labels), expected, rtol=1e-9, atol=1e-9)


def one_hot(*counts: int) -> np.ndarray:
    return np.repeat(np.eye(len(counts), dtype=np.float32), counts, axis=0)


def test_the_textbooks_figures_are_those_of_the_priors() -> None:
    """✗ Entropy 1.002 and majority 52.9%; the printed cost hovers at 0.99 with an accuracy of 0.54."""
    counts = (169, 529, 302)
    baseline = Baseline.of(one_hot(*counts), one_hot(*counts), ("Type_1", "Type_2", "Type_3"))
    assert baseline.loss == pytest.approx(sum(-n / 1000 * math.log(n / 1000) for n in counts))
    assert baseline.loss == pytest.approx(1.0, abs=0.01)
    assert (baseline.accuracy, baseline.name) == (pytest.approx(0.529), "Type_2")
    assert "has learned nothing:" in str(baseline.verdict(accuracy=0.54, loss=0.99, training_loss=0.99))


def test_verdicts() -> None:
    baseline = Baseline.of(one_hot(50, 50), one_hot(50, 50), ("a", "b"))
    assert baseline.verdict(0.5, 0.6, 0.6) is None  # the loss tells more than the accuracy
    assert baseline.verdict(0.9, 5.0, 0.0) is None  # too sure of itself, yet right
    assert "holds for other images" in str(baseline.verdict(0.55, 5.0, 0.0))
    assert "what it is fed" in str(baseline.verdict(0.55, 0.69, 0.69))


def test_a_class_that_training_lacks() -> None:
    assert Baseline.of(one_hot(2, 0), one_hot(1, 1), ("a", "b")).loss == math.inf
