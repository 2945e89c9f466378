"""The reader of CIFAR-10's binary files and archive, against records that are written byte by byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.data_sets import records, write_cifar10

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.data import cifar10, load


@pytest.mark.parametrize("archive", [False, True])
def test_images_and_labels(tmp_path: Path, archive: bool) -> None:
    found = load("cifar10", write_cifar10(tmp_path, each=3, test=2, archive=archive))
    assert found.train_images.shape == (15, 32, 32, 3)
    assert found.test_images.shape == (2, 32, 32, 3)
    assert found.train_images.dtype == np.float32
    assert found.train_labels.argmax(1).tolist() == [0, 1, 2] * 5
    assert found.train_labels.sum() == 15
    raw = records(3, 1)[3073:6146]  # the second record of the second file
    for channel in range(3):
        for row, column in ((0, 0), (0, 31), (17, 5), (31, 31)):
            byte = raw[1 + channel * 1024 + row * 32 + column]
            assert found.train_images[4, row, column, channel] == np.float32(byte) / np.float32(255)
    assert found.classes[3] == "cat"
    assert repr(found) == "Dataset(15 training and 2 test images of 32x32 pixels, 10 classes)"


def test_both_forms_are_equal(tmp_path: Path) -> None:
    plain = load("cifar10", write_cifar10(tmp_path / "plain"))
    packed = load("cifar10", write_cifar10(tmp_path / "packed", archive=True))
    assert plain.identity() == packed.identity()
    np.testing.assert_array_equal(plain.test_images, packed.test_images)


def test_damaged_files(tmp_path: Path) -> None:
    file = write_cifar10(tmp_path) / cifar10.TRAIN_FILES[2]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(DataLossError, match=r"data_batch_3.bin: expected records of 3073 bytes, got 12291 bytes"):
        load("cifar10", tmp_path)
    file.write_bytes(b"\x0a" + whole[1:])
    with pytest.raises(DataLossError, match=r"data_batch_3.bin: expected labels from 0 to 9, got 10"):
        load("cifar10", tmp_path)
    file.unlink()
    with pytest.raises(NotFoundError, match=r"neither cifar-10-binary.tar.gz nor its files data_batch_1.bin"):
        load("cifar10", tmp_path)


def test_damaged_archives(tmp_path: Path) -> None:
    archive = write_cifar10(tmp_path, archive=True) / cifar10.ARCHIVE
    whole = archive.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no archive", b""):
        archive.write_bytes(damaged)
        with pytest.raises(DataLossError, match=r"cifar-10-binary.tar.gz"):
            load("cifar10", tmp_path)
