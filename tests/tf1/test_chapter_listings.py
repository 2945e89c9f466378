"""Programs in the manner of the chapter's listings, for Python 2 and with magics, under `minigraph run --from-python2`.

They are in programs/chapter3, on small data, with the chapter's errata put right. They test `tools/python2.py` and
`tools/notebook.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.needed import needed
from support.paths import TESTS
from support.program import run as run_source

needed("fissix")
LISTINGS = TESTS / "programs" / "chapter3"
DIGITS = TESTS.parent / "minigraph" / "data" / "digits"


def run(name: str, folder: Path, **replaced: str) -> str:
    source = (LISTINGS / f"{name}.py").read_text("utf-8")
    for word, value in replaced.items():
        source = source.replace(word, value)
    done = run_source(folder, source, before=("--from-python2",))
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_convolution_of_a_small_image(tmp_path: Path) -> None:
    needed("scipy.signal")
    output = run("l3_1", tmp_path)
    assert output.startswith("border of 1\n")
    rows = [[int(n) for n in re.findall(r"-?\d+", line)] for line in output.splitlines()[1:]]
    assert rows[0] == [-2, -8, -7, -6, -5, -4, 28]
    assert rows[6] == [-29, 13, 13, 13, 13, 13, 27]


def test_the_filters(tmp_path: Path) -> None:
    needed("scipy.signal")
    y, x = np.mgrid[:30, :40]
    pixels = np.stack([120 + 90 * np.sin(x / 6), 120 + 90 * np.cos(y / 7), 100 + 2 * x], 2)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photo.png")
    output = run("l3_filters", tmp_path)
    assert "mean filter True" in output
    assert "median filter True" in output
    assert "sum of the Gaussian 1.0" in output
    assert (tmp_path / "sobel.png").is_file()


def digits(output: str) -> float:
    assert "Optimization Completed 70" in output  # 4,500 images / 64, as Python 2 divides
    return float(re.findall(r"Testing Accuracy: ([\d.]+)", output)[0])


def test_the_network_for_digits(tmp_path: Path) -> None:
    assert digits(run("l3_6", tmp_path, WIDTH="8", **{"MNIST_data/": str(DIGITS)})) > 0.5


@pytest.mark.slow
def test_the_network_for_digits_as_wide_as_printed(tmp_path: Path) -> None:
    assert digits(run("l3_6", tmp_path, WIDTH="64", **{"MNIST_data/": str(DIGITS)})) > 0.8


def test_folders_of_photographs(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    rows, columns = np.mgrid[:24, :24]
    for index, name in enumerate(("Type_1", "Type_2", "Type_3")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(24):
            wave = (rows, columns, rows + columns)[index] // random.randint(4, 7) % 2
            pixels = wave[..., None] * random.uniform(120, 200, 3) + random.uniform(0, 50, (24, 24, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / name / f"{i}.jpg")
    output = run("l3_7", tmp_path)
    found = [float(cost) for cost in re.findall(r"cost= ([\d.]+)", output)]
    assert len(found) == 12
    assert found[-1] < 0.7 < 1.05 < found[0] + 0.1


@pytest.mark.slow
def test_a_sigmoid_unit_on_random_features_of_vgg16(tmp_path: Path) -> None:
    output = run("l3_9", tmp_path)
    assert len(re.findall(r"step \d cost [\d.]+", output)) == 3
    assert "frozen True" in output
    assert "label" in output
