"""The chapter's listings: the programs in examples/chapter3 run on small data, each in this process."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.paths import ROOT

import minigraph as tf

EXAMPLES = ROOT / "examples" / "chapter3"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))


def run(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    with tf.Graph().as_default():
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"[\d.]+\d", text)]


def test_each_listing_is_here_and_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("l3_*.py")}
    assert {name[:4] for name in names} == {f"l3_{n}" for n in range(1, 10)}
    tests = Path(__file__).read_text("utf-8") + Path(__file__).with_name("test_listing_7.py").read_text("utf-8")
    assert all(f'"{name}"' in tests for name in names)


def test_the_printed_result_of_listing_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run("l3_1_convolution", monkeypatch, capsys).splitlines()
    printed = [[int(n) for n in re.findall(r"-?\d+", row)] for row in rows]
    assert printed[0] == [-2, -8, -7, -6, -5, -4, 28]
    assert printed[1] == [5, -3, -4, -5, -6, -7, 28]
    assert printed[6] == [-29, 13, 13, 13, 13, 13, 27]


def test_filters_of_a_photograph(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.RandomState(0)
    Image.fromarray(random.randint(0, 256, (40, 50, 3)).astype(np.uint8)).save("photo.png")
    before, after = numbers(run("l3_2_mean_filter", monkeypatch, capsys, "photo.png"))
    assert before == pytest.approx(100, rel=0.03)
    assert after == pytest.approx(before / 9, rel=0.05)
    assert "wrote sobel.png" in run("l3_5_sobel_filter", monkeypatch, capsys, "photo.png")
    with Image.open("sobel.png") as image:
        assert image.size == (4 * 50, 40)


def test_filters_without_a_photograph(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    noisy, _, median = numbers(run("l3_3_median_filter", monkeypatch, capsys))
    assert median < noisy / 1.5
    assert numbers(run("l3_4_gaussian_filter", monkeypatch, capsys))[0] < 1e-3


def test_the_network_for_digits_learns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--width", "0.125", "--epochs", "2", "--batch-size", "64", "--sigma", "0.1")
    output = run("l3_6_mnist_cnn", monkeypatch, capsys, *options)
    assert float(output.rpartition("accuracy ")[2]) > 0.85


def test_the_retrain_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["l3_8_retrain"])
    with pytest.raises(SystemExit, match="IMAGE_DIR WEIGHTS"):
        runpy.run_path(str(EXAMPLES / "l3_8_retrain.py"), run_name="__main__")
    with pytest.raises(SystemExit) as end:
        run("l3_8_retrain", monkeypatch, capsys, ".", "no-weights", "squeezenet", "--help")
    assert end.value.code == 0
    assert "pretrained network, on folders of images" in capsys.readouterr().out


def test_a_sigmoid_unit_on_features_of_vgg16(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--width", "0.125", "--size", "32", "--steps", "40", "--batch-size", "16")
    output = run("l3_9_vgg_transfer", monkeypatch, capsys, *options)
    assert float(output.rpartition("accuracy ")[2]) > 0.9
