"""The progress line: only on a terminal, only for work of some length, and gone at the end."""

from __future__ import annotations

import io

import pytest

from minigraph.util import progress
from minigraph.util.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, seconds: float) -> str:
    """What ten steps of a second's work write, the clock moving by `seconds` each."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress.sys, "stderr", stream)
    work = Progress("counting")
    for _ in range(10):
        work.more()
    for _ in range(10):
        now[0] += seconds
        work.step()
    return stream.getvalue()


def test_a_line_appears_after_two_seconds_and_disappears(monkeypatch: pytest.MonkeyPatch) -> None:
    written = shown(monkeypatch, Terminal(), 0.5)
    assert "minigraph: counting, 5 of 10" in written
    assert "4 of 10" not in written
    last = written.split("\r")[-2]
    assert last
    assert not last.strip()


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, Terminal(), 0.1) == ""


def test_a_file_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO(), 10.0) == ""
