"""Files are short: one idea each."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import ROOT

FOLDERS = ("minigraph", "backends", "models", "tools", "tests")
RECORDED = ROOT / "tests" / "goldens"  # cases and their recorded values, for CPython 3.7


def length(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_has_more_than_500_lines(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*.py") if RECORDED not in path.parents]
    assert len(files) > 5
    assert {str(path.relative_to(ROOT)): length(path) for path in files if length(path) > 500} == {}


@pytest.mark.parametrize("name", ["options", "plan_cache", "request", "runner", "session", "session_base", "staged"])
def test_each_part_of_a_session_has_less_than_200_lines(name: str) -> None:
    assert length(ROOT / "minigraph" / "run" / f"{name}.py") < 200
