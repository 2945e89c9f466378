"""TFRecord files: records of bytes, each with its length and checksums."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from minigraph.core.errors import DataLossError, InvalidArgumentError
from minigraph.formats.tensorflow.crc32c import crc32c, mask, unmask
from minigraph.util.read_budget import VARIABLE, allowance

_PIECE = 1 << 16
_LENGTH, _CHECK = struct.Struct("<Q"), struct.Struct("<I")


def read_records(path: Any, compression: str = "") -> Iterator[bytes]:
    """The records of a file.

    compression: "", "GZIP" or "ZLIB". Raises FileNotFoundError at once, and DataLossError where the file is damaged.
    """
    file = _opened(path, "rb", compression)
    return _records(file, os.fspath(path))


def _records(file: Any, name: Any) -> Iterator[bytes]:
    limit, place = allowance(os.path.getsize(name)), 0
    with file:
        while True:
            try:
                data = _record(file, place, name, limit)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise DataLossError(f"{name} is cut off or damaged after {place} bytes: {error}") from None
            if data is None:
                return
            yield data
            place += len(data) + 16


def _record(file: Any, place: int, name: Any, limit: int) -> bytes | None:
    """The next record; None at the end of the file."""
    head = file.read(12)
    if not head:
        return None
    if len(head) < 12:
        raise DataLossError(f"truncated record at {place} in {name}")
    size = _LENGTH.unpack(_verified(head, "length", place, name))[0]
    if size > limit:
        raise DataLossError(
            f"a record at {place} in {name} is said to have {size:,} bytes, but the file may take {limit:,}; "
            f"{VARIABLE} raises the limit"
        )
    return _verified(file.read(size + 4), "data", place, name, size)


def _verified(given: bytes, what: str, place: int, name: Any, size: int = 8) -> bytes:
    """The bytes without the checksum at their end, which must be right."""
    if len(given) < size + 4:
        raise DataLossError(f"truncated record at {place} in {name}")
    data = given[:size]
    if crc32c(data) != unmask(_CHECK.unpack_from(given, size)[0]):
        raise DataLossError(f"corrupted record at {place} in {name}: the checksum of its {what} is wrong")
    return data


class _Inflated:
    """A file of the ZLIB format, read as its content."""

    def __init__(self, path: Any) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed by __exit__
        self._stream = zlib.decompressobj()
        self._ready, self._at = b"", 0

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            if self._at == len(self._ready):
                packed = self._stream.unconsumed_tail or self._file.read(_PIECE)
                if not packed:
                    break
                self._ready, self._at = self._stream.decompress(packed, _PIECE), 0
            parts.append(self._ready[self._at : self._at + size])
            self._at += len(parts[-1])
            size -= len(parts[-1])
        return b"".join(parts)

    def __enter__(self) -> _Inflated:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _opened(path: Any, mode: Any, compression: str) -> Any:
    if compression == "GZIP":
        return gzip.open(path, mode)
    if compression == "ZLIB":
        return _Inflated(path)
    if compression:
        raise InvalidArgumentError(f"unknown compression {compression!r}: expected '', 'GZIP' or 'ZLIB'")
    return open(path, mode)


class RecordWriter:
    """Writes records to a file; use it in a `with` block, or close it."""

    def __init__(self, path: Any, compression: str = "") -> None:
        self._deflate = zlib.compressobj() if compression == "ZLIB" else None
        self._file = _opened(path, "wb", "" if self._deflate else compression)

    def write(self, record: bytes) -> None:
        """Add a record."""
        length = _LENGTH.pack(len(record))
        checks = [_CHECK.pack(mask(crc32c(part))) for part in (length, record)]
        data = b"".join([length, checks[0], record, checks[1]])
        self._file.write(self._deflate.compress(data) if self._deflate else data)

    def flush(self) -> None:
        """Hand what was written to the system."""
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        if not self._file.closed:
            if self._deflate:
                self._file.write(self._deflate.flush())
            self._file.close()

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
