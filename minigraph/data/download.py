"""Download of the full MNIST set from public mirrors, or its copy from a folder, verified by checksums."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from minigraph.core.errors import DataLossError, NotFoundError, UnavailableError
from minigraph.core.typing import PathLike
from minigraph.data import mnist
from minigraph.data.idx import open_content
from minigraph.util.files import atomic_write, cache_dir, sync_folder

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from rich.progress import Progress, TaskID

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)

_TIMEOUT = 30.0  # seconds that a server may stay silent
_WINDOW = 30.0  # seconds in which at least _SLOWEST bytes a second must come
_SLOWEST = 1000
_LONGEST = 3600.0  # seconds for one answer
_ATTEMPTS = 3  # per mirror and file, each going on where the one before was cut
_CHUNK = 1 << 16  # bytes
_GZIP_EXTRA = 1 << 16  # bytes; gzip of data it cannot shrink adds less


class _TransferError(Exception):
    """A download that ended early, with the reason. The received part is kept for the next attempt."""


def fetch_mnist(
    target: PathLike | None = None,
    mirrors: Sequence[str] | None = None,
    progress: bool = True,
    source_folder: PathLike | None = None,
) -> Path:
    """Put the four gzipped files of MNIST, about 11 MB, into a folder.

    Each file is checked by size and SHA-256 before it gets its name. Whole files are kept. A download that was
    interrupted continues from its `.part` file.

    Args:
        target: The folder; by default the one in the cache where `load("mnist")` looks.
        mirrors: Addresses of folders, tried in order; by default public ones. The environment names proxies.
        progress: Whether to report on stderr, with a bar on a terminal, or with a line for each file.
        source_folder: Folder to copy the files from, its subfolder `mnist` or itself, instead of a download.

    Returns:
        The folder.

    Raises:
        UnavailableError: No mirror has a file.
        NotFoundError: A file does not exist in `source_folder`.
        DataLossError: A file in `source_folder` is damaged.
        OSError: The folder cannot be written.

    Example:
        >>> from minigraph import data
        >>> try:
        ...     folder = data.fetch_mnist("mnist", mirrors=[], progress=False)
        ... except tf.errors.UnavailableError:
        ...     print("no mirror has the files")
        no mirror has the files
    """
    folder = cache_dir() / "mnist" if target is None else Path(target)
    with _Report(progress) as report:
        if all(_is_whole(folder, name) for name in mnist.FILES):
            report.line(f"MNIST is in {folder} already")
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, report):
            for name in mnist.FILES:
                if _is_whole(folder, name):
                    report.line(f"{name}: there already")
                elif source_folder is not None:
                    _copy(Path(source_folder), folder, name)
                    report.line(f"{name}: copied from {os.fspath(source_folder)}")
                else:
                    _download(folder, name, MIRRORS if mirrors is None else mirrors, report)
    return folder


def _is_whole(folder: Path, name: str) -> bool:
    path = mnist.find_file(folder, name)
    if path is None:
        return False
    try:
        mnist.verify(path, name)
    except DataLossError:
        return False
    return True


@contextmanager
def _locked(folder: Path, report: _Report) -> Iterator[None]:
    """Prevent two processes from writing the same `.part` file, if the system has file locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(folder / ".lock", "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report.line(f"waiting for another download into {folder}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copy(source: Path, folder: Path, name: str) -> None:
    import gzip
    import shutil

    path = mnist.find_file(source / "mnist", name) or mnist.find_file(source, name)
    if path is None:
        raise NotFoundError(f"{source}: expected {name}.gz or {name} in it or in {source / 'mnist'}")
    mnist.verify(path, name)
    with (
        open_content(path) as content,
        atomic_write(folder / f"{name}.gz") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as zipped,
    ):
        shutil.copyfileobj(content, zipped, _CHUNK)


def _download(folder: Path, name: str, mirrors: Sequence[str], report: _Report) -> None:
    part = folder / f"{name}.gz.part"
    limit = mnist.CONTENTS[name][0] + _GZIP_EXTRA
    failures: list[str] = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}.gz"
        for _ in range(_ATTEMPTS):
            before = _size(part)
            try:
                _receive(url, part, limit, report)
                mnist.verify(part, name)
            except (_TransferError, DataLossError) as error:
                if isinstance(error, DataLossError):
                    part.unlink()
                failures.append(f"  {url}: {error}\n")
                if _size(part) == before:  # nothing gained, and no stale part dropped
                    break
            else:
                with open(part, "rb+") as file:
                    os.fsync(file.fileno())
                os.replace(part, folder / f"{name}.gz")
                _tag_file(part).unlink(missing_ok=True)
                sync_folder(folder)
                report.line(f"{name}: downloaded from {mirror}")
                return
    raise UnavailableError(
        f"cannot download MNIST's {name}. Tried:\n"
        + ("".join(failures) or "  no mirror\n")
        + "If you have the files, `minigraph data mnist --from FOLDER` takes them from a folder;"
        " or set MINIGRAPH_DATA to the folder that holds them."
    )


def _receive(url: str, part: Path, limit: int, report: _Report) -> None:
    """Download `url` into `part`. Continue from the end of `part` if the server supports it and has the same file.

    limit: maximum size in bytes; a longer response cannot be the file. Raises _TransferError.
    """
    have = _size(part)
    response = _request(url, part, have)
    if response is None:  # nothing after the bytes in `part`: the checksum decides
        return
    with response:
        start = _start_of(response, part, have)
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isascii() and length.isdigit() else None
        report.start(part.stem, start, total)
        _save(response, part, start, limit, report)
    if total is not None and (have := _size(part)) < total:
        raise _TransferError(f"cut after {have} of {total} bytes")


def _request(url: str, part: Path, have: int) -> HTTPResponse | None:
    """Ask for the bytes from `have`; None if the server says that there are no more."""
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    headers = {"User-Agent": "minigraph", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _tag_file(part).exists():
            headers["If-Range"] = _tag_file(part).read_text("ascii")
    try:
        response: HTTPResponse = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT)
        return response
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            return None
        raise _TransferError(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _TransferError(f"{error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise _TransferError(f"{type(error).__name__}: {error}") from error


def _start_of(response: HTTPResponse, part: Path, have: int) -> int:
    """The offset in the file at which the response starts: `have` or 0."""
    if response.status == 206:
        answer = response.headers.get("Content-Range", "")
        if not answer.startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise _TransferError(f"asked for bytes from {have}, got {answer!r}")
        return have
    if response.status != 200:
        raise _TransferError(f"expected HTTP 200 or 206, got {response.status}")
    _remember_tag(_tag_file(part), response.headers.get("ETag"))
    return 0


def _save(response: HTTPResponse, part: Path, have: int, limit: int, report: _Report) -> None:
    """Write the response into `part`, after the first `have` bytes."""
    from http.client import HTTPException

    began = since = time.monotonic()
    arrived = 0
    with open(part, "ab" if response.status == 206 else "wb") as file:
        while True:
            if (now := time.monotonic()) - began > _LONGEST:
                raise _TransferError(f"not done after {_LONGEST:g} s")
            if now - since > _WINDOW:
                if arrived < _SLOWEST * (now - since):
                    raise _TransferError(f"less than {_SLOWEST} bytes a second for {_WINDOW:g} s, after {have} bytes")
                since, arrived = now, 0
            try:
                chunk = response.read1(_CHUNK)  # as much as is there, so that little by little is kept, too
            except (OSError, HTTPException) as error:
                raise _TransferError(f"cut after {have} bytes ({type(error).__name__}: {error})") from error
            if not chunk:
                return
            have += len(chunk)
            arrived += len(chunk)
            if have > limit:
                part.unlink()
                raise _TransferError(f"expected at most {limit} bytes, got more")
            file.write(chunk)
            file.flush()
            report.advance(len(chunk))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tag_file(part: Path) -> Path:
    return part.with_suffix(".etag")


def _remember_tag(tag_file: Path, tag: str | None) -> None:
    # If-Range takes only strong tags; a weak one starts with W/.
    if tag is not None and tag.isascii() and tag.startswith('"'):
        tag_file.write_text(tag, "ascii")
    else:
        tag_file.unlink(missing_ok=True)


class _Report:
    """Progress on stderr: a bar on a terminal, otherwise one line per file; or nothing."""

    def __init__(self, show: bool) -> None:
        self._show = show
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> _Report:
        if self._show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
            from rich.progress import TimeRemainingColumn as Remaining

            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), Remaining())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def line(self, text: str) -> None:
        """Print a line."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        elif self._show:
            print(text, file=sys.stderr)

    def start(self, name: str, have: int, total: int | None) -> None:
        """Start or restart the bar of a file at `have` of `total` bytes."""
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(name, completed=have, total=total)

    def advance(self, count: int) -> None:
        """Advance the bar by `count` bytes."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)
