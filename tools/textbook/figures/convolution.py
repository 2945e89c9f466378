"""Figures of convolution: step by step, and as a sum of responses to impulses."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigraph as tf
from minigraph.tools.textbook.figures.board import BLUE, GREEN, GREY, INK, ORANGE, RED, Board, window
from minigraph.tools.textbook.figures.compute import Array, convolve, convolve_fully, evaluate

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


def connections() -> Array:
    """Which element of A, numbered from 0, each weight multiplies in each output: [2, 2, 2, 2] by output and weight.

    From the gradient graph: ∂s_ij/∂w_mn is an element of A, and here A holds its elements' numbers.
    """

    def build(a: Any, w: Any) -> Any:
        s = tf.nn.conv2d(a[None, :, :, None], w[::-1, ::-1, None, None], [1, 1, 1, 1], "VALID")[0, :, :, 0]
        return [tf.gradients(s[i, j], w)[0] for i, j in np.ndindex(2, 2)]

    return np.asarray(evaluate(build, np.arange(9).reshape(3, 3), np.ones((2, 2)))).astype(int).reshape(2, 2, 2, 2)


def forward_and_back() -> Any:
    """A 3×3 map and a 2×2 kernel: each output, and each weight's gradient from δ = ∂L/∂S."""
    seen = connections()
    a = np.array([[f"a{r}{c}" for c in (1, 2, 3)] for r in (1, 2, 3)])
    w, s, delta = (np.array([[f"{n}{r}{c}" for c in (1, 2)] for r in (1, 2)]) for n in ("w", "s", "δ"))
    board = Board(34, 18, cell=0.42)
    board.grid(1, 1.6, a, title="A")
    board.text(4.7, 3.1, "∗", size=13)
    board.grid(5.4, 2.1, w, dict.fromkeys(window(0, 0, 2, 2), ORANGE), title="W")
    board.text(8.1, 3.1, "=", size=13)
    board.grid(8.8, 2.1, s, dict.fromkeys(window(0, 0, 2, 2), GREEN), title="S")
    note = (
        "W lies flipped over A; each output is a sum of four products.\n"
        "Each weight takes part in all four outputs, so its gradient is a sum of four, too."
    )
    board.text(12, 3.1, note, INK, 10, "left")
    for n, (i, j) in enumerate(np.ndindex(2, 2)):
        x, top = 1 + 8.4 * n, 6.6
        places = {divmod(int(v), 3): (int(r), int(c)) for (r, c), v in np.ndenumerate(seen[i, j])}
        cells = a.astype(object)
        for (r, c), at in places.items():
            cells[r, c] = f"{a[r, c]}\n·{w[at]}"
        board.grid(x, top, cells, dict.fromkeys(places, BLUE), set(np.ndindex(3, 3)) - set(places), size=8)
        board.frame(x + j, top + i, 2, 2, ORANGE)
        board.text(x + 3.4, top + 1.5, "Σ =", GREY, 9, "left")
        board.grid(x + 5, top + 1, [[s[i, j]]], {(0, 0): GREEN})
    for n, (m, k) in enumerate(np.ndindex(2, 2)):
        x, top = 1 + 8.4 * n, 12
        places = {divmod(int(v), 3): (int(r), int(c)) for (r, c), v in np.ndenumerate(seen[:, :, m, k])}
        cells = a.astype(object)
        for (r, c), at in places.items():
            cells[r, c] = f"{a[r, c]}\n·{delta[at]}"
        board.grid(x, top, cells, dict.fromkeys(places, BLUE), set(np.ndindex(3, 3)) - set(places), size=8)
        board.text(x + 3.4, top + 1.5, "Σ =", GREY, 9, "left")
        board.text(x + 5, top + 1.5, f"∂L/∂{w[m, k]}", RED, 10, "left")
    board.text(1, 5.6, "forward", GREY, 10, "left")
    board.text(1, 11.1, "backward", GREY, 10, "left")
    rest = "The gradient of the input, ∂L/∂A, is δ with zeros around it, cross-correlated with W."
    board.text(1, 16.8, rest, INK, 10, "left")
    return board.sheet
