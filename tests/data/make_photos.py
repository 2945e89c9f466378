"""Make tests/data/photos: copies of 64x64 pixels of a folder of photographs.

    python tests/data/make_photos.py FOLDER

FOLDER has a folder of images for each class, and for each a SOURCES-<class>.txt with authors and licences.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from minigraph.data import load_image, read_image_folder

TARGET = Path(__file__).parent / "photos"


def main() -> None:
    root = Path(sys.argv[1])
    for path in read_image_folder(root).files:
        copy = TARGET / path.parent.name / f"{path.stem}.jpg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(load_image(path, (64, 64)))).save(copy, quality=80, optimize=True)
    for sources in root.glob("SOURCES-*.txt"):
        shutil.copy(sources, TARGET)


if __name__ == "__main__":
    main()
