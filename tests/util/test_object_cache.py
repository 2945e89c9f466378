"""The cache of compiled code: the least recently used entries go first, and `minigraph cache` shows and clears it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from minigraph.tools.cli import main
from minigraph.util.files import create_temporary
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


posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the system has no owners and modes of files")


@posix
def test_others_cannot_read_or_write_what_is_kept(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "llvm", limit=1 << 20)
    cache.put("a", b"code")
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.folder.iterdir()} == {0o600}
    assert cache.get("a") == b"code"


@posix
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_folders_and_entries_that_others_may_write_to_are_not_used(mode: int, tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "llvm", limit=1 << 20)
    cache.put("a", b"code")
    (entry,) = cache.entries()
    entry.path.chmod(mode)
    assert cache.get("a") is None
    cache.put("a", b"code")
    assert cache.get("a") == b"code"
    cache.folder.chmod(mode)
    assert (cache.get("a"), cache.refusal()) == (None, "others may write to it")
    cache.put("b", b"code")
    assert len(list(cache.entries())) == 1


@posix
def test_folders_of_other_users_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path, limit=1 << 20)
    cache.put("a", b"code")
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    assert (cache.get("a"), cache.refusal()) == (None, f"it belongs to the user {own}")
    cache.put("b", b"code")
    assert len(list(cache.entries())) == 1


@posix
def test_a_checksum_needs_the_secret_of_the_folder(tmp_path: Path) -> None:
    """Entries from elsewhere, with right checksums there, are not read; nor are links, or anything without a secret."""
    one, two = (ObjectCache(tmp_path / name, limit=1 << 20) for name in "ab")
    one.put("key", b"foreign")
    two.put("other", b"own")
    (entry,) = one.entries()
    (two.folder / entry.path.name).write_bytes(entry.path.read_bytes())
    (two.folder / entry.path.name).chmod(0o600)
    assert two.get("key") is None
    (two.folder / entry.path.name).unlink()
    entry.path.rename(one.folder / "kept")
    entry.path.symlink_to(one.folder / "kept")
    assert one.get("key") is None
    (two.folder / ".secret").write_bytes(b"short")
    assert two.get("other") is None
    two.put("other", b"again")
    assert two.get("other") == b"again"


def test_the_command_says_why_a_cache_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    monkeypatch.setattr(ObjectCache, "refusal", lambda self: "others may write to it")
    assert f"in {tmp_path / 'llvm'}, not used: others may write to it" in CliRunner().invoke(main, ["cache"]).output


@posix
def test_what_killed_processes_have_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next process that uses the folder; a temporary of a living one, and entries, stay."""
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    folder = tmp_path / "llvm"
    folder.mkdir(0o700)
    ObjectCache(folder, 1000).put("kept", b"code")
    left, descriptor = create_temporary(str(folder), "left", 0o600)
    os.close(descriptor)
    pipe = folder / ".pipe.0123456789abcdef.tmp"
    os.mkfifo(pipe)
    living, descriptor = create_temporary(str(folder), "living", 0o600)
    try:
        assert objects("llvm").get("kept") == b"code"
    finally:
        os.close(descriptor)
    assert not Path(left).exists()
    assert Path(living).exists()
    assert pipe.exists()


@posix
def test_folders_that_others_may_write_to_are_not_tidied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    folder = tmp_path / "llvm"
    folder.mkdir()
    folder.chmod(0o777)
    left, descriptor = create_temporary(str(folder), "left", 0o600)
    os.close(descriptor)
    objects("llvm")
    assert Path(left).exists()
