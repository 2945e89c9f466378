"""NumPy's archives of arrays (`numpy.savez`), read without its pickles."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minigraph.formats.arrays import Array, Budget, Damaged, Weights, is_number, native, zip_names

_SUFFIX = ".npy"
_EMPTY = b"PK\5\6"  # the end of an archive, where its start should be
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def is_npz(path: Path, head: bytes) -> bool:
    """Whether the file is a zip archive that contains an array, or an empty archive."""
    return head.startswith(_EMPTY) or any(name.endswith(_SUFFIX) for name in zip_names(path, head))


def read_npz(path: Path) -> Weights:
    """The arrays by name. Raises Damaged."""
    budget = Budget(path.stat().st_size)
    found = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(_SUFFIX)
            if name == info.filename:
                raise Damaged(f"its archive has {name[:200]}, which is not an array")
            with archive.open(info) as part:
                found[name] = _read_array(name, part, budget)  # type: ignore[arg-type]
    return found


def _read_array(name: str, part: BinaryIO, budget: Budget) -> Array:
    version = np.lib.format.read_magic(part)
    if version not in _HEADERS:
        raise Damaged(f"'{name}' is an array of format {version}, which is not read")
    shape, fortran, dtype = _HEADERS[version](part)
    if dtype.hasobject or dtype.fields or not is_number(np.empty(0, dtype)):
        raise Damaged(f"'{name}' holds {dtype}, which is not read")
    size = budget.take(name, shape, dtype.itemsize)
    raw = part.read(size)
    if len(raw) != size:
        raise Damaged(f"'{name}' is cut off")
    return native(np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C"))


def write_npz(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """Write the archive, uncompressed, as `numpy.savez` does."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(name + _SUFFIX)  # of a fixed date, so that equal weights give equal files
            with archive.open(info, "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)
