"""CIFAR-10 in its binary form: 60,000 colour photographs of 32x32 pixels in ten classes, in six files.

A record is one byte for the class, then 1,024 bytes each for red, green and blue, row by row.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.data.dataset import Dataset, one_hot
from minigraph.util.read_budget import Budget, Damaged

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"  # in the archive
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD = 1 + 3 * 32 * 32  # bytes


def find(folder: Path) -> Path | None:
    """The folder with the six files, or the archive, in a folder or one of its subfolders; None if there is neither."""
    for place in (folder, folder / FOLDER):
        if all((place / name).is_file() for name in (*TRAIN_FILES, TEST_FILE)):
            return place
    archive = folder / ARCHIVE
    return archive if archive.is_file() else None


def read(place: Path) -> Dataset:
    """The data set in a folder, or in the archive. Raises NotFoundError, DataLossError."""
    with _opened(place) as files:
        parts = [_read(*file) for file in files]
    train, test = parts[:-1], parts[-1]
    images, labels = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
    return Dataset(images, labels, *test, CLASSES)


@contextmanager
def _opened(place: Path) -> Iterator[Iterator[tuple[str, BinaryIO, int]]]:
    """The names, contents and sizes of the five training files and the test file, one after another."""
    names = (*TRAIN_FILES, TEST_FILE)
    if place.is_dir():

        def files() -> Iterator[tuple[str, BinaryIO, int]]:
            for path in (place / name for name in names):
                with open(path, "rb") as file:
                    yield str(path), file, path.stat().st_size

        yield files()
        return
    try:
        with tarfile.open(place) as archive:
            yield _members(place, archive, names)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise DataLossError(f"{place}: expected a whole archive, got a broken one ({error})") from error


def _members(place: Path, archive: tarfile.TarFile, names: tuple[str, ...]) -> Iterator[tuple[str, BinaryIO, int]]:
    budget = Budget(place.stat().st_size)
    for name in names:
        try:
            member = archive.getmember(f"{FOLDER}/{name}")
        except KeyError:
            raise NotFoundError(f"{place}: expected {FOLDER}/{name} in it") from None
        file = archive.extractfile(member)
        if file is None:
            raise DataLossError(f"{place}: expected {member.name} to be a file")
        try:
            budget.take(member.name, [member.size], 1)
        except Damaged as error:
            raise DataLossError(f"{place}: {error}") from None
        yield f"{place}/{name}", file, member.size  # type: ignore[misc]  # a buffered reader


def _read(name: str, file: BinaryIO, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Images [N, 32, 32, 3] from 0 to 1, and one-hot labels."""
    if size % _RECORD:
        raise DataLossError(f"{name}: expected records of {_RECORD} bytes, got {size} bytes")
    content = file.read(size)
    if len(content) != size:
        raise DataLossError(f"{name}: expected {size} bytes, got {len(content)}")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0]
    if labels.size and labels.max() >= len(CLASSES):
        raise DataLossError(f"{name}: expected labels from 0 to {len(CLASSES) - 1}, got {labels.max()}")
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    images = np.empty(pixels.shape, np.float32)
    np.divide(pixels, 255, out=images, dtype=np.float32)
    return images, one_hot(labels, len(CLASSES))
