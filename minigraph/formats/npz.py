"""NumPy's archives of arrays (`numpy.savez`), read without its pickles."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from minigraph.formats.arrays import Array, Weights, is_number, native, zip_names
from minigraph.util.read_budget import Budget, Damaged

_SUFFIX = ".npy"
_EMPTY = b"PK\5\6"  # the end of an archive, where its start should be
_LENGTHS = {(1, 0): 2, (2, 0): 4}  # bytes of the header's length, by the format's version
_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LONGEST_HEADER = 1 << 16
_CHUNK = 1 << 20


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def is_npz(path: Path, head: bytes) -> bool:
    """Whether the file is a zip archive that contains an array, or an empty archive."""
    return head.startswith(_EMPTY) or any(name.endswith(_SUFFIX) for name in zip_names(path, head))


def read_npz(path: Path) -> Weights:
    """The arrays by name. Raises Damaged."""
    budget = Budget(path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        budget.visit("its archive", len(parts))
        for info in parts:  # all arrays are asked for before the first is read
            name = info.filename.removesuffix(_SUFFIX)
            if name == info.filename:
                raise Damaged(f"its archive has {name[:200]}, which is not an array")
            with archive.open(info) as part:
                header = _read_header(name, part)
            budget.take(name, header.shape, header.dtype.itemsize)
        return {info.filename.removesuffix(_SUFFIX): _read_array(archive, info) for info in parts}


def _read_header(name: str, part: Any) -> _Header:
    version = np.lib.format.read_magic(part)
    if version not in _LENGTHS:
        raise Damaged(f"'{name}' is an array of format {version}, which is not read")
    start = part.read(_LENGTHS[version])
    length = int.from_bytes(start, "little")
    if length > _LONGEST_HEADER:
        raise Damaged(f"the header of '{name}' is said to have {length:,} bytes")
    header = _Header(*_READ_HEADER[version](io.BytesIO(start + part.read(length))))
    if header.dtype.hasobject or header.dtype.fields or not is_number(np.empty(0, header.dtype)):
        raise Damaged(f"'{name}' holds {header.dtype}, which is not read")
    return header


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    name = info.filename.removesuffix(_SUFFIX)
    with archive.open(info) as part:
        shape, fortran, dtype = _read_header(name, part)
        flat = np.empty(math.prod(shape), dtype)
        room, at = flat.view(np.uint8), 0
        while at < len(room):
            piece = part.read(min(_CHUNK, len(room) - at))
            if not piece:
                raise Damaged(f"'{name}' is cut off")
            room[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
    array = flat.reshape(shape, order="F" if fortran else "C")
    return array if dtype.isnative and not fortran else native(array)


def write_npz(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """Write the archive, uncompressed, as `numpy.savez` does."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(name + _SUFFIX)  # of a fixed date, so that equal weights give equal files
            with archive.open(info, "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)
