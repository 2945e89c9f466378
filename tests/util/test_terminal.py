"""The width of output, and tables that fit it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from minigraph.util.terminal import Column, console, output_width, table

COLUMNS = [Column("name"), Column("text", cut="end"), Column("rarely", drop=2), Column("number", right=True, drop=1)]
ROWS = [["first", "a long text that may be cut where there is no room", "asked for", "1"], ["second", "", "", "22"]]


def lines(width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width).print(table(COLUMNS, ROWS, width))
    return file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "titles"),
    [(30, ["name", "text"]), (45, ["name", "text", "number"]), (80, [c.title for c in COLUMNS])],
)
def test_a_row_is_a_line(width: int, titles: list[str]) -> None:
    found = lines(width)
    assert len(found) == 6
    assert max(map(len, found)) <= width
    assert found[1].replace("│", " ").split() == titles
    assert "…" in found[3]


def test_nothing_is_cut_where_there_is_room() -> None:
    assert "a long text that may be cut where there is no room" in lines(200)[3]


def test_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "57")
    assert output_width() == console().width == 57
    for wrong in ("", "0", "wide"):
        monkeypatch.setenv("COLUMNS", wrong)
        assert output_width(io.StringIO()) == 140


def test_a_name_is_cut_at_its_start() -> None:
    assert Column("layer", cut="start").cell("block1/unit_1/conv1", 12) == "…nit_1/conv1"
    assert Column("text", cut="end").cell("a long text", 6) == "a lon…"
    assert Column("text", cut="end").cell("a long", 6) == "a long"
