"""The parts of a session are small files."""

from __future__ import annotations

import pytest
from support.paths import ROOT


@pytest.mark.parametrize("name", ["options", "plan_cache", "request", "runner", "session", "session_base", "staged"])
def test_each_part_of_a_session_has_less_than_200_lines(name: str) -> None:
    assert len((ROOT / "minigraph" / "run" / f"{name}.py").read_text("utf-8").splitlines()) < 200
