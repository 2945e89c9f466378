"""Figures of translation and convolution: the two commute, but where the border of the image takes part."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.tools.textbook.figures.board import BLUE, GREEN, GREY, INK, ORANGE, Board, Place, window
from minigraph.tools.textbook.figures.compute import Array, convolve
from minigraph.tools.textbook.figures.panels import Panel, draw_rows

EDGES = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
INSIDE, OUTSIDE = (6, 6), (6, 17)  # rows down, columns to the right: the second moves ink over the border
BLOCK_SHIFT = (1, 1)


def digit() -> Array:
    """A test digit with ink 1 on paper 0, and a wide margin: float64 [38, 38]."""
    from minigraph.data import load

    image: Array = np.pad(load().test_images[3].reshape(28, 28).astype(np.float64), 5)
    return image


def numbers() -> Array:
    """The example's 5×5 image of random numbers. Its 3×3 block at the top left is 44 47 64, 9 83 21, 70 88 88."""
    return np.random.RandomState(0).randint(0, 100, (5, 5)).astype(np.float64)


def translate(image: Array, shift: tuple[int, int]) -> Array:
    """The image moved down and to the right; zeros come in."""
    moved = np.zeros_like(image)
    moved[shift[0] :, shift[1] :] = image[: len(image) - shift[0], : image.shape[1] - shift[1]]
    return moved


def both_orders(image: Array, kernel: Array, shift: tuple[int, int]) -> tuple[Array, Array]:
    """The moved image convolved, and the convolved image moved."""
    return convolve(translate(image, shift), kernel, "SAME"), translate(convolve(image, kernel, "SAME"), shift)


def equivariance() -> Any:
    """Translation and convolution in either order, and where the results differ."""
    x = digit()
    rows = []
    for shift, verdict in ((INSIDE, "the digit stays inside"), (OUTSIDE, "the border cuts the digit")):
        after, before = both_orders(x, EDGES, shift)
        gap = float(np.abs(after - before).max())
        difference = f"the difference: at most {gap:.3g}" if gap else "the difference: none"
        rows.append([
            Panel("x", x, "gray_r", (0, 1)),
            Panel(f"f(x): moved; {verdict}", translate(x, shift), "gray_r", (0, 1)),
            Panel("g(f(x)): moved, then convolved", after, "RdBu", (-4, 4)),
            Panel("f(g(x)): convolved, then moved", before, "RdBu", (-4, 4)),
            Panel(difference, after - before, "RdBu", (-4, 4)),
        ])  # fmt: skip
    return draw_rows(rows)


def block_sums() -> Any:
    """The sum of a 3×3 block, before and after a shift: 514 where the window lies inside, less at the border."""
    x = numbers()
    ones = np.ones((3, 3))
    sums = convolve(x, ones, "SAME")
    after, before = both_orders(x, ones, BLOCK_SHIFT)
    differ: set[Place] = {(int(r), int(c)) for r, c in zip(*np.nonzero(after != before), strict=True)}
    down, right = BLOCK_SHIFT
    block = dict.fromkeys(window(0, 0, 3, 3), BLUE)
    moved = dict.fromkeys(window(down, right, 3, 3), BLUE)
    board = Board(25, 14.4, cell=0.4)
    board.grid(1, 1.4, x, block, title="x, with the block A")
    board.arrow((6.6, 3.9), (9.2, 3.9))
    board.text(7.9, 3.3, "g: 3×3 sums", GREY, 9)
    board.grid(9.8, 1.4, sums, {(0, 0): ORANGE, (1, 1): GREEN}, title="g(x)")
    terms = " + ".join(f"{v:g}" for v in x[:3, :3].flat)
    board.text(15.4, 2.6, f"A: {terms}\n    = {sums[1, 1]:g}", GREEN, 10, "left")
    corner = " + ".join(f"{v:g}" for v in x[:2, :2].flat)
    border = f"at the border, where zeros fill the window:\n    {corner} = {sums[0, 0]:g}"
    board.text(15.4, 4.6, border, ORANGE, 10, "left")
    board.text(3.5, 7, f"f: moved by {down} down and {right} to the right", GREY, 9)
    board.arrow((3.5, 7.4), (3.5, 8.1))
    faint = {(r, c) for r, c in np.ndindex(5, 5) if r < down or c < right}
    board.grid(1, 8.9, translate(x, BLOCK_SHIFT), moved, faint, title="f(x)")
    board.arrow((6.6, 11.4), (9.2, 11.4))
    board.text(7.9, 10.8, "g", GREY, 9)
    place = (1 + down, 1 + right)
    marks = dict.fromkeys(differ, ORANGE) | {place: GREEN}
    board.grid(9.8, 8.9, after, marks, title="g(f(x))")
    board.text(15.2, 11.4, "differ at\nthe border" if differ else "=", ORANGE if differ else INK, 9, "left")
    board.grid(18.6, 8.9, before, marks, title="f(g(x))")
    return board.sheet
