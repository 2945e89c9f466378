"""Compiled code and results of timed trials on disk: files with checksums, the longest unused removed first."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from minigraph.util.files import atomic_write, cache_dir

LIMITS = {"llvm": 256 << 20, "cuda": 256 << 20, "tuning": 1 << 20}  # bytes, by kind
_SUFFIX = ".obj"
_DIGEST = hashlib.sha256().digest_size
_sizes: dict[Path, int] = {}  # bytes in each folder when it was last looked at, and those written since


class Entry(NamedTuple):
    """A file of the cache: bytes, and seconds since the epoch of its last use."""

    path: Path
    size: int
    used: float


class ObjectCache:
    """Bytes by key. A damaged or foreign entry counts as absent; so does everything on a disk that fails, because the
    compiler can make it again. Several processes may read and write at the same time."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def _path(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + _SUFFIX)

    def __contains__(self, key: str) -> bool:
        return self._path(key).exists()

    def get(self, key: str) -> bytes | None:
        """The bytes of that key, or None."""
        path = self._path(key)
        try:
            whole = path.read_bytes()
        except OSError:
            return None
        digest, content = whole[:_DIGEST], whole[_DIGEST:]
        if digest != _checksum(key, content):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep the bytes, and remove the longest unused entries beyond the limit."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._path(key), durable=False) as file:
                file.write(_checksum(key, content) + content)
            _sizes[self.folder] = _sizes.get(self.folder, self.limit) + _DIGEST + len(content)
            if _sizes[self.folder] > self.limit:
                self._evict()

    def _evict(self) -> None:
        entries = sorted(self.entries(), key=lambda e: e.used)
        _sizes[self.folder] = sum(e.size for e in entries)
        excess = _sizes[self.folder] - self.limit
        for entry in entries:
            if excess <= 0:
                break
            entry.path.unlink(missing_ok=True)
            excess -= entry.size

    def entries(self) -> Iterator[Entry]:
        """All entries, in no order."""
        for path in self.folder.glob("*" + _SUFFIX):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                yield Entry(path, status.st_size, status.st_mtime)

    def clear(self) -> int:
        """Remove all entries; returns how many."""
        found = list(self.entries())
        for entry in found:
            entry.path.unlink(missing_ok=True)
        return len(found)


def objects(kind: str) -> ObjectCache:
    """The cache of one kind, of LIMITS; MINIGRAPH_CACHE moves it."""
    return ObjectCache(cache_dir() / kind, LIMITS[kind])


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + content).digest()
