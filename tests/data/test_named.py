"""Data sets by their names: where they are looked for, and how they are fetched without a network.

Tests `data/dataset.py`.
"""

from __future__ import annotations

import hashlib
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from support.data_sets import write_cifar10
from support.digits_folder import write_digits
from support.needed import needed

from minigraph.core.errors import (
    DataLossError,
    InvalidArgumentError,
    MissingPackageError,
    NotFoundError,
    UnavailableError,
)
from minigraph.data import cifar10, fetch, load, mnist, named
from minigraph.data.named import load_folder


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("MINIGRAPH_DATA", raising=False)
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a small archive, which counts as CIFAR-10's own."""
    folder = write_cifar10(tmp_path / "server", archive=True)
    checksum = hashlib.sha256((folder / cifar10.ARCHIVE).read_bytes()).hexdigest()
    monkeypatch.setattr(named, "_FILES", {"cifar10": {cifar10.ARCHIVE: checksum}})
    return folder


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10"])
def test_a_missing_set_names_the_command(name: str) -> None:
    with pytest.raises(NotFoundError, match=f"`minigraph data {name}` downloads them"):
        load(name)


def test_files_of_fashion_mnist_are_not_taken_for_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_DATA", str(tmp_path))
    write_digits(tmp_path)
    assert load("mnist").classes[1] == "1"
    with pytest.raises(NotFoundError):
        load("fashion-mnist")
    write_digits(tmp_path / "fashion-mnist", train=10)
    assert load("fashion-mnist").classes[1] == "trouser"
    assert len(load("fashion-mnist").train_images) == 10


def test_a_folder_tells_what_it_holds(tmp_path: Path) -> None:
    assert load_folder(write_cifar10(tmp_path / "a")).classes[0] == "airplane"
    write_cifar10(tmp_path / "b" / "cifar10", archive=True)
    assert load_folder(tmp_path / "b").classes[0] == "airplane"
    assert load_folder(write_digits(tmp_path / "c")).classes[0] == "0"
    assert load_folder(write_digits(tmp_path / "fashion-mnist")).classes[0] == "T-shirt"


def test_a_folders_own_files_are_not_taken_for_those_of_a_subfolder(tmp_path: Path) -> None:
    write_digits(tmp_path, train=30)
    write_digits(tmp_path / "fashion-mnist", train=10)
    (tmp_path / "cifar10").mkdir()
    found = load_folder(tmp_path)
    assert (found.classes[0], len(found.train_images)) == ("0", 30)
    for name, first, count in (("mnist", "0", 30), ("fashion-mnist", "T-shirt", 10)):
        found = load(name, tmp_path)
        assert (found.classes[0], len(found.train_images)) == (first, count)


def test_the_subfolder_with_a_whole_set_counts(tmp_path: Path) -> None:
    (tmp_path / "cifar10").mkdir()
    write_digits(tmp_path / "mnist")
    (write_digits(tmp_path / "fashion-mnist") / mnist.TEST_LABELS).unlink()
    assert load_folder(tmp_path).classes[0] == "0"


@pytest.mark.parametrize("inside", ["", "fashion-mnist"])
def test_a_folder_with_several_sets_is_refused(inside: str, tmp_path: Path) -> None:
    write_digits(tmp_path / inside)
    write_cifar10(tmp_path / ("cifar10" if inside else ""), archive=True)
    with pytest.raises(InvalidArgumentError, match=r"expected one data set, got .*mnist \(.*, cifar10 \(.*"):
        load_folder(tmp_path)


def test_a_folder_without_a_whole_set_names_the_missing_files(tmp_path: Path) -> None:
    (write_digits(tmp_path / "fashion-mnist") / mnist.TEST_LABELS).unlink()
    with pytest.raises(NotFoundError, match=f"files of fashion-mnist.*(?s:.*)no {mnist.TEST_LABELS}"):
        load_folder(tmp_path)


def test_the_file_of_the_sets_own_subfolder_is_copied(archive: Path, tmp_path: Path) -> None:
    (archive / "cifar10").mkdir()
    (archive / cifar10.ARCHIVE).rename(archive / "cifar10" / cifar10.ARCHIVE)
    (archive / cifar10.ARCHIVE).write_bytes(b"the file of another set")
    folder = fetch("cifar10", tmp_path / "copy", source_folder=archive, progress=False)
    assert len(load("cifar10", folder).train_images) == 20


def test_copies_from_a_folder(archive: Path, cache: Path) -> None:
    assert fetch("cifar10", source_folder=archive, progress=False) == cache / "cifar10"
    assert len(load("cifar10").train_images) == 20
    file = archive / cifar10.ARCHIVE
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(DataLossError, match="expected a file with SHA-256"):
        fetch("cifar10", "other", source_folder=archive, progress=False)


@pytest.fixture
def server(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(archive))

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setattr(
            named, "MIRRORS", {"cifar10": [f"http://127.0.0.1:{running.server_port}/{x}" for x in ("no/", "")]}
        )
        yield running
        running.shutdown()


def test_downloads_from_the_second_mirror(server: Any, archive: Path, cache: Path) -> None:
    needed("pooch")
    assert fetch("cifar10", progress=False) == cache / "cifar10"
    assert (cache / "cifar10" / cifar10.ARCHIVE).read_bytes() == (archive / cifar10.ARCHIVE).read_bytes()
    fetch("cifar10", progress=False)  # whole files are kept


def test_another_content_is_refused(server: Any, archive: Path, cache: Path) -> None:
    needed("pooch")
    (archive / cifar10.ARCHIVE).write_bytes(b"something else")
    with pytest.raises(UnavailableError, match=r"(?s)cannot download cifar-10.*`minigraph data cifar10 --from"):
        fetch("cifar10", progress=False)
    assert not (cache / "cifar10" / cifar10.ARCHIVE).exists()


def test_without_pooch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingPackageError, match=r'pip install "minigraph\[datasets\]"'):
        fetch("fashion-mnist", progress=False)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match='expected "mnist" or "fashion-mnist" or "cifar10", got \'imagenet\''):
        fetch("imagenet")
