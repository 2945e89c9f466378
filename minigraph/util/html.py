"""Pieces of HTML for notebooks and pages: tables and curves, in the colours of the page around them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple, TypeAlias

COLOURS = ("#1f77b4", "#e07a00", "#2a9d55", "#c0392b", "#7a45a0", "#8c6d46")
_LEFT = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;overflow-wrap:anywhere"
_RIGHT = "text-align:right;vertical-align:top;padding:2px 6px 2px 12px;font-variant-numeric:tabular-nums"
_SOFT = "opacity:.65"


class Bar(NamedTuple):
    """A cell with a bar behind its text. part: its length, from 0 to 1."""

    text: str
    part: float


class Shaded(NamedTuple):
    """A cell with a background. colour: in CSS."""

    text: str
    colour: str


Cell: TypeAlias = str | Bar | Shaded


def facts(title: str, rows: Mapping[str, object]) -> str:
    """A heading, and a row for each fact that is not empty."""
    body = "".join(
        f'<tr style="background:none"><td style="{_LEFT};{_SOFT}">{escape(name)}</td>'
        f'<td style="{_LEFT}">{_lines(value)}</td></tr>'
        for name, value in rows.items()
        if str(value)
    )
    return f'<div><b>{escape(title)}</b></div><table style="margin:2px 0;border:0;table-layout:auto">{body}</table>'


def _lines(value: object) -> str:
    return "<br/>".join(map(escape, str(value).splitlines()))


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], numbers: Iterable[int] = ()) -> str:
    """A table as wide as the page. numbers: the columns that are aligned at the right."""
    right = set(numbers)

    def cell(tag: str, column: int, value: Cell) -> str:
        style = _RIGHT if column in right else _LEFT
        if tag == "th":
            style += ";white-space:nowrap"
        if isinstance(value, Bar):
            stop = f"{100 * min(max(value.part, 0.0), 1.0):.1f}%"
            style += f";background:linear-gradient(to right,#e07a0055 {stop},transparent {stop})"
            value = value.text
        elif isinstance(value, Shaded):
            style += f";background:{value.colour}"
            value = value.text
        return f'<{tag} style="{style}">{_lines(value)}</{tag}>'

    def row(tag: str, cells: Sequence[Cell]) -> str:
        return f"<tr>{''.join(cell(tag, i, value) for i, value in enumerate(cells))}</tr>"

    body = "".join(row("td", cells) for cells in rows)
    return f'<table style="width:100%;table-layout:auto"><thead>{row("th", heads)}</thead><tbody>{body}</tbody></table>'


def curves(title: str, lines: Mapping[str, Sequence[float]], start: int = 0, bars: bool = False) -> str:
    """A chart with one line for each series, as SVG that shrinks with the page.

    Args:
        title: The text above the chart.
        lines: Numbers by name. Those that are not finite are left out.
        start: The number of the first point.
        bars: Whether each number holds until the next, with the area below filled.

    Returns:
        An SVG element; an empty text if there is no number.
    """
    points = {
        name: [(start + i, float(v)) for i, v in enumerate(values) if math.isfinite(v)]
        for name, values in lines.items()
    }
    every = [point for line in points.values() for point in line]
    if not every:
        return ""
    low, high = min(y for _, y in every), max(y for _, y in every)
    if bars:
        low, high = min(low, 0.0), max(high, 0.0)
    elif 0 <= low < high / 2:
        low = 0.0
    high = high if high > low else low + (abs(low) or 1.0)
    first, last = min(x for x, _ in every), max(max(x for x, _ in every) + bars, min(x for x, _ in every) + 1)
    wide, tall, left, top, right, bottom = 460, 220, 56, 26, 12, 24

    def at(x: float, y: float) -> str:
        across = left + (x - first) / (last - first) * (wide - left - right)
        return f"{across:.1f},{tall - bottom - (y - low) / (high - low) * (tall - top - bottom):.1f}"

    parts = [
        f'<svg viewBox="0 0 {wide} {tall}" role="img" style="width:100%;max-width:{wide}px;height:auto" '
        'font-family="system-ui,sans-serif" font-size="11" fill="currentColor">',
        f'<text x="{left}" y="14" font-weight="600">{escape(title)}</text>',
    ]
    for y in _ticks(low, high):
        across, down = at(first, y).split(",")
        parts.append(
            f'<path d="M{across},{down}H{wide - right}" stroke="currentColor" stroke-opacity=".15"/>'
            f'<text x="{left - 6}" y="{float(down) + 4:.1f}" text-anchor="end">{_short(y)}</text>'
        )
    for x in (n for n in _ticks(first, last) if n == int(n)):
        across = at(x, low).split(",")[0]
        parts.append(f'<text x="{across}" y="{tall - 8}" text-anchor="middle">{int(x)}</text>')
    begin = 14 + 7 * len(title)
    for colour, (name, line) in zip(_repeated(COLOURS), points.items(), strict=False):
        if not line:
            continue
        if bars:
            corners = [at(x + more, y) for x, y in line for more in (0, 1)]
            area = f"{at(first, 0.0)} {' '.join(corners)} {at(line[-1][0] + 1, 0.0)}"
            parts.append(f'<polygon points="{area}" fill="{colour}" fill-opacity=".25"/>')
        else:
            corners = [at(x, y) for x, y in line]
        parts.append(f'<polyline points="{" ".join(corners)}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        if len(line) <= 30 and not bars:
            parts += (
                f'<circle cx="{across}" cy="{down}" r="2.5" fill="{colour}"/>'
                for across, down in (corner.split(",") for corner in corners)
            )
        if len(points) > 1:
            parts.append(f'<text x="{left + begin}" y="14" fill="{colour}">{escape(name)}</text>')
            begin += 14 + 7 * len(name)
    return "".join(parts) + "</svg>"


def beside(pieces: Iterable[str]) -> str:
    """Pieces side by side, as far as the page is wide enough."""
    inner = "".join(f'<div style="flex:1 1 320px;max-width:480px">{piece}</div>' for piece in pieces)
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{inner}</div>'


def _repeated(colours: Sequence[str]) -> Iterable[str]:
    while True:
        yield from colours


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers from `low` to `high`."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step = next(step * m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 5)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _short(number: float) -> str:
    return f"{number:.3g}" if abs(number) < 1e4 else f"{number:.0e}"
