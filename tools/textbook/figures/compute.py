"""The numbers in the figures, computed by minigraph's graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf

Array = np.ndarray[Any, Any]


def evaluate(build: Callable[..., Any], *arrays: Any) -> Any:
    """Run the graph that `build` makes from float64 constants."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build(*(tf.constant(np.asarray(a, np.float64), tf.float64) for a in arrays)))


def convolve(image: Any, kernel: Any, padding: Any) -> Array:
    """True convolution of two matrices: cross-correlation with the flipped kernel. padding: SAME or pairs."""

    def build(x: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
        flipped = h[::-1, ::-1, None, None]
        maps: tf.Tensor = tf.nn.conv2d(x[None, :, :, None], flipped, [1, 1, 1, 1], padding)[0, :, :, 0]
        return maps

    result: Array = evaluate(build, image, kernel)
    return result


def convolve_fully(image: Any, kernel: Any) -> Array:
    """All places where image and kernel overlap at all."""
    rows, columns = np.shape(kernel)
    return convolve(image, kernel, ((rows - 1, rows - 1), (columns - 1, columns - 1)))


def pool(image: Any, kind: str, size: int = 2) -> Array:
    """max_pool or avg_pool of a matrix, `kind`, over size × size windows side by side."""

    def build(x: tf.Tensor) -> tf.Tensor:
        window = [1, size, size, 1]
        pooled: tf.Tensor = getattr(tf.nn, kind)(x[None, :, :, None], window, window, "VALID")[0, :, :, 0]
        return pooled

    result: Array = evaluate(build, image)
    return result


def pool_gradient(image: Any, delta: Any, kind: str, size: int = 2) -> Array:
    """∂L/∂image for δ = ∂L/∂pooled."""

    def build(x: tf.Tensor, d: tf.Tensor) -> Any:
        window = [1, size, size, 1]
        pooled = getattr(tf.nn, kind)(x[None, :, :, None], window, window, "VALID")[0, :, :, 0]
        return tf.gradients(pooled, x, grad_ys=d)[0]

    result: Array = evaluate(build, image, delta)
    return result
