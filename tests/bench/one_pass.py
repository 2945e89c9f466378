"""Time a network with all passes and without some of them, in turn in one process.

    python tests/bench/one_pass.py squeezenet 8 inference fuse_concat [--seconds 10]

Prints both medians and fastest tenths in ms, their ratios, the launches and the planned peaks.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import minigraph as tf
from minigraph.models.classifier import classifier
from minigraph.models.registry import get_model

WARM_UP = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("batch", type=int)
    parser.add_argument("mode", choices=("inference", "training"))
    parser.add_argument("disable", nargs="+", metavar="PASS")
    parser.add_argument("--size", type=int, help="rows and columns of the images")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    training = options.mode == "training"
    net = classifier(get_model(options.model), training, image_size=options.size)
    images = np.random.RandomState(0).rand(options.batch, *net.images.shape.as_list()[1:]).astype(np.float32)
    classes = net.labels.shape[1].value
    labels = np.eye(classes, dtype=np.float32)[np.arange(options.batch) % classes]
    feed = {net.images: images, net.labels: labels} if training else {net.images: images}
    what = [net.loss, net.train] if training else net.logits
    sessions = [tf.Session(graph=net.graph, disable_passes=disabled) for disabled in ((), options.disable)]
    with net.graph.as_default():
        initialise = tf.global_variables_initializer()
    seconds: list[list[float]] = [[], []]
    for session in sessions:
        session.run(initialise)
        for _ in range(WARM_UP):
            session.run(what, feed)
    end = time.perf_counter() + options.seconds
    while time.perf_counter() < end:
        for session, times in zip(sessions, seconds, strict=True):
            started = time.perf_counter()
            session.run(what, feed)
            times.append(time.perf_counter() - started)
    medians, tenths = ([1e3 * f(t) for t in seconds] for f in (statistics.median, lambda t: sorted(t)[len(t) // 10]))
    plans = [session.plan_for(what, feed)[0] for session in sessions]
    for name, (a, b) in (("median", medians), ("fastest tenth", tenths)):
        print(f"{name:14} {a:8.3f} ms, without {b:8.3f} ms, ratio {a / b:.3f}")
    print("launches", *[len(p.steps) for p in plans], "planned peak", *[f"{p.peak / 1e6:.2f} MB" for p in plans])


if __name__ == "__main__":
    main()
