"""The files of MNIST, and of sets with the same files: where they are looked for, their checksums, their content."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.core.typing import PathLike
from minigraph.data.dataset import Dataset, one_hot
from minigraph.data.idx import open_content, read_idx
from minigraph.util.files import cache_dir

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
# Bytes and SHA-256 of each file's content once decompressed, so that any gzip of it will do.
CONTENTS: dict[str, tuple[int, str]] = {
    TRAIN_IMAGES: (
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    TRAIN_LABELS: (
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    TEST_IMAGES: (
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    TEST_LABELS: (
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
FILES = tuple(CONTENTS)

SAMPLE = Path(__file__).parent / "digits"
DIGITS = tuple(str(digit) for digit in range(10))


def search_path(folder: PathLike | None = None, name: str = "mnist") -> list[Path]:
    """The folders that may hold the full set `name`, in the order of trying.

    Other sets have files of MNIST's names, so the subfolder of the set's name precedes the folder that a user gives,
    and a folder without the set's name is MNIST's unless the user gives it.
    """
    if folder is not None:
        return [Path(folder) / name, Path(folder)]
    found = []
    if data := os.environ.get("MINIGRAPH_DATA"):
        found += [Path(data)] if name == "mnist" else []
        found.append(Path(data) / name)
    return [*found, cache_dir() / name]


def find_file(folder: Path, name: str) -> Path | None:
    """The IDX file `name` in `folder`, gzipped or else plain; None if it does not exist."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    return None


def verify(path: Path, name: str) -> None:
    """Raise DataLossError unless `path` is the MNIST file `name`, gzipped or plain."""
    import hashlib

    size, checksum = CONTENTS[name]
    digest, count = hashlib.sha256(), 0
    with open_content(path) as stream:
        while count <= size and (chunk := stream.read(1 << 18)):
            digest.update(chunk)
            count += len(chunk)
    if count != size:
        got = f"more than {size}" if count > size else f"{count}"
        raise DataLossError(f"{path}: expected {size} bytes of {name}, got {got}")
    if digest.hexdigest() != checksum:
        raise DataLossError(f"{path}: expected {name} with SHA-256 {checksum}, got {digest.hexdigest()}")


def lacking(folder: Path) -> list[str]:
    """The files of the four that are not in a folder."""
    return [name for name in FILES if not find_file(folder, name)]


def read_folder(folder: Path, classes: tuple[str, ...] = DIGITS) -> Dataset:
    """The data set in a folder. Raises NotFoundError, DataLossError."""
    train_images, train_labels = _read_pair(folder, TRAIN_IMAGES, TRAIN_LABELS)
    test_images, test_labels = _read_pair(folder, TEST_IMAGES, TEST_LABELS)
    return Dataset(train_images, train_labels, test_images, test_labels, classes)


def _read_pair(folder: Path, image_name: str, label_name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    image_file, images = _read(folder, image_name)
    label_file, labels = _read(folder, label_name)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DataLossError(f"{image_file}: expected uint8 images [N, 28, 28], got {images.dtype} {list(images.shape)}")
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise DataLossError(
            f"{label_file}: expected {len(images)} uint8 labels, one for each image,"
            f" got {labels.dtype} {list(labels.shape)}"
        )
    if labels.size and labels.max() > 9:
        raise DataLossError(f"{label_file}: expected labels from 0 to 9, got {labels.max()}")

    # With `dtype` and `out`, NumPy converts piece by piece in a small buffer.
    pixels = np.empty((len(images), 784), np.float32)
    np.divide(images.reshape(-1, 784), 255, out=pixels, dtype=np.float32)
    return pixels, one_hot(labels, 10)


def _read(folder: Path, name: str) -> tuple[Path, NDArray[Any]]:
    path = find_file(folder, name)
    if path is None:
        raise NotFoundError(f"{folder / name}: no such file, nor {name}.gz")
    return path, read_idx(path)
