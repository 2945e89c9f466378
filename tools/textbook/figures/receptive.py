"""Figures of receptive fields: the inputs that an output depends on, found by the gradient."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.tools.textbook.figures.architectures import network_layers
from minigraph.tools.textbook.figures.board import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LINE,
    ORANGE,
    RED,
    Board,
    new_sheet,
    plain_axes,
)
from minigraph.tools.textbook.figures.compute import Array, evaluate
from minigraph.tools.textbook.figures.layers import DrawnLayer

_WINDOW = re.compile(r"(\d+)×\d+ (convolution|max-pooling|average pooling)")
_STRIDE = re.compile(r"stride (\d+)")


class Slide(NamedTuple):
    """A layer as a window that slides. size, stride: along one axis."""

    name: str
    size: int
    stride: int


def slides(layers: Sequence[DrawnLayer]) -> list[Slide]:
    """The convolutions and poolings among layers, by the words of the view of layers."""
    found = []
    for layer in layers:
        if window := _WINDOW.match(layer.words):
            stride = _STRIDE.search(layer.words)
            found.append(Slide(layer.name.rpartition("/")[2], int(window[1]), int(stride[1]) if stride else 1))
    return found


def paths(windows: Sequence[Slide], length: int) -> Array:
    """For each input on a line, the number of ways to the middle output: its gradient where all weights are 1."""

    def build(x: tf.Tensor) -> Any:
        y = x[None, :, None, None]
        for window in windows:
            ones = tf.ones([window.size, 1, 1, 1], tf.float64)
            y = tf.nn.conv2d(y, ones, [1, window.stride, 1, 1], "SAME")
        middle = int(y.type.static[1]) // 2
        return tf.gradients(y[0, middle, 0, 0], x)[0]

    found: Array = evaluate(build, np.zeros(length))
    return found


def field(windows: Sequence[Slide], length: int) -> int:
    """The number of inputs on a line of `length` that the middle output depends on."""
    return int(np.count_nonzero(paths(windows, length)))


def growth() -> Any:
    """One, two and three 3×3 convolutions against one 5×5; and the fields of VGG16's layers."""
    board = Board(33, 13.2, cell=0.34)
    cases = (
        ("one 3×3: 9 weights", [3]),
        ("two 3×3: 18 weights", [3, 3]),
        ("one 5×5: 25 weights", [5]),
        ("three 3×3: 27 weights", [3, 3, 3]),
    )
    for i, (title, sizes) in enumerate(cases):
        windows = [Slide("", size, 1) for size in sizes]
        line = paths(windows, 7)
        ways = np.outer(line, line)
        side = int(np.count_nonzero(line))
        marked = {(int(r), int(c)): BLUE for r, c in zip(*np.nonzero(ways), strict=True)}
        x = 0.9 + 8 * i
        board.grid(x, 1.6, ways, marked, set(np.ndindex(7, 7)) - set(marked), title, 8)
        first = (7 - side) // 2
        board.frame(x + first, 1.6 + first, side, side, ORANGE)
        board.text(x + 3.5, 9.2, f"field {side}×{side}", ORANGE, 10)
    note = (
        "Each number counts the ways from the input to the middle output. Two 3×3 see what one 5×5 sees,\n"
        "with fewer weights for each pair of maps and one more ReLU between."
    )
    board.text(0.9, 11, note, INK, 10, "left")
    return board.sheet


def fields() -> Any:
    """The receptive field after each layer of VGG16, and those of its poolings on the image."""
    windows = slides(network_layers("vgg16"))
    sizes = [field(windows[: n + 1], 448) for n in range(len(windows))]
    sheet = new_sheet(10.4, 4.6)
    axes = plain_axes(sheet, (0.07, 0.2, 0.5, 0.7))
    colours = [ORANGE if "pool" in w.name else BLUE for w in windows]
    axes.bar(range(len(sizes)), sizes, color=colours, width=0.7)
    for i, size in enumerate(sizes):
        axes.text(i, size + 3, str(size), ha="center", color=colours[i], fontsize=8)
    axes.set_xticks(range(len(sizes)), [w.name for w in windows], rotation=60, ha="right", fontsize=8)
    axes.set(ylim=(0, 240), xlim=(-0.7, len(sizes) - 0.3))
    axes.set_title("VGG16: side of the receptive field, in pixels", fontsize=9.5, color=GREY)
    view = sheet.add_axes((0.64, 0.06, 0.34, 0.34 * 10.4 / 4.6))
    view.set(xlim=(0, 224), ylim=(224, 0), xticks=[], yticks=[], aspect="equal")
    view.spines[:].set_color(LINE)
    view.set_title("an image of 224×224, and what one unit sees", fontsize=9.5, color=GREY)
    from matplotlib.patches import Rectangle

    pools = [(w.name, s) for w, s in zip(windows, sizes, strict=True) if "pool" in w.name]
    for (name, size), colour in zip(reversed(pools), (RED, ORANGE, GREEN, BLUE, INK), strict=True):
        corner = 112 - size / 2
        view.add_patch(Rectangle((corner, corner), size, size, facecolor="white", edgecolor=colour, linewidth=1.6))
        if size > 20:
            view.text(112, corner + 7, f"{name}: {size}", ha="center", va="center", color=colour, fontsize=8.5)
    small = ", ".join(f"{name}: {size}" for name, size in pools if size <= 20)
    view.text(112, 148, small, ha="center", va="center", color=GREY, fontsize=8)
    return sheet
