"""Names of classes."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from minigraph.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from minigraph.models.record import Model

_IMAGENET = 1000


def class_names(model: Model) -> tuple[str, ...]:
    """Class names of a network's published weights: ImageNet's for 1,000 classes, otherwise numbers."""
    if model.classes != _IMAGENET:
        return tuple(map(str, range(model.classes)))
    text = files("minigraph.models").joinpath("classes", "imagenet.txt").read_text("utf-8")
    return tuple(text.splitlines())


def read_labels(path: Path) -> tuple[str, ...]:
    """The lines of a file with one name per class. Raises NotFoundError; DataLossError if it is empty or not text."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise DataLossError(f"{path}: expected a text file with the name of a class on each line") from None
    if not lines:
        raise DataLossError(f"{path}: the file has no class names")
    return tuple(lines)


def class_index(labels: Sequence[str], wanted: str) -> int:
    """The class of this name, or of this number. Raises InvalidArgumentError, with similar names, if there is none."""
    if wanted in labels:
        return list(labels).index(wanted)
    if wanted.isdecimal() and int(wanted) < len(labels):
        return int(wanted)
    near = get_close_matches(wanted, labels)
    raise InvalidArgumentError(f"no class {wanted!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
