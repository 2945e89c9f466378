"""The table of weight file formats, with readers and writers of arrays by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minigraph.core.errors import DataLossError, InvalidArgumentError, MinigraphError, NotFoundError
from minigraph.formats import npz
from minigraph.formats import onnx_weights as onnx_file
from minigraph.formats import safetensors_file as safe
from minigraph.formats.arrays import Array, Weights, is_number, native
from minigraph.formats.keras import hdf5 as keras_file
from minigraph.formats.tensorflow import checkpoint
from minigraph.formats.torch import archive as torch_file
from minigraph.util.files import atomic_write

_HEAD = 64


@dataclass(frozen=True)
class Format:
    """A weight file format.

    suffixes: of the files' names, the usual one first. matches: checks a file's path and first bytes. write: None if
    minigraph only reads the format.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Callable[[Path, bytes], bool]
    read: Callable[[Path], Weights]
    write: Callable[[BinaryIO, Mapping[str, Array]], None] | None = None


FORMATS: tuple[Format, ...] = (
    Format(
        "safetensors", (".safetensors",), safe.is_safetensors, safe.read_safetensors, safe.write_safetensors
    ),
    Format("torch", (".pth", ".pt", ".bin"), torch_file.is_torch, torch_file.read_torch),
    Format("npz", (".npz",), npz.is_npz, npz.read_npz, npz.write_npz),
    Format(
        "Keras HDF5", (".h5", ".hdf5", ".keras"), keras_file.is_hdf5, keras_file.read_hdf5, keras_file.write_hdf5
    ),
    Format("TensorFlow 1 checkpoint", (".ckpt", ".index"), checkpoint.is_checkpoint, checkpoint.read_checkpoint),
    Format("ONNX", (".onnx",), onnx_file.is_onnx, onnx_file.read_onnx),
)  # fmt: skip


def find_format(path: Any) -> tuple[Format, Path]:
    """The format of a file by its content, and the file to open. Raises NotFoundError; DataLossError if unknown.

    The path of a TensorFlow 1 checkpoint is the prefix that its Saver returned, not the name of a file.
    """
    file = checkpoint.find_index(Path(os.fspath(path)))
    if not file.is_file():
        raise NotFoundError(f"{path}: {'a folder' if file.is_dir() else 'no such file'}, where weights were expected")
    with open(file, "rb") as opened:
        head = opened.read(_HEAD)
    for form in FORMATS:
        if form.matches(file, head):
            return form, file
    known = ", ".join(form.name for form in FORMATS)
    what = "an empty file" if not head else f"it starts with {head[:8]!r}"
    raise DataLossError(f"{path}: not a weight file of a known kind, or cut off ({what}); known are {known}")


def load_weights(path: Any) -> Weights:
    """The arrays of a weight file by name, including the optimizer's in a file of a training run.

    The content determines the format, not the suffix. Raises NotFoundError; DataLossError for a damaged or malicious
    file or an unknown format; MissingPackageError if an optional package is needed.
    """
    form, file = find_format(path)
    try:
        return form.read(file)
    except (MinigraphError, PermissionError):
        raise
    except Exception as error:  # whatever a decoder fails with, the file is not what it should be
        text = f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else str(error)
        raise DataLossError(f"{path}: damaged, or not a {form.name} file: {text}") from error


def save_weights(path: Any, arrays: Mapping[str, Any]) -> None:
    """Write named arrays in the format of the file's suffix, atomically; creates the folder.

    Raises InvalidArgumentError for an unsupported suffix, name or dtype.
    """
    target = Path(os.fspath(path))
    form = _format_of(target)
    if form.write is None:
        raise InvalidArgumentError(f"{path}: {form.name} files are read, but not written; {_written()}")
    values = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in values.items():
        if not isinstance(name, str) or not name or "\0" in name or name == "__metadata__":
            raise InvalidArgumentError(f"{path}: {name!r} cannot be the name of a weight")
        if not is_number(array):
            raise InvalidArgumentError(f"{path}: '{name}' holds {array.dtype}, which is not written")
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as file:
        form.write(file, {name: native(array) for name, array in values.items()})


def _format_of(path: Path) -> Format:
    for form in FORMATS:
        if path.suffix.lower() in form.suffixes:
            return form
    raise InvalidArgumentError(f"{path}: the suffix tells no format; {_written()}")


def _written() -> str:
    return "written are " + ", ".join(f"{f.suffixes[0]} ({f.name})" for f in FORMATS if f.write is not None)
