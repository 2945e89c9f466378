"""The table of formats of weight files, and functions that read and write them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from minigraph.core.errors import DataLossError, InvalidArgumentError, MinigraphError, NotFoundError, UnknownNameError
from minigraph.core.typing import PathLike
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
    """A format of weight files.

    Args:
        name: The name in messages.
        suffixes: Endings of the files' names, the usual one first.
        matches: Function that tells by the content whether a file, whose first bytes it also gets, is of this format.
        read: Function that reads a file.
        write: Function that writes a file; None if minigraph only reads the format.

    Example:
        >>> from minigraph import weights
        >>> [form.name for form in weights.FORMATS if form.write is not None]
        ['safetensors', 'npz', 'Keras HDF5']
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


def find_format(path: PathLike) -> tuple[Format, Path]:
    """Find the format of a weight file by its content.

    Args:
        path: Path of the file. For a TensorFlow 1 checkpoint it is the path that its Saver gave.

    Returns:
        The format, and the file to open.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is of no known format.

    Example:
        >>> from minigraph import weights
        >>> weights.save_weights("model.bin.npz", {"w": np.zeros([2])})
        >>> form, file = weights.find_format("model.bin.npz")
        >>> form.name
        'npz'
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


def load_weights(path: PathLike) -> Weights:
    """Read a weight file. The content decides on the format, not the file's name.

    Args:
        path: Path of the file. For a TensorFlow 1 checkpoint it is the path that its Saver gave.

    Returns:
        The arrays by name, an optimizer's among them if the file has some.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is damaged, of no known format, or asks to run code.
        MissingPackageError: The format needs a package that is not installed.

    Example:
        >>> from minigraph import weights
        >>> weights.save_weights("model.safetensors", {"w": np.array([1.0, 2.0])})
        >>> print(weights.load_weights("model.safetensors")["w"])
        [1. 2.]
    """
    form, file = find_format(path)
    try:
        return form.read(file)
    except (MinigraphError, PermissionError):
        raise
    except Exception as error:  # a decoder can fail in any way on a damaged file
        text = f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else str(error)
        raise DataLossError(f"{path}: damaged, or not a {form.name} file: {text}") from error


def save_weights(path: PathLike, arrays: Mapping[str, npt.ArrayLike]) -> None:
    """Write named arrays to a weight file. The ending of the file's name decides on the format.

    The file is written whole, or not at all; its folder is made if it does not exist.

    Args:
        path: Path of the file.
        arrays: Arrays of numbers by name.

    Raises:
        InvalidArgumentError: The ending belongs to no format that is written, or a name or dtype is not allowed.

    Example:
        >>> from minigraph import weights
        >>> weights.save_weights("weights/model.npz", {"w": np.array([1.0, 2.0])})
        >>> list(weights.load_weights("weights/model.npz"))
        ['w']
    """
    target = Path(os.fspath(path))
    form = _format_of(target)
    if form.write is None:
        raise UnknownNameError(f"{path}: {form.name} files are read, but not written; {_written()}")
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
    raise UnknownNameError(f"{path}: the suffix tells no format; {_written()}")


def _written() -> str:
    return "written are " + ", ".join(f"{f.suffixes[0]} ({f.name})" for f in FORMATS if f.write is not None)
