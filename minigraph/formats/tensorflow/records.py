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

_LENGTH, _CHECK = struct.Struct("<Q"), struct.Struct("<I")


def read_records(path: Any, compression: str = "") -> Iterator[bytes]:
    """The records of a file.

    compression: "", "GZIP" or "ZLIB". Raises FileNotFoundError at once, and DataLossError where the file is damaged.
    """
    file = _opened(path, "rb", compression)
    return _records(file, os.fspath(path))


def _records(file: Any, name: Any) -> Iterator[bytes]:
    with file:
        place = 0
        while True:
            head = file.read(12)
            if not head:
                return
            if len(head) < 12:
                raise DataLossError(f"truncated record at {place} in {name}")
            length = _verified(head, "length", place, name)
            size = _LENGTH.unpack(length)[0]
            data = _verified(file.read(size + 4), "data", place, name, size)
            yield data
            place += size + 16


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
        self._ready = b""

    def read(self, size: int) -> bytes:
        while len(self._ready) < size:
            more = self._file.read(1 << 16)
            if not more:
                break
            self._ready += self._stream.decompress(more)
        found, self._ready = self._ready[:size], self._ready[size:]
        return found

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
