"""`tf.gfile`: files and folders by path."""

from __future__ import annotations

import glob as _glob
import io
import os
import shutil
from collections.abc import Iterator
from typing import Any

from minigraph.core.errors import NotFoundError


class GFile:
    """A file, opened at first use. NotFoundError where there is none to read."""

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.name = os.fspath(name)
        self.mode = mode
        self._file: Any = None

    @property
    def _open(self) -> Any:
        if self._file is None:
            try:
                encoding = None if "b" in self.mode else "utf-8"
                self._file = open(self.name, self.mode, encoding=encoding)  # noqa: SIM115  (closed by `close`)
            except FileNotFoundError as error:
                raise NotFoundError(f"{self.name}; No such file or directory") from error
        return self._file

    def read(self, n: int = -1) -> Any:
        return self._open.read(n)

    def readline(self) -> Any:
        return self._open.readline()

    def readlines(self) -> list[Any]:
        return list(self._open.readlines())

    def write(self, text: Any) -> None:
        self._open.write(text)

    def seek(self, offset: int, whence: int = 0) -> None:
        self._open.seek(offset, whence)

    def tell(self) -> int:
        return int(self._open.tell())

    def size(self) -> int:
        return os.path.getsize(self.name)

    def flush(self) -> None:
        self._open.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._open)

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


Open = FastGFile = GFile


def Exists(path: Any) -> bool:
    return os.path.exists(path)


def IsDirectory(path: Any) -> bool:
    return os.path.isdir(path)


def ListDirectory(path: Any) -> list[str]:
    """The names in a folder. NotFoundError where there is none."""
    if not os.path.isdir(path):
        raise NotFoundError(f"Could not find directory {os.fspath(path)}")
    return os.listdir(path)


def Glob(pattern: Any) -> list[str]:
    """The paths that fit a pattern, or any of several."""
    patterns = pattern if isinstance(pattern, list | tuple) else [pattern]
    return [path for p in patterns for path in sorted(_glob.glob(os.fspath(p)))]


def MakeDirs(path: Any) -> None:
    os.makedirs(path, exist_ok=True)


def MkDir(path: Any) -> None:
    os.mkdir(path)


def Remove(path: Any) -> None:
    """Remove a file. NotFoundError where there is none."""
    try:
        os.remove(path)
    except FileNotFoundError as error:
        raise NotFoundError(f"{os.fspath(path)}; No such file or directory") from error


def DeleteRecursively(path: Any) -> None:
    """Remove a folder with all in it. NotFoundError where there is none."""
    if not os.path.isdir(path):
        raise NotFoundError(f"{os.fspath(path)}; No such file or directory")
    shutil.rmtree(path)


def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copy a file. OSError where there is one already, without `overwrite`."""
    _refuse_to_overwrite(newpath, overwrite)
    shutil.copyfile(oldpath, newpath)


def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Rename a file or folder. OSError where there is one already, without `overwrite`."""
    _refuse_to_overwrite(newname, overwrite)
    os.replace(oldname, newname)


def _refuse_to_overwrite(path: Any, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{os.fspath(path)}: file already exists")


def Stat(path: Any) -> os.stat_result:
    return os.stat(path)


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """(folder, folders in it, files in it) for a folder and all below it."""
    return os.walk(os.fspath(top), topdown=in_order)


SEEK_SET, SEEK_CUR, SEEK_END = io.SEEK_SET, io.SEEK_CUR, io.SEEK_END

# The names of `tf.io.gfile`.
copy, exists, glob, isdir, listdir, makedirs, mkdir, remove, rename, rmtree, stat, walk = (
    Copy, Exists, Glob, IsDirectory, ListDirectory, MakeDirs, MkDir, Remove, Rename, DeleteRecursively, Stat, Walk,
)  # fmt: skip
