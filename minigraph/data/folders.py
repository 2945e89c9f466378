"""Folders of images, with one folder for each class."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.core.typing import PathLike
from minigraph.data.images import complaint
from minigraph.data.order import permutation
from minigraph.data.prefetch import Prefetch

LEAST = 2  # images without which a class cannot be both learned and tested
_NAMED = 5  # files that a summary names for each reason


class Skipped(NamedTuple):
    """A file, or a folder with all its images, that is left out, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class ImageFolder:
    """Image files and their classes.

    Args:
        files: Paths of the files, by class, then by name.
        labels: int64 [N], the numbers of the files' classes.
        classes: Names of the folders, sorted.
        skipped: Files and folders that are left out, with the reasons.

    Example:
        >>> from PIL import Image
        >>> from minigraph import data
        >>> import os
        >>> for colour in ("red", "blue"):
        ...     os.makedirs(f"photos/{colour}")
        ...     for i in range(3):
        ...         Image.new("RGB", (8, 8), colour).save(f"photos/{colour}/{i}.png")
        >>> photos = data.read_image_folder("photos")
        >>> photos.counts()
        {'blue': 3, 'red': 3}
        >>> first, second = photos.split(percentage=40, seed=0)
        >>> second.counts()
        {'blue': 1, 'red': 1}
    """

    files: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()

    def counts(self) -> dict[str, int]:
        """Count the images of each class.

        Returns:
            The numbers by class.
        """
        return dict(zip(self.classes, np.bincount(self.labels, minlength=len(self.classes)).tolist(), strict=True))

    def one_hot(self) -> NDArray[np.float32]:
        """Give the labels as one-hot rows.

        Returns:
            float32 [N, classes].
        """
        return np.eye(len(self.classes), dtype=np.float32)[self.labels]

    def checksum(self) -> str:
        """Give a text that tells sets of images apart, wherever their files lie.

        Returns:
            The number of images, and the CRC-32 of the classes and of the files' names and sizes.
        """
        files = [(path.parent.name, path.name, path.stat().st_size) for path in self.files]
        return f"{len(files)} images, CRC-32 {zlib.crc32(repr((self.classes, files)).encode()):08x}"

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> ImageFolder:
        """Choose files.

        Args:
            rows: Numbers of the files.

        Returns:
            These files, with the same classes.
        """
        return ImageFolder(tuple(self.files[i] for i in rows), self.labels[np.asarray(rows, np.intp)], self.classes)

    def split(self, percentage: float, seed: int) -> tuple[ImageFolder, ImageFolder]:
        """Split the files into two parts at random.

        Args:
            percentage: The share of the second part, in each class: at least one image, and not all.
            seed: Seed of the draw.

        Returns:
            The two parts.
        """
        order = permutation(len(self.files), seed)
        second = []
        for label in range(len(self.classes)):
            rows = order[self.labels[order] == label]
            count = min(max(round(len(rows) * percentage / 100), 1), len(rows) - 1)
            second += rows[:count].tolist()
        first = np.setdiff1d(np.arange(len(self.files)), second)
        return self.take(first), self.take(sorted(second))


def read_image_folder(
    *roots: PathLike, workers: int = 4, progress: Callable[[int, int], None] | None = None
) -> ImageFolder:
    """List the images in the folders right below some roots. Each folder is a class.

    Folders of one name, in several roots, are one class. Each file is decoded once: damaged files and other files are
    left out and listed in `skipped`, as are classes with fewer than two images. Names that start with a dot do not
    count.

    Args:
        *roots: Paths of the folders that contain the classes' folders.
        workers: Number of threads that decode.
        progress: Function that is called with the number of files decoded, and of all files.

    Returns:
        The files and classes.

    Raises:
        NotFoundError: A root is not a folder.
        DataLossError: There are fewer than two classes.

    Example:
        >>> from PIL import Image
        >>> from minigraph import data
        >>> import os
        >>> for colour in ("red", "blue"):
        ...     os.makedirs(f"photos/{colour}")
        ...     for i in range(3):
        ...         Image.new("RGB", (8, 8), colour).save(f"photos/{colour}/{i}.png")
        >>> photos = data.read_image_folder("photos")
        >>> photos.classes, photos.labels.tolist()
        (('blue', 'red'), [0, 0, 0, 1, 1, 1])
    """
    found: dict[str, list[Path]] = {}
    first: dict[str, Path] = {}
    for root in map(Path, roots):
        if not root.is_dir():
            raise NotFoundError(f"{root}: no such folder")
        for folder in sorted(_visible(root)):
            if folder.is_dir():
                first.setdefault(folder.name, folder)
                found.setdefault(folder.name, []).extend(sorted(path for path in _visible(folder) if path.is_file()))
    classes = sorted(found)
    files = [path for name in classes for path in found[name]]
    complaints = dict(zip(files, _complaints(files, workers, progress), strict=True))
    skipped = [Skipped(path, reason) for path, reason in complaints.items() if reason is not None]
    good = {name: [path for path in found[name] if complaints[path] is None] for name in classes}
    for name in classes:
        if len(good[name]) < LEAST:
            skipped.append(
                Skipped(first[name], f"a class needs {LEAST} images or more, and this one has {len(good[name])}")
            )
            del good[name]
    if len(good) < 2:
        raise DataLossError(
            f"{', '.join(os.fspath(root) for root in roots)}: expected a folder of images for each of two classes or"
            f" more, found {', '.join(good) or 'none'}" + "".join(f"\n  {line}" for line in summary(skipped))
        )
    labels = np.repeat(np.arange(len(good)), [len(paths) for paths in good.values()])
    return ImageFolder(tuple(p for paths in good.values() for p in paths), labels, tuple(good), tuple(skipped))


def summary(skipped: Iterable[Skipped]) -> list[str]:
    """Lines that name the skipped files and folders, counted by reason."""
    by_reason: dict[str, list[Path]] = {}
    for path, reason in skipped:
        by_reason.setdefault(reason, []).append(path)
    lines = []
    for reason, paths in by_reason.items():
        rest = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        names = ", ".join(map(str, paths[:_NAMED]))
        lines.append(f"skipped {len(paths)}: {names}{rest}: {reason}")
    return lines


def _complaints(files: Sequence[Path], workers: int, progress: Callable[[int, int], None] | None) -> list[str | None]:
    done: list[str | None] = []
    with Prefetch(complaint, files, workers=workers, ahead=4 * workers) as results:
        for reason in results:
            done.append(reason)
            if progress is not None:
                progress(len(done), len(files))
    return done


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]
