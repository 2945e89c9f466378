"""Shares of a machine's cores."""

from __future__ import annotations

import pytest

from minigraph.util import cores


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ([range(8)] * 4, [2, 2, 2, 2]),
        ([range(2)] * 4, [1, 1, 1, 1]),  # more processes than cores
        ([range(4), range(4, 8)], [4, 4]),  # bound by the launcher
        ([range(8), range(4)], [6, 2]),
    ],
)
def test_processes_share_the_cores_that_several_may_use(
    sets: list[range], expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_share", None)
    assert cores.core_count() == len(cores.usable_cores())
    for mine, count in zip(sets, expected, strict=True):
        cores.share_cores(mine, sets)
        assert cores.core_count() == count
