"""A folder with a few of the sample's digits, in MNIST's format, so that training on it takes moments."""

from __future__ import annotations

from pathlib import Path

from minigraph.data import load, mnist, write_idx

TRAIN, TEST = 40, 20


def write_digits(folder: Path, train: int = TRAIN, test: int = TEST) -> Path:
    """Four IDX files with the first digits of the sample."""
    sample = load()
    folder.mkdir(parents=True, exist_ok=True)
    for names, images, labels, count in (
        ((mnist.TRAIN_IMAGES, mnist.TRAIN_LABELS), sample.train_images, sample.train_labels, train),
        ((mnist.TEST_IMAGES, mnist.TEST_LABELS), sample.test_images, sample.test_labels, test),
    ):
        write_idx(folder / names[0], (images[:count] * 255).round().astype("u1").reshape(-1, 28, 28))
        write_idx(folder / names[1], labels[:count].argmax(1).astype("u1"))
    return folder
