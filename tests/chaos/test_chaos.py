"""Slices of the campaigns of `make chaos`, and that they notice what is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from chaos import kills, sessions
from chaos.__main__ import search

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_runs_from_threads(backend: str) -> None:
    assert sessions.Shared(backend).runs(320, 0) == 320


def test_a_lost_update_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = sessions.Shared("numpy")
    monkeypatch.setattr(shared, "add", shared.y)
    with pytest.raises(AssertionError, match="0 rows were added up instead of"):
        shared.runs(160, 0)


def test_growth_is_noticed() -> None:
    kept = []
    with pytest.raises(AssertionError, match="grew by"), sessions.flat("this"):
        kept.append(bytearray(os.urandom(1 << 20)) * (2 * sessions.GROWTH >> 20))


def test_other_bytes_and_leftovers_are_noticed(tmp_path: Path) -> None:
    command = kills.COMMANDS["convert"]
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    expected = kills.undisturbed(command, tmp_path / "first")
    assert expected.digest
    kills.kill(command, expected, tmp_path / "second", 0)
    with pytest.raises(AssertionError, match="other bytes"):
        kills.kill(command, expected._replace(digest={"w.safetensors": "0"}), tmp_path / "third", 0)


def test_a_campaign_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for rounds in (1, 2):
        assert search(tmp_path, float("-inf"), ["sessions on numpy"]) == 0
        (tmp_path / "counts.json").write_text(json.dumps({"sessions on numpy": [rounds, 20 * rounds]}))
