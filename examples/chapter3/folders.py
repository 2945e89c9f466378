"""Pictures in three folders for L3-7, with the shares of the chapter's classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("Type_1", "Type_2", "Type_3")
SHARES = (0.169, 0.529, 0.302)  # 52.9 % of the second class; the entropy of the three is 1.00


def make(folder: Path, count: int, seed: int = 0) -> None:
    """Write `count` JPEGs of stripes: level, upright or oblique by class, with noise; some have a reflection."""
    random = np.random.RandomState(seed)
    rows, columns = np.mgrid[:40, :48]
    for number, (name, share) in enumerate(zip(CLASSES, SHARES, strict=True)):
        (folder / name).mkdir(parents=True)
        for i in range(round(count * share)):
            wave = (rows, columns, rows + columns)[number] // random.randint(5, 9) % 2
            pixels = wave[..., None] * random.uniform(100, 180, 3) + random.uniform(0, 60, (40, 48, 3))
            down, across = random.randint(0, 30), random.randint(0, 36)
            if i % 8 == 0:
                pixels[down : down + 8, across : across + 8] = 255  # a reflection, as some photographs have
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{i}.jpg", quality=90)


def read(folder: Path, size: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """All pictures, uint8 [N, size, size, 3], and their classes, float32 [N, 3], shuffled."""
    images, labels = [], []
    for number, name in enumerate(CLASSES):
        for path in sorted((folder / name).glob("*.jpg")):
            images.append(np.asarray(Image.open(path).convert("RGB").resize((size, size))))
            labels.append(np.eye(len(CLASSES), dtype=np.float32)[number])
    order = np.random.RandomState(0).permutation(len(images))
    return np.array(images)[order], np.array(labels)[order]
