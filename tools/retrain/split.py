"""Splits images for training, validation and testing by a hash of the path, so that new images move no others."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError
from minigraph.data import ImageFolder
from minigraph.data.order import uniforms

Part = Literal["training", "validation", "testing"]
PARTS: tuple[Part, ...] = ("training", "validation", "testing")
MOST = 2**27 - 1  # images of a class, in TensorFlow's tool
FEW = 20  # images of a class that it warns of


def hash_percentage(path: str | os.PathLike[str], seed: int = 0) -> float:
    """An image's position from 0 to 100: sha1(path up to `_nohash_`) mod 2²⁷ · 100 / (2²⁷ − 1).

    Images whose paths differ only after `_nohash_` have the same position. seed: 0 gives the positions of TensorFlow's
    tool; other seeds give other positions.
    """
    name = re.sub(r"_nohash_.*$", "", os.fspath(path))
    text = name if seed == 0 else f"{seed}:{name}"
    digest = int(hashlib.sha1(text.encode()).hexdigest(), 16)
    return (digest % (MOST + 1)) * (100.0 / MOST)


def part_of(path: str | os.PathLike[str], testing: float, validation: float, seed: int = 0) -> Part:
    """The part of an image, with `testing` and `validation` percent of the images in these parts."""
    percentage = hash_percentage(path, seed)
    if percentage < validation:
        return "validation"
    return "testing" if percentage < testing + validation else "training"


@dataclass(frozen=True, eq=False)
class Split:
    """rows: for each part, and each class with images in it, the images' indices in the folder."""

    rows: dict[Part, list[list[int]]]
    warnings: tuple[str, ...]

    def every(self, part: Part) -> NDArray[np.intp]:
        """All images of a part."""
        return np.array([row for rows in self.rows[part] for row in rows], np.intp)

    def sample(self, part: Part, count: int, seed: int, step: int) -> NDArray[np.intp]:
        """`count` images of a part (−1: all), drawn with (seed, step): first a class, then one of its images.

        Every class is equally frequent, however many images it has.
        """
        if count < 0:
            return self.every(part)
        classes = self.rows[part]
        draws = uniforms(2 * count, seed, step, PARTS.index(part)).reshape(count, 2)
        chosen = (classes[int(c * len(classes))] for c in draws[:, 0])
        return np.array(
            [rows[int(n * (MOST + 1)) % len(rows)] for rows, n in zip(chosen, draws[:, 1], strict=True)], np.intp
        )


def split_images(folder: ImageFolder, testing: float, validation: float, seed: int = 0) -> Split:
    """Split the folder's images by the hash of their paths.

    Raises DataLossError if a class has no training image, or if there is no validation or test image.
    """
    rows: dict[Part, list[list[int]]] = {part: [] for part in PARTS}
    warnings = []
    for label, name in enumerate(folder.classes):
        images = np.flatnonzero(folder.labels == label).tolist()
        if len(images) < FEW:
            warnings.append(f"{name} has less than {FEW} images, which may cause issues")
        parts: dict[Part, list[int]] = {part: [] for part in PARTS}
        for row in images:
            parts[part_of(folder.files[row], testing, validation, seed)].append(row)
        if not parts["training"]:
            raise DataLossError(
                f"no training image is left of the {len(images)} images of {name}; use more images or smaller"
                " percentages"
            )
        for part in PARTS:
            if parts[part]:
                rows[part].append(parts[part])
            else:
                warnings.append(f"{name} has no image for {part}")
    if empty := [part for part in PARTS if not rows[part]]:
        raise DataLossError(
            f"no image of the {len(folder.files)} was chosen for {' or '.join(empty)}: a hash of each path decides;"
            " use more images, larger percentages, or another --split-seed"
        )
    return Split(rows, tuple(warnings))
