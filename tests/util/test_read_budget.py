"""The account of what reading a file may cost."""

from __future__ import annotations

import pytest

from minigraph.util.read_budget import LEAST, MOST, OWN, RATIO, Budget, Damaged, allowance


def test_the_allowance_grows_with_the_file_up_to_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [allowance(size) for size in (0, 10 << 20, 1 << 30, 8 << 30)] == [
        LEAST, RATIO * (10 << 20), MOST, OWN * (8 << 30)
    ]  # fmt: skip
    monkeypatch.setenv("MINIGRAPH_READ_LIMIT", "1000")
    assert allowance(1 << 30) == 1000
    monkeypatch.setenv("MINIGRAPH_READ_LIMIT", "much")
    with pytest.raises(ValueError, match="must be a number of bytes, not 'much'"):
        allowance(0)


def test_the_budget_is_used_up() -> None:
    budget = Budget(0)
    assert budget.take("w", (1024, 1024), 4) == 4 << 20
    budget.check("a buffer", LEAST - (4 << 20))
    with pytest.raises(Damaged, match=r"buffer of .* bytes: the file may take .*MINIGRAPH_READ_LIMIT"):
        budget.check("a buffer", LEAST)
    with pytest.raises(Damaged, match=r"'w' of shape \[1073741824\] is too large"):
        budget.take("w", (1 << 30,), 1)
    with pytest.raises(Damaged, match="more entries than a file of its size"):
        budget.visit("its list", 1 << 20)
    with pytest.raises(Damaged, match="more work than it should"):
        budget.work("its list", 1 << 30)


def test_levels_are_counted() -> None:
    def descend(budget: Budget, levels: int) -> None:
        with budget.nested("its lists"):
            if levels > 1:
                descend(budget, levels - 1)

    budget = Budget(0)
    for _ in range(3):
        descend(budget, 32)
    with pytest.raises(Damaged, match="its lists: more than 32 levels"):
        descend(budget, 33)


def test_the_size_is_asked_for_when_it_matters() -> None:
    asked = []

    def size() -> int:
        asked.append(None)
        return 10 << 20

    budget = Budget(size)
    budget.take("w", (LEAST,), 1)
    budget.visit("its list", 1000)
    assert not asked
    budget.take("v", (LEAST // 2,), 1)
    assert len(asked) == 1
    with pytest.raises(Damaged, match="too large"):
        budget.take("u", (LEAST,), 1)
    assert len(asked) == 1
