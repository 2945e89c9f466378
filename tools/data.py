"""Data sets by the names that the command line gives them."""

from __future__ import annotations

import zlib
from pathlib import Path

from minigraph.core.errors import NotFoundError
from minigraph.data import Dataset, load


def load_data(source: str) -> Dataset:
    """ "sample", "mnist", or a folder with the four MNIST files, in it or in its `mnist` subfolder.

    Raises NotFoundError if it is none of these, or lacks a file, and DataLossError if a file is damaged.
    """
    if source in ("sample", "mnist"):
        return load(source)
    if not Path(source).is_dir():
        raise NotFoundError(f"--data: expected sample, mnist, or a folder with the MNIST files, got {source!r}")
    return load("mnist", source)


def fingerprint(data: Dataset) -> str:
    """Tells training sets apart: their shape and the CRC-32 of images and labels."""
    checksum = zlib.crc32(data.train_labels.data, zlib.crc32(data.train_images.data))
    count, pixels = data.train_images.shape
    return f"{count} x {pixels}, CRC-32 {checksum:08x}"
