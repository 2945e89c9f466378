"""atomic_write leaves the old file or the new one, never anything else."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.misbehaving import FullDisk

from minigraph.util.files import atomic_write, cache_dir, remove_leftovers, sync_folder


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_bytes_and_text(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as file:
        file.write(b"\x00\r\n")
        assert not (tmp_path / "a").exists()
    with atomic_write(tmp_path / "b", "w") as text:
        text.write("ü")
    assert (tmp_path / "a").read_bytes() == b"\x00\r\n"
    assert (tmp_path / "b").read_bytes() == "ü".encode()
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, b"old"])
def test_exception_in_the_block(tmp_path: Path, error: type[BaseException], old: bytes | None) -> None:
    path = tmp_path / "a"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(error), atomic_write(path) as file:  # noqa: PT012 - the block is what is tested
        file.write(b"new")
        file.flush()
        raise error
    assert os.listdir(tmp_path) == ([] if old is None else ["a"])
    assert old is None or path.read_bytes() == old


@pytest.mark.parametrize("failing", ["fsync", "replace", "chmod"])
def test_full_disk_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError) as caught, atomic_write(path) as file:
        file.write(b"new")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_full_disk_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fdopen(descriptor: int, *_: object, **__: object) -> io.BufferedWriter:
        return io.BufferedWriter(FullDisk(descriptor, "wb"))

    monkeypatch.setattr(os, "fdopen", fdopen)
    with pytest.raises(OSError) as caught, atomic_write(path) as file:
        file.write(b"x" * size)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    mask = os.umask(0o027)
    try:
        with atomic_write(path) as file:
            file.write(b"1")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        with atomic_write(path) as file:
            file.write(b"2")
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(mask)


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_pipe_is_written_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with atomic_write(pipe) as file:
            file.write(b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


def test_long_names_and_wrong_uses(tmp_path: Path) -> None:
    with atomic_write(tmp_path / ("x" * 255)) as file:
        file.write(b"1")
    with pytest.raises(ValueError, match="'wb' or 'w', got 'r'"):
        atomic_write(tmp_path / "a", "r")  # type: ignore[call-overload]
    with pytest.raises(IsADirectoryError), atomic_write(tmp_path):
        pass
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "none" / "a"):
        pass


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_sync_folder_reports_only_real_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    if code == errno.EINVAL:
        sync_folder(tmp_path)
    else:
        with pytest.raises(OSError):
            sync_folder(tmp_path)


def test_cache_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("MINIGRAPH_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == Path("/home/ann/.cache/minigraph")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == Path("/home/ann/.cache/minigraph")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_dir() == Path("/xdg/minigraph")
    monkeypatch.setenv("MINIGRAPH_CACHE", "~/own")
    assert cache_dir() == Path("/home/ann/own")


def test_cache_dir_of_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is started for a number that no user has."""

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("MINIGRAPH_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    assert cache_dir().name == f"minigraph-{os.getuid()}"


def test_the_temporaries_of_killed_processes_are_removed(tmp_path: Path) -> None:
    """Those of processes that still write are not, nor are the user's files."""
    program = (
        "import os, signal, sys\nfrom minigraph.util.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n    file.write(bytes(1000))\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "killed")], check=False)
    assert len(os.listdir(tmp_path)) == 1
    (tmp_path / ".own.tmp").write_bytes(b"")
    with atomic_write(tmp_path / "a") as file:
        file.write(b"a")
        remove_leftovers(tmp_path)
        assert sorted(p.name[:3] for p in tmp_path.iterdir()) == [".a.", ".ow"]
    assert sorted(os.listdir(tmp_path)) == [".own.tmp", "a"]


def test_an_error_of_a_full_disk_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, atomic_write(tmp_path / "a"):
        full()
    assert caught.value.filename == str(tmp_path / "a")


def test_a_file_that_is_written_again_leaves_no_temporary_of_a_killed_process(tmp_path: Path) -> None:
    """Those of other files, and those in use, stay."""
    target = tmp_path / "w.npz"
    dead, other = tmp_path / ".w.npz.0123456789abcdef.tmp", tmp_path / ".v.npz.0123456789abcdef.tmp"
    for path in (dead, other):
        path.write_bytes(b"half")
    with atomic_write(target) as first:
        first.write(b"1")
        assert not dead.exists()
        in_use = set(tmp_path.iterdir())
        with atomic_write(target) as second:
            second.write(b"2")
        assert set(tmp_path.iterdir()) == in_use | {target}
    assert set(tmp_path.iterdir()) == {target, other}
    assert target.read_bytes() == b"1"
