"""The cache of compiled code: the least recently used entries go first, and `minigraph cache` shows and clears it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from minigraph.tools.cli import main
from minigraph.util.object_cache import ObjectCache, objects


def test_the_cache_removes_what_was_not_used_for_longest(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, limit=3 * 1032)
    for n, key in enumerate("abc"):
        cache.put(key, key.encode() * 1000)
        for entry in cache.entries():
            os.utime(entry.path, (entry.used - 100, entry.used - 100))
        assert cache.get("a") is not None, n
    cache.put("d", b"d" * 1000)
    assert [cache.get(k) is not None for k in "abcd"] == [True, False, True, True]
    assert cache.clear() == 3
    assert not list(cache.entries())


def test_the_command_shows_and_clears_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    objects("llvm").put("a", b"x" * 2_000_000)
    shown = CliRunner().invoke(main, ["cache"])
    assert f"1 compiled objects, 2.0 MB of at most 268, in {tmp_path / 'llvm'}" in shown.output
    assert "1 compiled objects removed" in CliRunner().invoke(main, ["cache", "--clear"]).output
    assert "0 compiled objects" in CliRunner().invoke(main, ["cache"]).output
