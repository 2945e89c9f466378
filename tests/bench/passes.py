"""Time the training step of mnist-cnn (batch 256, Adam 0.01, keep_prob 0.75) with the passes and without.

    python tests/bench/passes.py [--rounds 15] [--disable winograd]

O0, O3, and O3 without each pass named by --disable take their steps in turn in one process; medians are of the rounds
after the warm-up.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.data import load
from minigraph.models.registry import get_model
from minigraph.tools.shared.train import build_network

BATCH = 256
WARM_UP = 3
Step = Callable[[], float]


def batch() -> tuple[np.ndarray, np.ndarray]:
    """The first 256 digits of the sample: float32 [256, 784], one-hot float32 [256, 10]."""
    data = load()
    return data.train_images[:BATCH], data.train_labels[:BATCH]


def make(optimize: str, disabled: Sequence[str] = ()) -> tuple[tf.Session, Step]:
    network = build_network(get_model("mnist-cnn"), stddev=1.0, learning_rate=0.01, seed=1)
    session = tf.Session(graph=network.graph, optimize=optimize, disable_passes=disabled)
    session.run(network.initialise)
    images, labels = batch()
    feeds = {network.images: images, network.labels: labels, network.keep_prob: 0.75}
    return session, lambda: float(session.run([network.train_step, network.loss], feeds)[1])


def largest(session: tf.Session) -> Any:
    """The plan of the training step."""
    return max(session._runner.cache.plans, key=lambda plan: plan.peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--disable", action="append", default=[], metavar="PASS")
    options = parser.parse_args()
    made = {"O0": make("O0"), "O3": make("O3")}
    made |= {f"O3 without {name}": make("O3", [name]) for name in options.disable}
    seconds: dict[str, list[float]] = {name: [] for name in made}
    losses: dict[str, float] = {}
    gc.disable()
    for turn in range(WARM_UP + options.rounds):
        for name, (_, step) in made.items():
            started = time.perf_counter()
            losses[name] = step()
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - started)

    base, peak = statistics.median(seconds["O0"]), largest(made["O0"][0]).peak
    print(f"{'':24} {'median':>9} {'fastest':>9} {'O0 / it':>8} {'launches':>9} {'planned peak':>17} {'loss':>9}")
    for name, times in seconds.items():
        plan, median = largest(made[name][0]), statistics.median(times)
        print(
            f"{name:24} {median * 1e3:6.0f} ms {min(times) * 1e3:6.0f} ms {base / median:7.2f}x {len(plan.steps):9}"
            f" {plan.peak / 1e6:6.1f} MB ({plan.peak / peak:.2f}x) {losses[name]:9.0f}"
        )


if __name__ == "__main__":
    main()
