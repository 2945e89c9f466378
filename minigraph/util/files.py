"""Files that are written whole or not at all, and the folder for what can be fetched again."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, BinaryIO, Literal, TextIO, overload

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)})
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{16}\.tmp")
# What a file system answers that cannot sync a folder, or lets us write into one but not open it.
_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM})


def cache_dir() -> Path:
    """The folder for downloads and compiled code; it need not exist yet.

    `MINIGRAPH_CACHE`, else `$XDG_CACHE_HOME/minigraph`, else `~/.cache/minigraph`, else, for a user without a home, one
    of that user's in the folder for temporary files. As the XDG specification asks, a relative `XDG_CACHE_HOME` is
    ignored.
    """
    if own := os.environ.get("MINIGRAPH_CACHE"):
        return Path(own).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):
        return Path(xdg) / "minigraph"
    try:
        return Path.home() / ".cache" / "minigraph"
    except RuntimeError:  # a user that the system does not know, as in containers
        return Path(tempfile.gettempdir()) / f"minigraph-{os.getuid()}"


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make renames in `folder` survive a power cut, where the system can do that.

    Raises OSError if the disk reports a failure.
    """
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


@overload
def atomic_write(path: str | os.PathLike[str], mode: Literal["wb"] = "wb") -> AbstractContextManager[BinaryIO]: ...
@overload
def atomic_write(path: str | os.PathLike[str], mode: Literal["w"]) -> AbstractContextManager[TextIO]: ...
def atomic_write(path: str | os.PathLike[str], mode: Literal["wb", "w"] = "wb") -> AbstractContextManager[IO[Any]]:
    """Open `path` for writing so that it changes only when the `with` block ends well.

    The block writes a temporary file in the same folder (bytes for "wb", UTF-8 text for "w").
    At its end the file is synced and renamed over `path`, and the folder is synced. On any
    exception, KeyboardInterrupt and a full disk included, the temporary is removed and an old
    file at `path` is left as it was. The old file's permissions are kept; a symbolic link is
    followed; a device or a pipe, which cannot be replaced, is written to directly. Temporaries of
    the same file that killed processes have left are removed.

    Raises OSError from the disk, and ValueError for another mode.
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"atomic_write: expected mode 'wb' or 'w', got {mode!r}")
    return _atomic_write(os.path.realpath(path), mode)


@contextlib.contextmanager
def _atomic_write(path: str, mode: str) -> Iterator[IO[Any]]:
    encoding = None if mode == "wb" else "utf-8"
    try:
        old_mode = os.stat(path).st_mode
    except FileNotFoundError:
        old_mode = None
    if old_mode is not None and not stat.S_ISREG(old_mode):
        with open(path, mode, encoding=encoding) as direct:  # a folder raises here
            yield direct
        return

    folder, name = os.path.split(path)
    with contextlib.suppress(OSError):  # what is wrong with the folder is told below
        remove_leftovers(folder, name)
    try:
        temporary, descriptor = create_temporary(folder, name)
    except OSError as error:
        error.filename = path  # the user knows nothing of the temporary
        raise
    mark = os.dup(descriptor)  # which keeps the lock until the file has its name
    try:
        file = os.fdopen(descriptor, mode, encoding=encoding)
        try:
            yield file
            file.flush()
            os.fsync(descriptor)
        except BaseException as error:
            if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
                error.filename = path
            # Closing flushes again and may fail again; the first failure is the one to report.
            with contextlib.suppress(OSError):
                file.close()
            raise
        file.close()
        if old_mode is not None:
            os.chmod(temporary, stat.S_IMODE(old_mode))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    finally:
        os.close(mark)
    sync_folder(folder)


def create_temporary(folder: str, name: str, mode: int = 0o666) -> tuple[str, int]:
    """A new temporary of a file, locked so that `remove_leftovers` sees it is in use: its path and an open descriptor.

    mode: its permissions, from which the umask takes away, as for open().
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = os.path.join(folder, f"{_stem(name)}{os.urandom(8).hex()}.tmp")
        descriptor = os.open(temporary, flags, mode)
        _lock(descriptor, wait=True)
        if os.fstat(descriptor).st_nlink:
            return temporary, descriptor
        os.close(descriptor)  # it was taken for a leftover before it was locked


def _stem(name: str) -> str:
    """What the names of a file's temporaries begin with; cut, so that they stay within the usual limit of 255 bytes."""
    return f".{name[:40]}."


def _lock(descriptor: int, wait: bool) -> bool:
    """Lock a file until it is closed, or its process ends. False if another process holds it, or there are no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def remove_leftovers(folder: str | os.PathLike[str], of: str | None = None) -> None:
    """Remove the temporaries of `create_temporary` in a folder whose processes were killed.

    of: the name of a file; only its temporaries then.
    """
    for found in os.listdir(folder):
        if not _TEMPORARY.fullmatch(found) or (of is not None and found[:-20] != _stem(of)):
            continue
        path = os.path.join(folder, found)
        with contextlib.suppress(OSError):  # it is gone, or another user's
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            try:
                if stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor, wait=False):
                    os.unlink(path)
            finally:
                os.close(descriptor)
