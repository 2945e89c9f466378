"""Shared by the readers of weight files: arrays from raw bytes."""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import ALL, COMPLEX
from minigraph.util.read_budget import Damaged

Array = np.ndarray[Any, Any]
Weights = dict[str, Array]

_DTYPES = {d.name: d.np_dtype for d in (*ALL, *COMPLEX)}


def itemsize(dtype: str) -> int:
    """Bytes per element of a dtype that `from_raw` accepts. Raises Damaged for any other."""
    if dtype == "bfloat16":
        return 2
    if dtype not in _DTYPES:
        raise Damaged(f"numbers of type {dtype} are not read")
    return _DTYPES[dtype].itemsize


def from_raw(what: str, raw: Any, dtype: str, shape: Sequence[int]) -> Array:
    """A new array from little-endian bytes. bfloat16, which NumPy lacks, becomes float32 exactly."""
    if len(raw) != math.prod(shape) * itemsize(dtype):
        raise Damaged(f"'{what}' of type {dtype}{list(shape)} is kept in {len(raw)} bytes")
    if dtype == "bfloat16":
        flat = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif dtype == "bool":
        flat = np.frombuffer(raw, np.uint8) != 0
    else:
        flat = np.frombuffer(raw, _DTYPES[dtype].newbyteorder("<")).astype(_DTYPES[dtype])
    return flat.reshape(shape)


def is_number(array: Array) -> bool:
    """Whether minigraph supports the array's dtype."""
    return any(array.dtype.newbyteorder("=") == d.np_dtype for d in ALL)


def native(array: Array) -> Array:
    """A copy of the array in native byte order and C order."""
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def mapped(path: str | os.PathLike[str]) -> memoryview:
    """The bytes of a file, read on access."""
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def zip_names(path: str | os.PathLike[str], head: bytes) -> list[str]:
    """The names in a zip archive that starts with `head`; empty for a damaged archive or another file."""
    import zipfile

    if not head.startswith(b"PK\3\4"):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return []
