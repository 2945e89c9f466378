"""The fuzzer of files: a slice of its inputs, and what it must be able to find. The readers are those of `formats/`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from fuzz import files
from fuzz.file_examples import READERS, Reader

NEEDED = {"hdf5": "h5py", "torch": "torch", "onnx": "onnx", "graph": "tensorboard", "meta": "tensorboard"}


@pytest.mark.parametrize("reader", READERS)
def test_a_slice_of_the_inputs(reader: str, tmp_path: Path) -> None:
    if package := NEEDED.get(reader.partition("-")[0]):
        pytest.importorskip(package)
    for number in range(15):
        assert files.check(reader, number, tmp_path / READERS[reader].file) is None


@pytest.mark.parametrize("reader", READERS)
def test_the_examples_are_read(reader: str, tmp_path: Path) -> None:
    if package := NEEDED.get(reader.partition("-")[0]):
        pytest.importorskip(package)
    for content in files.examples(reader):
        path = tmp_path / READERS[reader].file
        path.write_bytes(content)
        READERS[reader].read(path)


def foreign(path: Path) -> Any:
    raise KeyError("a name")


def slow(path: Path) -> Any:
    while True:
        pass


@pytest.mark.parametrize(
    ("read", "what"),
    [(foreign, "KeyError"), (lambda path: bytes(700 << 20), "it takes 73"), (slow, "more than 1 s")],
)
def test_what_counts_as_a_finding(
    read: Any, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is printed and its file is saved; the next search goes on behind it."""
    monkeypatch.setattr(files, "SECONDS", 1)
    monkeypatch.setitem(files.READERS, "own", Reader("f", read, lambda folder: [b"content"]))
    monkeypatch.setattr(files, "ROUND", 1)
    assert files.search(tmp_path, time.monotonic() + 0.01, ["own"]) >= 1
    assert what in capsys.readouterr().out
    assert (tmp_path / "own-0").exists()
    files.search(tmp_path, time.monotonic() + 0.01, ["own"])
    assert "own-0" not in capsys.readouterr().out
