"""Reads folders of images, with progress and skipped files on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minigraph.data import ImageFolder, read_image_folder
from minigraph.data.folders import summary
from minigraph.tools.shared.progress import Counter


def read_folder(roots: Sequence[Path], quiet: bool) -> ImageFolder:
    """Call `read_image_folder`; report skipped files, and progress unless `quiet`."""
    with Counter("looking at images", quiet) as counter:
        folder = read_image_folder(*roots, progress=counter.update)
        for line in summary(folder.skipped):
            counter.line(line, important=True)
        counts = ", ".join(f"{count} {name}" for name, count in folder.counts().items())
        counter.line(f"{len(folder.files)} images of {len(folder.classes)} classes: {counts}")
    return folder
