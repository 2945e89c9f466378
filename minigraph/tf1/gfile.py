"""`tf.gfile`: files and folders by path. Failures raise errors of `tf.errors`."""

from __future__ import annotations

import glob as _glob
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from minigraph.core.arguments import renamed
from minigraph.core.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
)
from minigraph.util.nest import listed


@contextmanager
def _errors_of(path: Any) -> Iterator[None]:
    """Converts the operating system's errors to TensorFlow's."""
    name = os.fspath(path)
    try:
        yield
    except OpError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"{name}; No such file or directory") from error
    except FileExistsError as error:
        raise AlreadyExistsError(f"{name}; file already exists") from error
    except (IsADirectoryError, NotADirectoryError) as error:
        raise FailedPreconditionError(f"{name}; {error.strerror}") from error
    except PermissionError as error:
        raise PermissionDeniedError(f"{name}; {error.strerror}") from error


class GFile:
    """A file, opened on first use. Raises NotFoundError if a file to read does not exist."""

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.name = os.fspath(name)
        self.mode = mode
        self._file: Any = None

    @property
    def _open(self) -> Any:
        if self._file is None:
            with _errors_of(self.name):
                encoding = None if "b" in self.mode else "utf-8"
                self._file = open(self.name, self.mode, encoding=encoding)  # noqa: SIM115  (closed by `close`)
        return self._file

    def _to_read(self) -> Any:
        if not self._open.readable():
            raise PermissionDeniedError(f"File isn't open for reading: {self.name} (mode {self.mode!r})")
        return self._open

    def read(self, n: int = -1) -> Any:
        return self._to_read().read(n)

    def readline(self) -> Any:
        return self._to_read().readline()

    def readlines(self) -> list[Any]:
        return list(self._to_read().readlines())

    def write(self, file_content: Any) -> None:
        if not self._open.writable():
            raise PermissionDeniedError(f"File isn't open for writing: {self.name} (mode {self.mode!r})")
        self._open.write(file_content)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Go to a place. position: an older name of `offset`."""
        place = renamed("offset", offset, "position", position)
        if place is None:
            raise TypeError("seek(): offset argument required")
        self._open.seek(place, whence)

    def tell(self) -> int:
        return int(self._open.tell())

    def size(self) -> int:
        with _errors_of(self.name):
            return os.path.getsize(self.name)

    def flush(self) -> None:
        self._open.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._to_read())

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


Open = FastGFile = GFile


def Exists(filename: Any) -> bool:
    return os.path.exists(filename)


def IsDirectory(dirname: Any) -> bool:
    return os.path.isdir(dirname)


def ListDirectory(dirname: Any) -> list[str]:
    """The names in a folder. Raises NotFoundError if it does not exist."""
    if not os.path.isdir(dirname):
        raise NotFoundError(f"Could not find directory {os.fspath(dirname)}")
    return os.listdir(dirname)


def Glob(filename: Any) -> list[str]:
    """The paths that match a pattern, or any of several."""
    patterns = listed(filename)
    return [path for p in patterns for path in sorted(_glob.glob(os.fspath(p)))]


def MakeDirs(dirname: Any) -> None:
    """Create a folder and its parents unless they exist."""
    with _errors_of(dirname):
        os.makedirs(dirname, exist_ok=True)


def MkDir(dirname: Any) -> None:
    """Create a folder unless it exists. Raises NotFoundError if its parent does not exist."""
    if not os.path.isdir(dirname):
        with _errors_of(dirname):
            os.mkdir(dirname)


def Remove(filename: Any) -> None:
    """Remove a file. Raises NotFoundError if it does not exist."""
    with _errors_of(filename):
        os.remove(filename)


def DeleteRecursively(dirname: Any) -> None:
    """Remove a folder and its contents. Raises NotFoundError if it does not exist."""
    with _errors_of(dirname):
        if os.path.isdir(dirname):
            shutil.rmtree(dirname)
        else:
            os.remove(dirname)


def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copy a file. Raises AlreadyExistsError if the target exists, unless `overwrite`."""
    with _errors_of(oldpath):
        _refuse_to_overwrite(newpath, overwrite)
        shutil.copyfile(oldpath, newpath)


def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Rename a file or folder. Raises AlreadyExistsError if the target exists, unless `overwrite`."""
    with _errors_of(oldname):
        _refuse_to_overwrite(newname, overwrite)
        os.replace(oldname, newname)


def _refuse_to_overwrite(path: Any, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise AlreadyExistsError(f"{os.fspath(path)}; file already exists")


class FileStatistics(NamedTuple):
    """Size in bytes, time of the last change in nanoseconds, and whether it is a folder."""

    length: int
    mtime_nsec: int
    is_directory: bool


def Stat(filename: Any) -> FileStatistics:
    """The status of a path. Raises NotFoundError if it does not exist."""
    with _errors_of(filename):
        found = os.stat(filename)
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(filename))


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield (folder, its folders, its files) for a folder and all folders below it."""
    return os.walk(os.fspath(top), topdown=in_order)


SEEK_SET, SEEK_CUR, SEEK_END = io.SEEK_SET, io.SEEK_CUR, io.SEEK_END


# The names of `tf.io.gfile`, whose arguments have other names, too.


def exists(path: Any) -> bool:
    return Exists(path)


def isdir(path: Any) -> bool:
    return IsDirectory(path)


def listdir(path: Any) -> list[str]:
    """The names in a folder. Raises NotFoundError if it does not exist."""
    return ListDirectory(path)


def glob(pattern: Any) -> list[str]:
    """The paths that match a pattern, or any of several."""
    return Glob(pattern)


def makedirs(path: Any) -> None:
    """Create a folder and its parents unless they exist."""
    MakeDirs(path)


def mkdir(path: Any) -> None:
    """Create a folder unless it exists. Raises NotFoundError if its parent does not exist."""
    MkDir(path)


def remove(path: Any) -> None:
    """Remove a file. Raises NotFoundError if it does not exist."""
    Remove(path)


def rmtree(path: Any) -> None:
    """Remove a folder and its contents. Raises NotFoundError if it does not exist."""
    DeleteRecursively(path)


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copy a file. Raises AlreadyExistsError if the target exists, unless `overwrite`."""
    Copy(src, dst, overwrite)


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Rename a file or folder. Raises AlreadyExistsError if the target exists, unless `overwrite`."""
    Rename(src, dst, overwrite)


def stat(path: Any) -> FileStatistics:
    """The status of a path. Raises NotFoundError if it does not exist."""
    return Stat(path)


def walk(top: Any, topdown: bool = True, onerror: Any = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield (folder, its folders, its files) for a folder and all below it. onerror: called with errors of folders."""
    return os.walk(os.fspath(top), topdown, onerror)
