"""A sheet in units of one cell, on which grids of numbers, text and arrows are drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minigraph.core.errors import BackendError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

Place = tuple[int, int]

INK, GREY, LINE, PALE = "#262a30", "#767c86", "#c3c8d0", "#f3f5f8"
BLUE, GREEN, ORANGE, RED = "#1f68b2", "#148252", "#c96a12", "#c8282c"
FILLS = {BLUE: "#d5e5f4", GREEN: "#d3ecdf", ORANGE: "#fae3cc", RED: "#f8d7d7", GREY: PALE}
DPI = 160


def new_sheet(width: float, height: float) -> Sheet:
    """An empty figure, in inches. BackendError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BackendError('figures need matplotlib: pip install "minigraph[plot]"') from error
    return Figure(figsize=(width, height), dpi=DPI, facecolor="white")


def plain_axes(sheet: Sheet, rectangle: tuple[float, float, float, float]) -> Any:
    """Axes for curves: no box, a pale grid. The rectangle is in fractions of the figure."""
    axes = sheet.add_axes(rectangle)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=GREY, labelsize=9)
    axes.grid(color=LINE, linewidth=0.5)
    return axes


class Board:
    """width, height: in cells, of `cell` inches. The origin is at the top left."""

    def __init__(self, width: float, height: float, cell: float = 0.42) -> None:
        self.cell = cell
        self.sheet = new_sheet(width * cell, height * cell)
        self.axes = self.sheet.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        self.axes.axis("off")

    def square(self, x: float, y: float, fill: str = "white", edge: str = LINE, width: float = 0.8) -> None:
        from matplotlib.patches import Rectangle

        self.axes.add_patch(Rectangle((x, y), 1, 1, facecolor=fill, edgecolor=edge, linewidth=width))

    def frame(self, x: float, y: float, rows: int, columns: int, colour: str) -> None:
        from matplotlib.patches import Rectangle

        self.axes.add_patch(Rectangle((x, y), columns, rows, fill=False, edgecolor=colour, linewidth=2, zorder=3))

    def text(
        self, x: float, y: float, text: str, colour: str = INK, size: float = 10, align: str = "center", **more: Any
    ) -> None:
        """Text whose middle line is at y."""
        self.axes.text(x, y, text, color=colour, fontsize=size, ha=align, va="center", **more)

    def arrow(self, start: tuple[float, float], end: tuple[float, float], colour: str = GREY) -> None:
        style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
        self.axes.annotate("", end, start, arrowprops=style)

    def grid(
        self,
        x: float,
        y: float,
        cells: Any,
        marked: Mapping[Place, str] | None = None,
        faint: Collection[Place] = (),
        title: str = "",
        size: float = 10,
    ) -> None:
        """A matrix of numbers or strings, its top left corner at (x, y).

        marked: cells and their fill colours. faint: cells of less weight, such as padding.
        """
        for (row, column), value in np.ndenumerate(np.asarray(cells)):
            place = (row, column)
            colour = (marked or {}).get(place)
            fill = FILLS[colour] if colour else PALE if place in faint else "white"
            self.square(x + column, y + row, fill)
            label = value if isinstance(value, str) else f"{value:g}"
            ink = colour or (LINE if place in faint else INK)
            self.text(x + column + 0.5, y + row + 0.5, label, ink, size)
        if title:
            self.text(x + np.shape(cells)[1] / 2, y - 0.55, title, GREY, 9.5)


def window(top: int, left: int, rows: int, columns: int) -> set[Place]:
    """The cells of a window of a grid."""
    return {(top + r, left + c) for r in range(rows) for c in range(columns)}
