"""Compiled code and results of timed trials on disk: files with checksums, the longest unused removed first.

Compiled code runs, so nobody else may write it. A folder or entry that belongs to another user, or that others may
write to, is not read, and the checksums are keyed with a secret that only this user can read.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from minigraph.util.files import cache_dir, create_temporary, remove_leftovers

LIMITS = {"llvm": 256 << 20, "cuda": 256 << 20, "tuning": 1 << 20}  # bytes, by kind
_SUFFIX = ".obj"
_SECRET = ".secret"
_SECRET_SIZE = 32
_DIGEST = hashlib.sha256().digest_size
_tidied: set[Path] = set()  # folders without temporaries of processes that were killed before this one started
_sizes: dict[Path, int] = {}  # bytes in each folder when it was last looked at, and those written since


class Entry(NamedTuple):
    """A file of the cache: bytes, and seconds since the epoch of its last use."""

    path: Path
    size: int
    used: float


class ObjectCache:
    """Bytes by key. A damaged entry, or one that others may have written, counts as absent; so does everything on a
    disk that fails, because the compiler can make it again. Several processes may read and write at the same time."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def _path(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + _SUFFIX)

    def __contains__(self, key: str) -> bool:
        return self._path(key).exists()

    def refusal(self) -> str | None:
        """The reason why the folder is not used, or None."""
        try:
            status = self.folder.stat()
        except OSError:
            return None
        return _complaint(status)

    def get(self, key: str) -> bytes | None:
        """The bytes of that key, or None."""
        path = self._path(key)
        try:
            secret = self._secret()
            whole = _read_own(path)
        except OSError:
            return None
        if secret is None or whole is None:
            return None
        digest, content = whole[:_DIGEST], whole[_DIGEST:]
        if not hmac.compare_digest(digest, _checksum(secret, key, content)):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def _secret(self) -> bytes | None:
        """The folder's secret; None if others may have written the folder or the secret."""
        if _complaint(self.folder.stat()) is not None:
            return None
        secret = _read_own(self.folder / _SECRET)
        return secret if secret is not None and len(secret) == _SECRET_SIZE else None

    def _new_secret(self) -> bytes | None:
        """Make the folder's secret. Of two processes that do so at once, one writes entries that nobody reads."""
        if self.refusal() is not None:
            return None
        _write_own(self.folder / _SECRET, os.urandom(_SECRET_SIZE))
        return self._secret()

    def put(self, key: str, content: bytes) -> None:
        """Keep the bytes, and remove the longest unused entries beyond the limit."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(0o700, parents=True, exist_ok=True)
            try:
                secret = self._secret()
            except FileNotFoundError:
                secret = None
            if (secret := secret or self._new_secret()) is None:
                return
            _write_own(self._path(key), _checksum(secret, key, content) + content)
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
    cache = ObjectCache(cache_dir() / kind, LIMITS[kind])
    if cache.folder not in _tidied:
        _tidied.add(cache.folder)
        if cache.refusal() is None:
            with contextlib.suppress(OSError):
                remove_leftovers(cache.folder)
    return cache


def _checksum(secret: bytes, key: str, content: bytes) -> bytes:
    return hmac.digest(secret, hashlib.sha256(key.encode()).digest() + content, "sha256")


def _complaint(status: os.stat_result) -> str | None:
    """The reason not to trust a file or folder, or None: another user's, or one that others may write to."""
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid != os.geteuid():
        return f"it belongs to the user {status.st_uid}"
    return "others may write to it" if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else None


def _write_own(path: Path, content: bytes) -> None:
    """Write a file that only this user can read and write, whole or not at all, whatever was there before. OSError."""
    temporary, descriptor = create_temporary(str(path.parent), path.name, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.replace(temporary, path)  # before it is closed: until then its lock says that it is in use
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _read_own(path: Path) -> bytes | None:
    """The bytes of a regular file, no link, that only this user may have written; None for any other. OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        return file.read() if stat.S_ISREG(status.st_mode) and _complaint(status) is None else None
