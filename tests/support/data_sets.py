"""Tiny files in the formats of the data sets, so that training on them takes moments."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np

from minigraph.data import cifar10


def records(count: int, seed: int) -> bytes:
    """Records of CIFAR-10, written byte by byte: class i, red 20·i, green 10, blue noise below 100."""
    random = np.random.RandomState(seed)
    content = bytearray()
    for number in range(count):
        label = number % 10
        content += bytes([label] + [20 * label] * 1024 + [10] * 1024) + random.randint(0, 100, 1024, "u1").tobytes()
    return bytes(content)


def write_cifar10(folder: Path, each: int = 4, test: int = 10, archive: bool = False) -> Path:
    """Five files of `each` training records and one of `test` records, plain or in the archive."""
    files = {name: records(each, i) for i, name in enumerate(cifar10.TRAIN_FILES)} | {
        cifar10.TEST_FILE: records(test, 9)
    }
    folder.mkdir(parents=True, exist_ok=True)
    if not archive:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return folder
    with tarfile.open(folder / cifar10.ARCHIVE, "w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return folder
