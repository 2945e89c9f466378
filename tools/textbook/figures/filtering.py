"""The chapter's filters at work on digits, with and without noise."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigraph as tf
from minigraph import filters
from minigraph.tools.textbook.figures.board import GREY, LINE, new_sheet
from minigraph.tools.textbook.figures.compute import Array

COLUMNS = 4


def _digits() -> Array:
    """Six test digits side by side in two rows, 0 to 255: float32 [1, 56, 84, 1]."""
    from minigraph.data import load

    images = load().test_images[:6].reshape(2, 3, 28, 28)
    sheet: Array = 255.0 * images.transpose(0, 2, 1, 3).reshape(1, 56, 84, 1).astype(np.float32)
    return sheet


def outputs() -> Any:
    """Each filter's result; denoising filters beside the noisy image."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(_digits())
        noisy = filters.add_gaussian_noise(x, 900.0, seed=1)
        peppered = filters.add_salt_and_pepper(x, 2 / 21, seed=2)
        panels = {
            "image": x,
            "Gaussian noise": noisy,
            "mean of the noisy image": filters.mean(noisy),
            "Wiener of the noisy image": filters.wiener(noisy),
            "salt and pepper": peppered,
            "median of it": filters.median(peppered),
            "Gaussian": filters.gaussian(x, 1.5),
            "sharpened": filters.sharpen(x),
            "gradient": filters.gradient(x),
            "Sobel, a quarter": 0.25 * filters.sobel(x),
            "Canny": 255.0 * tf.cast(filters.canny(x), tf.float32),
            "high-pass": 128.0 + 0.5 * filters.high_pass(x),
        }
        values = session.run(list(panels.values()))
    rows = -(-len(panels) // COLUMNS)
    sheet = new_sheet(11.2, 2.05 * rows)
    for i, (title, value) in enumerate(zip(panels, values, strict=True)):
        row, column = divmod(i, COLUMNS)
        left, bottom = (column + 0.03) / COLUMNS, 1 - (row + 0.97) / rows
        axes = sheet.add_axes((left, bottom, 0.94 / COLUMNS, 0.82 / rows))
        axes.imshow(value[0, :, :, 0], cmap="gray", vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(LINE)
        axes.set_title(title, fontsize=9.5, color=GREY)
    return sheet
