"""Figures of blocks with branches: the layers of a residual unit and of an Inception module."""

from __future__ import annotations

from typing import Any

from minigraph.tools.textbook.figures.architectures import network_layers
from minigraph.tools.textbook.figures.board import BLUE, FILLS, GREEN, GREY, INK, ORANGE, Board
from minigraph.tools.textbook.figures.layers import DrawnLayer, block, lanes, ranks

_WIDE, _HIGH = 7.4, 2.5  # of a box, in cells
_ACROSS, _DOWN = 8.4, 4.2  # from one box to the next


def residual() -> Any:
    """Two units of ResNet-18: one that keeps the size, and one whose shortcut is a 1×1 convolution."""
    layers = network_layers("resnet18")
    return _draw([block(layers, "resnet18/block1/unit_2"), block(layers, "resnet18/block2/unit_1")])


def inception() -> Any:
    """The first module of Inception v3: four branches, concatenated."""
    return _draw([block(network_layers("inception-v3"), "inception_v3/Mixed_5b")])


def _draw(blocks: list[list[DrawnLayer]]) -> Any:
    placed = [(ranks(layers), _columns(layers)) for layers in blocks]
    widths = [2 * columns[layers[-1].name] + 1 for layers, (_, columns) in zip(blocks, placed, strict=True)]
    height = max(max(rows.values()) for rows, _ in placed) + 1
    board = Board(sum(widths) * _ACROSS + 1.4 * len(blocks), height * _DOWN + 0.4, cell=0.3)
    left = 0.9
    for layers, (rows, columns), width in zip(blocks, placed, widths, strict=True):
        places = {n: (left + columns[n] * _ACROSS, 0.8 + row * _DOWN) for n, row in rows.items()}
        for layer in layers:
            x, y = places[layer.name]
            _box(board, x, y, layer)
            for name in layer.inputs:
                _connect(board, places[name], (x, y))
        left += width * _ACROSS + 1.4
    return board.sheet


def _columns(layers: list[DrawnLayer]) -> dict[str, float]:
    """The columns of the branches; the start and the layer that joins the branches stand above and below the middle.

    An input that goes straight to the joining layer takes a column of its own.
    """
    found: dict[str, float] = dict(lanes(layers))
    last = layers[-1]
    straight = [name for name in last.inputs if not next(x for x in layers if x.name == name).inputs]
    middle = (max(found.values()) + len(straight)) / 2
    return found | {layer.name: middle for layer in layers if len(layer.inputs) != 1}


def _box(board: Board, x: float, y: float, layer: DrawnLayer) -> None:
    from matplotlib.patches import FancyBboxPatch

    joins = len(layer.inputs) > 1
    colour = GREEN if joins else ORANGE if "pooling" in layer.words else BLUE
    colour = colour if layer.inputs else GREY
    board.axes.add_patch(
        FancyBboxPatch(
            (x, y), _WIDE, _HIGH, "round,pad=0,rounding_size=0.35", facecolor=FILLS[colour], edgecolor=colour, zorder=2
        )
    )
    first, *rest = (layer.words if layer.inputs else "input").replace("batch normalisation", "batch norm").split(", ")
    weights = f", {layer.parameters:,} parameters" if layer.inputs and layer.parameters else ""
    lines = [(first, INK, 8.5), (", ".join(word for word in rest if word != "SAME"), GREY, 8.0)]
    lines = [line for line in lines if line[0]] + [(f"{layer.size}{weights}", colour, 8.0)]
    for number, (line, ink, size) in enumerate(lines):
        board.text(x + _WIDE / 2, y + _HIGH / 2 + 0.68 * (number - (len(lines) - 1) / 2), line, ink, size, zorder=3)


def _connect(board: Board, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from below a box to the top of another, around the boxes between them."""
    begin, finish = (start[0] + _WIDE / 2, start[1] + _HIGH), (end[0] + _WIDE / 2, end[1])
    half = (_DOWN - _HIGH) / 2
    leave, arrive = begin[1] + half, finish[1] - half
    if start[0] != end[0]:
        path = [begin, (begin[0], arrive), (finish[0], arrive)]
    elif leave < arrive - 0.1:
        side = begin[0] + _ACROSS / 2
        path = [begin, (begin[0], leave), (side, leave), (side, arrive), (finish[0], arrive)]
    else:
        path = [begin]
    board.axes.plot(*zip(*path, strict=True), color=GREY, linewidth=1.2, zorder=1, solid_joinstyle="round")
    board.arrow(path[-1], finish)
