"""Figures of whole layers: shared weights, saturation, thinned networks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.tools.textbook.figures.board import (
    BLUE,
    FILLS,
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
from minigraph.tools.textbook.figures.compute import evaluate


def weights() -> Any:
    """Weights of a full connection and of shared filters, counted from the shapes of the variables."""
    sizes = [4, 8, 16, 32, 64]
    sheet = new_sheet(7.2, 4.2)
    axes = plain_axes(sheet, (0.11, 0.14, 0.62, 0.78))
    full = [count_weights([n * n, n * n]) for n in sizes]
    axes.plot(sizes, full, color=RED, marker="o")
    axes.text(
        sizes[-1] * 1.15, full[-1], f"full connection: k²n²\n{full[-1]:,} at k = n = 64", color=RED, va="center", size=9
    )
    for side, colour in ((5, BLUE), (3, GREEN)):
        shared = [count_weights([side, side, 1, 1])] * len(sizes)
        axes.plot(sizes, shared, color=colour, marker="o")
        label = f"filter {side}×{side}: {shared[0]}"
        axes.text(sizes[-1] * 1.15, shared[0], label, color=colour, va="center", size=9)
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(sizes, [str(n) for n in sizes], minor=False)
    axes.minorticks_off()
    axes.set_xlabel("n: an n×n map to a k×k map, here k = n", color=INK, fontsize=9.5)
    axes.set_ylabel("weights", color=INK, fontsize=9.5)
    return sheet


def count_weights(*shapes: list[int]) -> int:
    """Elements of trainable variables of these shapes."""
    with tf.Graph().as_default():
        for shape in shapes:
            tf.Variable(tf.zeros(shape))
        return sum(v.value().type.size for v in tf.trainable_variables())


def saturation() -> Any:
    """The sigmoid and its derivative, from the graph and its gradient graph."""
    x = np.linspace(-8, 8, 321)
    y, slope = evaluate(lambda t: (tf.sigmoid(t), tf.gradients(tf.sigmoid(t), t)[0]), x)
    flat = slope < 0.02
    sheet = new_sheet(7.6, 4)
    axes = plain_axes(sheet, (0.08, 0.12, 0.88, 0.8))
    for side in (x[flat & (x < 0)], x[flat & (x > 0)]):
        axes.axvspan(side[0], side[-1], color=FILLS[ORANGE], alpha=0.6, linewidth=0)
        axes.text(side.mean(), 0.5, "saturated:\nslope below 0.02", ha="center", va="center", color=ORANGE, fontsize=9)
    axes.plot(x, y, color=BLUE, linewidth=2)
    axes.plot(x, slope, color=GREEN, linewidth=2)
    axes.text(1.3, 0.9, "σ(x)", color=BLUE, fontsize=11, ha="right")
    axes.text(0.5, 0.28, f"σ′(x), at most {slope.max():.2f}", color=GREEN, fontsize=11)
    axes.set(xlim=(-8, 8), ylim=(-0.02, 1.02))
    return sheet


def thinned() -> Any:
    """All 2^N networks that dropout makes of one with N = 3 hidden units, with their probabilities."""
    board = Board(25, 11.6)
    masks = list(itertools.product([1, 0], repeat=3))
    for i, mask in enumerate(masks):
        x, y = 0.6 + 6.2 * (i % 4), 0.8 + 5.8 * (i // 4)
        _network(board, x, y, mask)
        kept = sum(mask)
        factors = [f"p^{kept}"] * (kept > 0) + [f"(1−p)^{3 - kept}"] * (kept < 3)
        board.text(x + 2.5, y + 4.4, " · ".join(factors).replace("^1", "").replace("^2", "²").replace("^3", "³"), GREY)
    return board.sheet


def _network(board: Board, x: float, y: float, mask: tuple[int, ...]) -> None:
    from matplotlib.patches import Circle

    inputs = [(x + 0.5, y + 1), (x + 0.5, y + 2.6)]
    hidden = [(x + 2.5, y + 0.4 + 1.4 * i) for i in range(3)]
    output = (x + 4.5, y + 1.8)
    for unit, kept in zip(hidden, mask, strict=True):
        for other in (*inputs, output):
            colour, dashes = (BLUE, "-") if kept else (LINE, ":")
            board.axes.plot([unit[0], other[0]], [unit[1], other[1]], dashes, color=colour, linewidth=1, zorder=1)
    for place, kept in [*((p, 1) for p in inputs), *zip(hidden, mask, strict=True), (output, 1)]:
        edge, fill = (BLUE, FILLS[BLUE]) if kept else (LINE, "white")
        board.axes.add_patch(Circle(place, 0.42, facecolor=fill, edgecolor=edge, linewidth=1.2, zorder=2))
        if not kept:
            board.text(*place, "×", RED, 12, zorder=3)
