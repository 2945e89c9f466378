"""Figures of signals and kernels: sampling, quantisation, kernels as surfaces of grey, gradients by direction."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigraph as tf
from minigraph import filters
from minigraph.tools.textbook.figures.board import BLUE, GREY, INK, LINE, ORANGE, new_sheet, plain_axes
from minigraph.tools.textbook.figures.compute import Array, evaluate
from minigraph.tools.textbook.figures.panels import Panel, draw_rows

SAMPLES, LEVELS = 20, 8
STEPS = (1, 4, 8)  # between the samples of the image
GREYS = (16, 4, 2)


def wave(t: Array) -> Array:
    """A smooth signal between 0 and 1, for t in [0, 1]."""
    return 0.5 + 0.3 * np.sin(2 * np.pi * t) + 0.15 * np.sin(6 * np.pi * t + 1)


def quantise(x: Any, levels: int) -> Any:
    """The nearest of `levels` equally spaced values from 0 to 1."""
    return tf.round(x * (levels - 1.0)) / (levels - 1.0)


def ball(size: int = 64) -> Array:
    """A shaded ball, its values from 0 to 1: [size, size]."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    depth = np.sqrt(np.clip(0.7 - x * x - y * y, 0, None))
    light: Array = np.clip((-0.5 * x - 0.6 * y + 0.75 * depth) / 0.9, 0.05, 1)
    return np.where(depth > 0, light, 0.12 + 0.1 * (y + 1))


def scene(size: int = 72) -> Array:
    """A disc, a square and a bar: edges in all directions, 0 to 255."""
    y, x = np.mgrid[0:size, 0:size] / (size - 1)
    image = np.full((size, size), 60.0)
    image[(x - 0.3) ** 2 + (y - 0.32) ** 2 < 0.05] = 220
    image[(abs(x - 0.76) < 0.14) & (abs(y - 0.3) < 0.16)] = 150
    image[abs(y - 0.5 * x - 0.55) < 0.05] = 240
    return image


def sampling() -> Any:
    """A signal that is sampled, then quantised; and an image with fewer samples, and with fewer levels."""
    times = np.arange(SAMPLES) / (SAMPLES - 1)
    fine = np.linspace(0, 1, 400)
    quantised = evaluate(lambda x: quantise(x, LEVELS), wave(times))
    sheet = new_sheet(11.2, 5.7)
    titles = ("continuous", f"sampled: {SAMPLES} instants", f"quantised: {LEVELS} levels")
    for i, title in enumerate(titles):
        axes = plain_axes(sheet, (0.05 + 0.32 * i, 0.55, 0.27, 0.38))
        axes.set(xlim=(-0.03, 1.03), ylim=(0, 1), xticks=[], title="")
        axes.set_title(title, fontsize=9.5, color=GREY)
        axes.plot(fine, wave(fine), color=BLUE if i == 0 else LINE, linewidth=1.6)
        if i:
            values, colour = (wave(times), BLUE) if i == 1 else (quantised, ORANGE)
            axes.vlines(times, 0, values, color=colour, linewidth=1)
            axes.plot(times, values, "o", color=colour, markersize=4)
        axes.set_yticks(np.arange(LEVELS) / (LEVELS - 1) if i == 2 else [0, 0.5, 1])
        axes.set_yticklabels([str(n) for n in range(LEVELS)] if i == 2 else ["0", "0.5", "1"])
    image = ball()
    panels = [(f"{len(image) // s}×{len(image) // s} samples", image[::s, ::s]) for s in STEPS]
    panels += [(f"{n} levels", evaluate(lambda x, n=n: quantise(x, n), image)) for n in GREYS]
    for i, (title, picture) in enumerate(panels):
        axes = sheet.add_axes((0.015 + 0.165 * i, 0.04, 0.15, 0.15 * 11.2 / 5.7))
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(LINE)
        axes.set_title(title, fontsize=9.5, color=GREY)
    sheet.text(0.015, 0.42, "An image: fewer samples (left), fewer levels of grey (right)", color=INK, fontsize=10.5)
    return sheet


def kernels() -> Any:
    """Kernels as pictures, red above and blue below 0, with their sums."""
    shown = {
        "identity": filters.identity_kernel(5),
        "mean 5×5": filters.mean_kernel(5),
        "Gaussian, σ = 2": filters.gaussian_kernel(2.0, 9),
        "high-pass": filters.identity_kernel(9) - filters.gaussian_kernel(2.0, 9),
        "backward difference": np.pad(filters.BACKWARD, ((1, 1), (0, 0))),
        "forward difference": np.pad(filters.FORWARD, ((1, 1), (0, 0))),
        "Sobel, along the columns": filters.SOBEL_X,
        "Sobel, along the rows": filters.SOBEL_Y,
    }
    columns = 4
    sheet = new_sheet(11.2, 6.5)
    for i, (title, kernel) in enumerate(shown.items()):
        row, column = divmod(i, columns)
        axes = sheet.add_axes((0.02 + 0.245 * column, 0.535 - 0.5 * row, 0.225, 0.225 * 11.2 / 6.5))
        largest = float(np.abs(kernel).max())
        limit = min(largest, -3 * float(kernel.min())) if kernel.min() < 0 else largest  # so that a faint rim shows
        axes.imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(LINE)
        axes.set_title(f"{title}; sum {round(float(kernel.sum()), 9) + 0.0:.3g}", fontsize=9.5, color=GREY)
        if len(kernel) <= 5:
            for (r, c), value in np.ndenumerate(kernel):
                ink = "white" if abs(value) > 0.6 * largest else INK
                axes.text(c, r, f"{value:.3g}".replace("-", "−"), ha="center", va="center", color=ink, fontsize=9)
    return sheet


def gradients() -> Any:
    """The responses along the columns and along the rows, apart, and their magnitude; by differences and by Sobel."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(scene()[None, :, :, None], tf.float32)
        across = filters.convolve(x, filters.CENTRAL)
        down = filters.convolve(x, filters.CENTRAL.T)
        by_sobel = [filters.sobel_x(x), filters.sobel_y(x), filters.sobel(x)]
        found = session.run([x, across, down, filters.gradient(x), *by_sobel])
    image, gx, gy, magnitude, sx, sy, sobel = (v[0, :, :, 0] for v in found)
    rows = [
        [
            Panel("image", image),
            Panel(f"{name}: along the columns, Gx", one, "RdBu_r", (-limit, limit)),
            Panel(f"{name}: along the rows, Gy", two, "RdBu_r", (-limit, limit)),
            Panel("magnitude √(Gx² + Gy²)", size, "gray", (0, limit)),
        ]
        for name, one, two, size, limit in (
            ("central differences", gx, gy, magnitude, float(magnitude.max())),
            ("Sobel", sx, sy, sobel, float(sobel.max())),
        )
    ]
    return draw_rows(rows, 2.7)
