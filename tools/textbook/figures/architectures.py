"""Figures of whole networks: the maps between their layers, drawn as stacks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from minigraph.models.registry import get_model
from minigraph.tools.textbook.figures.board import BLUE, FILLS, GREEN, GREY, INK, ORANGE, RED, Board
from minigraph.tools.textbook.figures.layers import DrawnLayer, layers_of

_UNSAID = {"bias", "SAME", "VALID", "Mul"}  # words that a drawing leaves out
_HIGH, _LOW = 4.6, 0.5  # sides of the largest and the smallest map, in cells
_PITCH, _DOWN = 3.7, 9.4  # from one stack to the next, and from row to row, in cells
_MOST = 10  # stacks in a row


class Group(NamedTuple):
    """Layers that are drawn as one stack: those whose names are in `names` or lie in such a scope."""

    title: str
    names: tuple[str, ...]

    def holds(self, layer: DrawnLayer) -> bool:
        return any(layer.name == name or layer.name.startswith(f"{name}/") for name in self.names)


def _modules(title: str, *modules: str) -> Group:
    return Group(title, tuple(f"inception_v3/Mixed_{module}" for module in modules))


GROUPS: Mapping[str, Sequence[Group]] = {
    "lenet5": [Group("radial basis units", ("lenet5/ExpandDims", "lenet5/distances"))],
    "resnet50": [Group("residual units", (f"resnet50/block{n}",)) for n in (1, 2, 3, 4)],
    "inception-v3": [
        _modules("Inception modules with 1×1, 3×3, 5×5", "5b", "5c", "5d"),
        _modules("reduction", "6a"),
        _modules("Inception modules with 1×7, 7×1", "6b", "6c", "6d", "6e"),
        _modules("reduction", "7a"),
        _modules("Inception modules with 1×3, 3×1", "7b", "7c"),
    ],
}


class DrawnStage(NamedTuple):
    """One or more layers that are drawn as one stack. shape: of the output."""

    title: str
    shape: tuple[int, ...]
    size: str
    parameters: int


@cache
def network_layers(name: str) -> list[DrawnLayer]:
    """The layers of a model of the table, for inference."""
    model = get_model(name)

    def build(images: Any) -> Any:
        return model.build(images, num_classes=10 if model.channels == 1 else 1000)

    return layers_of(build, (model.image_size, model.image_size, model.channels))


def stages(layers: Sequence[DrawnLayer], groups: Sequence[Group] = ()) -> list[DrawnStage]:
    """The layers, with those of a group together, and equal ones in a row together."""

    def group_of(layer: DrawnLayer) -> Group | None:
        return next((group for group in groups if group.holds(layer)), None)

    found = []
    for _, members in groupby(layers, lambda layer: group_of(layer) or (layer.words, layer.shape)):
        run = list(members)
        group = group_of(run[0])
        if group is None:
            count, title = len(run), _said(run[0].words)
        else:
            count, title = len({layer.name.rpartition("/")[0] for layer in run}), group.title
        times = f"{count} × " if count > 1 else ""
        found.append(DrawnStage(f"{times}{title}", run[-1].shape, run[-1].size, sum(layer.parameters for layer in run)))
    return found


def _said(words: str) -> str:
    """The words of a layer that a drawing repeats."""
    said = (w for w in words.replace("batch normalisation", "batch norm").split(", ") if w not in _UNSAID)
    return ", ".join(said) or "image"


def architecture(name: str) -> Any:
    """A network as a row of stacks of maps, with the number of trainable parameters below each."""
    drawn = stages(network_layers(name), GROUPS.get(name, ()))
    rows = -(-len(drawn) // _MOST)
    per_row = -(-len(drawn) // rows)
    board = Board(per_row * _PITCH + 1.4, rows * _DOWN + 0.2, cell=0.33)
    largest = max(stage.shape[0] for stage in drawn if len(stage.shape) == 3)
    for i, stage in enumerate(drawn):
        row, column = divmod(i, per_row)
        x, middle = 1.2 + column * _PITCH, 3.5 + row * _DOWN
        right = _stack(board, x, middle, stage, largest)
        board.text(x + 1.1, middle - 2.9, stage.size, INK, 8.5)
        lines = _wrapped(stage.title)
        for number, line in enumerate(lines):
            board.text(x + 1.1, middle + 2.9 + 0.65 * number, line, GREY, 7.5)
        if stage.parameters:
            board.text(x + 1.1, middle + 2.9 + 0.65 * len(lines), f"{stage.parameters:,} parameters", BLUE, 7.5)
        if column + 1 < per_row and i + 1 < len(drawn):
            board.arrow((right + 0.15, middle), (x + _PITCH - 0.15, middle))
        elif i + 1 < len(drawn):
            board.arrow((right + 0.15, middle), (x + _PITCH - 0.6, middle))
        if row and not column:
            board.arrow((0.2, middle), (x - 0.15, middle))
    return board.sheet


def _stack(board: Board, x: float, middle: float, stage: DrawnStage, largest: int) -> float:
    """Draw the maps, or the units as a bar; return the right end."""
    from matplotlib.patches import Rectangle

    edge = ORANGE if "pooling" in stage.title or "average" in stage.title else BLUE
    if len(stage.shape) < 3:
        edge = RED if stage.title == "Softmax" else GREEN
        height = 0.8 + math.log2(stage.shape[-1]) / 3
        rectangle = Rectangle((x + 0.9, middle - height / 2), 0.4, height, facecolor=FILLS[edge], edgecolor=edge)
        board.axes.add_patch(rectangle)
        return x + 1.3
    side = max(_LOW, _HIGH * math.sqrt(stage.shape[0] / largest) * 0.5)
    sheets = 1 + round(math.log2(stage.shape[2]) * 0.9)
    step = min(0.16, (2.6 - side) / max(sheets, 1)) if side < 2.5 else 0.06
    left = x + max(0.0, 1.1 - (side + step * sheets) / 2)
    for n in range(sheets):
        corner = (left + step * n, middle - side / 2 + step * (n - sheets / 2))
        board.axes.add_patch(Rectangle(corner, side, side, facecolor=FILLS[edge], edgecolor=edge, linewidth=0.7))
    return left + side + step * (sheets - 1)


def _wrapped(text: str, width: int = 17) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines
