"""Figures of pooling and padding: gradients, small shifts, and where zeros are added."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.ops.window import explicit_padding, output_size
from minigraph.tools.textbook.figures.board import BLUE, GREEN, GREY, INK, ORANGE, RED, Board, Place
from minigraph.tools.textbook.figures.compute import pool, pool_gradient

MAP = np.array([[1, 3, 2, 2], [4, 2, 2, 2], [0, 5, 7, 1], [6, 1, 8, 9]])
DELTA = np.array([[4, 8], [-4, 12]])
COLOURS = (BLUE, GREEN, ORANGE, RED)


def _quarters(size: int = 4) -> dict[Place, str]:
    """Each window's cells in a different colour."""
    half = size // 2
    return {(r, c): COLOURS[r // half * 2 + c // half] for r in range(size) for c in range(size)}


def gradients() -> Any:
    """Where max and average pooling send the gradient; the window at the top right has ties."""
    board = Board(21.2, 12.6)
    small = {(r, c): COLOURS[2 * r + c] for r in range(2) for c in range(2)}
    for row, (kind, name) in enumerate((("max_pool", "max pooling"), ("avg_pool", "average pooling"))):
        top = 1.6 + 6 * row
        gradient = pool_gradient(MAP, DELTA, kind)
        board.grid(1, top, MAP, _quarters(), title="A")
        board.arrow((5.4, top + 2), (7.2, top + 2))
        board.text(6.3, top + 1.5, name, GREY, 8)
        board.grid(7.6, top + 1, pool(MAP, kind), small, title="S")
        board.grid(11.6, top + 1, DELTA, small, title="δ = ∂L/∂S")
        board.arrow((14, top + 2), (15.6, top + 2))
        coloured = {p: c for p, c in _quarters().items() if gradient[p]}
        board.grid(16, top, gradient, coloured, set(np.ndindex(4, 4)) - set(coloured), title="∂L/∂A")
    return board.sheet


def invariance() -> Any:
    """Max pooling hides a shift inside a window, and shows one across its border."""
    board = Board(22.4, 10.4)
    before = np.zeros((4, 4))
    before[0, 0], before[2, 0] = 5, 7
    cases = (
        ("the map", before, ""),
        ("shifted by 1 to the right", np.roll(before, 1, axis=1), "the same: invariant"),
        ("shifted by 1 once more", np.roll(before, 2, axis=1), "changed: not invariant"),
    )
    reference = pool(before, "max_pool")
    for i, (title, image, verdict) in enumerate(cases):
        x = 1.4 + 7.8 * i
        marked = {p: BLUE for p, v in np.ndenumerate(image) if v}
        board.grid(x, 1.4, image, marked, set(np.ndindex(4, 4)) - set(marked), title)
        for corner in np.ndindex(2, 2):
            board.frame(x + 2 * corner[1], 1.4 + 2 * corner[0], 2, 2, GREY)
        board.arrow((x + 2, 5.7), (x + 2, 6.7))
        pooled = pool(image, "max_pool")
        changed = bool(np.any(pooled != reference))
        colour = RED if changed else GREEN
        board.grid(x + 1, 7, pooled, {p: colour for p, v in np.ndenumerate(pooled) if v})
        board.text(x + 2, 9.6, verdict, colour, 10)
    return board.sheet


PADDINGS = ((5, 3, 1, "SAME"), (6, 2, 1, "SAME"), (6, 3, 2, "SAME"), (12, 3, 2, "VALID"), (12, 3, 2, "SAME"))


def padding() -> Any:
    """Rows of elements with the windows over them: zeros that SAME adds, and elements that VALID leaves out."""
    heights = [1.9 + 0.32 * int(output_size(n, k, s, 1, p) or 0) for n, k, s, p in PADDINGS]
    board = Board(23.4, sum(heights) + 0.8)
    top = 0.6
    for (length, kernel, stride, kind), height in zip(PADDINGS, heights, strict=True):
        _strip(board, top, length, kernel, stride, kind)
        top += height
    return board.sheet


def _strip(board: Board, top: float, length: int, kernel: int, stride: int, kind: str) -> None:
    before, after = explicit_padding(length, kernel, stride, 1, kind)
    count = int(output_size(length, kernel, stride, 1, kind) or 0)
    cells = ["0"] * before + [str(i + 1) for i in range(length)] + ["0"] * after
    zeros = {(0, c): ORANGE for c in range(len(cells)) if not before <= c < before + length}
    unseen = {(0, c) for c in range((count - 1) * stride + kernel, len(cells))}
    zero_text = f"{before} before, {after} after" if kind == "SAME" else "no zeros"
    board.text(0.5, top + 0.3, f"L = {length}, K = {kernel}, S = {stride}", INK, 10, "left")
    board.text(0.5, top + 0.95, f"{kind}: {zero_text} → {count}", GREY, 10, "left")
    x = 9.2 - before
    board.grid(x, top, [cells], zeros, unseen)
    for i in range(count):
        y = top + 1.25 + 0.32 * i
        start = x + i * stride
        colour = COLOURS[i % 2]
        board.axes.plot([start + 0.12, start + kernel - 0.12], [y, y], color=colour, linewidth=3, solid_capstyle="butt")
