"""Rows of pictures, each with a title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from minigraph.tools.textbook.figures.board import GREY, LINE, new_sheet
from minigraph.tools.textbook.figures.compute import Array

_SIDE = 2.35  # of a picture, in inches


class Panel(NamedTuple):
    """A picture. image: [H, W] or [H, W, 3]. limits: the values of the first and the last colour."""

    title: str
    image: Array
    colours: str = "gray"
    limits: tuple[float, float] = (0, 255)


def draw_rows(rows: Sequence[Sequence[Panel]], side: float = _SIDE, heading: float = 0.3) -> Any:
    """Draw the panels in rows; all pictures get boxes of the first one's shape. side: width of a box, in inches."""
    columns = max(map(len, rows))
    height = side * rows[0][0].image.shape[0] / rows[0][0].image.shape[1]
    gap = 0.12
    sheet = new_sheet(columns * (side + gap) + gap, len(rows) * (height + heading + gap) + gap)
    wide, high = sheet.get_size_inches()
    for r, row in enumerate(rows):
        for c, panel in enumerate(row):
            left, top = gap + c * (side + gap), gap + heading + r * (height + heading + gap)
            axes = sheet.add_axes((left / wide, 1 - (top + height) / high, side / wide, height / high))
            axes.imshow(panel.image, cmap=panel.colours, vmin=panel.limits[0], vmax=panel.limits[1])
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_color(LINE)
            axes.set_title(panel.title, fontsize=9, color=GREY, pad=4)
    return sheet
