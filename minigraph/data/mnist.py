"""The MNIST digits: a sample in the package, and the full set from a folder or the cache."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.core.typing import PathLike
from minigraph.data.batches import Batches
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

_SAMPLE = Path(__file__).parent / "digits"


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Dataset:
    """Images and their classes, ready to be fed.

    Args:
        train_images: float32 [N, pixels], 0 for the background to 1.
        train_labels: float32 [N, classes], one-hot.
        test_images: float32 [M, pixels].
        test_labels: float32 [M, classes], one-hot.
        classes: Names of the classes, in the labels' order.

    Example:
        >>> from minigraph import data
        >>> data.load()
        Dataset(5000 training and 1000 test images of 784 pixels, 10 classes)
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.float32]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.float32]
    classes: tuple[str, ...]

    def __repr__(self) -> str:
        pixels = self.train_images.shape[1]
        return (
            f"Dataset({len(self.train_images)} training and {len(self.test_images)} test images"
            f" of {pixels} pixels, {len(self.classes)} classes)"
        )

    def batches(self, batch_size: int, seed: int) -> Batches:
        """Make a stream of mini-batches of training images and labels.

        Args:
            batch_size: Number of examples in a batch.
            seed: Seed of the order.

        Returns:
            The stream.

        Raises:
            ValueError: A size or the seed is out of range.
        """
        return Batches(self.train_images, self.train_labels, batch_size=batch_size, seed=seed)

    def identity(self) -> dict[str, Any]:
        """Give a text that tells training sets apart.

        Returns:
            A dict of one text, with the shape and the CRC-32 of images and labels.
        """
        checksum = zlib.crc32(self.train_labels.data, zlib.crc32(self.train_images.data))
        count, pixels = self.train_images.shape
        return {"data": f"{count} x {pixels}, CRC-32 {checksum:08x}"}


def load(source: str = "sample", folder: PathLike | None = None) -> Dataset:
    """Load the MNIST digits: 28x28 grey images, flattened to 784 pixels in [0, 1], with one-hot labels.

    Args:
        source: "sample" for 5,000 training and 1,000 test digits that ship with the package, the same number of each
            class; "mnist" for the full set of 60,000 and 10,000, which `fetch_mnist` downloads.
        folder: Folder that holds the four IDX files of the full set, gzipped or plain, itself or in its subfolder
            `mnist`. By default the folder in the environment variable MINIGRAPH_DATA, or else the cache.

    Returns:
        The images and labels.

    Raises:
        NotFoundError: The files do not exist.
        DataLossError: The files are damaged.
        ValueError: `source` is unknown, or a folder is given with "sample".

    Example:
        >>> from minigraph import data
        >>> digits = data.load()
        >>> digits.train_images.shape, digits.train_labels.shape
        ((5000, 784), (5000, 10))

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998.
    """
    if source == "sample":
        if folder is not None:
            raise ValueError('mnist.load: a folder needs source="mnist", got source="sample"')
        return _load(_SAMPLE)
    if source != "mnist":
        raise ValueError(f'mnist.load: expected source "sample" or "mnist", got {source!r}')
    folders = search_path(folder)
    for place in folders:
        if all(find_file(place, name) for name in FILES):
            return _load(place)
    raise NotFoundError(
        "cannot find the MNIST files. Looked in:\n"
        + "".join(f"  {place}: {_lacking(place)}\n" for place in folders)
        + "`minigraph data mnist` downloads them; `minigraph data mnist --from FOLDER` takes them"
        " from a folder. Or set MINIGRAPH_DATA to a folder that holds them."
    )


def search_path(folder: PathLike | None = None) -> list[Path]:
    """The folders that may hold the full MNIST set, in the order of trying."""
    if folder is not None:
        return [Path(folder), Path(folder) / "mnist"]
    found = []
    if data := os.environ.get("MINIGRAPH_DATA"):
        found += [Path(data), Path(data) / "mnist"]
    return [*found, cache_dir() / "mnist"]


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


def _lacking(folder: Path) -> str:
    if not folder.is_dir():
        return "no such folder"
    return "no " + ", ".join(name for name in FILES if not find_file(folder, name))


def _load(folder: Path) -> Dataset:
    train_images, train_labels = _read_pair(folder, TRAIN_IMAGES, TRAIN_LABELS)
    test_images, test_labels = _read_pair(folder, TEST_IMAGES, TEST_LABELS)
    classes = tuple(str(digit) for digit in range(10))
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
    one_hot = np.zeros((len(labels), 10), np.float32)
    one_hot[np.arange(len(labels)), labels] = 1
    return pixels, one_hot


def _read(folder: Path, name: str) -> tuple[Path, NDArray[Any]]:
    path = find_file(folder, name)
    if path is None:
        raise NotFoundError(f"{folder / name}: no such file, nor {name}.gz")
    return path, read_idx(path)
