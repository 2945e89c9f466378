"""fetch_mnist against a server on this machine that misbehaves on request."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.misbehaving import FullDisk, Handler, Server

from minigraph.core.errors import DataLossError, NotFoundError, UnavailableError
from minigraph.data import download, mnist
from minigraph.data.download import fetch_mnist

# Four small files in place of MNIST's; noise, so that gzip does not shrink them.
CONTENT = {name: np.random.default_rng(i).bytes(200_000 + i) for i, name in enumerate(mnist.FILES)}
ZIPPED = {f"/{name}.gz": gzip.compress(data, mtime=0) for name, data in CONTENT.items()}
FIRST = f"{mnist.FILES[0]}.gz"
SIZE = len(ZIPPED[f"/{FIRST}"])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    contents = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in CONTENT.items()}
    monkeypatch.setattr(mnist, "CONTENTS", contents)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(ZIPPED) as server:
        yield server


def check(folder: Path) -> None:
    """All there and whole, and nothing else but the lock."""
    assert sorted(os.listdir(folder)) == sorted([".lock", *(f"{name}.gz" for name in mnist.FILES)])
    for name, data in CONTENT.items():
        assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == data


def statuses(server: Server) -> list[tuple[str | None, int]]:
    """Range and status of the requests for the first file."""
    return [(wanted, status) for path, wanted, status in server.log if path == f"/{FIRST}"]


def test_plain_download(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "mnist"
    assert fetch_mnist(target, [server.url]) == target
    check(target)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"{name}: downloaded from {server.url}" for name in mnist.FILES]
    fetch_mnist(target, [server.url])
    assert len(server.log) == 4
    assert "already" in capsys.readouterr().err


def test_default_target_is_where_load_looks(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    monkeypatch.delenv("MINIGRAPH_DATA", raising=False)
    monkeypatch.setattr(download, "MIRRORS", (server.url,))
    assert fetch_mnist(progress=False) == tmp_path / "mnist" == mnist.search_path()[0]
    check(tmp_path / "mnist")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("etag", [None, '"abc"', 'W/"weak"'])
@pytest.mark.parametrize("length", [False, True])
def test_cut_connection_is_resumed(server: Server, tmp_path: Path, etag: str | None, length: bool) -> None:
    server.etag, server.length, server.cuts = etag, length, [70_000, 50_000]
    if length:
        fetch_mnist(tmp_path, [server.url])
        expected = [(None, 200), ("bytes=70000-", 206), ("bytes=120000-", 206)]
    else:  # the end of a file without a length can only be told by its checksum
        with pytest.raises(UnavailableError, match="expected a whole gzip stream"):
            fetch_mnist(tmp_path, [server.url])
        server.cuts = []
        fetch_mnist(tmp_path, [server.url])
        expected = [(None, 200), (None, 200)]
    assert statuses(server) == expected
    check(tmp_path)


def test_resumed_in_a_later_run(server: Server, tmp_path: Path) -> None:
    server.cuts = [1000, 0]
    with pytest.raises(UnavailableError, match=f"cut after 1000 of {SIZE} bytes"):
        fetch_mnist(tmp_path, [server.url])
    assert sorted(os.listdir(tmp_path)) == [".lock", f"{FIRST}.part"]
    fetch_mnist(tmp_path, [server.url])
    assert statuses(server)[-1] == ("bytes=1000-", 206)
    check(tmp_path)


def test_server_that_ignores_range(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [70_000]
    fetch_mnist(tmp_path, [server.url])
    assert statuses(server) == [(None, 200), ("bytes=70000-", 200)]
    check(tmp_path)


def test_file_that_changed_on_the_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{FIRST}.part").write_bytes(b"old")
    (tmp_path / f"{FIRST}.etag").write_text('"old"')
    server.etag = '"new"'
    fetch_mnist(tmp_path, [server.url])
    assert statuses(server) == [("bytes=3-", 200)]
    check(tmp_path)


@pytest.mark.parametrize(
    ("part", "expected"),
    [(bytes(3), [206, 200]), (bytes(SIZE + 5), [416, 200]), (ZIPPED[f"/{FIRST}"], [416])],
    ids=["stale", "too long", "whole"],
)
def test_part_without_a_tag(server: Server, tmp_path: Path, part: bytes, expected: list[int]) -> None:
    (tmp_path / f"{FIRST}.part").write_bytes(part)
    fetch_mnist(tmp_path, [server.url])
    assert [status for _, status in statuses(server)] == expected
    check(tmp_path)


def test_range_from_elsewhere(server: Server, tmp_path: Path) -> None:
    server.shift, server.cuts = 1, [70_000]
    fetch_mnist(tmp_path, [server.url])
    assert statuses(server) == [(None, 200), ("bytes=70000-", 206), (None, 200)]
    check(tmp_path)


def test_mirrors_in_turn(server: Server, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9/"
    server.files |= {f"/bad{path}": b"<html>log in</html>" for path in ZIPPED}
    fetch_mnist(tmp_path, [nobody, server.url + "none", server.url + "bad/", server.url])
    paths = [path for path, _, _ in server.log]
    assert paths[:3] == [f"/none/{FIRST}", f"/bad/{FIRST}", f"/{FIRST}"]
    check(tmp_path)


def test_a_mirror_goes_on_with_another_mirrors_part(server: Server, tmp_path: Path) -> None:
    server.files |= {f"/a{path}": data for path, data in ZIPPED.items()}
    server.cuts = [1000, 0]
    fetch_mnist(tmp_path, [server.url + "a", server.url])
    assert statuses(server)[0] == ("bytes=1000-", 206)
    check(tmp_path)


def test_any_gzip_of_the_content_will_do(server: Server, tmp_path: Path) -> None:
    server.files = {f"/{name}.gz": gzip.compress(data, 1) for name, data in CONTENT.items()}
    server.files[f"/{FIRST}"] = CONTENT[mnist.FILES[0]]  # unpacked by the server
    fetch_mnist(tmp_path, [server.url])
    for name in mnist.FILES:
        mnist.verify(tmp_path / f"{name}.gz", name)


@pytest.mark.parametrize("damage", ["flip", "cut", "other", "bomb"])
def test_corrupt_everywhere(server: Server, tmp_path: Path, damage: str) -> None:
    good = ZIPPED[f"/{FIRST}"]
    server.files[f"/{FIRST}"] = {
        "flip": good[:9000] + bytes([good[9000] ^ 1]) + good[9001:],
        "cut": good[:-1],
        "other": gzip.compress(bytes(200_000)),
        "bomb": gzip.compress(bytes(50_000_000)),
    }[damage]
    with pytest.raises(UnavailableError) as caught:
        fetch_mnist(tmp_path, [server.url])
    message = str(caught.value)
    assert f"{server.url}{FIRST}" in message
    assert "expected" in message
    assert "got" in message
    assert os.listdir(tmp_path) == [".lock"]


def test_endless_answer(server: Server, tmp_path: Path) -> None:
    server.endless = True
    with pytest.raises(UnavailableError, match="expected at most 265536 bytes, got more"):
        fetch_mnist(tmp_path, [server.url])
    assert os.listdir(tmp_path) == [".lock"]


def test_silent_server(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", 0.05)
    release = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda self: release.wait(5))
    try:
        with pytest.raises(UnavailableError, match="timed out"):
            fetch_mnist(tmp_path, [server.url])
    finally:
        release.set()


def test_offline_message(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        fetch_mnist(tmp_path, [server.url + "none", "http://127.0.0.1:9", "nonsense"])
    message = str(caught.value)
    assert f"{server.url}none/{FIRST}: HTTP 404" in message
    assert f"http://127.0.0.1:9/{FIRST}: " in message
    assert f"nonsense/{FIRST}: " in message
    assert "--from FOLDER" in message
    assert "MINIGRAPH_DATA" in message
    with pytest.raises(UnavailableError, match="no mirror"):
        fetch_mnist(tmp_path, [])


def test_proxy_from_the_environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.setenv("http_proxy", server.url)
    server.files = {f"http://mnist.invalid{path}": data for path, data in ZIPPED.items()}
    fetch_mnist(tmp_path, ["http://mnist.invalid"])
    monkeypatch.setattr(urllib.request, "_opener", None)
    check(tmp_path)


def test_damaged_file_is_fetched_again(server: Server, tmp_path: Path) -> None:
    fetch_mnist(tmp_path, [server.url])
    (tmp_path / FIRST).write_bytes(b"damaged")
    fetch_mnist(tmp_path, [server.url])
    check(tmp_path)
    assert len(server.log) == 5


def test_full_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_full(path: Path, mode: str) -> Any:
        return FullDisk(path, mode) if str(path).endswith(".part") else open(path, mode)

    monkeypatch.setattr(download, "open", open_full, raising=False)
    with pytest.raises(OSError) as caught:
        fetch_mnist(tmp_path, [server.url])
    assert caught.value.errno == errno.ENOSPC
    assert not (tmp_path / FIRST).exists()
    assert len(server.log) == 1  # another mirror would not help


def test_interrupt_keeps_the_part(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(download._Report, "advance", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch_mnist(tmp_path, [server.url])
    assert not (tmp_path / FIRST).exists()
    assert (tmp_path / f"{FIRST}.part").stat().st_size > 0
    fetch_mnist(tmp_path, [server.url])
    assert statuses(server)[1][1] == 206
    check(tmp_path)


def test_three_at_once(server: Server, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(fetch_mnist, [tmp_path] * 3, [[server.url]] * 3)) == [tmp_path] * 3
    check(tmp_path)
    assert len(server.log) == 4


def test_bar_on_a_terminal(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    server.cuts = [70_000]
    fetch_mnist(tmp_path, [server.url])
    assert "downloaded from" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()
    check(tmp_path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("sub", ["", "mnist"])
def test_from_a_folder(server: Server, tmp_path: Path, zipped: bool, sub: str) -> None:
    source = tmp_path / "source" / sub
    source.mkdir(parents=True)
    for name, data in CONTENT.items():
        (source / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)
    fetch_mnist(tmp_path / "target", source_folder=tmp_path / "source")
    check(tmp_path / "target")
    assert not server.log


def test_from_a_folder_that_is_no_good(server: Server, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with pytest.raises(NotFoundError, match=f"expected {FIRST}"):
        fetch_mnist(target, source_folder=source)
    source.mkdir()
    (source / FIRST).write_bytes(ZIPPED[f"/{FIRST}"][:-9])
    with pytest.raises(DataLossError, match=str(source / FIRST)):
        fetch_mnist(target, source_folder=source)
    assert os.listdir(target) == [".lock"]


def test_a_server_that_sends_too_slowly_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is kept, byte by byte."""
    server.drip = 0.01
    monkeypatch.setattr(download, "_WINDOW", 0.2)
    with pytest.raises(UnavailableError, match=r"less than 1000 bytes a second for 0\.2 s, after \d+ bytes"):
        fetch_mnist(tmp_path, [server.url])
    assert (tmp_path / f"{FIRST}.part").stat().st_size > 5
    server.drip = 0.0
    fetch_mnist(tmp_path, [server.url])
    check(tmp_path)


def test_a_download_that_takes_too_long_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.drip = 0.01
    monkeypatch.setattr(download, "_LONGEST", 0.1)
    with pytest.raises(UnavailableError, match=r"not done after 0\.1 s"):
        fetch_mnist(tmp_path, [server.url])
