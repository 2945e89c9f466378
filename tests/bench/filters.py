"""Time filters of one 512x512 photograph, in ms, beside SciPy and scikit-image, and tell how far the results differ.

The convolutions are with kernels of random numbers, which nothing can separate. Times are medians, and the least, of
rounds that alternate between the two; minigraph's are of whole `Session.run` calls, feed and fetch included. The last
column is the largest difference, over the largest value; of Canny, the share of pixels that differ.

    python tests/bench/filters.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import skimage.data
from scipy import ndimage, signal
from skimage import feature

import minigraph as tf
from minigraph import filters as F

IMAGE = np.asarray(skimage.data.camera(), np.float32)


class Case(NamedTuple):
    name: str
    build: Callable[[tf.Tensor], tf.Tensor]
    peer: Callable[[], np.ndarray]


def convolution(size: int) -> Case:
    kernel = np.random.RandomState(size).randn(size, size).astype(np.float32)
    return Case(
        f"convolution {size}x{size}",
        lambda x: tf.nn.convolve2d(x, kernel, "same"),
        lambda: signal.convolve2d(IMAGE, kernel, "same"),
    )


CASES = [
    convolution(3),
    convolution(20),
    Case("mean 3x3", F.mean, lambda: ndimage.uniform_filter(IMAGE, 3)),
    Case("gaussian", lambda x: F.gaussian(x, 2.0), lambda: ndimage.gaussian_filter(IMAGE, 2.0)),
    Case("sobel", F.sobel, lambda: np.hypot(ndimage.sobel(IMAGE, 0), ndimage.sobel(IMAGE, 1))),
    Case("median 3x3", F.median, lambda: ndimage.median_filter(IMAGE, 3, mode="nearest")),
    Case("median 5x5", lambda x: F.median(x, 5), lambda: ndimage.median_filter(IMAGE, 5, mode="nearest")),
    Case("wiener 5x5", lambda x: F.wiener(x, 5, border="zero"), lambda: signal.wiener(IMAGE.astype(np.float64), 5)),
    Case("canny", F.canny, lambda: feature.canny(IMAGE / 255, 1.0, 0.1, 0.2, mode="reflect")),
]


def timed(call: Callable[[], Any]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = call()
    return 1e3 * (time.perf_counter() - start), result


def measure(case: Case, rounds: int) -> None:
    with tf.Graph().as_default(), tf.Session() as session, np.errstate(all="ignore"):
        x = tf.placeholder(tf.float32, [1, *IMAGE.shape, 1])
        y, feed = case.build(x), {x: IMAGE[None, :, :, None]}
        times: list[list[float]] = [[], []]
        for _ in range(rounds + 1):
            for each, call in zip(times, (lambda: session.run(y, feed), case.peer), strict=True):
                each.append(timed(call)[0])
        got, want = session.run(y, feed)[0, :, :, 0], case.peer()
    apart = np.abs(got.astype(np.float64) - want)
    difference = apart.mean() if got.dtype == bool else apart.max() / np.abs(want).max()
    ours, theirs = (statistics.median(t[1:]) for t in times)
    least = [min(t) for t in times]
    print(
        f"{case.name:<20}{ours:9.2f}{least[0]:9.2f}{theirs:10.2f}{least[1]:9.2f}{ours / theirs:7.2f}{difference:10.1e}"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"{'filter':<20}{'ms':>9}{'least':>9}{'peer ms':>10}{'least':>9}{'ratio':>7}{'apart':>10}")
    for case in CASES:
        measure(case, rounds)


if __name__ == "__main__":
    main()
