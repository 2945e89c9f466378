"""What the readers of weight files share: arrays from raw bytes, and a bound on what a file may ask for."""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import ALL

Array = np.ndarray[Any, Any]
Weights = dict[str, Array]

ROOM = 256 << 20  # bytes that any file may ask for, however small it is
RATIO = 100  # a larger file may ask for as many times its size
MOST_DIMS = 32

_DTYPES = {d.name: d.np_dtype for d in ALL}


class Damaged(ValueError):
    """What is wrong with a file's content; `load_weights` adds the file's name."""


class Budget:
    """The bytes that the arrays of one file may still take.

    They may be more than the file has, since files are compressed and repeat numbers, but not without bound.
    """

    def __init__(self, file_size: int) -> None:
        self._all = self._left = max(ROOM, RATIO * file_size)

    def take(self, what: str, shape: Sequence[int], itemsize: int) -> int:
        """The bytes of an array of that shape. Damaged where the shape is none, or the file asks for too much."""
        check_shape(what, shape)
        size = math.prod(shape) * itemsize
        self._left -= size
        if self._left < 0:
            raise Damaged(f"'{what}' of shape {list(shape)} is too large: with it, the file would unpack to more than "
                          f"{self._all:,} bytes")  # fmt: skip
        return size


def check_shape(what: str, shape: Sequence[int]) -> None:
    """Damaged where NumPy can have no array of that shape."""
    fits = len(shape) <= MOST_DIMS and all(isinstance(n, int) and n >= 0 for n in shape)
    if not fits or math.prod(max(n, 1) for n in shape) > 2**48:
        raise Damaged(f"'{what}' has the shape {list(shape[:MOST_DIMS])}, which cannot be")


def itemsize(dtype: str) -> int:
    """Bytes of one element of a dtype that `from_raw` takes. Damaged for any other."""
    if dtype == "bfloat16":
        return 2
    if dtype not in _DTYPES:
        raise Damaged(f"numbers of type {dtype} are not read")
    return _DTYPES[dtype].itemsize


def from_raw(what: str, raw: Any, dtype: str, shape: Sequence[int]) -> Array:
    """An array of its own from little-endian bytes. bfloat16, which NumPy has not, becomes float32, exactly."""
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
    """Whether minigraph has the array's dtype."""
    return array.dtype.newbyteorder("=") in _DTYPES.values()


def native(array: Array) -> Array:
    """The array with this machine's byte order, in C order, of its own."""
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def mapped(path: str | os.PathLike[str]) -> memoryview:
    """The bytes of a file, read when they are looked at."""
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def zip_names(path: str | os.PathLike[str], head: bytes) -> list[str]:
    """The names in a zip archive that starts with `head`; none where the file is no archive, or a damaged one."""
    import zipfile

    if not head.startswith(b"PK\3\4"):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return []
