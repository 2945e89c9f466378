"""The digits that ship, and where the full set is looked for."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from support.paths import TESTS

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.data import mnist
from minigraph.data.dataset import Dataset
from minigraph.data.idx import read_idx, write_idx
from minigraph.data.named import load

SAMPLE = Path(mnist.__file__).parent / "digits"


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.delenv("MINIGRAPH_DATA", raising=False)
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def full_set() -> Path:
    data = os.environ.get("MINIGRAPH_DATA")
    if not data or not (Path(data) / "mnist").is_dir():
        pytest.skip("MINIGRAPH_DATA does not name a folder that contains mnist/")
    return Path(data) / "mnist"


def make(folder: Path, count: int = 3, zipped: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    end = ".gz" if zipped else ""
    for images, labels in ((mnist.TRAIN_IMAGES, mnist.TRAIN_LABELS), (mnist.TEST_IMAGES, mnist.TEST_LABELS)):
        write_idx(folder / (images + end), np.full((count, 28, 28), 255, np.uint8))
        write_idx(folder / (labels + end), np.arange(count, dtype=np.uint8))
    return folder


def check(data: Dataset, train: int, test: int) -> None:
    for images, labels, count in (
        (data.train_images, data.train_labels, train),
        (data.test_images, data.test_labels, test),
    ):
        assert images.shape == (count, 784)
        assert images.dtype == np.float32
        assert images.flags.c_contiguous
        assert labels.shape == (count, 10)
        assert labels.dtype == np.float32
        assert images.min() == 0
        assert images.max() == 1
        assert ((labels == 0) | (labels == 1)).all()
        assert (labels.sum(1) == 1).all()


def test_sample() -> None:
    data = load()
    check(data, 5000, 1000)
    assert (data.train_labels.sum(0) == 500).all()
    assert (data.test_labels.sum(0) == 100).all()
    assert data.classes == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    assert data.train_labels[:5].argmax(1).tolist() == [5, 0, 4, 1, 9]  # MNIST begins so
    assert data.test_labels[:5].argmax(1).tolist() == [7, 2, 1, 0, 4]
    raw = read_idx(SAMPLE / f"{mnist.TRAIN_IMAGES}.gz").reshape(-1, 784)
    np.testing.assert_array_equal(data.train_images, raw.astype(np.float32) / np.float32(255), strict=True)
    assert repr(data) == "Dataset(5000 training and 1000 test images of 784 pixels, 10 classes)"
    with pytest.raises(AttributeError):
        data.classes = ()  # type: ignore[misc]


def test_sample_can_be_learned() -> None:
    """Ridge regression on the pixels reads the test digits, so images and labels belong together."""
    data = load("sample")
    x = data.train_images.astype(np.float64)
    weights = np.linalg.solve(x.T @ x + 100 * np.eye(784), x.T @ data.train_labels)
    right = (data.test_images @ weights).argmax(1) == data.test_labels.argmax(1)
    assert right.mean() > 0.8


def test_attribution_ships() -> None:
    text = (SAMPLE / "ATTRIBUTION.md").read_text()
    assert "Yann LeCun and Corinna Cortes" in text
    assert "CC BY-SA 3.0" in text
    assert "5,000" in text


def test_sample_is_a_selection_of_the_full_set(full_set: Path, tmp_path: Path) -> None:
    script = TESTS / "fixtures" / "make_sample.py"
    subprocess.run([sys.executable, script, full_set, tmp_path], check=True)
    for name in mnist.FILES:
        again, shipped = tmp_path / f"{name}.gz", SAMPLE / f"{name}.gz"
        assert gzip.decompress(again.read_bytes()) == gzip.decompress(shipped.read_bytes())


def test_full_set(full_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in mnist.FILES:
        path = mnist.find_file(full_set, name)
        assert path is not None
        mnist.verify(path, name)
    monkeypatch.setenv("MINIGRAPH_DATA", str(full_set.parent))
    data = load("mnist")
    check(data, 60_000, 10_000)
    assert data.train_labels.sum(0).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert abs(data.train_images.mean() - 0.1307) < 1e-4


def test_order_of_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError, match="minigraph data mnist"):
        load("mnist")
    make(Path(os.environ["MINIGRAPH_CACHE"]) / "mnist", 1)
    assert len(load("mnist").train_images) == 1
    monkeypatch.setenv("MINIGRAPH_DATA", str(tmp_path / "data"))
    assert len(load("mnist").train_images) == 1
    make(tmp_path / "data" / "mnist", 2, zipped=False)
    assert len(load("mnist").train_images) == 2
    make(tmp_path / "data", 3)
    assert len(load("mnist").train_images) == 3
    make(tmp_path / "own" / "mnist", 4)
    assert len(load("mnist", tmp_path / "own").train_images) == 4
    assert len(load("mnist", str(tmp_path / "own" / "mnist")).train_images) == 4


def test_named_folder_is_the_only_one(tmp_path: Path) -> None:
    make(Path(os.environ["MINIGRAPH_CACHE"]) / "mnist")
    (make(tmp_path) / f"{mnist.TEST_LABELS}.gz").unlink()
    with pytest.raises(NotFoundError) as caught:
        load("mnist", tmp_path)
    assert f"{tmp_path}: no {mnist.TEST_LABELS}\n" in str(caught.value)
    assert f"{tmp_path / 'mnist'}: no such folder" in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='source "sample", "mnist" or "fashion-mnist" or "cifar10", got \'cifar\''):
        load("cifar")
    with pytest.raises(ValueError, match="a folder needs"):
        load("sample", tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (mnist.TRAIN_IMAGES, np.zeros((3, 28, 27), np.uint8), r"expected uint8 images .* got uint8 \[3, 28, 27\]"),
        (mnist.TRAIN_IMAGES, np.zeros((3, 28, 28), np.int16), "got int16"),
        (mnist.TRAIN_IMAGES, np.zeros(3, np.uint8), r"got uint8 \[3\]"),
        (mnist.TEST_LABELS, np.zeros(4, np.uint8), r"expected 3 uint8 labels, .* got uint8 \[4\]"),
        (mnist.TEST_LABELS, np.full(3, 10, np.uint8), "labels from 0 to 9, got 10"),
    ],
)
def test_files_that_are_not_mnist(tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    write_idx(make(tmp_path) / f"{name}.gz", array)
    with pytest.raises(DataLossError, match=message) as caught:
        load("mnist", tmp_path)
    assert str(tmp_path / f"{name}.gz") in str(caught.value)


def test_conversion_takes_little_more_than_its_result(tmp_path: Path) -> None:
    make(tmp_path, 2, zipped=False)
    write_idx(tmp_path / mnist.TRAIN_IMAGES, np.zeros((4000, 28, 28), np.uint8))
    write_idx(tmp_path / mnist.TRAIN_LABELS, np.zeros(4000, np.uint8))
    tracemalloc.start()
    try:
        data = load("mnist", tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < data.train_images.nbytes * 1.25 + data.train_labels.nbytes + (1 << 20)


def test_import_is_light() -> None:
    code = "import sys, minigraph.data; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"rich", "ssl", "urllib.request", "http.client", "gzip"} & set(loaded)
