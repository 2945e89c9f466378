"""IDX, the format of the MNIST files: a big-endian header and one array, plain or gzipped.

Header: two zero bytes, one byte for the element type, one byte for the number of dimensions, then
each dimension as an unsigned 32-bit integer. The elements follow in C order, big-endian.
"""

from __future__ import annotations

import io
import math
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.core.typing import PathLike
from minigraph.util.files import atomic_write
from minigraph.util.read_budget import Budget, Damaged

_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_MAX_NDIM = 32  # the most that every NumPy version can hold
_MAX_DEFLATE_RATIO = 1032  # deflate's bound: a match of 258 bytes may take as little as 2 bits
_CHUNK = 1 << 18


@contextmanager
def open_content(path: PathLike) -> Iterator[BinaryIO]:
    """Open a file for reading, through gzip if its first two bytes say so.

    Inside the `with` block a broken gzip stream raises DataLossError. Zero bytes after its end are padding, as for
    `gzip -d`. NotFoundError if the file does not exist.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed by the `with` below
    except FileNotFoundError:
        raise NotFoundError(f"{os.fspath(path)}: no such file") from None
    with file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not zipped:
            yield file
            return
        import gzip
        import zlib

        try:
            with gzip.GzipFile(fileobj=file, mode="rb") as stream:
                yield cast(BinaryIO, stream)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataLossError(
                f"{os.fspath(path)}: expected a whole gzip stream, got a broken one ({error})"
            ) from error


def read_idx(path: PathLike) -> NDArray[Any]:
    """Read an IDX file, plain or gzipped. The content decides, not the file's name.

    Args:
        path: Path of the file.

    Returns:
        The array, in the machine's byte order; uint8, int8, int16, int32, float32 or float64, as the file says.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is truncated, too long, or not IDX.

    Example:
        >>> from minigraph import data
        >>> data.write_idx("images.gz", np.zeros([5, 28, 28], np.uint8))
        >>> data.read_idx("images.gz").shape
        (5, 28, 28)

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998.
    """
    name = os.fspath(path)
    with open_content(path) as stream:
        dtype, shape = _read_type(stream, name)
        wanted = math.prod(shape) * dtype.itemsize
        expected = f"{wanted} bytes of data for {dtype} {list(shape)}"

        # Before memory is taken: can a file of this length hold that much at all, and may it?
        length = os.path.getsize(path)
        if wanted > length * (1 if isinstance(stream, io.BufferedReader) else _MAX_DEFLATE_RATIO):
            raise DataLossError(f"{name}: expected {expected}, got a file of {length} bytes")
        try:
            Budget(length).take("the array", shape, dtype.itemsize)
        except Damaged as error:
            raise DataLossError(f"{name}: {error}") from None
        data = np.empty(wanted, np.uint8)
        view, got = data.data, 0
        while got < wanted and (chunk := stream.read(min(_CHUNK, wanted - got))):
            view[got : got + len(chunk)] = chunk
            got += len(chunk)
        if got < wanted:
            raise DataLossError(f"{name}: expected {expected}, got {got}")
        if extra := len(stream.read(_CHUNK)):  # reading to the end also checks gzip's own checksums
            more = f"{extra} more" if extra < _CHUNK else f"{extra} more or longer"
            raise DataLossError(f"{name}: expected the file to end after {expected}, got {more}")
    array = data.view(dtype).reshape(shape)
    if sys.byteorder == "little":
        array.byteswap(inplace=True)
    return array


def _read_type(stream: BinaryIO, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read the header: the element type and the shape."""
    magic = _read_header(stream, name, 4, "a 4-byte magic number")
    code, ndim = magic[2], magic[3]
    if magic[:2] != b"\0\0" or code not in _DTYPES:
        known = ", ".join(f"{code:02x}" for code in _DTYPES)
        raise DataLossError(
            f"{name}: expected an IDX magic number (00 00, type {known}, number of dimensions), got {magic.hex(' ')}"
        )
    if ndim > _MAX_NDIM:
        raise DataLossError(f"{name}: expected at most {_MAX_NDIM} dimensions, got {ndim}")
    sizes = _read_header(stream, name, 4 * ndim, f"the sizes of {ndim} dimensions")
    return _DTYPES[code], struct.unpack(f">{ndim}I", sizes)


def _read_header(stream: BinaryIO, name: str, size: int, what: str) -> bytes:
    data = b""
    while len(data) < size and (chunk := stream.read(size - len(data))):
        data += chunk
    if len(data) < size:
        raise DataLossError(f"{name}: expected {what} ({size} bytes), got {len(data)} bytes")
    return data


def write_idx(path: PathLike, array: NDArray[Any]) -> None:
    """Write an array as an IDX file, whole or not at all.

    A file whose name ends in ".gz" is compressed, without a time stamp.

    Args:
        path: Path of the file.
        array: uint8, int8, int16, int32, float32 or float64, with at most 32 dimensions, each below 2³².

    Raises:
        ValueError: IDX has no such dtype or shape.

    Example:
        >>> from minigraph import data
        >>> data.write_idx("labels", np.arange(3, dtype=np.uint8))
        >>> print(data.read_idx("labels"))
        [0 1 2]
    """
    array = np.asarray(array)
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(str(dtype) for dtype in _CODES)
        raise ValueError(f"write_idx: expected a dtype among {known}, got {array.dtype}")
    if array.ndim > _MAX_NDIM or any(size >= 1 << 32 for size in array.shape):
        raise ValueError(
            f"write_idx: expected at most {_MAX_NDIM} dimensions, each below 2**32, got shape {list(array.shape)}"
        )
    header = struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    data = array.astype(array.dtype.newbyteorder(">"), order="C", copy=False).reshape(-1)
    with atomic_write(path) as file:
        if os.fspath(path).endswith(".gz"):
            import gzip

            with gzip.GzipFile("", "wb", 9, file, mtime=0) as stream:
                stream.write(header)
                stream.write(data.view(np.uint8).data)
        else:
            file.write(header)
            file.write(data.view(np.uint8).data)
