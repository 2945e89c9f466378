"""The chapter's filters at work on digits, with and without noise."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigraph as tf
from minigraph import filters
from minigraph.tools.textbook.figures.compute import Array
from minigraph.tools.textbook.figures.panels import Panel, draw_rows

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
    drawn = [Panel(title, value[0, :, :, 0]) for title, value in zip(panels, values, strict=True)]
    return draw_rows([drawn[i : i + COLUMNS] for i in range(0, len(drawn), COLUMNS)], 2.6)
