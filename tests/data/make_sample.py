"""Make minigraph/data/digits from the full MNIST set: python make_sample.py FOLDER [TARGET]."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from minigraph.data import mnist
from minigraph.data.idx import read_idx, write_idx

TRAIN_PER_CLASS = 500
TEST_PER_CLASS = 100
TARGET = Path(__file__).resolve().parents[2] / "minigraph" / "data" / "digits"


def pick(source: Path, target: Path, image_name: str, label_name: str, per_class: int) -> None:
    """Write the first `per_class` digits of each class, in the order in which they come."""
    files = []
    for name in (image_name, label_name):
        path = mnist.find_file(source, name)
        if path is None:
            sys.exit(f"{source}: no {name}, gzipped or plain")
        mnist.verify(path, name)
        files.append(path)
    images, labels = (read_idx(path) for path in files)
    rows = np.sort(np.concatenate([np.flatnonzero(labels == digit)[:per_class] for digit in range(10)]))
    write_idx(target / f"{image_name}.gz", images[rows])
    write_idx(target / f"{label_name}.gz", labels[rows])


def main(source: Path, target: Path = TARGET) -> None:
    """Write the four files of the sample into `target`; equal inputs give equal bytes."""
    target.mkdir(parents=True, exist_ok=True)
    pick(source, target, mnist.TRAIN_IMAGES, mnist.TRAIN_LABELS, TRAIN_PER_CLASS)
    pick(source, target, mnist.TEST_IMAGES, mnist.TEST_LABELS, TEST_PER_CLASS)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
