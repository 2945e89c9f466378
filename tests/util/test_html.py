"""Pieces of HTML for notebooks."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigraph.util.html import Bar, Shaded, beside, curves, facts, table

NUMBERS = st.lists(st.floats(width=32), max_size=40)


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{text}</div>")


def test_facts_leave_out_what_is_empty() -> None:
    shown = parsed(facts("a <b>", {"one": 1, "none": "", "two": "x\ny & z"}))
    assert shown.findtext(".//b") == "a <b>"
    assert [["".join(cell.itertext()) for cell in row] for row in shown.iter("tr")] == [["one", "1"], ["two", "xy & z"]]


def test_a_table() -> None:
    shown = parsed(table(("name", "share"), [("<i>", Bar("50%", 0.5)), ("b", Bar("x", 2.0))], (1,)))
    assert [cell.text for cell in shown.iter("td")] == ["<i>", "50%", "b", "x"]
    assert ["right" in (cell.get("style") or "") for cell in shown.iter("th")] == [False, True]
    bars = re.findall(r"#e07a0055 ([\d.]+)%", table((), [(Bar("", part),) for part in (0.25, 2.0, -1.0)]))
    assert bars == ["25.0", "100.0", "0.0"]
    filled = parsed(table(("",), [(Shaded("<7>", "rgba(1,2,3,0.5)"),), ("",)]))
    cells = [(cell.text, "background:rgba(1,2,3,0.5)" in (cell.get("style") or "")) for cell in filled.iter("td")]
    assert cells == [("<7>", True), (None, False)]


@given(st.dictionaries(st.text(max_size=8).filter(str.isprintable), NUMBERS, max_size=3), st.booleans())
def test_curves_are_drawn_within_their_picture(lines: dict[str, list[float]], bars: bool) -> None:
    text = curves("title", lines, bars=bars)
    if not any(math.isfinite(v) for values in lines.values() for v in values):
        assert text == ""
        return
    shown = parsed(text)
    drawn = list(shown.iter("polyline"))
    assert len(drawn) == sum(any(map(math.isfinite, values)) for values in lines.values())
    for line in drawn:
        for corner in line.get("points", "").split():
            x, y = map(float, corner.split(","))
            assert 0 <= x <= 460
            assert 0 <= y <= 220


def test_larger_numbers_are_drawn_higher() -> None:
    points = re.findall(r'polyline points="([^"]*)"', curves("loss", {"loss": [3.0, 1.0, 2.0]}))[0]
    heights = [220 - float(corner.split(",")[1]) for corner in points.split()]
    assert heights[0] > heights[2] > heights[1]


def test_pieces_stand_side_by_side() -> None:
    assert [e.text for e in parsed(beside(["a", "b"])).iter("div") if e.text] == ["a", "b"]


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [-5.0, -5.0], [1e-30, 2e-30], [1e30, -1e30]])
def test_odd_ranges(values: list[float]) -> None:
    assert parsed(curves("x", {"x": values})).find(".//polyline") is not None
