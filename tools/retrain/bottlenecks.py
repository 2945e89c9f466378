"""Bottlenecks: a network's values at an end point for each image, computed once and cached in files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigraph.data import ImageFolder, Prefetch
from minigraph.util.files import atomic_write

MEMORY = 512 << 20  # bytes of bottlenecks that are kept in memory
_AT_ONCE = 8  # images in a run of the network

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Load = Callable[[Path], NDArray[np.float32]]


def weights_key(path: Path | None, seed: int) -> str:
    """An identifier of the weights: the start of the SHA-256 of the file or folder; without weights, the seed."""
    if path is None:
        return f"seed{seed}"
    digest = hashlib.sha256()
    for file in _content(path):
        with open(file, "rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:16]


def _content(path: Path) -> list[Path]:
    """The files of a path: the file itself, a folder's files, or the files of a checkpoint prefix."""
    if path.is_file():
        return [path]
    folder, start = (path, "") if path.is_dir() else (path.parent, f"{path.name}.")
    return sorted(p for p in folder.iterdir() if p.is_file() and p.name.startswith(start))


class Bottlenecks:
    """The end point's values for each image of a folder.

    forward: from images to the end point, [N,…] to [N,…]. load: an image, as `forward` takes it, float32 [H,W,C].
    cache: the folder for this network, end point and weights, with one atomically written file per image. Changed image
    files are recomputed.
    """

    def __init__(self, folder: ImageFolder, cache: Path, load: Load, forward: Forward) -> None:
        self._folder, self._cache = folder, cache
        self._load, self._forward = load, forward
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._bytes = 0

    def file(self, row: int) -> Path:
        """The file of an image's value."""
        image = self._folder.files[row]
        state = os.stat(image)
        source = hashlib.sha1(f"{image.resolve()} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:8]
        return self._cache / image.parent.name / f"{image.name}.{source}.npy"

    def missing(self) -> list[int]:
        """The images without a file."""
        return [row for row in range(len(self._folder.files)) if not self.file(row).exists()]

    def create(self, rows: Sequence[int], done: Callable[[int], None] = lambda count: None) -> None:
        """Compute and write these. done: called with the number written so far; an exception from it ends the work."""
        images = [self._folder.files[row] for row in rows]
        with Prefetch(self._load, images, workers=2, ahead=2 * _AT_ONCE) as loaded:
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                batch = np.stack([next(loaded) for _ in some])
                for row, value in zip(some, self._forward(batch), strict=True):
                    self._write(row, value)
                done(start + len(some))

    def get(self, rows: Sequence[int] | NDArray[np.integer]) -> NDArray[np.float32]:
        """The values of these images, from memory or their files: float32 [len(rows), …]."""
        return np.stack(list(self._values(rows)))

    def _values(self, rows: Sequence[int] | NDArray[np.integer]) -> Iterator[NDArray[np.float32]]:
        for number in rows:
            row = int(number)
            value = self._kept.get(row)
            if value is None:
                value = self._read(row)
                if self._bytes + value.nbytes <= MEMORY:
                    self._kept[row] = value
                    self._bytes += value.nbytes
            yield value

    def _read(self, row: int) -> NDArray[np.float32]:
        file = self.file(row)
        try:
            value: NDArray[np.float32] = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError):  # not there, or damaged
            self.create([row])
            value = np.load(file, allow_pickle=False)
        return value

    def _write(self, row: int, value: NDArray[np.float32]) -> None:
        file = self.file(row)
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as target:
            np.save(target, value, allow_pickle=False)
