"""Grey pictures for the examples: a photograph as an image of levels from 0 to 255, and results as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minigraph import data

Images = np.ndarray[Any, Any]


def read(photo: str | None) -> Images:
    """A photograph in grey, float32 [1, H, W, 1]; six handwritten digits if there is none."""
    if photo is None:
        digits = data.load().test_images[:6].reshape(2, 3, 28, 28)
        levels = 255.0 * digits.transpose(0, 2, 1, 3).reshape(56, 84)
    else:
        levels = np.asarray(Image.open(photo).convert("L"))
    return np.asarray(levels, np.float32)[None, :, :, None]


def write(name: str, *images: Images) -> None:
    """Write images [1, H, W, 1] side by side into one file."""
    row = np.concatenate([image[0, :, :, 0] for image in images], axis=1)
    Image.fromarray(np.clip(np.rint(row), 0, 255).astype(np.uint8)).save(name)
    print(f"wrote {Path(name)}")
