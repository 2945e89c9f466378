"""Figures of convolution: step by step, and as a sum of responses to impulses."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.tools.textbook.figures.board import BLUE, GREEN, GREY, INK, ORANGE, Board, window
from minigraph.tools.textbook.figures.compute import convolve, convolve_fully

SIGNAL, RESPONSE = [1, 2, 2], [3, 2, 1]
IMAGE, KERNEL = [[4, 5], [2, 3]], [[1, 2], [3, 4]]
NUMBERS = np.arange(1, 50).reshape(7, 7)
MIXED_KERNEL = np.array([[-1, 1, -1], [-2, 3, 1], [2, -4, 0]])
IMPULSES = {(0, 0): 1, (0, 1): 2, (1, 1): 3}  # place (n1, n2) and height


def steps_1d() -> Any:
    """The flipped response slides along the signal."""
    y = convolve_fully([SIGNAL], [RESPONSE])[0]
    board = Board(18.2, 2.9 * len(y) + 1)
    board.text(5.9, 0.5, "x, and below it h flipped", GREY, 9.5)
    flipped, reach = RESPONSE[::-1], len(RESPONSE) - 1
    signal = [0] * reach + SIGNAL + [0] * reach
    padding = {(0, c) for c in range(len(signal)) if not reach <= c < reach + len(SIGNAL)}
    for n, value in enumerate(y):
        top = 1 + 2.9 * n
        covered = window(0, n, 1, len(flipped))
        board.text(1.2, top + 1, f"n = {n}", GREY)
        board.grid(2.4, top, [signal], dict.fromkeys(covered, BLUE), padding - covered)
        board.grid(2.4 + n, top + 1.15, [flipped], {(0, c): ORANGE for c in range(len(flipped))})
        terms = [f"{signal[n + i]}·{h}" for i, h in enumerate(flipped) if n + i not in _columns(padding)]
        board.text(10.1, top + 1, f"y({n}) = {' + '.join(terms)}", align="left")
        board.text(15.7, top + 1, "=", GREY)
        board.grid(16.3, top + 0.5, [[value]], {(0, 0): GREEN})
    return board.sheet


def _columns(places: set[tuple[int, int]]) -> set[int]:
    return {c for _, c in places}


def steps_2d() -> Any:
    """All nine places where a 2×2 kernel overlaps a 2×2 image."""
    y = convolve_fully(IMAGE, KERNEL)
    padded = np.pad(IMAGE, 1)
    flipped = np.array(KERNEL)[::-1, ::-1]
    board = Board(26.5, 19.2)
    board.grid(1, 1.4, IMAGE, title="x")
    board.text(4, 2.4, "∗", size=13)
    board.grid(5, 1.4, KERNEL, title="h")
    board.text(8, 2.4, "→", size=13)
    board.grid(9, 1.4, flipped, dict.fromkeys(window(0, 0, 2, 2), ORANGE), title="h flipped")
    board.text(12.6, 2.4, "y =", size=11)
    board.grid(13.6, 1, y, dict.fromkeys(window(0, 0, 3, 3), GREEN))
    border = window(0, 0, 4, 4) - window(1, 1, 2, 2)
    for (row, column), value in np.ndenumerate(y):
        x, top = 1 + 8.6 * column, 5.2 + 4.8 * row
        covered = window(row, column, 2, 2)
        cells = [[f"{v}" for v in line] for line in padded]
        for r, c in covered:
            cells[r][c] = f"{padded[r, c]}·{flipped[r - row, c - column]}"
        board.grid(x, top, cells, dict.fromkeys(covered, BLUE), border - covered, size=9)
        board.frame(x + column, top + row, 2, 2, ORANGE)
        board.text(x + 4.6, top + 2, "Σ =", GREY)
        board.grid(x + 5.5, top + 1.5, [[value]], {(0, 0): GREEN})
    return board.sheet


def same_size() -> Any:
    """A 7×7 image and a 3×3 kernel, with zeros around the image: three of the 49 places."""
    y = convolve(NUMBERS, MIXED_KERNEL, "SAME")
    padded = np.pad(NUMBERS, 1)
    board = Board(25.4, 32.2, cell=0.36)
    border = window(0, 0, 9, 9) - window(1, 1, 7, 7)
    for step, (row, column) in enumerate(((0, 0), (2, 4), (6, 6))):
        top = 1.4 + 10.4 * step
        covered = window(row, column, 3, 3)
        board.grid(1, top, padded, dict.fromkeys(covered, BLUE), border - covered, "image with zeros around it", 9)
        board.frame(1 + column, top + row, 3, 3, ORANGE)
        flipped = MIXED_KERNEL[::-1, ::-1]
        board.grid(11.6, top + 3, flipped, dict.fromkeys(window(0, 0, 3, 3), ORANGE), title="kernel, flipped", size=9)
        board.arrow((15.2, top + 4.5), (16.4, top + 4.5))
        board.grid(17, top + 1, y, {(row, column): GREEN}, title="output of the same size", size=9)
    return board.sheet


def impulses() -> Any:
    """A signal as a sum of shifted impulses, and its response as the sum of shifted impulse responses."""
    parts = []
    for place, height in IMPULSES.items():
        part = np.zeros((2, 2))
        part[place] = height
        parts.append(part)
    board = Board(21.2, 9.6)
    names = ["δ(n1, n2)", "2·δ(n1, n2−1)", "3·δ(n1−1, n2−1)"]
    board.text(0.5, 1, "The signal x is a sum of impulses:", INK, 11, "left")
    _sum(board, 2.6, [sum(parts), *parts], ["x", *names], 2)
    board.text(0.5, 5.3, f"So its response to h = {KERNEL} is the sum of theirs:", INK, 11, "left")
    responses = [convolve_fully(p, KERNEL) for p in parts]
    _sum(board, 6.2, [convolve_fully(sum(parts), KERNEL), *responses], ["", "", "", ""], 3)
    return board.sheet


def _sum(board: Board, top: float, matrices: list[Any], titles: list[str], size: int) -> None:
    for i, (matrix, title) in enumerate(zip(matrices, titles, strict=True)):
        x = 1 + 5.4 * i + (3 - size) / 2
        colour = GREEN if i == 0 else BLUE
        marked = {place: colour for place, value in np.ndenumerate(matrix) if value}
        board.grid(x, top, matrix, marked, set(np.ndindex(size, size)) - set(marked), title)
        if i:
            board.text(1 + 5.4 * i - 1.2, top + size / 2, "=" if i == 1 else "+", size=13)
